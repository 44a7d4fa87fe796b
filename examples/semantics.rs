//! The four semantics of a remote call, with a real bank and a real cash machine: the same fault
//! under each.
//!
//! ```text
//! cargo run --example semantics
//! ```

use std::io::{self, Write};
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use client::cash_machine::storage::MachineDirectory;
use client::failure::Failure;
use client::modes::atm::machine::CashMachine;
use client::modes::atm::receipt::Receipt;
use client::session::Target;
use proto::atm::semantics::Semantics;
use proto::atm::{Amount, Kind, Money};
use proto::frame::Framing;
use proto::mode::Mode;
use proto::refusal::Refusal;
use proto::side::Side;
use testkit::service::start_configured;
use wire::fault::{FaultPlan, FaultSpec};

/// The fault that affects the withdrawal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// Nothing.
    None,
    /// The bank executes it, and its answer is lost once.
    LostReply,
    /// The request arrives twice.
    DoubledRequest,
}

/// The result.
#[derive(Debug, PartialEq, Eq)]
pub struct Seen {
    /// The notes dispensed.
    pub notes: Money,
    /// The available balance.
    pub balance: Money,
    /// Both in words.
    pub verdict: String,
}

fn main() -> Result<()> {
    let mut out = io::stdout().lock();
    for trouble in [Trouble::LostReply, Trouble::DoubledRequest] {
        let (first, second) = trouble.explained();
        writeln!(out, "{first}\n{second}\n")?;
        writeln!(
            out,
            "{:<15}{:>10}{:>10}  verdict",
            "semantics", "notes out", "balance"
        )?;
        for semantics in Semantics::ALL {
            let Seen {
                notes,
                balance,
                verdict,
            } = withdraw_under(semantics, trouble, Duration::from_millis(300))?;
            let (notes, balance) = (notes.to_string(), balance.to_string());
            writeln!(out, "{semantics:<15}{notes:>10}{balance:>10}  {verdict}")?;
        }
        writeln!(out)?;
    }
    Ok(())
}

impl Trouble {
    fn explained(self) -> (&'static str, &'static str) {
        match self {
            Trouble::None => (
                "500 are withdrawn from an account of 10000.",
                "Nothing goes wrong.",
            ),
            Trouble::LostReply => (
                "500 are withdrawn from an account of 10000. The bank does what it is asked, and its",
                "answer is lost, once. All that follows is what the machine and the bank make of it.",
            ),
            Trouble::DoubledRequest => (
                "500 are withdrawn from an account of 10000. The network delivers the request twice,",
                "as it may when the first copy seemed lost. The machine receives one answer.",
            ),
        }
    }

    /// The withdrawal is the fourth message, after the name, the log-in and the balance.
    fn faults(self) -> Result<Option<FaultPlan>> {
        let spec = match self {
            Trouble::None => return Ok(None),
            Trouble::LostReply => "drop-reply=#4",
            Trouble::DoubledRequest => "duplicate=#4",
        };
        let spec = FaultSpec::parse_for(Side::Server, spec).map_err(|words| anyhow!(words))?;
        // Counts use no random numbers, so any seed will do.
        Ok(Some(FaultPlan::new(spec, 0)))
    }
}

/// Withdraws 500 once, with a bank and a machine of these semantics.
///
/// # Errors
/// When the bank cannot be reached, apart from the fault.
pub fn withdraw_under(semantics: Semantics, trouble: Trouble, timeout: Duration) -> Result<Seen> {
    let faults = trouble.faults()?;
    let bank = start_configured(Mode::Atm, |config| {
        config.semantics = semantics;
        config.faults = faults;
    });
    let target = Target {
        peer: Mode::Atm.into(),
        server: bank.address().to_string(),
        others: Vec::new(),
        framing: Framing::Netstring,
        timeout,
        faults: None,
        recorder: None,
    };
    let directory = tempfile::tempdir()?;
    let found = MachineDirectory::within(directory.path()).open(None, semantics.protections())?;
    let full = found.0.drawer();
    let mut machine = CashMachine::new(found, target, Duration::from_secs(10));

    // A new machine journals what is in its drawer before anything else.
    machine.settle()?;
    let card = "123456789".parse().map_err(refused)?;
    let pin = "1234".parse().map_err(refused)?;
    machine.bank().log_in(card, pin)?;
    let before = balance(&mut machine)?;
    let amount: Amount = "500".parse().map_err(refused)?;
    match machine.move_notes(Kind::Withdrawal, amount) {
        // Some of the semantics leave the outcome unknown.
        Ok(Ok(_)) | Err(Failure::Unknown(_)) => {}
        Ok(Err(refusal)) => return Err(refused(refusal)),
        Err(failure) => return Err(failure.into()),
    }
    let after = balance(&mut machine)?;
    machine.bank().log_out();

    let notes = full.checked_sub(machine.storage().drawer());
    let notes = notes.context("notes came in")?;
    let debited = before.checked_sub(after).context("the balance has grown")?;
    let times = |money: Money| money.minor() / amount.money().minor();
    Ok(Seen {
        notes,
        balance: after,
        verdict: verdict(times(debited), times(notes)),
    })
}

fn verdict(debited: i64, dispensed: i64) -> String {
    match (debited, dispensed) {
        (0, 0) => "nothing happened".into(),
        (1, 1) => "exactly once".into(),
        (1, 0) => "debited, no notes".into(),
        (2, 1) => "debited twice".into(),
        (debited, dispensed) => format!("debited {debited} times, notes {dispensed} times"),
    }
}

fn balance(machine: &mut CashMachine) -> Result<Money> {
    match machine.balance()? {
        Ok(Receipt::Balance { available, .. }) => Ok(available),
        Ok(other) => Err(anyhow!("{other:?} is no balance")),
        Err(refusal) => Err(refused(refusal)),
    }
}

fn refused(refusal: Refusal) -> anyhow::Error {
    Failure::Refused(refusal).into()
}
