//! The customer's card and PIN: those that were given, or those that a customer at a terminal types,
//! who is asked again where they are wrong.
//!
//! A PIN is given by a file or the environment, never by the command line, which every user of the
//! machine can read.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use proto::atm::bank::MAX_WRONG_PINS;
use proto::atm::{CardNumber, Holder, Pin};
use proto::refusal::{Code, Refusal};

use super::Arguments;
use crate::cash_machine::bank_client::BankClient;
use crate::failure::{Failure, refusal_text};
use crate::input::Input;
use crate::output::say;

/// The variable that holds the PIN for scripts.
const VARIABLE: &str = "LABCLIENT_PIN";

/// Longest first line read from a PIN file, in bytes.
const MAX_LINE: u64 = 256;

/// What the command line, a file and the environment give of the two.
#[derive(Default)]
pub(super) struct Credentials {
    card: Option<CardNumber>,
    pin: Option<Pin>,
}

impl Credentials {
    pub fn by(arguments: &Arguments, input: &Input) -> Result<Credentials, Failure> {
        let card = arguments.card.as_deref().map(str::parse).transpose();
        let card = card.map_err(Failure::usage)?;
        if card.is_none() && !input.is_terminal() {
            let words = "a card is needed: give --card NUMBER";
            return Err(Failure::Usage(words.into()));
        }
        let pin = given_pin(arguments.pin_file.as_deref())?;
        if pin.is_none() {
            check_pin_can_be_asked_for(input)?;
        }
        Ok(Credentials { card, pin })
    }

    /// The card and the PIN, asked for where they are not given.
    pub fn or_ask(self, input: &mut Input) -> Result<(CardNumber, Pin), Failure> {
        let card = self.card.map_or_else(|| ask_for_card(input), Ok)?;
        let pin = self.pin.map_or_else(|| ask_for_pin(input), Ok)?;
        Ok((card, pin))
    }

    /// Logs the customer in, and says who it is. A PIN that was typed may be wrong as often as the
    /// bank lets it.
    pub fn log_in(self, link: &mut BankClient, input: &mut Input) -> Result<Holder, Failure> {
        let card = self.card.map_or_else(|| ask_for_card(input), Ok)?;
        if let Some(pin) = self.pin {
            return link
                .log_in(card.clone(), pin)
                .map_err(|e| explain(e, &card));
        }
        let mut wrong = 0;
        loop {
            let pin = ask_for_pin(input)?;
            let refusal = match link.log_in(card.clone(), pin) {
                Err(Failure::Refused(refusal)) if refusal.code == Code::WrongCredentials => refusal,
                ended => return ended.map_err(|e| explain(e, &card)),
            };
            wrong += 1;
            if wrong == MAX_WRONG_PINS {
                let words = format!(
                    "{}, {wrong} times; that many in a row lock a card: {}",
                    refusal_text(&refusal),
                    unlocking(&card)
                );
                return Err(Failure::Refused(Refusal::new(refusal.code, words)));
            }
            say(&format!("{}; once more, or Ctrl-C", refusal_text(&refusal)));
        }
    }
}

/// The refusal, with what can be done about it if this card is locked.
pub(super) fn explained(refusal: Refusal, card: &CardNumber) -> Refusal {
    match refusal.code {
        Code::CardLocked => {
            let words = format!("{}: {}", refusal_text(&refusal), unlocking(card));
            Refusal::new(refusal.code, words)
        }
        _ => refusal,
    }
}

fn explain(failure: Failure, card: &CardNumber) -> Failure {
    match failure {
        Failure::Refused(refusal) => Failure::Refused(explained(refusal, card)),
        failure => failure,
    }
}

fn unlocking(card: &CardNumber) -> String {
    format!(
        "its operator unlocks it with `labserver ledger unlock {card}`, or it opens by itself \
         after a while"
    )
}

fn ask_for_card(input: &mut Input) -> Result<CardNumber, Failure> {
    loop {
        let line = input.line("Card number: ")?.ok_or(Failure::Interrupted)?;
        match line.trim().parse::<CardNumber>() {
            Ok(card) => return Ok(card),
            Err(refusal) => say(&refusal_text(&refusal)),
        }
    }
}

/// The PIN from the file if one is named, else from the environment; `None` where neither has one.
fn given_pin(file: Option<&Path>) -> Result<Option<Pin>, Failure> {
    let pin = given_text(file)?.map(|text| text.parse()).transpose();
    pin.map_err(Failure::usage)
}

/// The same, whether it is a PIN or not.
pub(crate) fn given_text(file: Option<&Path>) -> Result<Option<String>, Failure> {
    let Some(file) = file else {
        return Ok(std::env::var(VARIABLE).ok());
    };
    let text = first_line(file).map_err(|error| {
        let file = file.display();
        Failure::Usage(format!("cannot read the PIN from {file}: {error}"))
    })?;
    Ok(Some(text))
}

/// Whether there is a customer to be asked, who would not see what is typed.
fn check_pin_can_be_asked_for(input: &Input) -> Result<(), Failure> {
    let why = match (input.is_terminal(), input.can_hide()) {
        (true, true) => return Ok(()),
        (true, false) => "this terminal would show the PIN",
        (false, _) => "a PIN is needed",
    };
    let words = format!("{why}: set {VARIABLE} or give --pin-file FILE");
    Err(Failure::Usage(words))
}

/// Asks the customer, until what is typed is a PIN. It is not shown.
fn ask_for_pin(input: &mut Input) -> Result<Pin, Failure> {
    check_pin_can_be_asked_for(input)?;
    loop {
        let text = input.hidden_line("PIN: ")?.ok_or(Failure::Interrupted)?;
        match text.trim().parse() {
            Ok(pin) => return Ok(pin),
            Err(refusal) => say(&refusal_text(&refusal)),
        }
    }
}

fn first_line(file: &Path) -> io::Result<String> {
    let mut line = String::new();
    BufReader::new(File::open(file)?.take(MAX_LINE)).read_line(&mut line)?;
    Ok(line.trim_end().to_owned())
}
