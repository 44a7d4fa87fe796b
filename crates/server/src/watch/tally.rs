//! What is counted from the events: messages, refusals, and who said who they are.

use std::collections::{BTreeMap, HashMap};

use proto::mode::Mode;
use proto::side::{Direction, Side};
use record::{Channel, Event, EventKind, Message};
use serde::{Deserialize, Serialize};

/// Connections that are known, at most.
const MOST_CONNECTIONS: usize = 10_000;

/// Characters of a name or a refusal that are kept.
const LONGEST: usize = 200;

/// What was counted. Of a proxy, its clients' messages.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    /// By service.
    pub services: BTreeMap<String, Counts>,
    /// By service and number of the connection, those over TCP that are open.
    pub connections: HashMap<(String, u64), Known>,
    /// Messages that a fault struck.
    pub struck: u64,
    /// Events that could not be kept, because there were too many at once.
    pub lost: u64,
}

/// The messages of a service since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// To the server.
    pub requests: u64,
    /// From the server: answers and events.
    pub replies: u64,
}

/// What is known of a connection from its messages.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    /// Messages in both directions.
    pub messages: u64,
    /// The last refusal it was sent.
    pub last_refusal: Option<String>,
    /// The machine or the person that the server has agreed it is.
    pub name: Option<String>,
}

impl Tally {
    /// Counts one event.
    pub fn count(&mut self, event: &Event) {
        if let EventKind::Lost { count } = event.kind {
            self.lost += count;
        }
        let Some(channel) = &event.channel else {
            return;
        };
        let is_struck = event.kind.message().is_some() && event.kind.crossed().is_none();
        self.struck += u64::from(is_struck);
        if event.side == Side::Client {
            // The other half of a proxy.
            return;
        }
        match &event.kind {
            EventKind::Closed { .. } => {
                let key = (channel.service.clone(), channel.connection);
                self.connections.remove(&key);
            }
            EventKind::Sent(message) | EventKind::Received(message) => {
                if let Some(known) = self.count_message(channel, message.direction) {
                    known.learn(&channel.service, message);
                }
            }
            _ => {}
        }
    }

    /// Counts a message of which no more is known, and returns what is known of its connection.
    pub fn count_message(&mut self, channel: &Channel, direction: Direction) -> Option<&mut Known> {
        if !self.services.contains_key(&channel.service) {
            self.services
                .insert(channel.service.clone(), Counts::default());
        }
        let counts = self.services.get_mut(&channel.service)?;
        match direction {
            Direction::ToServer => counts.requests += 1,
            Direction::ToClient => counts.replies += 1,
        }
        let key = (channel.service.clone(), channel.connection);
        let has_room = self.connections.len() < MOST_CONNECTIONS;
        if !has_room && !self.connections.contains_key(&key) {
            return None;
        }
        let known = self.connections.entry(key).or_default();
        known.messages += 1;
        Some(known)
    }
}

impl Known {
    fn learn(&mut self, service: &str, message: &Message) {
        let Some(text) = &message.text else { return };
        if message.direction == Direction::ToClient {
            if text.starts_with("ERR ") {
                self.last_refusal = Some(kept(text));
            }
            // In the answer, not in the request, which may have been refused.
            let named = match service {
                _ if service == Mode::Atm.name() => text.strip_prefix("OK terminal "),
                _ if service == Mode::Chat.name() => text.strip_prefix("OK joined "),
                _ => None,
            };
            let named = named.and_then(|words| words.split(' ').next());
            self.name = named.map(kept).or(self.name.take());
        }
    }
}

fn kept(text: &str) -> String {
    text.chars().take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;
    use proto::mode::Transport;
    use record::{CloseReason, Closer, DropCause, FramingName};

    fn event(service: &str, kind: EventKind) -> Event {
        let address = "127.0.0.1:9".parse().unwrap();
        Event {
            run: String::new(),
            n: 1,
            t: 0,
            wall: Timestamp::UNIX_EPOCH,
            side: Side::Server,
            channel: Some(Channel {
                service: service.into(),
                transport: Transport::Tcp,
                framing: FramingName::Line,
                connection: 3,
                local: address,
                peer: address,
            }),
            kind,
        }
    }

    fn message(direction: Direction, text: &str) -> Message {
        Message {
            direction,
            bytes: text.as_bytes().into(),
            text: Some(text.into()),
            masked: false,
            partial: false,
        }
    }

    fn asked(text: &str) -> EventKind {
        EventKind::Received(message(Direction::ToServer, text))
    }

    fn answered(text: &str) -> EventKind {
        EventKind::Sent(message(Direction::ToClient, text))
    }

    #[test]
    fn a_name_is_known_once_the_server_agrees_to_it() {
        let mut tally = Tally::default();
        let mut happens = |kind| {
            tally.count(&event("chat", kind));
            let known = tally.connections.get(&("chat".into(), 3));
            known.and_then(|known| known.name.clone())
        };
        assert_eq!(happens(asked("JOIN joty")), None);
        assert_eq!(happens(answered("ERR conflict taken")), None);
        assert_eq!(happens(asked("JOIN amy")), None);
        let welcome = happens(answered("OK joined amy with Adarsh"));
        assert_eq!(welcome, Some("amy".into()));
        assert_eq!(happens(asked("SAY hello")), Some("amy".into()));
        assert_eq!(happens(answered("OK")), Some("amy".into()));
        let known = &tally.connections[&("chat".into(), 3)];
        assert_eq!(known.last_refusal.as_deref(), Some("ERR conflict taken"));
        assert_eq!(known.messages, 6);
    }

    #[test]
    fn messages_are_counted_by_service_and_a_closed_connection_is_forgotten() {
        let mut tally = Tally::default();
        for kind in [asked("PRIME 7"), answered("OK PRIME"), answered("x")] {
            tally.count(&event("text", kind));
        }
        let counts = Counts {
            requests: 1,
            replies: 2,
        };
        assert_eq!(tally.services["text"], counts);
        let closed = EventKind::Closed {
            by: Closer::Peer,
            how: CloseReason::End,
            words: None,
        };
        tally.count(&event("text", closed));
        assert!(tally.connections.is_empty());
        assert_eq!(tally.services["text"], counts);
    }

    #[test]
    fn what_a_fault_does_is_counted_and_the_other_half_of_a_proxy_is_not() {
        let mut tally = Tally::default();
        let dropped = EventKind::Dropped {
            cause: DropCause::Drop,
            message: message(Direction::ToClient, "OK"),
        };
        tally.count(&event("proxy", dropped));
        let mut other_half = event("proxy", answered("OK"));
        other_half.side = Side::Client;
        tally.count(&other_half);
        assert_eq!((tally.struck, tally.services.len()), (1, 0));
    }
}
