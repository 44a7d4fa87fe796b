//! What is to be sent, and what awaited, in the order of a recording.

use std::collections::HashMap;
use std::net::SocketAddr;

use proto::frame::Framing;
use proto::mode::Transport;
use proto::side::{Direction, Side};
use record::{Channel, Closer, Event, EventKind, Message, Recording};

use super::answer::Answer;
use super::conversation::framing_of;
use super::step::{Action, Step, answer, payload};

/// The steps of all connections, or of those of this number.
///
/// # Errors
/// When there are none, or when a secret that was sent is masked.
pub fn steps(recording: &Recording, connection: Option<u64>) -> Result<Vec<Step>, String> {
    let mut all = Steps::default();
    for run in &recording.runs {
        all.places.clear();
        for event in &run.events {
            // A proxy has both ends; that of its client is the one to replay.
            let (Some(channel), true) = (&event.channel, event.side == run.header.side) else {
                continue;
            };
            if connection.is_none_or(|number| number == channel.connection) {
                all.add(event, channel)?;
            }
        }
    }
    let sends = |step: &Step| matches!(step.action, Action::Send { .. } | Action::Await(_));
    match (all.steps.iter().any(sends), connection) {
        (true, _) => Ok(all.steps),
        (false, Some(number)) => Err(format!("there is no connection {number} in it")),
        (false, None) => Err("there is no message in it".into()),
    }
}

#[derive(Default)]
struct Steps {
    steps: Vec<Step>,
    /// The connections of the run, by service, transport, number and client.
    places: HashMap<(String, Transport, u64, SocketAddr), Place>,
    connections: usize,
}

/// A connection and what a fault does to its next message.
struct Place {
    connection: usize,
    /// Whether the client has ended its stream. That the server then ends its own is no answer.
    has_ended: bool,
    /// The bytes of each segment.
    split: Option<usize>,
    /// The next message but one is sent with the next, which begins at this moment.
    glued: Option<Glued>,
}

enum Glued {
    /// It is held back.
    Held,
    /// It was sent then, by the step of this index.
    Sent(u64, usize),
}

impl Steps {
    fn add(&mut self, event: &Event, channel: &Channel) -> Result<(), String> {
        let place = self.place(event, channel);
        let by_client = match event.side {
            Side::Client => Closer::Us,
            Side::Server => Closer::Peer,
        };
        let action = match &event.kind {
            EventKind::Sent(message) | EventKind::Received(message) => match message.direction {
                Direction::ToServer => return self.send(event, channel, message),
                Direction::ToClient => Action::Await(answer(channel.framing, &message.bytes.0)),
            },
            EventKind::Unreadable {
                direction, bytes, ..
            } => match direction {
                Direction::ToServer => Action::Send {
                    pieces: vec![bytes.0.clone()],
                    text: bytes.0.clone(),
                },
                Direction::ToClient if self.leaves_unread(event, channel, &bytes.0) => {
                    return Ok(());
                }
                Direction::ToClient => Action::Await(answer(channel.framing, &bytes.0)),
            },
            EventKind::Split { size, .. } => {
                place.split = Some(*size);
                return Ok(());
            }
            EventKind::Glued(_) => {
                place.glued = Some(Glued::Held);
                return Ok(());
            }
            EventKind::HalfClosed { by } if *by == by_client => {
                place.has_ended = true;
                Action::HalfClose
            }
            EventKind::HalfClosed { .. } if place.has_ended => return Ok(()),
            EventKind::HalfClosed { .. } => Action::Await(Answer::Ended),
            EventKind::Closed { how, .. } => Action::Close(*how),
            _ => return Ok(()),
        };
        self.push(event, channel, action);
        Ok(())
    }

    fn send(&mut self, event: &Event, channel: &Channel, message: &Message) -> Result<(), String> {
        if message.masked {
            return Err(format!(
                "a PIN or key that was sent over {}#{} is masked: record with --record-secrets",
                channel.service, channel.connection
            ));
        }
        let bytes = &message.bytes.0;
        self.place(event, channel);
        let next = self.steps.len();
        let place = self.place(event, channel);
        match place.glued.take() {
            Some(Glued::Sent(at, step)) if at == event.t => {
                if let Action::Send { pieces, text } = &mut self.steps[step].action {
                    pieces.iter_mut().for_each(|piece| piece.extend(bytes));
                    text.extend(bytes);
                }
                return Ok(());
            }
            Some(Glued::Held) => place.glued = Some(Glued::Sent(event.t, next)),
            Some(Glued::Sent(..)) | None => {}
        }
        let pieces = match place.split.take() {
            Some(size) if size > 0 => bytes.chunks(size).map(<[u8]>::to_vec).collect(),
            _ => vec![bytes.clone()],
        };
        let text = payload(channel.framing, bytes).unwrap_or_else(|| bytes.clone());
        self.push(event, channel, Action::Send { pieces, text });
        Ok(())
    }

    /// Without a framing, what a client left unread when it ended its stream belongs to the answer that
    /// it had read: whether there is one.
    fn leaves_unread(&mut self, event: &Event, channel: &Channel, bytes: &[u8]) -> bool {
        let connection = self.place(event, channel).connection;
        let is_end =
            |action: &Action| matches!(action, Action::HalfClose | Action::Await(Answer::Ended));
        let of_it = self.steps.iter_mut().rev();
        let mut of_it = of_it.filter(|it| it.connection == connection);
        let last = of_it.find(|it| !is_end(&it.action));
        if let Some(Action::Await(Answer::Message(message))) = last.map(|it| &mut it.action)
            && framing_of(channel.framing) == Framing::Raw
        {
            message.extend(bytes);
            return true;
        }
        false
    }

    fn push(&mut self, event: &Event, channel: &Channel, action: Action) {
        let connection = self.place(event, channel).connection;
        let is_of_it = |it: &Step| it.connection == connection;
        if let Action::Await(answer) = &action
            && let Some(at) = self.steps.iter().rposition(is_of_it)
        {
            match (&mut self.steps[at].action, answer) {
                // Without a framing, it is by chance that an answer came in two.
                (Action::Await(Answer::Message(message)), Answer::Message(more))
                    if framing_of(channel.framing) == Framing::Raw
                        && channel.transport == Transport::Tcp =>
                {
                    message.extend(more);
                    return;
                }
                // What is left over is recorded when the stream has ended, and came before that.
                (Action::Await(Answer::Ended), Answer::Message(_) | Answer::Unreadable) => {
                    let end = self.steps.remove(at);
                    self.push(event, channel, action);
                    self.steps.push(end);
                    return;
                }
                _ => {}
            }
        }
        self.steps.push(Step {
            connection,
            channel: channel.clone(),
            action,
        });
    }

    /// The connection of an event; it is connected before anything else.
    fn place(&mut self, event: &Event, channel: &Channel) -> &mut Place {
        let client = match event.side {
            Side::Client => channel.local,
            Side::Server => channel.peer,
        };
        let key = (
            channel.service.clone(),
            channel.transport,
            channel.connection,
            client,
        );
        self.places.entry(key).or_insert_with(|| {
            let connection = self.connections;
            self.connections += 1;
            self.steps.push(Step {
                connection,
                channel: channel.clone(),
                action: Action::Connect,
            });
            Place {
                connection,
                has_ended: false,
                split: None,
                glued: None,
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use record::CloseReason;

    use super::*;

    /// The recording of this side with these events: what differs from one to the next.
    fn recording(side: &str, events: &[&str]) -> Recording {
        let run = r#""run":"0123456789abcdef""#;
        let wall = r#""wall":"2026-11-21T12:00:00Z""#;
        let mut text = format!(
            r#"{{"socketlab-recording":2,{run},"program":"p","release":"0.1.0","pid":1,"side":"{side}","arguments":[],{wall},"secrets":"masked"}}"#
        );
        for (n, event) in (1..).zip(events) {
            let t = match event.contains("\"t\":") {
                true => String::new(),
                false => format!("\"t\":{n},"),
            };
            let framing = match event.contains("\"framing\":") {
                true => "",
                false => r#""framing":"line","#,
            };
            let connection = match event.contains("\"connection\":") {
                true => "",
                false => r#""connection":0,"#,
            };
            text += &format!(
                "\n{{{run},\"n\":{n},{t}{wall},\"side\":\"{side}\",\"service\":\"text\",\
                 \"transport\":\"tcp\",{framing}{connection}\
                 \"local\":\"127.0.0.1:1\",\"peer\":\"127.0.0.1:2\",{event}}}"
            );
        }
        text.push('\n');
        Recording::read(text.as_bytes()).unwrap()
    }

    fn actions(side: &str, events: &[&str]) -> Vec<(usize, Action)> {
        let steps = steps(&recording(side, events), None).unwrap();
        let actions = steps.into_iter().map(|step| (step.connection, step.action));
        actions.collect()
    }

    fn send(pieces: &[&str], text: &str) -> Action {
        Action::Send {
            pieces: pieces.iter().map(|it| it.as_bytes().to_vec()).collect(),
            text: text.as_bytes().to_vec(),
        }
    }

    fn awaited(text: &str) -> Action {
        Action::Await(Answer::Message(text.as_bytes().to_vec()))
    }

    const A: &str = r#""event":"sent","direction":"to-server","bytes":"A\n","text":"A""#;
    const B: &str = r#""event":"sent","direction":"to-server","bytes":"B\n","text":"B""#;
    const OK: &str = r#""event":"received","direction":"to-client","bytes":"OK\n","text":"OK""#;

    #[test]
    fn what_a_client_recorded_is_sent_and_awaited_in_its_order() {
        let found = actions(
            "client",
            &[
                r#""event":"connected""#,
                A,
                OK,
                r#""event":"half-closed","by":"us""#,
                r#""event":"half-closed","by":"peer""#,
                r#""event":"closed","by":"us","how":"end""#,
            ],
        );
        let expected = [
            Action::Connect,
            send(&["A\n"], "A"),
            awaited("OK"),
            Action::HalfClose,
            Action::Close(CloseReason::End),
        ];
        assert_eq!(found, expected.map(|action| (0, action)));
    }

    #[test]
    fn the_half_of_an_answer_is_none_whoever_recorded_it_and_comes_before_the_end() {
        let ended = r#""event":"half-closed","by":"peer""#;
        let half = r#""event":"unreadable","direction":"to-client","bytes":"O","words":"half""#;
        let received = actions("client", &[A, ended, half]);
        let half = r#""event":"sent","direction":"to-client","bytes":"O","partial":true"#;
        let asked = r#""event":"received","direction":"to-server","bytes":"A\n""#;
        let ended = r#""event":"half-closed","by":"us""#;
        let sent = actions("server", &[asked, half, ended]);
        for found in [received, sent] {
            let expected = [
                Action::Connect,
                send(&["A\n"], "A"),
                Action::Await(Answer::Unreadable),
                Action::Await(Answer::Ended),
            ];
            assert_eq!(found, expected.map(|action| (0, action)));
        }
    }

    #[test]
    fn what_a_client_that_counts_bytes_left_unread_belongs_to_the_answer() {
        let raw = |event: &str| format!("\"framing\":\"raw\",{event}");
        let events = [
            A,
            OK,
            r#""event":"half-closed","by":"us""#,
            r#""event":"half-closed","by":"peer""#,
            r#""event":"unreadable","direction":"to-client","bytes":".","words":"thrown away""#,
        ];
        let events = events.map(raw);
        let found = actions("client", &events.each_ref().map(String::as_str));
        let expected = [
            Action::Connect,
            send(&["A\n"], "A\n"),
            awaited("OK\n."),
            Action::HalfClose,
        ];
        assert_eq!(found, expected.map(|action| (0, action)));
    }

    #[test]
    fn what_a_server_recorded_is_seen_from_its_client() {
        let found = actions(
            "server",
            &[
                r#""event":"received","direction":"to-server","bytes":"A\n""#,
                r#""event":"sent","direction":"to-client","bytes":"OK\n""#,
                r#""event":"half-closed","by":"us""#,
                r#""event":"half-closed","by":"peer""#,
            ],
        );
        let expected = [
            Action::Connect,
            send(&["A\n"], "A"),
            awaited("OK"),
            Action::Await(Answer::Ended),
            Action::HalfClose,
        ];
        assert_eq!(found, expected.map(|action| (0, action)));
    }

    #[test]
    fn a_message_in_segments_is_sent_in_segments_and_two_in_one_in_one() {
        let split = r#""event":"split","size":1,"direction":"to-server","bytes":"A\n""#;
        let glued = r#""event":"glued","direction":"to-server","bytes":"A\n""#;
        let at = |message: &str| format!("\"t\":9,{message}");
        let last = format!("\"t\":10,{B}");
        let found = actions("client", &[split, A, glued, &at(A), &at(B), &last]);
        let expected = [
            Action::Connect,
            send(&["A", "\n"], "A"),
            send(&["A\nB\n"], "AB\n"),
            send(&["B\n"], "B"),
        ];
        assert_eq!(found, expected.map(|action| (0, action)));
    }

    #[test]
    fn what_a_fault_kept_from_the_wire_is_not_sent() {
        let dropped = r#""event":"dropped","cause":"drop","direction":"to-server","bytes":"B\n""#;
        let found = actions("client", &[A, dropped, OK]);
        let expected = [Action::Connect, send(&["A\n"], "A"), awaited("OK")];
        assert_eq!(found, expected.map(|action| (0, action)));
    }

    #[test]
    fn one_connection_can_be_chosen() {
        let on = |number: u64, message: &str| format!("\"connection\":{number},{message}");
        let events = [on(0, A), on(1, B), on(0, OK)];
        let events: Vec<_> = events.iter().map(String::as_str).collect();
        let places: Vec<_> = actions("client", &events)
            .into_iter()
            .map(|(connection, _)| connection)
            .collect();
        assert_eq!(places, [0, 0, 1, 1, 0]);
        let recording = recording("client", &events);
        let chosen = steps(&recording, Some(1)).unwrap();
        assert_eq!(chosen.len(), 2);
        assert_eq!(chosen[1].action, send(&["B\n"], "B"));
        let none = steps(&recording, Some(2)).unwrap_err();
        assert_eq!(none, "there is no connection 2 in it");
    }

    #[test]
    fn a_masked_secret_cannot_be_sent() {
        let masked =
            r#""event":"sent","direction":"to-server","bytes":"PASSWD ****\n","masked":true"#;
        let words = steps(&recording("client", &[masked]), None).unwrap_err();
        assert!(words.contains("--record-secrets"), "{words}");
        let nothing = steps(&recording("client", &[]), None).unwrap_err();
        assert_eq!(nothing, "there is no message in it");
    }
}
