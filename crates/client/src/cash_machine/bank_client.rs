//! The line to the bank: a conversation that is made anew when it was lost, with the customer
//! logged in again; at the next server, where the bank has several.

use std::io::{self, IsTerminal};
use std::time::{Duration, Instant};

use proto::atm::{Answer, CardNumber, Holder, LoginId, Pin, Request};
use proto::name::Name;
use proto::refusal::Refusal;
use record::Recorder;
use record::wording::nth_attempt;
use uuid::Uuid;

use crate::failure::{Failure, refusal_text};
use crate::output::say;
use crate::session::{Session, Target, is_turned_away};

/// How often the same wait is shown. A bank that is gone refuses a connection twice a second.
const BETWEEN: Duration = Duration::from_secs(3);

/// A customer's line to the bank, for one machine.
#[derive(Debug)]
pub struct BankClient {
    /// The server that is tried first is the one that answered last, or the next after one that
    /// was left.
    target: Target,
    /// The server of the conversation before.
    server: String,
    /// Why that was left.
    left: Option<String>,
    terminal: Name,
    customer: Option<Customer>,
    session: Option<Session>,
    /// Whether the customer is logged in on this session.
    is_logged_in: bool,
    /// What was asked last and not answered, and how often.
    unanswered: Option<(Request, u32)>,
    pub(crate) progress: Progress,
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

impl BankClient {
    /// A line to this bank, for the machine of this name. It connects when there is something to
    /// say.
    pub fn new(target: Target, terminal: Name) -> BankClient {
        BankClient {
            server: target.server.clone(),
            left: None,
            target,
            terminal,
            customer: None,
            session: None,
            is_logged_in: false,
            unanswered: None,
            progress: Progress::default(),
        }
    }

    pub(crate) fn recorder(&self) -> Option<&Recorder> {
        self.target.recorder.as_ref()
    }

    /// Whether this was sent and not answered, so that it may have been done.
    pub(crate) fn is_unanswered(&self, request: &Request) -> bool {
        let unanswered = self.unanswered.as_ref();
        unanswered.is_some_and(|(unanswered, _)| unanswered == request)
    }

    /// The card of the customer at the machine.
    pub fn card(&self) -> Option<&CardNumber> {
        self.customer.as_ref().map(|customer| &customer.card)
    }

    /// Logs a customer in, and says who it is. The customer before has gone.
    pub fn log_in(&mut self, card: CardNumber, pin: Pin) -> Result<Holder, Failure> {
        if self.customer.is_some() {
            self.log_out();
        }
        let login = LoginId(Uuid::now_v7());
        self.customer = Some(Customer { login, card, pin });
        let mut welcome = self.welcome();
        if let Err(failure) = &welcome
            && failure.was_asked()
        {
            let why = failure.words().unwrap_or_default();
            self.progress
                .again(&why, "logging in again with the same id", 2);
            // Lost after it was asked, or a message of before stood in the answer's place: the same
            // log-in once more, which burns no second try.
            welcome = match (welcome, self.welcome()) {
                // What it answered says more than that it takes no other connection.
                (
                    Err(Failure::Protocol(report)),
                    Err(Failure::Unreachable(_) | Failure::Protocol(_)),
                ) => Err(Failure::Protocol(report)),
                (_, again) => again,
            };
        }
        match welcome {
            Ok(Some(holder)) => Ok(holder),
            Ok(None) => Err(self.no_conversation()),
            Err(failure) => {
                self.customer = None;
                Err(failure)
            }
        }
    }

    /// Connects, if it is not, so that a bank which is not there is noticed before anything is asked
    /// of a customer.
    pub fn open(&mut self) -> Result<(), Failure> {
        let mut connected = self.where_taken(BankClient::connect, |()| None);
        if let Err(Failure::Lost(why)) = &connected {
            self.progress.again(why, "connecting again", 2);
            connected = self.where_taken(BankClient::connect, |()| None);
        }
        connected
    }

    fn welcome(&mut self) -> Result<Option<Holder>, Failure> {
        self.where_taken(
            |line| line.connect().and_then(|()| line.identify()),
            |_| None,
        )
    }

    /// Does this, at the next server where one turns it away, as the refusal in what is done may
    /// say: at each once. A conversation in which it failed is ended, and the next one is with the
    /// next server.
    fn where_taken<T>(
        &mut self,
        mut what: impl FnMut(&mut BankClient) -> Result<T, Failure>,
        refusal_in: fn(&T) -> Option<&Refusal>,
    ) -> Result<T, Failure> {
        let mut others_left = self.target.others.len();
        loop {
            let done = what(self);
            let refusal = match &done {
                Ok(done) => refusal_in(done),
                Err(Failure::Refused(refusal)) => Some(refusal),
                Err(_) => None,
            };
            let has_others = !self.target.others.is_empty();
            match (refusal, &done) {
                // Without a conversation, each of them took none.
                _ if self.session.is_none() => {}
                (Some(refusal), _) if has_others && is_turned_away(refusal) => {
                    self.leave(&format!(
                        "{}: {}",
                        self.target.server,
                        refusal_text(refusal)
                    ));
                    if others_left > 0 {
                        others_left -= 1;
                        continue;
                    }
                }
                (_, Err(Failure::Lost(why) | Failure::Protocol(why))) => self.leave(why),
                (_, Err(_)) => self.session = None,
                (_, Ok(_)) => {}
            }
            return done;
        }
    }

    /// Turns to the next server, because of this.
    fn leave(&mut self, why: &str) {
        self.session = None;
        self.target.go_on();
        self.left = Some(why.to_owned());
    }

    /// Says so when the conversation is with another server than the one before.
    fn arrive(&mut self, session: &Session) {
        self.target = session.target().clone();
        let left = self.left.take();
        if self.server != self.target.server {
            self.server.clone_from(&self.target.server);
            let why: Vec<&str> = left
                .iter()
                .chain(session.passed_over())
                .map(String::as_str)
                .collect();
            self.progress.moved(&why.join("; "), &self.server);
        }
    }

    /// Ends the customer's session.
    pub fn log_out(&mut self) {
        self.customer = None;
        if let Some(session) = self.session.take() {
            session.quit();
        }
    }

    /// Asks once. The customer is logged in first where the request needs that; to settle needs
    /// none, so that a card which was locked meanwhile is no obstacle. Where a server says that it
    /// cannot and has done nothing, the next one is asked, each once.
    ///
    /// # Errors
    /// [`Failure::Refused`] when the bank refused the connection or the log-in, so that the request
    /// was not sent. [`Failure::Lost`] when there was no answer, [`Failure::Protocol`] when it
    /// was none; then the next question takes a new connection, to the next server.
    pub fn ask(&mut self, request: &Request) -> Result<Result<Answer, Refusal>, Failure> {
        self.where_taken(
            |line| line.ask_on_this_line(request),
            |asked| asked.as_ref().err(),
        )
    }

    fn ask_on_this_line(&mut self, request: &Request) -> Result<Result<Answer, Refusal>, Failure> {
        self.connect()?;
        if matches!(request, Request::Balance | Request::Hold { .. }) {
            self.identify()?;
        }
        let attempt = match self.unanswered.take() {
            Some((before, attempt)) if before == *request => attempt + 1,
            Some(_) | None => 1,
        };
        self.unanswered = Some((request.clone(), attempt));
        let Some(session) = &mut self.session else {
            return Err(self.no_conversation());
        };
        if let (2.., Some(tap)) = (attempt, session.tap()) {
            tap.resent(attempt, request.to_string().as_bytes());
        }
        let asked = session.ask(request);
        if asked.is_ok() {
            self.unanswered = None;
        }
        asked
    }

    /// Makes sure there is a conversation.
    fn connect(&mut self) -> Result<(), Failure> {
        let has_ended = self.session.as_mut().is_some_and(Session::has_ended);
        if has_ended {
            self.session = None;
        }
        if self.session.is_none() {
            let session = Session::open(&self.target).map_err(|failure| match failure {
                // It was there, so it may come back: as for one lost at a question.
                Failure::Unreachable(report) if has_ended => Failure::Lost(report),
                failure => failure,
            })?;
            self.arrive(&session);
            self.is_logged_in = false;
            let session = self.session.insert(session);
            let named = session.ask(&Request::Terminal(self.terminal.clone()))?;
            named.map_err(Failure::Refused)?;
        }
        Ok(())
    }

    /// Makes sure the customer, if there is one, is logged in. Says who it is when that was to do.
    fn identify(&mut self) -> Result<Option<Holder>, Failure> {
        let (Some(session), Some(customer)) = (&mut self.session, &self.customer) else {
            return Ok(None);
        };
        if self.is_logged_in {
            return Ok(None);
        }
        let request = Request::LogIn {
            id: customer.login,
            card: customer.card.clone(),
            pin: customer.pin.clone(),
        };
        match session.ask(&request)?.map_err(Failure::Refused)? {
            Answer::Welcome { holder, .. } => {
                self.is_logged_in = true;
                Ok(Some(holder))
            }
            _ => Err(self.no_conversation()),
        }
    }

    fn no_conversation(&self) -> Failure {
        Failure::Lost(format!("{}: there is no conversation", self.target.server).into())
    }
}

/// Says on standard error what the machine waits for and what it settles first, if that is a terminal.
/// A program that reads lines, or objects, has no use for it.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    is_shown: bool,
    /// Whether a program that reads lines is told as well when the machine goes on elsewhere.
    tells_moves: bool,
    recorder: Option<Recorder>,
    /// Before the reasons of failures, which need not say each time whose they are.
    server: String,
    last: Option<Instant>,
}

impl Progress {
    /// For a person who uses this program by a terminal, and this server with it; each line stands
    /// below the trace of what happened before it.
    pub fn on_terminal(target: &Target) -> Progress {
        Progress {
            is_shown: io::stdin().is_terminal() && io::stderr().is_terminal(),
            recorder: target.recorder.clone(),
            tells_moves: true,
            server: match target.others.is_empty() {
                true => format!("{}: ", target.server),
                false => String::new(),
            },
            last: None,
        }
    }

    pub fn show(&self, words: &str) {
        if self.is_shown {
            if let Some(recorder) = &self.recorder {
                recorder.flush();
            }
            say(words);
        }
    }

    /// Says that the machine goes on at another server.
    fn moved(&self, why: &str, server: &str) {
        if self.tells_moves {
            if let Some(recorder) = &self.recorder {
                recorder.flush();
            }
            say(&format!("{why}; going on at {server}"));
        }
    }

    /// Shows why the same is done again, and how: at the second attempt, and then now and then.
    pub fn again(&mut self, why: &str, how: &str, attempt: u32) {
        let is_due = |last: Instant| last.elapsed() >= BETWEEN;
        if attempt > 2 && !self.last.is_none_or(is_due) {
            return;
        }
        self.last = Some(Instant::now());
        let why = why.strip_prefix(&self.server).unwrap_or(why);
        self.show(&format!("{why}; {how}, {}", nth_attempt(attempt)));
    }
}
