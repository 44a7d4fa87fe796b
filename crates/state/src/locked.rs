//! Files that one process at a time may use.

use std::fs::{File, TryLockError};

/// A file that is locked until it is dropped, against every other process and every other opening
/// of it in this one.
#[derive(Debug)]
pub struct LockedFile(File);

impl LockedFile {
    /// Locks an open file, without waiting.
    ///
    /// # Errors
    /// When it is locked already, or cannot be locked.
    pub fn try_new(file: File) -> Result<LockedFile, TryLockError> {
        file.try_lock()?;
        Ok(LockedFile(file))
    }
}

/// To close the file is not enough: a program that is being started elsewhere in this process has
/// it open too, for a moment, and would keep the lock.
impl Drop for LockedFile {
    fn drop(&mut self) {
        // What cannot be unlocked is unlocked when the file is closed.
        let _ = self.0.unlock();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_free_once_its_lock_is_dropped_also_when_another_descriptor_keeps_it_open() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let open = || file.reopen().unwrap();
        let locked = LockedFile::try_new(open()).unwrap();
        let error = LockedFile::try_new(open()).unwrap_err();
        assert!(matches!(error, TryLockError::WouldBlock), "{error}");
        // As a child has it until it runs its program.
        let inherited = locked.0.try_clone().unwrap();
        drop(locked);
        LockedFile::try_new(open()).unwrap();
        drop(inherited);
    }
}
