//! The lifelines of a diagram.

use std::collections::{HashMap, HashSet};

use proto::mode::{Mode, PROXY};
use proto::side::{Direction, Side};
use record::What;

use super::Lifeline;
use super::unsettled::Hold;
use crate::load::{Conversation, Loaded, is_of_a_proxy};

/// More clients without a recording than this stand together.
const MOST_STRANGERS: usize = 6;

/// More named ones than this are taken for unnamed ones.
const MOST_NAMES: usize = 12;

/// The longest name of a machine or a person that is shown, in characters.
const LONGEST_NAME: usize = 24;

/// The lifelines, and what happens on which.
pub(super) struct Columns {
    /// From left to right: the clients, the servers.
    pub(super) lives: Vec<Lifeline>,
    /// By run.
    pub(super) of_run: Vec<usize>,
    /// By conversation: the client's and the server's.
    pub(super) of_conversation: Vec<(usize, usize)>,
}

/// Who a lifeline is.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Who {
    /// What recorded this file.
    File(usize),
    /// An unrecorded client or server.
    Stranger(Side, String),
}

impl Columns {
    pub(super) fn of(loaded: &Loaded) -> Columns {
        let mut names = names(loaded);
        let strangers = names
            .iter()
            .filter(|(index, _)| loaded.conversations[**index].client.is_none());
        if strangers
            .map(|(_, name)| name)
            .collect::<HashSet<_>>()
            .len()
            > MOST_NAMES
        {
            names.retain(|index, _| loaded.conversations[*index].client.is_some());
        }
        let mut strangers = Strangers::of(loaded, &names);
        let mut found: Vec<(Who, Lifeline)> = Vec::new();
        let mut places: HashMap<Who, usize> = HashMap::new();
        let mut place = |who: Who, life: &dyn Fn() -> Lifeline| {
            *places.entry(who.clone()).or_insert_with(|| {
                found.push((who, life()));
                found.len() - 1
            })
        };
        let of_run: Vec<usize> = (0..loaded.runs.len())
            .map(|run| place(Who::File(loaded.files[run]), &|| recorded(loaded, run)))
            .collect();
        let of_conversation: Vec<(usize, usize)> = loaded
            .conversations
            .iter()
            .enumerate()
            .map(|(index, conversation)| {
                if loaded.is_left_out(index) {
                    let run = conversation.client.or(conversation.server);
                    let own = run.map_or(0, |run| of_run[run]);
                    return (own, own);
                }
                let mut end = |side, run: Option<usize>| match run {
                    Some(run) => of_run[run],
                    None => match strangers.who(conversation, side, names.get(&index)) {
                        Who::File(file) => {
                            let run = loaded.files.iter().position(|one| *one == file);
                            of_run[run.unwrap_or_default()]
                        }
                        who => place(who.clone(), &|| unrecorded(&who, conversation)),
                    },
                };
                (
                    end(Side::Client, conversation.client),
                    end(Side::Server, conversation.server),
                )
            })
            .collect();
        let is_proxy: Vec<bool> = loaded.runs.iter().map(is_of_a_proxy).collect();
        // Of a recorded client, the machine that it is. A proxy repeats the names of others.
        for (index, conversation) in loaded.conversations.iter().enumerate() {
            if let (Some(run), Some(name)) = (conversation.client, names.get(&index))
                && !is_proxy[run]
            {
                let life = &mut found[of_run[run]].1;
                if !life.detail.starts_with(name.as_str()) && !life.detail.contains(" · ") {
                    life.detail = format!("{name} · {}", life.detail);
                }
            }
        }
        in_order(found, of_run, of_conversation)
    }

    /// The lifeline that holds the money of this withdrawal: the bank's.
    pub(super) fn holder(&self, loaded: &Loaded, hold: &Hold) -> usize {
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
    found: Vec<(Who, Lifeline)>,
    mut of_run: Vec<usize>,
    mut of_conversation: Vec<(usize, usize)>,
) -> Columns {
    let mut order: Vec<usize> = (0..found.len()).collect();
    let mut roles = vec![(false, false); found.len()];
    for (client, server) in &of_conversation {
        roles[*client].0 = true;
        roles[*server].1 = true;
    }
    order.sort_by_key(|index| match roles[*index] {
        (true, true) => 1,
        (true, false) => 0,
        (false, true) => 2,
        (false, false) if found[*index].1.side == Side::Client => 0,
        (false, false) => 2,
    });
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
    let lives = order.iter().map(|index| found[*index].1.clone());
    Columns {
        lives: lives.collect(),
        of_run,
        of_conversation,
    }
}

fn recorded(loaded: &Loaded, run: usize) -> Lifeline {
    let header = &loaded.runs[run].header;
    Lifeline {
        name: match is_of_a_proxy(&loaded.runs[run]) {
            true => "proxy".into(),
            false => proto::printable::printable(&cut(&header.program)),
        },
        detail: format!("process {}", header.pid),
        side: header.side,
        is_recorded: true,
    }
}

fn unrecorded(who: &Who, conversation: &Conversation) -> Lifeline {
    let (side, name) = match who {
        Who::Stranger(side, name) => (*side, name.clone()),
        Who::File(_) => (Side::Client, String::new()),
    };
    let address = match side {
        Side::Client => conversation.client_address.ip().to_string(),
        Side::Server => conversation.server_address.to_string(),
    };
    match side {
        Side::Server => Lifeline {
            name: match conversation.service.as_str() {
                PROXY => "server".into(),
                service => format!("{} server", cut(service)),
            },
            detail: address,
            side,
            is_recorded: false,
        },
        Side::Client => Lifeline {
            detail: if name.contains(&address) {
                "client".into()
            } else {
                address
            },
            name,
            side,
            is_recorded: false,
        },
    }
}

/// By conversation, what the client says that it is: a machine, a person in the chat room.
fn names(loaded: &Loaded) -> HashMap<usize, String> {
    let mut names = HashMap::new();
    for (index, run) in loaded.runs.iter().enumerate() {
        for event in &run.events {
            let (What::Sent(message) | What::Received(message)) = &event.what else {
                continue;
            };
            let Some(channel) = &event.channel else {
                continue;
            };
            let verb = match channel.service.as_str() {
                "atm" => "TERMINAL ",
                "chat" => "JOIN ",
                _ => continue,
            };
            if message.direction == Direction::ToServer
                && let Some(text) = &message.text
                && let Some(name) = text.strip_prefix(verb)
                && let Some(conversation) = loaded.conversation(index, event)
            {
                let name = proto::printable::printable(&cut(name));
                names.entry(conversation).or_insert(name);
            }
        }
    }
    names
}

fn cut(name: &str) -> String {
    match name.char_indices().nth(LONGEST_NAME) {
        None => name.to_owned(),
        Some((at, _)) => format!("{}…", &name[..at]),
    }
}

/// Those of whom there is no recording.
struct Strangers {
    /// The file of the server at an address: one that did not accept a connection is not nobody.
    servers: HashMap<(std::net::SocketAddr, String), usize>,
    /// How an unnamed client is called.
    naming: Naming,
}

enum Naming {
    /// `127.0.0.1:53011`
    ByPort,
    /// `127.0.0.1`
    ByHost,
    /// `clients`
    Together,
}

impl Strangers {
    fn of(loaded: &Loaded, names: &HashMap<usize, String>) -> Strangers {
        let mut servers = HashMap::new();
        let mut ports = HashSet::new();
        for (index, conversation) in loaded.conversations.iter().enumerate() {
            if let Some(run) = conversation.server {
                let key = (conversation.server_address, conversation.service.clone());
                servers.insert(key, loaded.files[run]);
            }
            if conversation.client.is_none()
                && !names.contains_key(&index)
                && !loaded.is_left_out(index)
            {
                ports.insert(conversation.client_address);
            }
        }
        let hosts: HashSet<_> = ports.iter().map(|port| port.ip()).collect();
        let naming = match (ports.len(), hosts.len()) {
            (..=MOST_STRANGERS, _) => Naming::ByPort,
            (_, ..=MOST_STRANGERS) => Naming::ByHost,
            _ => Naming::Together,
        };
        Strangers { servers, naming }
    }

    fn who(&mut self, of: &Conversation, side: Side, name: Option<&String>) -> Who {
        match side {
            Side::Server => {
                let key = (of.server_address, of.service.clone());
                match self.servers.get(&key) {
                    Some(file) => Who::File(*file),
                    None => Who::Stranger(side, of.server_address.to_string()),
                }
            }
            Side::Client => {
                let name = match (name, &self.naming) {
                    (Some(name), _) => name.clone(),
                    (None, Naming::ByPort) => of.client_address.to_string(),
                    (None, Naming::ByHost) => of.client_address.ip().to_string(),
                    (None, Naming::Together) => "clients".into(),
                };
                Who::Stranger(side, name)
            }
        }
    }
}
