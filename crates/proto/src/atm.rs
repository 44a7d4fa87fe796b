//! The bank and its cash machines: a withdrawal happens exactly once.
//!
//! The bank keeps the account, the machine keeps the notes, and either may crash at any point.
//! Notes that have left the machine cannot be taken back, so a withdrawal has two phases:
//!
//! ```text
//! machine                                        bank
//! generates an id and a key, journals them, syncs
//!   WITHDRAW WITH_… 500.00 KEY            ──►    id, hold and outcome in one transaction, synced
//!                                         ◄──    OK WITH_… held 500.00, available 9500.00
//! journals that it dispenses, does so
//!   CONFIRM WITH_… KEY                    ──►    the hold becomes an entry
//!                                         ◄──    OK WITH_… confirmed
//! or, if no notes came out,
//!   ROLLBACK WITH_… KEY                   ──►    the hold is released
//!                                         ◄──    OK WITH_… rolled back
//! ```
//!
//! *At least once* is the machine's part: it retransmits the same request, over as many
//! connections as necessary, until it has an answer. *At most once* is the bank's: it looks up the
//! id first, and answers a repeat with the recorded outcome, marked `, repeat`. Together that is
//! exactly once, because:
//!
//! * The machine generates the id and stores it before the first transmission. An id from the bank
//!   would be lost with the first answer, and the repeat would be a second withdrawal.
//! * The same id with another amount is a `mismatch`, and has no effect.
//! * A decline is recorded as well: funds that arrive later do not turn a repeat, whose customer
//!   has left, into a withdrawal. A new attempt has a new id.
//! * A rollback may overtake its withdrawal. It leaves a tombstone, and the late withdrawal is
//!   `already-rolled-back`.
//! * A repeat of a confirmed withdrawal is answered with `already-confirmed`, not `held`, because
//!   a machine that reads `held` may dispense.
//! * A hold never expires, since the notes may be out. It is listed to an operator as unsettled.
//! * Settling requires the key, not the PIN. A machine that restarts has the key in its journal,
//!   but no PIN; a customer whose notes are out has the PIN and the id on the receipt, but no key.
//! * A deposit can be rolled back until it is confirmed, so until then it is held, and not part of
//!   the balance.
//!
//! [`bank::decide`] is the bank's part, as one pure function, and [`machine::Machine`] is the
//! machine's. [`model`] checks both against every fault, and [`semantics`] switches off single
//! protections.
//!
//! A conversation starts with `VERIFY_CARD_AND_PASSWORD LOGIN_… 123456789 1234`, answered with
//! `OK LOGIN_… welcome Joty`. Every answer to a request with an id names the id, and so does a
//! refusal ([`naming`]), so that a late or duplicated answer is not taken for that to the next
//! request ([`Answer::read`]). Three wrong PINs in a row lock the card; a repeat of a failed
//! log-in, recognised by its id, does not count again.

use alloc::string::String;
use alloc::vec::Vec;
use alloc::{format, vec};
use core::fmt;
use core::str::FromStr;

use crate::name::Name;
use crate::refusal::Refusal;
use crate::request::{self, QUIT, no_arguments, split_verb, words};

mod answer;
pub mod bank;
mod card;
mod id;
mod key;
pub mod machine;
pub mod memory;
pub mod model;
mod money;
pub mod record;
mod secrets;
pub mod semantics;

pub use answer::{Answer, naming};
use answer::{REPEAT, first_word};
pub use card::{CardNumber, Holder, Pin};
pub use id::{CreationId, Kind, LoginId, RequestId, TransactionId};
pub use key::Key;
pub use money::{Amount, Money};
pub use secrets::{mask_quoted, secrets, secrets_in_bank_message, without_quoted_digits};

const LOG_IN: &str = "VERIFY_CARD_AND_PASSWORD";
const BALANCE: &str = "BALANCE_INQUIRY";
const WITHDRAW: &str = "WITHDRAW";
const DEPOSIT: &str = "DEPOSIT";
const CONFIRM: &str = "CONFIRM";
const ROLLBACK: &str = "ROLLBACK";
const CREATE: &str = "CREATE_ACCOUNT";
const TERMINAL: &str = "TERMINAL";

/// A request of a cash machine to the bank.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Request {
    /// `VERIFY_CARD_AND_PASSWORD`: opens the session of this card.
    LogIn {
        /// The attempt; the same when it is sent again.
        id: LoginId,
        /// The card in the machine.
        card: CardNumber,
        /// The PIN typed.
        pin: Pin,
    },
    /// `BALANCE_INQUIRY`, of the session's card.
    Balance,
    /// `WITHDRAW` or `DEPOSIT`, by the kind of the id: the first phase.
    Hold {
        /// The transaction; the same when it is sent again.
        id: TransactionId,
        /// The amount.
        amount: Amount,
        /// The key that will authorise the settlement; without one, the card does.
        key: Option<Key>,
    },
    /// `CONFIRM`: the notes have moved.
    Confirm {
        /// The transaction.
        id: TransactionId,
        /// The key of the hold; if it had none, the session must be the card's.
        key: Option<Key>,
    },
    /// `ROLLBACK`: no notes have moved, and none will.
    Rollback {
        /// The transaction.
        id: TransactionId,
        /// As in [`Confirm`](Request::Confirm).
        key: Option<Key>,
    },
    /// `CREATE_ACCOUNT`.
    Create {
        /// The request; the same when it is sent again.
        id: CreationId,
        /// The new card.
        card: CardNumber,
        /// Its PIN.
        pin: Pin,
        /// The opening balance; may be zero.
        opening: Money,
        /// The account's holder: the rest of the message.
        holder: Holder,
    },
    /// `TERMINAL`: the machine's name, for the bank's records.
    Terminal(Name),
    /// The end of the conversation.
    Quit,
}

impl FromStr for Request {
    type Err = Refusal;

    fn from_str(message: &str) -> Result<Request, Refusal> {
        let (verb, arguments) = split_verb(message);
        let request = parse(verb, arguments);
        request.map_err(|refusal| match first_word(arguments).parse() {
            Ok(id) => naming(id, refusal),
            Err(_) => refusal,
        })
    }
}

fn parse(verb: &str, arguments: Option<&str>) -> Result<Request, Refusal> {
    match verb {
        LOG_IN => {
            let [id, card, pin] = words(
                arguments,
                "VERIFY_CARD_AND_PASSWORD needs an id, a card and a PIN",
            )?;
            Ok(Request::LogIn {
                id: id.parse()?,
                card: card.parse()?,
                pin: pin.parse()?,
            })
        }
        BALANCE => no_arguments(BALANCE, arguments).map(|()| Request::Balance),
        WITHDRAW => hold(
            Kind::Withdrawal,
            arguments,
            "WITHDRAW needs a WITH_ id and an amount, and may have a key",
        ),
        DEPOSIT => hold(
            Kind::Deposit,
            arguments,
            "DEPOSIT needs a DEP_ id and an amount, and may have a key",
        ),
        CONFIRM => {
            let (id, key) = settled(arguments, "CONFIRM needs an id, and may have a key")?;
            Ok(Request::Confirm { id, key })
        }
        ROLLBACK => {
            let (id, key) = settled(arguments, "ROLLBACK needs an id, and may have a key")?;
            Ok(Request::Rollback { id, key })
        }
        CREATE => create(arguments.unwrap_or_default()),
        TERMINAL => {
            let [name] = words(arguments, "TERMINAL needs a name")?;
            Ok(Request::Terminal(name.parse()?))
        }
        QUIT => no_arguments(QUIT, arguments).map(|()| Request::Quit),
        _ => Err(Refusal::unknown_verb(
            verb,
            "VERIFY_CARD_AND_PASSWORD, BALANCE_INQUIRY, WITHDRAW, DEPOSIT, CONFIRM, ROLLBACK, \
                 CREATE_ACCOUNT, TERMINAL, QUIT",
        )),
    }
}

fn hold(kind: Kind, arguments: Option<&str>, expected: &str) -> Result<Request, Refusal> {
    let ([id, amount], key) = with_key(arguments, expected)?;
    let id: TransactionId = id.parse()?;
    if id.kind != kind {
        return Err(Refusal::malformed(expected));
    }
    Ok(Request::Hold {
        id,
        amount: amount.parse()?,
        key,
    })
}

fn settled(
    arguments: Option<&str>,
    expected: &str,
) -> Result<(TransactionId, Option<Key>), Refusal> {
    let ([id], key) = with_key(arguments, expected)?;
    Ok((id.parse()?, key))
}

/// `N` words, and a key if there is one more.
fn with_key<'a, const N: usize>(
    arguments: Option<&'a str>,
    expected: &str,
) -> Result<([&'a str; N], Option<Key>), Refusal> {
    let (before, key) = match arguments.and_then(|arguments| arguments.rsplit_once(' ')) {
        Some((before, key)) if before.split(' ').count() == N => (Some(before), Some(key)),
        _ => (arguments, None),
    };
    let words = words(before, expected)?;
    Ok((words, key.map(str::parse).transpose()?))
}

fn create(arguments: &str) -> Result<Request, Refusal> {
    let mut parts = arguments.splitn(5, ' ');
    let mut next = || {
        parts.next().filter(|part| !part.is_empty()).ok_or_else(|| {
            Refusal::malformed(
                "CREATE_ACCOUNT needs an id, a card, a PIN, an opening balance and a name",
            )
        })
    };
    let [id, card, pin, opening, holder] = [next()?, next()?, next()?, next()?, next()?];
    Ok(Request::Create {
        id: id.parse()?,
        card: card.parse()?,
        pin: pin.parse()?,
        opening: opening.parse()?,
        holder: holder.parse()?,
    })
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Request::LogIn { id, card, pin } => write!(f, "{LOG_IN} {id} {card} {}", pin.reveal()),
            Request::Balance => f.write_str(BALANCE),
            Request::Hold { id, amount, key } => {
                let verb = match id.kind {
                    Kind::Withdrawal => WITHDRAW,
                    Kind::Deposit => DEPOSIT,
                };
                write!(f, "{verb} {id} {amount}{}", Behind(key))
            }
            Request::Confirm { id, key } => write!(f, "{CONFIRM} {id}{}", Behind(key)),
            Request::Rollback { id, key } => write!(f, "{ROLLBACK} {id}{}", Behind(key)),
            Request::Create {
                id,
                card,
                pin,
                opening,
                holder,
            } => {
                write!(
                    f,
                    "{CREATE} {id} {card} {} {opening} {holder}",
                    pin.reveal()
                )
            }
            Request::Terminal(name) => write!(f, "{TERMINAL} {name}"),
            Request::Quit => f.write_str(QUIT),
        }
    }
}

/// A blank and the key, if there is one.
pub(crate) struct Behind<'a>(&'a Option<Key>);

impl fmt::Display for Behind<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(key) => write!(f, " {}", key.reveal()),
            None => Ok(()),
        }
    }
}

impl Request {
    /// The id, if requests of this kind have one.
    pub fn id(&self) -> Option<RequestId> {
        match self {
            Request::LogIn { id, .. } => Some(RequestId::Login(*id)),
            Request::Hold { id, .. }
            | Request::Confirm { id, .. }
            | Request::Rollback { id, .. } => Some(RequestId::Transaction(*id)),
            Request::Create { id, .. } => Some(RequestId::Creation(*id)),
            Request::Balance | Request::Terminal(_) | Request::Quit => None,
        }
    }
}

impl request::Request for Request {
    const QUIT: Request = Request::Quit;

    type Answer = Answer;

    fn answer(&self, arguments: &str) -> Option<Answer> {
        Answer::parse(self, arguments)
    }

    fn read(&self, reply: Result<&str, Refusal>) -> Option<Result<Answer, Refusal>> {
        Answer::read(self, reply)
    }

    fn refused(&self) -> String {
        match self.id() {
            Some(id) => format!("ERR CODE {id} WORDS"),
            None => "ERR CODE WORDS".into(),
        }
    }

    fn answers(&self) -> Vec<String> {
        let first_or_repeat = |answer: String| vec![answer.clone(), answer + REPEAT];
        match self {
            Request::LogIn { id, .. } => vec![format!("OK {id} welcome HOLDER")],
            Request::Balance => vec!["OK available MONEY, held MONEY".into()],
            Request::Hold { id, amount, .. } => {
                first_or_repeat(format!("OK {id} held {amount}, available MONEY"))
            }
            Request::Confirm { id, .. } => first_or_repeat(format!("OK {id} confirmed")),
            Request::Rollback { id, .. } => first_or_repeat(format!("OK {id} rolled back")),
            Request::Create { id, .. } => first_or_repeat(format!("OK {id} created")),
            Request::Terminal(name) => vec![format!("OK terminal {name}")],
            Request::Quit => vec!["OK bye".into()],
        }
    }
}

#[cfg(test)]
mod tests;
