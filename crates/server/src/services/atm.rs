//! The bank, as a cash machine meets it: one session a connection.
//!
//! The session knows which card has logged in and what the machine is called; all else is in the
//! ledger. It ends with the connection, and a log-in of another card replaces it. What is logged
//! has the card masked, and never a PIN.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, anyhow};
use proto::atm::bank::Operation;
use proto::atm::semantics::Semantics;
use proto::atm::{Answer, CardNumber, CreationId, Holder, LoginId, Money, Pin, Request};
use proto::name::Name;
use proto::refusal::Refusal;
use wire::record::{About, Recorder};

use crate::conversation::Conversation;
use crate::ledger::accounts::{NewAccount, open_missing};
use crate::ledger::memory::MemoryStore;
use crate::ledger::{Bank, Store, sqlite};
use crate::pin::PinGate;

/// What all sessions share.
#[derive(Debug, Clone)]
pub struct Atm {
    bank: Bank,
    gate: Arc<PinGate>,
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
        let atm = Atm::over(Semantics::ExactlyOnce, store, accounts, recorder)?;
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
        Atm::over(semantics, MemoryStore::new(), accounts, recorder)
    }

    fn over(
        semantics: Semantics,
        store: impl Store + 'static,
        accounts: Vec<NewAccount>,
        recorder: Option<Recorder>,
    ) -> anyhow::Result<Atm> {
        let note = move |operation: &Operation, reply: &Result<Answer, Refusal>| {
            if let Some(recorder) = &recorder {
                note(recorder, operation, reply);
            }
        };
        let bank = Bank::start_observed(semantics.protections(), store, note)
            .context("no thread for the ledger")?;
        let atm = Atm {
            bank,
            gate: Arc::new(PinGate::new()),
        };
        let bank_failed = |refusal: Refusal| anyhow!("cannot open the accounts: {refusal}");
        let opened = open_missing(&atm.bank, &atm.gate, accounts).map_err(bank_failed)?;
        let unsettled = atm
            .bank
            .query(|store| store.unsettled())
            .map_err(bank_failed)?;
        if opened > 0 {
            tracing::info!(accounts = opened, "opened accounts");
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
        match request {
            Request::LogIn { id, card, pin } => self.log_in(id, card, &pin),
            Request::Balance => self.apply(
                "balance",
                Operation::Balance {
                    card: self.card.clone(),
                },
            ),
            Request::Hold { id, amount } => {
                let (card, terminal) = (self.card.clone(), self.terminal.clone());
                self.apply(
                    "hold",
                    Operation::Hold {
                        id,
                        card,
                        amount,
                        terminal,
                    },
                )
            }
            Request::Confirm(id) => self.apply("confirm", Operation::Confirm(id)),
            Request::Rollback(id) => self.apply("rollback", Operation::Rollback(id)),
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

    fn awaits_login(&self) -> bool {
        !self.has_logged_in
    }
}

impl AtmSession {
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
            Operation::Hold { id, .. } | Operation::Confirm(id) | Operation::Rollback(id) => {
                Some(id.to_string())
            }
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

/// Has it recorded what the ledger says of an operation from now on.
fn note(recorder: &Recorder, operation: &Operation, reply: &Result<Answer, Refusal>) {
    let about = match operation {
        Operation::Hold { id, .. }
        | Operation::Confirm(id)
        | Operation::Rollback(id)
        | Operation::Settle { id, .. } => id.to_string(),
        Operation::LogIn { id, .. } => id.to_string(),
        Operation::Create { id, .. } => id.to_string(),
        Operation::Balance { .. } | Operation::Unlock(_) => return,
    };
    let (what, amount, words) = match reply {
        Ok(Answer::Welcome(_)) => ("welcome", None, None),
        Ok(Answer::Held { amount, repeat, .. }) => {
            ("held", Some(amount.to_string()), repeated(*repeat))
        }
        Ok(Answer::Confirmed { repeat, .. }) => ("confirmed", None, repeated(*repeat)),
        Ok(Answer::RolledBack { repeat, .. }) => ("rolled-back", None, repeated(*repeat)),
        Ok(Answer::Created { repeat, .. }) => ("created", None, repeated(*repeat)),
        Ok(Answer::Balance { .. } | Answer::Terminal(_) | Answer::Bye) => return,
        Err(refusal) => ("refused", None, Some(refusal.code.as_str().to_owned())),
    };
    let about = Some(about);
    recorder.note(
        what,
        About {
            about,
            amount,
            words,
        },
    );
}

fn repeated(repeat: bool) -> Option<String> {
    repeat.then(|| "repeat".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::accounts::demo;

    const UUID: &str = "018f4e6c-52d8-7cc3-9a0e-6f2b8d1c4a5";

    /// What is answered, or the code of the refusal. `#1` in a request stands for a UUID.
    fn ask(session: &mut AtmSession, request: &str) -> String {
        let request = request.replace('#', UUID);
        match session.answer(request.parse().unwrap()) {
            Ok(answer) => answer.to_string().replace(UUID, "#"),
            Err(refusal) => refusal.code.as_str().into(),
        }
    }

    #[test]
    fn a_withdrawal_survives_the_end_of_its_connection() {
        let atm = Atm::in_memory(Semantics::ExactlyOnce, demo().unwrap(), None).unwrap();
        let mut session = atm.session();
        assert!(session.awaits_login());
        for (request, answer) in [
            ("TERMINAL ATM-1", "terminal ATM-1"),
            ("WITHDRAW WITH_#1 500", "not-logged-in"),
            (
                "VERIFY_CARD_AND_PASSWORD LOGIN_#1 123456789 1234",
                "welcome Joty",
            ),
            ("BALANCE_INQUIRY", "available 10000.00, held 0.00"),
            (
                "WITHDRAW WITH_#1 500",
                "WITH_#1 held 500.00, available 9500.00",
            ),
        ] {
            assert_eq!(ask(&mut session, request), answer, "{request}");
        }
        drop(session);
        let mut session = atm.session();
        for (request, answer) in [
            (
                "WITHDRAW WITH_#1 500",
                "WITH_#1 held 500.00, available 9500.00, repeat",
            ),
            ("CONFIRM WITH_#1", "WITH_#1 confirmed"),
            ("CONFIRM WITH_#1", "WITH_#1 confirmed, repeat"),
            ("BALANCE_INQUIRY", "not-logged-in"),
            ("QUIT", "bye"),
        ] {
            assert_eq!(ask(&mut session, request), answer, "{request}");
        }
        assert_eq!(atm.bank.query(|store| store.unsettled()), Ok(vec![]));
    }

    #[test]
    fn the_terminal_is_kept_with_the_hold() {
        let atm = Atm::in_memory(Semantics::ExactlyOnce, demo().unwrap(), None).unwrap();
        let mut session = atm.session();
        ask(
            &mut session,
            "VERIFY_CARD_AND_PASSWORD LOGIN_#1 123456789 1234",
        );
        ask(&mut session, "TERMINAL ATM-1");
        ask(&mut session, "WITHDRAW WITH_#1 500");
        let unsettled = atm.bank.query(|store| store.unsettled()).unwrap();
        assert_eq!(
            unsettled[0].row.terminal.as_ref().map(Name::as_str),
            Some("ATM-1")
        );
    }

    #[test]
    fn a_failed_log_in_ends_the_session_before_it_and_three_lock_the_card() {
        let atm = Atm::in_memory(Semantics::ExactlyOnce, demo().unwrap(), None).unwrap();
        let mut session = atm.session();
        let log_in =
            |number, card, pin| format!("VERIFY_CARD_AND_PASSWORD LOGIN_#{number} {card} {pin}");
        assert_eq!(
            ask(&mut session, &log_in(1, "123456789", "1234")),
            "welcome Joty"
        );
        assert!(!session.awaits_login());
        assert_eq!(
            ask(&mut session, &log_in(2, "987654321", "1234")),
            "wrong-credentials"
        );
        assert_eq!(ask(&mut session, "BALANCE_INQUIRY"), "not-logged-in");
        assert!(!session.awaits_login());
        assert_eq!(
            ask(&mut session, &log_in(2, "987654321", "1234")),
            "wrong-credentials"
        );
        assert_eq!(
            ask(&mut session, &log_in(3, "987654321", "1234")),
            "wrong-credentials"
        );
        assert_eq!(
            ask(&mut session, &log_in(4, "111111", "1234")),
            "wrong-credentials"
        );
        let mut session = atm.session();
        assert_eq!(
            ask(&mut session, &log_in(5, "987654321", "0000")),
            "wrong-credentials"
        );
        assert_eq!(
            ask(&mut session, &log_in(6, "987654321", "5678")),
            "card-locked"
        );
    }

    #[test]
    fn an_account_is_created_once_and_its_pin_opens_it() {
        let atm = Atm::in_memory(Semantics::ExactlyOnce, vec![], None).unwrap();
        let mut session = atm.session();
        for (request, answer) in [
            (
                "CREATE_ACCOUNT ACC_#1 555555 4321 12.50 Ann Lee",
                "ACC_#1 created",
            ),
            (
                "CREATE_ACCOUNT ACC_#1 555555 4321 12.50 Ann Lee",
                "ACC_#1 created, repeat",
            ),
            (
                "CREATE_ACCOUNT ACC_#1 555555 4322 12.50 Ann Lee",
                "mismatch",
            ),
            (
                "CREATE_ACCOUNT ACC_#2 555555 4321 12.50 Ann Lee",
                "account-exists",
            ),
            (
                "VERIFY_CARD_AND_PASSWORD LOGIN_#1 555555 4321",
                "welcome Ann Lee",
            ),
            ("BALANCE_INQUIRY", "available 12.50, held 0.00"),
        ] {
            assert_eq!(ask(&mut session, request), answer, "{request}");
        }
    }

    #[test]
    fn a_ledger_that_cannot_be_opened_says_so() {
        let error = Atm::open(Path::new("/nonexistent/bank.db"), vec![], None).unwrap_err();
        assert!(
            error.to_string().contains("/nonexistent/bank.db"),
            "{error}"
        );
    }
}
