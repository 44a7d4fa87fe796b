//! Ids, as short as they stay distinct.

use std::collections::{HashMap, HashSet};
use std::fmt::Write;

use proto::printable::is_unsafe;
use record::EventKind;

use super::load::Recordings;

/// The length of a UUID as text.
const UUID: usize = 36;

/// The fewest digits that are left of one.
const SHORTEST: usize = 4;

/// What is left of the UUIDs in a text: as many digits as keep them distinct, the
/// last ones if these do.
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
    /// The digits that keep them distinct.
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
    pub fn of(loaded: &Recordings, are_whole: bool) -> Ids {
        let mut known: HashMap<&str, HashSet<&str>> = HashMap::new();
        for event in loaded.runs.iter().flat_map(|run| &run.events) {
            let text = match &event.kind {
                EventKind::Sent(message) | EventKind::Received(message) => message.text.as_deref(),
                EventKind::Note(note) => note.about.as_deref(),
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
            let lasts = [SHORTEST, 6, 8, 12].map(|digits| (digits, false));
            let mut short = lasts.into_iter().chain([(8, true)]).map(kind);
            let found = short.find(|kind| are_apart(&|uuid| kind.shown(uuid)));
            found.unwrap_or(kind((UUID, false)))
        };
        let kinds = known.into_iter();
        let kinds = kinds.map(|(name, uuids)| (name.to_owned(), kind(uuids)));
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

    /// The id, if there are several of its kind.
    pub fn if_ambiguous(&self, id: &str) -> Option<String> {
        let kind = &id[..uuid_in(id)?];
        (self.kinds.get(kind)?.count > 1).then(|| self.shorten(id))
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
    fn what_only_looks_like_an_id_stays() {
        let short = "01f3aa10-0000-7000-8000-00000000000";
        for text in ["", "-", "a-b-c", short, "é1f3aa10-----"] {
            assert_eq!(ids(false).shorten(text), text);
            assert_eq!(ids_in(text).count(), 0);
        }
    }

    #[test]
    fn nothing_that_moves_a_cursor_is_shown() {
        let shown = ids(false).shorten("a\x1b[2J\r\n\t\u{202e}");
        assert_eq!(shown, "a\\u{1b}[2J\\r\\n\\t\\u{202e}");
    }
}
