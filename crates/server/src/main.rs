//! `labserver`: arguments, configuration, bind, say where, run.
#![forbid(unsafe_code)]

mod cli;

use std::io::{self, Write};
use std::process::ExitCode;
use std::thread;

use anyhow::Context;
use clap::Parser;
use jiff::Timestamp;
use server::ledger::accounts::DEMO;
use server::ledger::command::{self, Format, Outcome};
use server::ledger::sqlite::{self, Access};
use server::{Config, Server, Stopper, log};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use wire::fault::crash;
use wire::record::Recorder;

use crate::cli::{Arguments, Command, LedgerCommand};

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    log::start(arguments.log_format.into(), arguments.verbosity());
    match run(arguments) {
        Ok(status) => status,
        Err(error) => match error.downcast::<clap::Error>() {
            Ok(usage) => usage.exit(),
            Err(error) => {
                let _ = writeln!(io::stderr(), "labserver: {error:#}");
                ExitCode::FAILURE
            }
        },
    }
}

fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    match &arguments.command {
        Some(Command::Completions { shell }) => {
            print(&cli::completions(*shell))?;
            Ok(ExitCode::SUCCESS)
        }
        Some(Command::Ledger {
            command: LedgerCommand::Accounts { example: true },
            ..
        }) => {
            print(DEMO.as_bytes())?;
            Ok(ExitCode::SUCCESS)
        }
        Some(Command::Ledger { json, command }) => {
            let format = if *json { Format::Json } else { Format::Text };
            look_into_ledger(&arguments, command, format)
        }
        None if arguments.lists_scripts() => {
            print(cli::list_of_scripts()?.as_bytes())?;
            Ok(ExitCode::SUCCESS)
        }
        None if arguments.lists_handouts() => {
            print(cli::list_of_handouts().as_bytes())?;
            Ok(ExitCode::SUCCESS)
        }
        None => {
            serve(&arguments)?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn serve(arguments: &Arguments) -> anyhow::Result<()> {
    let config = arguments.config()?;
    rlimit::increase_nofile_limit(descriptors_for(&config))
        .context("cannot ask how many files may be open")?;
    if let Some(handout) = config.handout
        && let Some(words) = handout.gives_up()
    {
        tracing::warn!("hand-out {}: {words}", handout.name());
    }
    let recorder = config.recorder.clone();
    if let Some(recorder) = recorder.clone() {
        crash::before_death(move |at| recorder.crashed(at));
    }
    if let Some(faults) = &config.faults {
        tracing::warn!("{faults}");
        faults.arm();
    }
    let served = bind_and_run(config, arguments.until_eof);
    if let Some(recorder) = recorder {
        recorder.finish();
    }
    served
}

fn bind_and_run(config: Config, until_eof: bool) -> anyhow::Result<()> {
    let recorder = config.recorder.clone();
    let server = Server::bind(config)?;
    stop_on_signals(server.stopper(), recorder.clone())?;
    if until_eof {
        stop_at_end_of_input(server.stopper(), recorder)?;
    }
    say_where(&server).context("cannot write to standard output")?;
    server.run();
    Ok(())
}

fn look_into_ledger(
    arguments: &Arguments,
    given: &LedgerCommand,
    format: Format,
) -> anyhow::Result<ExitCode> {
    let command: command::Command = given.into();
    let access = match command.writes() {
        true => Access::Write,
        false => Access::Read,
    };
    let mut store = sqlite::open_beside(&arguments.ledger_on_disk()?, access)?;
    let mut answer = Vec::new();
    let outcome = command::run(&command, &mut store, Timestamp::now(), format, &mut answer)?;
    print(&answer)?;
    Ok(match outcome {
        Outcome::Good => ExitCode::SUCCESS,
        Outcome::Violations => ExitCode::FAILURE,
    })
}

/// Prints what was asked for. That nobody reads it to its end is how `| head` works.
fn print(answer: &[u8]) -> anyhow::Result<()> {
    match io::stdout().write_all(answer) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written.context("cannot write to standard output"),
    }
}

/// A socket for each connection, of a proxy two; and the listeners, the log, the ledger.
fn descriptors_for(config: &Config) -> u64 {
    let each = if config.proxy.is_some() { 2 } else { 1 };
    each * config.connections as u64 + 64
}

/// One line a socket, for programs; what all interfaces are called from outside, for people.
fn say_where(server: &Server) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    for (name, transport, address) in server.addresses() {
        writeln!(stdout, "listening {name} {} {address}", transport.name())?;
        if address.ip().is_unspecified() {
            for interface in if_addrs::get_if_addrs()? {
                if !interface.is_loopback() && interface.ip().is_ipv4() {
                    let address = (interface.ip(), address.port());
                    tracing::info!(
                        "from other machines: {}:{} ({})",
                        address.0,
                        address.1,
                        interface.name
                    );
                }
            }
        }
    }
    stdout.flush()
}

/// The first signal lets conversations end, the second ends the process.
fn stop_on_signals(stopper: Stopper, recorder: Option<Recorder>) -> anyhow::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM]).context("cannot watch for signals")?;
    let watch = move || {
        for (count, signal) in signals.forever().enumerate() {
            if count > 0 {
                tracing::warn!("stopping at once");
                if let Some(recorder) = &recorder {
                    recorder.finish();
                }
                std::process::exit(128 + signal);
            }
            tracing::info!("stopping: open conversations may end; once more to stop at once");
            if let Some(recorder) = &recorder {
                recorder.stopping();
            }
            stopper.stop();
        }
    };
    thread::Builder::new()
        .name("signals".into())
        .spawn(watch)
        .context("cannot start a thread for signals")?;
    Ok(())
}

/// The end of standard input lets conversations end, as the first signal does. What comes before it
/// says nothing.
fn stop_at_end_of_input(stopper: Stopper, recorder: Option<Recorder>) -> anyhow::Result<()> {
    let watch = move || {
        // One that cannot be read has no end to wait for: whoever held it is not there.
        if let Err(error) = io::copy(&mut io::stdin(), &mut io::sink()) {
            tracing::warn!("cannot read standard input: {error}");
        }
        tracing::info!("stopping: standard input ended");
        if let Some(recorder) = &recorder {
            recorder.stopping();
        }
        stopper.stop();
    };
    thread::Builder::new()
        .name("stdin".into())
        .spawn(watch)
        .context("cannot start a thread for standard input")?;
    Ok(())
}
