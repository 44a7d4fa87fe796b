//! The refusal of a request: a code from a closed list, and words for people.
//!
//! On the wire: `ERR insufficient-funds available 50.00`. A program decides by the code; the words
//! may change from one release to the next.

use alloc::string::{String, ToString};
use core::fmt;

use crate::printable::quoted;

// In the order of the specification.
named! {
    /// Why a request was refused. The list is closed: a peer that sends another code broke the
    /// protocol.
    ///
    /// A code is *definite* when the request certainly had no effect, so that asking again cannot
    /// do anything twice. The one indefinite code is [`Code::Internal`].
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum Code by as_str {
        /// The message breaks the framing or the grammar.
        Malformed => "malformed",
        /// The first word is no verb of this service.
        UnknownVerb => "unknown-verb",
        /// The message, or the answer to it, does not fit a frame or a stated limit.
        TooLong => "too-long",
        /// A number or amount lies outside the stated range.
        OutOfRange => "out-of-range",
        /// The request is legal, but not at this point of the conversation.
        OutOfOrder => "out-of-order",
        /// A computation exceeded its time budget. Nothing was guessed.
        OutOfTime => "out-of-time",
        /// The peer was too slow: a frame, a log-in or an idle connection met its deadline.
        TooSlow => "too-slow",
        /// The server is full, for now.
        Busy => "busy",
        /// The server is stopping and takes no further request.
        ShuttingDown => "shutting-down",
        /// Calculator: the divisor is zero.
        DivisionByZero => "division-by-zero",
        /// Chat: another member has this name.
        NameTaken => "name-taken",
        /// The bank: log in first.
        NotLoggedIn => "not-logged-in",
        /// The bank: unknown card or wrong PIN; the two are not distinguished.
        WrongCredentials => "wrong-credentials",
        /// The bank: too many wrong PINs; an operator unlocks the card.
        CardLocked => "card-locked",
        /// The bank: the available balance is too small.
        InsufficientFunds => "insufficient-funds",
        /// The bank: this id was used before with other content.
        Mismatch => "mismatch",
        /// The bank: no such transaction.
        UnknownId => "unknown-id",
        /// The bank: the transaction was confirmed before.
        AlreadyConfirmed => "already-confirmed",
        /// The bank: the transaction was rolled back before.
        AlreadyRolledBack => "already-rolled-back",
        /// The bank: the transaction was declined before, so there is nothing to confirm.
        Declined => "declined",
        /// The bank: an account with this card number exists.
        AccountExists => "account-exists",
        /// The service is unavailable, as with a full disk; nothing was done.
        Unavailable => "unavailable",
        /// The server failed while it acted: whether the request took effect is not known.
        Internal => "internal",
    }
}

impl Code {
    /// Whether a retry may succeed: the server is full, stopping or unavailable.
    pub fn is_transient(self) -> bool {
        use Code::{Busy, Internal, ShuttingDown, TooSlow, Unavailable};
        matches!(self, Busy | ShuttingDown | TooSlow | Unavailable | Internal)
    }

    /// Whether the refused request certainly had no effect.
    pub fn is_definite(self) -> bool {
        self != Code::Internal
    }
}

/// A refused request, as in `ERR code words`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, thiserror::Error)]
#[error("{words}")]
pub struct Refusal {
    /// The code, for programs.
    pub code: Code,
    /// The words, for people: lower case, no full stop, may be empty.
    pub words: String,
}

impl Refusal {
    /// A refusal with its words. Control characters become spaces, because not every framing can
    /// carry line breaks.
    pub fn new(code: Code, words: impl fmt::Display) -> Refusal {
        let words = words.to_string().replace(|c: char| c.is_control(), " ");
        Refusal {
            code,
            words: words.trim().to_string(),
        }
    }

    /// [`Code::Malformed`] with these words.
    pub fn malformed(words: impl fmt::Display) -> Refusal {
        Refusal::new(Code::Malformed, words)
    }

    /// [`Code::UnknownVerb`], naming the verb and those that are known.
    pub fn unknown_verb(verb: &str, known: &str) -> Refusal {
        let words = match verb {
            "" => alloc::format!("empty request; known here: {known}"),
            _ => alloc::format!("unknown verb {}; known here: {known}", quoted(verb)),
        };
        Refusal::new(Code::UnknownVerb, words)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_internal_failure_leaves_the_outcome_open() {
        let open: alloc::vec::Vec<_> = Code::ALL.iter().filter(|c| !c.is_definite()).collect();
        assert_eq!(open, [&Code::Internal]);
    }

    #[test]
    fn the_words_never_hold_a_line_break() {
        assert_eq!(Refusal::malformed("a\r\nb").words, "a  b");
    }

    #[test]
    fn an_unknown_verb_is_quoted_and_cut_short() {
        let long = "X".repeat(500);
        let refusal = Refusal::unknown_verb(&long, "PRIME");
        assert!(refusal.words.len() < 120, "{}", refusal.words);
    }
}
