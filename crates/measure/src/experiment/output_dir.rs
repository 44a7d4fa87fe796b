//! Where results go: a directory of this program's own.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use super::report::PROGRAM;
use crate::Error;

/// The file by which a directory of results is known.
const PARAMETERS: &str = "parameters.json";

/// A file that is written and removed, to see that files can be.
const PROBE: &str = ".labclient-experiment";

/// Results that stand beside each other under one name and a number before another name is needed.
const MOST_RESULTS: u32 = 100;

/// A directory for results.
#[derive(Debug)]
pub struct OutputDir {
    /// Its path.
    pub path: PathBuf,
}

impl OutputDir {
    /// Takes a directory of this name: a new or empty one. Where one holds the results of an earlier
    /// experiment, the next of `NAME-2`, `NAME-3` and so on is taken, unless `force` replaces them.
    ///
    /// # Errors
    /// As [`OutputDir::take`], and when all those names are taken.
    pub fn take_next(directory: &Path, force: bool) -> Result<OutputDir, Error> {
        let mut next = directory.to_owned();
        for number in 2..=MOST_RESULTS {
            if force || !is_ours(&next) {
                return OutputDir::take(&next, force);
            }
            let mut name = directory.as_os_str().to_owned();
            name.push(format!("-{number}"));
            next = name.into();
        }
        OutputDir::take(&next, force)
    }

    /// Takes this directory: a new or an empty one.
    ///
    /// # Errors
    /// When it cannot be used, or holds something and `force` is not given.
    pub fn take(directory: &Path, force: bool) -> Result<OutputDir, Error> {
        let cannot = |error: io::Error| {
            Error::Resource(format!("cannot write to {}: {error}", directory.display()))
        };
        match fs::read_dir(directory) {
            Ok(mut entries) => {
                if entries.next().is_some() && !force {
                    let (holds, then) = match is_ours(directory) {
                        true => ("holds the results of an earlier", " to replace them"),
                        false => ("is not empty and holds no results of an", ""),
                    };
                    return Err(Error::Occupied(format!(
                        "{} {holds} experiment: name another with --out DIR, or give --force{then}",
                        directory.display()
                    )));
                }
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {
                fs::create_dir_all(directory).map_err(cannot)?;
            }
            Err(error) => return Err(cannot(error)),
        }
        let output = OutputDir {
            path: directory.to_owned(),
        };
        // Better now than after minutes of measuring.
        output.write(PROBE, b"")?;
        fs::remove_file(directory.join(PROBE)).map_err(cannot)?;
        Ok(output)
    }

    /// Writes one file, whole or not at all.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        let path = self.path.join(name);
        let unfinished = self.path.join(format!(".{name}.unfinished"));
        fs::write(&unfinished, bytes)
            .and_then(|()| fs::rename(&unfinished, &path))
            .map_err(|error| Error::Resource(format!("cannot write {}: {error}", path.display())))
    }
}

fn is_ours(directory: &Path) -> bool {
    let parameters = fs::read(directory.join(PARAMETERS)).unwrap_or_default();
    serde_json::from_slice::<serde_json::Value>(&parameters)
        .is_ok_and(|parameters| parameters["program"] == PROGRAM)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_results(directory: &Path) -> OutputDir {
        let output = OutputDir::take(directory, false).unwrap();
        let ours = format!("{{\"program\": \"{PROGRAM}\"}}");
        output.write(PARAMETERS, ours.as_bytes()).unwrap();
        output.write("samples.csv", b"old").unwrap();
        output
    }

    #[test]
    fn a_directory_is_taken_when_it_is_new_or_empty_and_leaves_nothing_unfinished() {
        let parent = tempfile::tempdir().unwrap();
        let directory = parent.path().join("a/b");
        OutputDir::take(&directory, false).unwrap();
        let output = with_results(&directory);
        let names: std::collections::BTreeSet<_> = fs::read_dir(&output.path)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        assert_eq!(
            names.into_iter().collect::<Vec<_>>(),
            [PARAMETERS, "samples.csv"]
        );
    }

    #[test]
    fn results_are_replaced_by_force_alone() {
        let parent = tempfile::tempdir().unwrap();
        let directory = parent.path().join("experiment");
        with_results(&directory);
        let refused = OutputDir::take(&directory, false).unwrap_err();
        let words = refused.to_string();
        assert!(words.contains("earlier experiment"), "{words}");
        assert!(words.contains("--force to replace them"), "{words}");
        assert_eq!(fs::read(directory.join("samples.csv")).unwrap(), b"old");
        let output = OutputDir::take(&directory, true).unwrap();
        output.write("samples.csv", b"new").unwrap();
        assert_eq!(fs::read(directory.join("samples.csv")).unwrap(), b"new");
    }

    #[test]
    fn the_usual_directory_is_numbered_when_it_has_results() {
        let parent = tempfile::tempdir().unwrap();
        let directory = parent.path().join("experiment-atm");
        for name in ["experiment-atm", "experiment-atm-2", "experiment-atm-3"] {
            let output = OutputDir::take_next(&directory, false).unwrap();
            assert_eq!(output.path, parent.path().join(name));
            with_results(&output.path);
        }
        let output = OutputDir::take_next(&directory, true).unwrap();
        assert_eq!(output.path, directory);
        // What is not ours is no reason to go on to the next.
        let other = parent.path().join("other");
        fs::create_dir(&other).unwrap();
        fs::write(other.join("thesis.txt"), "precious").unwrap();
        assert!(OutputDir::take_next(&other, false).is_err());
    }

    #[test]
    fn a_foreign_directory_is_refused_unless_forced() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("thesis.txt"), "precious").unwrap();
        for parameters in ["", "{}", "{\"program\": \"another\"}"] {
            fs::write(directory.path().join(PARAMETERS), parameters).unwrap();
            let refused = OutputDir::take(directory.path(), false).unwrap_err();
            assert!(refused.to_string().contains("--force"));
        }
        OutputDir::take(directory.path(), true).unwrap();
        assert!(directory.path().join("thesis.txt").exists());
        let file = directory.path().join("thesis.txt");
        assert!(OutputDir::take(&file, true).is_err());
    }
}
