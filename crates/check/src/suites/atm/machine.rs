//! A cash machine at the judged bank: what it asks, and what an answer must say.

use proto::atm::Money;
use proto::refusal::Code;
use proto::reply;
use rand::RngExt;
use uuid::Uuid;

use super::transaction::{Balance, Transaction, id, money};
use crate::peer::Peer;
use crate::server::Server;
use crate::verdict::{Came, Expected, Failure, Outcome};

/// What a case may have on hold or take out, in hundredths: an account must have as much.
pub(super) const ENOUGH: i64 = 10_000;

/// A card and its PIN.
#[derive(Debug, Clone)]
pub(super) struct Card {
    pub number: String,
    pub pin: String,
}

/// A connection to the bank.
pub(super) struct Machine {
    pub peer: Peer,
}

impl Card {
    /// One of the two that every bank has.
    pub fn joty() -> Card {
        Card::of("123456789", "1234")
    }

    /// The other.
    pub fn ahona() -> Card {
        Card::of("987654321", "5678")
    }

    /// With this number and PIN.
    pub fn of(number: &str, pin: &str) -> Card {
        Card {
            number: number.into(),
            pin: pin.into(),
        }
    }

    /// With a number that no other has, and any PIN of six digits.
    pub fn fresh(server: &Server) -> Card {
        // Not drawn: a server that runs on must not be asked for the same number again.
        let number = Uuid::new_v4().as_u128() % 10_u128.pow(15);
        let pin: u32 = server.random.borrow_mut().random_range(0..1_000_000);
        Card {
            number: format!("4{number:015}"),
            pin: format!("{pin:06}"),
        }
    }

    /// One that may be locked: of a new account or, where the bank opens none and can end with the
    /// case, one that it has.
    pub fn expendable(server: &Server) -> Result<Card, Failure> {
        match Card::with_opening(server, 5 * ENOUGH) {
            Err(Failure::Undecided(_)) if server.is_started() => {
                server.use_up();
                Ok(Card::ahona())
            }
            card => card,
        }
    }

    /// One of a new account with this opening balance.
    pub fn with_opening(server: &Server, opening: i64) -> Result<Card, Failure> {
        let card = Card::fresh(server);
        let mut machine = Machine::connect(server)?;
        let (id, opening) = (id("ACC"), money(opening));
        let said = machine.peer.ask(&card.creation(&id, &opening))?;
        match said == format!("OK {id} created") {
            true => Ok(card),
            false => Err(Failure::Undecided(format!(
                "it needs an account of its own, and the bank answers CREATE_ACCOUNT with {said:?}"
            ))),
        }
    }

    /// The request for an account with this card.
    pub fn creation(&self, id: &str, opening: &str) -> String {
        let Card { number, pin } = self;
        format!("CREATE_ACCOUNT {id} {number} {pin} {opening} Ada Lovelace")
    }

    /// The request to log in.
    pub fn log_in(&self, id: &str) -> String {
        format!("VERIFY_CARD_AND_PASSWORD {id} {} {}", self.number, self.pin)
    }

    /// The same with another PIN, of the same length.
    pub fn mistyped(&self) -> Card {
        let mut digits = self.pin.clone().into_bytes();
        for digit in &mut digits {
            *digit = b'0' + (*digit - b'0' + 1) % 10;
        }
        Card {
            number: self.number.clone(),
            pin: digits.into_iter().map(char::from).collect(),
        }
    }
}

impl Machine {
    /// At the bank, with no card in it.
    pub fn connect(server: &Server) -> Result<Machine, Failure> {
        let peer = server.connect()?;
        Ok(Machine { peer })
    }

    /// At the bank, and logged in.
    pub fn with_card(server: &Server, card: &Card) -> Result<Machine, Failure> {
        let mut machine = Machine::connect(server)?;
        machine.log_in(card)?;
        Ok(machine)
    }

    /// At the bank, logged in with a card whose account has enough for a case.
    pub fn with_funds(server: &Server) -> Result<(Machine, Balance), Failure> {
        let mut machine = Machine::with_card(server, &Card::joty())?;
        let balance = machine.balance()?;
        match balance.available {
            ..ENOUGH => Err(Failure::Undecided(format!(
                "the account of {} has {}, and it needs {}",
                Card::joty().number,
                money(balance.available),
                money(ENOUGH)
            ))),
            _ => Ok((machine, balance)),
        }
    }

    /// Logs in, which must succeed.
    pub fn log_in(&mut self, card: &Card) -> Outcome {
        self.log_in_as(&id("LOGIN"), card)
    }

    /// Logs in under this id, which must succeed.
    pub fn log_in_as(&mut self, id: &str, card: &Card) -> Outcome {
        let said = self.peer.ask(&card.log_in(id))?;
        let expected = format!("OK {id} welcome HOLDER");
        match said.strip_prefix(expected.trim_end_matches("HOLDER")) {
            Some(holder) if !holder.is_empty() => Ok(()),
            _ => self
                .peer
                .found(Expected::Described(expected), Came::Message(said.into())),
        }
    }

    /// Fails to log in, with one of these codes.
    pub fn fails_to_log_in(&mut self, card: &Card, code: Code) -> Outcome {
        self.peer.is_refused(&card.log_in(&id("LOGIN")), &[code])
    }

    /// The balance of the card.
    pub fn balance(&mut self) -> Result<Balance, Failure> {
        let said = self.peer.ask("BALANCE_INQUIRY")?;
        let read = || -> Option<Balance> {
            let (available, held) = said.strip_prefix("OK available ")?.split_once(", held ")?;
            Some(Balance {
                available: available.parse::<Money>().ok()?.minor(),
                held: held.parse::<Money>().ok()?.minor(),
            })
        };
        match read() {
            Some(balance) => Ok(balance),
            None => self.peer.found(
                Expected::Described("OK available MONEY, held MONEY".into()),
                Came::Message(said.into()),
            ),
        }
    }

    /// The balance must be this.
    pub fn has(&mut self, balance: Balance) -> Outcome {
        self.asks("BALANCE_INQUIRY", &balance.to_string())
    }

    /// Sends a request, which must be answered with this. Whether money has two decimals is judged
    /// by a case of its own.
    pub fn asks(&mut self, request: &str, answer: &str) -> Outcome {
        let said = self.peer.ask(request)?;
        self.is(&said, answer)
    }

    /// This is what was said, and what must be.
    pub fn is(&self, said: &str, answer: &str) -> Outcome {
        match with_two_decimals(said) == answer {
            true => Ok(()),
            false => self
                .peer
                .found(Expected::Message(answer.into()), Came::Message(said.into())),
        }
    }

    /// The same where the request may be a repeat, marked or not.
    pub fn asks_again(&mut self, request: &str, answer: &str) -> Outcome {
        let said = self.peer.ask(request)?;
        self.is(said.strip_suffix(", repeat").unwrap_or(&said), answer)
    }

    /// The first phase, which must succeed. What is available then is judged by a case of its own.
    pub fn holds(&mut self, transaction: &Transaction) -> Outcome {
        let said = self.peer.ask(&transaction.hold())?;
        match is_hold(&said, transaction) {
            true => Ok(()),
            false => self.peer.found(
                Expected::Described(format!(
                    "OK {} held {}, available MONEY",
                    transaction.id,
                    money(transaction.hundredths)
                )),
                Came::Message(said.into()),
            ),
        }
    }

    /// The first phase again, which is answered from the record.
    pub fn holds_again(&mut self, transaction: &Transaction) -> Outcome {
        let said = self.peer.ask(&transaction.hold())?;
        match is_hold(said.strip_suffix(", repeat").unwrap_or(&said), transaction) {
            true => Ok(()),
            false => self.peer.found(
                Expected::Described(format!(
                    "OK {} held {}, available MONEY, repeat",
                    transaction.id,
                    money(transaction.hundredths)
                )),
                Came::Message(said.into()),
            ),
        }
    }

    /// Confirms, which must succeed.
    pub fn confirms(&mut self, transaction: &Transaction) -> Outcome {
        self.peer
            .asks(&transaction.confirm(), &transaction.is_confirmed())
    }

    /// Rolls back, which must succeed.
    pub fn rolls_back(&mut self, transaction: &Transaction) -> Outcome {
        self.peer
            .asks(&transaction.rollback(), &transaction.is_rolled_back())
    }

    /// Takes this much out, or pays it in where it is less than nothing, so that the next case finds
    /// what this one did.
    pub fn takes(&mut self, server: &Server, hundredths: i64) -> Outcome {
        let transaction = match hundredths {
            0 => return Ok(()),
            1.. => Transaction::withdrawal(server, hundredths),
            _ => Transaction::deposit(server, -hundredths),
        };
        self.holds(&transaction)?;
        self.confirms(&transaction)
    }

    /// Sends a request, which must be refused with this code.
    pub fn is_refused(&mut self, request: &str, code: Code) -> Outcome {
        self.peer.is_refused(request, &[code])
    }
}

/// Whether this answers the first phase, whatever is available then.
fn is_hold(said: &str, transaction: &Transaction) -> bool {
    let held = format!(
        "OK {} held {}, available ",
        transaction.id,
        money(transaction.hundredths)
    );
    let said = with_two_decimals(said);
    let available = said.strip_prefix(&held);
    available.is_some_and(|available| available.parse::<Money>().is_ok())
}

/// Whether this refuses a request with this code.
pub(super) fn is_refusal(said: &str, code: Code) -> bool {
    matches!(reply::parse(said), Ok(Err(refusal)) if refusal.code == code)
}

/// The message with all money in the form that the protocol gives it.
pub(super) fn with_two_decimals(message: &str) -> String {
    let words = message.split(' ').map(|word| {
        let (amount, comma) = match word.strip_suffix(',') {
            Some(amount) => (amount, ","),
            None => (word, ""),
        };
        match amount.parse::<Money>() {
            Ok(money) => format!("{money}{comma}"),
            Err(_) => word.to_owned(),
        }
    });
    words.collect::<Vec<_>>().join(" ")
}
