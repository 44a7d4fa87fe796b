//! The physical machine: its name, its journal and its drawer, in a directory of its own.
//!
//! `$XDG_STATE_HOME/socketlab/atm/BANK/NAME/`, where BANK is the bank's address: what is open with
//! one bank is not settled with another.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use proto::atm::Money;
use proto::atm::machine::{Damage, Machine, Record};
use proto::atm::semantics::Protections;
use proto::name::Name;
use wire::fault::crash::{CrashPoint, crash_if_due};
use wire::record::{About, Recorder};

use crate::drawer::Drawer;
use crate::failure::Failure;
use crate::journal::{Journal, JournalError, Opened};

/// What is in a new drawer, in hundredths: a million. A lab never empties it; `load` fills it.
const FILLING: i64 = 100_000_000;

/// Names tried for a machine that was given none.
const MAX_UNNAMED: u32 = 1_000;

/// A machine's journal and drawer, held by this process alone.
#[derive(Debug)]
pub struct Terminal {
    name: Name,
    journal: Journal,
    drawer: Drawer,
    recorder: Option<Recorder>,
}

/// Where the machines of one bank are kept.
#[derive(Debug, Clone)]
pub struct Machines {
    directory: PathBuf,
}

impl Machines {
    /// The machines of the bank at this address.
    ///
    /// # Errors
    /// When there is no place for them.
    pub fn of(server: &str) -> Result<Machines, Failure> {
        let stated = std::env::var_os("XDG_STATE_HOME").map(PathBuf::from);
        let state = stated
            .filter(|path| path.is_absolute())
            .or_else(|| std::env::home_dir().map(|home| home.join(".local/state")))
            .ok_or_else(|| Failure::Usage("there is no home directory for the journal".into()))?;
        let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '-';
        let bank = server.replace(|c| !is_plain(c), "_");
        Ok(Machines {
            directory: state.join("socketlab/atm").join(bank),
        })
    }

    /// Machines whose cash and journal are forgotten with this directory.
    pub fn within(directory: &Path) -> Machines {
        Machines {
            directory: directory.to_owned(),
        }
    }

    /// Opens the machine of this name, or the first that no other process is.
    ///
    /// # Errors
    /// When another process is that machine, or its journal cannot be used.
    pub fn open(
        &self,
        name: Option<&Name>,
        protections: Protections,
    ) -> Result<(Terminal, Machine), Failure> {
        if let Some(name) = name {
            return self
                .open_named(name, protections)
                .map_err(Refused::into_failure);
        }
        for number in 1..=MAX_UNNAMED {
            let name: Name = format!("ATM-{number}").parse().map_err(Failure::Refused)?;
            match self.open_named(&name, protections) {
                Err(Refused::InUse(_)) => {}
                Err(refused) => return Err(refused.into_failure()),
                Ok(opened) => return Ok(opened),
            }
        }
        Err(Failure::Usage(format!(
            "{MAX_UNNAMED} machines are in use: give --terminal NAME"
        )))
    }

    /// The names of all machines that have a journal, in order.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub fn names(&self) -> Result<Vec<Name>, Failure> {
        let unreadable = |error: io::Error| cannot_use(&self.directory, &error);
        let entries = match fs::read_dir(&self.directory) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(unreadable)?,
        };
        let mut names = Vec::new();
        for entry in entries {
            let name = entry.map_err(unreadable)?.file_name();
            names.extend(name.to_str().and_then(|name| name.parse::<Name>().ok()));
        }
        names.sort();
        Ok(names)
    }

    /// The records of a machine, also while another process is it.
    ///
    /// # Errors
    /// When its journal cannot be read.
    pub fn records(&self, name: &Name) -> Result<Vec<String>, Failure> {
        let path = self.directory.join(name.as_str()).join("journal");
        Journal::read(&path)
            .map(|opened| opened.records)
            .map_err(|error| unusable(&error))
    }

    fn open_named(
        &self,
        name: &Name,
        protections: Protections,
    ) -> Result<(Terminal, Machine), Refused> {
        let directory = self.directory.join(name.as_str());
        let io = |error: io::Error| Refused::Failed(cannot_use(&directory, &error));
        fs::create_dir_all(&directory).map_err(io)?;
        let (journal, Opened { records, was_torn }) = Journal::open(&directory.join("journal"))
            .map_err(|error| match error {
                JournalError::InUse(_) => Refused::InUse(unusable(&error)),
                _ => Refused::Failed(unusable(&error)),
            })?;
        if was_torn {
            super::super::say("the last record of the journal was torn, and cut off");
        }
        let filling = Money::from_minor(FILLING).unwrap_or(Money::MAX);
        let drawer = Drawer::open(&directory.join("drawer"), filling).map_err(io)?;
        let damaged = |damage: Damage| {
            let words = format!("{}: {damage}; a person has to look", directory.display());
            Refused::Failed(Failure::Unknown(words.into()))
        };
        let records: Result<Vec<Record>, Damage> =
            records.iter().map(|record| record.parse()).collect();
        let records = records.map_err(damaged)?;
        let machine =
            Machine::recover_under(protections, &records, drawer.count()).map_err(damaged)?;
        Ok((
            Terminal {
                name: name.clone(),
                journal,
                drawer,
                recorder: None,
            },
            machine,
        ))
    }
}

impl Terminal {
    /// What the machine is called.
    pub fn name(&self) -> &Name {
        &self.name
    }

    /// Has it recorded what the journal and the drawer hold from here on.
    pub fn record_to(&mut self, recorder: Option<Recorder>) {
        self.recorder = recorder;
    }

    /// What is in the drawer.
    pub fn drawer(&self) -> Money {
        self.drawer.count()
    }

    /// Writes a record, and returns when it is on disk.
    ///
    /// # Errors
    /// When it could not be written.
    pub fn keep(&mut self, record: &Record) -> Result<(), Failure> {
        self.journal
            .append(&record.to_string())
            .map_err(|error| unusable(&error))?;
        if let Some(recorder) = &self.recorder {
            note(recorder, record);
        }
        if matches!(record, Record::Moved(_)) {
            crash_if_due(CrashPoint::AfterDispense);
        }
        Ok(())
    }

    /// Moves notes such that this much is in the drawer.
    ///
    /// # Errors
    /// When the drawer cannot be moved.
    pub fn move_notes(&mut self, count: Money) -> Result<(), Failure> {
        crash_if_due(CrashPoint::BeforeDispense);
        let moved = self.drawer.set(count);
        if let (Some(recorder), Ok(())) = (&self.recorder, &moved) {
            let amount = Some(count.to_string());
            recorder.note(
                "drawer",
                About {
                    amount,
                    ..About::default()
                },
            );
        }
        crash_if_due(CrashPoint::MidDispense);
        moved.map_err(|error| Failure::Unknown(format!("the drawer is stuck: {error}").into()))
    }
}

/// Has a record of the journal recorded.
fn note(recorder: &Recorder, record: &Record) {
    let text = record.to_string();
    let what = text.split(' ').next().unwrap_or_default();
    let (amount, words) = match record {
        Record::Loaded(drawer) | Record::Moving { drawer, .. } => (Some(drawer.to_string()), None),
        Record::Sending { amount, .. } => (Some(amount.to_string()), None),
        Record::Declined(_, code) | Record::Disputed(_, code) => {
            (None, Some(code.as_str().to_owned()))
        }
        Record::Moved(_)
        | Record::RollingBack(_)
        | Record::Confirmed(_)
        | Record::RolledBack(_) => (None, None),
    };
    let about = record.id().map(|id| id.to_string());
    recorder.note(
        what,
        About {
            about,
            amount,
            words,
        },
    );
}

enum Refused {
    InUse(Failure),
    Failed(Failure),
}

impl Refused {
    fn into_failure(self) -> Failure {
        match self {
            Refused::InUse(failure) | Refused::Failed(failure) => failure,
        }
    }
}

fn unusable(error: &JournalError) -> Failure {
    Failure::Usage(error.to_string())
}

fn cannot_use(path: &Path, error: &io::Error) -> Failure {
    Failure::Usage(format!("cannot use {}: {error}", path.display()))
}
