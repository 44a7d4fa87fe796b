//! The password of a database, from the places where PostgreSQL's own programs look: `PGPASSWORD`,
//! and the file of `PGPASSFILE`, by default `~/.pgpass`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// A password, which is shown nowhere.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Password(String);

impl Password {
    pub(super) fn new(text: String) -> Password {
        Password(text)
    }

    pub(super) fn reveal(&self) -> &str {
        &self.0
    }
}

/// Why the file of passwords is not used.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error("cannot read the passwords in {}: {}", .0.display(), .1)]
    Io(PathBuf, io::Error),
    #[error("the passwords in {} are open to other users: `chmod 600` it", .0.display())]
    Open(PathBuf),
}

/// The password for this database, if there is one.
pub(super) fn find(
    host: &str,
    port: u16,
    database: &str,
    user: &str,
) -> Result<Option<Password>, Error> {
    if let Ok(password) = std::env::var("PGPASSWORD") {
        return Ok(Some(Password(password)));
    }
    let named = std::env::var_os("PGPASSFILE").map(PathBuf::from);
    let is_named = named.is_some();
    let home = || std::env::home_dir().map(|home| home.join(".pgpass"));
    let Some(file) = named.or_else(home) else {
        return Ok(None);
    };
    let text = match read(&file) {
        Ok(text) => text,
        Err(Error::Io(_, error)) if error.kind() == io::ErrorKind::NotFound && !is_named => {
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    Ok(look_up(&text, [host, &port.to_string(), database, user]))
}

fn read(file: &Path) -> Result<String, Error> {
    let failed = |error| Error::Io(file.into(), error);
    #[cfg(unix)]
    {
        let found = file.metadata().map_err(failed)?;
        let mode = std::os::unix::fs::PermissionsExt::mode(&found.permissions());
        if found.is_file() && mode & 0o077 != 0 {
            return Err(Error::Open(file.into()));
        }
    }
    fs::read_to_string(file).map_err(failed)
}

/// The password of the first line that fits, as `host:port:database:user:password`.
fn look_up(text: &str, wanted: [&str; 4]) -> Option<Password> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.map(fields).find_map(|mut fields| {
        let is_line = fields.len() == 5;
        let mut pairs = fields.iter().zip(wanted);
        let fits = is_line && pairs.all(|(field, wanted)| field == "*" || field == wanted);
        fits.then(|| fields.pop().map(Password)).flatten()
    })
}

/// What a colon separates, where a backslash takes the next character as it is.
fn fields(line: &str) -> Vec<String> {
    let mut fields = Vec::new();
    let mut field = String::new();
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        match character {
            ':' if fields.len() < 4 => fields.push(std::mem::take(&mut field)),
            '\\' => field.extend(characters.next()),
            _ => field.push(character),
        }
    }
    fields.push(field);
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "# a comment\n\
        one:5432:bank:ann:of one\n\
        nonsense\n\
        *:5433:*:ann:wild\\:card\\\\:x\n\
        a\\:b:*:*:*:of an address\n";

    fn found(host: &str, port: &str, user: &str) -> Option<String> {
        look_up(FILE, [host, port, "bank", user]).map(|password| password.0)
    }

    #[test]
    fn the_first_line_that_fits_has_the_password() {
        assert_eq!(found("one", "5432", "ann").as_deref(), Some("of one"));
        assert_eq!(
            found("two", "5433", "ann").as_deref(),
            Some("wild:card\\:x")
        );
        assert_eq!(found("a:b", "1", "bo").as_deref(), Some("of an address"));
        assert_eq!(found("one", "5432", "bo"), None);
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_others_may_read_is_not_used() {
        use std::os::unix::fs::PermissionsExt;

        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("pgpass");
        fs::write(&file, FILE).unwrap();
        let set = |mode| fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
        set(0o640);
        assert!(matches!(read(&file), Err(Error::Open(_))));
        set(0o600);
        assert_eq!(read(&file).unwrap(), FILE);
        assert!(matches!(
            read(&directory.path().join("none")),
            Err(Error::Io(..))
        ));
    }
}
