//! Where a ledger is: in a file, or in a database.

use std::convert::Infallible;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::thread;
use std::time::{Duration, Instant};

use super::postgres::{self, Address, AddressError, Purpose};
use super::sqlite::{self, Access};
use super::store::Store;

/// How long the start of a server waits for a database that is away: another server of it may
/// be about to take its place.
const START: Duration = Duration::from_secs(60);

/// From one attempt to the next meanwhile.
const INTERVAL: Duration = Duration::from_millis(500);

/// Where a ledger is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// In an SQLite file.
    File(PathBuf),
    /// In a PostgreSQL database, which several servers may have open.
    Postgres(Box<Address>),
}

/// Why a ledger was not opened, and what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file.
    #[error(transparent)]
    File(#[from] sqlite::OpenError),
    /// The database.
    #[error(transparent)]
    Postgres(#[from] postgres::OpenError),
}

impl Place {
    /// Opens the ledger to serve from it, and makes it where there is none. With
    /// `require_synchronous`, a database must have a standby that every commit waits for.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open(&self, require_synchronous: bool) -> Result<Box<dyn Store>, OpenError> {
        let address = match self {
            Place::File(file) => return Ok(Box::new(sqlite::open(file)?)),
            Place::Postgres(address) => address,
        };
        let deadline = Instant::now() + START;
        let mut has_said = false;
        loop {
            match postgres::open(
                address,
                Purpose::Serve {
                    require_synchronous,
                },
            ) {
                Err(error) if error.may_pass() && Instant::now() < deadline => {
                    if !has_said {
                        tracing::warn!("{error}: waiting up to {} s", START.as_secs());
                    }
                    has_said = true;
                    thread::sleep(INTERVAL);
                }
                opened => return Ok(Box::new(opened?)),
            }
        }
    }

    /// Opens a ledger that exists, whether or not a server has it open: for what an operator asks.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open_beside(&self, access: Access) -> Result<Box<dyn Store>, OpenError> {
        Ok(match self {
            Place::File(file) => Box::new(sqlite::open_beside(file, access)?),
            Place::Postgres(address) => Box::new(postgres::open(address, Purpose::Beside)?),
        })
    }
}

impl FromStr for Place {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Place, AddressError> {
        match Address::is_meant(text) {
            true => Ok(Place::Postgres(Box::new(text.parse()?))),
            false => {
                let Ok(file) = text.parse::<PathBuf>() as Result<PathBuf, Infallible>;
                Ok(Place::File(file))
            }
        }
    }
}

/// A database without its password.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::File(file) => file.display().fmt(f),
            Place::Postgres(address) => address.fmt(f),
        }
    }
}
