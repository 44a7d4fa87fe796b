//! A sequence of steps in words.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::bank::Reception;
use super::step::Step;
use super::system::System;
use crate::atm::machine::Action;
use crate::atm::{Answer, Kind};
use crate::refusal::Refusal;
use crate::reply;

/// Shortens the ids and keys of the model, which are small numbers, to their last digit.
pub(super) fn short(text: &str) -> String {
    text.replace("00000000-0000-0000-0000-00000000000", "")
        .replace("0000000000000000000000000000000", "KEY_")
}

pub(super) fn render(mut system: System, steps: &[Step]) -> Vec<String> {
    let mut lines = Vec::new();
    for step in steps {
        lines.push(short(&describe(&system, *step)));
        system = system.after(*step);
    }
    lines
}

fn describe(system: &System, step: Step) -> String {
    let name = |m: u8| format!("machine {}", m + 1);
    match step {
        Step::Begin(m) => format!("{}: a customer comes", name(m)),
        Step::Act(m) => match action(system, m) {
            Some(Action::Journal(record)) => format!("{}: journals `{record}`", name(m)),
            Some(Action::Send {
                request, repeat, ..
            }) => {
                let again = if repeat { " again" } else { "" };
                format!("{}: sends `{request}`{again}", name(m))
            }
            Some(Action::MoveNotes { id, amount }) => {
                let verb = match id.kind {
                    Kind::Withdrawal => "dispenses",
                    Kind::Deposit => "takes in",
                };
                format!("{}: {verb} {amount}", name(m))
            }
            _ => format!("{}: rests", name(m)),
        },
        Step::Deliver(number) => arrival(system, number, Reception::LoggedIn),
        Step::Commit => "bank: commits, and sends its answers".into(),
        Step::TimeOut(m) => format!("{}: has waited long enough for an answer", name(m)),
        Step::Lose(number) => format!("network: loses {}", message(system, number)),
        Step::Duplicate(number) => {
            let arrival = arrival(system, number, Reception::LoggedIn);
            format!("{arrival} (and a copy stays on the network)")
        }
        Step::UnauthorizedRollback(m) => {
            format!("bank: a customer of {} asks for a rollback", name(m))
        }
        Step::Misattribute(number) => {
            let arrival = arrival(system, number, Reception::LoggedIn);
            match system
                .peek(number)
                .and_then(|m| system.request_awaited_instead(&m))
            {
                Some(asked) => format!("{arrival} where it waits for the answer to `{asked}`"),
                None => arrival,
            }
        }
        Step::Refuse(number) => arrival(system, number, Reception::Closed),
        Step::DeliverLoggedOut(number) => {
            let arrival = arrival(system, number, Reception::LoggedOut);
            format!("{arrival} (without a log-in)")
        }
        Step::GiveUp(m) => format!("{}: the customer gives up", name(m)),
        Step::Jam(m) => format!("{}: the drawer is stuck, no notes move", name(m)),
        Step::CrashMachine(m) => format!("{}: is killed, and starts from its journal", name(m)),
        Step::CrashBank => "bank: is killed, and starts with what it has committed".into(),
    }
}

fn action(system: &System, m: u8) -> Option<Action> {
    Some(system.machines.get(usize::from(m))?.state.next())
}

fn message(system: &System, number: u8) -> String {
    match system.peek(number) {
        Some(message) => match &message.reply {
            Some(reply) => format!("the answer `{}`", brief(reply)),
            None => format!("`{}`", message.request),
        },
        None => String::new(),
    }
}

fn arrival(system: &System, number: u8, reception: Reception) -> String {
    let Some(message) = system.peek(number) else {
        return String::new();
    };
    let machine = message.machine + 1;
    if let Some(reply) = &message.reply {
        return format!("machine {machine}: receives `{}`", brief(reply));
    }
    let request = &message.request;
    let (reply, _) = system.bank.decide(&system.scenario, request, reception);
    format!(
        "bank: receives `{request}` of machine {machine}, decides `{}`",
        brief(&reply)
    )
}

fn brief(reply: &Result<Answer, Refusal>) -> String {
    match reply {
        Ok(_) => reply::render(reply),
        Err(refusal) => format!("ERR {}", refusal.code.as_str()),
    }
}
