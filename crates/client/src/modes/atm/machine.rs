//! The machine's conversation with the bank.
//!
//! A request that was sent and not answered is sent again, with the same id, over new connections,
//! until the time is up. Until then its outcome is not known; it has not failed.

use std::thread;
use std::time::{Duration, Instant};

use proto::atm::{
    Amount, Answer, CardNumber, CreationId, Holder, Kind, LoginId, Money, Pin, Request,
    TransactionId,
};
use proto::name::Name;
use proto::refusal::{Code, Refusal};
use uuid::Uuid;

use super::receipt::Receipt;
use crate::failure::Failure;
use crate::session::{Session, Target};

/// The pause before the second try; it doubles up to [`MAX_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(50);

const MAX_PAUSE: Duration = Duration::from_secs(1);

/// A cash machine, with or without a card in it.
pub struct Machine {
    target: Target,
    terminal: Option<Name>,
    customer: Option<Customer>,
    session: Option<Session>,
}

/// A card, its PIN, and the log-in that both made.
struct Customer {
    /// The same for every connection of this customer, so that a log-in whose answer was lost is
    /// not counted twice.
    login: LoginId,
    card: CardNumber,
    pin: Pin,
}

impl Machine {
    /// A machine without a card. It connects when it has something to say.
    pub fn new(target: Target, terminal: Option<Name>) -> Machine {
        Machine {
            target,
            terminal,
            customer: None,
            session: None,
        }
    }

    /// Takes a card, and says who its owner is.
    ///
    /// # Errors
    /// When the bank refuses the log-in, or cannot be reached.
    pub fn log_in(&mut self, card: CardNumber, pin: Pin) -> Result<Holder, Failure> {
        self.quit();
        let login = LoginId(Uuid::now_v7());
        self.customer = Some(Customer { login, card, pin });
        let by = Instant::now() + self.target.timeout;
        let welcome = self.persist(by, |machine| machine.connect());
        if welcome.is_err() {
            self.customer = None;
        }
        match welcome? {
            Some(holder) => Ok(holder),
            None => Err(self.answered_something_else()),
        }
    }

    /// The balance of the card in the machine.
    ///
    /// # Errors
    /// When the bank cannot be reached.
    pub fn balance(&mut self) -> Result<Result<Receipt, Refusal>, Failure> {
        match self.ask(&Request::Balance)? {
            Ok(Answer::Balance { available, held }) => Ok(Ok(Receipt::Balance { available, held })),
            Ok(_) => Err(self.answered_something_else()),
            Err(refusal) => Ok(Err(refusal)),
        }
    }

    /// Withdraws or deposits in two phases: hold, move the notes, confirm.
    ///
    /// # Errors
    /// [`Failure::Unknown`] when the bank did not answer, so that nobody knows yet.
    pub fn move_notes(
        &mut self,
        kind: Kind,
        amount: Amount,
    ) -> Result<Result<Receipt, Refusal>, Failure> {
        let id = match kind {
            Kind::Withdrawal => TransactionId::withdrawal(Uuid::now_v7()),
            Kind::Deposit => TransactionId::deposit(Uuid::now_v7()),
        };
        let held = match self.ask(&Request::Hold { id, amount }) {
            Ok(Ok(Answer::Held { available, .. })) => available,
            Ok(Ok(_)) => return Err(self.answered_something_else()),
            Ok(Err(refusal)) if refusal.code.is_definite() => return Ok(Err(refusal)),
            Ok(Err(_)) | Err(Failure::Lost(_)) => return self.give_up(id),
            Err(failure) => return Err(failure),
        };
        // Here the notes leave the machine, or enter it.
        match self.ask(&Request::Confirm(id)) {
            Ok(Ok(Answer::Confirmed { .. })) => {}
            Ok(Ok(_)) => return Err(self.answered_something_else()),
            Ok(Err(refusal)) if refusal.code.is_definite() => return Ok(Err(refusal)),
            Ok(Err(_)) | Err(Failure::Lost(_)) => {
                let moved = match kind {
                    Kind::Withdrawal => "the notes are out",
                    Kind::Deposit => "the notes are in",
                };
                return Err(Failure::Unknown(format!(
                    "{moved}, but the bank has not confirmed it yet: {id} is listed there as \
                     unsettled; nothing is lost"
                )));
            }
            Err(failure) => return Err(failure),
        }
        let available = match kind {
            Kind::Withdrawal => held,
            Kind::Deposit => held.checked_add(amount.money()).unwrap_or(held),
        };
        let card = self.customer.as_ref().map(|customer| customer.card.clone());
        let card = card.ok_or_else(|| Failure::Usage("no card in the machine".into()))?;
        Ok(Ok(Receipt::Moved {
            id,
            card,
            amount,
            available,
        }))
    }

    /// Opens an account.
    ///
    /// # Errors
    /// When the bank cannot be reached; [`Failure::Unknown`] when it did not answer.
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
        match self.ask(&request)? {
            Ok(Answer::Created { .. }) => Ok(Ok(Receipt::Created {
                id,
                card,
                opening,
                holder,
            })),
            Ok(_) => Err(self.answered_something_else()),
            Err(refusal) => Ok(Err(refusal)),
        }
    }

    /// Ends the conversation and gives the card back.
    pub fn quit(&mut self) {
        self.customer = None;
        if let Some(session) = self.session.take() {
            session.quit();
        }
    }

    /// The bank did not answer a hold. No notes have moved, so it is rolled back if possible.
    fn give_up(&mut self, id: TransactionId) -> Result<Result<Receipt, Refusal>, Failure> {
        let rolled_back = self.ask(&Request::Rollback(id));
        Err(match rolled_back {
            Ok(Ok(_)) => Failure::Lost(
                "the bank did not answer in time; the transaction was rolled back, nothing moved"
                    .into(),
            ),
            Ok(Err(_)) | Err(_) => Failure::Unknown(format!(
                "the bank has not answered, so the outcome of {id} is not known yet; no notes have \
                 moved"
            )),
        })
    }

    /// Asks, and asks again, until there is an answer or the time is up.
    fn ask(&mut self, request: &Request) -> Result<Result<Answer, Refusal>, Failure> {
        let by = Instant::now() + self.target.timeout;
        self.persist(by, |machine| {
            machine.connect()?;
            let Some(session) = &mut machine.session else {
                return Err(machine.answered_something_else());
            };
            let parse = |arguments: &str| Answer::parse(request, arguments);
            session.ask_for(&request.to_string(), parse)
        })
    }

    /// Does it again after a pause, over a new connection, for as long as the bank was asked and
    /// has not answered. A bank that was never reached is not waited for.
    fn persist<T>(
        &mut self,
        by: Instant,
        mut attempt: impl FnMut(&mut Machine) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let mut pause = FIRST_PAUSE;
        let mut lost = None;
        loop {
            match attempt(self) {
                Err(Failure::Lost(words)) => lost = Some(words),
                Err(Failure::Unreachable(_)) if lost.is_some() => {}
                Err(Failure::Refused(refusal)) if lost.is_some() && is_passing(refusal.code) => {}
                done => return done,
            }
            self.session = None;
            if Instant::now() + pause >= by {
                return Err(Failure::Lost(lost.unwrap_or_default()));
            }
            thread::sleep(pause);
            pause = (pause * 2).min(MAX_PAUSE);
        }
    }

    /// Makes sure there is a conversation, with the customer logged in. Says whose card it is when
    /// it had to log in.
    fn connect(&mut self) -> Result<Option<Holder>, Failure> {
        if self.session.is_some() {
            return Ok(None);
        }
        let mut session = Session::open(&self.target)?;
        if let Some(name) = &self.terminal {
            let request = Request::Terminal(name.clone());
            let parse = |arguments: &str| Answer::parse(&request, arguments);
            session
                .ask_for(&request.to_string(), parse)?
                .map_err(Failure::Refused)?;
        }
        let holder = match &self.customer {
            Some(Customer { login, card, pin }) => {
                let request = Request::LogIn {
                    id: *login,
                    card: card.clone(),
                    pin: pin.clone(),
                };
                let parse = |arguments: &str| Answer::parse(&request, arguments);
                match session.ask_for(&request.to_string(), parse)? {
                    Ok(Answer::Welcome(holder)) => Some(holder),
                    Ok(_) => return Err(self.answered_something_else()),
                    Err(refusal) => return Err(Failure::Refused(refusal)),
                }
            }
            None => None,
        };
        self.session = Some(session);
        Ok(holder)
    }

    fn answered_something_else(&self) -> Failure {
        let words = format!("{}: the bank answered something else", self.target.server);
        Failure::Lost(words)
    }
}

/// Whether a refused connection may be granted a moment later.
fn is_passing(code: Code) -> bool {
    matches!(code, Code::Busy | Code::ShuttingDown | Code::TooSlow)
}
