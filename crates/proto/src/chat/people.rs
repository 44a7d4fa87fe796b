//! The list of the members of a room, as far as it fits a message.

use alloc::vec::Vec;
use core::fmt;

use crate::name::Name;

/// Names in the order of joining, as in `Joty Ahona`, and the number of further ones:
/// `Joty Ahona +3`. A plus cannot begin a name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MemberList {
    /// The names listed.
    pub names: Vec<Name>,
    /// The number of further names.
    pub more: usize,
}

/// Room for ` +` and a number of any size.
const MORE_LEN: usize = 22;

impl MemberList {
    /// As many of the names as fit into this many bytes; the others are counted.
    pub fn truncated_to(names: impl IntoIterator<Item = Name>, bytes: usize) -> MemberList {
        let mut left = bytes.saturating_sub(MORE_LEN);
        let mut people = MemberList::default();
        for name in names {
            let length = name.as_str().len() + 1;
            if people.more == 0 && length <= left {
                left -= length;
                people.names.push(name);
            } else {
                people.more += 1;
            }
        }
        people
    }

    /// Whether the list is empty.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty() && self.more == 0
    }

    /// Reads what `Display` writes; `None` when it is something else.
    pub fn parse(text: &str) -> Option<MemberList> {
        let mut people = MemberList::default();
        if text.is_empty() {
            return Some(people);
        }
        for word in text.split(' ') {
            if people.more > 0 {
                return None;
            }
            match word.strip_prefix('+') {
                Some(count) if count.bytes().all(|byte| byte.is_ascii_digit()) => {
                    people.more = count.parse().ok().filter(|more| *more > 0)?;
                }
                _ => people.names.push(word.parse().ok()?),
            }
        }
        Some(people)
    }
}

impl fmt::Display for MemberList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, name) in self.names.iter().enumerate() {
            let separator = if position == 0 { "" } else { " " };
            write!(f, "{separator}{name}")?;
        }
        match (self.more, self.names.is_empty()) {
            (0, _) => Ok(()),
            (more, true) => write!(f, "+{more}"),
            (more, false) => write!(f, " +{more}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    fn names(count: usize) -> impl Iterator<Item = Name> {
        (0..count).map(|number| alloc::format!("n{number:03}").parse().unwrap())
    }

    #[test]
    fn the_names_that_do_not_fit_are_counted() {
        for bytes in [0, 22, 27, 100, 255, 64 * 1024] {
            let people = MemberList::truncated_to(names(200), bytes);
            assert_eq!(people.names.len() + people.more, 200);
            let text = people.to_string();
            assert!(text.len() <= bytes.max(MORE_LEN), "{bytes}: {text}");
            assert_eq!(MemberList::parse(&text), Some(people));
        }
    }

    #[test]
    fn people_have_these_exact_bytes() {
        let few = MemberList::truncated_to(names(2), 100);
        assert_eq!(few.to_string(), "n000 n001");
        assert_eq!(MemberList { more: 3, ..few }.to_string(), "n000 n001 +3");
        assert_eq!(MemberList::default().to_string(), "");
        assert!(MemberList::parse("").unwrap().is_empty());
    }

    #[test]
    fn what_is_no_list_is_refused() {
        for text in [
            " ", "a  b", "a ", "a +", "a +0", "a +x", "+1 a", "a é", "++1",
        ] {
            assert_eq!(MemberList::parse(text), None, "{text:?}");
        }
    }
}
