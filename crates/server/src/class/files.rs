//! What a class keeps on disk, all of it for its owner alone:
//!
//! ```text
//! class.lock                 locked while the class runs
//! control.sock               where the running class is asked
//! cards.toml                 cards and PINs as they are printed
//! group-01/accounts.toml     the group's accounts, with hashed PINs
//! group-01/bank.db           its ledger, and what SQLite keeps beside it
//! group-01/recording.jsonl   its recording
//! group-01/log.txt           its log
//! archive/20261128T090605Z-group-01/    what a group had before it was reset
//! ```

use std::fs::{self, File, TryLockError};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use jiff::Timestamp;
use state::LockedFile;

/// The ledger of a group, in its directory.
pub const LEDGER: &str = "bank.db";

/// What SQLite keeps beside the ledger.
const BESIDE_LEDGER: [&str; 2] = ["bank.db-wal", "bank.db-shm"];

/// The recording of a group, in its directory.
pub const RECORDING: &str = "recording.jsonl";

/// The log of a group, in its directory.
pub const LOG: &str = "log.txt";

/// The accounts of a group, in its directory.
pub const ACCOUNTS: &str = "accounts.toml";

/// Times that a group can be reset within one second.
const SAME_SECOND: usize = 1_000;

/// Where a class keeps its files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Files(PathBuf);

/// That the class runs, or that its files are changed while it does not: one process at a time.
#[derive(Debug)]
pub struct Lock {
    _file: LockedFile,
}

impl Files {
    /// All in this directory, which need not exist yet.
    pub fn new(directory: PathBuf) -> Files {
        Files(directory)
    }

    /// The directory.
    pub fn directory(&self) -> &Path {
        &self.0
    }

    /// The socket on which a running class is asked.
    pub fn control(&self) -> PathBuf {
        self.0.join("control.sock")
    }

    /// The cards with their PINs.
    pub fn cards(&self) -> PathBuf {
        self.0.join("cards.toml")
    }

    /// Where files are set aside.
    pub fn archive(&self) -> PathBuf {
        self.0.join("archive")
    }

    /// The directory of this group.
    pub fn group(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Makes the directory of this group.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn make_group(&self, name: &str) -> anyhow::Result<PathBuf> {
        let directory = self.group(name);
        state::create_directory(&self.0, &directory)?;
        Ok(directory)
    }

    /// Takes the lock, `None` where another process has it.
    ///
    /// # Errors
    /// When there is no directory, or the lock cannot be had.
    pub fn lock(&self) -> anyhow::Result<Option<Lock>> {
        let path = self.0.join("class.lock");
        if !self.0.is_dir() {
            bail!(
                "there is no directory {}: `labserver class init` makes it",
                self.0.display()
            );
        }
        let file = state::open(&path).with_context(|| format!("cannot open {}", path.display()))?;
        match LockedFile::try_new(file.file) {
            Ok(file) => Ok(Some(Lock { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => {
                Err(error).with_context(|| format!("cannot lock {}", path.display()))
            }
        }
    }

    /// Moves what this group has done so far into a new directory of the archive, which is returned;
    /// `None` when it has done nothing yet. Its server must not run.
    ///
    /// # Errors
    /// When a file cannot be moved: those that were moved before are in the archive.
    pub fn set_aside(&self, name: &str, now: Timestamp) -> anyhow::Result<Option<PathBuf>> {
        let from = self.group(name);
        let names = [LEDGER, RECORDING, LOG].into_iter().chain(BESIDE_LEDGER);
        let there: Vec<_> = names.filter(|name| from.join(name).exists()).collect();
        if there.is_empty() {
            return Ok(None);
        }
        let to = self.new_entry(name, now)?;
        for file in there {
            let (from, to) = (from.join(file), to.join(file));
            fs::rename(&from, &to)
                .with_context(|| format!("cannot move {} to {}", from.display(), to.display()))?;
            state::sync_entry(&to).with_context(|| format!("cannot sync {}", to.display()))?;
        }
        Ok(Some(to))
    }

    /// A new directory in the archive.
    fn new_entry(&self, name: &str, now: Timestamp) -> anyhow::Result<PathBuf> {
        let stamp = stamp(now);
        for number in 1..SAME_SECOND {
            let entry = match number {
                1 => format!("{stamp}-{name}"),
                _ => format!("{stamp}-{name}-{number}"),
            };
            let entry = self.archive().join(entry);
            if !entry.exists() {
                state::create_directory(&self.0, &entry)?;
                return Ok(entry);
            }
        }
        bail!("{name} was reset too often within a second")
    }
}

/// This moment in the name of a file.
pub fn stamp(now: Timestamp) -> String {
    now.strftime("%Y%m%dT%H%M%SZ").to_string()
}

/// Reads a file of at most this many bytes.
///
/// # Errors
/// When it cannot be read, is longer, or is no text.
pub fn read_text(path: &Path, most: u64) -> io::Result<String> {
    let mut text = String::new();
    let read = File::open(path)?.take(most + 1).read_to_string(&mut text)?;
    if read as u64 > most {
        let words = format!("it has more than {most} bytes");
        return Err(io::Error::other(words));
    }
    Ok(text)
}

/// Writes a new file that no other user may read.
///
/// # Errors
/// When there is such a file already, or it cannot be written.
pub fn write_private(path: &Path, content: &[u8]) -> anyhow::Result<()> {
    let cannot = || format!("cannot write {}", path.display());
    if path.exists() {
        bail!("{} is there already, and is left as it is", path.display());
    }
    let mut file = state::open(path).with_context(cannot)?.file;
    io::Write::write_all(&mut file, content).with_context(cannot)?;
    file.sync_all().with_context(cannot)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_group_has_done_is_set_aside_and_its_accounts_stay() {
        let directory = tempfile::tempdir().unwrap();
        let files = Files::new(directory.path().join("class"));
        let group = files.make_group("a").unwrap();
        let now = Timestamp::from_second(1_700_000_000).unwrap();
        assert_eq!(files.set_aside("a", now).unwrap(), None);
        for number in 1..3 {
            for name in [ACCOUNTS, LEDGER, RECORDING, "bank.db-wal", "bank.db.lock"] {
                fs::write(group.join(name), "x").unwrap();
            }
            let aside = files.set_aside("a", now).unwrap().unwrap();
            let name = aside.file_name().unwrap().to_str().unwrap();
            let expected = ["20231114T221320Z-a", "20231114T221320Z-a-2"][number - 1];
            assert_eq!(name, expected);
            for name in [LEDGER, RECORDING, "bank.db-wal"] {
                assert!(aside.join(name).exists() && !group.join(name).exists());
            }
            assert!(group.join(ACCOUNTS).exists());
        }
    }

    #[test]
    fn one_process_at_a_time_has_the_lock() {
        let directory = tempfile::tempdir().unwrap();
        let files = Files::new(directory.path().join("class"));
        let words = files.lock().unwrap_err().to_string();
        assert!(words.contains("there is no directory"), "{words}");
        files.make_group("a").unwrap();
        let lock = files.lock().unwrap();
        assert!(lock.is_some());
        assert!(files.lock().unwrap().is_none());
        drop(lock);
        assert!(files.lock().unwrap().is_some());
    }

    #[test]
    fn a_file_that_is_too_long_is_not_read_and_one_that_exists_not_written() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x");
        write_private(&path, b"1234").unwrap();
        assert_eq!(read_text(&path, 4).unwrap(), "1234");
        assert!(read_text(&path, 3).is_err());
        assert!(write_private(&path, b"5").is_err());
        assert_eq!(read_text(&path, 4).unwrap(), "1234");
    }
}
