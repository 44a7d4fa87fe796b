//! `labserver class`: the arguments, and what is printed.

use std::ffi::OsString;
use std::fmt::Write;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use jiff::Timestamp;
use serde_json::json;
use server::class::control::{Answer, GroupStatus, Question, ResetOutcome, ask};
use server::class::file::{Class, Group, MAX_GROUPS};
use server::class::init::{NewClass, init};
use server::class::sheet::{self, Format, Page};
use server::class::supervisor::{CARDS, Running, run, stopped};
use server::class::{accounts, archive, files};
use server::log::Log;

use super::help::NETWORK;
use super::parse_address;

/// Most cards that are made up for one group.
const MAX_CARDS: u64 = 100;

const EXAMPLES: &str = "\
Examples:
  labserver class init --groups 20 --bind 0.0.0.0
                                    write class.toml, and cards with PINs
  labserver class run               start all groups; Ctrl-C ends them
  labserver class sheet --format html --out sheets
                                    a page to print for each group
  labserver class reset group-07    archive what it did, and start afresh

Each takes the class's file as an argument too [default: class.toml].
docs/classroom.md says what is kept where, and what is isolated from what.";

/// Run a class of groups that do not meet
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct ClassArguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Write the file of a new class, and the accounts of its groups
    ///
    /// Cards and PINs are made up. A class for this computer alone, on a loopback address, has those
    /// of the printed labs instead, whose PINs everybody knows.
    Init(InitArguments),
    /// Run all groups, until Ctrl-C
    ///
    /// Each group is a process, with a bank, a room, faults and a recording of its own. One that ends
    /// by itself is started again. When all are ready, a table of their ports is printed.
    Run {
        /// The class's file
        #[arg(value_name = "CLASS.toml", default_value = "class.toml")]
        class: PathBuf,
    },
    /// Say how each group is; exit status 1 when the class does not run
    Status {
        /// Print a JSON object
        #[arg(long)]
        json: bool,

        /// The class's file
        #[arg(value_name = "CLASS.toml", default_value = "class.toml")]
        class: PathBuf,
    },
    /// Archive what groups have done, and start them afresh with the same accounts
    ///
    /// Their connections end; those of other groups stay. Ledger, recording and log are moved into the
    /// class's archive. While the class does not run, only the files are moved.
    Reset {
        /// The groups, and the class's file [default: class.toml], which ends in .toml
        #[arg(value_name = "GROUP|CLASS.toml", required_unless_present = "all")]
        which: Vec<String>,

        /// All groups
        #[arg(long)]
        all: bool,
    },
    /// Print a page for each group, with ports, cards, PINs and first commands
    Sheet {
        /// The groups [default: all], and the class's file [default: class.toml], which ends in .toml
        #[arg(value_name = "GROUP|CLASS.toml")]
        which: Vec<String>,

        /// Write the pages in this format
        #[arg(long, value_enum, default_value = "md")]
        format: Format,

        /// Write a file for each group into this directory, which no other user may read
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
    },
    /// Pack all that groups have and had into one file, with the audit of each bank
    ///
    /// Without PINs. Also while the class runs; exit status 1 when an audit finds a violation.
    Archive {
        /// The new file [default: CLASS-TIME.tar.gz]
        #[arg(long, value_name = "FILE.tar.gz")]
        out: Option<PathBuf>,

        /// The class's file
        #[arg(value_name = "CLASS.toml", default_value = "class.toml")]
        class: PathBuf,
    },
}

#[derive(Debug, Args)]
struct InitArguments {
    /// How many groups
    #[arg(long, value_name = "COUNT", default_value_t = 20,
        value_parser = clap::value_parser!(u64).range(1..=MAX_GROUPS as u64))]
    groups: u64,

    /// Accounts of each group, if they are made up
    #[arg(long, value_name = "COUNT", default_value_t = CARDS as u64, conflicts_with = "accounts",
        value_parser = clap::value_parser!(u64).range(1..=MAX_CARDS))]
    cards: u64,

    /// Open the accounts of this file instead: for each group, or that of a `group` column
    ///
    /// A table has the names of its columns in the first line: card and holder, and where wanted
    /// group, pin and balance. A PIN that is left out is made up. A TOML file is as `labserver ledger
    /// accounts --example` prints it.
    #[arg(long, value_name = "FILE.csv|FILE.toml")]
    accounts: Option<PathBuf>,

    /// The address to listen on; 0.0.0.0 is every interface, reachable by other machines
    #[arg(help_heading = NETWORK, long, value_name = "ADDRESS", default_value = "127.0.0.1",
        value_parser = parse_address)]
    bind: IpAddr,

    /// What the ports of the first group are counted from: atm is 5 above it; those of the next group
    /// are 100 higher
    #[arg(help_heading = NETWORK, long, value_name = "PORT", default_value_t = 9100,
        value_parser = clap::value_parser!(u16).range(1..))]
    port_base: u16,

    /// The new file
    #[arg(value_name = "CLASS.toml", default_value = "class.toml")]
    class: PathBuf,
}

impl ClassArguments {
    /// Does what is asked.
    pub fn run(
        &self,
        log_options: Vec<OsString>,
        log: &Log,
        print: fn(&[u8]) -> anyhow::Result<()>,
    ) -> anyhow::Result<ExitCode> {
        let say = |text: &str| print(text.as_bytes());
        match &self.command {
            Command::Init(arguments) => say(&arguments.init()?)?,
            Command::Run { class } => {
                let running = Running {
                    log_options,
                    log: log.clone(),
                };
                run(&Class::read(class)?, &running, say)?;
            }
            Command::Status { json, class } => return status(&Class::read(class)?, *json, say),
            Command::Reset { which, all } => {
                let (class, groups) = chosen(which)?;
                if groups.is_empty() != *all {
                    bail!("name the groups to reset, or give --all for all of them");
                }
                return reset(&class, names(&class, groups), say);
            }
            Command::Sheet { which, format, out } => {
                let (class, groups) = chosen(which)?;
                let groups = names(&class, groups);
                sheets(&class, &groups, *format, out.as_deref(), say)?;
            }
            Command::Archive { out, class } => {
                let class = Class::read(class)?;
                let summary = archive::write(&class, out.as_deref(), Timestamp::now())?;
                let (file, bytes) = (summary.file.display(), summary.bytes);
                say(&format!(
                    "{file}: {bytes} bytes, {} ledgers\n",
                    summary.ledgers
                ))?;
                if let Some(first) = summary.unsound.first() {
                    let count = summary.unsound.len();
                    say(&format!(
                        "{count} of them not sound: {first}/audit.json says why\n"
                    ))?;
                    return Ok(ExitCode::FAILURE);
                }
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// The class, and the groups of it that are named. A group's name has no full stop.
fn chosen(which: &[String]) -> anyhow::Result<(Class, Vec<String>)> {
    let (files, groups): (Vec<_>, Vec<_>) = which.iter().partition(|it| it.ends_with(".toml"));
    let class = match files[..] {
        [] => Class::read(Path::new("class.toml"))?,
        [file] => Class::read(Path::new(file))?,
        [_, second, ..] => bail!("{second} is a second class: one at a time"),
    };
    let mut names: Vec<String> = Vec::new();
    for name in groups {
        class.group(name)?;
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    Ok((class, names))
}

/// The names of these groups, or of all if there are none.
fn names(class: &Class, groups: Vec<String>) -> Vec<String> {
    match groups.is_empty() {
        true => class.groups.iter().map(|it| it.name.clone()).collect(),
        false => groups,
    }
}

impl InitArguments {
    fn init(&self) -> anyhow::Result<String> {
        let new = NewClass {
            groups: usize::try_from(self.groups).unwrap_or(MAX_GROUPS),
            bind: self.bind,
            port_base: self.port_base,
            accounts: self.accounts.clone(),
            cards: usize::try_from(self.cards).unwrap_or(CARDS),
        };
        let class = init(&self.class, &new)?;
        let (file, cards) = (class.file.display(), class.files.cards());
        Ok(format!(
            "{file}: {} groups\n{}: their cards with PINs, for you alone\n\
             next: labserver class run {file}\n",
            class.groups.len(),
            cards.display(),
        ))
    }
}

fn status(
    class: &Class,
    is_json: bool,
    say: impl Fn(&str) -> anyhow::Result<()>,
) -> anyhow::Result<ExitCode> {
    let answer = ask(&class.files.control(), &Question::Status)?;
    let is_running = answer.is_some();
    let groups = match answer {
        Some(Answer::Status(groups)) => groups,
        Some(_) => bail!("the class that runs gave an answer to another question"),
        None => class.groups.iter().map(stopped).collect(),
    };
    say(&match is_json {
        true => {
            let status = json!({ "class": class.name, "running": is_running, "groups": groups });
            format!("{status}\n")
        }
        false => in_lines(class, is_running, &groups),
    })?;
    Ok(match is_running {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

fn in_lines(class: &Class, is_running: bool, groups: &[GroupStatus]) -> String {
    let name = &class.name;
    if !is_running {
        let file = class.file.display();
        return format!("{name} does not run: `labserver class run {file}` starts it\n");
    }
    let mut lines = format!("{name} runs\n");
    let width = groups.iter().map(|it| it.name.len()).max().unwrap_or(0);
    for group in groups {
        let GroupStatus { name, port, .. } = group;
        let state = group.state.name();
        // Writing to a String cannot fail.
        let _ = write!(lines, "{name:width$}  {state:8}  ports from {port}");
        if let Some(since) = group.since {
            let _ = write!(lines, "  since {}", since.strftime("%H:%M:%S UTC"));
        }
        if let Some(process) = group.process {
            let _ = write!(lines, "  process {process}");
        }
        if group.restarts > 0 {
            let times = match group.restarts {
                1 => "once".to_owned(),
                count => format!("{count} times"),
            };
            let _ = write!(lines, "  started again {times}");
        }
        lines.push('\n');
    }
    lines
}

fn reset(
    class: &Class,
    names: Vec<String>,
    say: impl Fn(&str) -> anyhow::Result<()>,
) -> anyhow::Result<ExitCode> {
    let question = Question::Reset(names.clone());
    let outcomes = match ask(&class.files.control(), &question)? {
        Some(Answer::Reset(outcomes)) => outcomes,
        Some(_) => bail!("the class that runs gave an answer to another question"),
        None => reset_files(class, names)?,
    };
    let mut status = ExitCode::SUCCESS;
    for outcome in outcomes {
        let name = outcome.name;
        say(&match (outcome.failed, outcome.archived) {
            (Some(words), _) => {
                status = ExitCode::FAILURE;
                format!("{name} was not reset: {words}\n")
            }
            (None, Some(path)) => format!("{name}: archived in {}\n", path.display()),
            (None, None) => format!("{name} has done nothing yet\n"),
        })?;
    }
    Ok(status)
}

/// Resets groups of a class that does not run.
fn reset_files(class: &Class, names: Vec<String>) -> anyhow::Result<Vec<ResetOutcome>> {
    let _lock = class.files.lock()?.with_context(|| {
        let name = &class.name;
        format!("{name} is just starting or stopping: try again in a few seconds")
    })?;
    let reset = |name: String| {
        let archived = class.files.set_aside(&name, Timestamp::now())?;
        Ok(ResetOutcome {
            name,
            archived,
            failed: None,
        })
    };
    names.into_iter().map(reset).collect()
}

fn sheets(
    class: &Class,
    names: &[String],
    format: Format,
    out: Option<&Path>,
    say: impl Fn(&str) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let groups = names.iter().map(|name| class.group(name));
    let groups: Vec<&Group> = groups.collect::<anyhow::Result<_>>()?;
    let addresses = sheet::addresses(class)?;
    let accounts = accounts::kept(&class.files, &class.groups)?;
    let page = |group: &Group| sheet::page(class, group, &addresses, &accounts);
    let Some(out) = out else {
        let pages: Vec<Page> = groups.into_iter().map(page).collect();
        return say(&sheet::render(&pages, format));
    };
    state::create_directory(out, out)?;
    for group in groups {
        let file = out.join(format!("{}.{}", group.name, format.extension()));
        let text = sheet::render(&[page(group)], format);
        files::write_private(&file, text.as_bytes())?;
        say(&format!("{}\n", file.display()))?;
    }
    Ok(())
}
