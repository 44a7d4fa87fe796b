//! The hand-outs' printed clients, each with the words, the port and the questions it is printed
//! with, so that the printed server cannot tell the two apart.
//!
//! What is typed or piped into the printed client can be typed or piped into this one. Prompts go
//! to standard error where there is no terminal; what the server said goes to standard output.

mod atm_card;
pub(crate) mod atm_login;
mod calculator;
mod chat;
mod datetime;
mod exchange;
mod person;
pub(crate) mod talk;
mod text;
mod textbook_atm;

use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use proto::handout::Handout;
use record::Recorder;
use serde_json::json;
use wire::fault::generator::Xoshiro256PlusPlus;
use wire::fault::{FaultPlan, random_seed};

use crate::clock::watch::Gap;
use crate::failure::{Failure, Status};
use crate::options::Options;
use crate::output::{Output, say};
use crate::session::Target;

const LIST: &str = "list";

/// What the command line says.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The hand-out whose client this is to be; `list` shows port and source of each
    #[arg(value_name = "NAME", value_parser = names())]
    name: Choice,

    /// atm-login: how many operations at each of the ten error rates [default: 100]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    operations: Option<u32>,

    /// atm-card: in how many of a hundred requests to connect and send nothing [default: 0]
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(0..=100))]
    error_rate: Option<u8>,

    /// datetime: from one question to the next, in seconds, drawn uniformly [default: 1..2]
    #[arg(long, value_name = "MIN..MAX", value_parser = Gap::parse)]
    gap: Option<Gap>,

    /// datetime: end after this many questions [default: at Ctrl-C]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
}

/// What the name on the command line means.
#[derive(Debug, Clone, Copy)]
enum Choice {
    List,
    Play(Handout),
}

impl Arguments {
    /// Whether it chooses at random, so that a seed makes a difference.
    pub fn draws(&self) -> bool {
        match self.name {
            Choice::Play(Handout::AtmLogin | Handout::Datetime) => true,
            Choice::Play(Handout::AtmCard) => self.error_rate.is_some_and(|percent| percent > 0),
            Choice::Play(_) | Choice::List => false,
        }
    }

    /// The hand-out whose client this is to be, if one is named.
    pub fn handout(&self) -> Option<Handout> {
        match self.name {
            Choice::Play(handout) => Some(handout),
            Choice::List => None,
        }
    }

    fn check(&self) -> Result<(), Failure> {
        let is = |handout: Handout| matches!(self.name, Choice::Play(name) if name == handout);
        let name = match self.name {
            Choice::List => LIST,
            Choice::Play(handout) => handout.name(),
        };
        for (option, is_given, user) in [
            ("--operations", self.operations.is_some(), Handout::AtmLogin),
            ("--error-rate", self.error_rate.is_some(), Handout::AtmCard),
            ("--gap", self.gap.is_some(), Handout::Datetime),
            ("--count", self.count.is_some(), Handout::Datetime),
        ] {
            if is_given && !is(user) {
                let user = user.name();
                let words = format!("{name} does not use {option}, only {user} does: leave it out");
                return Err(Failure::Usage(words));
            }
        }
        Ok(())
    }
}

/// Is the client of the hand-out that the arguments name, or lists them all.
pub fn run(
    arguments: &Arguments,
    all: &Options,
    faults: Option<FaultPlan>,
    recorder: Option<Recorder>,
    output: Output,
) -> Result<Status, Failure> {
    arguments.check()?;
    let handout = match arguments.name {
        Choice::List => return list(output),
        Choice::Play(handout) => handout,
    };
    if let Some(framing) = all.wire {
        let words = format!(
            "--wire {framing}: a hand-out's messages are cut as its printed programs cut them: \
             leave it out"
        );
        return Err(Failure::Usage(words));
    }
    let plan_seed = faults.as_ref().map(FaultPlan::seed);
    let seed = all.seed.or(plan_seed).unwrap_or_else(random_seed);
    if arguments.draws() {
        say(&format!("drawing at random: --seed {seed}"));
    }
    let draws = Xoshiro256PlusPlus::from_seed(seed);
    let target = Target {
        recorder,
        ..all.target(handout.into(), faults)?
    };
    play(handout, arguments, target, draws, output)
}

fn play(
    handout: Handout,
    arguments: &Arguments,
    target: Target,
    draws: Xoshiro256PlusPlus,
    output: Output,
) -> Result<Status, Failure> {
    match handout {
        Handout::TextSession => text::session(&target, output),
        Handout::AtmLogin => {
            let operations = arguments.operations.unwrap_or(atm_login::OPERATIONS);
            atm_login::run(&target, operations, draws, output)
        }
        Handout::TextMenu => text::menu(&target, output),
        Handout::AtmCard => {
            let percent = arguments.error_rate.unwrap_or(0);
            atm_card::run(&target, atm_card::Errors { percent, draws }, output)
        }
        Handout::Datetime => {
            let gap = arguments.gap.unwrap_or_default();
            datetime::run(&target, gap, arguments.count, draws, output)
        }
        Handout::Calculator => calculator::run(&target, output),
        Handout::Chat => chat::run(&target, output),
        Handout::Echo => exchange::echo(&target, output),
        Handout::TextbookAtm => textbook_atm::run(&target, output),
        Handout::Joke
        | Handout::KnockKnock
        | Handout::Greeting
        | Handout::Sixteen
        | Handout::LengthPrefix
        | Handout::Accepted
        | Handout::Udp => exchange::play(handout, target, output),
    }
}

fn list(output: Output) -> Result<Status, Failure> {
    let mut source_before = "";
    for handout in Handout::ALL {
        let (name, port) = (handout.name(), handout.port());
        let transport = handout.transport().name();
        let (source, title) = (handout.source(), handout.title());
        let members = json!({
            "name": name,
            "transport": transport,
            "port": port,
            "source": source,
            "title": title,
        });
        // A line that fits a terminal has no room for the source.
        if source != source_before && !output.json {
            output.line(source)?;
            source_before = source;
        }
        let line = format!("  {name:<14} {transport}  {port:<5}  {title}");
        output.answer(&line, members)?;
    }
    Ok(Status::Done)
}

/// The names as possible values, so that help and completions show them.
fn names() -> impl TypedValueParser<Value = Choice> {
    let list = PossibleValue::new(LIST).help("show them all, with port and source");
    let names = Handout::ALL
        .map(|handout| PossibleValue::new(handout.name()).help(handout.title()))
        .into_iter()
        .chain([list]);
    PossibleValuesParser::new(names).try_map(|name| match Handout::parse(&name) {
        Some(handout) => Ok(Choice::Play(handout)),
        None if name == LIST => Ok(Choice::List),
        None => Err("no such hand-out"),
    })
}
