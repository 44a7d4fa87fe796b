//! The protections that together give *exactly once*, as data: each [`Protection`] can be switched
//! off alone, to observe the failure that it prevents.
//!
//! The bank's [`decide_under`](super::bank::decide_under) and the cash machine's
//! [`Machine`](super::machine::Machine) are the same code with and without; a protection is one
//! `if` in them. [`model`](super::model) shows that each is needed. [`Semantics`] names four
//! combinations by the usual terms for remote procedure calls.

named! {
    /// One reason why a withdrawal happens exactly once.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum Protection by name {
        /// The bank holds the money first, and books it once the notes have moved. Without, it
        /// books at once, and nothing is confirmed or rolled back.
        TwoPhases => "two-phases",
        /// The bank answers a repeat from the record. Without, a repeat is another transaction.
        Deduplication => "deduplication",
        /// The bank refuses a known id with other content. Without, it answers from the record.
        ContentCheck => "content-check",
        /// The bank records what it declines. Without, a repeat may be granted what was declined.
        StickyDeclines => "sticky-declines",
        /// The bank remembers a rollback of what it has not seen. Without, the late hold is placed.
        Tombstones => "tombstones",
        /// The bank requires the transaction's key to settle it. Without, the id suffices.
        SettlementKeys => "settlement-keys",
        /// The bank answers when its changes are on disk. Without, it answers first.
        ReplyAfterCommit => "reply-after-commit",
        /// The machine journals the id before it sends it. Without, it does so when it is answered.
        JournalBeforeSend => "journal-before-send",
        /// The machine journals that it moves notes before it does. Without, it does so afterwards.
        JournalBeforeMove => "journal-before-move",
        /// The machine resends a request without an answer. Without, it leaves it.
        Resend => "resend",
        /// The machine accepts only an answer that names the request. Without, it takes any refusal
        /// for the answer to its last request.
        NamedAnswers => "named-answers",
        /// The machine takes a refusal for a decline only if no other attempt can contradict it.
        /// Without, it takes any that is definite.
        ProvenDeclines => "proven-declines",
        /// The machine rolls back a hold that is given up. Without, it leaves it.
        RollbackOnGiveUp => "rollback-on-give-up",
        /// A machine that rolls back no longer dispenses. Without, it acts on a late `held`.
        RollbackIsFinal => "rollback-is-final",
        /// A machine that restarts settles what its journal says is open. Without, it forgets it.
        SettleOnRestart => "settle-on-restart",
        /// A machine that restarts finds out from the drawer whether the notes moved. Without, it
        /// concludes from the journal that they did not.
        DrawerCheck => "drawer-check",
    }
}

impl Protection {
    fn bit(self) -> u32 {
        1 << self as u16
    }
}

/// A set of protections; by default all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Protections(u32);

impl Protections {
    /// All of them: exactly once.
    pub const ALL: Protections = Protections((1 << Protection::ALL.len()) - 1);

    /// None of them.
    pub const NONE: Protections = Protections(0);

    /// Whether this one is in effect.
    pub fn has(self, protection: Protection) -> bool {
        self.0 & protection.bit() != 0
    }

    /// The same with this one.
    #[must_use]
    pub fn with(self, protection: Protection) -> Protections {
        Protections(self.0 | protection.bit())
    }

    /// The same without this one.
    #[must_use]
    pub fn without(self, protection: Protection) -> Protections {
        Protections(self.0 & !protection.bit())
    }
}

impl Default for Protections {
    fn default() -> Protections {
        Protections::ALL
    }
}

// The weakest first.
named! {
    /// How often a request takes effect, by what the two sides do about lost messages.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
    pub enum Semantics by name {
        /// Not at all, once, or more often: neither side does anything about it.
        Maybe => "maybe",
        /// The machine resends, and the bank executes every repeat: it debits again.
        AtLeastOnce => "at-least-once",
        /// The bank recognises a repeat, but the machine neither resends nor settles: a lost answer
        /// leaves an account debited and no notes.
        AtMostOnce => "at-most-once",
        /// Every protection.
        #[default]
        ExactlyOnce => "exactly-once",
    }
}

impl Semantics {
    /// The protections in effect.
    pub fn protections(self) -> Protections {
        // The four differ in what is sent, not in what is stored.
        let orderly = Protections::NONE
            .with(Protection::ReplyAfterCommit)
            .with(Protection::JournalBeforeSend)
            .with(Protection::JournalBeforeMove)
            .with(Protection::NamedAnswers)
            .with(Protection::SettlementKeys);
        match self {
            Semantics::Maybe => orderly,
            Semantics::AtLeastOnce => orderly.with(Protection::Resend),
            Semantics::AtMostOnce => orderly
                .with(Protection::Deduplication)
                .with(Protection::ContentCheck)
                .with(Protection::StickyDeclines),
            Semantics::ExactlyOnce => Protections::ALL,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_protection_can_be_taken_away_alone() {
        for taken in Protection::ALL {
            let rest = Protections::ALL.without(taken);
            for protection in Protection::ALL {
                assert_eq!(rest.has(protection), protection != taken);
            }
            assert_eq!(rest.with(taken), Protections::ALL);
        }
        assert!(!Protection::ALL.iter().any(|p| Protections::NONE.has(*p)));
    }

    #[test]
    fn exactly_once_is_the_default_and_has_them_all() {
        assert_eq!(Semantics::default().protections(), Protections::default());
        assert_eq!(Protections::default(), Protections::ALL);
    }

    #[test]
    fn a_repeat_is_known_under_at_most_once_and_sent_under_at_least_once() {
        let table = [
            (Semantics::Maybe, false, false),
            (Semantics::AtLeastOnce, true, false),
            (Semantics::AtMostOnce, false, true),
            (Semantics::ExactlyOnce, true, true),
        ];
        for (semantics, resends, knows) in table {
            let protections = semantics.protections();
            assert_eq!(protections.has(Protection::Resend), resends, "{semantics}");
            assert_eq!(protections.has(Protection::Deduplication), knows);
        }
    }
}
