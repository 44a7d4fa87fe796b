//! Recordings, read from their files and put together.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{self, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};
use proto::mode::{PROXY, Transport};
use proto::side::Side;
use record::{Channel, Event, ReadError, Recording, Run};

/// Events from which the start of a run is computed.
const WELL_KNOWN: usize = 64;

/// The runs of all recordings, in the order in which they began.
#[derive(Debug, Default)]
pub struct Recordings {
    /// The runs; the events of each in the order in which they began.
    pub runs: Vec<Run>,
    /// Of each run, the file that holds it, as a number. Those of one file follow one another: they
    /// are lives of what was started again and again.
    pub files: Vec<usize>,
    /// When each run's `t` is 0, by the machine's clock.
    pub started: Vec<Timestamp>,
    /// Of each run, the conversation that each of its connections is: an index of
    /// [`Recordings::conversations`].
    pub conversation_of: Vec<HashMap<Channel, usize>>,
    /// What two ends say, or one end of which we have the recording.
    pub conversations: Vec<Conversation>,
    /// The conversations that the filter does not keep, by index.
    left_out: HashSet<usize>,
    /// The files whose last line was torn.
    pub torn: Vec<PathBuf>,
}

/// A connection, or the datagrams between two addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conversation {
    /// The service's name.
    pub service: String,
    /// The server's number for it if there is its recording, otherwise the client's.
    pub number: u64,
    /// The runs that recorded its two ends, by index, where there are recordings.
    pub client: Option<usize>,
    /// See `client`.
    pub server: Option<usize>,
    /// The client's address.
    pub client_address: SocketAddr,
    /// The server's address.
    pub server_address: SocketAddr,
}

/// Why recordings cannot be viewed.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// This file cannot be read, or is no recording.
    #[error("cannot view {0}: {1}")]
    Unreadable(String, ReadError),
    /// These two files hold the same run.
    #[error("{0} and {1} hold the same run {2}: give each recording once")]
    SameRun(String, String, String),
}

/// What is left out.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// All conversations but those of this number.
    pub connection: Option<u64>,
    /// All services but this one.
    pub service: Option<String>,
}

impl Filter {
    fn keeps(&self, conversation: &Conversation) -> bool {
        let is = |number: u64| number == conversation.number;
        let named = |name: &String| *name == conversation.service;
        self.connection.is_none_or(is) && self.service.as_ref().is_none_or(named)
    }
}

/// Reads these files; `-` is standard input.
///
/// # Errors
/// When one cannot be read, is no recording, or holds a run that another holds too.
pub fn load(files: &[PathBuf], filter: &Filter) -> Result<Recordings, LoadError> {
    let mut runs: Vec<(usize, Run)> = Vec::new();
    let mut torn = Vec::new();
    let mut from: HashMap<String, &Path> = HashMap::new();
    for (number, file) in files.iter().enumerate() {
        let recording = read(file).map_err(|error| LoadError::Unreadable(shown(file), error))?;
        if recording.was_torn {
            torn.push(file.clone());
        }
        for run in recording.runs {
            if let Some(other) = from.insert(run.header.run.clone(), file) {
                let run = run.header.run;
                return Err(LoadError::SameRun(shown(other), shown(file), run));
            }
            runs.push((number, run));
        }
    }
    let mut loaded = Recordings::new(runs);
    loaded.torn = torn;
    loaded.keep(filter);
    Ok(loaded)
}

fn read(file: &Path) -> Result<Recording, ReadError> {
    if file.as_os_str() == "-" {
        return Recording::read(io::stdin().lock());
    }
    Recording::read(BufReader::with_capacity(1 << 16, File::open(file)?))
}

fn shown(file: &Path) -> String {
    match file.as_os_str() == "-" {
        true => "standard input".into(),
        false => file.display().to_string(),
    }
}

/// Whether this program stood between two others. Its run has the client's conversation with it, in
/// which it is the server, and its own with the server.
pub fn is_of_a_proxy(run: &Run) -> bool {
    let mut channels = run.events.iter().filter_map(|event| event.channel.as_ref());
    channels.any(|channel| channel.service == PROXY)
}

/// One end of a conversation, as one run recorded it.
struct End {
    run: usize,
    side: Side,
    channel: Channel,
    began: Timestamp,
}

/// The transport, and the addresses of the client and of the server.
fn ends_of(channel: &Channel, side: Side) -> (Transport, SocketAddr, SocketAddr) {
    match side {
        Side::Client => (channel.transport, channel.local, channel.peer),
        Side::Server => (channel.transport, channel.peer, channel.local),
    }
}

impl Recordings {
    /// Puts the two ends of each conversation together.
    pub fn new(mut runs: Vec<(usize, Run)>) -> Recordings {
        runs.sort_by_key(|(_, run)| run.header.wall);
        let (files, runs): (Vec<usize>, Vec<Run>) = runs.into_iter().unzip();
        let mut loaded = Recordings {
            conversation_of: vec![HashMap::new(); runs.len()],
            started: runs.iter().map(started).collect(),
            runs,
            files,
            ..Recordings::default()
        };
        let ends = loaded.ends().into_iter();
        let (clients, servers): (Vec<End>, Vec<End>) = ends.partition(|it| it.side == Side::Client);
        // The same two addresses may meet again, later: with one another's connection of about the
        // same time. Newest first, so that the oldest is popped.
        let mut waiting: HashMap<_, Vec<usize>> = HashMap::new();
        for (index, end) in servers.iter().enumerate().rev() {
            let key = ends_of(&end.channel, Side::Server);
            waiting.entry(key).or_default().push(index);
        }
        let mut found = vec![None; servers.len()];
        for end in &clients {
            let conversation = loaded.conversations.len();
            let key = ends_of(&end.channel, Side::Client);
            let unbound = (key.0, key.1, unspecified(key.2));
            let mut nearest_at = |key| nearest(waiting.get_mut(&key)?, &servers, end.began);
            let partner = nearest_at(key).or_else(|| nearest_at(unbound));
            let mut made = Conversation::of(end, Side::Client);
            if let Some(partner) = partner {
                found[partner] = Some(conversation);
                made.number = servers[partner].channel.connection;
                made.server = Some(servers[partner].run);
            }
            loaded.conversations.push(made);
            loaded.conversation_of[end.run].insert(end.channel.clone(), conversation);
        }
        for (end, found) in servers.into_iter().zip(found) {
            let conversation = found.unwrap_or_else(|| {
                let made = Conversation::of(&end, Side::Server);
                loaded.conversations.push(made);
                loaded.conversations.len() - 1
            });
            loaded.conversation_of[end.run].insert(end.channel, conversation);
        }
        loaded
    }

    /// The ends, in the order in which they began.
    fn ends(&self) -> Vec<End> {
        let mut ends = Vec::new();
        for (index, run) in self.runs.iter().enumerate() {
            let mut known: HashSet<&Channel> = HashSet::new();
            for event in &run.events {
                if let Some(channel) = &event.channel
                    && known.insert(channel)
                {
                    ends.push(End {
                        run: index,
                        side: event.side,
                        channel: channel.clone(),
                        began: event.wall,
                    });
                }
            }
        }
        ends.sort_by_key(|end| end.began);
        ends
    }

    /// The conversation that the event of this run is part of, by index.
    pub fn conversation(&self, run: usize, event: &Event) -> Option<usize> {
        let conversation = self.conversation_of[run].get(event.channel.as_ref()?);
        conversation.copied()
    }

    /// Whether nothing of this conversation is to be seen.
    pub fn is_left_out(&self, conversation: usize) -> bool {
        self.left_out.contains(&conversation)
    }

    /// Leaves out what the filter does not keep. What happened on no connection stays.
    fn keep(&mut self, filter: &Filter) {
        if filter.connection.is_none() && filter.service.is_none() {
            return;
        }
        for (run, conversation_of) in self.runs.iter_mut().zip(&self.conversation_of) {
            run.events.retain(|event| {
                let conversation = event.channel.as_ref().and_then(|c| conversation_of.get(c));
                conversation.is_none_or(|index| filter.keeps(&self.conversations[*index]))
            });
        }
        let all = 0..self.conversations.len();
        let left_out = all.filter(|index| !filter.keeps(&self.conversations[*index]));
        self.left_out = left_out.collect();
    }
}

/// When a run's own clock began. Each event names its moment by both clocks, one after the other, so
/// that the second may be a little late: the least late of some is best.
fn started(run: &Run) -> Timestamp {
    let zero = |event: &Event| {
        let t = SignedDuration::from_nanos(i64::try_from(event.t).ok()?);
        event.wall.checked_sub(t).ok()
    };
    let events = run.events.iter().take(WELL_KNOWN);
    events.filter_map(zero).min().unwrap_or(run.header.wall)
}

impl Conversation {
    fn of(end: &End, side: Side) -> Conversation {
        let (_, client_address, server_address) = ends_of(&end.channel, side);
        Conversation {
            service: end.channel.service.clone(),
            number: end.channel.connection,
            client: (side == Side::Client).then_some(end.run),
            server: (side == Side::Server).then_some(end.run),
            client_address,
            server_address,
        }
    }
}

/// Takes out the one that began nearest to this moment. They stand newest first.
fn nearest(waiting: &mut Vec<usize>, servers: &[End], moment: Timestamp) -> Option<usize> {
    let away = |index: usize| servers[index].began.duration_since(moment).abs();
    while let [.., next, oldest] = waiting[..]
        && away(next) < away(oldest)
    {
        waiting.pop();
    }
    waiting.pop()
}

/// What a UDP socket of a server has for its own address when it is bound to all of them.
fn unspecified(address: SocketAddr) -> SocketAddr {
    let ip = match address {
        SocketAddr::V4(_) => std::net::Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => std::net::Ipv6Addr::UNSPECIFIED.into(),
    };
    SocketAddr::new(ip, address.port())
}
