//! The machine at work: does what [`Machine`] says, one action after another, with a real journal,
//! a real drawer and a real line to the bank.

use std::thread;
use std::time::{Duration, Instant};

use proto::atm::machine::{Action, Machine, NotNow, Outcome};
use proto::atm::{
    Amount, Answer, CardNumber, CreationId, Holder, Kind, Money, Pin, Request, TransactionId,
};
use proto::refusal::{Code, Refusal};
use uuid::Uuid;

use super::link::Link;
use super::receipt::Receipt;
use super::terminal::Terminal;
use crate::evidence::Evidence;
use crate::failure::{Failure, Report, words_of};

/// The pause before the second attempt; it doubles up to [`MAX_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(50);

const MAX_PAUSE: Duration = Duration::from_secs(1);

/// How often a bank may give an answer that is none to one question.
const BROKEN_ANSWERS: u32 = 3;

/// A cash machine at work.
#[derive(Debug)]
pub struct Worker {
    machine: Machine,
    terminal: Terminal,
    link: Link,
    /// How long a customer waits, or an operator who settles.
    patience: Duration,
}

impl Worker {
    /// A machine as it was found, with a line to the bank.
    pub fn new(
        (mut terminal, machine): (Terminal, Machine),
        link: impl FnOnce(&Terminal) -> Link,
        patience: Duration,
    ) -> Worker {
        let link = link(&terminal);
        terminal.record_to(link.recorder().cloned());
        Worker {
            machine,
            terminal,
            link,
            patience,
        }
    }

    /// The machine's name and drawer.
    pub fn terminal(&self) -> &Terminal {
        &self.terminal
    }

    /// The line to the bank.
    pub fn link(&mut self) -> &mut Link {
        &mut self.link
    }

    /// Settles what was open when the machine stopped, before anything else. `None` when nothing
    /// was.
    ///
    /// # Errors
    /// [`Failure::Unknown`] when the bank did not answer, so that it is still open.
    pub fn settle(&mut self) -> Result<Option<Outcome>, Failure> {
        self.work()
    }

    /// The balance of the card in the machine. It changes nothing, so it is asked again until it is
    /// answered or patience ends.
    ///
    /// # Errors
    /// When the bank cannot be reached.
    pub fn balance(&mut self) -> Result<Result<Receipt, Refusal>, Failure> {
        match self.persist(&Request::Balance)? {
            Ok(Answer::Balance { available, held }) => Ok(Ok(Receipt::Balance { available, held })),
            Ok(_) => Err(Failure::Protocol("the bank answered something else".into())),
            Err(refusal) => Ok(Err(refusal)),
        }
    }

    /// Opens an account.
    ///
    /// # Errors
    /// [`Failure::Unknown`] when the bank was asked and did not answer.
    pub fn create(
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
        match self.persist(&request) {
            Ok(Ok(Answer::Created { .. })) => Ok(Ok(Receipt::Created {
                id,
                card,
                opening,
                holder,
            })),
            Ok(Ok(_)) => Err(Failure::Protocol("the bank answered something else".into())),
            Ok(Err(refusal)) => Ok(Err(refusal)),
            Err(Failure::Lost(report) | Failure::Protocol(report))
                if self.link.is_unanswered(&request) =>
            {
                Err(Failure::Unknown(report.reworded(|words| {
                    format!(
                        "{words}; whether the account was opened is not known: `labclient atm \
                         --card {card} balance` tells"
                    )
                })))
            }
            Err(failure) => Err(failure),
        }
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
        match self.machine.begin(id, amount) {
            Ok(()) => {}
            Err(NotNow::Drawer) => return Ok(Err(self.drawer_cannot(kind))),
            Err(NotNow::Open) => return Err(self.unsettled()),
        }
        match self.work()? {
            Some(Outcome::Moved {
                id,
                amount,
                available,
            }) => {
                let card = self.link.card().cloned();
                Ok(Ok(Receipt::Moved {
                    id,
                    card,
                    amount,
                    available,
                }))
            }
            Some(Outcome::Declined { refusal, .. }) => Ok(Err(refusal)),
            Some(Outcome::RolledBack {
                refusal: Some(refusal),
                ..
            }) => Ok(Err(refusal)),
            Some(Outcome::RolledBack { id, refusal: None }) => Err(Failure::Lost(
                format!("the bank did not answer in time; {id} was rolled back, nothing moved")
                    .into(),
            )),
            Some(outcome @ (Outcome::Unsettled { .. } | Outcome::Disputed { .. })) => {
                Err(not_known(&outcome))
            }
            None => Err(self.unsettled()),
        }
    }

    /// Fills or empties the drawer, as an operator.
    ///
    /// # Errors
    /// When something is open, or the disk fails.
    pub fn load(&mut self, count: Money) -> Result<(), Failure> {
        self.machine.load(count).map_err(|_| self.unsettled())?;
        self.terminal.move_notes(count)?;
        self.work().map(drop)
    }

    /// Does what the machine says until there is something to show or nothing left to do.
    fn work(&mut self) -> Result<Option<Outcome>, Failure> {
        let by = Instant::now() + self.patience;
        let mut unreachable = None;
        loop {
            match self.machine.next() {
                Action::Journal(record) => {
                    self.terminal.keep(&record)?;
                    self.machine.journaled();
                }
                Action::Send { request, .. } => match self.send(&request) {
                    Ok(reply) => self.machine.answered(&request, &reply),
                    Err(failure) => {
                        // The first answer that is none says more than what follows from it.
                        if !matches!(unreachable, Some(Failure::Protocol(_))) {
                            unreachable = Some(failure);
                        }
                        self.machine.lost();
                    }
                },
                Action::Pause { attempt } => {
                    let pause = FIRST_PAUSE * 2_u32.pow(attempt.saturating_sub(1).min(8));
                    let pause = pause.min(MAX_PAUSE);
                    if Instant::now() + pause < by {
                        thread::sleep(pause);
                        self.machine.paused();
                        continue;
                    }
                    self.machine.give_up();
                    if matches!(self.machine.next(), Action::Pause { .. }) {
                        return Err(self.unsettled_because(unreachable));
                    }
                    // One attempt to roll it back at once; after that the journal remembers.
                }
                Action::MoveNotes { id, amount } => {
                    let before = self.machine.drawer();
                    let after = match id.kind {
                        Kind::Withdrawal => before.checked_sub(amount.money()),
                        Kind::Deposit => before.checked_add(amount.money()),
                    };
                    if let Some(after) = after {
                        self.terminal.move_notes(after)?;
                    }
                    let damaged = |damage| Failure::Unknown(format!("{damage}").into());
                    self.machine
                        .moved(self.terminal.drawer())
                        .map_err(damaged)?;
                }
                Action::Show(outcome) => {
                    self.machine.shown();
                    return Ok(Some(outcome));
                }
                Action::Idle => return Ok(None),
            }
        }
    }

    /// Sends once. What is refused on the way to it, a connection or a log-in, says nothing of the
    /// request, which an earlier connection may have carried. So it is handed on as what is true:
    /// there was no answer, or this machine is not logged in.
    fn send(&mut self, request: &Request) -> Result<Result<Answer, Refusal>, Failure> {
        match self.link.ask(request) {
            Err(Failure::Refused(refusal)) if is_passing(refusal.code) => {
                Err(Failure::Lost(words_of(&refusal).into()))
            }
            Err(Failure::Refused(refusal)) => {
                Ok(Err(Refusal::new(Code::NotLoggedIn, refusal.words)))
            }
            asked => asked,
        }
    }

    /// Asks what may be asked twice, until it is answered or patience ends. A bank that was never
    /// reached is not waited for, and one that breaks the protocol is asked [`BROKEN_ANSWERS`] times:
    /// a message that came twice may have stood in the answer's place.
    fn persist(&mut self, request: &Request) -> Result<Result<Answer, Refusal>, Failure> {
        let by = Instant::now() + self.patience;
        let mut pause = FIRST_PAUSE;
        let mut lost = None;
        let (mut broken, mut answers_left) = (None, BROKEN_ANSWERS);
        loop {
            match self.link.ask(request) {
                Err(failure) if has_answered_wrong(&failure) => {
                    answers_left -= 1;
                    if answers_left == 0 {
                        return Err(failure);
                    }
                    broken = Some(failure);
                }
                Err(failure) if failure.was_asked() => lost = Some(failure),
                Err(Failure::Unreachable(_) | Failure::Protocol(_)) if lost.is_some() => {}
                // What it answered says more than that it takes no other connection.
                Err(failure @ (Failure::Unreachable(_) | Failure::Protocol(_))) => {
                    return Err(broken.unwrap_or(failure));
                }
                Err(Failure::Refused(refusal)) if lost.is_some() && is_passing(refusal.code) => {}
                Err(Failure::Refused(refusal)) => return Ok(Err(refusal)),
                asked => return asked,
            }
            if Instant::now() + pause >= by {
                let last = broken.or(lost);
                return Err(last.unwrap_or_else(|| Failure::Lost(Report::default())));
            }
            thread::sleep(pause);
            pause = (pause * 2).min(MAX_PAUSE);
        }
    }

    fn drawer_cannot(&self, kind: Kind) -> Refusal {
        let words = match kind {
            Kind::Withdrawal => format!("this machine has only {} left", self.terminal.drawer()),
            Kind::Deposit => "this machine can take no more notes".to_owned(),
        };
        Refusal::new(Code::Unavailable, words)
    }

    fn unsettled(&self) -> Failure {
        self.unsettled_because(None)
    }

    fn unsettled_because(&self, why: Option<Failure>) -> Failure {
        let evidence = why.as_ref().and_then(Failure::evidence).cloned();
        let why = why.and_then(|why| why.words());
        let why = why.map_or(String::new(), |why| format!(" ({why})"));
        let what = match self.machine.outcome() {
            Some(outcome) => not_known(&outcome).words().unwrap_or_default(),
            None => "a transaction is still open".to_owned(),
        };
        let name = self.terminal.name();
        let words = format!(
            "{what}{why}. Machine {name} settles it before anything else; `labclient atm settle` \
             does it now"
        );
        Failure::Unknown(match evidence {
            Some(evidence) => Report::new(words, evidence),
            None => words.into(),
        })
    }
}

/// An outcome that is not known yet, in words.
fn not_known(outcome: &Outcome) -> Failure {
    let id = match outcome {
        Outcome::Moved { id, .. }
        | Outcome::Declined { id, .. }
        | Outcome::RolledBack { id, .. }
        | Outcome::Unsettled { id, .. }
        | Outcome::Disputed { id, .. } => id,
    };
    Failure::Unknown(format!("{id}: {outcome}").into())
}

/// Whether the bank gave a whole answer that is none, as opposed to one that was cut off.
fn has_answered_wrong(failure: &Failure) -> bool {
    let is_whole = failure.evidence().is_none_or(Evidence::has_whole_message);
    matches!(failure, Failure::Protocol(_)) && failure.was_asked() && is_whole
}

/// Whether a refused connection may be granted a moment later.
fn is_passing(code: Code) -> bool {
    use Code::{Busy, Internal, ShuttingDown, TooSlow, Unavailable};
    matches!(code, Busy | ShuttingDown | TooSlow | Unavailable | Internal)
}
