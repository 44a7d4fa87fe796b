//! The subjects there are, and how one is made for a rate.

pub mod cash_machine;
pub mod clock;
pub mod lowering;
pub mod printed_machine;

use std::path::Path;
use std::time::Duration;

use clap::ValueEnum;
use measure::experiment::sweep::Description;
use measure::subject::Subject;
use proto::atm::{CardNumber, Pin};
use proto::frame::Framing;
use proto::handout::Handout;
use proto::mode::{Mode, Transport};
use proto::side::Side;
use wire::fault::{Exchange, FaultPlan, FaultScope};

use self::cash_machine::{Account, Bank, CashMachine};
use self::clock::Clock;
use self::lowering::Lowering;
use self::printed_machine::{Customer, PrintedMachine};
use super::connection::RetryPolicy;
use crate::failure::Failure;
use crate::modes::atm::customer::given_text;
use crate::peer::Peer;
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

/// How a subject is set up, at whatever rate.
#[derive(Debug)]
pub struct SubjectConfig {
    /// What is measured.
    pub kind: Kind,
    pub framing: Framing,
    pub patience: RetryPolicy,
    pub account: Account,
    pub customer: Customer,
    /// Operations at a rate, the warm-up included.
    pub operations: u64,
    /// Whether the server is a stranger's, which should not be loaded without need.
    pub is_foreign: bool,
}

impl Kind {
    pub fn peer(self) -> Peer {
        match self {
            Kind::Atm => Mode::Atm.into(),
            Kind::Text => Mode::Text.into(),
            Kind::Datetime => Mode::Datetime.into(),
            Kind::AtmLogin => Handout::AtmLogin.into(),
        }
    }

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
            name: self.peer().name(),
            operations,
            definition,
            exchanges,
        }
    }

    /// Messages of a conversation before its first operation, which no fault may disturb.
    pub fn setup_messages(self) -> u32 {
        match self {
            Kind::Atm => 1,
            Kind::Text | Kind::Datetime | Kind::AtmLogin => 0,
        }
    }

    pub fn transport(self) -> Transport {
        match self {
            Kind::Atm | Kind::Text | Kind::AtmLogin => Transport::Tcp,
            Kind::Datetime => Transport::Udp,
        }
    }
}

impl SubjectConfig {
    /// Sets a subject up with the server there: connected, logged in, and from here on under these
    /// faults, or under none where the server has them.
    pub fn open(
        &self,
        server: &str,
        faults: Option<&FaultPlan>,
    ) -> Result<Box<dyn Subject<Error = Failure>>, Failure> {
        let patience = &self.patience;
        let timeout = OPENING.max(patience.timeout);
        let target = Target {
            framing: self.framing,
            faults: faults.cloned(),
            ..Target::new(self.kind.peer(), server.to_owned(), timeout)
        };
        Ok(match self.kind {
            Kind::Atm => {
                let bank = Bank::new(target, self.account.clone(), patience)?;
                let machine = CashMachine::open(bank)?;
                machine.needs(self.operations)?;
                Box::new(machine)
            }
            Kind::Text => Box::new(Lowering::over(Session::open(&target)?, patience)),
            Kind::AtmLogin => {
                let target = Target {
                    framing: Framing::Raw,
                    faults: None,
                    ..target
                };
                let Some(plan) = faults else {
                    let words = "the errors of a hand-out are the client's";
                    return Err(Failure::Usage(words.into()));
                };
                Box::new(PrintedMachine::open(
                    &target,
                    &self.customer,
                    plan,
                    patience,
                )?)
            }
            Kind::Datetime => Box::new(Clock::open(&target, patience, self.is_foreign)?),
        })
    }
}

/// A connection or socket of this program, the first of its plan.
pub fn channel(transport: Transport) -> FaultScope {
    FaultScope {
        side: Side::Client,
        transport,
        number: 0,
        exchange: Exchange::Answered,
    }
}

/// The account that is withdrawn from: our own, or the one given, or the demonstration's.
pub fn account(
    is_named: bool,
    card: Option<&str>,
    pin_file: Option<&Path>,
) -> Result<Account, Failure> {
    if !is_named {
        return cash_machine::own_account(0);
    }
    let card: CardNumber = card
        .unwrap_or("123456789")
        .parse()
        .map_err(Failure::usage)?;
    let pin: Pin = given_text(pin_file)?
        .as_deref()
        .unwrap_or("1234")
        .parse()
        .map_err(Failure::usage)?;
    Ok(Account { card, pin })
}

/// Who withdraws at the bank of a hand-out: the one given, or the printed one.
pub fn customer(name: Option<&str>, pin_file: Option<&Path>) -> Result<Customer, Failure> {
    Ok(Customer {
        name: name.unwrap_or("jamal").to_owned(),
        password: given_text(pin_file)?.unwrap_or_else(|| "4321".to_owned()),
    })
}
