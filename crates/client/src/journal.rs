//! What a cash machine must not forget: an append-only file of one-line records, each synced before
//! [`Journal::append`] returns.
//!
//! A record on disk is its CRC-32, a blank, its text and a line feed. The file is filled with
//! zeros ahead of the records, since overwriting syncs nearly twice as fast as growing. A torn last
//! record, which a crash may leave, is cut off and reported: nothing was done on the strength of it,
//! because `append` had not returned. Damage before the last record is not repaired.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// How far ahead the file is filled with zeros, in bytes: some hundred transactions.
const FILLED_AHEAD: u64 = 64 * 1024;

/// Largest journal that is read, in bytes.
const MAX_SIZE: u64 = 64 * 1024 * 1024;

/// A journal, held by this process alone.
#[derive(Debug)]
pub struct Journal {
    file: File,
    path: PathBuf,
    /// Where the next record goes.
    end: u64,
    /// How far the file is filled.
    filled: u64,
}

/// Why a journal cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// Another process has it.
    #[error("{} is in use: another labclient is this machine; give this one another --terminal",
        .0.display())]
    InUse(PathBuf),
    /// It cannot be read or written.
    #[error("{}: {error}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        error: io::Error,
    },
    /// A record that is not the last is damaged: what it said is not known.
    #[error("{} is damaged at record {record}: the file was changed or the disk failed. \
        Compare it with `labserver ledger unsettled`, settle by hand, then move the file away",
        .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The record's number, from 1.
        record: usize,
    },
}

/// What a journal held when it was opened.
#[derive(Debug, PartialEq, Eq)]
pub struct Opened {
    /// Every record, in order.
    pub records: Vec<String>,
    /// Whether the last record was torn, and cut off.
    pub was_torn: bool,
}

impl Journal {
    /// Opens the journal, or makes an empty one, and takes it for this process.
    ///
    /// # Errors
    /// When another process has it, it cannot be used, or it is damaged.
    pub fn open(path: &Path) -> Result<(Journal, Opened), JournalError> {
        let failed = |error| JournalError::Io {
            path: path.to_owned(),
            error,
        };
        let is_new = !path.exists();
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(failed)?;
        file.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => JournalError::InUse(path.to_owned()),
            TryLockError::Error(error) => failed(error),
        })?;
        if is_new && let Some(directory) = path.parent() {
            // Otherwise a power cut may take the whole file with it.
            File::open(directory)
                .and_then(|directory| directory.sync_all())
                .map_err(failed)?;
        }
        let mut bytes = Vec::new();
        (&mut file)
            .take(MAX_SIZE)
            .read_to_end(&mut bytes)
            .map_err(failed)?;
        let (records, end, was_torn) =
            read_records(&bytes).map_err(|record| JournalError::Damaged {
                path: path.to_owned(),
                record,
            })?;
        let mut journal = Journal {
            file,
            path: path.to_owned(),
            end,
            filled: bytes.len() as u64,
        };
        if was_torn {
            journal.fill(journal.end).map_err(failed)?;
        }
        Ok((journal, Opened { records, was_torn }))
    }

    /// The records of a journal, without taking it: another process may have it.
    ///
    /// # Errors
    /// When it cannot be read, or is damaged.
    pub fn read(path: &Path) -> Result<Opened, JournalError> {
        let failed = |error| JournalError::Io {
            path: path.to_owned(),
            error,
        };
        let mut bytes = Vec::new();
        File::open(path)
            .and_then(|file| file.take(MAX_SIZE).read_to_end(&mut bytes))
            .map_err(failed)?;
        let (records, _, was_torn) =
            read_records(&bytes).map_err(|record| JournalError::Damaged {
                path: path.to_owned(),
                record,
            })?;
        Ok(Opened { records, was_torn })
    }

    /// Writes one record, and returns when it is on disk. The text holds no line feed.
    ///
    /// # Errors
    /// When it could not be written: then whether it is there is not known, and nothing may be done
    /// on the strength of it.
    pub fn append(&mut self, record: &str) -> Result<(), JournalError> {
        self.write(record).map_err(|error| JournalError::Io {
            path: self.path.clone(),
            error,
        })
    }

    fn write(&mut self, record: &str) -> io::Result<()> {
        let line = format!("{:08x} {record}\n", crc32fast::hash(record.as_bytes()));
        let end = self.end + line.len() as u64;
        self.file.seek(SeekFrom::Start(self.end))?;
        self.file.write_all(line.as_bytes())?;
        if end > self.filled {
            self.fill(end)?;
        }
        self.file.sync_data()?;
        self.end = end;
        Ok(())
    }

    /// Fills the file with zeros from here on.
    fn fill(&mut self, from: u64) -> io::Result<()> {
        let until = self.filled.max(from) + FILLED_AHEAD;
        self.file.seek(SeekFrom::Start(from))?;
        io::copy(&mut io::repeat(0).take(until - from), &mut self.file)?;
        self.file.sync_all()?;
        self.filled = until;
        Ok(())
    }
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
mod tests {
    use super::*;

    fn directory() -> tempfile::TempDir {
        tempfile::tempdir().unwrap()
    }

    #[test]
    fn records_are_there_when_the_journal_is_opened_again() {
        let directory = directory();
        let path = directory.path().join("journal");
        let (mut journal, opened) = Journal::open(&path).unwrap();
        assert_eq!(
            opened,
            Opened {
                records: vec![],
                was_torn: false
            }
        );
        for number in 0..3000 {
            journal
                .append(&format!("record {number} {}", "x".repeat(50)))
                .unwrap();
        }
        drop(journal);
        let (mut journal, opened) = Journal::open(&path).unwrap();
        assert_eq!(opened.records.len(), 3000);
        journal.append("one more").unwrap();
        drop(journal);
        assert_eq!(Journal::open(&path).unwrap().1.records[3000], "one more");
    }

    #[test]
    fn a_second_process_is_refused() {
        let directory = directory();
        let path = directory.path().join("journal");
        let _first = Journal::open(&path).unwrap();
        assert!(matches!(Journal::open(&path), Err(JournalError::InUse(_))));
    }

    #[test]
    fn a_torn_last_record_is_cut_off_wherever_it_was_torn() {
        let directory = directory();
        let path = directory.path().join("journal");
        let (mut journal, _) = Journal::open(&path).unwrap();
        journal.append("first").unwrap();
        journal.append("second").unwrap();
        drop(journal);
        let whole = std::fs::read(&path).unwrap();
        let length = "00000000 first\n00000000 second\n".len();
        for cut in "00000000 first\n".len() + 1..length {
            let mut torn = whole.clone();
            torn[cut..].fill(0);
            std::fs::write(&path, &torn).unwrap();
            let (mut journal, opened) = Journal::open(&path).unwrap();
            assert_eq!(
                (opened.records, opened.was_torn),
                (vec!["first".into()], true),
                "{cut}"
            );
            journal.append("third").unwrap();
            drop(journal);
            let (_, opened) = Journal::open(&path).unwrap();
            assert_eq!(opened.records, ["first", "third"]);
            assert!(!opened.was_torn);
        }
    }

    #[test]
    fn damage_before_the_last_record_is_refused_by_its_number() {
        let directory = directory();
        let path = directory.path().join("journal");
        let (mut journal, _) = Journal::open(&path).unwrap();
        for text in ["first", "second", "third"] {
            journal.append(text).unwrap();
        }
        drop(journal);
        let mut bytes = std::fs::read(&path).unwrap();
        bytes["00000000 first\n00000000 s".len()] = b'X';
        std::fs::write(&path, &bytes).unwrap();
        let error = Journal::open(&path).unwrap_err();
        assert!(
            matches!(error, JournalError::Damaged { record: 2, .. }),
            "{error}"
        );
    }
}
