//! Creation of files and directories private to one user.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::path::Path;

use super::sync;

/// A file that was opened or created.
#[derive(Debug)]
pub struct Opened {
    /// The file, for reading and writing.
    pub file: File,
    /// Whether other users could read or write it until now.
    pub was_shared: bool,
}

/// Opens a file for reading and writing, or creates an empty one, private to this user. If it is
/// empty, its directory entry is synced. A pipe or a device is opened unchanged.
///
/// # Errors
/// When it cannot be opened or created.
pub fn open(path: &Path) -> io::Result<Opened> {
    open_with(path, &mut sync::sync_entry)
}

fn open_with(path: &Path, sync: &mut dyn FnMut(&Path) -> io::Result<()>) -> io::Result<Opened> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path)?;
    let found = file.metadata()?;
    if !found.is_file() {
        let was_shared = false;
        return Ok(Opened { file, was_shared });
    }
    if found.len() == 0 {
        sync(path)?;
    }
    let was_shared = close_to_others(path)?;
    Ok(Opened { file, was_shared })
}

/// Creates a directory private to this user, unless it exists.
pub(super) fn make_directory(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match builder.create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        made => made,
    }
}

/// Removes the permissions of others than the owner, and returns whether there were any. A file or
/// directory of another owner is left unchanged, as is one on a file system without permissions.
///
/// # Errors
/// When the permissions cannot be read or set.
#[cfg(unix)]
pub fn close_to_others(path: &Path) -> io::Result<bool> {
    use std::fs::{Permissions, metadata, set_permissions};
    use std::os::unix::fs::PermissionsExt;
    const OTHERS: u32 = 0o077;
    let mode = metadata(path)?.permissions().mode();
    if mode & OTHERS == 0 {
        return Ok(false);
    }
    match set_permissions(path, Permissions::from_mode(mode & !OTHERS)) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(false),
        Err(error) => Err(error),
    }
}

/// There are no such permissions here.
///
/// # Errors
/// None.
#[cfg(not(unix))]
pub fn close_to_others(_: &Path) -> io::Result<bool> {
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_file_is_on_disk_before_its_first_byte_also_after_a_crash() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("file");
        let mut crash = |_: &Path| Err(io::Error::other("power cut"));
        open_with(&path, &mut crash).unwrap_err();
        assert!(path.exists());
        let mut synced = 0;
        let mut count = |entry: &Path| {
            assert_eq!(entry, path);
            synced += 1;
            Ok(())
        };
        open_with(&path, &mut count).unwrap();
        std::fs::write(&path, "content").unwrap();
        open_with(&path, &mut count).unwrap();
        assert_eq!(synced, 1);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "content");
    }

    #[cfg(unix)]
    #[test]
    fn a_file_is_private_and_one_that_was_not_is_reported() {
        use std::fs::{Permissions, set_permissions};
        use std::os::unix::fs::PermissionsExt;
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("file");
        let mode = || path.metadata().unwrap().permissions().mode() & 0o777;
        assert!(!open(&path).unwrap().was_shared);
        assert_eq!(mode(), 0o600);
        set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        assert!(open(&path).unwrap().was_shared);
        assert_eq!(mode(), 0o600);
        assert!(!open(&path).unwrap().was_shared);
    }
}
