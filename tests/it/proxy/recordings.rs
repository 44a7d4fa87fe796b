//! What a proxy records: the conversation with its client, and the one with the server.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener};
use std::path::Path;

use proto::frame::Framing;
use proto::mode::Transport;
use proto::side::Side;
use record::{Event, EventKind, Recorder, Recording, Secrets, Settings};
use server::Config;
use testkit::peer::udp_socket;
use testkit::service::start_proxy;
use wire::fault::FaultPlan;

use super::Between;
use crate::faults::{config, plan};

/// Records one side to this file.
pub fn recorder(side: Side, file: &Path, faults: Option<&FaultPlan>) -> Recorder {
    let recorder = Recorder::start(Settings {
        program: "test",
        release: "0.0.0",
        side,
        arguments: Vec::new(),
        faults: faults.map(|plan| (plan.spec().to_string(), plan.seed())),
        secrets: Secrets::Masked,
        file: Some(file.to_owned()),
        most_bytes: None,
        trace: None,
        follower: None,
    });
    recorder.unwrap().unwrap()
}

pub fn recording_to(file: &Path, config: Config) -> Config {
    let recorder = recorder(Side::Server, file, config.faults.as_ref());
    Config {
        recorder: Some(recorder),
        ..config
    }
}

pub fn recorded(file: &Path, recorder: &Recorder) -> Vec<Event> {
    recorder.finish();
    let file = std::io::BufReader::new(std::fs::File::open(file).unwrap());
    let mut recording = Recording::read(file).unwrap();
    assert!(!recording.was_torn);
    recording.runs.remove(0).events
}

/// What happened, in words: on which side of the proxy, and which bytes.
fn story(events: &[Event], side: Side) -> Vec<String> {
    let story = |event: &Event| {
        let words = match &event.kind {
            EventKind::Connected => "connected".to_owned(),
            EventKind::Sent(message) => {
                let partial = if message.partial { " in part" } else { "" };
                format!("sent{partial} {}", message.bytes.0.escape_ascii())
            }
            EventKind::Received(message) => format!("received {}", message.bytes.0.escape_ascii()),
            EventKind::Unreadable { bytes, .. } => format!("unreadable {}", bytes.0.escape_ascii()),
            EventKind::Dropped { message, .. } => {
                format!("dropped {}", message.bytes.0.escape_ascii())
            }
            EventKind::Duplicated(message) => {
                format!("duplicated {}", message.bytes.0.escape_ascii())
            }
            EventKind::Cut { sent, .. } => format!("cut after {sent}"),
            EventKind::Reordered(message) => {
                format!("reordered {}", message.bytes.0.escape_ascii())
            }
            EventKind::HalfClosed { by } => format!("half-closed by {by:?}"),
            EventKind::Closed { by, how, .. } => format!("closed by {by:?}: {how:?}"),
            EventKind::Failed { .. } => "failed".to_owned(),
            _ => return None,
        };
        (event.side == side && event.channel.is_some()).then_some(words)
    };
    events.iter().filter_map(story).collect()
}

/// The addresses of all events on this side: one pair.
fn addresses(events: &[Event], side: Side) -> (SocketAddr, SocketAddr) {
    let mut all: Vec<_> = events
        .iter()
        .filter(|event| event.side == side)
        .filter_map(|event| event.channel.as_ref())
        .map(|channel| {
            assert_eq!((&channel.service[..], channel.connection), ("proxy", 0));
            (channel.local, channel.peer)
        })
        .collect();
    all.dedup();
    assert_eq!(all.len(), 1, "{all:?}");
    all[0]
}

/// One conversation through a proxy that records it, and what its two sides have seen.
fn recorded_conversation(
    config: Config,
    requests: &[u8],
    replies: &[u8],
) -> (Vec<String>, Vec<String>) {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("proxy.jsonl");
    let config = recording_to(&file, config);
    let recorder = config.recorder.clone().unwrap();
    let between = Between::new(config);
    let (mut client, mut server) = between.connect();
    let ends = [
        (client.peer_addr().unwrap(), client.local_addr().unwrap()),
        (server.peer_addr().unwrap(), server.local_addr().unwrap()),
    ];
    let mut all = Vec::new();
    client.write_all(requests).unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    server.read_to_end(&mut all).unwrap();
    // A cut may have ended it.
    let _ = server.write_all(replies);
    drop(server);
    client.read_to_end(&mut all).unwrap();
    drop(client);
    between.proxy.stop();

    let events = recorded(&file, &recorder);
    assert_eq!(addresses(&events, Side::Server), ends[0]);
    assert_eq!(addresses(&events, Side::Client), ends[1]);
    (story(&events, Side::Server), story(&events, Side::Client))
}

fn netstrings(spec: Option<&str>) -> Config {
    Config {
        framing: Framing::Netstring,
        faults: spec.map(plan),
        ..Config::default()
    }
}

#[test]
fn both_conversations_are_recorded_message_by_message() {
    // With and without a fault that never strikes: messages are found either way.
    for spec in [None, Some("drop-request=0%")] {
        let (client_side, server_side) =
            recorded_conversation(netstrings(spec), b"3:one,3:two,", b"2:OK,");
        assert_eq!(
            client_side,
            [
                "connected",
                "received 3:one,",
                "received 3:two,",
                "half-closed by Peer",
                "sent 2:OK,",
                "half-closed by Us",
                "closed by Peer: End"
            ]
        );
        assert_eq!(
            server_side,
            [
                "connected",
                "sent 3:one,",
                "sent 3:two,",
                "half-closed by Us",
                "received 2:OK,",
                "half-closed by Peer",
                "closed by Us: End"
            ]
        );
    }
}

#[test]
fn what_makes_no_message_is_recorded_byte_by_byte() {
    for spec in [None, Some("drop-request=0%")] {
        let (client_side, server_side) =
            recorded_conversation(netstrings(spec), b"3:one,GET /", b"2:O");
        assert_eq!(client_side[1..3], ["received 3:one,", "unreadable GET /"]);
        assert_eq!(server_side[1..3], ["sent 3:one,", "sent GET /"]);
        assert!(client_side.contains(&"sent 2:O".to_owned()));
        assert!(server_side.contains(&"unreadable 2:O".to_owned()));
    }
}

#[test]
fn a_fault_is_recorded_where_the_message_would_have_been_sent() {
    let spec = "drop-request=#2,duplicate=#3,drop-reply=#1";
    let (client_side, server_side) =
        recorded_conversation(netstrings(Some(spec)), b"1:1,1:2,1:3,", b"1:a,1:b,");
    let received = ["received 1:1,", "received 1:2,", "received 1:3,"];
    assert_eq!(client_side[1..4], received);
    let passed_on = [
        "sent 1:1,",
        "dropped 1:2,",
        "duplicated 1:3,",
        "sent 1:3,",
        "sent 1:3,",
    ];
    assert_eq!(server_side[1..6], passed_on);
    assert!(server_side.contains(&"received 1:a,".to_owned()));
    assert!(client_side.contains(&"dropped 1:a,".to_owned()));
    assert!(client_side.contains(&"sent 1:b,".to_owned()));
}

#[test]
fn a_cut_is_recorded_with_what_was_sent() {
    let (client_side, server_side) =
        recorded_conversation(netstrings(Some("cut=#1")), b"3:one,", b"");
    assert_eq!(
        server_side[..3],
        ["connected", "cut after 3", "sent in part 3:o"]
    );
    assert_eq!(server_side.last().unwrap(), "closed by Us: Cut");
    assert_eq!(client_side.last().unwrap(), "closed by Us: Cut");
}

#[test]
fn a_pin_is_masked_in_whatever_framing() {
    let request = b"VERIFY_CARD_AND_PASSWORD 123456789 1234\n";
    for framing in [Framing::Raw, Framing::Line] {
        let config = Config {
            framing,
            ..Config::default()
        };
        let (client_side, server_side) = recorded_conversation(config, request, b"");
        for story in [client_side, server_side] {
            let story = story.join("\n");
            assert!(story.contains("VERIFY_CARD_AND_PASSWORD"), "{story}");
            assert!(story.contains(r" 123456789 ****\n"), "{story}");
            assert!(!story.contains(r" 1234\n"), "{story}");
        }
    }
}

#[test]
fn a_server_that_is_not_there_is_recorded() {
    let missing = TcpListener::bind("127.0.0.1:0").unwrap();
    let to = missing.local_addr().unwrap();
    drop(missing);
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("proxy.jsonl");
    let config = recording_to(&file, Config::default());
    let recorder = config.recorder.clone().unwrap();
    let proxy = start_proxy(to, Transport::Tcp, config);
    let _ = proxy.connect().read(&mut [0; 8]);
    proxy.stop();
    let events = recorded(&file, &recorder);
    let expected = ["connected", "failed", "closed by Us: Reset"];
    assert_eq!(story(&events, Side::Server), expected);
    assert_eq!(story(&events, Side::Client), [""; 0]);
}

#[test]
fn datagrams_are_recorded_on_both_sides_and_so_are_their_faults() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("proxy.jsonl");
    let config = recording_to(&file, config("drop-request=#1,reorder=#1,duplicate=#2"));
    let recorder = config.recorder.clone().unwrap();
    let server = udp_socket();
    let proxy = start_proxy(server.local_addr().unwrap(), Transport::Udp, config);
    let client = proxy.datagrams();
    let mut buffer = [0; 16];
    client.send(b"one").unwrap();
    client.send(b"two").unwrap();
    let (_, sender) = server.recv_from(&mut buffer).unwrap();
    server.recv_from(&mut buffer).unwrap();
    server.send_to(b"for one", sender).unwrap();
    server.send_to(b"for two", sender).unwrap();
    client.recv(&mut buffer).unwrap();
    client.recv(&mut buffer).unwrap();
    let ends = [
        (client.peer_addr().unwrap(), client.local_addr().unwrap()),
        // The proxy's socket for this client is bound to no interface in particular.
        (sender, server.local_addr().unwrap()),
    ];
    proxy.stop();

    let events = recorded(&file, &recorder);
    assert_eq!(addresses(&events, Side::Server), ends[0]);
    assert_eq!(addresses(&events, Side::Client), ends[1]);
    let expected = [
        "received one",
        "received two",
        "reordered for one",
        "sent for two",
        "sent for one",
    ];
    assert_eq!(story(&events, Side::Server), expected);
    let expected = [
        "connected",
        "dropped one",
        "duplicated two",
        "sent two",
        "sent two",
        "received for one",
        "received for two",
        "closed by Us: End",
    ];
    assert_eq!(story(&events, Side::Client), expected);
}
