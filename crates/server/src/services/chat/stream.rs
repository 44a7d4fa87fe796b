//! A room as Redis has it: a stream of what happened in it, and who is in it now.
//!
//! | key | what |
//! |---|---|
//! | `socketlab:room:stream` | the entries `0-1`, `0-2`, … without a gap: who joined, said, left |
//! | `socketlab:room:members` | by folded name: whose it is, the entry of joining, the name as written |
//! | `socketlab:room:lines` | by folded name: the number of the member's last line |
//! | `socketlab:room:servers` | the servers, and when the lease of each expires, in Redis' time |
//! | `socketlab:room:format` | the version of all this |
//!
//! Whatever changes it is one of the [`scripts`]. Every entry has the time at which it was written, so
//! that one that Redis lost, and that was written again, is another one.

mod scripts;

use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use proto::chat::{Reason, Text};
use proto::name::Name;
use proto::printable::quoted;

use crate::redis::{Command, Connection, Failure, Reply};
pub use scripts::{Outcome, Scripts};

/// The version of the keys and entries.
const FORMAT: &str = "1";

/// Most entries that are read at once.
const PAGE: &str = "500";

/// How long one call may take: as long as a Redis that works ever needs. Far shorter than a lease.
pub const CALL: Duration = Duration::from_secs(2);

const STREAM: &str = "socketlab:room:stream";
const MEMBERS: &str = "socketlab:room:members";
const LINES: &str = "socketlab:room:lines";
const SERVERS: &str = "socketlab:room:servers";
const FORMAT_KEY: &str = "socketlab:room:format";

/// A member of any server: which server, and the number it has there.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct By {
    /// The server.
    pub server: Arc<str>,
    /// The number that the server gave.
    pub member: u64,
}

/// One entry of the stream.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Its place in the stream. The first has 1, and there are no gaps.
    pub place: u64,
    /// What happened, or why that cannot be read.
    pub what: Result<Happening, String>,
    /// A number by which it can be told from another one at its place.
    pub fingerprint: u64,
}

/// Something that happened.
#[derive(Debug, Clone)]
pub struct Happening {
    /// To whom.
    pub by: By,
    /// The member's name.
    pub name: Name,
    /// What.
    pub kind: Kind,
}

/// What can happen.
#[derive(Debug, Clone)]
pub enum Kind {
    /// The member joined.
    Joined,
    /// The member said its line of this number.
    Said(u64, Text),
    /// The member left.
    Left(Reason),
}

/// A member, as it is listed.
#[derive(Debug, Clone)]
pub struct Present {
    /// The place of the entry of its joining.
    pub order: u64,
    /// Who it is.
    pub by: By,
    /// Its name.
    pub name: Name,
}

/// The room at one moment.
#[derive(Debug)]
pub struct Snapshot {
    /// The place of the last entry, 0 when there is none.
    pub last: u64,
    /// The members, in the order of joining.
    pub members: Vec<Present>,
}

impl Happening {
    /// Whether it is a line that was said.
    pub fn is_said(&self) -> bool {
        matches!(self.kind, Kind::Said(..))
    }
}

/// Sees to it that there is a room in this Redis, of this version.
///
/// # Errors
/// When there is one of another version.
pub fn prepare(connection: &mut Connection) -> Result<(), Failure> {
    connection.call(&["SET", FORMAT_KEY, FORMAT, "NX"], CALL)?;
    let reply = connection.call(&["GET", FORMAT_KEY], CALL)?;
    match reply.text() {
        Some(FORMAT) => Ok(()),
        version => Err(Failure::Unsuitable(format!(
            "the room there has format {}, and this labserver knows {FORMAT}: use another \
             database, or the labserver that made it",
            quoted(version.unwrap_or("none"))
        ))),
    }
}

/// The room as it is now.
///
/// # Errors
/// When it cannot be had.
pub fn snapshot(connection: &mut Connection) -> Result<Snapshot, Failure> {
    let mut scripts = Scripts::default();
    scripts.snapshot();
    connection.send(&scripts.commands, CALL)?;
    let reply = connection.receive()?.accepted()?;
    let read = || {
        let [last, members] = reply.list()? else {
            return None;
        };
        let claims = members.list()?.chunks(2).map(|pair| pair.get(1)?.text());
        let mut members: Vec<Present> =
            claims.map(|claim| present(claim?)).collect::<Option<_>>()?;
        members.sort_by_key(|member| member.order);
        Some(Snapshot {
            last: place(last)?,
            members,
        })
    };
    read().ok_or_else(|| Failure::unexpected(&reply))
}

fn present(claim: &str) -> Option<Present> {
    let mut words = claim.split(' ');
    Some(Present {
        by: words.next()?.parse().ok()?,
        order: words.next()?.parse().ok()?,
        name: words.next()?.parse().ok()?,
    })
}

/// The entries from one place to another; a page of them at most.
///
/// # Errors
/// When they cannot be had.
pub fn range(connection: &mut Connection, from: u64, to: u64) -> Result<Vec<Entry>, Failure> {
    let (from, to) = (id(from), id(to));
    let command = ["XRANGE", STREAM, &from, &to, "COUNT", PAGE];
    let reply = connection.call(&command, CALL)?;
    entries(&reply).ok_or_else(|| Failure::unexpected(&reply))
}

/// The entry at this place as it is now, if there is one; and those behind it, for which it waits
/// so long.
///
/// # Errors
/// When they cannot be had.
pub fn read_behind(
    connection: &mut Connection,
    place: u64,
    wait: Duration,
) -> Result<(Option<Entry>, Vec<Entry>), Failure> {
    let (id, milliseconds) = (id(place), wait.as_millis().to_string());
    let mut commands = Command::default();
    commands.add(&["XRANGE", STREAM, &id, &id]);
    commands.add(&[
        "XREAD",
        "COUNT",
        PAGE,
        "BLOCK",
        &milliseconds,
        "STREAMS",
        STREAM,
        &id,
    ]);
    connection.send(&commands, wait + CALL)?;
    let at = connection.receive()?.accepted()?;
    let read = connection.receive()?.accepted()?;
    let at = entries(&at).ok_or_else(|| Failure::unexpected(&at))?;
    let behind = match read.list() {
        Some([]) => Some(Vec::new()),
        Some([stream]) => stream.list().and_then(|pair| entries(pair.get(1)?)),
        _ => None,
    };
    let behind = behind.ok_or_else(|| Failure::unexpected(&read))?;
    Ok((at.into_iter().next(), behind))
}

fn id(place: u64) -> String {
    format!("0-{place}")
}

/// The place that an id says; there is always one behind it.
fn place(id: &Reply) -> Option<u64> {
    let place = id.text()?.strip_prefix("0-")?.parse().ok()?;
    Some(place).filter(|place| *place < u64::MAX)
}

fn entries(reply: &Reply) -> Option<Vec<Entry>> {
    reply.list()?.iter().map(entry).collect()
}

fn entry(reply: &Reply) -> Option<Entry> {
    let [id, fields] = reply.list()? else {
        return None;
    };
    let fields = fields.list()?;
    let mut hasher = DefaultHasher::new();
    for field in fields {
        let Reply::Text(text) = field else {
            return None;
        };
        text.hash(&mut hasher);
    }
    Some(Entry {
        place: place(id)?,
        what: happening(fields),
        fingerprint: hasher.finish(),
    })
}

/// What the fields of an entry say. Others than this program may have written them.
fn happening(fields: &[Reply]) -> Result<Happening, String> {
    let field = |name: &str| {
        let found = fields.chunks(2).find(|pair| pair[0].text() == Some(name));
        let value = found.and_then(|pair| pair.get(1)?.text());
        value.ok_or_else(|| format!("no {name}"))
    };
    let name = field("name")?.parse::<Name>();
    Ok(Happening {
        by: field("by")?.parse()?,
        name: name.map_err(|refusal| refusal.words)?,
        kind: match field("kind")? {
            "joined" => Kind::Joined,
            "said" => {
                let line = field("line")?.parse().map_err(|_| "no number of a line")?;
                let text = Text::from_room(field("text")?);
                Kind::Said(line, text.map_err(|refusal| refusal.words)?)
            }
            "left" => Kind::Left(Reason::parse(field("reason")?).ok_or("an unknown reason")?),
            kind => return Err(format!("unknown kind {}", quoted(kind))),
        },
    })
}

impl FromStr for By {
    type Err = String;

    fn from_str(text: &str) -> Result<By, String> {
        let parts = text.split_once('/');
        let parts = parts.and_then(|(server, member)| Some((server, member.parse().ok()?)));
        let (server, member) = parts.ok_or_else(|| format!("no member: {}", quoted(text)))?;
        Ok(By {
            server: server.into(),
            member,
        })
    }
}

impl fmt::Display for By {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.server, self.member)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(words: &[&str]) -> Reply {
        Reply::List(
            words
                .iter()
                .map(|word| Reply::Text((*word).into()))
                .collect(),
        )
    }

    fn read(id: &str, words: &[&str]) -> Option<Entry> {
        entry(&Reply::List(vec![Reply::Text(id.into()), fields(words)]))
    }

    #[test]
    fn an_entry_says_what_happened_to_whom() {
        let said = [
            "kind", "said", "by", "s/7", "name", "Joty", "line", "3", "text", " hello",
        ];
        let entry = read("0-12", &said).unwrap();
        assert_eq!(entry.place, 12);
        let what = entry.what.unwrap();
        assert_eq!(
            (what.by.to_string(), what.name.as_str()),
            ("s/7".into(), "Joty")
        );
        assert!(matches!(what.kind, Kind::Said(3, text) if text.as_str() == " hello"));
        let left = [
            "kind",
            "left",
            "by",
            "s/7",
            "name",
            "Joty",
            "reason",
            "does not read",
        ];
        let what = read("0-13", &left).unwrap().what.unwrap();
        assert!(matches!(what.kind, Kind::Left(Reason::DoesNotRead)));
    }

    #[test]
    fn what_others_wrote_into_the_stream_is_no_happening() {
        for (words, why) in [
            (&["kind", "joined", "by", "s/7"][..], "no name"),
            (&["kind", "joined", "name", "Joty"], "no by"),
            (&["kind", "joined", "name", "Joty", "by", "s"], "no member"),
            (
                &["kind", "joined", "name", "a\x1bb", "by", "s/7"],
                "ASCII letters",
            ),
            (
                &["kind", "danced", "name", "Joty", "by", "s/7"],
                "unknown kind",
            ),
            (
                &["kind", "left", "name", "Joty", "by", "s/7", "reason", "x"],
                "unknown reason",
            ),
            (
                &[
                    "kind", "said", "name", "Joty", "by", "s/7", "line", "x", "text", "a",
                ],
                "number",
            ),
            (
                &[
                    "kind", "said", "name", "Joty", "by", "s/7", "line", "1", "text", "\x1b",
                ],
                "U+001B",
            ),
            (&["kind"], "no name"),
        ] {
            let what = read("0-1", words).unwrap().what.unwrap_err();
            assert!(what.contains(why), "{what}");
        }
        assert!(read("5-1", &[]).is_none());
        assert!(read("0-x", &[]).is_none());
        assert!(read("0-18446744073709551615", &[]).is_none());
    }

    #[test]
    fn entries_that_differ_have_different_fingerprints() {
        let of = |text| read("0-1", &["kind", text]).unwrap().fingerprint;
        assert_eq!(of("a"), of("a"));
        assert_ne!(of("a"), of("b"));
    }
}
