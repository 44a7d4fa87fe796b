//! The lifelines of a diagram.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;

use proto::mode::{Mode, PROXY};
use proto::side::{Direction, Side};
use record::wording::cut;
use record::{EventKind, Run};

use super::Lifeline;
use super::unsettled::Hold;
use crate::load::{Conversation, Recordings, is_of_a_proxy};

/// More clients without a recording than this stand together.
const MOST_UNNAMED: usize = 6;

/// More named ones than this are taken for unnamed ones.
const MOST_NAMES: usize = 12;

/// The longest name of a machine or a person that is shown, in columns.
const LONGEST_NAME: usize = 24;

/// The lifelines, and what happens on which.
pub(super) struct Columns {
    /// From left to right: the clients, the servers.
    pub(super) lifelines: Vec<Lifeline>,
    /// By run.
    pub(super) of_run: Vec<usize>,
    /// By conversation: the client's and the server's.
    pub(super) of_conversation: Vec<(usize, usize)>,
}

impl Columns {
    pub(super) fn of(loaded: &Recordings) -> Columns {
        let names = names(loaded);
        let naming = Naming::of(loaded, &names);
        let mut lifelines: Vec<Lifeline> = Vec::new();
        let mut of_file: HashMap<usize, usize> = HashMap::new();
        let mut of_run = Vec::new();
        for (run, file) in loaded.files.iter().enumerate() {
            let life = *of_file.entry(*file).or_insert(lifelines.len());
            if life == lifelines.len() {
                lifelines.push(recorded(&loaded.runs[run]));
            }
            of_run.push(life);
        }
        // One that did not accept a connection may have accepted others.
        let mut servers: HashMap<(SocketAddr, &str), usize> = HashMap::new();
        for conversation in &loaded.conversations {
            if let Some(run) = conversation.server {
                let key = (conversation.server_address, &conversation.service[..]);
                servers.insert(key, of_run[run]);
            }
        }
        let mut unrecorded: HashMap<(Side, String), usize> = HashMap::new();
        let mut of_unrecorded = |key: &str, life: Lifeline| {
            let key = (life.side, key.to_owned());
            *unrecorded.entry(key).or_insert_with(|| {
                lifelines.push(life);
                lifelines.len() - 1
            })
        };
        let mut of_conversation = Vec::new();
        for (index, conversation) in loaded.conversations.iter().enumerate() {
            if loaded.is_left_out(index) {
                let run = conversation.client.or(conversation.server);
                let own = run.map_or(0, |run| of_run[run]);
                of_conversation.push((own, own));
                continue;
            }
            let client = conversation.client.map(|run| of_run[run]);
            let client = client.unwrap_or_else(|| {
                let life = unrecorded_client(conversation, names.get(&index), &naming);
                of_unrecorded(&life.name.clone(), life)
            });
            let key = (conversation.server_address, &conversation.service[..]);
            let server = conversation.server.map(|run| of_run[run]);
            let server = server.or_else(|| servers.get(&key).copied());
            let server = server.unwrap_or_else(|| {
                let life = unrecorded_server(conversation);
                of_unrecorded(&life.detail.clone(), life)
            });
            of_conversation.push((client, server));
        }
        // Of a recorded client, the machine that it is. A proxy repeats the names of others.
        for (index, conversation) in loaded.conversations.iter().enumerate() {
            if let (Some(run), Some(name)) = (conversation.client, names.get(&index))
                && !is_of_a_proxy(&loaded.runs[run])
            {
                let detail = &mut lifelines[of_run[run]].detail;
                if !detail.starts_with(name.as_str()) && !detail.contains(" · ") {
                    *detail = format!("{name} · {detail}");
                }
            }
        }
        in_order(lifelines, of_run, of_conversation)
    }

    /// The lifeline that holds the money of this withdrawal: the bank's.
    pub(super) fn holder(&self, loaded: &Recordings, hold: &Hold) -> usize {
        let conversation = hold.conversation.or_else(|| {
            let is_bank = |one: &Conversation| one.service == Mode::Atm.name();
            loaded.conversations.iter().position(is_bank)
        });
        match conversation {
            Some(conversation) => self.of_conversation[conversation].1,
            None => hold.run.map_or(0, |run| self.of_run[run]),
        }
    }
}

/// Puts the clients on the left, the servers on the right, and who is both between them.
fn in_order(
    lifelines: Vec<Lifeline>,
    mut of_run: Vec<usize>,
    mut of_conversation: Vec<(usize, usize)>,
) -> Columns {
    let clients: HashSet<usize> = of_conversation.iter().map(|both| both.0).collect();
    let servers: HashSet<usize> = of_conversation.iter().map(|both| both.1).collect();
    let mut order: Vec<usize> = (0..lifelines.len()).collect();
    order.sort_by_key(
        |index| match (clients.contains(index), servers.contains(index)) {
            (true, true) => 1,
            (true, false) => 0,
            (false, false) if lifelines[*index].side == Side::Client => 0,
            (false, _) => 2,
        },
    );
    let mut place = vec![0; order.len()];
    for (new, old) in order.iter().enumerate() {
        place[*old] = new;
    }
    for life in &mut of_run {
        *life = place[*life];
    }
    for (client, server) in &mut of_conversation {
        (*client, *server) = (place[*client], place[*server]);
    }
    let lifelines = order.iter().map(|index| lifelines[*index].clone());
    Columns {
        lifelines: lifelines.collect(),
        of_run,
        of_conversation,
    }
}

fn recorded(run: &Run) -> Lifeline {
    let header = &run.header;
    Lifeline {
        name: match is_of_a_proxy(run) {
            true => "proxy".into(),
            false => proto::printable::printable(&cut(&header.program, LONGEST_NAME)),
        },
        detail: format!("process {}", header.pid),
        side: header.side,
        is_recorded: true,
    }
}

fn unrecorded_server(conversation: &Conversation) -> Lifeline {
    Lifeline {
        name: match conversation.service.as_str() {
            PROXY => "server".into(),
            service => format!("{} server", cut(service, LONGEST_NAME)),
        },
        detail: conversation.server_address.to_string(),
        side: Side::Server,
        is_recorded: false,
    }
}

fn unrecorded_client(of: &Conversation, name: Option<&String>, naming: &Naming) -> Lifeline {
    let host = of.client_address.ip().to_string();
    let name = match (name, naming) {
        (Some(name), _) => name.clone(),
        (None, Naming::ByPort) => of.client_address.to_string(),
        (None, Naming::ByHost) => host.clone(),
        (None, Naming::Together) => "clients".into(),
    };
    Lifeline {
        detail: match name.contains(&host) {
            true => "client".into(),
            false => host,
        },
        name,
        side: Side::Client,
        is_recorded: false,
    }
}

/// By conversation, what the client says that it is: a machine, a person in the chat room.
fn names(loaded: &Recordings) -> HashMap<usize, String> {
    let mut names = HashMap::new();
    for (index, run) in loaded.runs.iter().enumerate() {
        for event in &run.events {
            let (EventKind::Sent(message) | EventKind::Received(message)) = &event.kind else {
                continue;
            };
            let verb = match event.channel.as_ref().map(|channel| &channel.service[..]) {
                Some("atm") => "TERMINAL ",
                Some("chat") => "JOIN ",
                _ => continue,
            };
            if message.direction == Direction::ToServer
                && let Some(text) = &message.text
                && let Some(name) = text.strip_prefix(verb)
                && let Some(conversation) = loaded.conversation(index, event)
            {
                let name = proto::printable::printable(&cut(name, LONGEST_NAME));
                names.entry(conversation).or_insert(name);
            }
        }
    }
    let is_recorded = |index: &usize| loaded.conversations[*index].client.is_some();
    let unrecorded = names.iter().filter(|(index, _)| !is_recorded(index));
    let different: HashSet<&String> = unrecorded.map(|(_, name)| name).collect();
    if different.len() > MOST_NAMES {
        names.retain(|index, _| is_recorded(index));
    }
    names
}

/// What a client is called that has no name and no recording.
enum Naming {
    /// `127.0.0.1:53011`
    ByPort,
    /// `127.0.0.1`
    ByHost,
    /// `clients`
    Together,
}

impl Naming {
    fn of(loaded: &Recordings, names: &HashMap<usize, String>) -> Naming {
        let conversations = loaded.conversations.iter().enumerate();
        let unnamed = conversations.filter(|(index, conversation)| {
            let is_known = conversation.client.is_some() || names.contains_key(index);
            !is_known && !loaded.is_left_out(*index)
        });
        let ports: HashSet<_> = unnamed.map(|(_, one)| one.client_address).collect();
        let hosts: HashSet<_> = ports.iter().map(|port| port.ip()).collect();
        match (ports.len(), hosts.len()) {
            (..=MOST_UNNAMED, _) => Naming::ByPort,
            (_, ..=MOST_UNNAMED) => Naming::ByHost,
            _ => Naming::Together,
        }
    }
}
