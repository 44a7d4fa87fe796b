//! The machine with a customer in front of it: carries out what is wanted, and says how it ended.

use std::thread;
use std::time::{Duration, Instant};

use proto::atm::machine::{BeginError, Machine, Outcome};
use proto::atm::{
    Amount, Answer, CardNumber, CreationId, Holder, Kind, Money, Pin, Request, TransactionId,
};
use proto::refusal::{Code, Refusal};
use uuid::Uuid;

use super::line::{FIRST_PAUSE, MAX_PAUSE, PatientLine};
use super::receipt::{INTERRUPTED, Receipt, named, unsettled, untold};
use crate::cash_machine::bank_client::BankClient;
use crate::cash_machine::driver::{Driver, Stopped};
use crate::cash_machine::storage::MachineStorage;
use crate::evidence::Evidence;
use crate::failure::{Failure, Report, refusal_text};
use crate::interrupt::ExitMessage;
use crate::session::Target;

/// How often a bank may give an answer that is none to one question.
const BROKEN_ANSWERS: u32 = 3;

/// A cash machine at work.
#[derive(Debug)]
pub struct CashMachine {
    driver: Driver,
    line: PatientLine,
}

impl CashMachine {
    /// A machine as it was found, with a line to the bank.
    pub fn new(
        (mut storage, machine): (MachineStorage, Machine),
        bank: Target,
        patience: Duration,
    ) -> CashMachine {
        let name = storage.name.clone();
        storage.record_to(bank.recorder.clone());
        let settled_by = format!("machine {name} settles it before anything else");
        CashMachine {
            driver: Driver::new((storage, machine)),
            line: PatientLine::new(BankClient::new(bank, name), patience, settled_by),
        }
    }

    /// The same machine with a user who may press Ctrl-C, and may have to know what settles
    /// a transaction that is left open.
    #[must_use]
    pub(crate) fn for_person(mut self, notice: ExitMessage, settled_by: String) -> CashMachine {
        self.line.notice = notice;
        self.line.settled_by = settled_by;
        self
    }

    /// What was done has been printed, and Ctrl-C has nothing more to say about it. Where it could not
    /// be printed, the failure says what was done.
    ///
    /// # Errors
    /// What kept it from being printed; [`Failure::Unknown`] where something was done.
    pub fn hand_over(
        &self,
        done: Option<String>,
        printed: Result<(), Failure>,
    ) -> Result<(), Failure> {
        match (printed, done) {
            (Ok(()), _) => {
                self.line.notice.set(None);
                Ok(())
            }
            (Err(failure), None) => Err(failure),
            (Err(failure), Some(done)) => {
                let why = failure.words();
                let why = why.as_deref().unwrap_or("nobody reads standard output");
                Err(Failure::Unknown(untold(&done, why).into()))
            }
        }
    }

    /// The machine's name and drawer.
    pub fn storage(&self) -> &MachineStorage {
        &self.driver.storage
    }

    /// The line to the bank.
    pub fn bank(&mut self) -> &mut BankClient {
        &mut self.line.bank
    }

    /// Settles what was open when the machine stopped, before anything else. `None` when nothing
    /// was.
    ///
    /// # Errors
    /// [`Failure::Unknown`] when the bank did not answer, so that it is still open.
    pub fn settle(&mut self) -> Result<Option<Outcome>, Failure> {
        if let Some(Outcome::Unsettled { id, amount, .. }) = self.driver.open() {
            let words = format!("settling first: {id}, {amount}");
            self.line.bank.progress.show(&words);
        }
        self.work()
    }

    /// Withdraws or deposits.
    ///
    /// # Errors
    /// [`Failure::Unknown`] when the outcome is not known yet; the machine settles it before
    /// anything else, also after a restart.
    pub fn move_notes(
        &mut self,
        kind: Kind,
        amount: Amount,
    ) -> Result<Result<Receipt, Refusal>, Failure> {
        let uuid = Uuid::now_v7();
        let id = match kind {
            Kind::Withdrawal => TransactionId::withdrawal(uuid),
            Kind::Deposit => TransactionId::deposit(uuid),
        };
        match self.driver.begin(id, amount)? {
            Ok(()) => {}
            Err(BeginError::Drawer) => return Ok(Err(self.drawer_cannot(kind))),
            Err(BeginError::Open) => return Err(self.unsettled(None)),
        }
        match self.work()? {
            Some(Outcome::Moved {
                id,
                amount,
                available,
            }) => Ok(Ok(Receipt::Moved {
                id,
                card: self.line.bank.card().cloned(),
                amount,
                available,
            })),
            Some(
                Outcome::Declined { refusal, .. }
                | Outcome::RolledBack {
                    refusal: Some(refusal),
                    ..
                },
            ) => Ok(Err(refusal)),
            Some(Outcome::RolledBack { id, refusal: None }) => Err(Failure::Lost(
                format!("the bank did not answer in time; {id} was rolled back, nothing moved")
                    .into(),
            )),
            Some(outcome @ (Outcome::Unsettled { .. } | Outcome::Disputed { .. })) => {
                let report = Report::from(named(&outcome));
                Err(Failure::Unknown(report.about(outcome.id())))
            }
            None => Err(self.unsettled(None)),
        }
    }

    /// Fills or empties the drawer, as an operator.
    pub(crate) fn load(&mut self, count: Money) -> Result<(), Failure> {
        let is_loaded = self.driver.load(count, &mut self.line)?;
        is_loaded.then_some(()).ok_or_else(|| self.unsettled(None))
    }

    /// The balance of the card in the machine. It changes nothing, so it is asked again until it is
    /// answered or patience ends.
    ///
    /// # Errors
    /// When the bank cannot be reached.
    pub fn balance(&mut self) -> Result<Result<Receipt, Refusal>, Failure> {
        match self.ask_with_retry(&Request::Balance)? {
            Ok(Answer::Balance { available, held }) => Ok(Ok(Receipt::Balance { available, held })),
            Ok(_) => Err(Failure::Protocol("the bank answered something else".into())),
            Err(refusal) => Ok(Err(refusal)),
        }
    }

    /// Opens an account.
    ///
    /// # Errors
    /// [`Failure::Unknown`] when the bank was asked and did not answer.
    pub(crate) fn create(
        &mut self,
        card: CardNumber,
        pin: Pin,
        opening: Money,
        holder: Holder,
    ) -> Result<Result<Receipt, Refusal>, Failure> {
        let id = CreationId(Uuid::now_v7());
        let request = Request::Create {
            id,
            card: card.clone(),
            pin,
            opening,
            holder: holder.clone(),
        };
        let shown = card.clone();
        let not_known = |why: &str| {
            format!(
                "{id}: whether the account was opened is not known ({why}): `labclient atm --card \
                 {shown} balance` tells"
            )
        };
        self.line.notice.set(Some(not_known(INTERRUPTED)));
        let asked = self.ask_with_retry(&request);
        let receipt = Receipt::Created {
            id,
            card,
            opening,
            holder,
        };
        let done = receipt.done().filter(|_| matches!(asked, Ok(Ok(_))));
        self.line
            .notice
            .set(done.map(|done| untold(&done, INTERRUPTED)));
        match asked {
            Ok(Ok(Answer::Created { .. })) => Ok(Ok(receipt)),
            Ok(Ok(_)) => Err(Failure::Protocol("the bank answered something else".into())),
            Ok(Err(refusal)) => Ok(Err(refusal)),
            Err(Failure::Lost(report) | Failure::Protocol(report))
                if self.line.bank.is_unanswered(&request) =>
            {
                Err(Failure::Unknown(report.reworded(not_known).about(id)))
            }
            Err(failure) => Err(failure),
        }
    }

    /// Asks what may be asked twice, until it is answered or patience ends. A bank that was never
    /// reached is not waited for, and one that breaks the protocol is asked [`BROKEN_ANSWERS`] times:
    /// a message that came twice may have stood in the answer's place.
    fn ask_with_retry(&mut self, request: &Request) -> Result<Result<Answer, Refusal>, Failure> {
        let by = Instant::now() + self.line.patience;
        let mut pause = FIRST_PAUSE;
        let mut lost = None;
        let (mut broken, mut answers_left) = (None, BROKEN_ANSWERS);
        for attempt in 2.. {
            let why = match self.line.bank.ask(request) {
                Err(failure) if has_answered_wrong(&failure) => {
                    answers_left -= 1;
                    if answers_left == 0 {
                        return Err(failure);
                    }
                    let why = failure.words().unwrap_or_default();
                    broken = Some(failure);
                    why
                }
                Err(failure) if failure.was_asked() => {
                    let why = failure.words().unwrap_or_default();
                    lost = Some(failure);
                    why
                }
                Err(Failure::Unreachable(report) | Failure::Protocol(report)) if lost.is_some() => {
                    report.to_string()
                }
                // What it answered says more than that it takes no other connection.
                Err(failure @ (Failure::Unreachable(_) | Failure::Protocol(_))) => {
                    return Err(broken.unwrap_or(failure));
                }
                Err(Failure::Refused(refusal)) if lost.is_some() && refusal.code.is_transient() => {
                    refusal_text(&refusal)
                }
                Err(Failure::Refused(refusal)) => return Ok(Err(refusal)),
                // The server ended an idle connection before it read this.
                Ok(Err(refusal)) if refusal.code == Code::TooSlow => {
                    let words = refusal_text(&refusal);
                    lost = Some(Failure::Lost(words.clone().into()));
                    words
                }
                asked => return asked,
            };
            if Instant::now() + pause >= by {
                break;
            }
            thread::sleep(pause);
            pause = (pause * 2).min(MAX_PAUSE);
            self.line.bank.progress.again(&why, "asking again", attempt);
        }
        let last = broken.or(lost);
        Err(last.unwrap_or_else(|| Failure::Lost(Report::default())))
    }

    /// Does what the machine says until there is something to show or nothing left to do. Whatever
    /// goes wrong while a transaction is open leaves its outcome unknown.
    fn work(&mut self) -> Result<Option<Outcome>, Failure> {
        let worked = self.go_on();
        match (worked, self.driver.open()) {
            (Err(failure), Some(_)) => Err(self.unsettled(Some(&failure))),
            (worked, _) => worked,
        }
    }

    fn go_on(&mut self) -> Result<Option<Outcome>, Failure> {
        self.line.start();
        loop {
            match self.driver.run(&mut self.line)? {
                Stopped::Shown(outcome) => return Ok(Some(outcome)),
                Stopped::Idle => return Ok(None),
                // One attempt to roll it back at once; after that the journal remembers.
                Stopped::OutOfAttempts if self.driver.give_up() => self.line.rolling_back(),
                Stopped::OutOfAttempts => return Err(self.line.failure()),
            }
        }
    }

    fn drawer_cannot(&self, kind: Kind) -> Refusal {
        let words = match kind {
            Kind::Withdrawal => format!("this machine has only {} left", self.storage().drawer()),
            Kind::Deposit => "this machine can take no more notes".to_owned(),
        };
        Refusal::new(Code::Unavailable, words)
    }

    fn unsettled(&self, why: Option<&Failure>) -> Failure {
        let open = self.driver.open();
        let reason = why.and_then(Failure::words);
        let words = unsettled(open.as_ref(), &self.line.settled_by, reason.as_deref());
        let report = match why.and_then(Failure::evidence) {
            Some(evidence) => Report::new(words, evidence.clone()),
            None => words.into(),
        };
        Failure::Unknown(match open {
            Some(outcome) => report.about(outcome.id()),
            None => report,
        })
    }
}

/// Whether the bank gave a whole answer that is none, as opposed to one that was cut off.
fn has_answered_wrong(failure: &Failure) -> bool {
    let is_whole = failure.evidence().is_none_or(Evidence::has_whole_message);
    matches!(failure, Failure::Protocol(_)) && failure.was_asked() && is_whole
}
