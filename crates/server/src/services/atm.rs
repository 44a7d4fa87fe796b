//! The bank, as a cash machine meets it: one session a connection.
//!
//! The session knows which card has logged in and what the machine is called; all else is in the
//! ledger. It ends with the connection, and a log-in of another card replaces it. What is logged
//! has the card masked, and never a PIN.
//!
//! A log-in is a request, with an id by which it is known again; three wrong ones lock the card. A
//! front end whose customers have other ways to say who they are finds [`doors`] with weaker locks.

mod budget;
pub mod doors;
mod strangers;

use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use jiff::Timestamp;
use proto::atm::bank::{Operation, Settler};
use proto::atm::semantics::Semantics;
use proto::atm::{
    Answer, CardNumber, CreationId, Holder, Key, LoginId, Money, Pin, Request, naming,
};
use proto::name::Name;
use proto::refusal::Refusal;
use record::{Detail, Note, NoteKind, Recorder, What};

use crate::connections::Watch;
use crate::conversation::Conversation;
use crate::ledger::accounts::{NewAccount, open_missing};
use crate::ledger::memory::MemoryStore;
use crate::ledger::{Bank, Store, StoreError, seconds, sqlite};
use crate::pin::PinGate;
use budget::Budget;
use strangers::Strangers;

/// The least that a log-in takes which fails. Whether the card is known, or is locked, makes less of
/// a difference than this, so that it cannot be told by a clock.
const FAILED_LOGIN: Duration = Duration::from_millis(300);

/// What all sessions share.
#[derive(Debug, Clone)]
pub struct Atm {
    bank: Bank,
    gate: Arc<PinGate>,
    strangers: Arc<Strangers>,
    budget: Arc<Budget>,
    /// Whether the ledger keeps card numbers of any form.
    keeps_any_card: bool,
    /// How many accounts were opened when the bank was.
    opened: usize,
}

impl Atm {
    /// Opens the ledger in this file, with these accounts if it does not have them.
    ///
    /// # Errors
    /// What failed, and what to do.
    pub fn open(
        ledger: &Path,
        accounts: Vec<NewAccount>,
        recorder: Option<Recorder>,
    ) -> anyhow::Result<Atm> {
        let store = sqlite::open(ledger)?;
        let atm = Atm::over(Semantics::ExactlyOnce, store, false, accounts, recorder)?;
        tracing::info!(ledger = %ledger.display(), "the ledger is open");
        Ok(atm)
    }

    /// A bank that forgets everything when the server ends, with these semantics.
    ///
    /// # Errors
    /// When there is no thread for it.
    pub fn in_memory(
        semantics: Semantics,
        accounts: Vec<NewAccount>,
        recorder: Option<Recorder>,
    ) -> anyhow::Result<Atm> {
        if semantics != Semantics::ExactlyOnce {
            tracing::warn!("{semantics}: this bank may lose or make money, on purpose");
        }
        Atm::over(semantics, MemoryStore::new(), true, accounts, recorder)
    }

    fn over(
        semantics: Semantics,
        store: impl Store + 'static,
        keeps_any_card: bool,
        accounts: Vec<NewAccount>,
        recorder: Option<Recorder>,
    ) -> anyhow::Result<Atm> {
        let note = move |operation: &Operation, reply: &Result<Answer, Refusal>| {
            if let Some(recorder) = &recorder
                && let Some(note) = note(operation, reply)
            {
                recorder.record(None, What::Note(note));
            }
        };
        let bank = Bank::start_observed(semantics.protections(), store, note)
            .context("no thread for the ledger")?;
        let mut atm = Atm {
            bank,
            gate: Arc::new(PinGate::new()),
            strangers: Arc::default(),
            budget: Arc::default(),
            keeps_any_card,
            opened: 0,
        };
        let bank_failed = |refusal: Refusal| anyhow!("cannot open the accounts: {refusal}");
        atm.opened = open_missing(&atm.bank, &atm.gate, accounts).map_err(bank_failed)?;
        let unsettled = atm
            .bank
            .query(|store| store.unsettled())
            .map_err(bank_failed)?;
        if atm.opened > 0 {
            tracing::info!(accounts = atm.opened, "opened accounts");
        }
        if !unsettled.is_empty() {
            let transactions = unsettled.len();
            tracing::warn!(
                transactions,
                "not settled yet; `labserver ledger unsettled` lists them"
            );
        }
        Ok(atm)
    }

    /// How many accounts were opened when the bank was; the others it knew.
    pub fn opened(&self) -> usize {
        self.opened
    }

    /// The bank as this connection has it: what is computed for it takes turns with others.
    #[must_use]
    pub fn visited_by(&self, whose: Watch) -> Atm {
        Atm {
            gate: Arc::new(self.gate.of(whose)),
            ..self.clone()
        }
    }

    /// The session of a new connection.
    pub fn session(&self) -> AtmSession {
        AtmSession {
            atm: self.clone(),
            card: None,
            terminal: None,
            has_logged_in: false,
        }
    }
}

/// One cash machine's conversation with the bank.
#[derive(Debug)]
pub struct AtmSession {
    atm: Atm,
    /// The card that is logged in.
    card: Option<CardNumber>,
    /// What the machine is called.
    terminal: Option<Name>,
    /// Whether any log-in succeeded: the deadline is for the first.
    has_logged_in: bool,
}

impl Conversation for AtmSession {
    type Request = Request;
    type Answer = Answer;

    fn answer(&mut self, request: Request) -> Result<Answer, Refusal> {
        let id = request.id();
        self.act(request).map_err(|refusal| match id {
            Some(id) => naming(id, refusal),
            None => refusal,
        })
    }

    fn awaits_login(&self) -> bool {
        !self.has_logged_in
    }

    fn is_told_secrets(&self) -> bool {
        true
    }
}

impl AtmSession {
    /// Does what is asked. The refusal does not name the request.
    ///
    /// # Errors
    /// The bank's refusal.
    pub fn act(&mut self, request: Request) -> Result<Answer, Refusal> {
        match request {
            Request::LogIn { id, card, pin } => {
                let by = Instant::now() + FAILED_LOGIN;
                self.log_in(id, card, &pin)
                    .inspect_err(|_| thread::sleep(by.saturating_duration_since(Instant::now())))
            }
            Request::Balance => self.apply(
                "balance",
                Operation::Balance {
                    card: self.card.clone(),
                },
            ),
            Request::Hold { id, amount, key } => {
                let (card, terminal) = (self.card.clone(), self.terminal.clone());
                self.apply(
                    "hold",
                    Operation::Hold {
                        id,
                        card,
                        amount,
                        terminal,
                        key,
                    },
                )
            }
            Request::Confirm { id, key } => {
                let by = self.settler(key);
                self.apply("confirm", Operation::Confirm { id, by })
            }
            Request::Rollback { id, key } => {
                // Without a key it is refused, and leaves no row.
                let may_leave_row = self.card.is_none() && key.is_some();
                if may_leave_row && self.is_unknown(move |store| store.record(id))? {
                    self.atm.budget.take(Instant::now())?;
                }
                let by = self.settler(key);
                self.apply("rollback", Operation::Rollback { id, by })
            }
            Request::Create {
                id,
                card,
                pin,
                opening,
                holder,
            } => self.create(id, card, &pin, opening, holder),
            Request::Terminal(name) => {
                tracing::info!(terminal = %name, "the machine gave its name");
                self.terminal = Some(name.clone());
                Ok(Answer::Terminal(name))
            }
            Request::Quit => Ok(Answer::Bye),
        }
    }

    fn log_in(&mut self, id: LoginId, card: CardNumber, pin: &Pin) -> Result<Answer, Refusal> {
        // Whoever was at the machine has gone, whether or not this one gets in.
        self.card = None;
        let wanted = card.clone();
        let account = self.atm.bank.query(move |store| store.account(&wanted))?;
        let hash = account.as_ref().map(|account| account.pin_hash.as_str());
        let pin_matches = self.atm.gate.verify(pin, hash).inspect_err(|refusal| {
            tracing::warn!(
                card = card.masked(),
                refused = refusal.code.as_str(),
                "log-in"
            );
        })?;
        let operation = Operation::LogIn {
            id,
            card: card.clone(),
            pin_matches,
        };
        if account.is_none() {
            let now = seconds(Timestamp::now());
            let refused = self.atm.strangers.refuse(&card, &operation, now);
            refused.inspect_err(|refusal| {
                let refused = refusal.code.as_str();
                tracing::warn!(what = "log-in", card = card.masked(), refused, "not done");
            })?;
        }
        let answer = self.apply_for(Some(&card), "log-in", operation)?;
        self.card = Some(card);
        self.has_logged_in = true;
        Ok(answer)
    }

    fn create(
        &self,
        id: CreationId,
        card: CardNumber,
        pin: &Pin,
        opening: Money,
        holder: Holder,
    ) -> Result<Answer, Refusal> {
        if !card.is_standard() && !self.atm.keeps_any_card {
            let words = "a ledger on disk keeps card numbers of 6 to 19 digits";
            return Err(Refusal::malformed(words));
        }
        if self.is_unknown(move |store| store.created(id))? {
            self.atm.budget.take(Instant::now())?;
        }
        let pin_hash = self.atm.gate.hash(pin, id)?;
        let shown = card.clone();
        let operation = Operation::Create {
            id,
            card,
            holder,
            pin_hash,
            opening,
        };
        self.apply_for(Some(&shown), "new account", operation)
    }

    /// Whether the ledger has no such row.
    fn is_unknown<T: Send + 'static>(
        &self,
        find: impl FnOnce(&mut dyn Store) -> Result<Option<T>, StoreError> + Send + 'static,
    ) -> Result<bool, Refusal> {
        Ok(self.atm.bank.query(find)?.is_none())
    }

    fn settler(&self, key: Option<Key>) -> Settler {
        let card = self.card.clone();
        Settler { card, key }
    }

    fn apply(&self, what: &str, operation: Operation) -> Result<Answer, Refusal> {
        self.apply_for(self.card.as_ref(), what, operation)
    }

    /// Has the bank do this, and logs what came of it.
    fn apply_for(
        &self,
        card: Option<&CardNumber>,
        what: &str,
        operation: Operation,
    ) -> Result<Answer, Refusal> {
        let id = match &operation {
            Operation::Hold { id, .. }
            | Operation::Confirm { id, .. }
            | Operation::Rollback { id, .. } => Some(id.to_string()),
            Operation::LogIn { id, .. } => Some(id.to_string()),
            Operation::Create { id, .. } => Some(id.to_string()),
            Operation::Settle { id, .. } => Some(id.to_string()),
            Operation::Balance { .. } | Operation::Unlock(_) => None,
        };
        let card = card.map(CardNumber::masked);
        let terminal = self.terminal.as_ref().map(Name::as_str);
        let reply = self.atm.bank.apply(operation);
        match &reply {
            Ok(answer) => tracing::info!(what, card, terminal, %answer, "done"),
            Err(refusal) => {
                let refused = refusal.code.as_str();
                tracing::warn!(what, card, terminal, id, refused, "not done");
            }
        }
        reply
    }
}

/// What the ledger says of an operation from now on.
fn note(operation: &Operation, reply: &Result<Answer, Refusal>) -> Option<Note> {
    let about = match operation {
        Operation::Hold { id, .. }
        | Operation::Confirm { id, .. }
        | Operation::Rollback { id, .. }
        | Operation::Settle { id, .. } => id.to_string(),
        Operation::LogIn { id, .. } => id.to_string(),
        Operation::Create { id, .. } => id.to_string(),
        Operation::Balance { .. } | Operation::Unlock(_) => return None,
    };
    let repeated = |repeat: &bool| repeat.then_some(Detail::Repeat);
    let (kind, amount, detail) = match reply {
        Ok(Answer::Welcome { .. }) => (NoteKind::Welcome, None, None),
        Ok(Answer::Held { amount, repeat, .. }) => {
            (NoteKind::Held, Some(amount.to_string()), repeated(repeat))
        }
        Ok(Answer::Confirmed { repeat, .. }) => (NoteKind::Confirmed, None, repeated(repeat)),
        Ok(Answer::RolledBack { repeat, .. }) => (NoteKind::RolledBack, None, repeated(repeat)),
        Ok(Answer::Created { repeat, .. }) => (NoteKind::Created, None, repeated(repeat)),
        Ok(Answer::Balance { .. } | Answer::Terminal(_) | Answer::Bye) => return None,
        Err(refusal) => (NoteKind::Refused, None, Some(Detail::Code(refusal.code))),
    };
    Some(Note {
        about: Some(about),
        kind,
        amount,
        detail,
    })
}

#[cfg(test)]
mod tests;
