//! A withdrawal that is disturbed: lost, doubled, or one of the two programs killed.

use std::thread;
use std::time::Duration;

use super::visit::{Undisturbed, amounts, has_open, is_booked};
use crate::client::{Client, OwnServer, Recorded, SEEN_BY_HAND, quoted};
use crate::verdict::{Failure, Outcome};

/// For the request after which one of the two dies.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a machine is watched that is not answered.
const IN_VAIN: Duration = Duration::from_secs(3);

/// How often a machine is started again to settle what is open.
const STARTS: usize = 3;

/// Faults that follow from the numbers of a machine's requests; or nothing.
pub type Faults = fn(&Undisturbed) -> String;

/// How a withdrawal is disturbed.
pub struct Scenario {
    /// How much is asked for.
    pub amount: &'static str,
    /// The bank's faults.
    pub bank: Faults,
    /// Those of a proxy before the bank.
    pub proxy: Option<Faults>,
    /// Who dies, and when.
    pub death: Option<Death>,
    /// The verb of the request that is disturbed first.
    pub begins_at: &'static str,
    /// Whether the first request certainly had no effect: another attempt may have another id then.
    pub may_begin_anew: bool,
}

/// Who is killed, and when.
#[derive(Debug, Clone, Copy)]
pub enum Death {
    /// The machine, once the bank has received this.
    ClientAfterRequest(&'static str),
    /// The machine, once the bank has answered that the money is held.
    ClientAfterHeld,
    /// The machine, some seconds after the bank has received this and not answered, or it has ended.
    ClientInVain(&'static str),
    /// The bank, once it has received this. It is started again.
    BankAfterRequest(&'static str),
}

/// What came of the withdrawal.
struct Attempt {
    /// What the machine printed.
    output: String,
    was_killed: bool,
}

/// Disturbs a withdrawal, has the machine settle what is open, and judges.
pub fn judge(client: &Client, scenario: &Scenario) -> Outcome {
    let undisturbed = Undisturbed::learn(client)?;
    if client.hand().is_none() && undisturbed.is_told_apart().is_err() {
        let words = "what it prints for a withdrawal is what it prints for one that is declined";
        return Err(Failure::Undecided(words.into()));
    }
    let faults = (scenario.bank)(&undisturbed);
    let options = match faults.as_str() {
        "" => vec![],
        faults => vec!["--fault", faults],
    };
    let mut bank = client.server(&options)?;
    let (attempted, recorded) = match scenario.proxy {
        Some(faults) => {
            let to = bank.address.to_string();
            let role = ["--mode", "proxy", "--to", &to];
            let mut proxy = client.server_of(&role, &["--fault", &faults(&undisturbed)])?;
            let attempted = attempt(client, scenario, &mut proxy);
            (attempted, proxy.recorded()?)
        }
        None => (attempt(client, scenario, &mut bank), bank.recorded()?),
    };
    if !undisturbed.is_repeated(scenario.begins_at, &recorded) {
        return Err(client.disturbed());
    }
    let attempt = attempted?;
    // From here on nothing is disturbed.
    client.restart(&mut bank)?;
    let mut shown = attempt.output.clone();
    for start in 0..STARTS {
        if start > 0 && !has_open(client)? {
            break;
        }
        shown += &client.ask(&bank, &["balance"])?.output();
    }
    let recorded = bank.stop()?;
    if !scenario.may_begin_anew {
        has_one_id(&recorded)?;
    }
    let (payments, seen) = match client.hand() {
        Some(hand) => {
            let question = "After the first withdrawal, how often did notes come out?";
            (hand.count(question)?, SEEN_BY_HAND.to_owned())
        }
        None => (undisturbed.payments(&shown), quoted(&shown)),
    };
    let withdrawal = Withdrawal {
        is_held: recorded.answers().iter().any(|answer| is_held(answer)),
        is_to_confirm: !recorded.asked(&["CONFIRM"]).is_empty(),
        payments,
        booked: amounts(client, "WITH_")?.len().saturating_sub(1),
    };
    withdrawal.is_consistent(&attempt, &seen)?;
    is_booked(client, 1 + withdrawal.booked)
}

/// Has the machine withdraw, and one of the two die.
fn attempt(
    client: &Client,
    scenario: &Scenario,
    server: &mut OwnServer,
) -> Result<Attempt, Failure> {
    let request = format!("withdraw {}", scenario.amount);
    let Some(death) = scenario.death else {
        let finished = client.ask(server, &[&request])?;
        return Ok(Attempt {
            output: finished.output(),
            was_killed: false,
        });
    };
    let running = client.start(server, &request)?;
    let is_time = |recorded: &Recorded| match death {
        Death::ClientAfterRequest(verb)
        | Death::ClientInVain(verb)
        | Death::BankAfterRequest(verb) => !recorded.asked(&[verb]).is_empty(),
        Death::ClientAfterHeld => {
            let answers = recorded.answers();
            answers.iter().any(|answer| is_held(answer))
        }
    };
    if !server.has_recorded(REQUEST_TIMEOUT, is_time)? {
        let output = running.kill();
        let asked = server.recorded()?.requests().join(", ");
        return Err(Failure::because(
            "a withdrawal as in the undisturbed run",
            format!(
                "{}; the bank was asked {}",
                quoted(&output),
                proto::printable::quoted(&asked)
            ),
        ));
    }
    let killed = |output| Attempt {
        output,
        was_killed: true,
    };
    match death {
        Death::ClientAfterRequest(_) | Death::ClientAfterHeld => Ok(killed(running.kill())),
        Death::ClientInVain(_) => {
            thread::sleep(IN_VAIN);
            Ok(killed(running.kill()))
        }
        Death::BankAfterRequest(_) => {
            client.restart(server)?;
            let finished = running.finish()?;
            Ok(Attempt {
                output: finished.output(),
                was_killed: false,
            })
        }
    }
}

/// All requests to withdraw must be the same.
fn has_one_id(recorded: &Recorded) -> Outcome {
    let mut asked = recorded.asked(&["WITHDRAW"]);
    asked.dedup();
    let (Some(first), Some(other)) = (asked.first(), asked.get(1)) else {
        return Ok(());
    };
    Err(Failure::because(
        format!("the same request again: {first}"),
        format!("another: {other}"),
    )
    .caused_by("a repeat is sent as a new request, and the bank cannot know that it is none"))
}

fn is_held(answer: &str) -> bool {
    answer.starts_with("OK WITH_") && answer.contains(" held ")
}

/// What is known of the withdrawal in the end.
struct Withdrawal {
    /// The machine was told that the money is held.
    is_held: bool,
    /// The machine has asked to confirm.
    is_to_confirm: bool,
    /// How many times the customer was told that notes came out.
    payments: usize,
    /// How many withdrawals are confirmed.
    booked: usize,
}

impl Withdrawal {
    fn is_consistent(&self, attempt: &Attempt, seen: &str) -> Outcome {
        let (expected, came) = if self.payments > 1 {
            ("notes once", format!("{} times", self.payments))
        } else if self.payments == 1 && self.booked == 0 {
            (
                "no notes without a withdrawal that is confirmed",
                "notes, and nothing is debited".into(),
            )
        } else if self.booked > 0 && !self.is_held {
            (
                "ROLLBACK in the end, since no notes came out",
                "a confirmed withdrawal that the bank never said is held".into(),
            )
        } else if self.is_to_confirm && self.booked == 0 {
            (
                "CONFIRM in the end, since the notes are out",
                "a withdrawal that is not confirmed, after a CONFIRM that was lost".into(),
            )
        } else if self.booked > 0 && self.payments == 0 && !attempt.was_killed {
            (
                "no withdrawal that is confirmed without notes",
                "one that is debited, and no notes".into(),
            )
        } else {
            return Ok(());
        };
        Err(Failure::because(expected, format!("{came}; {seen}")))
    }
}
