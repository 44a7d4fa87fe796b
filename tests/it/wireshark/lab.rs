//! Conversations of the real programs, and captures of them.

use std::collections::BTreeMap;
use std::fs;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use proto::mode::{Mode, Transport};
use proto::side::{Direction, Side};
use record::{Event, EventKind, Message, Recording, Run};
use tempfile::TempDir;
use testkit::process::{Process, Program};

use super::tshark::{Bytes, Ends};
use crate::{program, programs};

/// Longer than a segment.
const LONG: usize = 65_500;

const SERVICES: [&str; 8] = [
    "atm tcp",
    "text tcp",
    "calc tcp",
    "chat tcp",
    "echo tcp",
    "echo udp",
    "datetime udp",
    "script tcp",
];

/// All that was recorded in one framing.
pub struct Lab {
    pub framing: String,
    directory: TempDir,
    recordings: Vec<PathBuf>,
    /// Where each service listened, and where it does by default.
    ports: Vec<(u16, u16)>,
}

impl Lab {
    /// A conversation in every mode, each side recorded.
    pub fn recorded_in(framing: &str) -> Lab {
        let mut lab = Lab {
            framing: framing.to_owned(),
            directory: tempfile::tempdir().unwrap(),
            recordings: Vec::new(),
            ports: Vec::new(),
        };
        let all = lab.serve(framing, &["--mode", "all"], &SERVICES);
        let long = "A".repeat(LONG);
        // What is said comes back to its speaker, in raw framing perhaps joined to an answer.
        let said = match framing {
            "raw" => "quit\n",
            _ => "hello\nquit\n",
        };
        let texts = "prime 97\npalindrome 1 2\nlower ÉA\n";
        let lost = "--fault drop-reply=#3 --timeout 4 atm --card 123456789 withdraw 500";
        for expression in ["12 + 42", "5 / 0"] {
            lab.ask(&all, "calc tcp", &["calc", expression], "");
        }
        // The last one ends by itself, before the server is stopped.
        for (service, asked, typed) in [
            ("atm tcp", lost, ""),
            ("atm tcp", "atm --card 123456789 deposit 20.50", ""),
            ("atm tcp", "atm --card 123456789 withdraw 200000", ""),
            ("text tcp", "text", texts),
            ("text tcp", &format!("text lower {long}"), ""),
            ("chat tcp", "chat --name Adarsh", said),
            ("echo tcp", "echo hello", ""),
            ("echo udp", "echo --udp hello", ""),
            ("datetime udp", "datetime date", ""),
            ("datetime udp", "datetime time", ""),
            ("script tcp", "script knock-knock", ""),
        ] {
            let is_long = asked.len() > LONG;
            if !is_long || ["netstring", "line"].contains(&framing) {
                let asked: Vec<_> = asked.split(' ').collect();
                lab.ask(&all, service, &asked, typed);
            }
        }
        all.stop();
        let udp = ["--mode", "script", "--script", "udp"];
        let udp = lab.serve(framing, &udp, &["script udp"]);
        lab.ask(&udp, "script udp", &["script", "udp"], "");
        udp.stop();
        lab
    }

    /// Starts a server of these services.
    fn serve(&mut self, framing: &str, arguments: &[&str], services: &[&str]) -> Process {
        let server = self
            .recorded("labserver")
            .with(&["--port", "0", "--wire", framing])
            .with(arguments)
            .start();
        for service in services {
            let mode = Mode::parse(service.split(' ').next().unwrap()).unwrap();
            let port = server.address(service).port();
            self.ports.push((port, mode.default_port()));
        }
        server
    }

    /// Has a client ask, with this on its standard input. That it is refused is part of it.
    fn ask(&mut self, server: &Process, service: &str, asked: &[&str], typed: &str) {
        let wire = ["--wire", &self.framing.clone()];
        let client = self.recorded("labclient").pin("1234");
        let client = client.at(server.address(service)).with(&wire);
        let ended = client.with(asked).run_with(typed);
        assert!(matches!(ended.status, Some(0 | 1)), "{asked:?}: {ended:?}");
    }

    /// A program that is recorded.
    fn recorded(&mut self, name: &str) -> Program {
        let home = self.directory.path();
        let recording = home.join(format!("{}.jsonl", self.recordings.len()));
        let program = program(name, home).with(&["--record", recording.to_str().unwrap()]);
        self.recordings.push(recording);
        program
    }

    /// A capture of all recordings, with this done to their text first.
    pub fn capture(&self, name: &str, change: impl Fn(&str) -> String) -> PathBuf {
        let changed: Vec<PathBuf> = self
            .recordings
            .iter()
            .map(|recording| {
                let path = recording.with_extension(name);
                fs::write(&path, change(&fs::read_to_string(recording).unwrap())).unwrap();
                path
            })
            .collect();
        view(
            &changed,
            &self.directory.path().join(format!("{name}.pcap")),
        )
    }

    /// The same recording with each service on its default port.
    pub fn on_default_ports(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (port, default) in &self.ports {
            let [actual, default] = [port, default].map(|port| format!("127.0.0.1:{port}\""));
            text = text.replace(&actual, &default);
        }
        text
    }

    /// What the programs on this side recorded.
    pub fn runs(&self, side: Side) -> Vec<Run> {
        let read = |path| Recording::read(BufReader::new(fs::File::open(path).unwrap())).unwrap();
        let runs = self.recordings.iter().flat_map(|path| read(path).runs);
        runs.filter(|run| run.header.side == side).collect()
    }
}

/// `labclient view --pcap`.
fn view(recordings: &[PathBuf], capture: &Path) -> PathBuf {
    let viewed = programs()
        .command("labclient")
        .args(["view", "--pcap", "-o"])
        .arg(capture)
        .args(recordings)
        .status()
        .unwrap();
    assert!(viewed.success());
    capture.to_owned()
}

/// A connection to a server at this port, and what goes over it.
pub struct MadeConnection {
    pub port: u16,
    pub transport: Transport,
    pub pieces: Vec<(Direction, Vec<u8>)>,
}

/// A capture of these connections.
pub fn capture_of(directory: &Path, name: &str, connections: &[MadeConnection]) -> PathBuf {
    let recording = directory.join(format!("{name}.jsonl"));
    let run = r#""run":"0123456789abcdef""#;
    let mut text = format!(
        r#"{{"socketlab-recording":1,{run},"program":"labserver","release":"0.1.0","pid":1,"#
    );
    text += r#""side":"server","arguments":[],"wall":"2026-11-21T12:00:00Z","secrets":"masked"}"#;
    let mut n = 0;
    for (number, connection) in connections.iter().enumerate() {
        let MadeConnection {
            port, transport, ..
        } = connection;
        let framing = match transport {
            Transport::Tcp => "raw",
            Transport::Udp => "datagram",
        };
        let transport = transport.name();
        let crossed = connection.pieces.iter().map(|(direction, bytes)| {
            let message = Message {
                direction: *direction,
                bytes: bytes.as_slice().into(),
                text: None,
                masked: false,
                partial: false,
            };
            match direction {
                Direction::ToServer => EventKind::Received(message),
                Direction::ToClient => EventKind::Sent(message),
            }
        });
        for kind in std::iter::once(EventKind::Connected).chain(crossed) {
            n += 1;
            text += &format!(
                "\n{{{run},\"n\":{n},\"t\":{n},\"wall\":\"2026-11-21T12:00:00Z\",\"side\":\"server\",\
                 \"service\":\"atm\",\"transport\":\"{transport}\",\"framing\":\"{framing}\",\
                 \"connection\":{number},\"local\":\"127.0.0.1:{port}\",\
                 \"peer\":\"127.0.0.1:{}\",{}",
                50_000 + number,
                &serde_json::to_string(&kind).unwrap()[1..]
            );
        }
    }
    text.push('\n');
    fs::write(&recording, text).unwrap();
    view(&[recording], &directory.join(format!("{name}.pcap")))
}

/// The same recording over IPv6.
pub fn over_ipv6(text: &str) -> String {
    text.replace("\"127.0.0.1:", "\"[::1]:")
}

/// What crossed each connection: as its client recorded it, and as its server did.
pub fn crossed(lab: &Lab) -> BTreeMap<Ends, Vec<Bytes>> {
    let mut all: BTreeMap<Ends, Vec<Bytes>> = BTreeMap::new();
    for run in [Side::Client, Side::Server]
        .into_iter()
        .flat_map(|side| lab.runs(side))
    {
        let mut own: BTreeMap<Ends, Bytes> = BTreeMap::new();
        for event in &run.events {
            let Some(channel) = &event.channel else {
                continue;
            };
            let (direction, bytes) = match &event.kind {
                EventKind::Sent(message) | EventKind::Received(message) => {
                    (message.direction, &message.bytes)
                }
                EventKind::Unreadable {
                    direction, bytes, ..
                } => (*direction, bytes),
                EventKind::Connected if channel.transport == Transport::Tcp => {
                    (Direction::ToServer, &record::Bytes(Vec::new()))
                }
                _ => continue,
            };
            let ends = match run.header.side {
                Side::Client => (channel.local, channel.peer),
                Side::Server => (channel.peer, channel.local),
            };
            let sides = own.entry(ends).or_default();
            sides[usize::from(direction == Direction::ToClient)].extend(&bytes.0);
        }
        for (ends, bytes) in own {
            all.entry(ends).or_default().push(bytes);
        }
    }
    all
}

/// How often each message was recorded by a client, by service, framing, length and beginning. Of
/// echo there are none.
pub fn messages(lab: &Lab) -> BTreeMap<(String, String, String, String), usize> {
    let mut all = BTreeMap::new();
    let runs = lab.runs(Side::Client);
    for event in runs.iter().flat_map(|run| &run.events) {
        let Event {
            channel: Some(channel),
            kind,
            ..
        } = event
        else {
            continue;
        };
        let (EventKind::Sent(message) | EventKind::Received(message)) = kind else {
            continue;
        };
        if channel.service == "echo" {
            continue;
        }
        let framing = match channel.transport {
            Transport::Tcp => lab.framing.as_str(),
            Transport::Udp => "datagram",
        };
        let text = message.text.as_deref().unwrap();
        let start: String = text.chars().take(80).collect();
        let key = (
            channel.service.clone(),
            framing.to_owned(),
            text.len().to_string(),
            start,
        );
        *all.entry(key).or_insert(0) += 1;
    }
    all
}
