//! `labserver`: arguments, configuration, bind, say where, run.
#![forbid(unsafe_code)]

mod cli;
mod stopping;

use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use anyhow::Context;
use clap::Parser;
use commandline::usage;
use jiff::Timestamp;
use proto::mode::Transport;
use server::ledger::accounts::DEMO;
use server::ledger::command::{self, CommandError, Format, Outcome};
use server::log::Log;
use server::watch::{self, Page};
use server::{Config, Role, Server, log};
use wire::fault::crash;

use crate::cli::{Arguments, Command};
use crate::stopping::Stopping;

/// How long the server waits for a reader of its ready lines, before it serves: a program that
/// reads them does so at once.
const READER_TIMEOUT: Duration = Duration::from_secs(1);

/// How long the end waits for browsers that have not been told everything.
const LAST_WORDS: Duration = Duration::from_millis(300);

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return usage::report(&error),
    };
    let log = match log::start(arguments.log()) {
        Ok(log) => log,
        Err(error) => {
            let _ = writeln!(io::stderr(), "labserver: no thread for the log: {error}");
            return ExitCode::FAILURE;
        }
    };
    let status =
        run(&arguments, &log).unwrap_or_else(|error| match error.downcast::<clap::Error>() {
            Ok(error) => usage::report(&error),
            Err(error) => {
                log.say(format_args!("labserver: {error:#}"));
                ExitCode::FAILURE
            }
        });
    log.flush();
    status
}

fn run(arguments: &Arguments, log: &Log) -> anyhow::Result<ExitCode> {
    match &arguments.command {
        Some(Command::Status { which, json }) => print(which.status(*json)?.as_bytes())?,
        Some(Command::Control { which, command }) => print(command.run(which)?.as_bytes())?,
        Some(Command::Doctor(doctor)) => return doctor.run(print),
        #[cfg(unix)]
        Some(Command::Class(class)) => return class.run(arguments.log_options(), log, print),
        Some(Command::Completions { shell }) => print(&cli::completions(*shell))?,
        Some(Command::Man { directory }) => cli::write_manual(directory)?,
        Some(Command::Ledger {
            command: command::Command::Accounts { example: true },
            ..
        }) => print(DEMO.as_bytes())?,
        Some(Command::Ledger { json, command }) => {
            let format = if *json { Format::Json } else { Format::Text };
            return look_into_ledger(arguments, command, format);
        }
        Some(Command::Check(check)) => return Ok(ExitCode::from(check.run(print)?.status())),
        None if arguments.lists_scripts() => print(cli::list_of_scripts()?.as_bytes())?,
        None if arguments.lists_handouts() => print(cli::list_of_handouts().as_bytes())?,
        None => serve(arguments, log)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn serve(arguments: &Arguments, log: &Log) -> anyhow::Result<()> {
    let page = arguments.watch.settings(log.warnings());
    let mut config = arguments.config(page.as_ref())?;
    let granted = rlimit::increase_nofile_limit(config.descriptors())
        .context("cannot ask how many files may be open")?;
    let wanted = config.connections;
    if config.fit_into(granted) {
        let connections = config.connections;
        tracing::warn!(
            "at most {connections} connections at once, not {wanted}: this process may have no \
             more than {granted} files open; raise its hard limit (`ulimit -Hn`) for more"
        );
    }
    if let Role::Handout(handout) = config.role
        && let Some(words) = handout.lacks()
    {
        tracing::warn!("hand-out {}: {words}", handout.name());
    }
    let recorder = config.recorder.clone();
    let (witness, last_words) = (recorder.clone(), log.clone());
    let feed = page.as_ref().map(|page| Arc::clone(&page.feed));
    crash::on_crash(move |at| {
        if let Some(recorder) = &witness {
            recorder.crashed(at);
        }
        if let Some(feed) = &feed {
            feed.finish(LAST_WORDS);
        }
        last_words.flush();
    });
    if let Some(faults) = &config.faults
        && !faults.spec().is_empty()
    {
        tracing::warn!("{faults}");
    }
    let served = bind_and_run(config, arguments.until_eof, page.as_ref(), log);
    if let Some(recorder) = recorder {
        recorder.finish();
    }
    if let Some(page) = page {
        page.feed.finish(LAST_WORDS);
    }
    served
}

fn bind_and_run(
    config: Config,
    until_eof: bool,
    page: Option<&watch::Settings>,
    log: &Log,
) -> anyhow::Result<()> {
    let (recorder, faults) = (config.recorder.clone(), config.faults.clone());
    let server = Server::bind(config)?;
    let page = page.map(|page| Page::bind(&server, page)).transpose()?;
    if let Some(faults) = faults {
        // The accounts that a bank opens at its start are no effect of a request.
        faults.arm();
    }
    let stopping = Stopping {
        stopper: server.stopper(),
        recorder,
        log: log.clone(),
    };
    if until_eof {
        stopping.clone().at_end_of_input()?;
    }
    stopping.on_signals()?;
    // Who reads the ready lines may ask for the page at once.
    if let Some(page) = &page {
        open_page(page, log)?;
    }
    say_where(&server, page.as_ref())?;
    server.run();
    Ok(())
}

/// Starts the page, and says how to open it.
fn open_page(page: &Page, log: &Log) -> anyhow::Result<()> {
    page.start().context("no thread for the page")?;
    let (address, access) = (page.address(), page.access());
    let mut shown = address;
    if shown.ip().is_unspecified() {
        let interfaces = if_addrs::get_if_addrs().unwrap_or_default().into_iter();
        let mut outside = interfaces.map(|interface| interface.ip());
        if let Some(ip) = outside.find(|ip| ip.is_ipv4() && !ip.is_loopback()) {
            shown.set_ip(ip);
        }
    }
    let watch = match access.is_on_loopback() {
        true => String::new(),
        false => format!("#watch={}", access.tokens.to_watch),
    };
    log.say(format_args!("to watch:   http://{shown}/{watch}"));
    log.say(format_args!(
        "to control: http://{shown}/#control={}",
        access.tokens.to_control
    ));
    Ok(())
}

fn look_into_ledger(
    arguments: &Arguments,
    command: &command::Command,
    format: Format,
) -> anyhow::Result<ExitCode> {
    let mut answer = Vec::new();
    let which = || Ok(arguments.ledger_to_look_into()?);
    let outcome = command::run_at(command, which, Timestamp::now(), format, &mut answer);
    let outcome = outcome.map_err(|error| match error {
        CommandError::Which(error) => error,
        error => error.into(),
    })?;
    print(&answer)?;
    Ok(match outcome {
        Outcome::Good => ExitCode::SUCCESS,
        Outcome::Violations => ExitCode::FAILURE,
    })
}

/// Prints what was asked for. A reader that closes the pipe before its end is no error: so does
/// `head`.
fn print(answer: &[u8]) -> anyhow::Result<()> {
    match io::stdout().write_all(answer) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written.context("cannot write to standard output"),
    }
}

/// One line a socket, for programs; what all interfaces are called from outside, for people.
fn say_where(server: &Server, page: Option<&Page>) -> anyhow::Result<()> {
    let mut lines = String::new();
    let page = page.map(|page| ("page", Transport::Tcp, page.address()));
    for (name, transport, address) in server.addresses().into_iter().chain(page) {
        lines += &format!("listening {name} {} {address}\n", transport.name());
        if address.ip().is_unspecified() {
            let interfaces = if_addrs::get_if_addrs();
            for interface in interfaces.context("cannot list the interfaces")? {
                if !interface.is_loopback() && interface.ip().is_ipv4() {
                    let (ip, port, name) = (interface.ip(), address.port(), &interface.name);
                    tracing::info!("from other machines: {ip}:{port} ({name})");
                }
            }
        }
    }
    // On a thread of its own, because a write to a pipe that is not read waits.
    let (done, result) = mpsc::channel();
    let write = move || {
        let mut stdout = io::stdout().lock();
        let written = stdout.write_all(lines.as_bytes());
        let _ = done.send(written.and_then(|()| stdout.flush()));
    };
    thread::Builder::new()
        .name("stdout".into())
        .spawn(write)
        .context("cannot start a thread for standard output")?;
    match result.recv_timeout(READER_TIMEOUT) {
        Ok(written) => written.context("cannot write to standard output"),
        Err(_) => {
            tracing::warn!("nobody reads standard output: serving all the same");
            Ok(())
        }
    }
}
