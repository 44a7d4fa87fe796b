//! The line to the bank of a machine with a customer: connects again where it was lost, and asks
//! again with longer and longer pauses until the customer's patience ends.

use std::thread;
use std::time::{Duration, Instant};

use proto::atm::machine::{Action, Outcome};
use proto::atm::{Answer, Request};
use proto::refusal::{Code, Refusal};

use super::receipt::{INTERRUPTED, Receipt, named, unsettled, untold};
use crate::cash_machine::bank_client::BankClient;
use crate::cash_machine::driver::BankLine;
use crate::failure::{Failure, refusal_text};
use crate::interrupt::ExitMessage;

/// The pause before the second attempt; it doubles up to [`MAX_PAUSE`].
pub const FIRST_PAUSE: Duration = Duration::from_millis(50);

pub const MAX_PAUSE: Duration = Duration::from_secs(1);

/// The line to the bank, and what is known of the transaction that is carried out over it.
#[derive(Debug)]
pub struct PatientLine {
    pub bank: BankClient,
    /// How long a customer waits, or an operator who settles.
    pub patience: Duration,
    /// What Ctrl-C has to say: what is open, and what settles it.
    pub notice: ExitMessage,
    pub settled_by: String,
    deadline: Instant,
    /// Why the last attempt was not answered, or what it was refused with.
    why: String,
    unreachable: Option<Failure>,
}

impl PatientLine {
    pub fn new(bank: BankClient, patience: Duration, settled_by: String) -> PatientLine {
        PatientLine {
            bank,
            patience,
            notice: ExitMessage::default(),
            settled_by,
            deadline: Instant::now(),
            why: String::new(),
            unreachable: None,
        }
    }

    pub fn start(&mut self) {
        self.deadline = Instant::now() + self.patience;
        self.why.clear();
        self.unreachable = None;
    }

    pub fn rolling_back(&self) {
        let words = "no answer in all that time; rolling it back";
        self.bank.progress.show(words);
    }

    pub fn failure(&mut self) -> Failure {
        let unreachable = self.unreachable.take();
        unreachable.unwrap_or_else(|| Failure::Lost(self.why.as_str().into()))
    }

    /// Sends once. What is refused on the way to it, a connection or a log-in, says nothing of the
    /// request, which an earlier connection may have carried: there was no answer, or this machine is
    /// not logged in.
    fn send(&mut self, request: &Request) -> Result<Result<Answer, Refusal>, Failure> {
        match self.bank.ask(request) {
            Err(Failure::Refused(refusal)) if refusal.code.is_transient() => {
                Err(Failure::Lost(refusal_text(&refusal).into()))
            }
            Err(Failure::Refused(refusal)) => {
                Ok(Err(Refusal::new(Code::NotLoggedIn, refusal.words)))
            }
            asked => asked,
        }
    }

    /// What Ctrl-C has to say when this is to be done next.
    fn notice_before(&self, action: &Action, open: Option<&Outcome>) -> Option<String> {
        match action {
            Action::Show(Outcome::Moved {
                id,
                amount,
                available,
            }) => {
                let receipt = Receipt::Moved {
                    id: *id,
                    card: self.bank.card().cloned(),
                    amount: *amount,
                    available: *available,
                };
                receipt.done().map(|done| untold(&done, INTERRUPTED))
            }
            Action::Show(outcome @ (Outcome::Unsettled { .. } | Outcome::Disputed { .. })) => {
                Some(named(outcome))
            }
            Action::Show(Outcome::Declined { .. } | Outcome::RolledBack { .. }) => None,
            Action::Journal(_)
            | Action::Send { .. }
            | Action::Pause { .. }
            | Action::MoveNotes { .. }
            | Action::Idle => {
                open.map(|open| unsettled(Some(open), &self.settled_by, Some(INTERRUPTED)))
            }
        }
    }
}

impl BankLine for PatientLine {
    fn ask(
        &mut self,
        request: &Request,
        attempt: u32,
    ) -> Result<Option<Result<Answer, Refusal>>, Failure> {
        if attempt > 1 {
            let how = "asking again with the same id";
            self.bank.progress.again(&self.why, how, attempt);
        }
        match self.send(request) {
            Ok(reply) => {
                self.why = reply.as_ref().err().map(refusal_text).unwrap_or_default();
                Ok(Some(reply))
            }
            Err(failure) => {
                self.why = failure.words().unwrap_or_default();
                // The first answer that is none says more than what follows from it.
                if !matches!(self.unreachable, Some(Failure::Protocol(_))) {
                    self.unreachable = Some(failure);
                }
                Ok(None)
            }
        }
    }

    fn pause(&mut self, attempts: u32) -> bool {
        let pause = FIRST_PAUSE * 2_u32.pow(attempts.saturating_sub(1).min(8));
        let pause = pause.min(MAX_PAUSE);
        let is_in_time = Instant::now() + pause < self.deadline;
        if is_in_time {
            thread::sleep(pause);
        }
        is_in_time
    }

    fn before(&mut self, action: &Action, open: Option<&Outcome>) {
        self.notice.set(self.notice_before(action, open));
    }
}
