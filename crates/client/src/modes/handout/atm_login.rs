//! Report 000, problem B: a log-in, and then random operations at ten error rates, with the time
//! that each takes.

pub(crate) mod dialogue;

use std::time::{Duration, Instant};

use proto::handout::atm_login::{LOGGED_IN, WRONG_CRED};
use proto::handout::float::repr;
use serde_json::json;
use wire::fault::generator::Xoshiro256PlusPlus;

use super::person::Person;
use super::talk::HandoutConnection;
use crate::failure::{Failure, Status};
use crate::output::{Output, say};
use crate::session::Target;
use dialogue::{Dialogue, Done, Operation};

/// Operations at each error rate, by default.
pub const OPERATIONS: u32 = 100;

/// In how many of [`CHANCES`] withdrawals the client says that it failed.
const RATES: std::ops::RangeInclusive<u64> = 0..=9;
const CHANCES: u64 = 10;

/// Largest amount of one operation.
const LARGEST: u64 = 5000;

/// Logs in, and does so many random operations at each error rate.
pub fn run(
    target: &Target,
    operations: u32,
    mut draws: Xoshiro256PlusPlus,
    output: Output,
) -> Result<Status, Failure> {
    let mut talk = HandoutConnection::open(target)?;
    let mut person = Person::open(target, output)?;
    if !log_in(&mut talk, &mut person, output)? {
        talk.close();
        return Ok(person.status);
    }
    let mut bank = Dialogue::new(talk);
    let mut averages = Vec::new();
    for rate in RATES {
        let mut measured = Measured::default();
        for _ in 0..operations {
            let operation = draw_operation(&mut draws);
            let began = Instant::now();
            // Drawn each time, so that the answers do not change what comes after.
            let fails = draw(&mut draws, CHANCES) <= rate;
            let done = bank.carry_out(operation, fails)?;
            let took = began.elapsed();
            measured.add(&done, took);
            if !output.json {
                output.line(&format!("{operation}{done}: {} ms", milliseconds(took)))?;
            }
        }
        let average = measured.average();
        if output.json {
            output.answer("", measured.object(rate, &average))?;
        } else {
            output.line(&format!("Avg time = {average} ms"))?;
        }
        averages.push(average);
    }
    // The printed client goes here, and leaves the menu unread.
    bank.leave();
    if !output.json {
        output.line(&format!("[{}]", averages.join(", ")))?;
    }
    Ok(person.status)
}

/// Asks for name and password until the server takes them; says whether it did, or the input
/// ended.
fn log_in(
    talk: &mut HandoutConnection,
    person: &mut Person,
    output: Output,
) -> Result<bool, Failure> {
    loop {
        let Some(name) = person.message("name: ")? else {
            return Ok(false);
        };
        let Some(password) = person.hidden_message("password: ")? else {
            return Ok(false);
        };
        talk.send(&name)?;
        talk.send_secret(&password)?;
        let said = talk.expect(&[WRONG_CRED, LOGGED_IN])?;
        if output.json {
            // Objects are for the rates.
            say(said);
        } else {
            person.show("", said)?;
        }
        if said == LOGGED_IN {
            talk.send(LOGGED_IN)?;
            return Ok(true);
        }
    }
}

fn draw_operation(draws: &mut Xoshiro256PlusPlus) -> Operation {
    let (kind, amount) = (draw(draws, 3), draw(draws, LARGEST));
    match kind {
        1 => Operation::Balance,
        2 => Operation::Withdraw(amount),
        _ => Operation::Deposit(amount),
    }
}

fn draw(draws: &mut Xoshiro256PlusPlus, most: u64) -> u64 {
    1 + draws.up_to(most - 1)
}

/// What came of the operations at one error rate.
#[derive(Default)]
struct Measured {
    total: Duration,
    operations: u32,
    balances: u32,
    withdrawals: u32,
    rolled_back: u32,
    deposits: u32,
    refused: u32,
}

impl Measured {
    fn add(&mut self, done: &Done, took: Duration) {
        self.total += took;
        self.operations += 1;
        *match done {
            Done::Balance(_) => &mut self.balances,
            Done::Withdrawn => &mut self.withdrawals,
            Done::RolledBack => &mut self.rolled_back,
            Done::Deposited => &mut self.deposits,
            Done::Refused(_) => &mut self.refused,
        } += 1;
    }

    fn average(&self) -> String {
        milliseconds(self.total / self.operations.max(1))
    }

    fn object(&self, rate: u64, average: &str) -> serde_json::Value {
        json!({
            "error_rate": rate,
            "operations": self.operations,
            "average_ms": average.parse::<f64>().unwrap_or_default(),
            "balances": self.balances,
            "withdrawals": self.withdrawals,
            "rolled_back": self.rolled_back,
            "deposits": self.deposits,
            "refused": self.refused,
        })
    }
}

/// The time in milliseconds, to the microsecond, as Python would print it.
fn milliseconds(time: Duration) -> String {
    repr(time.as_micros() as f64 / 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_milliseconds_to_the_microsecond() {
        for (micros, expected) in [(0, "0.0"), (412, "0.412"), (5_000, "5.0"), (1, "0.001")] {
            assert_eq!(milliseconds(Duration::from_micros(micros)), expected);
        }
    }

    #[test]
    fn the_same_seed_draws_the_same_operations_all_of_them_in_bounds() {
        let mut draws = [7, 7].map(Xoshiro256PlusPlus::from_seed);
        let mut seen = [false; 3];
        for _ in 0..1_000 {
            let [one, other] = draws.each_mut().map(draw_operation);
            assert_eq!(one, other);
            let (kind, amount) = match one {
                Operation::Balance => (0, 1),
                Operation::Withdraw(amount) => (1, amount),
                Operation::Deposit(amount) => (2, amount),
            };
            seen[kind] = true;
            assert!((1..=LARGEST).contains(&amount), "{amount}");
        }
        assert_eq!(seen, [true; 3]);
    }
}
