//! The records of the cash machine's journal, and the state that they lead to.
//!
//! One line each, as in `dispensing WITH_… 10000.00`. Each record has exactly one text, so that a
//! damaged record is not read as another.

use core::fmt;
use core::str::FromStr;

use crate::atm::{Amount, Behind, Key, Kind, Money, TransactionId};
use crate::printable::quoted;
use crate::refusal::Code;

/// A record of the journal. It is durable before any action that depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum JournalRecord {
    /// `loading 10000.00`: an operator opens the drawer, to leave this in it. Until `loaded`, its
    /// count is no evidence.
    Loading(Money),
    /// `loaded 10000.00`: this is in the drawer, as an operator left it. The first record.
    Loaded(Money),
    /// `sending WITH_… 500.00 KEY`: the bank may receive this id from now on.
    Sending {
        /// The transaction.
        id: TransactionId,
        /// The amount.
        amount: Amount,
        /// The key that settles it; older machines have written none.
        key: Option<Key>,
    },
    /// `dispensing WITH_… 10000.00`, `accepting DEP_… 10000.00`: the money is held at the bank,
    /// and the notes may move from now on.
    Moving {
        /// The transaction.
        id: TransactionId,
        /// The drawer's content before: a different count later shows that the notes moved.
        drawer: Money,
    },
    /// `dispensed WITH_…`, `accepted DEP_…`: the notes have moved; it can only be confirmed.
    Moved(TransactionId),
    /// `rolling-back WITH_…`: no notes have moved, and none will.
    RollingBack(TransactionId),
    /// `confirmed WITH_…`: final; the bank has booked it.
    Confirmed(TransactionId),
    /// `rolled-back WITH_…`: final; the bank holds nothing, and never will for this id.
    RolledBack(TransactionId),
    /// `declined WITH_… insufficient-funds`: final; the bank holds nothing, and never will for
    /// this id.
    Declined(TransactionId, Code),
    /// `disputed WITH_… already-rolled-back`: final for the machine. It and the bank contradict
    /// each other, which an operator has to resolve.
    Disputed(TransactionId, Code),
}

impl JournalRecord {
    /// The record without its key, for display.
    pub fn without_key(self) -> JournalRecord {
        match self {
            JournalRecord::Sending { id, amount, .. } => JournalRecord::Sending {
                id,
                amount,
                key: None,
            },
            other => other,
        }
    }

    /// The transaction, if the record is about one.
    pub fn id(&self) -> Option<TransactionId> {
        match self {
            JournalRecord::Loading(_) | JournalRecord::Loaded(_) => None,
            JournalRecord::Sending { id, .. }
            | JournalRecord::Moving { id, .. }
            | JournalRecord::Moved(id)
            | JournalRecord::RollingBack(id)
            | JournalRecord::Confirmed(id)
            | JournalRecord::RolledBack(id)
            | JournalRecord::Declined(id, _)
            | JournalRecord::Disputed(id, _) => Some(*id),
        }
    }
}

impl FromStr for JournalRecord {
    type Err = Damage;

    fn from_str(line: &str) -> Result<JournalRecord, Damage> {
        parse(line)
            .filter(|record| alloc::format!("{record}") == line)
            .ok_or_else(|| {
                // The fourth word may be a key.
                let end = line
                    .match_indices(' ')
                    .nth(2)
                    .map_or(line.len(), |(at, _)| at);
                Damage::Unreadable(quoted(&line[..end]))
            })
    }
}

fn parse(line: &str) -> Option<JournalRecord> {
    let mut words = line.split(' ');
    let verb = words.next()?;
    match verb {
        "loading" => return Some(JournalRecord::Loading(words.next()?.parse().ok()?)),
        "loaded" => return Some(JournalRecord::Loaded(words.next()?.parse().ok()?)),
        _ => {}
    }
    let id: TransactionId = words.next()?.parse().ok()?;
    let argument = words.next().unwrap_or_default();
    Some(match verb {
        "sending" => JournalRecord::Sending {
            id,
            amount: argument.parse().ok()?,
            key: match words.next() {
                Some(key) => Some(key.parse().ok()?),
                None => None,
            },
        },
        "dispensing" | "accepting" => JournalRecord::Moving {
            id,
            drawer: argument.parse().ok()?,
        },
        "dispensed" | "accepted" => JournalRecord::Moved(id),
        "rolling-back" => JournalRecord::RollingBack(id),
        "confirmed" => JournalRecord::Confirmed(id),
        "rolled-back" => JournalRecord::RolledBack(id),
        "declined" => JournalRecord::Declined(id, Code::parse(argument)?),
        "disputed" => JournalRecord::Disputed(id, Code::parse(argument)?),
        _ => return None,
    })
}

impl fmt::Display for JournalRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            JournalRecord::Loading(drawer) => write!(f, "loading {drawer}"),
            JournalRecord::Loaded(drawer) => write!(f, "loaded {drawer}"),
            JournalRecord::Sending { id, amount, key } => {
                write!(f, "sending {id} {amount}{}", Behind(key))
            }
            JournalRecord::Moving { id, drawer } => {
                let verb = match id.kind {
                    Kind::Withdrawal => "dispensing",
                    Kind::Deposit => "accepting",
                };
                write!(f, "{verb} {id} {drawer}")
            }
            JournalRecord::Moved(id) => {
                let verb = match id.kind {
                    Kind::Withdrawal => "dispensed",
                    Kind::Deposit => "accepted",
                };
                write!(f, "{verb} {id}")
            }
            JournalRecord::RollingBack(id) => write!(f, "rolling-back {id}"),
            JournalRecord::Confirmed(id) => write!(f, "confirmed {id}"),
            JournalRecord::RolledBack(id) => write!(f, "rolled-back {id}"),
            JournalRecord::Declined(id, code) => write!(f, "declined {id} {}", code.as_str()),
            JournalRecord::Disputed(id, code) => write!(f, "disputed {id} {}", code.as_str()),
        }
    }
}

/// Why a machine cannot continue without an operator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// A line of the journal is no record.
    #[error("no record of the journal: {0}")]
    Unreadable(alloc::string::String),
    /// A record of the journal is not allowed at its place.
    #[error("the journal cannot say `{0}` here")]
    OutOfOrder(JournalRecord),
    /// The drawer was opened, or a record is missing.
    #[error("{found} in the drawer, and by the journal {expected}: count the notes")]
    Drawer {
        /// The content by the journal.
        expected: Money,
        /// The content found.
        found: Money,
    },
}

/// Why a machine does not begin a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BeginError {
    /// Another transaction is open.
    #[error("the transaction before is not settled yet")]
    Open,
    /// The drawer has too few notes, or no room for more.
    #[error("the drawer cannot move that much")]
    Drawer,
}

/// The phase of the open transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Phase {
    /// The hold was requested.
    Sending,
    /// The money is held, and the notes may have moved.
    Moving,
    /// The notes have moved.
    Moved,
    /// No notes have moved, and none will.
    RollingBack,
}

/// The open transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Open {
    pub id: TransactionId,
    pub amount: Amount,
    pub key: Option<Key>,
    pub phase: Phase,
}

impl Open {
    /// The drawer's content once the notes have moved.
    pub fn drawer_after(&self, before: Money) -> Option<Money> {
        match self.id.kind {
            Kind::Withdrawal => before.checked_sub(self.amount.money()),
            Kind::Deposit => before.checked_add(self.amount.money()),
        }
    }
}

/// The state that the records of a journal lead to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct JournalState {
    /// The expected content of the drawer; while notes may be moving, that before they do.
    pub drawer: Money,
    pub open: Option<Open>,
    /// Whether an operator has the drawer open.
    pub loading: bool,
}

impl JournalState {
    /// Replays a journal. `abandons`: whether its machine may leave transactions open and begin
    /// others.
    pub fn of(records: &[JournalRecord], abandons: bool) -> Result<Option<JournalState>, Damage> {
        let mut journal_state = None;
        for record in records {
            let mut next = match (journal_state, record) {
                (None, JournalRecord::Loaded(drawer)) => JournalState {
                    drawer: *drawer,
                    open: None,
                    loading: false,
                },
                (Some(journal_state), _) => journal_state,
                (None, _) => return Err(Damage::OutOfOrder(record.without_key())),
            };
            if !next.allows(record, abandons) {
                return Err(Damage::OutOfOrder(record.without_key()));
            }
            next.apply(record);
            journal_state = Some(next);
        }
        Ok(journal_state)
    }

    fn allows(&self, record: &JournalRecord, abandons: bool) -> bool {
        use Phase::{Moved, Moving, RollingBack, Sending};
        let phase = self.open.map(|open| open.phase);
        if let Some(open) = self.open
            && record.id().is_some_and(|id| id != open.id)
        {
            return abandons && matches!(record, JournalRecord::Sending { .. });
        }
        match record {
            // While notes may be moving, the recorded count is the evidence.
            JournalRecord::Loading(_) | JournalRecord::Loaded(_) => {
                abandons || phase != Some(Moving)
            }
            _ if self.loading => false,
            JournalRecord::Sending { id, amount, key } => {
                let open = Open {
                    id: *id,
                    amount: *amount,
                    key: *key,
                    phase: Sending,
                };
                self.open.is_none() && open.drawer_after(self.drawer).is_some()
            }
            JournalRecord::Moving { drawer, .. } => {
                phase == Some(Sending) && *drawer == self.drawer
            }
            JournalRecord::Moved(_) => phase == Some(Moving),
            JournalRecord::RollingBack(_) => matches!(phase, Some(Sending | Moving)),
            JournalRecord::Confirmed(_) => phase == Some(Moved),
            JournalRecord::RolledBack(_) => phase == Some(RollingBack),
            JournalRecord::Declined(..) => matches!(phase, Some(Sending | RollingBack)),
            JournalRecord::Disputed(..) => matches!(phase, Some(Sending | Moved | RollingBack)),
        }
    }

    /// Applies a record that is allowed.
    pub fn apply(&mut self, record: &JournalRecord) {
        match record {
            JournalRecord::Loading(_) => self.loading = true,
            JournalRecord::Loaded(drawer) => {
                self.drawer = *drawer;
                self.loading = false;
            }
            JournalRecord::Sending { id, amount, key } => {
                self.open = Some(Open {
                    id: *id,
                    amount: *amount,
                    key: *key,
                    phase: Phase::Sending,
                });
            }
            JournalRecord::Moving { .. } => self.reach(Phase::Moving),
            JournalRecord::Moved(_) => {
                let after = self.open.and_then(|open| open.drawer_after(self.drawer));
                self.drawer = after.unwrap_or(self.drawer);
                self.reach(Phase::Moved);
            }
            JournalRecord::RollingBack(_) => self.reach(Phase::RollingBack),
            JournalRecord::Confirmed(_)
            | JournalRecord::RolledBack(_)
            | JournalRecord::Declined(..)
            | JournalRecord::Disputed(..) => self.open = None,
        }
    }

    fn reach(&mut self, phase: Phase) {
        if let Some(open) = &mut self.open {
            open.phase = phase;
        }
    }
}
