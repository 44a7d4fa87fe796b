//! The cash machine: what its customer sees.
//!
//! This file asks and shows; `machine` carries out what is wanted over `line`, with the driver in
//! [`cash_machine`](crate::cash_machine). `setup` has what they need, and `address` knows which bank
//! is meant. `customer` logs in, and `receipt` is what is printed.
//! `operator` settles and lists, with `members` for programs.
//!
//! A machine without a customer, as in the example `semantics`, needs [`machine`] alone.

mod address;
pub(crate) mod customer;
mod line;
pub mod machine;
mod members;
mod operator;
pub mod receipt;
mod setup;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use proto::atm::semantics::Semantics;
use proto::atm::{Amount, Holder, Kind, Money};
use proto::name::Name;
use proto::printable::quoted;
use proto::refusal::{Code, Refusal};

use self::customer::Credentials;
use self::machine::CashMachine;
use self::receipt::Receipt;
use self::setup::AtmSetup;
use crate::failure::{Failure, Status};
use crate::input::Input;
use crate::menu::each_line;
use crate::output::{Output, say};
use crate::session::Target;

const MENU: &str = "\
1  Check the balance
2  Withdraw
3  Deposit
4  Another card
?  Show this again
q  Quit
Or type it: balance, withdraw 500, deposit 20.50";

/// What the command line says.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The card's number; asked for at a terminal when missing
    #[arg(long, value_name = "NUMBER", global = true)]
    card: Option<String>,

    /// A file whose first line is the PIN; otherwise LABCLIENT_PIN, or the terminal is asked
    #[arg(long, value_name = "FILE", global = true)]
    pin_file: Option<PathBuf>,

    /// Which machine this is: each has a journal and a drawer of its own, for each bank [default:
    /// the first of ATM-1, ATM-2, … that nobody else is]
    #[arg(long, value_name = "NAME", global = true)]
    terminal: Option<String>,

    /// How long to go on asking before a transaction is given up and rolled back, in seconds
    #[arg(long, value_name = "SECONDS", value_parser = crate::options::parse_seconds,
        default_value = "30", global = true)]
    patience: Duration,

    /// What the machine promises; all but exactly-once lose or make money, on purpose, and keep no
    /// journal
    #[arg(long, value_name = "maybe|at-least-once|at-most-once|exactly-once",
        value_parser = parse_semantics, default_value = "exactly-once", global = true)]
    semantics: Semantics,

    /// One request; without it, a menu or a pipe's lines
    #[command(subcommand)]
    request: Option<Command>,
}

/// One request, on the command line.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// The available balance
    Balance,
    /// Take money out; prints the receipt
    Withdraw {
        /// How much, as 500 or 20.50
        #[arg(allow_hyphen_values = true)]
        amount: String,
    },
    /// Pay money in; prints the receipt
    Deposit {
        /// How much, as 500 or 20.50
        #[arg(allow_hyphen_values = true)]
        amount: String,
    },
    /// Open an account for the card given by --card, with the PIN given
    Create {
        /// Whose account it is
        holder: String,
        /// The opening balance
        #[arg(default_value = "0", allow_hyphen_values = true)]
        balance: String,
    },
    /// Settle what is open, on this machine or on all that nobody else is
    Settle,
    /// Show what the machines remember
    Journal,
    /// Put this much into the drawer, as an operator
    Load {
        /// How much is in it then
        amount: String,
    },
}

/// What a customer wants, checked.
#[derive(Debug, PartialEq, Eq)]
enum Operation {
    Balance,
    Move(Kind, Amount),
    Create(Holder, Money),
    Settle,
    Journal,
    Load(Money),
}

/// Does one request, or those that a customer or a pipe gives.
pub fn run(target: &Target, arguments: &Arguments, output: Output) -> Result<Status, Failure> {
    let operation = arguments.request.as_ref().map(operation_of);
    let operation = operation.transpose().map_err(Failure::usage)?;
    let name = arguments.terminal.as_deref().map(str::parse::<Name>);
    let name = name.transpose().map_err(Failure::usage)?;
    let mut target = target.clone();
    for server in [&mut target.server].into_iter().chain(&mut target.others) {
        *server = address::one_way_to_write(server, target.timeout);
    }
    let target = &target;
    let setup = AtmSetup::new(target, arguments, output)?;
    match operation {
        Some(Operation::Settle) => operator::settle(&setup, name.as_ref(), output),
        Some(Operation::Journal) => operator::journal(&setup, name.as_ref(), output),
        Some(Operation::Load(count)) => operator::load(&setup, name.as_ref(), count, output),
        Some(Operation::Balance | Operation::Move(..) | Operation::Create(..)) | None => {
            let input = Input::open(target.recorder.as_ref())?.of_whole_lines();
            let given = Credentials::by(arguments, &input)?;
            let machine = setup.machine(name.as_ref())?;
            serve(machine, input, given, operation, output)
        }
    }
}

/// Does what a customer wants: this, or what is asked for one after the other.
fn serve(
    mut machine: CashMachine,
    mut input: Input,
    given: Credentials,
    operation: Option<Operation>,
    output: Output,
) -> Result<Status, Failure> {
    if let Some(settled) = machine.settle()? {
        if let Some(recorder) = machine.bank().recorder() {
            // So that it stands below the trace of what was settled.
            recorder.flush();
        }
        say(&format!("settled: {}", receipt::named(&settled)));
        machine.hand_over(None, Ok(()))?;
    }
    machine.bank().open()?;
    let status = match operation {
        Some(operation) => {
            let executed = if let Operation::Create(holder, opening) = operation {
                let (card, pin) = given.or_ask(&mut input)?;
                machine.create(card, pin, opening, holder)?
            } else {
                given.log_in(machine.bank(), &mut input)?;
                execute(&mut machine, operation)?
            };
            let receipt = executed.map_err(Failure::Refused)?;
            machine.hand_over(receipt.done(), receipt.print(output))?;
            Status::Done
        }
        None => {
            let holder = given.log_in(machine.bank(), &mut input)?;
            if input.is_terminal() {
                say(&format!("Welcome, {holder}."));
            }
            let served = each_line(&mut input, output, (MENU, "atm> "), |input, line| {
                handle_line(&mut machine, input, line, output)
            });
            match served {
                Err(Failure::OutputClosed) => {
                    let words = "nobody reads standard output any more; no request after this one \
                                 was carried out";
                    return Err(Failure::Resource(words.into()));
                }
                served => served?,
            }
        }
    };
    machine.bank().log_out();
    Ok(status)
}

fn handle_line(
    machine: &mut CashMachine,
    input: &mut Input,
    line: &str,
    output: Output,
) -> Result<Result<(), Refusal>, Failure> {
    if line == "4" && input.is_terminal() {
        return match Credentials::default().log_in(machine.bank(), input) {
            Ok(holder) => {
                say(&format!("Welcome, {holder}."));
                Ok(Ok(()))
            }
            Err(Failure::Refused(refusal)) => Ok(Err(refusal)),
            Err(failure) => Err(failure),
        };
    }
    // A pipe sees no menu: each of its lines is a request.
    let is_terminal = input.is_terminal();
    let mut with_amount = |word| -> Result<Option<String>, Failure> {
        let amount = input.line("Amount: ")?;
        Ok(amount.map(|amount| format!("{word} {amount}")))
    };
    let line = match line.trim() {
        "1" if is_terminal => Some("balance".into()),
        "2" if is_terminal => with_amount("withdraw")?,
        "3" if is_terminal => with_amount("deposit")?,
        trimmed if is_terminal => Some(trimmed.to_owned()),
        _ => Some(line.to_owned()),
    };
    let executed = match line.map(|line| operation_of_line(&line)) {
        Some(Ok(operation)) => execute(machine, operation)?,
        Some(Err(refusal)) => Err(refusal),
        None => return Ok(Ok(())),
    };
    let receipt = match executed {
        Ok(receipt) => receipt,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let printed = if is_terminal || output.json {
        receipt.print(output)
    } else {
        output.line(&receipt.one_line())
    };
    machine.hand_over(receipt.done(), printed).map(Ok)
}

fn execute(
    machine: &mut CashMachine,
    operation: Operation,
) -> Result<Result<Receipt, Refusal>, Failure> {
    let done = match operation {
        Operation::Balance => machine.balance(),
        Operation::Move(kind, amount) => machine.move_notes(kind, amount),
        Operation::Create(..) | Operation::Settle | Operation::Journal | Operation::Load(_) => {
            Ok(Err(Refusal::malformed("this is given on the command line")))
        }
    };
    let card = machine.bank().card();
    done.map(|done| {
        done.map_err(|refusal| match card {
            Some(card) => customer::explained(refusal, card),
            None => refusal,
        })
    })
}

fn operation_of(command: &Command) -> Result<Operation, Refusal> {
    match command {
        Command::Balance => Ok(Operation::Balance),
        Command::Withdraw { amount } => Ok(Operation::Move(Kind::Withdrawal, amount.parse()?)),
        Command::Deposit { amount } => Ok(Operation::Move(Kind::Deposit, amount.parse()?)),
        Command::Create { holder, balance } => {
            Ok(Operation::Create(holder.parse()?, balance.parse()?))
        }
        Command::Settle => Ok(Operation::Settle),
        Command::Journal => Ok(Operation::Journal),
        Command::Load { amount } => Ok(Operation::Load(amount.parse()?)),
    }
}

/// Reads `balance`, `withdraw 500`, `deposit 20.50`, the words of the command line.
fn operation_of_line(line: &str) -> Result<Operation, Refusal> {
    let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
    match word.to_ascii_lowercase().as_str() {
        "balance" if rest.trim().is_empty() => Ok(Operation::Balance),
        "withdraw" => Ok(Operation::Move(Kind::Withdrawal, rest.trim().parse()?)),
        "deposit" => Ok(Operation::Move(Kind::Deposit, rest.trim().parse()?)),
        _ => Err(Refusal::new(
            Code::UnknownVerb,
            format!(
                "{} is none of: balance, withdraw AMOUNT, deposit AMOUNT, quit",
                quoted(line)
            ),
        )),
    }
}

fn parse_semantics(text: &str) -> Result<Semantics, String> {
    Semantics::parse(text).ok_or_else(|| Semantics::ALL.map(Semantics::name).join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typed_line_is_the_same_wish_as_the_command_line() {
        let withdraw = Command::Withdraw {
            amount: "20.5".into(),
        };
        assert_eq!(operation_of_line("withdraw 20.50"), operation_of(&withdraw));
        assert_eq!(operation_of_line("BALANCE"), Ok(Operation::Balance));
    }

    #[test]
    fn what_is_no_amount_is_never_sent() {
        for line in [
            "withdraw",
            "withdraw -5",
            "withdraw 0",
            "withdraw 1e3",
            "deposit 1.234",
        ] {
            assert!(operation_of_line(line).is_err(), "{line}");
        }
        assert_eq!(
            operation_of_line("steal 5").unwrap_err().code,
            Code::UnknownVerb
        );
    }
}
