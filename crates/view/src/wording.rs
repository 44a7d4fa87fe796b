//! What is said of an event in a picture: short words, short ids, durations.

use std::collections::{HashMap, HashSet};
use std::fmt::Write;

use proto::printable::is_unsafe;
use proto::side::Side;
use record::{Bytes, How, What};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::load::Loaded;

/// The length of a UUID as text.
const UUID: usize = 36;

/// The fewest digits that are left of one.
const SHORTEST: usize = 4;

/// The most lines of a command that are shown.
const MOST_LINES: usize = 4;

/// What is left of the UUIDs in a text: as many digits as tell them apart, the last ones if they do.
#[derive(Debug, Clone, Default)]
pub struct Ids {
    are_whole: bool,
    /// By `WITH_`, `DEP_` and so on.
    kinds: HashMap<String, Kind>,
}

/// The ids of one kind.
#[derive(Debug, Clone, Copy)]
struct Kind {
    /// How many there are.
    count: usize,
    /// The digits that tell them apart.
    digits: usize,
    /// Whether these are its first, not its last.
    are_first: bool,
}

/// The key of a transaction as it is recorded, with the blank before it.
const MASKED_KEY: &str = " ********************************";

/// A kind of ids of which nothing is known.
const ORDINARY: Kind = Kind {
    count: 1,
    digits: SHORTEST,
    are_first: false,
};

impl Kind {
    fn shown(&self, uuid: &str) -> String {
        match (self.digits, self.are_first) {
            (UUID.., _) => uuid.to_owned(),
            (digits, true) => format!("{}…", &uuid[..digits]),
            (digits, false) => format!("…{}", &uuid[UUID - digits..]),
        }
    }
}

impl Ids {
    /// Looks at all ids in these recordings. With `are_whole`, they will not be cut.
    pub fn of(loaded: &Loaded, are_whole: bool) -> Ids {
        let mut known: HashMap<&str, HashSet<&str>> = HashMap::new();
        for event in loaded.runs.iter().flat_map(|run| &run.events) {
            let text = match &event.what {
                What::Sent(message) | What::Received(message) => message.text.as_deref(),
                What::Note { about, .. } => about.as_deref(),
                _ => None,
            };
            for id in text.into_iter().flat_map(ids_in) {
                let (kind, uuid) = id.split_at(id.len() - UUID);
                known.entry(kind).or_default().insert(uuid);
            }
        }
        let kind = |uuids: HashSet<&str>| {
            let are_apart = |shown: &dyn Fn(&str) -> String| {
                let shown: HashSet<String> = uuids.iter().map(|uuid| shown(uuid)).collect();
                shown.len() == uuids.len()
            };
            let kind = |(digits, are_first)| Kind {
                count: uuids.len(),
                digits,
                are_first,
            };
            let short = [
                (SHORTEST, false),
                (6, false),
                (8, false),
                (12, false),
                (8, true),
            ];
            let mut short = short.into_iter().map(kind);
            let found = short.find(|kind| are_apart(&|uuid| kind.shown(uuid)));
            found.unwrap_or(kind((UUID, false)))
        };
        let kinds = known
            .into_iter()
            .map(|(name, uuids)| (name.to_owned(), kind(uuids)));
        Ids {
            are_whole,
            kinds: kinds.collect(),
        }
    }

    /// The text with its ids cut, without a key that was masked, and made printable.
    pub fn shorten(&self, text: &str) -> String {
        let mut shown = String::with_capacity(text.len());
        let mut rest = text.strip_suffix(MASKED_KEY).unwrap_or(text);
        while let Some(at) = uuid_in(rest).filter(|_| !self.are_whole) {
            let kind = self.kinds.get(kind_before(&rest[..at]));
            escape(&rest[..at], &mut shown);
            shown.push_str(&kind.unwrap_or(&ORDINARY).shown(&rest[at..at + UUID]));
            rest = &rest[at + UUID..];
        }
        escape(rest, &mut shown);
        shown
    }

    /// The id, where there are several of its kind.
    fn told_apart(&self, id: &str) -> Option<String> {
        let kind = &id[..uuid_in(id)?];
        (self.kinds.get(kind)?.count > 1).then(|| self.shorten(id))
    }
}

/// The words of a note.
pub fn note(
    side: Side,
    ids: &Ids,
    what: &str,
    about: Option<&str>,
    amount: Option<&str>,
    words: Option<&str>,
) -> String {
    let book = match side {
        Side::Client => "journal: ",
        Side::Server => "ledger: ",
    };
    let (book, said) = match what {
        "sending" => (book, "sending"),
        "dispensing" => (book, "dispensing, drawer"),
        "accepting" => (book, "accepting, drawer"),
        "drawer" => ("", "drawer"),
        "loading" => ("", "loading the drawer:"),
        "loaded" => ("", "drawer loaded:"),
        "dispensed" => (book, "notes dispensed"),
        "accepted" => (book, "notes accepted"),
        "rolling-back" => (book, "rolling back"),
        "rolled-back" => (book, "rolled back"),
        "created" => (book, "account opened"),
        "welcome" => ("", "logged in"),
        "refused" => ("", "refused"),
        other => (book, other),
    };
    let mut shown = format!("{book}{}", ids.shorten(said));
    if let Some(amount) = amount {
        let _ = write!(shown, " {}", ids.shorten(amount));
    }
    match words {
        None => {}
        Some("repeat") => shown += ", repeated",
        Some(words) => {
            let _ = write!(shown, " ({})", ids.shorten(words));
        }
    }
    if let Some(id) = about.and_then(|about| ids.told_apart(about)) {
        let _ = write!(shown, " {id}");
    }
    shown
}

/// How a connection ended, after its number.
pub fn ending(how: How, words: Option<&str>, ids: &Ids) -> String {
    let said = match how {
        How::End | How::Abort => "closed",
        How::Reset => "reset",
        How::Timeout => "given up: too slow",
        How::Cut => "cut by a fault",
        How::Broken => "broken",
    };
    match words {
        Some(words) if how != How::End => format!("{said}: {}", ids.shorten(words)),
        _ => said.into(),
    }
}

/// Which bit of these bytes was flipped, and what that made of its byte.
pub fn flipped(bytes: &Bytes, bit: usize) -> String {
    format!("bit {bit} flipped: {}", flipped_byte(bytes, bit))
}

/// What the flip of this bit made of its byte: `9 became 1`.
pub fn flipped_byte(bytes: &Bytes, bit: usize) -> String {
    let Some(now) = bytes.0.get(bit / 8) else {
        return "a bit flipped".into();
    };
    let before = (now ^ (1 << (bit % 8))).escape_ascii();
    format!("{before} became {}", now.escape_ascii())
}

/// `2nd attempt`, and so on.
pub fn attempt(number: u32) -> String {
    let ending = match (number % 10, number % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{number}{ending} attempt")
}

/// Nanoseconds, as `500 ms`.
pub fn duration(nanoseconds: u64) -> String {
    let (unit, name) = match nanoseconds {
        0..1_000 => return format!("{nanoseconds} ns"),
        1_000..1_000_000 => (1e3, "µs"),
        1_000_000..1_000_000_000 => (1e6, "ms"),
        _ => (1e9, "s"),
    };
    let number = format!("{:.2}", nanoseconds as f64 / unit);
    format!(
        "{} {name}",
        number.trim_end_matches('0').trim_end_matches('.')
    )
}

/// The same of a time that is only to be felt, to the millisecond.
pub fn about(nanoseconds: u64) -> String {
    match nanoseconds {
        0..1_000_000_000 => format!("{} ms", nanoseconds / 1_000_000),
        _ => format!("{:.1} s", nanoseconds as f64 / 1e9),
    }
}

/// A moment, as seconds with six digits; negative ones may be.
pub fn seconds(nanoseconds: i64) -> String {
    let sign = if nanoseconds < 0 { "-" } else { "" };
    let microseconds = nanoseconds.unsigned_abs() / 1000;
    format!(
        "{sign}{}.{:06}",
        microseconds / 1_000_000,
        microseconds % 1_000_000
    )
}

/// Bytes that are no text.
pub fn escaped(bytes: &Bytes) -> String {
    bytes.0.escape_ascii().to_string()
}

/// Writes the text with what could disturb a terminal as `\n` or `\u{…}`.
fn escape(text: &str, shown: &mut String) {
    for c in text.chars() {
        match c {
            '\n' => shown.push_str("\\n"),
            '\r' => shown.push_str("\\r"),
            '\t' => shown.push_str("\\t"),
            c if is_unsafe(c) => {
                let _ = write!(shown, "\\u{{{:x}}}", u32::from(c));
            }
            c => shown.push(c),
        }
    }
}

/// The ids in a text, with what stands before their UUID: `WITH_…`.
pub fn ids_in(text: &str) -> impl Iterator<Item = &str> {
    let mut from = 0;
    std::iter::from_fn(move || {
        let at = from + uuid_in(&text[from..])?;
        let kind = kind_before(&text[from..at]).len();
        from = at + UUID;
        Some(&text[at - kind..from])
    })
}

/// What a text ends with that can be the kind of an id.
fn kind_before(text: &str) -> &str {
    let bytes = text.bytes().rev().take(16);
    let kind = bytes.take_while(|b| b.is_ascii_uppercase() || *b == b'_');
    &text[text.len() - kind.count()..]
}

/// The lines of a command that is too long for one of so many columns.
pub fn wrapped(command: &str, columns: usize) -> Vec<String> {
    let mut lines = vec!["$".to_owned()];
    for word in command.split(' ') {
        let fits = |line: &String| line.width() + 1 + word.width() <= columns;
        if !lines.last().is_some_and(fits) && lines.len() < MOST_LINES {
            lines.push(" ".into());
        }
        if let Some(line) = lines.last_mut() {
            line.push(' ');
            line.push_str(word);
        }
    }
    lines.into_iter().map(|line| cut(&line, columns)).collect()
}

/// The text, or as much of it as fits so many columns with `…` after it.
pub fn cut(text: &str, columns: usize) -> String {
    if text.width() <= columns {
        return text.to_owned();
    }
    let mut used = 1;
    let fits = |c: &char| {
        used += c.width().unwrap_or(0);
        used <= columns
    };
    let kept: String = text.chars().take_while(fits).collect();
    match columns {
        0 => kept,
        _ => kept + "…",
    }
}

/// Where the first UUID in the text begins.
fn uuid_in(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    // Its first dash leads to it.
    let mut from = 0;
    while let Some(dash) = bytes.get(from..)?.iter().position(|b| *b == b'-') {
        let dash = from + dash;
        if let Some(at) = dash.checked_sub(8)
            && let Some(candidate) = bytes.get(at..at + UUID)
            && candidate.iter().enumerate().all(|(i, b)| match i {
                8 | 13 | 18 | 23 => *b == b'-',
                _ => b.is_ascii_hexdigit(),
            })
        {
            return Some(at);
        }
        from = dash + 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "WITH_01f3aa10-0000-7000-8000-000000000001";

    fn ids(are_whole: bool) -> Ids {
        let account = Kind {
            count: 2,
            digits: 8,
            are_first: true,
        };
        let kinds = [("ACC_".to_owned(), account)];
        Ids {
            are_whole,
            kinds: kinds.into(),
        }
    }

    #[test]
    fn an_id_keeps_its_kind_and_its_last_digits() {
        let text = format!("OK {ID} held 500.00, é-{ID}-");
        let keyed = format!("CONFIRM {ID}{MASKED_KEY}");
        assert_eq!(ids(false).shorten(&keyed), "CONFIRM WITH_…0001");
        let short = "OK WITH_…0001 held 500.00, é-WITH_…0001-";
        assert_eq!(ids(false).shorten(&text), short);
        assert_eq!(ids(true).shorten(&text), text);
        assert_eq!(ids_in(&text).collect::<Vec<_>>(), [ID, ID]);
        let account = ID.replace("WITH", "ACC");
        assert_eq!(ids(false).shorten(&account), "ACC_01f3aa10…");
    }

    #[test]
    fn a_long_command_has_several_lines() {
        assert_eq!(wrapped("a bc def", 6), ["$ a bc", "  def"]);
        assert_eq!(wrapped("a", 80), ["$ a"]);
        assert_eq!(wrapped(&"abc ".repeat(99), 8)[3].width(), 8);
        assert_eq!(cut("日本語", 5), "日本…");
        assert_eq!(cut("日本語", 0), "");
    }

    #[test]
    fn what_only_looks_like_an_id_stays() {
        for text in [
            "",
            "-",
            "a-b-c",
            "01f3aa10-0000-7000-8000-00000000000",
            "é1f3aa10-----",
        ] {
            assert_eq!(ids(false).shorten(text), text);
            assert_eq!(ids_in(text).count(), 0);
        }
    }

    #[test]
    fn nothing_that_moves_a_cursor_is_shown() {
        assert_eq!(
            ids(false).shorten("a\x1b[2J\r\n\t\u{202e}"),
            "a\\u{1b}[2J\\r\\n\\t\\u{202e}"
        );
    }

    #[test]
    fn durations_and_attempts_are_said_as_people_do() {
        for (nanoseconds, said) in [
            (7, "7 ns"),
            (1_500, "1.5 µs"),
            (500_000_000, "500 ms"),
            (2_500_000_000, "2.5 s"),
        ] {
            assert_eq!(duration(nanoseconds), said);
        }
        for (number, said) in [
            (1, "1st"),
            (2, "2nd"),
            (3, "3rd"),
            (4, "4th"),
            (11, "11th"),
            (12, "12th"),
            (13, "13th"),
            (21, "21st"),
            (22, "22nd"),
            (102, "102nd"),
            (112, "112th"),
        ] {
            assert_eq!(attempt(number), format!("{said} attempt"));
        }
        assert_eq!(seconds(-1_500), "-0.000001");
        assert_eq!(seconds(61_002_003_999), "61.002003");
    }
}
