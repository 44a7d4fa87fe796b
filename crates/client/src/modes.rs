//! One file a mode, and the one place that knows them all.

pub mod atm;
pub mod calc;
pub mod chat;
pub mod datetime;
pub mod echo;
pub mod handout;
pub mod script;
pub mod text;

use std::io::{self, Write};

use clap::CommandFactory;
use proto::mode::Mode;
use proto::name::Name;
use proto::refusal::Refusal;
use record::Recorder;
use wire::fault::{Plan, crash};

use crate::bench;
use crate::cli::{Arguments, Command};
use crate::experiment;
use crate::failure::{Failure, Status};
use crate::input::Input;
use crate::output::Output;
use crate::session::Target;
use crate::view;

/// Runs what the command line asks for.
///
/// # Errors
/// When it ended early: why, and with which exit status.
pub fn run(arguments: &Arguments) -> Result<Status, Failure> {
    let faults = match &arguments.command {
        // They draw their own, or have none.
        Command::Experiment(_) | Command::Bench(_) => None,
        _ => arguments.faults()?,
    };
    let converses = !matches!(
        &arguments.command,
        Command::Experiment(_) | Command::Bench(_) | Command::View(_) | Command::Completions { .. }
    );
    if arguments.recording.is_asked_for() && !converses {
        let words = "--record and --trace are for the modes and hand-outs: leave them out here";
        return Err(Failure::Usage(words.into()));
    }
    let recorder = arguments.recording.recorder(faults.as_ref())?;
    if let Some(recorder) = recorder.clone() {
        crash::before_death(move |at| recorder.crashed(at.name()));
    }
    let ran = run_mode(arguments, faults, recorder.clone());
    if let Some(recorder) = recorder {
        recorder.finish();
    }
    ran
}

fn run_mode(
    arguments: &Arguments,
    faults: Option<Plan>,
    recorder: Option<Recorder>,
) -> Result<Status, Failure> {
    let output = arguments.output();
    if let Some(faults) = &faults {
        say(&faults.to_string());
        faults.arm();
    }
    let target = |mode| -> Result<Target, Failure> {
        Ok(Target {
            recorder: recorder.clone(),
            ..arguments.target(mode, faults.clone())?
        })
    };
    match &arguments.command {
        Command::Text { request } => text::run(&target(Mode::Text)?, request.as_ref(), output),
        Command::Atm(atm) => atm::run(&target(Mode::Atm)?, atm, output),
        Command::Calc(calc) => calc::run(&target(Mode::Calc)?, calc, output),
        Command::Chat(chat) => chat::run(&target(Mode::Chat)?, chat, output),
        Command::Datetime { command } => {
            datetime::run(&target(Mode::Datetime)?, command.as_ref(), output)
        }
        Command::Echo(echo) => echo::run(&target(Mode::Echo)?, echo, output),
        Command::Script(script) => {
            script::run(script, arguments.framing(), target(Mode::Script)?, output)
        }
        Command::Handout(handout) => {
            handout::run(handout, arguments, faults, recorder.clone(), output)
        }
        Command::View(arguments) => view::run(arguments),
        Command::Bench(bench) => bench::run(arguments, bench),
        Command::Experiment(experiment) => experiment::run(arguments, experiment),
        Command::Completions { shell } => {
            // Generating straight into a closed pipe would panic.
            let mut script = Vec::new();
            let mut command = Arguments::command();
            clap_complete::generate(*shell, &mut command, "labclient", &mut script);
            io::stdout()
                .write_all(&script)
                .map_err(|error| Failure::cannot_print(&error))?;
            Ok(Status::Done)
        }
    }
}

/// Asks for a line, does what it says, and so on until the input ends or `quit`. A person is shown
/// the menu first, and again for `help` or `?`.
///
/// `act` answers a line itself, and gives back the refusal if there was one: a person reads it and
/// goes on, a pipe gets it in the place of the answer. So it is with a line that cannot be sent.
///
/// # Errors
/// Whatever ends the mode early.
pub fn each_line(
    input: &mut Input,
    output: Output,
    (menu, prompt): (&str, &str),
    mut act: impl FnMut(&mut Input, &str) -> Result<Result<(), Refusal>, Failure>,
) -> Result<Status, Failure> {
    let mut status = Status::Done;
    if input.is_terminal() {
        say(menu);
    }
    loop {
        let acted = match input.line(prompt) {
            Ok(None) => break,
            Ok(Some(line)) if line == "q" || line == "quit" => break,
            Ok(Some(line)) if line.trim().is_empty() && input.is_terminal() => continue,
            // A pipe sees no menu: each of its lines is a request.
            Ok(Some(line)) if asks_for_help(&line) && input.is_terminal() => {
                say(menu);
                continue;
            }
            Ok(Some(line)) => act(input, &line),
            Err(failure) => Err(failure),
        };
        let answered = match acted {
            Err(Failure::Unsendable(refusal)) => Err(refusal),
            acted => acted?,
        };
        if let Err(refusal) = answered {
            if input.is_terminal() {
                say(&crate::failure::words_of(&refusal));
            } else {
                output.refusal(&refusal)?;
                status = Status::Refused;
            }
        }
    }
    Ok(status)
}

/// Whether a line at a menu asks to see it again.
fn asks_for_help(line: &str) -> bool {
    let line = line.trim();
    line == "?" || line.eq_ignore_ascii_case("help")
}

/// The name given, or that of the user where it makes a [`Name`], or `anonymous`.
///
/// # Errors
/// When the name given is none.
pub fn own_name(given: Option<&str>) -> Result<Name, Failure> {
    let parse = |name: &str| name.parse::<Name>().map_err(|r| Failure::Usage(r.words));
    match (given, std::env::var("USER")) {
        (Some(name), _) => parse(name),
        (None, Ok(user)) => parse(&user).or_else(|_| parse("anonymous")),
        (None, Err(_)) => parse("anonymous"),
    }
}

/// Tells a person something that is no answer, on standard error.
pub fn say(words: &str) {
    let _ = writeln!(io::stderr(), "{words}");
}
