//! The cash machine: what its customer sees.
//!
//! `machine` talks to the bank and repeats what was not answered; `pin` knows where a PIN comes
//! from; `receipt` is what is printed.

mod machine;
mod pin;
mod receipt;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use proto::atm::{Amount, CardNumber, Holder, Kind, Money};
use proto::name::Name;
use proto::printable::quoted;
use proto::refusal::{Code, Refusal};

use self::machine::Machine;
use self::receipt::Receipt;
use super::{each_line, say};
use crate::failure::{Failure, Status};
use crate::input::Input;
use crate::output::Output;
use crate::session::Target;

const MENU: &str = "\
1  Check the balance
2  Withdraw
3  Deposit
4  Another card
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

    /// What the machine is called in the bank's records
    #[arg(long, value_name = "NAME", global = true)]
    terminal: Option<String>,

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
}

/// What a customer wants, checked.
#[derive(Debug, PartialEq, Eq)]
enum Wish {
    Balance,
    Move(Kind, Amount),
    Create(Holder, Money),
}

/// Does one request, or those that a customer or a pipe gives.
///
/// # Errors
/// When the bank declines, is lost, or an outcome is not known.
pub fn run(target: &Target, arguments: &Arguments, output: Output) -> Result<Status, Failure> {
    let wish = arguments
        .request
        .as_ref()
        .map(wish_of)
        .transpose()
        .map_err(usage)?;
    let terminal = arguments.terminal.as_deref().map(str::parse::<Name>);
    let terminal = terminal.transpose().map_err(usage)?;
    let mut input = Input::open()?;
    let card: CardNumber = match &arguments.card {
        Some(card) => card.parse().map_err(usage)?,
        None => ask_for_card(&mut input)?,
    };
    let pin = pin::obtain(arguments.pin_file.as_deref(), &mut input)?;
    let mut machine = Machine::new(target.clone(), terminal);
    let status = match wish {
        Some(Wish::Create(holder, opening)) => {
            let receipt = machine.create(card, pin, opening, holder)?;
            receipt.map_err(Failure::Refused)?.print(output)?;
            Status::Done
        }
        Some(wish) => {
            machine.log_in(card, pin)?;
            fulfil(&mut machine, wish)?
                .map_err(Failure::Refused)?
                .print(output)?;
            Status::Done
        }
        None => {
            let holder = machine.log_in(card, pin)?;
            if input.is_terminal() {
                say(&format!("Welcome, {holder}.\n{MENU}"));
            }
            each_line(&mut input, output, "atm> ", |input, line| {
                attend(&mut machine, input, line, output)
            })?
        }
    };
    machine.quit();
    Ok(status)
}

/// Does what one line says.
fn attend(
    machine: &mut Machine,
    input: &mut Input,
    line: &str,
    output: Output,
) -> Result<Result<(), Refusal>, Failure> {
    if line == "4" && input.is_terminal() {
        let card = ask_for_card(input)?;
        let pin = pin::ask(input)?;
        return match machine.log_in(card, pin) {
            Ok(holder) => {
                say(&format!("Welcome, {holder}."));
                Ok(Ok(()))
            }
            Err(Failure::Refused(refusal)) => Ok(Err(refusal)),
            Err(failure) => Err(failure),
        };
    }
    let Some(line) = spelled_out(input, line)? else {
        return Ok(Ok(()));
    };
    let receipt = match wish_of_line(&line) {
        Ok(wish) => fulfil(machine, wish)?,
        Err(refusal) => return Ok(Err(refusal)),
    };
    match receipt {
        Ok(receipt) if input.is_terminal() || output.json => receipt.print(output).map(Ok),
        Ok(receipt) => output.line(&receipt.one_line()).map(Ok),
        Err(refusal) => Ok(Err(refusal)),
    }
}

/// A number of the menu as the line it stands for.
fn spelled_out(input: &mut Input, line: &str) -> Result<Option<String>, Failure> {
    let mut with_amount = |word| -> Result<Option<String>, Failure> {
        Ok(input
            .line("Amount: ")?
            .map(|amount| format!("{word} {amount}")))
    };
    match line.trim() {
        "1" => Ok(Some("balance".into())),
        "2" => with_amount("withdraw"),
        "3" => with_amount("deposit"),
        line => Ok(Some(line.to_owned())),
    }
}

fn fulfil(machine: &mut Machine, wish: Wish) -> Result<Result<Receipt, Refusal>, Failure> {
    match wish {
        Wish::Balance => machine.balance(),
        Wish::Move(kind, amount) => machine.move_notes(kind, amount),
        Wish::Create(..) => Ok(Err(Refusal::malformed(
            "create is given on the command line",
        ))),
    }
}

fn wish_of(command: &Command) -> Result<Wish, Refusal> {
    match command {
        Command::Balance => Ok(Wish::Balance),
        Command::Withdraw { amount } => Ok(Wish::Move(Kind::Withdrawal, amount.parse()?)),
        Command::Deposit { amount } => Ok(Wish::Move(Kind::Deposit, amount.parse()?)),
        Command::Create { holder, balance } => Ok(Wish::Create(holder.parse()?, balance.parse()?)),
    }
}

/// Reads `balance`, `withdraw 500`, `deposit 20.50`, the words of the command line.
fn wish_of_line(line: &str) -> Result<Wish, Refusal> {
    let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
    match word.to_ascii_lowercase().as_str() {
        "balance" if rest.trim().is_empty() => Ok(Wish::Balance),
        "withdraw" => Ok(Wish::Move(Kind::Withdrawal, rest.trim().parse()?)),
        "deposit" => Ok(Wish::Move(Kind::Deposit, rest.trim().parse()?)),
        _ => Err(Refusal::new(
            Code::UnknownVerb,
            format!(
                "{} is none of: balance, withdraw AMOUNT, deposit AMOUNT, quit",
                quoted(line)
            ),
        )),
    }
}

fn ask_for_card(input: &mut Input) -> Result<CardNumber, Failure> {
    if !input.is_terminal() {
        return Err(Failure::Usage(
            "a card is needed: give --card NUMBER".into(),
        ));
    }
    let line = input.line("Card number: ")?.ok_or(Failure::Interrupted)?;
    line.trim().parse().map_err(usage)
}

fn usage(refusal: Refusal) -> Failure {
    Failure::Usage(refusal.words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typed_line_is_the_same_wish_as_the_command_line() {
        let withdraw = Command::Withdraw {
            amount: "20.5".into(),
        };
        assert_eq!(wish_of_line("withdraw 20.50"), wish_of(&withdraw));
        assert_eq!(wish_of_line("BALANCE"), Ok(Wish::Balance));
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
            assert!(wish_of_line(line).is_err(), "{line}");
        }
        assert_eq!(wish_of_line("steal 5").unwrap_err().code, Code::UnknownVerb);
    }
}
