//! The command line of `labserver`.

mod check;
mod chosen;
#[cfg(unix)]
mod class;
pub mod control;
mod doctor;
mod help;
mod ledger_place;
mod limits;
mod lists;
mod page;
mod proxy;
mod recording;
mod room;

#[cfg(unix)]
use std::ffi::OsString;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use clap::builder::{PathBufValueParser, PossibleValuesParser, TypedValueParser};
use clap::error::ErrorKind;
use clap::{ArgAction, CommandFactory, Parser, Subcommand};
use clap_complete::Shell;
use commandline::manual;
use proto::atm::semantics::Semantics;
use proto::frame::Framing;
use proto::handout::Handout;
use proto::mode::Mode;
use proto::script::{self, Script};
use proto::side::Side;
use record::Follower;
use server::{Config, Role, faults, ledger, log, services, watch};
use wire::fault::{FaultPlan, FaultSpec, random_seed};

use check::CheckArguments;
use chosen::{Chosen, parse_address};
#[cfg(unix)]
use class::ClassArguments;
use control::{Control, Which};
use doctor::DoctorArguments;
use help::{EXAMPLES, FAULTS, LOG, NETWORK, PARTICULARS, SERVICE};
use ledger_place::LedgerArgument;
use limits::LimitArguments;
pub use lists::{list_of_handouts, list_of_scripts};
use page::WatchArguments;
use proxy::ProxyArguments;
use recording::RecordingArguments;
use room::RoomArguments;

/// The server of the socket-programming labs: a bank, text, a calculator, a chat room, echo, date
/// and time, and scripted exchanges.
#[derive(Debug, Parser)]
#[command(name = "labserver", version, after_help = EXAMPLES,
    after_long_help = format!("{EXAMPLES}\n\n{PARTICULARS}"), args_conflicts_with_subcommands = true,
    subcommand_precedence_over_arg = true)]
pub struct Arguments {
    #[command(subcommand)]
    pub command: Option<Command>,

    #[command(flatten)]
    chosen: Chosen,

    /// Speak as the server of a printed hand-out does; `list` shows which there are
    ///
    /// Its printed client can be used with it, byte for byte.
    #[arg(help_heading = SERVICE, long, value_parser = one_of(handout_names(), parse_handout),
        hide_possible_values = true, value_name = "NAME",
        conflicts_with_all = ["mode", "named", "wire", "script", "semantics"])]
    handout: Option<HandoutChoice>,

    /// The exchange that script mode plays: the name of one, or a file; `list` shows the names
    #[arg(help_heading = SERVICE, long, value_name = "NAME|FILE", default_value = script::DEFAULT)]
    script: String,

    /// The bank's ledger: a file, a PostgreSQL database that several servers may share, or `memory`
    /// for one that is forgotten [default: socketlab/bank.db in $XDG_STATE_HOME or ~/.local/state;
    /// memory for a hand-out]
    ///
    /// A database is named as postgres://USER@HOST:PORT/DATABASE; with a comma between, all servers
    /// are named that may be its primary. Its password comes from PGPASSWORD, or from the file of
    /// PGPASSFILE, by default ~/.pgpass; `?sslmode=verify-full` encrypts and says who the server
    /// must be.
    #[arg(help_heading = SERVICE, long, value_name = "PATH|postgres://…|memory", global = true,
        value_parser = PathBufValueParser::new().try_map(LedgerArgument::parse))]
    ledger: Option<LedgerArgument>,

    /// Refuse a database whose commits do not wait for a standby's disk
    #[arg(help_heading = SERVICE, hide_short_help = true, long)]
    require_synchronous: bool,

    /// What the bank promises
    ///
    /// All but exactly-once lose or make money, on purpose, and keep their ledger in memory.
    #[arg(help_heading = SERVICE, hide_short_help = true, long,
        value_name = "maybe|at-least-once|at-most-once|exactly-once",
        value_parser = parse_semantics, default_value = "exactly-once")]
    semantics: Semantics,

    /// A file of accounts to open where they are missing, instead of the demonstration's two;
    /// `labserver ledger accounts --example` prints one
    #[arg(help_heading = SERVICE, long, value_name = "FILE.toml")]
    accounts: Option<PathBuf>,

    #[command(flatten)]
    room: RoomArguments,

    /// Stop when standard input ends, as at the first SIGINT
    ///
    /// A program that starts a server, and holds the other end of its standard input, then never
    /// leaves it behind, however it ends.
    #[arg(help_heading = SERVICE, hide_short_help = true, long)]
    pub until_eof: bool,

    /// The address to listen on, or the name of one; 0.0.0.0 is every interface, reachable by other
    /// machines
    #[arg(help_heading = NETWORK, long, value_name = "ADDRESS", default_value = "127.0.0.1",
        value_parser = parse_address)]
    bind: IpAddr,

    /// The port; 0 is any free one [default: atm 9005, text 9006, and so on]
    ///
    /// With several services, what theirs are counted from, with atm 5 above it, text 6 and so on: 9000
    /// gives the defaults, which are atm 9005, text 9006, calc 9007, chat 9008, echo 9009, datetime
    /// 9010, script 9011 and proxy 9012. A hand-out has a port of its own.
    #[arg(help_heading = NETWORK, long)]
    port: Option<u16>,

    /// The framing: netstring, len3 (three digits), line (for netcat) or raw [default: netstring; a
    /// script says its own; proxy raw]
    ///
    /// In raw framing a message is what one read returned: TCP may split or glue messages, so raw
    /// cannot be made reliable.
    #[arg(help_heading = NETWORK, long, value_parser = one_of(framing_names(), Framing::parse),
        hide_possible_values = true, value_name = "FRAMING")]
    wire: Option<Framing>,

    #[command(flatten)]
    relaying: ProxyArguments,

    #[command(flatten)]
    limits: LimitArguments,

    /// Inject faults, as drop-request=10% or drop-reply=#2,delay=20ms..80ms: see docs/faults.md
    ///
    /// They strike the messages of every service: by chance, drop-request=10%, or by count,
    /// drop-request=#2. Also drop-reply, duplicate, error, cut, reset, corrupt, glue, reorder
    /// (UDP), split=7, delay=20ms..80ms, pause=2s@#3 and crash-at=after-commit, with commas
    /// between.
    #[arg(help_heading = FAULTS, long, value_name = "FAULTS", value_parser = parse_faults)]
    fault: Option<FaultSpec>,

    /// Repeat the faults of the run that printed this seed
    #[arg(help_heading = FAULTS, long, requires = "fault")]
    seed: Option<u64>,

    #[command(flatten)]
    recording: RecordingArguments,

    #[command(flatten)]
    pub watch: WatchArguments,

    /// How log lines are written
    #[arg(help_heading = LOG, hide_short_help = true, long, value_name = "FORMAT",
        default_value = "text", global = true)]
    log_format: log::Format,

    /// Log lines of one kind about one address in ten seconds, and ten times as many about all; 0
    /// sets no limit
    #[arg(help_heading = LOG, hide_short_help = true, long, value_name = "LINES",
        default_value_t = log::LINES, global = true)]
    log_rate: u32,

    /// Log more; twice, everything
    #[arg(help_heading = LOG, short, long, action = ArgAction::Count, global = true)]
    verbose: u8,

    /// Log warnings only; twice, errors only
    #[arg(help_heading = LOG, short, long, action = ArgAction::Count, global = true)]
    quiet: u8,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Look into the bank's ledger, also while a server has it open
    Ledger {
        /// Answer in JSON: one object, or one a line
        #[arg(long, global = true)]
        json: bool,
        /// The question
        #[command(subcommand)]
        command: ledger::command::Command,
    },
    /// Judge the client of a lab, in any language, case by case
    Check(Box<CheckArguments>),
    /// Say what a running server does: who is there, what the bank has, which faults are injected
    Status {
        /// Which server
        #[command(flatten)]
        which: Which,
        /// Answer in JSON
        #[arg(long)]
        json: bool,
    },
    /// Make a running server fail, or stop failing
    Control {
        /// Which server
        #[command(flatten)]
        which: Which,
        /// What to do
        #[command(subcommand)]
        command: Control,
    },
    /// Say what this computer has in the way of a server for a class, and what to do about it
    Doctor(DoctorArguments),
    #[cfg(unix)]
    Class(ClassArguments),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Write the manual pages, of this program and of each of its commands
    Man {
        /// The directory
        directory: PathBuf,
    },
}

#[derive(Debug, Clone, Copy)]
enum HandoutChoice {
    One(Handout),
    List,
}

impl Arguments {
    /// How to log.
    pub fn log(&self) -> log::Settings {
        let clamped = |count: u8| i8::try_from(count).unwrap_or(i8::MAX);
        log::Settings {
            format: self.log_format,
            verbosity: clamped(self.verbose).saturating_sub(clamped(self.quiet)),
            rate: self.log_rate,
        }
    }

    /// The options of the log, as another `labserver` takes them.
    #[cfg(unix)]
    pub fn log_options(&self) -> Vec<OsString> {
        let format = match self.log_format {
            log::Format::Text => "text",
            log::Format::Json => "json",
        };
        let rate = self.log_rate.to_string();
        let mut options: Vec<OsString> = vec!["--log-format".into(), format.into()];
        options.extend(["--log-rate".into(), rate.into()]);
        options.extend((0..self.verbose).map(|_| OsString::from("-v")));
        options.extend((0..self.quiet).map(|_| OsString::from("-q")));
        options
    }

    /// Whether only the names of the scripts are asked for.
    pub fn lists_scripts(&self) -> bool {
        self.script == "list"
    }

    /// Whether only the names of the hand-outs are asked for.
    pub fn lists_handouts(&self) -> bool {
        matches!(self.handout, Some(HandoutChoice::List))
    }

    fn script_in_framing(&self) -> anyhow::Result<Script> {
        let script = services::script::load(&self.script)?;
        match self.wire {
            Some(framing) => script
                .in_framing(framing)
                .with_context(|| format!("--script {} --wire {framing}", self.script)),
            None => Ok(script),
        }
    }

    /// The faults; where they may be changed while the server runs, perhaps none.
    fn faults(&self, may_change: bool) -> Option<FaultPlan> {
        let seed = self.seed.unwrap_or_else(random_seed);
        let none = may_change.then(FaultSpec::default);
        let plan = FaultPlan::new(self.fault.clone().or(none)?, seed);
        // A delay of every message would hide what else happens.
        Some(plan.observed(|strike| match strike.decision.is_quiet() {
            true => tracing::debug!("{strike}"),
            false => tracing::info!("{strike}"),
        }))
    }

    fn role(&self) -> anyhow::Result<Role> {
        let proxy = self.relaying.settings(self.chosen.is_proxy());
        match self.handout {
            Some(HandoutChoice::One(handout)) => proxy.map(|_| Role::Handout(handout)),
            Some(HandoutChoice::List) | None => {
                let modes = self.chosen.modes()?;
                Ok(proxy?.map_or(Role::Services(modes), Role::Proxy))
            }
        }
    }

    /// The configuration these arguments ask for, with this page.
    pub fn config(&self, page: Option<&watch::Settings>) -> anyhow::Result<Config> {
        let role = self.role()?;
        let (bank_runs, script) = match &role {
            Role::Services(modes) if modes.contains(&Mode::Script) => {
                (modes.contains(&Mode::Atm), Some(self.script_in_framing()?))
            }
            Role::Services(modes) => (modes.contains(&Mode::Atm), None),
            // What a printed client does to its bank is not to last unless that is asked for.
            Role::Handout(handout) => {
                let is_bank = handout.mode() == Mode::Atm;
                (is_bank && self.ledger.is_some(), None)
            }
            Role::Proxy(_) => (false, None),
        };
        let ledger = if bank_runs {
            self.ledger_to_serve()?
        } else {
            None
        };
        if let Some(spec) = &self.fault {
            let checked = faults::check(spec, &role, script.as_ref());
            let warnings = checked.map_err(|words| usage(ErrorKind::ArgumentConflict, &words))?;
            warnings.iter().for_each(|words| tracing::warn!("{words}"));
        }
        let (login, framing) = match role {
            Role::Services(_) => (self.limits.login_timeout, Framing::default()),
            // A person types, and the printed servers wait.
            Role::Handout(_) => (
                self.limits.login_timeout.max(self.limits.idle_timeout),
                Framing::default(),
            ),
            Role::Proxy(_) => (self.limits.login_timeout, Framing::Raw),
        };
        let framing = self.wire.unwrap_or(framing);
        let modes = match &role {
            Role::Services(modes) => &modes[..],
            Role::Handout(_) | Role::Proxy(_) => &[],
        };
        let room = self.room.settings(modes, framing)?;
        let faults = self.faults(page.is_some());
        let follower = page.map(|page| Arc::clone(&page.feed) as Arc<dyn Follower>);
        let recorder = self.recording.recorder(faults.as_ref(), follower)?;
        let config = Config {
            role,
            bind: self.bind,
            port: self.port,
            framing,
            limits: self.limits.of_a_connection(),
            login,
            connections: self.limits.max_connections,
            prime_budget: self.limits.prime_budget,
            datagram_rate: self.limits.udp_rate,
            chat_rate: self.limits.chat_rate,
            history: self.room.history,
            room,
            faults,
            recorder,
            script,
            ledger,
            require_synchronous: self.require_synchronous,
            semantics: self.semantics,
            accounts: self.accounts.clone(),
            ..Config::default()
        };
        let mut ports = config.modes().iter().map(|mode| mode.default_port());
        if ports.any(|port| config.port_of(port).is_none()) {
            let words = "--port is where the ports of several services are counted from, and none \
                is above 65535: choose a lower one";
            return Err(usage(ErrorKind::ValueValidation, words));
        }
        Ok(config)
    }
}

/// The completion script of one shell.
pub fn completions(shell: Shell) -> Vec<u8> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "labserver", &mut script);
    script
}

/// Writes the manual pages into this directory.
///
/// # Errors
/// When they cannot be written there.
pub fn write_manual(directory: &Path) -> anyhow::Result<()> {
    let written = manual::write(Arguments::command(), &["labclient"], directory);
    written.with_context(|| format!("cannot write into {}", directory.display()))
}

/// What makes each argument good but not all of them together.
fn usage(kind: ErrorKind, words: &str) -> anyhow::Error {
    Arguments::command().error(kind, words).into()
}

/// A value that is one of these names, so that a shell can complete it.
fn one_of<T: Clone + Send + Sync + 'static>(
    names: impl IntoIterator<Item = &'static str>,
    parse: fn(&str) -> Option<T>,
) -> impl TypedValueParser<Value = T> {
    PossibleValuesParser::new(names).try_map(move |name| parse(&name).ok_or("no such name"))
}

fn handout_names() -> impl Iterator<Item = &'static str> {
    Handout::ALL.into_iter().map(Handout::name).chain(["list"])
}

fn parse_handout(name: &str) -> Option<HandoutChoice> {
    match name {
        "list" => Some(HandoutChoice::List),
        _ => Handout::parse(name).map(HandoutChoice::One),
    }
}

fn parse_semantics(text: &str) -> Result<Semantics, String> {
    Semantics::parse(text).ok_or_else(|| Semantics::ALL.map(Semantics::name).join(", "))
}

fn framing_names() -> impl Iterator<Item = &'static str> {
    Framing::ALL.into_iter().map(Framing::name)
}

fn parse_faults(text: &str) -> Result<FaultSpec, String> {
    FaultSpec::parse_for(Side::Server, text)
}
