//! Opening a ledger: whether the file is one, whether it is whole, and that no other server has it
//! open.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};
use state::close_to_others;

use super::SqliteStore;
use super::lock::{Lock, LockError};

/// "SLAB", in the header of the file: which program it belongs to.
const APPLICATION: i32 = 0x534c_4142;

/// The schema below. A later program may read an earlier one's file, never the reverse.
const VERSION: i32 = 2;

const SCHEMA: &str = include_str!("schema.sql");

/// What makes a ledger of version 1 one of version 2.
const UPGRADE_FROM_1: &str = include_str!("upgrade_from_1.sql");

/// Up to 3.51.2, SQLite may lose committed transactions when a write-ahead log starts over.
const OLDEST_SQLITE: i32 = 3_051_003;

/// How long to wait for an operator's command that writes beside the server. Such a command takes
/// milliseconds.
const BUSY: Duration = Duration::from_secs(5);

/// Why a ledger was not opened, and what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// There is none.
    #[error("no ledger at {}: start `labserver --mode atm` once, or name another file", .0.display())]
    Missing(PathBuf),
    /// The directory that is to hold it is missing.
    #[error("cannot open the ledger {}: there is no directory {}: make it, or name another file \
        with --ledger", .0.display(), .1.display())]
    NoDirectory(PathBuf, PathBuf),
    /// The file has several names.
    #[error("the ledger {} has {} names (hard links), and its newest changes are kept beside one of \
        them: remove the others, and give the one it was served by", .0.display(), .1)]
    ManyNames(PathBuf, u64),
    /// Another server has it open.
    #[error("the ledger {} is in use by another server: stop that one, or name another file", .0.display())]
    InUse(PathBuf),
    /// Something else is in the file.
    #[error("{} is no ledger of a bank, and is left alone: name another file", .0.display())]
    NotALedger(PathBuf),
    /// A later version wrote it.
    #[error("the ledger {} was written by a newer labserver: use that one", .0.display())]
    TooNew(PathBuf),
    /// An earlier version wrote it, and no server of this one has opened it yet.
    #[error("the ledger {} was written by an older labserver: start `labserver --mode atm` with it \
        once, which brings it up to date", .0.display())]
    TooOld(PathBuf),
    /// Part of the file is not what was written there.
    #[error(
        "the ledger {} is damaged ({}) and was not opened: keep a copy, and restore the last \
         good one", .0.display(), .1
    )]
    Damaged(PathBuf, String),
    /// This program was built with an SQLite that may lose data.
    #[error("SQLite {0} may lose committed data: build with the one that comes along")]
    UnsafeSqlite(&'static str),
    /// The file cannot be opened.
    #[error("cannot open the ledger {}: {}: name another file with --ledger", .0.display(), .1)]
    Io(PathBuf, io::Error),
    /// SQLite cannot make what it keeps beside the file.
    #[error("cannot open the ledger {}: SQLite keeps files beside it, and its directory cannot be \
        written: copy the ledger to one that can", .0.display())]
    NothingBeside(PathBuf),
    /// It cannot be locked.
    #[error("cannot lock the ledger {}: {}: name another file with --ledger", .0.display(), .1)]
    Lock(PathBuf, io::Error),
    /// SQLite failed.
    #[error("cannot open the ledger {}: {}", .0.display(), .1)]
    Sqlite(PathBuf, rusqlite::Error),
}

/// What is done with a ledger beside its server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// It is read.
    Read,
    /// It is written too.
    Write,
}

/// Opens the ledger to serve from it, and makes it where there is none. One server at a time.
///
/// # Errors
/// See [`OpenError`].
pub fn open(path: &Path) -> Result<SqliteStore, OpenError> {
    create(path)?;
    let file = file_of(path)?;
    let lock = Lock::take(&file).map_err(|error| match error {
        LockError::Taken => OpenError::InUse(path.into()),
        LockError::Io(error) => OpenError::Lock(path.into(), error),
    })?;
    let connection = connect(path, &file, Access::Write)?;
    close(&file).map_err(|error| OpenError::Io(path.into(), error))?;
    let (_, version, _) = identify(&connection).map_err(|error| explain(path, error))?;
    if version != VERSION {
        make_tables(&connection).map_err(|error| explain(path, error))?;
    }
    let unchecked = connection.pragma_update(None, "ignore_check_constraints", true);
    unchecked.map_err(|error| explain(path, error))?;
    Ok(SqliteStore::new(connection, Some(lock)))
}

/// Opens a ledger that exists, whether or not a server has it open: for what an operator asks. A
/// file without a ledger in it counts as none.
///
/// # Errors
/// See [`OpenError`].
pub fn open_beside(path: &Path, access: Access) -> Result<SqliteStore, OpenError> {
    match path.metadata() {
        Ok(found) if found.len() == 0 => return Err(OpenError::Missing(path.into())),
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(OpenError::Missing(path.into()));
        }
        Err(error) => return Err(OpenError::Io(path.into(), error)),
    }
    let connection = connect(path, &file_of(path)?, access)?;
    match identify(&connection).map_err(|error| explain(path, error))? {
        // Its server was stopped before it made the tables.
        (.., 0) => Err(OpenError::Missing(path.into())),
        (_, version, _) if version < VERSION => Err(OpenError::TooOld(path.into())),
        _ => Ok(SqliteStore::new(connection, None)),
    }
}

/// Makes an empty file where there is none: readable by its owner alone, for it will hold PINs, if
/// hashed. SQLite gives its write-ahead log the same rights. A ledger that has something in it is
/// not touched, since to close it again would give up the locks of SQLite in this process.
fn create(path: &Path) -> Result<(), OpenError> {
    if path.metadata().is_ok_and(|found| found.len() > 0) {
        return Ok(());
    }
    match state::open(path) {
        Ok(_) => Ok(()),
        Err(error) => Err(match path.parent() {
            Some(directory) if error.kind() == io::ErrorKind::NotFound => {
                OpenError::NoDirectory(path.into(), directory.into())
            }
            _ => OpenError::Io(path.into(), error),
        }),
    }
}

/// The file itself, past all symbolic links. It has this one name: SQLite keeps what is not in the
/// file yet in another one beside that name, and who comes by another name would not find it.
fn file_of(path: &Path) -> Result<PathBuf, OpenError> {
    let failed = |error| OpenError::Io(path.into(), error);
    let file = path.canonicalize().map_err(failed)?;
    let found = file.metadata().map_err(failed)?;
    if !found.is_file() {
        return Err(OpenError::NotALedger(path.into()));
    }
    #[cfg(unix)]
    {
        let names = std::os::unix::fs::MetadataExt::nlink(&found);
        if names > 1 {
            return Err(OpenError::ManyNames(path.into(), names));
        }
    }
    Ok(file)
}

/// Closes the ledger and what SQLite keeps beside it to other users.
fn close(file: &Path) -> io::Result<()> {
    let mut was_shared = close_to_others(file)?;
    for suffix in ["-wal", "-shm"] {
        let mut beside = file.as_os_str().to_owned();
        beside.push(suffix);
        match close_to_others(Path::new(&beside)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            closed => was_shared |= closed?,
        }
    }
    if was_shared {
        tracing::warn!(
            ledger = %file.display(),
            "the ledger was open to other users of this computer; now it is its owner's alone"
        );
    }
    Ok(())
}

/// Connects to the file; `path` is how it was named.
fn connect(path: &Path, file: &Path, access: Access) -> Result<Connection, OpenError> {
    if rusqlite::version_number() < OLDEST_SQLITE {
        return Err(OpenError::UnsafeSqlite(rusqlite::version()));
    }
    let access_flag = match access {
        Access::Read => OpenFlags::SQLITE_OPEN_READ_ONLY,
        Access::Write => OpenFlags::SQLITE_OPEN_READ_WRITE,
    };
    let flags = access_flag | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let explained = |error| explain(path, error);
    let connection = Connection::open_with_flags(file, flags).map_err(explained)?;
    match identify(&connection).map_err(explained)? {
        (0, 0, 0) | (APPLICATION, 1..=VERSION, _) => {}
        (APPLICATION, version, _) if version > VERSION => {
            return Err(OpenError::TooNew(path.into()));
        }
        _ => return Err(OpenError::NotALedger(path.into())),
    }
    set_up(&connection, access).map_err(explained)?;
    match check(&connection).map_err(explained)? {
        None => Ok(connection),
        Some(complaint) => Err(OpenError::Damaged(path.into(), complaint)),
    }
}

/// Program, version and number of tables.
fn identify(connection: &Connection) -> rusqlite::Result<(i32, i32, i64)> {
    let application = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let version = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let tables =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    Ok((application, version, tables))
}

fn set_up(connection: &Connection, access: Access) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY)?;
    if access == Access::Write {
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "foreign_keys", true)?;
    }
    Ok(())
}

/// Has the file the tables of this version: makes them in a new one, and changes those of an
/// earlier one.
fn make_tables(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch("BEGIN IMMEDIATE")?;
    match identify(connection)? {
        (.., 0) => connection.execute_batch(SCHEMA)?,
        (_, 1, _) => connection.execute_batch(UPGRADE_FROM_1)?,
        _ => {}
    }
    connection.pragma_update(None, "application_id", APPLICATION)?;
    connection.pragma_update(None, "user_version", VERSION)?;
    connection.execute_batch("COMMIT")
}

/// The first thing wrong with the file, if anything is.
fn check(connection: &Connection) -> rusqlite::Result<Option<String>> {
    let found: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    let broken = connection.query_row("PRAGMA foreign_key_check", [], |row| row.get(0));
    Ok(match broken {
        _ if found != "ok" => Some(found),
        Ok::<String, _>(table) => Some(format!("a row of {table} refers to one that is missing")),
        Err(rusqlite::Error::QueryReturnedNoRows) => None,
        Err(error) => return Err(error),
    })
}

fn explain(path: &Path, error: rusqlite::Error) -> OpenError {
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => OpenError::NotALedger(path.into()),
        Some(ErrorCode::DatabaseCorrupt) => OpenError::Damaged(path.into(), error.to_string()),
        Some(ErrorCode::ReadOnly) => OpenError::NothingBeside(path.into()),
        _ => OpenError::Sqlite(path.into(), error),
    }
}
