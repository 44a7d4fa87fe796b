//! Conversations of the real programs, and captures of them.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use proto::mode::{Mode, Transport};
use proto::side::{Direction, Side};
use record::{Event, Message, Recording, Run, What};
use tempfile::TempDir;

use super::tshark::{Bytes, Ends};
use crate::programs::Programs;

/// Longer than a segment.
const LONG: usize = 65_500;

/// All that was recorded in one framing.
pub struct Lab {
    pub framing: String,
    directory: TempDir,
    recordings: Vec<PathBuf>,
    ports: Vec<(u16, u16)>,
}

/// A server that runs, ended when dropped.
struct Service {
    child: Child,
    addresses: Vec<(String, SocketAddr)>,
}

fn programs() -> &'static Programs {
    static PROGRAMS: OnceLock<Programs> = OnceLock::new();
    PROGRAMS.get_or_init(|| Programs::build().unwrap())
}

impl Lab {
    /// A conversation in every mode, each side recorded.
    pub fn recorded(framing: &str) -> Lab {
        let mut lab = Lab {
            framing: framing.to_owned(),
            directory: tempfile::tempdir().unwrap(),
            recordings: Vec::new(),
            ports: Vec::new(),
        };
        let all = lab.serve(framing, &["--mode", "all"], Mode::ALL.len() + 1);
        let long = "A".repeat(LONG);
        let lost = [
            "--fault",
            "drop-reply=#3",
            "--timeout",
            "1",
            "atm",
            "--card",
            "123456789",
        ];
        lab.ask(
            &all,
            "atm tcp",
            framing,
            &[&lost[..], &["withdraw", "500"]].concat(),
            "",
        );
        let atm = ["atm", "--card", "123456789"];
        lab.ask(
            &all,
            "atm tcp",
            framing,
            &[&atm[..], &["deposit", "20.50"]].concat(),
            "",
        );
        lab.ask(
            &all,
            "atm tcp",
            framing,
            &[&atm[..], &["withdraw", "200000"]].concat(),
            "",
        );
        lab.ask(
            &all,
            "text tcp",
            framing,
            &["text"],
            "prime 97\npalindrome 1 2\nlower ÉA\n",
        );
        if ["netstring", "line"].contains(&framing) {
            lab.ask(&all, "text tcp", framing, &["text", "lower", &long], "");
        }
        lab.ask(&all, "calc tcp", framing, &["calc", "12 + 42"], "");
        lab.ask(&all, "calc tcp", framing, &["calc", "5 / 0"], "");
        // What is said comes back to its speaker, and in raw framing that may be glued to an answer.
        let said = if framing == "raw" {
            "quit\n"
        } else {
            "hello\nquit\n"
        };
        lab.ask(
            &all,
            "chat tcp",
            framing,
            &["chat", "--name", "Adarsh"],
            said,
        );
        lab.ask(&all, "echo tcp", framing, &["echo", "hello"], "");
        lab.ask(&all, "echo udp", framing, &["echo", "--udp", "hello"], "");
        lab.ask(&all, "datetime udp", framing, &["datetime", "date"], "");
        lab.ask(&all, "datetime udp", framing, &["datetime", "time"], "");
        lab.ask(&all, "script tcp", framing, &["script", "knock-knock"], "");
        all.stop();
        let udp = lab.serve(framing, &["--mode", "script", "--script", "udp"], 1);
        lab.ask(&udp, "script udp", framing, &["script", "udp"], "");
        udp.stop();
        lab
    }

    /// Starts a server, which says where it listens so many times.
    fn serve(&mut self, framing: &str, arguments: &[&str], sockets: usize) -> Service {
        let mut child = self
            .command("labserver")
            .args(["--port", "0", "--wire", framing])
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut addresses = Vec::new();
        for line in lines.take(sockets) {
            let line = line.unwrap();
            let (name, address) = line
                .strip_prefix("listening ")
                .and_then(|line| line.rsplit_once(' '))
                .unwrap();
            let address: SocketAddr = address.parse().unwrap();
            let mode = Mode::parse(name.split(' ').next().unwrap()).unwrap();
            self.ports.push((address.port(), mode.default_port()));
            addresses.push((name.to_owned(), address));
        }
        Service { child, addresses }
    }

    /// Has a client ask, with this on its standard input. That it is refused is part of it.
    fn ask(&mut self, server: &Service, service: &str, framing: &str, asked: &[&str], typed: &str) {
        let address = server.addresses.iter().find(|(name, _)| name == service);
        let (_, address) = address.unwrap();
        let mut child = self
            .command("labclient")
            .args(["--server", &address.to_string(), "--wire", framing])
            .args(asked)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(typed.as_bytes())
            .unwrap();
        let status = child.wait().unwrap();
        assert!(matches!(status.code(), Some(0 | 1)), "{asked:?}: {status}");
    }

    /// A program that is recorded.
    fn command(&mut self, name: &str) -> Command {
        let recording = self
            .directory
            .path()
            .join(format!("{}.jsonl", self.recordings.len()));
        let mut command = programs().command(name);
        command
            .arg("--record")
            .arg(&recording)
            .env("HOME", self.directory.path())
            .env("XDG_STATE_HOME", self.directory.path())
            .env("LABCLIENT_PIN", "1234")
            .stdin(Stdio::null())
            .stderr(Stdio::null());
        self.recordings.push(recording);
        command
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

    /// Where each service listened, and where it does by default.
    pub fn ports(&self) -> Vec<(u16, u16)> {
        self.ports.clone()
    }

    /// What the clients recorded.
    pub fn clients(&self) -> Vec<Run> {
        self.runs(Side::Client)
    }

    /// What the servers recorded.
    pub fn servers(&self) -> Vec<Run> {
        self.runs(Side::Server)
    }

    fn runs(&self, side: Side) -> Vec<Run> {
        let read = |path| Recording::read(BufReader::new(fs::File::open(path).unwrap())).unwrap();
        let runs = self.recordings.iter().flat_map(|path| read(path).runs);
        runs.filter(|run| run.header.side == side).collect()
    }
}

impl Service {
    /// Stops it as an operator does, so that all is written.
    fn stop(mut self) {
        let id = self.child.id().to_string();
        let told = Command::new("kill").args(["-TERM", &id]).status().unwrap();
        assert!(told.success());
        self.child.wait().unwrap();
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
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

/// A capture of a server on this port that says these pieces.
pub fn capture_of(directory: &Path, port: u16, pieces: &[&[u8]]) -> PathBuf {
    let recording = directory.join("made.jsonl");
    let run = r#""run":"0123456789abcdef""#;
    let mut text = format!(
        r#"{{"socketlab-recording":1,{run},"program":"labserver","release":"0.1.0","pid":1,"#
    );
    text += r#""side":"server","arguments":[],"wall":"2026-11-21T12:00:00Z","secrets":"masked"}"#;
    let connected = serde_json_line(&What::Connected);
    let said = pieces.iter().map(|bytes| {
        serde_json_line(&What::Sent(Message {
            direction: Direction::ToClient,
            bytes: (*bytes).into(),
            text: None,
            masked: false,
            partial: false,
        }))
    });
    for (n, what) in std::iter::once(connected).chain(said).enumerate() {
        text += &format!(
            "\n{{{run},\"n\":{},\"t\":{n},\"wall\":\"2026-11-21T12:00:00Z\",\"side\":\"server\",\
             \"service\":\"atm\",\"transport\":\"tcp\",\"framing\":\"raw\",\"connection\":0,\
             \"local\":\"127.0.0.1:{port}\",\"peer\":\"127.0.0.1:50000\",{}",
            n + 1,
            &what[1..]
        );
    }
    text.push('\n');
    fs::write(&recording, text).unwrap();
    view(&[recording], &directory.join(format!("{port}.pcap")))
}

fn serde_json_line(what: &What) -> String {
    serde_json::to_string(what).unwrap()
}

/// The same recording with each service on its default port.
pub fn on_default_ports(text: &str, ports: &[(u16, u16)]) -> String {
    ports.iter().fold(text.to_owned(), |text, (port, default)| {
        text.replace(
            &format!("127.0.0.1:{port}\""),
            &format!("127.0.0.1:{default}\""),
        )
    })
}

/// The same recording over IPv6.
pub fn over_ipv6(text: &str) -> String {
    text.replace("\"127.0.0.1:", "\"[::1]:")
}

/// What crossed each connection: as its client recorded it, and as its server did.
pub fn crossed(clients: &[Run], servers: &[Run]) -> BTreeMap<Ends, Vec<Bytes>> {
    let mut all: BTreeMap<Ends, Vec<Bytes>> = BTreeMap::new();
    for run in clients.iter().chain(servers) {
        let mut own: BTreeMap<Ends, Bytes> = BTreeMap::new();
        for event in &run.events {
            let Some(channel) = &event.channel else {
                continue;
            };
            let (direction, bytes) = match &event.what {
                What::Sent(message) | What::Received(message) => {
                    (message.direction, &message.bytes)
                }
                What::Unreadable {
                    direction, bytes, ..
                } => (*direction, bytes),
                What::Connected if channel.transport == Transport::Tcp => {
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
    let runs = lab.clients();
    for event in runs.iter().flat_map(|run| &run.events) {
        let Event {
            channel: Some(channel),
            what,
            ..
        } = event
        else {
            continue;
        };
        let (What::Sent(message) | What::Received(message)) = what else {
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
