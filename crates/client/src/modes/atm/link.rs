//! The line to the bank: a conversation that is made anew when it was lost, with the customer
//! logged in again.

use proto::atm::{Answer, CardNumber, Holder, LoginId, Pin, Request};
use proto::name::Name;
use proto::refusal::Refusal;
use uuid::Uuid;

use crate::failure::Failure;
use crate::session::{Session, Target};

/// A line to the bank.
#[derive(Debug)]
pub struct Link {
    target: Target,
    terminal: Name,
    customer: Option<Customer>,
    session: Option<Session>,
}

/// A card, its PIN, and the log-in that both made.
#[derive(Debug)]
struct Customer {
    /// The same for every connection of this customer, so that a log-in whose answer was lost is
    /// not counted twice.
    login: LoginId,
    card: CardNumber,
    pin: Pin,
}

impl Link {
    /// A line to this bank, for the machine of this name. It connects when there is something to
    /// say.
    pub fn new(target: Target, terminal: Name) -> Link {
        Link {
            target,
            terminal,
            customer: None,
            session: None,
        }
    }

    /// The card of the customer at the machine.
    pub fn card(&self) -> Option<&CardNumber> {
        self.customer.as_ref().map(|customer| &customer.card)
    }

    /// Logs a customer in, and says who it is. Whoever was at the machine has gone.
    ///
    /// # Errors
    /// When the bank refuses, or cannot be reached.
    pub fn log_in(&mut self, card: CardNumber, pin: Pin) -> Result<Holder, Failure> {
        self.log_out();
        let login = LoginId(Uuid::now_v7());
        self.customer = Some(Customer { login, card, pin });
        let welcome = match self.connect() {
            // Lost after it was asked: the same log-in once more, which burns no second try.
            Err(Failure::Lost(_)) => self.connect(),
            welcome => welcome,
        };
        match welcome {
            Ok(Some(holder)) => Ok(holder),
            Ok(None) => Err(self.nonsense()),
            Err(failure) => {
                self.customer = None;
                Err(failure)
            }
        }
    }

    /// Ends the customer's session.
    pub fn log_out(&mut self) {
        self.customer = None;
        if let Some(session) = self.session.take() {
            session.quit();
        }
    }

    /// Asks once.
    ///
    /// # Errors
    /// When there was no answer; then the next question takes a new connection.
    pub fn ask(&mut self, request: &Request) -> Result<Result<Answer, Refusal>, Failure> {
        let asked = self.connect().and_then(|_| match &mut self.session {
            Some(session) => ask(session, request),
            None => Err(self.nonsense()),
        });
        if asked.is_err() {
            self.session = None;
        }
        asked
    }

    /// Makes sure there is a conversation, with the customer logged in. Says whose card it is when
    /// it had to log in.
    fn connect(&mut self) -> Result<Option<Holder>, Failure> {
        if self.session.is_some() {
            return Ok(None);
        }
        let mut session = Session::open(&self.target)?;
        ask(&mut session, &Request::Terminal(self.terminal.clone()))?.map_err(Failure::Refused)?;
        let mut holder = None;
        if let Some(Customer { login, card, pin }) = &self.customer {
            let request = Request::LogIn {
                id: *login,
                card: card.clone(),
                pin: pin.clone(),
            };
            match ask(&mut session, &request)?.map_err(Failure::Refused)? {
                Answer::Welcome(welcomed) => holder = Some(welcomed),
                _ => return Err(self.nonsense()),
            }
        }
        self.session = Some(session);
        Ok(holder)
    }

    fn nonsense(&self) -> Failure {
        Failure::Lost(format!(
            "{}: the bank answered something else",
            self.target.server
        ))
    }
}

fn ask(session: &mut Session, request: &Request) -> Result<Result<Answer, Refusal>, Failure> {
    session.ask_for(&request.to_string(), |arguments| {
        Answer::parse(request, arguments)
    })
}
