//! The physical machine: its name, its journal and its drawer, in a directory of its own.
//!
//! `$XDG_STATE_HOME/socketlab/atm/BANK/NAME/`, where BANK is the bank's address: what is open with
//! one bank is not settled with another.

use std::fmt::Display;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use proto::atm::Money;
use proto::atm::machine::{Damage, JournalRecord, Machine};
use proto::atm::semantics::Protections;
use proto::name::Name;
use record::{EventKind, Note, NoteKind, Recorder};
use tempfile::TempDir;
use wire::fault::crash::{CrashPoint, crash_if_due};

use super::drawer::Drawer;
use super::journal::{Journal, JournalError};
use crate::failure::Failure;
use crate::output::say;

/// What is in a new drawer, in hundredths: a million. A lab never empties it; `load` fills it.
const FILLING: i64 = 100_000_000;

/// Names tried for a machine that was given none.
const MAX_UNNAMED: u32 = 1_000;

/// What to do where nothing can be kept.
const ADVICE: &str = "; set XDG_STATE_HOME to a directory of yours";

/// What to do about a machine that no command repairs.
const BY_HAND: &str = "; compare with `labserver ledger unsettled`, settle there, then move the \
    machine's directory away";

/// A machine's journal and drawer, held by this process alone.
#[derive(Debug)]
pub struct MachineStorage {
    pub(crate) name: Name,
    journal: Journal,
    drawer: Drawer,
    recorder: Option<Recorder>,
}

/// Where the machines of one bank are kept.
#[derive(Debug, Clone)]
pub struct MachineDirectory {
    /// The directory of this program, which holds the other.
    ours: PathBuf,
    directory: PathBuf,
}

impl MachineDirectory {
    /// The machines of the bank at this address.
    pub(crate) fn of(server: &str) -> Result<MachineDirectory, Failure> {
        let ours = state::directory().map_err(|error| Failure::Usage(error.to_string()))?;
        let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '-';
        let bank = server.replace(|c| !is_plain(c), "_");
        Ok(MachineDirectory {
            directory: ours.join("atm").join(bank),
            ours,
        })
    }

    /// Machines in a new directory, whose cash and journals are removed with it.
    pub(crate) fn temporary() -> Result<(MachineDirectory, TempDir), Failure> {
        let directory = tempfile::tempdir()
            .map_err(|error| Failure::Resource(format!("no place for a journal: {error}")))?;
        Ok((MachineDirectory::within(directory.path()), directory))
    }

    /// Machines whose cash and journals are removed with this directory.
    pub fn within(directory: &Path) -> MachineDirectory {
        MachineDirectory {
            ours: directory.to_owned(),
            directory: directory.to_owned(),
        }
    }

    /// Opens the machine of this name, or the first that no other process is and that is in order.
    ///
    /// # Errors
    /// When another process is that machine, or it cannot be used.
    pub fn open(
        &self,
        name: Option<&Name>,
        protections: Protections,
    ) -> Result<(MachineStorage, Machine), Failure> {
        self.open_recovered(name, protections, Machine::recover_under)
    }

    /// As [`open`](MachineDirectory::open), with the machine recovered by this function. An operator
    /// who has counted the notes recovers one whose drawer need not have what the journal says.
    pub(crate) fn open_recovered(
        &self,
        name: Option<&Name>,
        protections: Protections,
        recover: Recover,
    ) -> Result<(MachineStorage, Machine), Failure> {
        let open = |name: &Name| self.open_named(name, protections, recover);
        if let Some(name) = name {
            return open(name).map_err(|(_, failure)| failure);
        }
        for number in 1..=MAX_UNNAMED {
            let name: Name = format!("ATM-{number}").parse().map_err(Failure::Refused)?;
            match open(&name) {
                Err((Refused::InUse, _)) => {}
                Err((Refused::Damaged, damage)) => {
                    let damage = damage.words().unwrap_or_default();
                    say(&format!(
                        "{name} is out of order, and passed over: {damage}"
                    ));
                }
                opened => return opened.map_err(|(_, failure)| failure),
            }
        }
        Err(Failure::Usage(format!(
            "{MAX_UNNAMED} machines are in use or out of order: give --terminal NAME"
        )))
    }

    /// The names of all machines that have a journal, in order.
    pub(crate) fn names(&self) -> Result<Vec<Name>, Failure> {
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

    /// The records of a machine as they may be shown, also while another process is it. What is no
    /// record is cut before a key could stand in it.
    pub(crate) fn records(&self, name: &Name) -> Result<Vec<String>, Failure> {
        let path = self.directory.join(name.as_str()).join("journal");
        let lines = Journal::read(&path).map_err(|error| unusable(&error))?;
        let shown = |line: &String| match line.parse::<JournalRecord>() {
            Ok(record) => record.without_key().to_string(),
            Err(_) => line.splitn(4, ' ').take(3).collect::<Vec<_>>().join(" "),
        };
        Ok(lines.iter().map(shown).collect())
    }

    fn open_named(
        &self,
        name: &Name,
        protections: Protections,
        recover: Recover,
    ) -> Result<(MachineStorage, Machine), (Refused, Failure)> {
        let directory = self.directory.join(name.as_str());
        state::create_directory(&self.ours, &directory).map_err(|error| {
            let words = format!("{error} for the journal and the drawer{ADVICE}");
            (Refused::Failed, Failure::Resource(words))
        })?;
        let (journal, opened) =
            Journal::open(&directory.join("journal")).map_err(|error| match error {
                JournalError::InUse(_) => (Refused::InUse, unusable(&error)),
                JournalError::Damaged { .. } | JournalError::TooLong(_) => {
                    (Refused::Damaged, unusable(&error))
                }
                JournalError::Io { path, error } => (Refused::Failed, cannot_use(&path, &error)),
            })?;
        if opened.was_torn {
            say("the last record of the journal was torn, and cut off");
        }
        if opened.was_shared {
            say(&format!(
                "the journal of {name} was open to other users of this computer; now it is yours \
                 alone"
            ));
        }
        let damaged = |damage: &dyn Display, advice: &str| {
            let words = format!("{}: {damage}{advice}", directory.display());
            (Refused::Damaged, Failure::Unknown(words.into()))
        };
        let filling = Money::from_minor(FILLING).unwrap_or(Money::MAX);
        let drawer =
            Drawer::open(&directory.join("drawer"), filling).map_err(|error| {
                match error.kind() {
                    io::ErrorKind::InvalidData => damaged(&error, BY_HAND),
                    _ => (
                        Refused::Failed,
                        cannot_use(&directory.join("drawer"), &error),
                    ),
                }
            })?;
        let records = opened.records.iter().map(|record| record.parse());
        let records: Result<Vec<JournalRecord>, Damage> = records.collect();
        let records = records.map_err(|damage| damaged(&damage, BY_HAND))?;
        let machine = recover(protections, &records, drawer.count()).map_err(|damage| {
            let is_loadable =
                Machine::recover_to_load(protections, &records, drawer.count()).is_ok();
            let load = format!(", then `labclient atm --terminal {name} load COUNT`");
            damaged(&damage, if is_loadable { &load } else { BY_HAND })
        })?;
        Ok((
            MachineStorage {
                name: name.clone(),
                journal,
                drawer,
                recorder: None,
            },
            machine,
        ))
    }
}

impl MachineStorage {
    /// Has it recorded what the journal and the drawer hold from here on.
    pub(crate) fn record_to(&mut self, recorder: Option<Recorder>) {
        self.recorder = recorder;
    }

    /// What is in the drawer.
    pub fn drawer(&self) -> Money {
        self.drawer.count()
    }

    /// Writes a record, and returns when it is on disk.
    pub(crate) fn keep(&mut self, record: &JournalRecord) -> Result<(), Failure> {
        self.journal
            .append(&record.to_string())
            .map_err(|error| unusable(&error))?;
        if let Some(recorder) = &self.recorder {
            recorder.record(None, EventKind::Note(record.into()));
        }
        if matches!(record, JournalRecord::Moved(_)) {
            crash_if_due(CrashPoint::AfterDispense);
        }
        Ok(())
    }

    /// Replaces a journal that has grown long by one record of what its records add up to, while
    /// the machine has nothing to do and nothing is open.
    pub(crate) fn shorten(&mut self, machine: &Machine) -> Result<(), Failure> {
        if !machine.is_at_rest() || !self.journal.is_long() {
            return Ok(());
        }
        self.journal
            .replace(&JournalRecord::Loaded(machine.drawer()).to_string())
            .map_err(|error| unusable(&error))
    }

    /// Moves notes such that this much is in the drawer.
    pub(crate) fn move_notes(&mut self, count: Money) -> Result<(), Failure> {
        crash_if_due(CrashPoint::BeforeDispense);
        let moved = self.drawer.set(count);
        if let (Some(recorder), Ok(())) = (&self.recorder, &moved) {
            let note = Note {
                amount: Some(count.to_string()),
                ..NoteKind::Drawer.into()
            };
            recorder.record(None, EventKind::Note(note));
        }
        crash_if_due(CrashPoint::MidDispense);
        moved.map_err(|error| Failure::Unknown(format!("the drawer is stuck: {error}").into()))
    }
}

/// How a machine is started from its journal and its drawer.
pub(crate) type Recover = fn(Protections, &[JournalRecord], Money) -> Result<Machine, Damage>;

/// Why a machine is not opened.
enum Refused {
    InUse,
    /// What it kept makes no sense, so that an operator has to look.
    Damaged,
    Failed,
}

fn unusable(error: &JournalError) -> Failure {
    match error {
        JournalError::InUse(_) => Failure::Usage(error.to_string()),
        JournalError::Io { .. } | JournalError::Damaged { .. } | JournalError::TooLong(_) => {
            Failure::Resource(error.to_string())
        }
    }
}

fn cannot_use(path: &Path, error: &io::Error) -> Failure {
    let advice = match error.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => ADVICE,
        _ => "",
    };
    Failure::Resource(format!("cannot use {}: {error}{advice}", path.display()))
}
