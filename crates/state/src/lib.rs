//! The location of persistent files, and their creation, durable across crashes and private to one
//! user.
//!
//! # Durable directory entries
//!
//! A synced file is lost if its directory entry was not synced. So a directory gets its first
//! entry, and a file its first byte, only once its own entry is on disk. An empty one may be left
//! by a crash in between, so its entry is synced again; one with content needs no sync.
//!
//! # Private
//!
//! Directories are created with mode 0700 and files with 0600, and existing ones with a wider mode
//! are restricted: a journal has the keys of open withdrawals, a ledger hashed PINs.

mod locked;
mod private;
mod sync;

use std::env;
use std::io;
use std::path::{Path, PathBuf};

pub use locked::LockedFile;
pub use private::{Opened, close_to_others, open};
pub use sync::sync_entry;

/// The programs' directory within the state directory.
const OURS: &str = "socketlab";

/// Neither `XDG_STATE_HOME` nor `HOME` is set to an absolute path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("there is no home directory: set HOME or XDG_STATE_HOME to an absolute path")]
pub struct NoHome;

/// A directory that could not be created.
#[derive(Debug, thiserror::Error)]
#[error("cannot make the directory {}: {error}", .path.display())]
pub struct DirectoryError {
    /// The directory.
    pub path: PathBuf,
    /// The operating system's error.
    pub error: io::Error,
}

/// The state directory of both programs: `socketlab` in `$XDG_STATE_HOME`, or else in
/// `~/.local/state`. It need not exist.
///
/// # Errors
/// When there is no home directory. A relative path in either variable is ignored, as the XDG base
/// directory specification requires.
pub fn directory() -> Result<PathBuf, NoHome> {
    let stated = env::var_os("XDG_STATE_HOME").map(PathBuf::from);
    directory_from(stated, env::home_dir())
}

fn directory_from(stated: Option<PathBuf>, home: Option<PathBuf>) -> Result<PathBuf, NoHome> {
    let absolute = |path: &PathBuf| path.is_absolute();
    let home = home.filter(absolute).map(|home| home.join(".local/state"));
    let state = stated.filter(absolute).or(home).ok_or(NoHome)?;
    Ok(state.join(OURS))
}

/// Creates a directory and its missing ancestors, each private to this user and each on disk before
/// it has an entry. From `ours`, which is the directory or an ancestor of it, downwards, existing
/// directories are made private as well.
///
/// # Errors
/// When one cannot be created.
pub fn create_directory(ours: &Path, path: &Path) -> Result<(), DirectoryError> {
    create_with(path, &mut sync::sync_entry)?;
    for directory in path.ancestors().take_while(|at| at.starts_with(ours)) {
        private::close_to_others(directory).map_err(|error| DirectoryError {
            path: directory.to_owned(),
            error,
        })?;
    }
    Ok(())
}

/// `sync` syncs the directory entry of a path.
fn create_with(
    path: &Path,
    sync: &mut dyn FnMut(&Path) -> io::Result<()>,
) -> Result<(), DirectoryError> {
    let failed = |error| DirectoryError {
        path: path.to_owned(),
        error,
    };
    match path.metadata() {
        Ok(found) if !found.is_dir() => return Err(failed(io::ErrorKind::NotADirectory.into())),
        Ok(_) if !is_empty(path) => return Ok(()),
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            if let Some(parent) = path.parent().filter(|parent| !is_here(parent)) {
                create_with(parent, sync)?;
            }
            private::make_directory(path).map_err(failed)?;
        }
        Err(error) => return Err(failed(error)),
    }
    sync(path).map_err(failed)
}

/// Whether a directory has no entry. One that cannot be read was not created by us.
fn is_empty(directory: &Path) -> bool {
    directory
        .read_dir()
        .is_ok_and(|mut entries| entries.next().is_none())
}

/// Whether this is the empty path, which `Path::parent` returns for the current directory.
fn is_here(path: &Path) -> bool {
    path.as_os_str().is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn state_is_in_xdg_state_home_or_in_the_home_directory() {
        let (stated, home) = (PathBuf::from("/var/x"), PathBuf::from("/home/joty"));
        let directory = |stated: Option<&PathBuf>, home: Option<&PathBuf>| {
            directory_from(stated.cloned(), home.cloned())
        };
        assert_eq!(
            directory(Some(&stated), Some(&home)),
            Ok("/var/x/socketlab".into())
        );
        assert_eq!(
            directory(None, Some(&home)),
            Ok("/home/joty/.local/state/socketlab".into())
        );
        assert_eq!(directory(None, None), Err(NoHome));
    }

    #[test]
    fn a_relative_path_in_the_environment_counts_as_none() {
        let home = Some(PathBuf::from("/home/joty"));
        for relative in ["", "x", "./x", "../x"] {
            let relative = Some(PathBuf::from(relative));
            let expected = Ok("/home/joty/.local/state/socketlab".into());
            assert_eq!(directory_from(relative.clone(), home.clone()), expected);
            assert_eq!(directory_from(None, relative), Err(NoHome));
        }
    }

    /// Creates the directory, and returns the paths whose entries were synced.
    fn create(root: &Path, path: &str) -> Vec<String> {
        let mut synced = Vec::new();
        create_with(&root.join(path), &mut |entry| {
            let entry = entry.strip_prefix(root).unwrap();
            synced.push(entry.display().to_string());
            Ok(())
        })
        .unwrap();
        synced
    }

    #[test]
    fn each_new_directory_is_on_disk_before_it_has_an_entry() {
        let root = tempfile::tempdir().unwrap();
        // Otherwise the root would be an empty one too.
        std::fs::write(root.path().join("other"), "").unwrap();
        assert_eq!(create(root.path(), "a/b/c"), ["a", "a/b", "a/b/c"]);
        std::fs::write(root.path().join("a/b/c/file"), "").unwrap();
        assert_eq!(create(root.path(), "a/b/c"), [""; 0]);
        assert_eq!(create(root.path(), "a/b/d/e"), ["a/b/d", "a/b/d/e"]);
    }

    #[test]
    fn a_directory_whose_sync_a_crash_prevented_is_synced_the_next_time() {
        let root = tempfile::tempdir().unwrap();
        std::fs::write(root.path().join("other"), "").unwrap();
        for crash_at in ["a", "a/b", "a/b/c"] {
            let mut crash = |entry: &Path| match entry.ends_with(crash_at) {
                true => Err(io::Error::other("power cut")),
                false => Ok(()),
            };
            create_with(&root.path().join("a/b/c"), &mut crash).unwrap_err();
            let again = create(root.path(), "a/b/c");
            assert!(
                again.contains(&crash_at.to_owned()),
                "{crash_at}: {again:?}"
            );
            std::fs::remove_dir_all(root.path().join("a")).unwrap();
        }
    }

    #[test]
    fn a_directory_that_cannot_be_made_is_named() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("file");
        std::fs::write(&file, "").unwrap();
        let error = create_directory(root.path(), &file.join("a/b")).unwrap_err();
        let words = format!("cannot make the directory {}", file.display());
        assert!(error.to_string().starts_with(&words), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn our_directories_are_closed_to_others_and_no_directory_above_is() {
        use std::fs::{Permissions, set_permissions};
        use std::os::unix::fs::PermissionsExt;
        let root = tempfile::tempdir().unwrap();
        let mode = |path: &str| {
            root.path()
                .join(path)
                .metadata()
                .unwrap()
                .permissions()
                .mode()
        };
        let ours = root.path().join("above/ours");
        create_directory(&ours, &ours.join("a/b")).unwrap();
        for path in ["above", "above/ours", "above/ours/a", "above/ours/a/b"] {
            assert_eq!(mode(path) & 0o777, 0o700, "{path}");
            set_permissions(root.path().join(path), Permissions::from_mode(0o755)).unwrap();
        }
        create_directory(&ours, &ours.join("a/b")).unwrap();
        assert_eq!(mode("above") & 0o777, 0o755);
        for path in ["above/ours", "above/ours/a", "above/ours/a/b"] {
            assert_eq!(mode(path) & 0o777, 0o700, "{path}");
        }
    }
}
