//! Opening a ledger: whose file it is, whether it is whole, and that nobody else serves it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::SqliteStore;

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
    /// Another server has it open.
    #[error("the ledger {} is in use by another server: stop that one, or name another file", .0.display())]
    InUse(PathBuf),
    /// Something else is in the file.
    #[error("{} is no ledger of a bank, and is left alone: name another file", .0.display())]
    NotALedger(PathBuf),
    /// A later version wrote it.
    #[error("the ledger {} was written by a newer labserver: use that one", .0.display())]
    TooNew(PathBuf),
    /// Part of the file is not what was written there.
    #[error(
        "the ledger {} is damaged ({}) and was not opened: keep a copy, and restore the last \
         good one", .0.display(), .1
    )]
    Damaged(PathBuf, String),
    /// This program was built with an SQLite that may lose data.
    #[error("SQLite {0} may lose committed data: build with the one that comes along")]
    UnsafeSqlite(&'static str),
    /// The file or its lock cannot be opened.
    #[error("cannot open the ledger {}: {}", .0.display(), .1)]
    Io(PathBuf, io::Error),
    /// SQLite failed.
    #[error("cannot open the ledger {}: {}", .0.display(), .1)]
    Sqlite(PathBuf, rusqlite::Error),
}

/// Opens the ledger to serve from it, and makes it where there is none. One server at a time.
///
/// # Errors
/// See [`OpenError`].
pub fn open(path: &Path) -> Result<SqliteStore, OpenError> {
    let lock = lock(path)?;
    create(path).map_err(|error| OpenError::Io(path.into(), error))?;
    connect(path).map(|connection| SqliteStore::new(connection, Some(lock)))
}

/// Opens a ledger that exists, whether or not a server has it open: for what an operator asks.
///
/// # Errors
/// See [`OpenError`].
pub fn open_beside(path: &Path) -> Result<SqliteStore, OpenError> {
    match path.try_exists() {
        Ok(true) => connect(path).map(|connection| SqliteStore::new(connection, None)),
        Ok(false) => Err(OpenError::Missing(path.into())),
        Err(error) => Err(OpenError::Io(path.into(), error)),
    }
}

fn lock(path: &Path) -> Result<File, OpenError> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".lock");
    let beside = PathBuf::from(beside);
    // A file of its own: SQLite locks the ledger itself in its own way. It is never removed, or two
    // servers could lock two files of the same name.
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&beside);
    let file = file.map_err(|error| OpenError::Io(beside.clone(), error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse(path.into())),
        Err(TryLockError::Error(error)) => Err(OpenError::Io(beside, error)),
    }
}

/// Makes an empty file where there is none: readable by its owner alone, for it will hold PINs,
/// if hashed. SQLite gives its write-ahead log the same rights.
fn create(path: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.create_new(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

fn connect(path: &Path) -> Result<Connection, OpenError> {
    if rusqlite::version_number() < OLDEST_SQLITE {
        return Err(OpenError::UnsafeSqlite(rusqlite::version()));
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let opened = Connection::open_with_flags(path, flags);
    let connection = opened.map_err(|error| explain(path, error))?;
    match identify(&connection).map_err(|error| explain(path, error))? {
        (0, 0, 0) | (APPLICATION, 1..=VERSION, _) => {}
        (APPLICATION, version, _) if version > VERSION => {
            return Err(OpenError::TooNew(path.into()));
        }
        _ => return Err(OpenError::NotALedger(path.into())),
    }
    set_up(&connection).map_err(|error| explain(path, error))?;
    match check(&connection).map_err(|error| explain(path, error))? {
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

fn set_up(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.execute_batch("BEGIN IMMEDIATE")?;
    // Looked at again, for another program may have been quicker.
    match identify(connection)? {
        (0, 0, 0) => {
            connection.execute_batch(SCHEMA)?;
            connection.pragma_update(None, "application_id", APPLICATION)?;
        }
        (_, 1, _) => connection.execute_batch(UPGRADE_FROM_1)?,
        _ => {}
    }
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
        _ => OpenError::Sqlite(path.into(), error),
    }
}
