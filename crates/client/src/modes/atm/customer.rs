//! The customer's card and PIN: those that were given, or those that a person at a terminal types,
//! who is asked again where they are wrong.

use proto::atm::bank::MAX_WRONG_PINS;
use proto::atm::{CardNumber, Holder, Pin};
use proto::refusal::{Code, Refusal};

use super::{Arguments, pin};
use crate::cash_machine::bank_client::BankClient;
use crate::failure::{Failure, refusal_text};
use crate::input::Input;
use crate::output::say;

/// What the command line, a file and the environment give of the two.
#[derive(Default)]
pub(super) struct Credentials {
    card: Option<CardNumber>,
    pin: Option<Pin>,
}

impl Credentials {
    /// Looks for both.
    pub fn by(arguments: &Arguments, input: &Input) -> Result<Credentials, Failure> {
        let card = arguments.card.as_deref().map(str::parse).transpose();
        let card = card.map_err(|refusal: Refusal| Failure::Usage(refusal.words))?;
        if card.is_none() && !input.is_terminal() {
            let words = "a card is needed: give --card NUMBER";
            return Err(Failure::Usage(words.into()));
        }
        let pin = pin::given(arguments.pin_file.as_deref())?;
        if pin.is_none() {
            pin::check_it_can_be_asked_for(input)?;
        }
        Ok(Credentials { card, pin })
    }

    /// The card and the PIN, asked for where they are not given.
    pub fn or_ask(self, input: &mut Input) -> Result<(CardNumber, Pin), Failure> {
        let card = self.card.map_or_else(|| ask_for_card(input), Ok)?;
        let pin = self.pin.map_or_else(|| pin::ask(input), Ok)?;
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
            let pin = pin::ask(input)?;
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
