//! What a machine asks the bank without moving notes: the balance, and a new account.

use std::thread;
use std::time::Instant;

use proto::atm::{Answer, CardNumber, CreationId, Holder, Money, Pin, Request};
use proto::refusal::{Code, Refusal};
use uuid::Uuid;

use super::{CashMachine, has_answered_wrong};
use crate::failure::{Failure, Report, refusal_text};
use crate::modes::atm::line::{FIRST_PAUSE, MAX_PAUSE};
use crate::modes::atm::receipt::{INTERRUPTED, Receipt, untold};

/// How often a bank may give an answer that is none to one question.
const BROKEN_ANSWERS: u32 = 3;

impl CashMachine {
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
}
