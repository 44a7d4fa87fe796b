//! Where results go: a directory of this program's own.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use super::report::PROGRAM;
use crate::failure::Failure;

/// The file by which a directory of results is known.
const PARAMETERS: &str = "parameters.json";

/// A file that is written and removed, to see that files can be.
const PROBE: &str = ".labclient-experiment";

/// A directory for results.
#[derive(Debug)]
pub struct Place {
    directory: PathBuf,
}

impl Place {
    /// Takes a directory: a new one, an empty one, or one with results of an earlier experiment,
    /// which are replaced.
    ///
    /// # Errors
    /// When it cannot be used, or holds something else and `force` is not given.
    pub fn take(directory: &Path, force: bool) -> Result<Place, Failure> {
        let cannot = |error: io::Error| {
            Failure::Resource(format!("cannot write to {}: {error}", directory.display()))
        };
        match fs::read_dir(directory) {
            Ok(mut entries) => {
                if entries.next().is_some() && !force && !is_ours(directory) {
                    return Err(Failure::Usage(format!(
                        "{} is not empty and holds no results of an experiment: name another with \
                         --out DIR, or give --force",
                        directory.display()
                    )));
                }
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {
                fs::create_dir_all(directory).map_err(cannot)?;
            }
            Err(error) => return Err(cannot(error)),
        }
        let place = Place {
            directory: directory.to_owned(),
        };
        // Better now than after minutes of measuring.
        place.write(PROBE, b"")?;
        fs::remove_file(directory.join(PROBE)).map_err(cannot)?;
        Ok(place)
    }

    /// Writes one file, whole or not at all.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<(), Failure> {
        let path = self.directory.join(name);
        let unfinished = self.directory.join(format!(".{name}.unfinished"));
        fs::write(&unfinished, bytes)
            .and_then(|()| fs::rename(&unfinished, &path))
            .map_err(|error| Failure::Resource(format!("cannot write {}: {error}", path.display())))
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.directory
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

    #[test]
    fn a_directory_is_taken_when_it_is_new_empty_or_our_own() {
        let parent = tempfile::tempdir().unwrap();
        let directory = parent.path().join("a/b");
        let place = Place::take(&directory, false).unwrap();
        Place::take(&directory, false).unwrap();
        let ours = format!("{{\"program\": \"{PROGRAM}\"}}");
        place.write(PARAMETERS, ours.as_bytes()).unwrap();
        place.write("samples.csv", b"old").unwrap();
        let place = Place::take(&directory, false).unwrap();
        place.write("samples.csv", b"new").unwrap();
        let names: std::collections::BTreeSet<_> = fs::read_dir(place.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        assert_eq!(
            names.into_iter().collect::<Vec<_>>(),
            [PARAMETERS, "samples.csv"]
        );
        assert_eq!(fs::read(directory.join("samples.csv")).unwrap(), b"new");
    }

    #[test]
    fn a_foreign_directory_is_refused_unless_forced() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("thesis.txt"), "precious").unwrap();
        for parameters in ["", "{}", "{\"program\": \"another\"}"] {
            fs::write(directory.path().join(PARAMETERS), parameters).unwrap();
            let refused = Place::take(directory.path(), false).unwrap_err();
            assert!(refused.words().unwrap().contains("--force"));
        }
        Place::take(directory.path(), true).unwrap();
        assert!(directory.path().join("thesis.txt").exists());
        let file = directory.path().join("thesis.txt");
        assert!(Place::take(&file, true).is_err());
    }
}
