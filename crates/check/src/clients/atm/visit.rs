//! What an undisturbed customer sees of a cash machine, and what the bank has booked.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::client::{CARD, Client, Recorded, quoted};
use crate::verdict::{Failure, Outcome};

/// For labserver to look into the ledger.
const TIMEOUT: Duration = Duration::from_secs(20);

/// More than the account has.
pub const TOO_MUCH: &str = "withdraw 60000";

/// A line with such words says that notes come out, also where a withdrawal was declined. The card is
/// taken back then as well.
const PAYMENT: [&str; 5] = [
    "paid out",
    "dispensed",
    "take your money",
    "take your notes",
    "take your cash",
];

/// How a cash machine goes about a withdrawal that nothing disturbs: the numbers of its requests, as
/// faults count them, and what it prints.
#[derive(Debug)]
pub struct Undisturbed {
    /// The number of its log-in.
    pub log_in: usize,
    /// The number of `WITHDRAW`.
    pub withdraw: usize,
    /// The number of `CONFIRM`.
    pub confirm: usize,
    /// Lines on standard output for notes that come out, and for nothing else.
    signs: Vec<String>,
    printed: String,
    refused: String,
}

impl Undisturbed {
    /// Has 500 withdrawn, which must succeed, and then more than there is, and the balance.
    pub fn learn(client: &Client) -> Result<Undisturbed, Failure> {
        let mut server = client.server(&[])?;
        let finished = client.ask(&server, &["withdraw 500"])?;
        let recorded = server.stop()?;
        let requests = recorded.requests();
        let number = |verb| number(&requests, verb, &finished.seen());
        let (log_in, withdraw, confirm) = (
            number("VERIFY_CARD_AND_PASSWORD")?,
            number("WITHDRAW")?,
            number("CONFIRM")?,
        );
        if amounts(client, "WITH_")? != ["500.00"] {
            return Err(Failure::because(
                "a withdrawal of 500.00 that is held and confirmed",
                format!(
                    "{}; the bank answered {}",
                    finished.seen(),
                    proto::printable::quoted(&recorded.answers().join(", "))
                ),
            ));
        }
        // A bank that is slow by chance is asked again, and then the numbers are others.
        if recorded.asked(&["WITHDRAW", "CONFIRM"]).len() != 2 {
            return Err(client.disturbed());
        }
        let undisturbed = Undisturbed {
            log_in,
            withdraw,
            confirm,
            signs: Vec::new(),
            printed: finished.printed,
            refused: String::new(),
        };
        match client.hand() {
            Some(_) => Ok(undisturbed),
            None => undisturbed.with_signs(client),
        }
    }

    /// Whether another run was as this one up to the first request with this verb. If not, the faults,
    /// which count requests, have hit others than they were to.
    pub fn is_repeated(&self, verb: &str, recorded: &Recorded) -> bool {
        let number = match verb {
            "CONFIRM" => self.confirm,
            _ => self.withdraw,
        };
        let requests = recorded.requests();
        match requests.iter().position(|request| is_of(request, verb)) {
            Some(at) => at + 1 == number,
            None => requests.len() < number,
        }
    }

    fn with_signs(mut self, client: &Client) -> Result<Undisturbed, Failure> {
        let server = client.server(&[])?;
        self.refused = client.ask(&server, &[TOO_MUCH])?.output();
        let refused = lines(&self.refused);
        let balance = lines(&client.ask(&server, &["balance"])?.output());
        let is_sign = |line: &String| {
            let is_of_others = balance.contains(line) || refused.contains(line);
            !is_of_others || says_payment(line) && !balance.contains(line)
        };
        self.signs = lines(&self.printed);
        self.signs.retain(is_sign);
        Ok(self)
    }

    /// Notes that come out must be shown otherwise than those that do not.
    pub fn is_told_apart(&self) -> Outcome {
        match self.signs.is_empty() {
            false => Ok(()),
            true => Err(Failure::because(
                "on standard output, something else for a withdrawal than for one that is declined",
                format!(
                    "{} for the one, and {} for the other",
                    quoted(&self.printed),
                    proto::printable::quoted(self.refused.trim_end())
                ),
            )),
        }
    }

    /// A withdrawal that is declined must be shown otherwise, and not pay out.
    pub fn pays_nothing_declined(&self) -> Outcome {
        self.is_told_apart()?;
        self.shows_none(&self.refused, "a declined withdrawal")
    }

    /// How many times this output says that notes came out.
    pub fn payments(&self, output: &str) -> usize {
        let count = |lines: &[String], sign| lines.iter().filter(|line| *line == sign).count();
        let (shown, of_one) = (lines(output), lines(&self.printed));
        let signs = self.signs.iter();
        let times = signs.map(|sign: &String| count(&shown, sign) / count(&of_one, sign).max(1));
        times.max().unwrap_or_default()
    }

    /// This output must not say that notes came out.
    pub fn shows_none(&self, output: &str, after: &str) -> Outcome {
        match self.payments(output) {
            0 => Ok(()),
            _ => Err(Failure::because(
                format!("no notes after {after}"),
                format!("{}, as after a withdrawal", quoted(output)),
            )),
        }
    }
}

/// The number of the first request with this verb, from 1.
fn number(requests: &[&str], verb: &str, seen: &str) -> Result<usize, Failure> {
    requests
        .iter()
        .position(|request| is_of(request, verb))
        .map(|at| at + 1)
        .ok_or_else(|| {
            let asked = match requests.is_empty() {
                true => "the bank was asked nothing".to_owned(),
                false => format!(
                    "the bank was asked {}",
                    proto::printable::quoted(&requests.join(", "))
                ),
            };
            Failure::because(format!("a request {verb}"), format!("{asked}; {seen}"))
        })
}

fn is_of(request: &str, verb: &str) -> bool {
    request.split(' ').next() == Some(verb)
}

fn says_payment(line: &str) -> bool {
    let line = line.to_lowercase();
    PAYMENT.iter().any(|words| line.contains(words))
}

/// The lines of an output without what differs from run to run: digits, ids, blanks, the mark of a repeat.
fn lines(output: &str) -> Vec<String> {
    let word = |word: &str| match word.split_once('_') {
        Some((kind @ ("WITH" | "DEP" | "LOGIN"), _)) => kind.to_owned(),
        _ => word.chars().filter(|c| !c.is_ascii_digit()).collect(),
    };
    let line = |line: &str| {
        let line = line.strip_suffix(", repeat").unwrap_or(line);
        line.split_whitespace()
            .map(word)
            .collect::<Vec<_>>()
            .join(" ")
    };
    let all = output.lines().map(line);
    all.filter(|line| line.chars().any(char::is_alphabetic))
        .collect()
}

/// The amounts of the confirmed transactions whose id begins so, in order.
pub fn amounts(client: &Client, kind: &str) -> Result<Vec<String>, Failure> {
    let history = ledger(client, &["history", CARD])?;
    let mut amounts = Vec::new();
    for entry in history {
        let id = entry["id"].as_str().unwrap_or_default();
        if entry["event"] == "confirmed" && id.starts_with(kind) {
            amounts.push(entry["amount"].as_str().unwrap_or_default().to_owned());
        }
    }
    Ok(amounts)
}

/// So many withdrawals are confirmed, nothing is open, and the money adds up.
pub fn is_booked(client: &Client, count: usize) -> Outcome {
    let booked = amounts(client, "WITH_")?;
    if booked.len() != count {
        return Err(Failure::because(
            format!("{count} confirmed withdrawals"),
            format!("{}: {}", booked.len(), booked.join(", ")),
        ));
    }
    let open = ledger(client, &["unsettled"])?;
    if let Some(one) = open.first() {
        return Err(Failure::because(
            "nothing that is neither confirmed nor rolled back",
            format!("{} of {}", one["id"], one["amount"]),
        ));
    }
    match ledger(client, &["audit"])?.first() {
        Some(report) if report["sound"] == true => Ok(()),
        _ => Err(Failure::Undecided(
            "the ledger's audit found violations".into(),
        )),
    }
}

/// Whether a transaction is neither confirmed nor rolled back.
pub fn has_open(client: &Client) -> Result<bool, Failure> {
    Ok(!ledger(client, &["unsettled"])?.is_empty())
}

/// What `labserver ledger` says to this.
fn ledger(client: &Client, question: &[&str]) -> Result<Vec<Value>, Failure> {
    let mut process = client.labserver(&[&["ledger", "--json"], question].concat())?;
    process.wait(Instant::now() + TIMEOUT);
    process.wait_for_output();
    let printed = process.printed();
    let lines = printed.lines().map(serde_json::from_str::<Value>);
    lines.collect::<Result<_, _>>().map_err(|error| {
        Failure::Undecided(format!("labserver ledger: {error}:{}", process.said()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn to_take_notes_is_a_payment_and_to_take_the_card_is_none() {
        assert!(says_payment("Please take your notes."));
        assert!(says_payment("500.00 paid out"));
        assert!(!says_payment("Declined. Please take your card."));
    }
}
