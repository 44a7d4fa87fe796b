//! A copy of the directory that a judged program runs in, so that what it keeps there ends with
//! it.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// Bytes of all files that are copied at most.
const MOST_BYTES: u64 = 16 * 1024 * 1024;

/// Files that are copied at most.
const MOST_FILES: usize = 2_000;

/// A directory with this file has what can be made again, <https://bford.info/cachedir/>.
const CACHE_MARK: &str = "CACHEDIR.TAG";

/// What is in a directory and those in it, by its path there.
#[derive(Default)]
struct Listing {
    directories: Vec<PathBuf>,
    files: Vec<PathBuf>,
    links: Vec<PathBuf>,
    bytes: u64,
}

/// Whether it is small enough to be copied.
pub fn is_small(directory: &Path) -> bool {
    matches!(Listing::of(directory), Ok(Some(_)))
}

/// A copy, without caches and the history of versions; nothing where it is too large.
///
/// # Errors
/// When it cannot be read, or there is no room for it.
pub fn copy(directory: &Path) -> io::Result<Option<TempDir>> {
    let Some(listing) = Listing::of(directory)? else {
        return Ok(None);
    };
    let copy = tempfile::tempdir()?;
    for path in &listing.directories {
        fs::create_dir(copy.path().join(path))?;
    }
    for path in &listing.files {
        fs::copy(directory.join(path), copy.path().join(path))?;
    }
    let directory = directory.canonicalize()?;
    for path in &listing.links {
        symlink(directory.join(path), copy.path().join(path))?;
    }
    Ok(Some(copy))
}

/// A word of a command that names a file by a path which the copy does not have, such as
/// `../server.py`, with the whole path.
pub fn outside_the_copy(word: String, copy: &Path, original: &Path) -> String {
    let named = original.join(&word);
    if word.contains('/')
        && !copy.join(&word).exists()
        && named.exists()
        && let Ok(named) = std::path::absolute(named)
    {
        return named.display().to_string();
    }
    word
}

impl Listing {
    /// Nothing where there is too much in it.
    fn of(directory: &Path) -> io::Result<Option<Listing>> {
        let mut listing = Listing::default();
        let mut unread = vec![PathBuf::new()];
        while let Some(within) = unread.pop() {
            for entry in directory.join(&within).read_dir()? {
                let entry = entry?;
                let path = within.join(entry.file_name());
                let kind = entry.file_type()?;
                if kind.is_dir() && !can_be_left_out(&entry.path()) {
                    listing.directories.push(path.clone());
                    unread.push(path);
                } else if kind.is_file() {
                    listing.bytes += entry.metadata()?.len();
                    listing.files.push(path);
                } else if kind.is_symlink() {
                    listing.links.push(path);
                }
                let count = listing.files.len() + listing.links.len() + listing.directories.len();
                if count > MOST_FILES || listing.bytes > MOST_BYTES {
                    return Ok(None);
                }
            }
        }
        Ok(Some(listing))
    }
}

fn can_be_left_out(directory: &Path) -> bool {
    directory.ends_with(".git") || directory.join(CACHE_MARK).exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(path: PathBuf) -> String {
        fs::read_to_string(path).unwrap()
    }

    #[test]
    fn a_copy_has_all_but_caches_and_changes_nothing_of_the_original() {
        let original = tempfile::tempdir().unwrap();
        let at = |path: &str| original.path().join(path);
        for directory in ["lib/deep", ".git", "target", "empty"] {
            fs::create_dir_all(at(directory)).unwrap();
        }
        for file in [
            "server.py",
            "lib/deep/bank.py",
            ".git/HEAD",
            "target/CACHEDIR.TAG",
        ] {
            fs::write(at(file), file).unwrap();
        }
        symlink("server.py", at("link.py")).unwrap();
        let copy = copy(original.path()).unwrap().unwrap();
        let copied = |path: &str| copy.path().join(path);
        for file in ["server.py", "lib/deep/bank.py"] {
            assert_eq!(content(copied(file)), file);
        }
        assert_eq!(content(copied("link.py")), "server.py");
        assert!(copied("empty").is_dir());
        assert!(!copied(".git").exists() && !copied("target").exists());
        fs::write(copied("server.py"), "changed").unwrap();
        assert_eq!(content(at("server.py")), "server.py");
    }

    #[test]
    fn a_directory_with_too_much_in_it_is_not_copied() {
        let many = tempfile::tempdir().unwrap();
        for number in 0..MOST_FILES {
            fs::write(many.path().join(number.to_string()), "").unwrap();
        }
        assert!(is_small(many.path()));
        fs::write(many.path().join("more"), "").unwrap();
        assert!(!is_small(many.path()));
        let large = tempfile::tempdir().unwrap();
        let file = fs::File::create(large.path().join("large")).unwrap();
        file.set_len(MOST_BYTES + 1).unwrap();
        assert!(copy(large.path()).unwrap().is_none());
        file.set_len(MOST_BYTES).unwrap();
        assert!(is_small(large.path()));
    }
}
