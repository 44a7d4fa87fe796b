//! What the events say of one transaction.

use proto::atm::semantics::Semantics;
use proto::atm::{Money, TransactionId};
use proto::name::Name;
use proto::refusal::Code;

/// A transaction.
#[derive(Debug)]
pub(super) struct History {
    pub id: TransactionId,
    pub amount: Option<Money>,
    /// What the machine is called.
    pub machine: Option<Name>,
    /// Whether a recording has the machine's side of it.
    pub machine_is_recorded: bool,
    /// What the machine said about it, at each attempt.
    pub attempts: Vec<Attempt>,
    /// What came of it at the bank.
    pub arrivals: Vec<Arrival>,
    pub journal: Journal,
    pub ledger: Ledger,
    pub deaths: Vec<Death>,
    /// What the machine and the bank promise.
    pub semantics: Semantics,
}

/// The three requests about a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(super) enum Verb {
    /// `WITHDRAW`, `DEPOSIT`.
    #[default]
    Hold,
    Confirm,
    Rollback,
}

/// A request that the machine sent, or believed to have sent.
#[derive(Debug)]
pub(super) struct Attempt {
    pub verb: Verb,
    pub fate: Fate,
    /// A fault sent it twice.
    pub is_doubled: bool,
    pub answer: Option<Reply>,
    /// A fault threw the answer away when it had come.
    pub answer_was_lost: bool,
    /// What the copy that a fault made was answered.
    pub answer_to_copy: Option<Reply>,
    /// What came of it at the bank, by index.
    pub arrival: Option<usize>,
}

/// What became of a request on the machine's side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Sent,
    /// By a fault, and so the next two.
    Dropped,
    Refused,
    Cut,
    Reset,
}

/// A request that came to the bank.
#[derive(Debug, Default)]
pub(super) struct Arrival {
    pub verb: Verb,
    /// A fault threw it away.
    pub was_dropped: bool,
    pub answer: Option<Reply>,
    /// A fault threw the answer away, or sent half of it.
    pub answer_was_lost: bool,
    /// Whether the bank died before it had answered.
    pub bank_died: bool,
}

/// An answer of the bank.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reply {
    Done {
        /// From the record.
        repeat: bool,
    },
    /// `None` for a code that is none of the protocol.
    Refused(Option<Code>),
}

/// What the machine noted.
#[derive(Debug, Default)]
pub(super) struct Journal {
    /// What was in the drawer before notes could move; from then on they may have.
    pub before: Option<Money>,
    /// What was in it after that.
    pub after: Option<Money>,
    pub has_moved: bool,
    pub is_rolling_back: bool,
    pub end: Option<JournalEnd>,
}

/// How it ended for the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum JournalEnd {
    Confirmed,
    RolledBack,
    Declined(Option<Code>),
    Disputed(Option<Code>),
}

/// What the bank noted, without repeats.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    /// How many times it held the money, or booked it where it holds nothing first.
    pub held: u32,
    /// How many requests for that it answered from the record.
    pub repeats: u32,
    pub confirmed: bool,
    pub rolled_back: bool,
    pub declined: Option<Code>,
}

/// A process that died while the transaction was open.
#[derive(Debug)]
pub(super) struct Death {
    pub of_machine: bool,
    /// The run that ended, by index.
    pub run: usize,
    /// Where, as `--fault crash-at` takes it; `None` when its recording just stops.
    pub at: Option<String>,
    pub was_started_again: bool,
}

impl Ledger {
    pub fn is_over(&self) -> bool {
        self.confirmed || self.rolled_back || self.declined.is_some()
    }
}

impl History {
    /// A transaction of which nothing is known yet.
    pub fn new(id: TransactionId) -> History {
        History {
            id,
            amount: None,
            machine: None,
            machine_is_recorded: false,
            attempts: Vec::new(),
            arrivals: Vec::new(),
            journal: Journal::default(),
            ledger: Ledger::default(),
            deaths: Vec::new(),
            semantics: Semantics::ExactlyOnce,
        }
    }

    /// Whether the bank holds the money first, and books it when the notes have moved.
    pub fn has_two_phases(&self) -> bool {
        self.semantics == Semantics::ExactlyOnce
    }

    /// The machine's attempts at this request.
    pub fn attempts_at(&self, verb: Verb) -> impl Iterator<Item = &Attempt> {
        self.attempts.iter().filter(move |one| one.verb == verb)
    }

    /// Whether the last that is known of the machine is that its recording stops. Then the last
    /// events before that may be missing.
    pub fn breaks_off(&self) -> bool {
        let last = self.deaths.iter().rfind(|death| death.of_machine);
        last.is_some_and(|death| death.at.is_none() && !death.was_started_again)
    }

    /// What the bank answered to this request, as the machine's side saw it, lost or not.
    pub fn answers_to(&self, verb: Verb) -> impl Iterator<Item = Reply> {
        self.attempts_at(verb)
            .flat_map(|one| [one.answer, one.answer_to_copy])
            .flatten()
    }

    /// What came to the bank of this request.
    pub fn arrivals_of(&self, verb: Verb) -> impl Iterator<Item = &Arrival> {
        self.arrivals.iter().filter(move |one| one.verb == verb)
    }

    /// Whether this request came to the bank, and was not thrown away.
    pub fn arrived(&self, verb: Verb) -> bool {
        self.arrivals_of(verb).any(|arrival| !arrival.was_dropped)
    }
}
