//! Requests and answers: which attempt of the machine, and which arrival at the bank, they are.

use std::net::SocketAddr;

use proto::atm::Request;
use proto::refusal::Code;
use proto::side::{Direction, Side};
use record::{DropCause, EventKind, Message};

use super::super::history::{Arrival, Attempt, Fate, Reply, Verb};
use super::{ConnectionState, End, Gathering, Pending, Place};

impl<'a> Gathering<'a> {
    /// What crossed a connection, or was kept from it by a fault.
    pub(super) fn message(&mut self, end: End<'a>, kind: &EventKind) {
        use Direction::{ToClient, ToServer};
        let Some(message) = kind.message() else {
            return;
        };
        match (self.states[end.run].side, message.direction, kind) {
            (Side::Client, ToServer, EventKind::Duplicated(_)) => self.connection(end).copies = 2,
            (Side::Client, ToServer, _) => {
                if let Some(fate) = fate(kind) {
                    self.ask(end, message, fate);
                }
            }
            (Side::Client, ToClient, EventKind::Received(_)) => {
                if let Some((asked, reply)) = self.answer(end, message) {
                    let one = &mut self.found.histories[asked.history].attempts[asked.place];
                    match asked.is_copy {
                        true => one.answer_to_copy = Some(reply),
                        false => one.answer = Some(reply),
                    }
                }
            }
            (Side::Client, ToClient, EventKind::Dropped { cause, .. }) => {
                let answered = self.connection(end).answered;
                let lost = answered.filter(|it| *cause == DropCause::Drop && !it.is_copy);
                if let Some(Pending { history, place, .. }) = lost {
                    self.found.histories[history].attempts[place].answer_was_lost = true;
                }
            }
            (Side::Server, ToServer, EventKind::Received(_)) => self.arrive(end, message),
            (Side::Server, ToServer, EventKind::Dropped { .. }) => {
                if let Some(Some(asked)) = self.connection(end).waiting.pop_back() {
                    self.found.histories[asked.history].arrivals[asked.place].was_dropped = true;
                }
            }
            (Side::Server, ToServer, EventKind::Duplicated(_)) => {
                let waiting = &mut self.connection(end).waiting;
                if let Some(asked) = waiting.back().copied() {
                    waiting.push_back(asked.map(|asked| Pending {
                        is_copy: true,
                        ..asked
                    }));
                }
            }
            (Side::Server, ToClient, _) => match fate(kind) {
                Some(Fate::Sent) => self.reply(end, message, false),
                Some(Fate::Dropped | Fate::Cut | Fate::Reset) => self.reply(end, message, true),
                Some(Fate::Refused) | None => {}
            },
            _ => {}
        }
    }

    /// The machine asks.
    fn ask(&mut self, end: End<'a>, message: &Message, fate: Fate) {
        let Some((history, verb)) = self.about(end, message) else {
            if fate == Fate::Sent {
                self.connection(end).waiting.push_back(None);
            }
            return;
        };
        self.found.histories[history].machine_is_recorded = true;
        let connection = self.connection(end);
        let is_copy = connection.copies == 1;
        connection.copies = connection.copies.saturating_sub(1);
        let is_doubled = connection.copies == 1;
        let (client, server) = (end.channel.local, end.channel.peer);
        let place =
            (fate == Fate::Sent).then(|| place_of(connection, (client, server), (history, verb)));
        let attempts = &mut self.found.histories[history].attempts;
        if !is_copy {
            attempts.push(Attempt {
                verb,
                fate,
                is_doubled,
                answer: None,
                answer_was_lost: false,
                answer_to_copy: None,
                arrival: None,
            });
        }
        let number = attempts.len().saturating_sub(1);
        if let Some(place) = place {
            if !is_copy {
                self.sent.push((place, number));
            }
            let asked = Pending {
                history,
                place: number,
                is_copy,
            };
            self.connection(end).waiting.push_back(Some(asked));
        }
    }

    /// The machine is answered. What it had asked, if it was about a transaction.
    fn answer(&mut self, end: End<'a>, message: &Message) -> Option<(Pending, Reply)> {
        let connection = self.connection(end);
        connection.answered = None;
        let reply = reply_in(message)?;
        let asked = connection.waiting.pop_front()??;
        connection.answered = Some(asked);
        Some((asked, reply))
    }

    /// A request comes to the bank.
    fn arrive(&mut self, end: End<'a>, message: &Message) {
        let Some((history, verb)) = self.about(end, message) else {
            self.connection(end).waiting.push_back(None);
            return;
        };
        let number = self.found.histories[history].arrivals.len();
        let connection = self.connection(end);
        let ends = (end.channel.peer, end.channel.local);
        let place = place_of(connection, ends, (history, verb));
        let asked = Pending {
            history,
            place: number,
            is_copy: false,
        };
        connection.waiting.push_back(Some(asked));
        self.arrived.insert(place, number);
        self.found.histories[history].arrivals.push(Arrival {
            verb,
            ..Arrival::default()
        });
    }

    /// The bank answers, or a fault keeps it from that.
    fn reply(&mut self, end: End<'a>, message: &Message, was_lost: bool) {
        let Some(reply) = reply_in(message) else {
            return;
        };
        let waiting = self.connection(end).waiting.pop_front();
        if let Some(Some(asked)) = waiting
            && !asked.is_copy
        {
            let arrival = &mut self.found.histories[asked.history].arrivals[asked.place];
            arrival.answer = Some(reply);
            arrival.answer_was_lost = was_lost;
        }
    }

    /// Which transaction a request is about, and how. Remembers the machine's name.
    fn about(&mut self, end: End<'a>, message: &Message) -> Option<(usize, Verb)> {
        // A key is recorded as stars, and without it the request is one all the same.
        let text = message.text.as_deref()?.trim_end_matches('*').trim_end();
        let (id, verb, amount) = match text.parse().ok()? {
            Request::Hold { id, amount, .. } => (id, Verb::Hold, Some(amount.money())),
            Request::Confirm { id, .. } => (id, Verb::Confirm, None),
            Request::Rollback { id, .. } => (id, Verb::Rollback, None),
            Request::Terminal(name) => {
                self.connection(end).machine = Some(name.clone());
                self.states[end.run].machine = Some(name);
                return None;
            }
            _ => return None,
        };
        let machine = self.connection(end).machine.clone();
        let number = self.history(end.run, id);
        let history = &mut self.found.histories[number];
        history.amount = history.amount.or(amount);
        history.machine = history.machine.take().or(machine);
        Some((number, verb))
    }

    fn connection(&mut self, end: End<'a>) -> &mut ConnectionState {
        let connections = &mut self.states[end.run].connections;
        connections.entry(end.channel).or_default()
    }
}

fn place_of(
    connection: &mut ConnectionState,
    (client, server): (SocketAddr, SocketAddr),
    (history, verb): (usize, Verb),
) -> Place {
    let before = connection.places.entry((history, verb)).or_default();
    let client = SocketAddr::new(client.ip().to_canonical(), client.port());
    let place = (client, server.port(), history, verb, *before);
    *before += 1;
    place
}

/// What became of a message at its sender; `None` when it was not sent whole.
fn fate(kind: &EventKind) -> Option<Fate> {
    match kind {
        EventKind::Sent(message) if !message.partial => Some(Fate::Sent),
        EventKind::Dropped { .. } => Some(Fate::Dropped),
        EventKind::Refused(_) => Some(Fate::Refused),
        EventKind::Cut { .. } => Some(Fate::Cut),
        EventKind::Reset(_) => Some(Fate::Reset),
        _ => None,
    }
}

/// The answer that this message is; none for `READY` and for what is no answer of a bank.
fn reply_in(message: &Message) -> Option<Reply> {
    let text = message.text.as_deref()?;
    let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
    match word {
        "OK" => Some(Reply::Done {
            repeat: rest.ends_with(", repeat"),
        }),
        "ERR" => {
            let code = rest.split(' ').next().unwrap_or_default();
            Some(Reply::Refused(Code::parse(code)))
        }
        _ => None,
    }
}
