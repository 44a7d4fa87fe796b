//! A connection to PostgreSQL, each of whose calls ends in time.
//!
//! The client library is asynchronous. Here a runtime of its own carries it, on the thread of the
//! caller, which waits for the call or for the deadline. (The library's blocking client has no
//! deadline: it waits for ever for a server that was stopped.) Between calls nothing runs.

use std::fmt;
use std::future::{Future, poll_fn};
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::TryStreamExt;
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;
use tokio_postgres::error::{DbError, Severity, SqlState};
use tokio_postgres::types::ToSql;
use tokio_postgres::{AsyncMessage, Client, Config, Row};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::super::store::StoreError;

/// A connection. After an [error that ends it](Error::ends_connection) it is of no use.
pub(super) struct Connection {
    pub(super) client: Client,
    warning: Arc<Mutex<Option<String>>>,
    /// The most that each call may take.
    pub(super) limit: Duration,
    /// Only taken when this is dropped.
    runtime: Option<Runtime>,
}

/// Why a call failed.
#[derive(Debug)]
pub(super) enum Error {
    /// There was no answer in time.
    NoAnswer(Duration),
    /// There is no connection, or no more.
    Lost(String),
    /// What is asked for cannot be had there: a password, encryption, or a certificate is missing or
    /// wrong.
    Unsuitable(String),
    /// The server refuses.
    Refused(Box<DbError>),
}

impl Connection {
    /// Connects within this time, which is then the limit of each call.
    pub(super) fn open(
        config: &Config,
        connector: MakeRustlsConnect,
        limit: Duration,
    ) -> Result<Connection, Error> {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| Error::Lost(error.to_string()))?;
        let connected = runtime.block_on(async { timeout(limit, config.connect(connector)).await });
        let (client, mut connection) = connected.map_err(|_| Error::NoAnswer(limit))??;
        let warning = Arc::default();
        let heard: Arc<Mutex<Option<String>>> = Arc::clone(&warning);
        runtime.spawn(async move {
            while let Some(Ok(message)) = poll_fn(|context| connection.poll_message(context)).await
            {
                if let AsyncMessage::Notice(notice) = message
                    && notice.parsed_severity() == Some(Severity::Warning)
                {
                    let mut heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
                    *heard = Some(notice.message().to_owned());
                }
            }
        });
        Ok(Connection {
            client,
            warning,
            limit,
            runtime: Some(runtime),
        })
    }

    /// Waits for what a call gives.
    pub(super) fn wait<T>(
        &self,
        call: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T, Error> {
        let limit = self.limit;
        let result = self
            .runtime()
            .block_on(async { timeout(limit, call).await });
        Ok(result.map_err(|_| Error::NoAnswer(limit))??)
    }

    /// Visits the rows of a query as they come, each in time.
    pub(super) fn each_row<E: From<Error>>(
        &self,
        query: &str,
        parameters: &[&(dyn ToSql + Sync)],
        mut visit: impl FnMut(&Row) -> Result<(), E>,
    ) -> Result<(), E> {
        let limit = self.limit;
        let in_time = |_| Error::NoAnswer(limit);
        self.runtime().block_on(async {
            let parameters = parameters.iter().copied();
            let asked = timeout(limit, self.client.query_raw(query, parameters)).await;
            let rows = asked.map_err(in_time)?.map_err(Error::from)?;
            let mut rows = std::pin::pin!(rows);
            loop {
                let next = timeout(limit, rows.try_next()).await;
                match next.map_err(in_time)?.map_err(Error::from)? {
                    Some(row) => visit(&row)?,
                    None => return Ok(()),
                }
            }
        })
    }

    /// What the server warned of since this was last asked.
    pub(super) fn take_warning(&self) -> Option<String> {
        let mut warning = self.warning.lock().unwrap_or_else(PoisonError::into_inner);
        warning.take()
    }

    fn runtime(&self) -> &Runtime {
        self.runtime.as_ref().expect("only taken when dropped")
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // Without waiting for the resolver, which may be busy with a name.
            runtime.shutdown_background();
        }
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").finish_non_exhaustive()
    }
}

impl Error {
    /// Whether the connection is of no use any more.
    pub(super) fn ends_connection(&self) -> bool {
        match self {
            Error::NoAnswer(_) | Error::Lost(_) | Error::Unsuitable(_) => true,
            Error::Refused(refusal) => refusal.parsed_severity() != Some(Severity::Error),
        }
    }

    /// Whether the connection was found to be gone. A server that ends one says why.
    pub(super) fn is_lost(&self) -> bool {
        self.ends_connection() && !matches!(self, Error::NoAnswer(_))
    }

    /// Whether it may be gone in a moment: what is wrong is no mistake in how the server is asked.
    pub(super) fn may_pass(&self) -> bool {
        match self {
            Error::NoAnswer(_) | Error::Lost(_) => true,
            Error::Unsuitable(_) => false,
            Error::Refused(refusal) => {
                let class = refusal.code().code().get(..2);
                matches!(class, Some("08" | "53" | "55" | "57" | "58"))
            }
        }
    }
}

impl From<tokio_postgres::Error> for Error {
    fn from(error: tokio_postgres::Error) -> Error {
        if let Some(refusal) = error.as_db_error() {
            return Error::Refused(Box::new(refusal.clone()));
        }
        let Some(source) = std::error::Error::source(&error) else {
            return Error::Lost(error.to_string());
        };
        let words = format!("{error}: {source}");
        match source.downcast_ref::<io::Error>().map(io::Error::kind) {
            // Of a certificate, for example.
            None | Some(io::ErrorKind::InvalidData) => Error::Unsuitable(words),
            Some(_) => Error::Lost(words),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::NoAnswer(limit) => write!(f, "no answer within {} s", limit.as_secs()),
            Error::Lost(words) | Error::Unsuitable(words) => f.write_str(words),
            Error::Refused(refusal) => {
                f.write_str(refusal.message())?;
                match advice(refusal.code()) {
                    Some(words) => write!(f, ": {words}"),
                    None => Ok(()),
                }
            }
        }
    }
}

impl std::error::Error for Error {}

/// What to do about it, where PostgreSQL's own words leave that open.
fn advice(code: &SqlState) -> Option<&'static str> {
    let words = match *code {
        SqlState::DISK_FULL => "make room on the disk of PostgreSQL",
        SqlState::READ_ONLY_SQL_TRANSACTION => "this server is a standby",
        SqlState::TOO_MANY_CONNECTIONS => "raise its max_connections",
        SqlState::INVALID_PASSWORD | SqlState::INVALID_AUTHORIZATION_SPECIFICATION => {
            "set PGPASSWORD, or write the password into ~/.pgpass"
        }
        SqlState::INVALID_CATALOG_NAME => "create it with createdb",
        SqlState::LOCK_NOT_AVAILABLE => "another server, or an operator, has it locked",
        SqlState::INSUFFICIENT_PRIVILEGE => {
            "the user must own the database, or the schema socketlab"
        }
        _ => return None,
    };
    Some(words)
}

impl From<Error> for StoreError {
    fn from(error: Error) -> StoreError {
        let Error::Refused(refusal) = &error else {
            return StoreError::Failed(Box::new(error));
        };
        let conflicts = [
            SqlState::T_R_SERIALIZATION_FAILURE,
            SqlState::T_R_DEADLOCK_DETECTED,
            // An id or a card that another server wrote a moment earlier.
            SqlState::UNIQUE_VIOLATION,
        ];
        match refusal.code().code().get(..2) {
            _ if conflicts.contains(refusal.code()) => StoreError::Conflict(error.to_string()),
            // Data, and rules of the schema.
            Some("22" | "23") => StoreError::Rejected(error.to_string()),
            _ => StoreError::Failed(Box::new(error)),
        }
    }
}
