//! The bank, as a cash machine meets it: one session a connection.
//!
//! The session knows which card has logged in and what the machine is called; all else is in the
//! ledger. It ends with the connection, and a log-in of another card replaces it. What is logged
//! has the card masked, and never a PIN.
//!
//! A log-in is a request, with an id by which it is known again; three wrong ones lock the card.
//! For front ends whose clients send no id there is [`weak_login`].

mod note;
mod unknown_cards;
mod weak_login;

use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use jiff::Timestamp;
use proto::atm::bank::{Authorisation, Operation};
use proto::atm::semantics::Semantics;
use proto::atm::{
    Answer, CardNumber, CreationId, Holder, Key, LoginId, Money, Pin, Request, naming,
};
use proto::name::Name;
use proto::refusal::{Code, Refusal};
use record::{EventKind, Recorder};

use crate::config::Config;
use crate::connections::ConnectionStatus;
use crate::conversation::Conversation;
use crate::ledger::accounts::{NewAccount, NewPin, built_in, load, open_missing};
use crate::ledger::bank::Bank;
use crate::ledger::memory::MemoryStore;
use crate::ledger::place::Place;
use crate::ledger::store::{Store, StoreError, seconds};
use crate::pin::PinGate;
use crate::token_bucket::TokenBucket;
use note::{id_of, note};
use unknown_cards::UnknownCards;

/// The least that a log-in takes which fails. Whether the card is known, or is locked, makes less
/// of a difference than this, so that it cannot be measured.
const FAILED_LOGIN: Duration = Duration::from_millis(300);

/// New rows without a log-in that are had at once: a class that opens its accounts, machines that
/// all restart.
const NEW_ROWS: u32 = 200;

/// From one such row to the next when the burst is used up. A ledger grows by 300 MB a day then.
const NEW_ROW_INTERVAL: Duration = Duration::from_millis(100);

/// Opens the bank of this configuration, with these accounts unless it names a file of others. When
/// they are new, and for this machine alone, the log names their cards and PINs, which a user who
/// tries the bank for the first time does not know.
pub fn open(config: &Config, accounts: &str) -> anyhow::Result<Atm> {
    let accounts = match &config.accounts {
        Some(file) => load(file)?,
        None => built_in(accounts)?,
    };
    let recorder = config.recorder.clone();
    let for_show = match config.accounts {
        None if config.bind.is_loopback() => accounts.clone(),
        _ => Vec::new(),
    };
    let atm = match &config.ledger {
        Some(place) => Atm::open(place, config.require_synchronous, accounts, recorder),
        None => Atm::in_memory(config.semantics, accounts, recorder),
    }?;
    if atm.opened == for_show.len() {
        for NewAccount {
            card, pin, holder, ..
        } in for_show
        {
            if let NewPin::Plain(pin) = pin {
                let (card, pin) = (card.as_str(), pin.reveal());
                tracing::info!(card, pin, %holder, "a card to try");
            }
        }
    }
    Ok(atm)
}

/// What all sessions share.
#[derive(Debug, Clone)]
pub struct Atm {
    bank: Bank,
    gate: Arc<PinGate>,
    unknown_cards: Arc<UnknownCards>,
    /// What is left for all connections of the rows that requests without a log-in leave: new
    /// accounts, and rollbacks of transactions that the bank does not know. No row is ever deleted.
    new_rows: Arc<Mutex<TokenBucket>>,
    /// Whether the ledger keeps card numbers of any form.
    keeps_any_card: bool,
    /// How many accounts were opened when the bank was.
    opened: usize,
}

impl Atm {
    /// Opens the ledger at this place, with these accounts if it does not have them.
    pub fn open(
        ledger: &Place,
        require_synchronous: bool,
        accounts: Vec<NewAccount>,
        recorder: Option<Recorder>,
    ) -> anyhow::Result<Atm> {
        let store = ledger.open(require_synchronous)?;
        let atm = Atm::over(Semantics::ExactlyOnce, store, false, accounts, recorder)?;
        tracing::info!(%ledger, "the ledger is open");
        Ok(atm)
    }

    /// A bank that forgets everything when the server ends, with these semantics.
    pub fn in_memory(
        semantics: Semantics,
        accounts: Vec<NewAccount>,
        recorder: Option<Recorder>,
    ) -> anyhow::Result<Atm> {
        if semantics != Semantics::ExactlyOnce {
            tracing::warn!("{semantics}: this bank may lose or make money, on purpose");
        }
        Atm::over(
            semantics,
            Box::new(MemoryStore::new()),
            true,
            accounts,
            recorder,
        )
    }

    fn over(
        semantics: Semantics,
        store: Box<dyn Store>,
        keeps_any_card: bool,
        accounts: Vec<NewAccount>,
        recorder: Option<Recorder>,
    ) -> anyhow::Result<Atm> {
        let note = move |operation: &Operation, reply: &Result<Answer, Refusal>| {
            if let Some(recorder) = &recorder
                && let Some(note) = note(operation, reply)
            {
                recorder.record(None, EventKind::Note(note));
            }
        };
        let bank = Bank::start_observed(semantics.protections(), store, note)
            .context("no thread for the ledger")?;
        let mut atm = Atm {
            bank,
            gate: Arc::new(PinGate::new()),
            unknown_cards: Arc::default(),
            new_rows: Arc::new(Mutex::new(TokenBucket::new(NEW_ROWS, NEW_ROW_INTERVAL))),
            keeps_any_card,
            opened: 0,
        };
        let bank_failed = |refusal: Refusal| anyhow!("cannot open the accounts: {refusal}");
        atm.opened = open_missing(&atm.bank, &atm.gate, accounts).map_err(bank_failed)?;
        let unsettled = atm.bank.query(|store| store.unsettled());
        let unsettled = unsettled.map_err(bank_failed)?;
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

    fn take_new_row(&self) -> Result<(), Refusal> {
        let mut left = self.new_rows.lock().unwrap_or_else(PoisonError::into_inner);
        if left.try_take(Instant::now()) {
            return Ok(());
        }
        let words = "too much is asked of the bank without a log-in; try again in a second";
        Err(Refusal::new(Code::Busy, words))
    }

    /// The bank as this connection has it: what is computed for it takes turns with others.
    #[must_use]
    pub fn for_connection(&self, whose: ConnectionStatus) -> Atm {
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

    fn receives_secrets(&self) -> bool {
        true
    }
}

impl AtmSession {
    /// Does what is asked. The refusal does not name the request.
    pub fn act(&mut self, request: Request) -> Result<Answer, Refusal> {
        match request {
            Request::LogIn { id, card, pin } => {
                let by = Instant::now() + FAILED_LOGIN;
                self.log_in(id, card, &pin)
                    .inspect_err(|_| thread::sleep(by.saturating_duration_since(Instant::now())))
            }
            Request::Balance => {
                let card = self.card.clone();
                self.carry_out(Operation::Balance { card })
            }
            Request::Hold { id, amount, key } => self.carry_out(Operation::Hold {
                id,
                card: self.card.clone(),
                amount,
                terminal: self.terminal.clone(),
                key,
            }),
            Request::Confirm { id, key } => {
                let by = self.settler(key);
                self.carry_out(Operation::Confirm { id, by })
            }
            Request::Rollback { id, key } => {
                // Without a key it is refused, and leaves no row.
                let may_leave_row = self.card.is_none() && key.is_some();
                if may_leave_row && self.is_unknown(move |store| store.record(id))? {
                    self.atm.take_new_row()?;
                }
                let by = self.settler(key);
                self.carry_out(Operation::Rollback { id, by })
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
        // The session before ends, whether or not this log-in succeeds.
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
            let refused = self.atm.unknown_cards.refuse(&card, &operation, now);
            refused.inspect_err(|refusal| {
                let refused = refusal.code.as_str();
                tracing::warn!(what = "log-in", card = card.masked(), refused, "not done");
            })?;
        }
        let answer = self.carry_out(operation)?;
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
            self.atm.take_new_row()?;
        }
        let pin_hash = self.atm.gate.hash(pin, id)?;
        self.carry_out(Operation::Create {
            id,
            card,
            holder,
            pin_hash,
            opening,
        })
    }

    /// Whether the ledger has no such row.
    fn is_unknown<T: Send + 'static>(
        &self,
        find: impl FnOnce(&mut dyn Store) -> Result<Option<T>, StoreError> + Send + 'static,
    ) -> Result<bool, Refusal> {
        Ok(self.atm.bank.query(find)?.is_none())
    }

    fn settler(&self, key: Option<Key>) -> Authorisation {
        let card = self.card.clone();
        Authorisation { card, key }
    }

    /// Has the bank do this, and logs what came of it.
    fn carry_out(&self, operation: Operation) -> Result<Answer, Refusal> {
        let (what, card) = match &operation {
            Operation::LogIn { card, .. } => ("log-in", Some(card)),
            Operation::Create { card, .. } => ("new account", Some(card)),
            Operation::Balance { card } => ("balance", card.as_ref()),
            Operation::Hold { card, .. } => ("hold", card.as_ref()),
            Operation::Confirm { by, .. } => ("confirm", by.card.as_ref()),
            Operation::Rollback { by, .. } => ("rollback", by.card.as_ref()),
            Operation::Settle { .. } => ("settle", None),
            Operation::Unlock(card) => ("unlock", Some(card)),
        };
        let (id, card) = (id_of(&operation), card.map(CardNumber::masked));
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

#[cfg(test)]
mod tests;
