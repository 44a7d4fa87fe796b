//! What a cash machine must not forget: an append-only file of one-line records, each synced before
//! [`Journal::append`] returns.
//!
//! A record on disk is its CRC-32, a blank, its text and a line feed. The file is filled with
//! zeros ahead of the records, since overwriting syncs nearly twice as fast as growing. A torn last
//! record, which a crash may leave, is cut off and reported: nothing was done on the strength of it,
//! because `append` had not returned. Damage before the last record is not repaired.
//!
//! A journal that has grown [long](Journal::is_long) is [replaced](Journal::replace) by one record
//! that says what all of its own add up to.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::disk::Disk;

/// How far ahead the file is filled with zeros, in bytes: some hundred transactions.
const FILLED_AHEAD: u64 = 64 * 1024;

/// A journal as long as this, in bytes, is to be replaced as soon as nothing is open: some thousand
/// transactions, which a start reads in a few milliseconds.
const LONG: u64 = 1024 * 1024;

/// Largest journal, in bytes. One that is larger is not read, and none is written.
const MAX_SIZE: u64 = 64 * 1024 * 1024;

/// A journal, held by this process alone.
#[derive(Debug)]
pub struct Journal<D = File> {
    file: D,
    path: PathBuf,
    /// Where the next record goes.
    end: u64,
    filled: u64,
    /// Whether a write failed, so that what is on disk is not known before the next start.
    has_failed: bool,
}

/// Why a journal cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// Another process has it.
    #[error("{} is in use: another labclient is this machine; give this one another --terminal",
        .0.display())]
    InUse(PathBuf),
    /// It cannot be read or written.
    #[error("cannot use the journal {}: {error}", .path.display())]
    Io { path: PathBuf, error: io::Error },
    /// A record that is not the last is damaged: what it said is not known.
    #[error("{} is damaged at record {record}: the file was changed or the disk failed. \
        Compare it with `labserver ledger unsettled`, settle by hand, then move the file away",
        .path.display())]
    Damaged {
        path: PathBuf,
        /// The record's number, from 1.
        record: usize,
    },
    /// It is larger than any journal of this program.
    #[error("{} has more than {MAX_SIZE} bytes, and was left as it is. Compare its end with \
        `labserver ledger unsettled`, settle by hand, then move the file away", .0.display())]
    TooLong(PathBuf),
}

#[derive(Debug, PartialEq, Eq)]
pub struct Opened {
    pub records: Vec<String>,
    /// Whether the last record was torn, and cut off.
    pub was_torn: bool,
    /// Whether other users of the computer could read or write it until now.
    pub was_shared: bool,
}

impl Journal {
    /// Opens the journal, or makes an empty one, and takes it for this process.
    pub fn open(path: &Path) -> Result<(Journal, Opened), JournalError> {
        let (file, was_shared) = take(path)?;
        let bytes = read(&file, path)?;
        let (journal, records, was_torn) = Journal::over(file, &bytes, path)?;
        let opened = Opened {
            records,
            was_torn,
            was_shared,
        };
        Ok((journal, opened))
    }

    /// The records of a journal, without taking it: another process may have it.
    pub fn read(path: &Path) -> Result<Vec<String>, JournalError> {
        let file = File::open(path).map_err(|error| failed(path, error))?;
        let bytes = read(&file, path)?;
        let (records, ..) = read_records(&bytes).map_err(|record| damaged(path, record))?;
        Ok(records)
    }

    /// Begins a new journal with this record, and puts it in the place of this one. A crash leaves
    /// one or the other.
    ///
    /// # Errors
    /// When the new one could not be written, or not put there. Then nothing more is written before
    /// the next start.
    pub fn replace(&mut self, record: &str) -> Result<(), JournalError> {
        let line = line(record);
        self.attempt(|journal| {
            let beside = journal.path.with_extension("new");
            let mut new = state::open(&beside)?.file;
            // Taken before it has the name, so that no other process takes it in between.
            new.try_lock()?;
            // One that a crash left behind.
            new.set_len(0)?;
            new.write_all(line.as_bytes())?;
            new.sync()?;
            fs::rename(&beside, &journal.path)?;
            journal.file = new;
            journal.end = line.len() as u64;
            journal.filled = journal.end;
            state::sync_entry(&journal.path)
        })
    }
}

impl<D: Disk> Journal<D> {
    /// The journal in this file, which holds these bytes; its records, and whether a torn one was
    /// cut off.
    fn over(
        file: D,
        bytes: &[u8],
        path: &Path,
    ) -> Result<(Journal<D>, Vec<String>, bool), JournalError> {
        let (records, end, was_torn) =
            read_records(bytes).map_err(|record| damaged(path, record))?;
        let mut journal = Journal {
            file,
            path: path.to_owned(),
            end,
            filled: bytes.len() as u64,
            has_failed: false,
        };
        if was_torn {
            journal.attempt(|journal| journal.fill(journal.end))?;
        }
        Ok((journal, records, was_torn))
    }

    /// Writes one record, and returns when it is on disk. The text holds no line feed.
    ///
    /// # Errors
    /// When it could not be written: then whether it is there is not known, nothing may be done on
    /// the strength of it, and nothing more is written before the next start.
    /// [`JournalError::TooLong`] when it would be the one record too many.
    pub fn append(&mut self, record: &str) -> Result<(), JournalError> {
        let line = line(record);
        let end = self.end + line.len() as u64;
        if end > MAX_SIZE {
            return Err(JournalError::TooLong(self.path.clone()));
        }
        self.attempt(|journal| {
            journal.file.seek(SeekFrom::Start(journal.end))?;
            journal.file.write_all(line.as_bytes())?;
            if end > journal.filled {
                journal.fill(end)?;
            }
            journal.file.sync()?;
            journal.end = end;
            Ok(())
        })
    }

    /// Whether it is time to replace this journal, when nothing is open.
    pub fn is_long(&self) -> bool {
        self.end >= LONG
    }

    /// Writes something, unless a write failed before.
    fn attempt(
        &mut self,
        write: impl FnOnce(&mut Self) -> io::Result<()>,
    ) -> Result<(), JournalError> {
        if self.has_failed {
            let error = io::Error::other("an earlier write failed; start again");
            return Err(failed(&self.path, error));
        }
        self.has_failed = true;
        write(self).map_err(|error| failed(&self.path, error))?;
        self.has_failed = false;
        Ok(())
    }

    /// Fills the file with zeros from here on.
    fn fill(&mut self, from: u64) -> io::Result<()> {
        let until = (self.filled.max(from) + FILLED_AHEAD).min(MAX_SIZE);
        self.file.seek(SeekFrom::Start(from))?;
        io::copy(
            &mut io::repeat(0).take(until.saturating_sub(from)),
            &mut self.file,
        )?;
        self.file.sync()?;
        self.filled = until;
        Ok(())
    }
}

/// Opens the file and takes it for this process. It is the one of that name, also if another
/// process has just put a new journal in the place of the old.
fn take(path: &Path) -> Result<(File, bool), JournalError> {
    let failed = |error| failed(path, error);
    loop {
        let state::Opened { file, was_shared } = state::open(path).map_err(failed)?;
        file.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => JournalError::InUse(path.to_owned()),
            TryLockError::Error(error) => failed(error),
        })?;
        if is_named(&file, path).map_err(failed)? {
            return Ok((file, was_shared));
        }
    }
}

/// Whether this is the file of that name.
#[cfg(unix)]
fn is_named(file: &File, path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    let open = file.metadata()?;
    match fs::metadata(path) {
        Ok(named) => Ok((open.dev(), open.ino()) == (named.dev(), named.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// A file that is open cannot be replaced here.
#[cfg(not(unix))]
fn is_named(_: &File, _: &Path) -> io::Result<bool> {
    Ok(true)
}

fn read(mut file: &File, path: &Path) -> Result<Vec<u8>, JournalError> {
    let mut bytes = Vec::new();
    let length = file.metadata().map_err(|error| failed(path, error))?.len();
    if length > MAX_SIZE {
        return Err(JournalError::TooLong(path.to_owned()));
    }
    file.read_to_end(&mut bytes)
        .map_err(|error| failed(path, error))?;
    Ok(bytes)
}

fn failed(path: &Path, error: io::Error) -> JournalError {
    JournalError::Io {
        path: path.to_owned(),
        error,
    }
}

fn damaged(path: &Path, record: usize) -> JournalError {
    JournalError::Damaged {
        path: path.to_owned(),
        record,
    }
}

fn line(record: &str) -> String {
    format!("{:08x} {record}\n", crc32fast::hash(record.as_bytes()))
}

/// The records, where they end, and whether a torn one follows.
///
/// # Errors
/// The number of a damaged record.
fn read_records(bytes: &[u8]) -> Result<(Vec<String>, u64, bool), usize> {
    let written = bytes
        .iter()
        .rposition(|byte| *byte != 0)
        .map_or(0, |last| last + 1);
    let mut records = Vec::new();
    let mut end = 0;
    let mut rest = &bytes[..written];
    while !rest.is_empty() {
        let length = rest
            .iter()
            .position(|byte| *byte == b'\n')
            .map(|found| found + 1);
        let record = length.and_then(|length| read_record(&rest[..length - 1]));
        match (record, length) {
            (Some(record), Some(length)) => {
                records.push(record);
                end += length;
                rest = &rest[length..];
            }
            // Nothing follows: this is where the machine stopped.
            (None, None) => return Ok((records, end as u64, true)),
            (None, Some(length)) if length == rest.len() => {
                return Ok((records, end as u64, true));
            }
            (_, _) => return Err(records.len() + 1),
        }
    }
    Ok((records, end as u64, false))
}

fn read_record(line: &[u8]) -> Option<String> {
    let (sum, text) = str::from_utf8(line).ok()?.split_once(' ')?;
    (sum == format!("{:08x}", crc32fast::hash(text.as_bytes()))).then(|| text.to_owned())
}

#[cfg(test)]
mod tests;
