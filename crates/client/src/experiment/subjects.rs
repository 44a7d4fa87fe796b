//! The subjects there are, and how one is made for a rate.

pub mod cash_machine;
mod clock;
mod lowering;
pub mod printed_machine;

use std::path::PathBuf;
use std::time::Duration;

use clap::ValueEnum;
use measure::experiment::sweep::Description;
use measure::subject::Subject;
use proto::atm::{CardNumber, Pin};
use proto::frame::Framing;
use proto::handout::Handout;
use proto::mode::{Mode, Transport};
use proto::side::Side;
use wire::fault::{Channel, Exchange, Plan};

use self::cash_machine::{Account, Bank, CashMachine};
use self::clock::Clock;
use self::lowering::Lowering;
use self::printed_machine::{Customer, PrintedMachine};
use super::subject::Patience;
use crate::failure::Failure;
use crate::own_server::OwnServer;
use crate::session::{Session, Target};

/// For a connection, its `READY` and a log-in, which no fault disturbs.
const OPENING: Duration = Duration::from_secs(10);

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// Withdrawals of a cash machine, with its journal, over one connection
    Atm,
    /// Lines put into lower case, over one connection
    Text,
    /// Date and time, over UDP
    Datetime,
    /// Withdrawals in the words of the hand-out `atm-login`
    #[value(skip)]
    AtmLogin,
}

/// Where the operations are performed, and under which faults.
#[derive(Debug)]
pub struct Scene<'a> {
    /// What is measured.
    pub kind: Kind,
    /// `HOST:PORT`.
    pub server: &'a str,
    /// The framing.
    pub framing: Framing,
    /// Faults of the client; `None` where the server has them.
    pub faults: Option<&'a Plan>,
    /// How long to wait, and how often to ask.
    pub patience: &'a Patience,
    /// The account that is withdrawn from.
    pub account: &'a Account,
    /// Who withdraws at the bank of a hand-out.
    pub customer: Option<&'a Customer>,
    /// Most operations that follow, the warm-up included.
    pub operations: u64,
    /// Whether the server is someone else's, which may not want to be asked as fast as possible.
    pub is_foreign: bool,
}

impl Kind {
    /// The mode of the server.
    pub fn mode(self) -> Mode {
        match self {
            Kind::Atm | Kind::AtmLogin => Mode::Atm,
            Kind::Text => Mode::Text,
            Kind::Datetime => Mode::Datetime,
        }
    }

    /// In the words of a report.
    pub fn description(self) -> Description {
        let (operations, exchanges, definition) = match self {
            Kind::Atm => (
                "withdrawals",
                2,
                "an operation is a withdrawal with a journal: two exchanges, WITHDRAW, CONFIRM",
            ),
            Kind::Text => ("texts", 1, "an operation is one exchange, LOWER over TCP"),
            Kind::AtmLogin => (
                "withdrawals",
                1,
                "an operation is a withdrawal of atm-login, again until it is not called failed",
            ),
            Kind::Datetime => (
                "questions",
                1,
                "an operation is one exchange, SEND_DATE or SEND_TIME over UDP",
            ),
        };
        Description {
            name: self.name(),
            operations,
            definition,
            exchanges,
        }
    }

    /// What the results are called.
    pub fn name(self) -> &'static str {
        match self {
            Kind::AtmLogin => Handout::AtmLogin.name(),
            Kind::Atm | Kind::Text | Kind::Datetime => self.mode().name(),
        }
    }

    /// The port where its server is, unless it is told otherwise.
    pub fn port(self) -> u16 {
        match self {
            Kind::AtmLogin => Handout::AtmLogin.port(),
            Kind::Atm | Kind::Text | Kind::Datetime => self.mode().default_port(),
        }
    }

    /// Messages of a conversation before its first operation, which no fault may disturb.
    pub fn setup_messages(self) -> u32 {
        match self {
            Kind::Atm => 1,
            Kind::Text | Kind::Datetime | Kind::AtmLogin => 0,
        }
    }

    /// The transport.
    pub fn transport(self) -> Transport {
        match self {
            Kind::Atm | Kind::Text | Kind::AtmLogin => Transport::Tcp,
            Kind::Datetime => Transport::Udp,
        }
    }
}

impl Scene<'_> {
    /// Sets the subject up: connected, logged in, and from here on under the faults.
    ///
    /// # Errors
    /// When the server is not reachable or refuses.
    pub fn subject(&self) -> Result<Box<dyn Subject<Error = Failure>>, Failure> {
        Ok(match self.kind {
            Kind::Atm => {
                let mut bank = Bank::new(self.target(), self.account.clone(), self.patience)?;
                bank.faults = self.faults.cloned();
                let machine = CashMachine::open(bank)?;
                machine.needs(self.operations)?;
                Box::new(machine)
            }
            Kind::Text => {
                let session = Session::open(&self.target())?;
                Box::new(Lowering::over(session, self.faults, self.patience))
            }
            Kind::AtmLogin => {
                let target = Target {
                    peer: Handout::AtmLogin.into(),
                    framing: Framing::Raw,
                    ..self.target()
                };
                let (Some(plan), Some(customer)) = (self.faults, self.customer) else {
                    let words = "a hand-out needs a customer, and its errors are the client's";
                    return Err(Failure::Usage(words.into()));
                };
                let machine = PrintedMachine::open(&target, customer, plan, self.patience)?;
                Box::new(machine)
            }
            Kind::Datetime => {
                let target = Target {
                    faults: self.faults.cloned(),
                    ..self.target()
                };
                Box::new(Clock::open(&target, self.patience, self.is_foreign)?)
            }
        })
    }

    fn target(&self) -> Target {
        let server = self.server.to_owned();
        let timeout = OPENING.max(self.patience.timeout);
        Target {
            framing: self.framing,
            ..Target::new(self.kind.mode(), server, timeout)
        }
    }
}

/// A connection or socket of this program, the first of its plan.
pub fn channel(transport: Transport) -> Channel {
    Channel {
        side: Side::Client,
        transport,
        number: 0,
        exchange: Exchange::Answered,
    }
}

/// A bank, clock or text service of our own for one rate, and what has to live as long.
#[derive(Debug)]
pub struct OwnService {
    server: OwnServer,
    _accounts: Option<tempfile::NamedTempFile>,
}

impl OwnService {
    /// Starts one, with these faults if they are the server's.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(
        program: &std::path::Path,
        kind: Kind,
        framing: Framing,
        faults: Option<&Plan>,
    ) -> Result<OwnService, Failure> {
        let words = match kind {
            Kind::AtmLogin => vec!["--handout", kind.name()],
            Kind::Atm | Kind::Text | Kind::Datetime => {
                vec!["--mode", kind.name(), "--wire", framing.name()]
            }
        };
        let mut words: Vec<std::ffi::OsString> = words.into_iter().map(Into::into).collect();
        let mut accounts = None;
        match kind {
            Kind::Atm => {
                let file = cash_machine::accounts_file(1)?;
                words.extend(["--ledger".into(), "memory".into(), "--accounts".into()]);
                words.push(file.path().into());
                accounts = Some(file);
            }
            // The bank of a hand-out is in memory, with a customer of its own.
            Kind::Text | Kind::AtmLogin => {}
            // All questions come from one source.
            Kind::Datetime => words.extend(["--udp-rate".into(), "0".into()]),
        }
        if let Some(plan) = faults {
            words.extend(["--fault".into(), plan.spec().to_string().into()]);
            words.extend(["--seed".into(), plan.seed().to_string().into()]);
        }
        let server = OwnServer::start(program, kind.mode(), &words)?;
        Ok(OwnService {
            server,
            _accounts: accounts,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> &str {
        self.server.address()
    }
}

/// The account that is withdrawn from: our own, or the one given, or the demonstration's.
///
/// # Errors
/// When what is given is none.
pub fn account(
    is_named: bool,
    card: Option<&str>,
    pin_file: Option<&PathBuf>,
) -> Result<Account, Failure> {
    let usage = |refusal: proto::refusal::Refusal| Failure::Usage(refusal.words);
    if !is_named {
        return cash_machine::own_account(0);
    }
    let card: CardNumber = card.unwrap_or("123456789").parse().map_err(usage)?;
    let pin: Pin = secret(pin_file, "1234")?.parse().map_err(usage)?;
    Ok(Account { card, pin })
}

/// Who withdraws at the bank of a hand-out: the one given, or the printed one.
///
/// # Errors
/// When the password cannot be read.
pub fn customer(name: Option<&str>, pin_file: Option<&PathBuf>) -> Result<Customer, Failure> {
    Ok(Customer {
        name: name.unwrap_or("jamal").to_owned(),
        password: secret(pin_file, "4321")?,
    })
}

/// The first line of the file, or what is in the environment, or this.
fn secret(file: Option<&PathBuf>, otherwise: &str) -> Result<String, Failure> {
    let Some(file) = file else {
        return Ok(std::env::var("LABCLIENT_PIN").unwrap_or_else(|_| otherwise.to_owned()));
    };
    let text = std::fs::read_to_string(file).map_err(|error| {
        Failure::Usage(format!(
            "cannot read the PIN from {}: {error}",
            file.display()
        ))
    })?;
    Ok(text.lines().next().unwrap_or("").trim_end().to_owned())
}
