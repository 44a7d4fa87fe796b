//! `labclient bench`: how many requests a server answers each second, and how long each takes.
//!
//! The loops and what they count are in the crate `measure`; here is what one connection asks.
//!
//! * [`workload`]: what connections ask, mode by mode; [`ledger`]: whether the money is all there;
//! * [`chat`]: members of a room, to whom lines are delivered.

pub mod chat;
pub mod ledger;
pub mod workload;

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use clap::{Args, ValueEnum};
use measure::bench::load::{self, Load};
use proto::mode::Mode;
use serde_json::json;

use self::ledger::BenchLedger;
use self::workload::Workload;
use crate::experiment::connection::RetryPolicy;
use crate::experiment::subjects;
use crate::failure::{Failure, Status};
use crate::interrupt::Interrupt;
use crate::options::{Options, parse_seconds};
use crate::output::say;
use crate::own_server::{OwnServer, find_labserver};

/// How long to ask when nothing is said about it.
const DURATION: Duration = Duration::from_secs(5);

/// For one answer.
const TIMEOUT: Duration = Duration::from_secs(2);

/// A thread each, on both sides.
const MAX_CONNECTIONS: i64 = 5_000;

/// What the command line says.
#[derive(Debug, Args)]
pub struct Arguments {
    /// What is measured
    #[arg(
        value_enum,
        value_name = "text|calc|echo|datetime|atm|chat",
        hide_possible_values = true
    )]
    subject: Service,

    /// Connections at once, each with a thread
    #[arg(short, long, value_name = "COUNT", default_value_t = 8,
        value_parser = clap::value_parser!(u32).range(1..=MAX_CONNECTIONS))]
    connections: u32,

    /// End after so many requests; in the chat room, things said
    #[arg(short = 'n', long, value_name = "COUNT",
        value_parser = clap::value_parser!(u64).range(1..))]
    requests: Option<u64>,

    /// End after so long, as 10 or 10s [default: 5, if there is no -n]
    #[arg(long = "for", value_name = "SECONDS", value_parser = parse_duration)]
    duration: Option<Duration>,

    /// Open loop: so many requests a second, over all connections
    #[arg(long, value_name = "PER-SECOND", value_parser = parse_rate)]
    rate: Option<f64>,

    /// chat: members of the room, instead of -c
    #[arg(long, value_name = "COUNT",
        value_parser = clap::value_parser!(u32).range(1..=MAX_CONNECTIONS))]
    members: Option<u32>,

    /// chat: members who say something, 10 lines a second each unless --rate says otherwise
    #[arg(long, value_name = "COUNT", default_value_t = 4,
        value_parser = clap::value_parser!(u32).range(1..=MAX_CONNECTIONS))]
    senders: u32,

    /// atm: accounts that the machines share [default: one each in a ledger of our own; with
    /// --server one, and else those of so many cards in a row from --card on, with one PIN]
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..=MAX_CONNECTIONS))]
    accounts: Option<u32>,

    /// The server to start [default: labserver beside this program, else on the path]
    #[arg(long, value_name = "PATH")]
    labserver: Option<PathBuf>,

    /// atm with --server: the card to withdraw from, a cent a time [default: 123456789; the PIN is
    /// in LABCLIENT_PIN or --pin-file, else 1234]
    #[arg(long, value_name = "NUMBER")]
    card: Option<String>,

    /// A file whose first line is the PIN
    #[arg(long, value_name = "FILE")]
    pin_file: Option<PathBuf>,
}

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Service {
    /// Texts that are put into lower case
    Text,
    /// Additions
    Calc,
    /// Lines that come back
    Echo,
    /// Questions over UDP
    Datetime,
    /// Withdrawals, each journaled by its machine and durable at the bank
    Atm,
    /// Deliveries in a room
    Chat,
}

impl Service {
    pub fn mode(self) -> Mode {
        match self {
            Service::Text => Mode::Text,
            Service::Calc => Mode::Calc,
            Service::Echo => Mode::Echo,
            Service::Datetime => Mode::Datetime,
            Service::Atm => Mode::Atm,
            Service::Chat => Mode::Chat,
        }
    }
}

/// Measures, and prints what was counted.
pub fn run(all: &Options, arguments: &Arguments) -> Result<Status, Failure> {
    if all.fault.is_some() {
        return Err(Failure::Usage(
            "bench measures what is not disturbed: for --fault there is `labclient experiment`"
                .into(),
        ));
    }
    let service = arguments.subject;
    let mode = service.mode();
    let foreign = all.named_servers(mode.default_port())?;
    let is_foreign = !foreign.is_empty();
    let connections = match (service, arguments.members) {
        (Service::Chat, Some(members)) => members,
        _ => arguments.connections,
    };
    // Before anything is started: what makes no sense is not measured.
    let default_accounts = if is_foreign { 1 } else { connections };
    let accounts = arguments.accounts.unwrap_or(default_accounts);
    let accounts = accounts.min(connections);
    let account = subjects::account(
        is_foreign,
        arguments.card.as_deref(),
        arguments.pin_file.as_deref(),
    )?;
    let interrupt = Interrupt::watch()?;
    let framing = all.wire.unwrap_or_default();
    let mut own_ledger = None;
    let own = match is_foreign {
        true => None,
        false => {
            let program = find_labserver(arguments.labserver.as_deref())?;
            let mut options: Vec<OsString> = vec!["--max-connections".into()];
            options.push((connections + 16).to_string().into());
            if service == Service::Atm {
                let opened = BenchLedger::open(&program, accounts)?;
                options.extend(opened.options());
                own_ledger = Some(opened);
            }
            say(&format!("starting {} for this", program.display()));
            Some(OwnServer::start(&program, mode.into(), framing, &options)?)
        }
    };
    let servers = match &own {
        Some(own) => vec![own.address.clone()],
        None => foreign,
    };
    let workload = Workload {
        service,
        servers,
        framing,
        patience: RetryPolicy {
            timeout: all.timeout.unwrap_or(TIMEOUT),
            give_up_after: 1,
            interrupt: interrupt.clone(),
        },
        account,
        accounts,
        is_own_server: !is_foreign,
        withdrawn: AtomicI64::new(0),
    };
    let default_duration = arguments.requests.is_none().then_some(DURATION);
    let load = Load {
        connections,
        requests: arguments.requests,
        duration: arguments.duration.or(default_duration),
        rate: arguments.rate,
    };
    if service == Service::Chat {
        let senders = arguments.senders.min(connections);
        return chat::run(&workload, &load, senders, all.output());
    }
    let before = ledger::balance_at(&workload)?;
    let tally = load::run(&load, &|| interrupt.came(), |number| {
        workload.connect(number)
    })?;
    let withdrawn = workload.withdrawn.load(Ordering::Relaxed);
    let audit = match (&own_ledger, before) {
        (Some(ledger), _) => Some(ledger.audit(withdrawn, tally.lost_connections() > 0)?),
        (None, Some(before)) => Some(ledger::compare(&workload, before, withdrawn)?),
        (None, None) => None,
    };
    let description = workload.description();
    let output = all.output();
    if output.json {
        let mut object = description.json(&load, &tally);
        object["audit"] = json!(audit.as_ref().map(|audit| json!({
            "sound": audit.is_sound,
            "words": audit.words,
        })));
        output.line(&object.to_string())?;
    } else {
        let mut text = description.text(&load, &tally);
        text.extend(audit.iter().flat_map(|audit| ["\n", &audit.words]));
        output.line(text.trim_end())?;
    }
    Ok(match audit {
        Some(audit) if !audit.is_sound => Status::Refused,
        Some(_) | None => Status::Done,
    })
}

fn parse_duration(text: &str) -> Result<Duration, String> {
    parse_seconds(text.strip_suffix('s').unwrap_or(text))
}

fn parse_rate(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(rate) if (0.01..=1e7).contains(&rate) => Ok(rate),
        Ok(_) | Err(_) => Err("a number of requests a second, from 0.01 to 10000000".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_seconds_with_or_without_their_unit() {
        assert_eq!(parse_duration("10"), Ok(Duration::from_secs(10)));
        assert_eq!(parse_duration("0.5s"), Ok(Duration::from_millis(500)));
        for text in ["", "s", "10m", "-1", "0", "10ss"] {
            assert!(parse_duration(text).is_err(), "{text:?}");
        }
        for text in ["", "0", "-1", "NaN", "inf", "1e9"] {
            assert!(parse_rate(text).is_err(), "{text:?}");
        }
    }
}
