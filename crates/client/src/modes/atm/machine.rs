//! The machine at work: does what [`Machine`] says, one action after another, with a real journal,
//! a real drawer and a real line to the bank.

mod questions;

use std::thread;
use std::time::{Duration, Instant};

use proto::atm::machine::{Action, Machine, NotNow, Outcome};
use proto::atm::{Amount, Answer, Key, Kind, Money, Request, TransactionId};
use proto::refusal::{Code, Refusal};
use uuid::Uuid;

use super::link::Link;
use super::receipt::Receipt;
use super::terminal::Terminal;
use crate::evidence::Evidence;
use crate::failure::{Failure, Report, words_of};
use crate::interrupt::Notice;

/// The pause before the second attempt; it doubles up to [`MAX_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(50);

const MAX_PAUSE: Duration = Duration::from_secs(1);

/// Why it is not known what Ctrl-C broke off.
const INTERRUPTED: &str = "interrupted";
/// A cash machine at work.
#[derive(Debug)]
pub struct Worker {
    machine: Machine,
    terminal: Terminal,
    link: Link,
    /// How long a customer waits, or an operator who settles.
    patience: Duration,
    /// What Ctrl-C has to say.
    notice: Notice,
    /// Who settles what is left open, and how.
    settled_by: String,
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
        let settled_by = format!(
            "machine {} settles it before anything else",
            terminal.name()
        );
        Worker {
            machine,
            terminal,
            link,
            patience,
            notice: Notice::default(),
            settled_by,
        }
    }

    /// The same machine with a person who may press Ctrl-C, and may have to be told who settles
    /// what is left open, and how.
    #[must_use]
    pub fn for_person(self, notice: Notice, settled_by: String) -> Worker {
        Worker {
            notice,
            settled_by,
            ..self
        }
    }

    /// What was done has been told, and Ctrl-C has nothing more to say about it; unless it could not
    /// be printed: then that is told with why, since nothing else tells it.
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
                self.notice.set(None);
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
        if let Some(Outcome::Unsettled { id, amount, .. }) = self.machine.outcome() {
            let words = format!("settling first: {id}, {amount}");
            self.link.progress.tell(&words);
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
        self.terminal.shorten(&self.machine)?;
        match self.machine.begin(id, amount, Key::new(rand::random())) {
            Ok(()) => {}
            Err(NotNow::Drawer) => return Ok(Err(self.drawer_cannot(kind))),
            Err(NotNow::Open) => return Err(self.unsettled()),
        }
        match self.work()? {
            Some(Outcome::Moved {
                id,
                amount,
                available,
            }) => Ok(Ok(self.receipt(id, amount, available))),
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
                Err(Failure::Unknown(about(&outcome, named(&outcome).into())))
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
        self.work()?;
        self.terminal.move_notes(count)?;
        self.machine.loaded(self.terminal.drawer());
        self.work().map(drop)
    }

    /// Does what the machine says until there is something to show or nothing left to do. Whatever
    /// goes wrong while a transaction is open leaves its outcome unknown.
    fn work(&mut self) -> Result<Option<Outcome>, Failure> {
        let worked = self.go_on();
        match (worked, self.open()) {
            (Err(failure), Some(_)) => Err(self.unsettled_because(failure)),
            (worked, _) => worked,
        }
    }

    fn go_on(&mut self) -> Result<Option<Outcome>, Failure> {
        let by = Instant::now() + self.patience;
        let (mut why, mut unreachable) = (String::new(), None);
        loop {
            let action = self.machine.next();
            self.notice.set(self.notice_before(&action));
            match action {
                Action::Journal(record) => {
                    self.terminal.keep(&record)?;
                    self.machine.journaled();
                }
                Action::Send {
                    request, attempt, ..
                } => {
                    if attempt > 1 {
                        let how = "asking again with the same id";
                        self.link.progress.again(&why, how, attempt);
                    }
                    match self.send(&request) {
                        Ok(reply) => {
                            why = reply.as_ref().err().map(words_of).unwrap_or_default();
                            self.machine.answered(&request, &reply);
                        }
                        Err(failure) => {
                            why = failure.words().unwrap_or_default();
                            // The first answer that is none says more than what follows from it.
                            if !matches!(unreachable, Some(Failure::Protocol(_))) {
                                unreachable = Some(failure);
                            }
                            self.machine.lost();
                        }
                    }
                }
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
                        return Err(unreachable.unwrap_or_else(|| Failure::Lost(why.into())));
                    }
                    // One attempt to roll it back at once; after that the journal remembers.
                    self.link
                        .progress
                        .tell("no answer in all that time; rolling it back");
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

    /// The transaction that is open, if one is: that its outcome is not known.
    fn open(&self) -> Option<Outcome> {
        let mut open = self.machine.outcome()?;
        if let Outcome::Unsettled { moved, .. } = &mut open {
            // The drawer knows before the journal does.
            *moved |= self.terminal.drawer() != self.machine.drawer();
        }
        Some(open)
    }

    /// What Ctrl-C has to say when this is to be done next.
    fn notice_before(&self, action: &Action) -> Option<String> {
        match action {
            Action::Show(Outcome::Moved {
                id,
                amount,
                available,
            }) => {
                let done = self.receipt(*id, *amount, *available).done();
                done.map(|done| untold(&done, INTERRUPTED))
            }
            Action::Show(outcome @ (Outcome::Unsettled { .. } | Outcome::Disputed { .. })) => {
                Some(named(outcome))
            }
            Action::Show(Outcome::Declined { .. } | Outcome::RolledBack { .. }) => None,
            Action::Journal(_)
            | Action::Send { .. }
            | Action::Pause { .. }
            | Action::MoveNotes { .. }
            | Action::Idle => self.open().map(|_| self.unsettled_words(Some(INTERRUPTED))),
        }
    }

    fn receipt(&self, id: TransactionId, amount: Amount, available: Option<Money>) -> Receipt {
        Receipt::Moved {
            id,
            card: self.link.card().cloned(),
            amount,
            available,
        }
    }

    /// Sends once. What is refused on the way to it, a connection or a log-in, says nothing of the
    /// request, which an earlier connection may have carried. So it is handed on as what is true:
    /// there was no answer, or this machine is not logged in.
    fn send(&mut self, request: &Request) -> Result<Result<Answer, Refusal>, Failure> {
        match self.link.ask(request) {
            Err(Failure::Refused(refusal)) if refusal.code.is_passing() => {
                Err(Failure::Lost(words_of(&refusal).into()))
            }
            Err(Failure::Refused(refusal)) => {
                Ok(Err(Refusal::new(Code::NotLoggedIn, refusal.words)))
            }
            asked => asked,
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
        self.unknown(self.unsettled_words(None).into())
    }

    fn unsettled_because(&self, why: Failure) -> Failure {
        let words = self.unsettled_words(why.words().as_deref());
        self.unknown(match why.evidence().cloned() {
            Some(evidence) => Report::new(words, evidence),
            None => words.into(),
        })
    }

    fn unknown(&self, report: Report) -> Failure {
        Failure::Unknown(match self.open() {
            Some(outcome) => about(&outcome, report),
            None => report,
        })
    }

    fn unsettled_words(&self, why: Option<&str>) -> String {
        let why = why.map_or(String::new(), |why| format!(" ({why})"));
        let what = match self.open() {
            Some(outcome) => named(&outcome),
            None => "a transaction is still open".to_owned(),
        };
        format!("{what}{why}: {}", self.settled_by)
    }
}

/// What was done, where that could not be printed.
fn untold(done: &str, why: &str) -> String {
    format!("{done}; the receipt was not printed ({why})")
}

/// An outcome in words, with the id of its transaction.
pub fn named(outcome: &Outcome) -> String {
    format!("{}: {outcome}", outcome.id())
}

fn about(outcome: &Outcome, report: Report) -> Report {
    report.about(outcome.id())
}

/// Whether the bank gave a whole answer that is none, as opposed to one that was cut off.
fn has_answered_wrong(failure: &Failure) -> bool {
    let is_whole = failure.evidence().is_none_or(Evidence::has_whole_message);
    matches!(failure, Failure::Protocol(_)) && failure.was_asked() && is_whole
}
