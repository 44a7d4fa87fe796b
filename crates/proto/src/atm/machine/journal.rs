//! What the cash machine must not forget: the records of its journal, and what they add up to.
//!
//! One line each, as in `dispensing WITH_… 10000.00`. There is one text for a record and one
//! record for a text, so that damage is not read as something else.

use core::fmt;
use core::str::FromStr;

use crate::atm::{Amount, Kind, Money, TransactionId};
use crate::printable::quoted;
use crate::refusal::Code;

/// A record of the journal. Each is on disk before anything is done that depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Record {
    /// `loading 10000.00`: an operator has the drawer open, to have this in it. Until `loaded`, its
    /// count is no evidence of anything.
    Loading(Money),
    /// `loaded 10000.00`: this is in the drawer, as an operator left it. The first record.
    Loaded(Money),
    /// `sending WITH_… 500.00`: the bank may hear of this id from now on.
    Sending {
        /// The transaction.
        id: TransactionId,
        /// How much it moves.
        amount: Amount,
    },
    /// `dispensing WITH_… 10000.00`, `accepting DEP_… 10000.00`: the money is held at the bank,
    /// and the notes may move from now on.
    Moving {
        /// The transaction.
        id: TransactionId,
        /// What the drawer has in it before: another count later tells that the notes moved.
        drawer: Money,
    },
    /// `dispensed WITH_…`, `accepted DEP_…`: the notes have moved; it can only be confirmed.
    Moved(TransactionId),
    /// `rolling-back WITH_…`: no notes have moved, and none will.
    RollingBack(TransactionId),
    /// `confirmed WITH_…`: over; the bank has booked it.
    Confirmed(TransactionId),
    /// `rolled-back WITH_…`: over; the bank holds nothing, and never will for this id.
    RolledBack(TransactionId),
    /// `declined WITH_… insufficient-funds`: over; the bank holds nothing, and never will for
    /// this id.
    Declined(TransactionId, Code),
    /// `disputed WITH_… already-rolled-back`: over for the machine. It and the bank contradict
    /// each other, and a person has to look.
    Disputed(TransactionId, Code),
}

impl Record {
    /// The transaction it is about.
    pub fn id(&self) -> Option<TransactionId> {
        match self {
            Record::Loading(_) | Record::Loaded(_) => None,
            Record::Sending { id, .. }
            | Record::Moving { id, .. }
            | Record::Moved(id)
            | Record::RollingBack(id)
            | Record::Confirmed(id)
            | Record::RolledBack(id)
            | Record::Declined(id, _)
            | Record::Disputed(id, _) => Some(*id),
        }
    }
}

const LOADING: &str = "loading";
const LOADED: &str = "loaded";
const SENDING: &str = "sending";
const DISPENSING: &str = "dispensing";
const ACCEPTING: &str = "accepting";
const DISPENSED: &str = "dispensed";
const ACCEPTED: &str = "accepted";
const ROLLING_BACK: &str = "rolling-back";
const CONFIRMED: &str = "confirmed";
const ROLLED_BACK: &str = "rolled-back";
const DECLINED: &str = "declined";
const DISPUTED: &str = "disputed";

impl FromStr for Record {
    type Err = Damage;

    fn from_str(line: &str) -> Result<Record, Damage> {
        parse(line)
            .filter(|record| alloc::format!("{record}") == line)
            .ok_or_else(|| Damage::Unreadable(quoted(line)))
    }
}

fn parse(line: &str) -> Option<Record> {
    let mut words = line.split(' ');
    let verb = words.next()?;
    match verb {
        LOADING => return Some(Record::Loading(words.next()?.parse().ok()?)),
        LOADED => return Some(Record::Loaded(words.next()?.parse().ok()?)),
        _ => {}
    }
    let id: TransactionId = words.next()?.parse().ok()?;
    let argument = words.next().unwrap_or_default();
    Some(match verb {
        SENDING => Record::Sending {
            id,
            amount: argument.parse().ok()?,
        },
        DISPENSING | ACCEPTING => Record::Moving {
            id,
            drawer: argument.parse().ok()?,
        },
        DISPENSED | ACCEPTED => Record::Moved(id),
        ROLLING_BACK => Record::RollingBack(id),
        CONFIRMED => Record::Confirmed(id),
        ROLLED_BACK => Record::RolledBack(id),
        DECLINED => Record::Declined(id, Code::parse(argument)?),
        DISPUTED => Record::Disputed(id, Code::parse(argument)?),
        _ => return None,
    })
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Record::Loading(drawer) => write!(f, "{LOADING} {drawer}"),
            Record::Loaded(drawer) => write!(f, "{LOADED} {drawer}"),
            Record::Sending { id, amount } => write!(f, "{SENDING} {id} {amount}"),
            Record::Moving { id, drawer } => {
                let verb = match id.kind {
                    Kind::Withdrawal => DISPENSING,
                    Kind::Deposit => ACCEPTING,
                };
                write!(f, "{verb} {id} {drawer}")
            }
            Record::Moved(id) => {
                let verb = match id.kind {
                    Kind::Withdrawal => DISPENSED,
                    Kind::Deposit => ACCEPTED,
                };
                write!(f, "{verb} {id}")
            }
            Record::RollingBack(id) => write!(f, "{ROLLING_BACK} {id}"),
            Record::Confirmed(id) => write!(f, "{CONFIRMED} {id}"),
            Record::RolledBack(id) => write!(f, "{ROLLED_BACK} {id}"),
            Record::Declined(id, code) => write!(f, "{DECLINED} {id} {}", code.as_str()),
            Record::Disputed(id, code) => write!(f, "{DISPUTED} {id} {}", code.as_str()),
        }
    }
}

/// Why a machine cannot go on by itself.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// A line of the journal is no record.
    #[error("no record of the journal: {0}")]
    Unreadable(alloc::string::String),
    /// A record of the journal cannot stand where it does.
    #[error("the journal cannot say `{0}` here")]
    OutOfOrder(Record),
    /// The drawer was opened, or a record is missing.
    #[error("{found} in the drawer, and by the journal {expected}: count the notes")]
    Drawer {
        /// What the journal adds up to.
        expected: Money,
        /// What there is.
        found: Money,
    },
}

/// Why a machine does not begin a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotNow {
    /// What is open comes first.
    #[error("the transaction before is not settled yet")]
    Open,
    /// Fewer notes than are asked for, or no room for more.
    #[error("the drawer cannot move that much")]
    Drawer,
}

/// How far the open transaction got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Phase {
    /// The hold was asked for.
    Sending,
    /// The money is held, and the notes may have moved.
    Moving,
    /// The notes have moved.
    Moved,
    /// No notes have moved, and none will.
    RollingBack,
}

/// The transaction that is not over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Open {
    pub id: TransactionId,
    pub amount: Amount,
    pub phase: Phase,
}

impl Open {
    /// What is in the drawer once the notes have moved.
    pub fn drawer_after(&self, before: Money) -> Option<Money> {
        match self.id.kind {
            Kind::Withdrawal => before.checked_sub(self.amount.money()),
            Kind::Deposit => before.checked_add(self.amount.money()),
        }
    }
}

/// What the records of a journal add up to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Standing {
    /// What the drawer should have in it; while notes may move, before they do.
    pub drawer: Money,
    pub open: Option<Open>,
    /// Whether an operator has the drawer open.
    pub loading: bool,
}

impl Standing {
    /// Reads a journal. `abandons`: whether it is one of a machine that leaves transactions open
    /// and begins others.
    pub fn of(records: &[Record], abandons: bool) -> Result<Option<Standing>, Damage> {
        let mut standing = None;
        for record in records {
            let mut next = match (standing, record) {
                (None, Record::Loaded(drawer)) => Standing {
                    drawer: *drawer,
                    open: None,
                    loading: false,
                },
                (Some(standing), _) => standing,
                (None, _) => return Err(Damage::OutOfOrder(*record)),
            };
            if !next.allows(record, abandons) {
                return Err(Damage::OutOfOrder(*record));
            }
            next.follow(record);
            standing = Some(next);
        }
        Ok(standing)
    }

    fn allows(&self, record: &Record, abandons: bool) -> bool {
        use Phase::{Moved, Moving, RollingBack, Sending};
        let phase = self.open.map(|open| open.phase);
        if let Some(open) = self.open
            && record.id().is_some_and(|id| id != open.id)
        {
            return abandons && matches!(record, Record::Sending { .. });
        }
        match record {
            // While notes may be moving, the count that was written down before is what tells.
            Record::Loading(_) | Record::Loaded(_) => abandons || phase != Some(Moving),
            _ if self.loading => false,
            Record::Sending { id, amount } => {
                let open = Open {
                    id: *id,
                    amount: *amount,
                    phase: Sending,
                };
                self.open.is_none() && open.drawer_after(self.drawer).is_some()
            }
            Record::Moving { drawer, .. } => phase == Some(Sending) && *drawer == self.drawer,
            Record::Moved(_) => phase == Some(Moving),
            Record::RollingBack(_) => matches!(phase, Some(Sending | Moving)),
            Record::Confirmed(_) => phase == Some(Moved),
            Record::RolledBack(_) => phase == Some(RollingBack),
            Record::Declined(..) => matches!(phase, Some(Sending | RollingBack)),
            Record::Disputed(..) => matches!(phase, Some(Sending | Moved | RollingBack)),
        }
    }

    /// Goes on by one record that stands where it may.
    pub fn follow(&mut self, record: &Record) {
        match record {
            Record::Loading(_) => self.loading = true,
            Record::Loaded(drawer) => {
                self.drawer = *drawer;
                self.loading = false;
            }
            Record::Sending { id, amount } => {
                self.open = Some(Open {
                    id: *id,
                    amount: *amount,
                    phase: Phase::Sending,
                });
            }
            Record::Moving { .. } => self.reach(Phase::Moving),
            Record::Moved(_) => {
                let after = self.open.and_then(|open| open.drawer_after(self.drawer));
                self.drawer = after.unwrap_or(self.drawer);
                self.reach(Phase::Moved);
            }
            Record::RollingBack(_) => self.reach(Phase::RollingBack),
            Record::Confirmed(_)
            | Record::RolledBack(_)
            | Record::Declined(..)
            | Record::Disputed(..) => self.open = None,
        }
    }

    fn reach(&mut self, phase: Phase) {
        if let Some(open) = &mut self.open {
            open.phase = phase;
        }
    }
}
