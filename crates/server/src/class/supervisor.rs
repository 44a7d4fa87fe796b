//! All groups of a class, each a process, until the class is told to stop.

use std::ffi::OsString;
use std::fmt::Write;
use std::net::SocketAddr;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::{Context, bail};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::accounts;
use super::control::{self, Answer, GroupStatus, Question, ResetOutcome, State};
use super::file::{Class, Group};
use super::files::{ACCOUNTS, LEDGER, RECORDING};
use super::group::{Event, Keeper, Settings};
use crate::doctor::limits;
use crate::log::Log;

/// Threads of a group besides those of its connections.
const OTHER_THREADS: u64 = 32;

/// Accounts of a group that was added to the file and has none.
pub const CARDS: usize = 4;

/// How long a group may take to be reset, with all that it has to wait for.
const RESET_TIMEOUT: Duration = Duration::from_secs(45);

/// The stack of the thread that keeps a group running, in bytes.
const STACK_SIZE: usize = 256 * 1024;

/// How to run a class.
pub struct Running {
    /// Options of the log, which each group has as well.
    pub log_options: Vec<OsString>,
    /// Where the lines of all groups are shown.
    pub log: Log,
}

/// What the supervisor waits for.
enum Told {
    /// A group listens for the first time, or will not.
    Ready(String, Result<(), String>),
    /// A group has stopped.
    Over,
    /// A signal asks all to stop.
    Stop,
}

/// A group, as those see it who ask about it.
struct Handle {
    status: Arc<Mutex<GroupStatus>>,
    tell: Sender<Event>,
}

/// Runs all groups until a signal asks them to stop. `say` is given the table of all groups once
/// each of them listens.
///
/// # Errors
/// When the class runs already, or a group does not start: then none runs.
pub fn run(
    class: &Class,
    running: &Running,
    say: impl FnOnce(&str) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let Some(_lock) = class.files.lock()? else {
        bail!(
            "the class {} runs already: `labserver class status {}` says how it is",
            class.name,
            class.file.display()
        );
    };
    make_missing_accounts(class)?;
    let listener = control::bind(&class.files.control())?;
    let (tell, told) = channel();
    watch_signals(tell.clone())?;
    let connections = share_of_connections(class);
    let mut handles = Vec::new();
    for group in &class.groups {
        let arguments = arguments(class, group, connections, &running.log_options);
        handles.push(start(class, group, arguments, running, &tell)?);
    }
    let handles: Arc<[Handle]> = handles.into();
    let asked = Arc::clone(&handles);
    let answer = move |question| answer(&asked, question);
    thread::Builder::new()
        .name("control".into())
        .spawn(move || control::serve(&listener, answer))
        .context("no thread for questions about the class")?;
    let ended = supervise(class, &handles, &told, say);
    let _ = std::fs::remove_file(class.files.control());
    ended
}

fn supervise(
    class: &Class,
    handles: &[Handle],
    told: &Receiver<Told>,
    say: impl FnOnce(&str) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let (mut ready, mut left) = (0, handles.len());
    let (mut say, mut failed) = (Some(say), Vec::new());
    let mut is_stopping = false;
    let stop = || {
        handles
            .iter()
            .for_each(|it| drop(it.tell.send(Event::Stop)))
    };
    while left > 0 {
        // The sender is in this process, so that this never fails.
        let Ok(told) = told.recv() else { break };
        match told {
            Told::Ready(_, Ok(())) => ready += 1,
            Told::Ready(name, Err(words)) => {
                if !is_stopping {
                    failed.push(format!("{name} does not start: {words}"));
                    is_stopping = true;
                    stop();
                }
            }
            Told::Over => left -= 1,
            Told::Stop => {
                match is_stopping {
                    false => tracing::info!("stopping all groups; once more to stop at once"),
                    true => tracing::warn!("stopping all groups at once"),
                }
                is_stopping = true;
                stop();
            }
        }
        if ready == handles.len()
            && !is_stopping
            && let Some(say) = say.take()
            && let Err(error) = say(&table(class))
        {
            failed.push(format!("{error:#}"));
            is_stopping = true;
            stop();
        }
    }
    match failed.first() {
        None => Ok(()),
        Some(words) => bail!("{words}"),
    }
}

fn start(
    class: &Class,
    group: &Group,
    arguments: Vec<OsString>,
    running: &Running,
    told: &Sender<Told>,
) -> anyhow::Result<Handle> {
    let status = Arc::new(Mutex::new(stopped(group)));
    let (tell, events) = channel();
    let settings = Settings {
        name: group.name.clone(),
        arguments,
        sockets: group.ports().len() + usize::from(group.page.is_some()),
        files: class.files.clone(),
        log: running.log.clone(),
        status: Arc::clone(&status),
    };
    let keeper = Keeper::new(settings, tell.clone(), events);
    let (told, name) = (told.clone(), group.name.clone());
    thread::Builder::new()
        .name(name.clone())
        .stack_size(STACK_SIZE)
        .spawn(move || {
            keeper.run(|ready| drop(told.send(Told::Ready(name, ready))));
            let _ = told.send(Told::Over);
        })
        .context("no thread for a group")?;
    Ok(Handle { status, tell })
}

/// The command line of a group's process.
fn arguments(
    class: &Class,
    group: &Group,
    connections: usize,
    log_options: &[OsString],
) -> Vec<OsString> {
    let directory = class.files.group(&group.name);
    let mut arguments: Vec<OsString> = vec!["--until-eof".into()];
    let mut option = |name: &str, value: OsString| arguments.extend([name.into(), value]);
    match group.handout {
        Some(handout) => option("--handout", handout.name().into()),
        None => {
            option("--mode", "all".into());
            if let Some(script) = &group.script {
                option("--script", script.into());
            }
        }
    }
    option("--bind", class.bind.to_string().into());
    option("--port", group.port.to_string().into());
    option("--ledger", directory.join(LEDGER).into());
    option("--accounts", directory.join(ACCOUNTS).into());
    option("--max-connections", connections.to_string().into());
    option("--chat-rate", class.limits.chat_rate.to_string().into());
    if class.limits.recording_mib > 0 {
        let most = class.limits.recording_mib.to_string();
        option("--record", directory.join(RECORDING).into());
        option("--record-limit", most.into());
    }
    if let Some(fault) = &group.fault {
        option("--fault", fault.into());
        if let Some(seed) = group.seed {
            option("--seed", seed.to_string().into());
        }
    }
    if let Some(page) = group.page {
        let address = SocketAddr::new(class.bind, page);
        arguments.extend(["--watch".into(), address.to_string().into()]);
        // A crash is the group's alone, and it is started again.
        arguments.push("--allow-crash".into());
    }
    arguments.extend_from_slice(log_options);
    arguments
}

/// As many connections as each group may have so that all together do not need more threads than
/// this user may have. Open files are no concern: each process has a limit of its own.
fn share_of_connections(class: &Class) -> usize {
    let (wanted, groups) = (class.limits.connections, class.groups.len() as u64);
    let Some(limit) = limits::most_threads() else {
        return wanted;
    };
    let share = limit.saturating_sub(limits::OTHER_THREADS) / groups;
    let share = share.saturating_sub(OTHER_THREADS).max(1);
    let share = usize::try_from(share).unwrap_or(usize::MAX);
    if share < wanted {
        tracing::warn!(
            "each group may have {share} connections at once, not {wanted}: this user may have no \
             more than {limit} threads; raise the limit (`ulimit -u`, or the cgroup's pids.max)"
        );
    }
    share.min(wanted)
}

/// Gives accounts to groups that were added to the file since the class was made.
fn make_missing_accounts(class: &Class) -> anyhow::Result<()> {
    let has_none = |group: &&Group| !class.files.group(&group.name).join(ACCOUNTS).exists();
    let new: Vec<Group> = class.groups.iter().filter(has_none).cloned().collect();
    if new.is_empty() {
        return Ok(());
    }
    let accounts = accounts::of_new_groups(&new, !class.bind.is_loopback(), CARDS)?;
    tracing::info!(
        groups = new.len(),
        "opening accounts for groups without any"
    );
    accounts::keep(&class.files, &new, &accounts)
}

fn watch_signals(tell: Sender<Told>) -> anyhow::Result<()> {
    let signals = [SIGINT, SIGTERM, SIGHUP];
    let mut signals = Signals::new(signals).context("cannot watch for signals")?;
    thread::Builder::new()
        .name("signals".into())
        .spawn(move || {
            for _ in signals.forever() {
                let _ = tell.send(Told::Stop);
            }
        })
        .context("cannot start a thread for signals")?;
    Ok(())
}

fn answer(handles: &[Handle], question: Question) -> Answer {
    let status = |handle: &Handle| {
        let status = handle.status.lock();
        status.unwrap_or_else(PoisonError::into_inner).clone()
    };
    match question {
        Question::Status => Answer::Status(handles.iter().map(status).collect()),
        Question::Reset(names) => {
            let mut waiting = Vec::new();
            for name in names {
                let Some(handle) = handles.iter().find(|it| status(it).name == name) else {
                    return Answer::Refused(format!("no group {name:?} runs"));
                };
                let (outcome, told) = sync_channel(1);
                let _ = handle.tell.send(Event::Reset(outcome));
                waiting.push((name, told));
            }
            // All of them are under way.
            let outcome = |(name, told): (String, Receiver<_>)| {
                let outcome = told.recv_timeout(RESET_TIMEOUT).unwrap_or_else(|error| {
                    Err(match error {
                        RecvTimeoutError::Timeout => "it does not end or start".to_owned(),
                        RecvTimeoutError::Disconnected => "it has stopped".to_owned(),
                    })
                });
                let (archived, failed) = match outcome {
                    Ok(archived) => (archived, None),
                    Err(words) => (None, Some(words)),
                };
                ResetOutcome {
                    name,
                    archived,
                    failed,
                }
            };
            Answer::Reset(waiting.into_iter().map(outcome).collect())
        }
    }
}

/// How a group is that does not run.
pub fn stopped(group: &Group) -> GroupStatus {
    GroupStatus {
        name: group.name.clone(),
        port: group.port,
        state: State::Stopped,
        process: None,
        since: None,
        restarts: 0,
    }
}

/// Each group with its ports.
pub fn table(class: &Class) -> String {
    let mut table = format!(
        "{}: {} at {}\n",
        class.name,
        match class.groups.len() {
            1 => "1 group".to_owned(),
            count => format!("{count} groups"),
        },
        class.bind
    );
    let width = class.groups.iter().map(|it| it.name.len()).max();
    let width = width.unwrap_or_default();
    for group in &class.groups {
        // Writing to a String cannot fail.
        let _ = write!(table, "{:width$}", group.name);
        let mut ports = group.ports();
        // Echo is on the same port over both transports.
        ports.dedup_by_key(|port| (port.service, port.number));
        for port in ports {
            let _ = write!(table, "  {} {}", port.service, port.number);
        }
        if let Some(page) = group.page {
            let _ = write!(table, "  page {page}");
        }
        table.push('\n');
    }
    table
}
