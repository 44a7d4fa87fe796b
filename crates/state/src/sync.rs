//! Syncing a directory entry.

use std::fs::File;
use std::io;
use std::path::Path;

/// Syncs the directory that contains this path, so that a creation or renaming survives a power
/// failure.
///
/// # Errors
/// When it cannot be synced. A directory without read permission is skipped: another user created
/// its entries.
pub fn sync_entry(path: &Path) -> io::Result<()> {
    let directory = match path.parent() {
        Some(parent) if super::is_here(parent) => Path::new("."),
        Some(parent) => parent,
        // The root has no directory entry.
        None => return Ok(()),
    };
    match File::open(directory) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        opened => opened?.sync_all(),
    }
}
