//! Putting a name on disk.

use std::fs::File;
use std::io;
use std::path::Path;

/// Syncs the directory that has this path as an entry, so that a power cut cannot take the name of
/// what was made or renamed there.
///
/// # Errors
/// When it cannot be synced. A directory that may not be read is let be: what is in it was made by
/// somebody who may.
pub fn sync_entry(path: &Path) -> io::Result<()> {
    let directory = match path.parent() {
        Some(parent) if super::is_here(parent) => Path::new("."),
        Some(parent) => parent,
        // The root is no entry of anything.
        None => return Ok(()),
    };
    match File::open(directory) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        opened => opened?.sync_all(),
    }
}
