//! That one server has a ledger, whatever it calls it.
//!
//! A file beside the ledger is locked, which keeps out who comes by the same name; and the ledger
//! itself, which keeps out who comes by another: after it was renamed under a running server, or
//! through a directory that is mounted twice.
//!
//! The lock on the ledger must live with SQLite's own, which are POSIX record locks. Those are a
//! process's, and it loses all it has on a file with the first descriptor of that file it closes.
//! So ours is on one byte that SQLite does not use, and belongs to the open file (an "open file
//! description lock"); it is taken before SQLite opens the file, and closed after. `flock` would be
//! simpler, but over NFS it is a record lock on the whole file, and keeps SQLite out. Where there
//! are no such locks, there is the file beside alone.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use state::LockedFile;

/// Locks that are held until they are dropped.
#[derive(Debug)]
pub struct Lock {
    itself: File,
    _beside: LockedFile,
}

/// Why there is no lock.
#[derive(Debug)]
pub enum LockError {
    /// Another process has it.
    Taken,
    /// The system does not give one.
    Io(io::Error),
}

impl Lock {
    /// Takes the locks of this ledger, which exists.
    pub fn take(ledger: &Path) -> Result<Lock, LockError> {
        let mut beside = ledger.as_os_str().to_owned();
        beside.push(".lock");
        // It is never removed, or two servers could lock two files of the same name.
        let beside = LockedFile::try_new(state::open(&PathBuf::from(beside))?.file)?;
        let itself = OpenOptions::new().read(true).write(true).open(ledger)?;
        lock_a_byte(&itself, Change::Lock)?;
        Ok(Lock {
            itself,
            _beside: beside,
        })
    }
}

/// See [`LockedFile`].
impl Drop for Lock {
    fn drop(&mut self) {
        // What cannot be unlocked is unlocked when the file is closed.
        let _ = lock_a_byte(&self.itself, Change::Unlock);
    }
}

/// What is done with the lock on a byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    Lock,
    Unlock,
}

impl From<io::Error> for LockError {
    fn from(error: io::Error) -> LockError {
        LockError::Io(error)
    }
}

impl From<TryLockError> for LockError {
    fn from(error: TryLockError) -> LockError {
        match error {
            TryLockError::WouldBlock => LockError::Taken,
            TryLockError::Error(error) => LockError::Io(error),
        }
    }
}

#[cfg(target_os = "linux")]
fn lock_a_byte(file: &File, change: Change) -> Result<(), LockError> {
    use nix::errno::Errno;
    use nix::fcntl::{FcntlArg, fcntl};
    use nix::libc;

    /// SQLite locks the 512 bytes from 1 GiB on, whether they exist or not. This is behind them.
    const OURS: libc::off_t = (1 << 30) + 1024;

    let kind = match change {
        Change::Lock => libc::F_WRLCK,
        Change::Unlock => libc::F_UNLCK,
    };
    let lock = libc::flock {
        l_type: kind as libc::c_short,
        l_whence: libc::SEEK_SET as libc::c_short,
        l_start: OURS,
        l_len: 1,
        // Has to be 0.
        l_pid: 0,
    };
    match fcntl(file, FcntlArg::F_OFD_SETLK(&lock)) {
        Ok(_) => Ok(()),
        Err(Errno::EAGAIN | Errno::EACCES) => Err(LockError::Taken),
        Err(error) => Err(LockError::Io(error.into())),
    }
}

#[cfg(not(target_os = "linux"))]
fn lock_a_byte(_: &File, _: Change) -> Result<(), LockError> {
    Ok(())
}
