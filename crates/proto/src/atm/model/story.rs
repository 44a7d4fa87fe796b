//! A sequence of steps, told so that a reader can follow it.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::Scenario;
use super::bank::Reception;
use super::world::{Step, World};
use crate::atm::Answer;
use crate::atm::machine::Action;
use crate::refusal::Refusal;
use crate::reply;

/// The small numbers that the search uses for ids and keys, without their zeros.
pub(super) fn short(text: &str) -> String {
    text.replace("00000000-0000-0000-0000-00000000000", "")
        .replace("0000000000000000000000000000000", "KEY_")
}

pub(super) fn told(mut world: World, steps: &[Step]) -> Vec<String> {
    let mut lines = Vec::new();
    for step in steps {
        lines.push(short(&line(&world, *step)));
        world = world.after(*step);
    }
    lines
}

fn line(world: &World, step: Step) -> String {
    let name = |m: u8| format!("machine {}", m + 1);
    match step {
        Step::Begin(m) => format!("{}: a customer comes", name(m)),
        Step::Act(m) => match action(world, m) {
            Some(Action::Journal(record)) => format!("{}: journals `{record}`", name(m)),
            Some(Action::Send {
                request, repeat, ..
            }) => {
                let again = if repeat { " again" } else { "" };
                format!("{}: sends `{request}`{again}", name(m))
            }
            Some(Action::MoveNotes { id, amount }) => {
                let verb = match id.kind {
                    crate::atm::Kind::Withdrawal => "dispenses",
                    crate::atm::Kind::Deposit => "takes in",
                };
                format!("{}: {verb} {amount}", name(m))
            }
            _ => format!("{}: rests", name(m)),
        },
        Step::Deliver(number) => arrival(world, number, Reception::LoggedIn),
        Step::Commit => "bank: commits, and sends its answers".into(),
        Step::TimeOut(m) => format!("{}: has waited long enough for an answer", name(m)),
        Step::Lose(number) => format!("network: loses {}", message(world, number)),
        Step::Duplicate(number) => {
            let arrival = arrival(world, number, Reception::LoggedIn);
            format!("{arrival} (and a copy stays on the network)")
        }
        Step::Meddle(m) => format!("bank: a customer of {} asks for a rollback", name(m)),
        Step::Mistake(number) => {
            let arrival = arrival(world, number, Reception::LoggedIn);
            match world.peek(number).and_then(|m| world.asked_instead(&m)) {
                Some(asked) => format!("{arrival} where it waits for the answer to `{asked}`"),
                None => arrival,
            }
        }
        Step::TurnAway(number) => arrival(world, number, Reception::Closed),
        Step::LogOut(number) => {
            let arrival = arrival(world, number, Reception::LoggedOut);
            format!("{arrival} (without a log-in)")
        }
        Step::GiveUp(m) => format!("{}: the customer gives up", name(m)),
        Step::Jam(m) => format!("{}: the drawer is stuck, no notes move", name(m)),
        Step::CrashMachine(m) => format!("{}: is killed, and starts from its journal", name(m)),
        Step::CrashBank => "bank: is killed, and starts with what it has committed".into(),
    }
}

fn action(world: &World, m: u8) -> Option<Action> {
    Some(world.stations.get(usize::from(m))?.machine.next())
}

fn message(world: &World, number: u8) -> String {
    match world.peek(number) {
        Some(message) => match &message.reply {
            Some(reply) => format!("the answer `{}`", brief(reply)),
            None => format!("`{}`", message.request),
        },
        None => String::new(),
    }
}

fn arrival(world: &World, number: u8, reception: Reception) -> String {
    let Some(message) = world.peek(number) else {
        return String::new();
    };
    let machine = message.station + 1;
    if let Some(reply) = &message.reply {
        return format!("machine {machine}: receives `{}`", brief(reply));
    }
    let Scenario {
        protections,
        account,
        ..
    } = &*world.scenario;
    let (reply, _) = world
        .bank
        .decide(*protections, &message.request, &account.card, reception);
    format!(
        "bank: receives `{}` of machine {machine}, decides `{}`",
        message.request,
        brief(&reply)
    )
}

fn brief(reply: &Result<Answer, Refusal>) -> String {
    match reply {
        Ok(_) => reply::render(reply),
        Err(refusal) => format!("ERR {}", refusal.code.as_str()),
    }
}
