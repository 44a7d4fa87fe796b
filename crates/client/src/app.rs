//! Runs what the command line asks for: the one place that knows all modes and measurements.

use std::io::{self, Write};

use clap::CommandFactory;
use commandline::manual;
use proto::mode::Mode;
use record::Recorder;
use wire::fault::{FaultPlan, crash};

use crate::bench;
use crate::check;
use crate::cli::{Arguments, Command};
use crate::doctor;
use crate::experiment;
use crate::failure::{Failure, Status};
use crate::modes::{atm, calc, chat, datetime, echo, handout, script, text};
use crate::output::say;
use crate::replay;
use crate::session::Target;
use crate::view;

/// Runs what the command line asks for.
///
/// # Errors
/// When it ended early: why, and with which exit status.
pub fn run(arguments: &Arguments) -> Result<Status, Failure> {
    let faults = match &arguments.command {
        // They draw their own, or have none.
        Command::Check(_) | Command::Experiment(_) | Command::Bench(_) => None,
        _ => arguments.faults()?,
    };
    let converses = !matches!(
        &arguments.command,
        Command::Check(_)
            | Command::Experiment(_)
            | Command::Bench(_)
            | Command::Doctor(_)
            | Command::View(_)
            | Command::Replay(_)
            | Command::Completions { .. }
            | Command::Man { .. }
    );
    if arguments.options.recording.is_asked_for() && !converses {
        let words = "--record and --trace are for the modes and hand-outs: leave them out here";
        return Err(Failure::Usage(words.into()));
    }
    let recorder = arguments.options.recording.recorder(faults.as_ref())?;
    if let Some(recorder) = recorder.clone() {
        crash::on_crash(move |at| recorder.crashed(at));
    }
    let ran = run_mode(arguments, faults, recorder.clone());
    if let Some(recorder) = recorder {
        recorder.finish();
    }
    ran
}

fn run_mode(
    arguments: &Arguments,
    faults: Option<FaultPlan>,
    recorder: Option<Recorder>,
) -> Result<Status, Failure> {
    let output = arguments.options.output();
    if let Some(faults) = &faults {
        say(&faults.to_string());
        faults.arm();
    }
    let target = |mode: Mode| -> Result<Target, Failure> {
        let (options, faults) = (&arguments.options, faults.clone());
        let target = match mode {
            // They go on in a session with any server.
            Mode::Atm | Mode::Text | Mode::Calc | Mode::Chat => {
                options.target_of_several(mode.into(), faults)?
            }
            Mode::Echo | Mode::Datetime | Mode::Script => options.target(mode.into(), faults)?,
        };
        Ok(Target {
            recorder: recorder.clone(),
            ..target
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
        Command::Script(script) => script::run(
            script,
            arguments.options.wire,
            target(Mode::Script)?,
            output,
        ),
        Command::Handout(handout) => handout::run(
            handout,
            &arguments.options,
            faults,
            recorder.clone(),
            output,
        ),
        Command::Check(check) => check::run(check, &arguments.options),
        Command::Doctor(doctor) => doctor::run(doctor, &arguments.options),
        Command::View(arguments) => view::run(arguments),
        Command::Replay(replay) => replay::run(replay, &arguments.options),
        Command::Bench(bench) => bench::run(&arguments.options, bench),
        Command::Experiment(experiment) => experiment::run(&arguments.options, experiment),
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
        Command::Man { directory } => {
            let written = manual::write(Arguments::command(), &["labserver"], directory);
            let cannot = |error| {
                let place = directory.display();
                Failure::Resource(format!("cannot write into {place}: {error}"))
            };
            written.map(|()| Status::Done).map_err(cannot)
        }
    }
}
