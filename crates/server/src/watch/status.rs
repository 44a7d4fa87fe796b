//! What is there: services, connections, the room, the bank, faults, and the last warnings.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use proto::mode::{Mode, PROXY, Transport};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use wire::fault::FaultPlan;

use super::feed::Feed;
use super::tally::{Counts, Known};
use crate::config::{Config, Role};
use crate::connections::{Connections, OpenConnection};
use crate::ledger::command::{self, Command, Format};
use crate::ledger::place::Place;
use crate::ledger::sqlite::Access;
use crate::listener::Server;
use crate::log::Warnings;

/// How long one answer is given to all who ask.
const KEPT_FOR: Duration = Duration::from_millis(500);

/// How long the bank is not looked at again, times what it took: looking takes at most a twentieth
/// of a core, however long the ledger is.
const REST: u32 = 20;

/// Most connections that are listed, the oldest first.
const MOST_CONNECTIONS: usize = 1_000;

/// Most accounts, and most unsettled transactions, that are listed.
const MOST_ROWS: usize = 200;

/// What is there at a moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// The program's version.
    pub release: String,
    /// The number of the process.
    pub pid: u32,
    /// The run, as in its recording.
    pub run: String,
    /// `services`, `proxy`, or the name of a hand-out.
    pub role: String,
    /// When it started.
    pub started: Timestamp,
    /// When this was so.
    pub now: Timestamp,
    /// Every socket that it listens on.
    pub services: Vec<ServiceStatus>,
    /// How many connections are open.
    pub open: usize,
    /// How many may be.
    pub most: usize,
    /// The first thousand of them.
    pub connections: Vec<ConnectionStatus>,
    /// The members of the chat room, if there is one.
    pub room: Option<Vec<String>>,
    /// The bank, if there is one and its ledger is not in memory.
    pub bank: Option<Bank>,
    /// The faults that are injected, as `--fault` takes them; empty are none.
    pub fault: String,
    /// Their seed, as `--seed` takes it.
    pub seed: u64,
    /// Messages that a fault struck since the start.
    pub struck: u64,
    /// Events that were not recorded for the page, because there were too many at once.
    pub lost: u64,
    /// Whether the page may make the server crash.
    pub may_crash: bool,
    /// Browsers that follow.
    pub watchers: usize,
    /// The last warnings and errors of the log, the oldest first.
    pub warnings: Vec<String>,
}

/// One socket that is listened on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceStatus {
    /// Its name, as on the ready line.
    pub name: String,
    /// `tcp` or `udp`.
    pub transport: Transport,
    /// Where.
    pub address: SocketAddr,
    /// Connections that are open.
    pub open: usize,
    /// The service's messages since the start, over both transports.
    #[serde(flatten)]
    pub counts: Counts,
}

/// One connection.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ConnectionStatus {
    /// The service.
    pub service: String,
    /// Its number, as in a recording.
    pub number: u64,
    /// The other end, unless it is gone.
    pub peer: Option<SocketAddr>,
    /// The machine or the person that it says it is.
    pub name: Option<String>,
    /// Seconds since it was opened.
    pub open_for: f64,
    /// Seconds since the peer said something, or was connected.
    pub quiet_for: f64,
    /// Messages in both directions.
    pub messages: u64,
    /// The last refusal it was sent.
    pub last_refusal: Option<String>,
}

/// The bank, each part as `labserver ledger --json` prints it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Bank {
    /// `ledger audit`.
    pub audit: Value,
    /// `ledger accounts`, the first two hundred.
    pub accounts: Vec<Value>,
    /// `ledger unsettled`, the first two hundred.
    pub unsettled: Vec<Value>,
    /// Why there is nothing else here.
    pub error: Option<String>,
}

/// Where all of it is read from.
pub struct Observed {
    config: Arc<Config>,
    faults: FaultPlan,
    connections: Connections,
    addresses: Vec<(&'static str, Transport, SocketAddr)>,
    feed: Arc<Feed>,
    warnings: Warnings,
    may_crash: bool,
    started: Timestamp,
    answer: Mutex<Option<(Instant, Arc<str>)>>,
    bank: Mutex<Option<(Instant, Bank)>>,
}

impl Observed {
    /// What this server does, under these faults.
    pub fn new(
        server: &Server,
        faults: FaultPlan,
        feed: Arc<Feed>,
        warnings: Warnings,
        may_crash: bool,
    ) -> Observed {
        Observed {
            config: Arc::clone(server.config()),
            faults,
            connections: server.connections().clone(),
            addresses: server.addresses(),
            feed,
            warnings,
            may_crash,
            started: Timestamp::now(),
            answer: Mutex::default(),
            bank: Mutex::default(),
        }
    }

    /// The status, as JSON: one of the last half second.
    pub fn json(&self) -> Arc<str> {
        let mut kept = self.answer.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, answer)) = &*kept
            && at.elapsed() < KEPT_FOR
        {
            return Arc::clone(answer);
        }
        // A status has no map with other keys than text, so this cannot fail.
        let json = serde_json::to_string(&self.status()).unwrap_or_default();
        let answer: Arc<str> = json.into();
        *kept = Some((Instant::now(), Arc::clone(&answer)));
        answer
    }

    /// The answer is not the one that was given before, because something was changed.
    pub fn forget_answer(&self) {
        *self.answer.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn status(&self) -> Status {
        let tally = self.feed.tally();
        let open = self.connections.list();
        let mut count: BTreeMap<&str, usize> = BTreeMap::new();
        for connection in &open {
            *count.entry(connection.service).or_default() += 1;
        }
        let service = |(name, transport, address): &(&'static str, Transport, SocketAddr)| {
            let is_stream = *transport == Transport::Tcp;
            ServiceStatus {
                name: (*name).to_owned(),
                transport: *transport,
                address: *address,
                open: count.get(name).copied().filter(|_| is_stream).unwrap_or(0),
                counts: tally.services.get(*name).copied().unwrap_or_default(),
            }
        };
        let connection = |open: &OpenConnection| {
            let known = tally.connections.get(&(open.service.to_owned(), open.id));
            connection_status(open, known.cloned().unwrap_or_default())
        };
        let connections: Vec<_> = open.iter().take(MOST_CONNECTIONS).map(connection).collect();
        let has_room = self
            .addresses
            .iter()
            .any(|(name, ..)| *name == Mode::Chat.name());
        Status {
            release: env!("CARGO_PKG_VERSION").to_owned(),
            pid: std::process::id(),
            run: self.feed.run(),
            role: match &self.config.role {
                Role::Services(_) => "services".to_owned(),
                Role::Proxy(_) => PROXY.to_owned(),
                Role::Handout(handout) => handout.name().to_owned(),
            },
            started: self.started,
            now: Timestamp::now(),
            services: self.addresses.iter().map(service).collect(),
            open: open.len(),
            most: self.connections.places(),
            room: has_room.then(|| {
                let members = connections
                    .iter()
                    .filter(|it| it.service == Mode::Chat.name());
                members.filter_map(|member| member.name.clone()).collect()
            }),
            connections,
            bank: self.config.ledger.as_ref().map(|ledger| self.bank(ledger)),
            fault: self.faults.spec().to_string(),
            seed: self.faults.seed(),
            struck: tally.struck,
            lost: tally.lost,
            may_crash: self.may_crash,
            watchers: self.feed.followers(),
            warnings: self.warnings.list(),
        }
    }

    /// The bank as it was when it was looked at last, which was not long ago.
    fn bank(&self, ledger: &Place) -> Bank {
        let mut kept = self.bank.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((rest_until, bank)) = &*kept
            && Instant::now() < *rest_until
        {
            return bank.clone();
        }
        let began = Instant::now();
        let bank = Bank::read(ledger).unwrap_or_else(|error| Bank {
            audit: Value::Null,
            accounts: Vec::new(),
            unsettled: Vec::new(),
            error: Some(error.to_string()),
        });
        let rest = (began.elapsed() * REST).max(KEPT_FOR);
        *kept = Some((Instant::now() + rest, bank.clone()));
        bank
    }
}

impl Bank {
    fn read(ledger: &Place) -> anyhow::Result<Bank> {
        let mut store = ledger.open_beside(Access::Read)?;
        let mut rows = |command: Command| -> anyhow::Result<Vec<Value>> {
            let mut answer = Vec::new();
            command::run(
                &command,
                &mut *store,
                Timestamp::now(),
                Format::Json,
                &mut answer,
            )?;
            let values = serde_json::Deserializer::from_slice(&answer).into_iter();
            let values: Result<Vec<Value>, _> = values.take(MOST_ROWS).collect();
            Ok(values?)
        };
        Ok(Bank {
            audit: rows(Command::Audit)?.pop().unwrap_or_default(),
            accounts: rows(Command::Accounts { example: false })?,
            unsettled: rows(Command::Unsettled)?,
            error: None,
        })
    }
}

fn connection_status(open: &OpenConnection, known: Known) -> ConnectionStatus {
    ConnectionStatus {
        service: open.service.to_owned(),
        number: open.id,
        peer: open.peer,
        name: known.name,
        open_for: open.open_for.as_secs_f64(),
        quiet_for: open.quiet_for.as_secs_f64(),
        messages: known.messages,
        last_refusal: known.last_refusal,
    }
}
