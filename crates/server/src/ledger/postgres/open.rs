//! Opening a ledger: which of the servers takes writes, whether the tables are ours, and whether
//! what is committed there lasts.

use std::fmt;
use std::time::{Duration, Instant};

use tokio_postgres::Row;

use super::address::Address;
use super::connection::{Connection, Error};
use super::statements::Statements;

/// The schema in schema.sql. A later program may read an earlier one's tables, never the reverse.
const VERSION: i64 = 1;

const SCHEMA: &str = include_str!("schema.sql");

/// How long each server may take to let us in, and to say whether it takes writes. One that was
/// stopped never does, and the next may have taken its place meanwhile.
const OPENING: Duration = Duration::from_secs(2);

/// How long it may take to answer each call. It is longer than a commit waits for a standby that is
/// slow, and than `lock_timeout` in [`SETTINGS`].
const CALL: Duration = Duration::from_secs(5);

/// The settings of a session, whatever those of the user and of the database are:
///
/// * a wait for rows that another server has ends before our own deadline, so that it is known
///   that nothing was done;
/// * a server that was stopped in the middle of a transaction gives its rows free;
/// * no statement is cancelled while a commit waits for a standby: PostgreSQL would then say that
///   it is committed;
/// * rows are found by their index even while the statistics are those of an empty table, so that
///   a statement need be planned only once.
const SETTINGS: &str = "-c search_path=socketlab -c lock_timeout=3s \
     -c idle_in_transaction_session_timeout=2s -c statement_timeout=0 \
     -c default_transaction_isolation=read\\ committed -c default_transaction_read_only=off \
     -c enable_seqscan=off -c plan_cache_mode=force_generic_plan -c client_min_messages=warning";

/// What a ledger is opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To serve from it: the tables are made where there are none.
    Serve {
        /// Whether every commit must wait for a standby.
        require_synchronous: bool,
    },
    /// To look into it, or to write beside its servers.
    Beside,
}

/// Why a ledger was not opened, and what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// No server takes writes, but one may in a moment.
    #[error("the ledger {0} is away: {1}")]
    Away(String, String),
    /// A server refuses.
    #[error("cannot open the ledger {0}: {1}")]
    Refused(String, String),
    /// There is none in the database.
    #[error("no ledger at {0}: start `labserver --mode atm` with it once")]
    Missing(String),
    /// Something else is in the schema.
    #[error("the schema socketlab of {0} is no ledger of a bank, and is left alone")]
    NotALedger(String),
    /// A later version wrote it.
    #[error("the ledger {0} was written by a newer labserver: use that one")]
    TooNew(String),
    /// What is committed there may be lost.
    #[error("the ledger {0} may lose what it committed: {1} (--require-synchronous)")]
    NotDurable(String, String),
}

impl OpenError {
    /// Whether it may be gone in a moment.
    pub fn may_pass(&self) -> bool {
        matches!(self, OpenError::Away(..))
    }
}

/// A connection to a server that takes writes.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) connection: Connection,
    pub(super) statements: Statements,
    /// Which of the address's servers it is.
    pub(super) server: usize,
    pub(super) durability: Durability,
}

/// What PostgreSQL promises of a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Durability {
    /// It is on the disk of the server.
    is_synced: bool,
    /// It is on the disk of a standby too, when there is one to wait for.
    is_awaited: bool,
    /// There is one to wait for.
    has_standby: bool,
}

impl Durability {
    /// What is missing, for a database on so many servers.
    pub(super) fn lacks(self, servers: usize) -> Option<String> {
        let mut words = Vec::new();
        if !self.is_synced {
            words.push(
                "fsync, full_page_writes or synchronous_commit is off, so a crash may lose it",
            );
        }
        if servers > 1 && !self.has_standby {
            words.push("no standby is synchronous, so a failover may lose it");
        } else if servers > 1 && !self.is_awaited {
            words.push("synchronous_commit waits for no standby, so a failover may lose it");
        }
        (!words.is_empty()).then(|| words.join("; "))
    }
}

/// Connects to the server that takes writes, the first one from `first` on.
pub(super) fn connect(
    address: &Address,
    first: usize,
    purpose: Purpose,
) -> Result<Session, OpenError> {
    let connector = address.security.connector();
    let connector = connector.map_err(|words| OpenError::Refused(address.to_string(), words))?;
    let mut failures = Vec::new();
    let mut may_pass = true;
    for at in 0..address.servers() {
        let index = (first + at) % address.servers();
        let server = address.server(index);
        let mut config = address
            .config(index)
            .map_err(|error| OpenError::Refused(address.to_string(), error.to_string()))?;
        config.options(match address.options() {
            Some(options) => format!("{SETTINGS} {options}"),
            None => SETTINGS.to_owned(),
        });
        let tried = Connection::open(&config, connector.clone(), OPENING)
            .and_then(|connection| Ok((is_standby(&connection)?, connection)));
        let prepared = match tried {
            Ok((false, mut connection)) => {
                connection.limit = CALL;
                prepare(address, index, connection, purpose)
            }
            Ok((true, _)) => {
                failures.push(format!("{server} is a standby"));
                continue;
            }
            Err(error) => Err(Unusable::Call(error)),
        };
        match prepared {
            Ok(session) => return Ok(session),
            Err(Unusable::Call(error)) => {
                may_pass &= error.may_pass();
                failures.push(format!("{server}: {error}"));
            }
            Err(Unusable::Is(what)) => return Err(what(address.to_string())),
            Err(Unusable::Lacks(words)) => {
                return Err(OpenError::NotDurable(address.to_string(), words));
            }
        }
    }
    let (address, failures) = (address.to_string(), failures.join("; "));
    Err(match may_pass {
        true => OpenError::Away(address, failures),
        false => OpenError::Refused(address, failures),
    })
}

fn is_standby(connection: &Connection) -> Result<bool, Error> {
    let query = connection
        .client
        .query_typed("SELECT pg_is_in_recovery()", &[]);
    let rows = connection.wait(query)?;
    get(&rows, 0)
}

/// Why the server that takes writes is not used.
enum Unusable {
    Call(Error),
    Is(fn(String) -> OpenError),
    Lacks(String),
}

impl From<Error> for Unusable {
    fn from(error: Error) -> Unusable {
        Unusable::Call(error)
    }
}

fn prepare(
    address: &Address,
    server: usize,
    connection: Connection,
    purpose: Purpose,
) -> Result<Session, Unusable> {
    let version = match (version(&connection)?, purpose) {
        (None, Purpose::Beside) => return Err(Unusable::Is(OpenError::Missing)),
        (None, Purpose::Serve { .. }) => make_tables(&connection)?,
        (Some(version), _) => version,
    };
    if version > VERSION {
        return Err(Unusable::Is(OpenError::TooNew));
    }
    let durability = durability(&connection)?;
    // With the promise of a standby, even one server must have one.
    if purpose
        == (Purpose::Serve {
            require_synchronous: true,
        })
        && let Some(words) = durability.lacks(address.servers().max(2))
    {
        return Err(Unusable::Lacks(words));
    }
    let statements = connection.wait(Statements::prepare(&connection.client))?;
    Ok(Session {
        connection,
        statements,
        server,
        durability,
    })
}

/// The version of the tables, if there are any.
fn version(connection: &Connection) -> Result<Option<i64>, Unusable> {
    let client = &connection.client;
    // From the catalogue's tables: what the functions of names say may be older than the transaction.
    let found = "SELECT count(*), count(*) FILTER (WHERE relname = 'ledger') \
                 FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace \
                 WHERE nspname = 'socketlab'";
    let rows = connection.wait(client.query_typed(found, &[]))?;
    match (get::<i64>(&rows, 0)?, get::<i64>(&rows, 1)?) {
        // An empty schema is as good as none: it may have been made for this.
        (0, _) => Ok(None),
        (_, 0) => Err(Unusable::Is(OpenError::NotALedger)),
        _ => {
            let rows = connection.wait(client.query_typed("SELECT version FROM ledger", &[]))?;
            match rows.is_empty() {
                true => Err(Unusable::Is(OpenError::NotALedger)),
                false => Ok(Some(get(&rows, 0)?)),
            }
        }
    }
}

/// Makes the tables, unless another server does at this moment, and gives their version.
fn make_tables(connection: &Connection) -> Result<i64, Unusable> {
    let client = &connection.client;
    // Released by the commit. The number is this program's own: "SLAB".
    connection.wait(client.batch_execute("BEGIN; SELECT pg_advisory_xact_lock(1397506370)"))?;
    if let Some(version) = version(connection)? {
        connection.wait(client.batch_execute("ROLLBACK"))?;
        return Ok(version);
    }
    connection.wait(client.batch_execute(&format!("{SCHEMA}\nCOMMIT")))?;
    Ok(VERSION)
}

fn durability(connection: &Connection) -> Result<Durability, Error> {
    let query = "SELECT current_setting('fsync') = 'on' \
                    AND current_setting('full_page_writes') = 'on' \
                    AND current_setting('synchronous_commit') <> 'off', \
                 current_setting('synchronous_commit') IN ('on', 'remote_apply'), \
                 current_setting('synchronous_standby_names') <> ''";
    let rows = connection.wait(connection.client.query_typed(query, &[]))?;
    Ok(Durability {
        is_synced: get(&rows, 0)?,
        is_awaited: get(&rows, 1)?,
        has_standby: get(&rows, 2)?,
    })
}

/// A column of the one row.
fn get<T>(rows: &[Row], column: usize) -> Result<T, Error>
where
    T: for<'a> tokio_postgres::types::FromSql<'a>,
{
    let row = rows
        .first()
        .ok_or_else(|| Error::Lost("no row came".to_owned()))?;
    Ok(row.try_get(column)?)
}

/// When a server that could not be reached is tried again.
#[derive(Debug, Default)]
pub(super) struct Pause {
    until: Option<Instant>,
    why: String,
}

impl Pause {
    /// From one attempt to connect to the next, so that many who ask do not become a flood.
    const LENGTH: Duration = Duration::from_millis(100);

    /// Why there is no attempt now, if there is none.
    pub(super) fn why(&self) -> Option<&str> {
        let lasts = self.until.is_some_and(|until| Instant::now() < until);
        lasts.then_some(&self.why)
    }

    pub(super) fn begin(&mut self, why: &impl fmt::Display) {
        self.until = Some(Instant::now() + Pause::LENGTH);
        self.why = why.to_string();
    }
}
