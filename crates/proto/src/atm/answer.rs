//! What the bank answers: `OK LOGIN_… welcome Joty`, `ERR insufficient-funds WITH_… only 5.00
//! available`.
//!
//! An answer to a request with an id names the id. One that names another id is the answer to
//! another request.

use core::fmt;

use super::semantics::{Protection, Protections};
use super::{Amount, CreationId, Holder, LoginId, Money, Request, RequestId, TransactionId};
use crate::name::Name;
use crate::refusal::Refusal;

/// An answer of the bank, after `OK`. `repeat` marks an answer from the record of an earlier one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Answer {
    /// `LOGIN_… welcome Joty`.
    Welcome {
        /// The log-in.
        id: LoginId,
        /// The account's holder.
        holder: Holder,
    },
    /// `available 10000.00, held 0.00`.
    Balance {
        /// The available balance: the posted balance less the holds.
        available: Money,
        /// The sum of the unsettled withdrawals.
        held: Money,
    },
    /// `WITH_… held 500.00, available 9500.00`.
    Held {
        /// The transaction.
        id: TransactionId,
        /// The amount.
        amount: Amount,
        /// The available balance after the hold was placed.
        available: Money,
        /// Whether the hold had been placed before.
        repeat: bool,
    },
    /// `WITH_… confirmed`.
    Confirmed {
        /// The transaction.
        id: TransactionId,
        /// Whether it had been confirmed before.
        repeat: bool,
    },
    /// `WITH_… rolled back`.
    RolledBack {
        /// The transaction.
        id: TransactionId,
        /// Whether it had been rolled back before.
        repeat: bool,
    },
    /// `ACC_… created`.
    Created {
        /// The request for an account.
        id: CreationId,
        /// Whether the account had been created before.
        repeat: bool,
    },
    /// `terminal ATM-1`.
    Terminal(Name),
    /// `bye`.
    Bye,
}

/// The mark of an answer from the record.
pub(super) const REPEAT: &str = ", repeat";

impl Answer {
    /// Reads a reply as the answer to `request`: the refusal without the id that it names. `None`
    /// when it answers something else: it names another id or none, or does not fit the request.
    pub fn read(
        request: &Request,
        reply: Result<&str, Refusal>,
    ) -> Option<Result<Answer, Refusal>> {
        Answer::read_under(Protections::ALL, request, reply)
    }

    /// The same with only these protections.
    pub fn read_under(
        protections: Protections,
        request: &Request,
        reply: Result<&str, Refusal>,
    ) -> Option<Result<Answer, Refusal>> {
        let refusal = match reply {
            Ok(arguments) => return Answer::parse(request, arguments).map(Ok),
            Err(refusal) => refusal,
        };
        let words = refusal.words.as_str();
        let named = first_word(Some(words)).parse().ok();
        if named != request.id() && protections.has(Protection::NamedAnswers) {
            return None;
        }
        let words = match named {
            Some(_) => words.split_once(' ').map_or("", |(_, words)| words),
            None => words,
        };
        Some(Err(Refusal::new(refusal.code, words)))
    }

    /// Reads the arguments of the `OK` that answers `request`; `None` when they do not fit it,
    /// which includes another id or amount than was asked for.
    pub fn parse(request: &Request, arguments: &str) -> Option<Answer> {
        let (outcome, repeat) = match arguments.strip_suffix(REPEAT) {
            Some(outcome) => (outcome, true),
            None => (arguments, false),
        };
        match request {
            Request::LogIn { id, .. } => {
                // A name may end as a repeat does.
                let holder = outcome_of(id, arguments)?.strip_prefix("welcome ")?;
                Some(Answer::Welcome {
                    id: *id,
                    holder: holder.parse().ok()?,
                })
            }
            Request::Balance => {
                let (available, held) = arguments
                    .strip_prefix("available ")?
                    .split_once(", held ")?;
                Some(Answer::Balance {
                    available: exact(available)?,
                    held: exact(held)?,
                })
            }
            Request::Hold { id, amount, .. } => {
                let (held, available) = outcome_of(id, outcome)?
                    .strip_prefix("held ")?
                    .split_once(", available ")?;
                let available = exact(available)?;
                (exact(held)? == amount.money()).then_some(Answer::Held {
                    id: *id,
                    amount: *amount,
                    available,
                    repeat,
                })
            }
            Request::Confirm { id, .. } => (outcome_of(id, outcome)? == "confirmed")
                .then_some(Answer::Confirmed { id: *id, repeat }),
            Request::Rollback { id, .. } => (outcome_of(id, outcome)? == "rolled back")
                .then_some(Answer::RolledBack { id: *id, repeat }),
            Request::Create { id, .. } => (outcome_of(id, outcome)? == "created")
                .then_some(Answer::Created { id: *id, repeat }),
            Request::Terminal(asked) => {
                let name: Name = arguments.strip_prefix("terminal ")?.parse().ok()?;
                (name == *asked).then_some(Answer::Terminal(name))
            }
            Request::Quit => (arguments == "bye").then_some(Answer::Bye),
        }
    }
}

/// The refusal of the request with this id, as in `ERR insufficient-funds WITH_… only 5.00
/// available`: the id is the first of the words.
pub fn naming(id: RequestId, refusal: Refusal) -> Refusal {
    Refusal::new(refusal.code, format_args!("{id} {}", refusal.words))
}

/// Up to the first blank.
pub(super) fn first_word(arguments: Option<&str>) -> &str {
    let arguments = arguments.unwrap_or_default();
    arguments
        .split_once(' ')
        .map_or(arguments, |(word, _)| word)
}

/// What follows this id and a blank.
fn outcome_of<'a>(id: &impl fmt::Display, outcome: &'a str) -> Option<&'a str> {
    let (word, rest) = outcome.split_once(' ')?;
    (word == alloc::format!("{id}")).then_some(rest)
}

/// Money in the one form that the bank writes.
fn exact(text: &str) -> Option<Money> {
    let money: Money = text.parse().ok()?;
    (alloc::format!("{money}") == text).then_some(money)
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = |repeat: &bool| if *repeat { REPEAT } else { "" };
        match self {
            Answer::Welcome { id, holder } => write!(f, "{id} welcome {holder}"),
            Answer::Balance { available, held } => write!(f, "available {available}, held {held}"),
            Answer::Held {
                id,
                amount,
                available,
                repeat,
            } => {
                write!(
                    f,
                    "{id} held {amount}, available {available}{}",
                    mark(repeat)
                )
            }
            Answer::Confirmed { id, repeat } => write!(f, "{id} confirmed{}", mark(repeat)),
            Answer::RolledBack { id, repeat } => write!(f, "{id} rolled back{}", mark(repeat)),
            Answer::Created { id, repeat } => write!(f, "{id} created{}", mark(repeat)),
            Answer::Terminal(name) => write!(f, "terminal {name}"),
            Answer::Bye => f.write_str("bye"),
        }
    }
}
