//! Captures read back, packet by packet.

use std::net::{IpAddr, SocketAddr};

use etherparse::{NetHeaders, PacketHeaders, TransportHeader};
use record::Recording;

use super::*;

const CLIENT: &str = include_str!("../../../record/tests/recordings/atm-drop-reply.client.jsonl");
const SERVER: &str = include_str!("../../../record/tests/recordings/atm-drop-reply.server.jsonl");
const DATAGRAMS: &str =
    include_str!("../../../record/tests/recordings/datetime-resent.client.jsonl");

/// A packet, read back.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Packet {
    time: u64,
    from: SocketAddr,
    to: SocketAddr,
    /// Empty for a datagram.
    flags: String,
    sequence: u32,
    acknowledged: u32,
    bytes: Vec<u8>,
}

/// The recording of one TCP connection, with these members in its events after `connected`, each
/// a microsecond after the one before it.
fn connection(side: &str, [local, peer]: [&str; 2], events: &[&str]) -> String {
    let run = format!("{:016x}", side.len());
    let common = format!(r#""run":"{run}","side":"{side}","wall":"2026-11-21T12:00:00Z""#);
    let mut text = format!(
        r#"{{"socketlab-recording":1,{common},"program":"x","release":"0.1.0","pid":1,"arguments":[],"secrets":"masked"}}"#
    );
    for (n, event) in [r#""event":"connected""#].iter().chain(events).enumerate() {
        let (number, t) = (n + 1, n * 1_000);
        text += &format!(
            r#"
{{{common},"n":{number},"t":{t},"service":"text","transport":"tcp","framing":"line","connection":0,"local":"{local}","peer":"{peer}",{event}}}"#
        );
    }
    text + "\n"
}

const V4: [&str; 2] = ["127.0.0.1:53011", "127.0.0.1:9006"];
const V6: [&str; 2] = ["[::1]:53011", "[::1]:9006"];

const ASKED: &str = r#""event":"sent","direction":"to-server","bytes":"QUIT\n","text":"QUIT""#;
const ANSWERED: &str =
    r#""event":"received","direction":"to-client","bytes":"OK bye\n","text":"OK bye""#;

fn half_closed(by: &str) -> String {
    format!(r#""event":"half-closed","by":"{by}""#)
}

fn closed(by: &str, how: &str) -> String {
    format!(r#""event":"closed","by":"{by}","how":"{how}""#)
}

/// What is in the capture of these recordings.
fn captured(recordings: &[&str]) -> Vec<Packet> {
    let mut file = Vec::new();
    let read = |text: &&str| Recording::read(text.as_bytes()).unwrap().runs;
    let runs: Vec<Run> = recordings.iter().flat_map(read).collect();
    write(&runs, &mut file).unwrap();
    assert_eq!(file[..4], [0x4d, 0x3c, 0xb2, 0xa1]);
    assert_eq!(file[20..24], [101, 0, 0, 0]);
    let mut rest = &file[24..];
    let mut packets = Vec::new();
    while !rest.is_empty() {
        let field = |at: usize| u32::from_le_bytes(rest[at..at + 4].try_into().unwrap());
        let (seconds, nanoseconds, length) = (field(0), field(4), field(8) as usize);
        assert_eq!(field(12), field(8));
        assert!(nanoseconds < 1_000_000_000);
        let time = u64::from(seconds) * 1_000_000_000 + u64::from(nanoseconds);
        packets.push(packet(time, &rest[16..16 + length]));
        rest = &rest[16 + length..];
    }
    assert!(packets.is_sorted_by_key(|packet| packet.time));
    packets
}

fn packet(time: u64, bytes: &[u8]) -> Packet {
    let headers = PacketHeaders::from_ip_slice(bytes).unwrap();
    let (from, to): (IpAddr, IpAddr) = match headers.net.unwrap() {
        NetHeaders::Ipv4(ip, _) => (ip.source.into(), ip.destination.into()),
        NetHeaders::Ipv6(ip, _) => (ip.source.into(), ip.destination.into()),
        other => panic!("{other:?}"),
    };
    let (ports, flags, sequence, acknowledged) = match headers.transport.unwrap() {
        TransportHeader::Udp(udp) => ((udp.source_port, udp.destination_port), vec![], 0, 0),
        TransportHeader::Tcp(tcp) => (
            (tcp.source_port, tcp.destination_port),
            [tcp.fin, tcp.syn, tcp.rst, tcp.psh, tcp.ack]
                .into_iter()
                .zip(["FIN", "SYN", "RST", "PSH", "ACK"])
                .collect(),
            tcp.sequence_number,
            tcp.acknowledgment_number,
        ),
        other => panic!("{other:?}"),
    };
    let flags = flags.iter().filter(|(is_set, _)| *is_set);
    Packet {
        time,
        from: (from, ports.0).into(),
        to: (to, ports.1).into(),
        flags: flags.map(|(_, name)| *name).collect::<Vec<_>>().join(" "),
        sequence,
        acknowledged,
        bytes: headers.payload.slice().to_vec(),
    }
}

/// The packets as lines: an arrow to the server or from it, flags, numbers from the beginning of
/// each direction, bytes.
fn lines(packets: &[Packet]) -> Vec<String> {
    let client = packets[0].from;
    let first = |is_client: bool| {
        let mut own = packets.iter().filter(|p| (p.from == client) == is_client);
        own.next().map_or(0, |packet| packet.sequence)
    };
    let (clients, servers) = (first(true), first(false));
    let line = |packet: &Packet| {
        let (arrow, own, other) = match packet.from == client {
            true => ("->", clients, servers),
            false => ("<-", servers, clients),
        };
        let acknowledged = match packet.flags.contains("ACK") {
            true => packet.acknowledged.wrapping_sub(other).to_string(),
            false => "-".to_owned(),
        };
        let sequence = packet.sequence.wrapping_sub(own);
        let bytes = packet.bytes.escape_ascii();
        format!("{arrow} {} {sequence} {acknowledged} {bytes}", packet.flags)
    };
    let lines = packets.iter().map(line);
    lines.map(|line| line.trim_end().to_owned()).collect()
}

/// The bytes that went each way, to the server and to the client.
fn streams(packets: &[Packet]) -> [Vec<u8>; 2] {
    let of = |to_server: bool| {
        let is_own = |p: &&Packet| (p.to.port() < 10_000) == to_server;
        let own = packets.iter().filter(is_own);
        own.flat_map(|packet| packet.bytes.clone()).collect()
    };
    [of(true), of(false)]
}

#[test]
fn a_connection_is_made_asked_answered_and_ended() {
    let (first, last) = (half_closed("peer"), closed("peer", "end"));
    let events = [ASKED, ANSWERED, &first, &last];
    let packets = captured(&[&connection("client", V4, &events)]);
    let expected = "-> SYN 0 -, <- SYN ACK 0 1, -> ACK 1 1, \
        -> PSH ACK 1 1 QUIT\\n, <- ACK 1 6, <- PSH ACK 1 6 OK bye\\n, -> ACK 6 8, \
        <- FIN ACK 8 6, -> ACK 6 9, -> FIN ACK 6 9, <- ACK 9 7";
    assert_eq!(lines(&packets).join(", "), expected);
    let start = 1_795_262_400 * 1_000_000_000;
    assert_eq!(packets[0].time, start);
    assert_eq!(packets[3].time, start + 1_000);
    assert_eq!(packets[0].from.to_string(), "127.0.0.1:53011");
}

#[test]
fn the_end_that_closes_first_sends_the_first_fin() {
    for (side, ends) in [("client", V4), ("server", [V4[1], V4[0]])] {
        for (by, how) in [("us", "end"), ("peer", "end")] {
            let with = [half_closed(by), closed(by, how)];
            let with: Vec<&str> = with.iter().map(String::as_str).collect();
            let packets = captured(&[&connection(side, ends, &with)]);
            let without = captured(&[&connection(side, ends, &with[1..])]);
            let by_client = (side == "client") == (by == "us");
            let (first, second) = match by_client {
                true => ("->", "<-"),
                false => ("<-", "->"),
            };
            let expected = [
                format!("{first} FIN ACK 1 1"),
                format!("{second} ACK 1 2"),
                format!("{second} FIN ACK 1 2"),
                format!("{first} ACK 2 2"),
            ];
            assert_eq!(lines(&packets)[3..], expected, "{side} {by}");
            assert_eq!(lines(&without)[3..], expected, "{side} {by}");
        }
    }
}

#[test]
fn an_abort_is_the_end_of_what_this_side_sends_and_of_no_more() {
    for how in ["abort", "timeout", "cut", "broken"] {
        let packets = captured(&[&connection("client", V6, &[ASKED, &closed("us", how)])]);
        let expected = ["-> FIN ACK 6 1", "<- ACK 1 7"];
        assert_eq!(lines(&packets)[5..], expected, "{how}");
    }
}

#[test]
fn a_reset_comes_from_the_side_that_reset() {
    for (by, expected) in [("us", "-> RST ACK 6 1"), ("peer", "<- RST ACK 1 6")] {
        let packets = captured(&[&connection("client", V4, &[ASKED, &closed(by, "reset")])]);
        assert_eq!(lines(&packets)[5..], [expected]);
    }
}

#[test]
fn a_recording_that_stops_leaves_a_connection_without_an_end() {
    let packets = captured(&[&connection("client", V4, &[ASKED])]);
    assert_eq!(packets.len(), 5);
    // Of one whose beginning is lost, there is only what is known.
    let text = connection("client", V4, &[ASKED, ANSWERED]);
    let mut lines_left: Vec<&str> = text.split_inclusive('\n').collect();
    lines_left.retain(|line| !line.contains("connected"));
    let packets = captured(&[&lines_left.concat()]);
    assert_eq!(lines(&packets)[0], "-> PSH ACK 0 0 QUIT\\n");
    assert_eq!(packets.len(), 4);
}

#[test]
fn an_end_that_was_noted_early_is_sent_after_all_bytes() {
    let events = [&half_closed("us"), ASKED, &closed("us", "end"), ANSWERED];
    let packets = captured(&[&connection("client", V4, &events)]);
    let flags: Vec<&str> = packets[3..]
        .iter()
        .map(|packet| &packet.flags[..])
        .collect();
    let pairs: Vec<&[&str]> = flags.chunks(2).collect();
    let (bytes, end) = (["PSH ACK", "ACK"], ["FIN ACK", "ACK"]);
    assert_eq!(pairs, [bytes, end, bytes, end]);
    assert_eq!(streams(&packets), [&b"QUIT\n"[..], b"OK bye\n"]);
}

#[test]
fn a_long_message_is_split_and_its_sequence_numbers_go_on() {
    let long: String = "0123456789abcdef".chars().cycle().take(140_000).collect();
    let sent = format!(r#""event":"sent","direction":"to-server","bytes":"{long}""#);
    for ends in [V4, V6] {
        let packets = captured(&[&connection("client", ends, &[&sent, ANSWERED])]);
        let first = packets[0].sequence.wrapping_add(1);
        let pieces = packets.iter().filter(|p| p.bytes.len() > 10).map(|p| {
            let sequence = p.sequence.wrapping_sub(first);
            format!("{sequence} {} {}", p.bytes.len(), p.flags)
        });
        let expected = ["0 65475 ACK", "65475 65475 ACK", "130950 9050 PSH ACK"];
        assert_eq!(pieces.collect::<Vec<_>>(), expected);
        assert_eq!(streams(&packets)[0], long.as_bytes());
        let answer = packets.iter().find(|p| p.bytes == b"OK bye\n").unwrap();
        assert_eq!(answer.acknowledged, first.wrapping_add(140_000));
    }
}

/// What the events of a kind say crossed the wire, which is not what the code under test looks at.
fn said(text: &str, direction: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for line in text.lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        let kind = line["event"].as_str().unwrap_or("");
        let crossed = ["sent", "received", "unreadable"].contains(&kind);
        if crossed && line["direction"] == direction {
            bytes.extend(line["bytes"].as_str().unwrap().chars().map(|c| c as u8));
        }
    }
    bytes
}

#[test]
fn either_side_gives_the_bytes_that_crossed_and_nothing_of_what_was_dropped() {
    for text in [CLIENT, SERVER] {
        let packets = captured(&[text]);
        let expected = [said(text, "to-server"), said(text, "to-client")];
        assert_eq!(streams(&packets), expected);
        assert!(expected[0].windows(10).any(|bytes| bytes == b"****56789 "));
    }
}

#[test]
fn two_sides_make_each_connection_once() {
    let both = captured(&[CLIENT, SERVER]);
    let swapped = captured(&[SERVER, CLIENT]);
    assert_eq!(both, swapped);
    let opened = both.iter().filter(|packet| packet.flags == "SYN").count();
    assert_eq!(opened, 2);
    assert_eq!(streams(&both)[0], said(CLIENT, "to-server"));
}

#[test]
fn the_side_that_has_the_whole_connection_is_taken() {
    let asked = ASKED.replace("sent", "received");
    let answered = ANSWERED.replace("received", "sent");
    let events = [&asked[..], &answered, &closed("us", "end")];
    let whole = connection("server", [V4[1], V4[0]], &events);
    let killed = connection("client", V4, &[ASKED]);
    for both in [[whole.as_str(), &killed], [&killed, &whole]] {
        let packets = captured(&both);
        assert_eq!(packets.len(), 11);
        assert_eq!(streams(&packets)[1], b"OK bye\n");
    }
}

#[test]
fn a_port_that_is_used_again_begins_elsewhere() {
    let first = connection("client", V4, &[ASKED, ANSWERED, &closed("us", "end")]);
    let second = first.replace("12:00:00Z", "12:00:01Z");
    let packets = captured(&[&first, &second]);
    let syns: Vec<&Packet> = packets.iter().filter(|p| p.flags == "SYN").collect();
    assert_eq!(syns.len(), 2);
    assert_ne!(syns[0].sequence, syns[1].sequence);
}

#[test]
fn a_server_that_listens_everywhere_is_known_by_the_address_it_was_reached_at() {
    let ends = ["[::]:9006", "[::ffff:127.0.0.1]:53011"];
    let server = connection("server", ends, &[&closed("us", "end")]);
    let client = connection("client", V4, &[&closed("peer", "end")]);
    let packets = captured(&[&server, &client]);
    assert_eq!(packets.iter().filter(|p| p.flags == "SYN").count(), 1);
    assert_eq!(packets[0].to.to_string(), "127.0.0.1:9006");
}

#[test]
fn datagrams_are_packets_and_an_empty_one_too() {
    let packets = captured(&[DATAGRAMS]);
    let bytes: Vec<&[u8]> = packets.iter().map(|p| p.bytes.as_slice()).collect();
    assert_eq!(bytes, [&b"SEND_TIME"[..], b"SEND_TIME", b"OK 12:00:02"]);
    assert_eq!(packets[2].from.to_string(), "127.0.0.1:9010");
    let emptied = DATAGRAMS.replace(r#""bytes":"SEND_TIME""#, r#""bytes":"""#);
    assert_eq!(captured(&[&emptied]).len(), 3);
}

#[test]
fn a_datagram_of_the_greatest_length_is_one_packet() {
    let long = "x".repeat(65_507);
    let text = DATAGRAMS.replace("OK 12:00:02", &long);
    let packets = captured(&[&text]);
    assert_eq!(packets[2].bytes, long.as_bytes());
    // And what no socket could have sent makes no packet.
    let text = DATAGRAMS.replace("OK 12:00:02", &format!("{long}x"));
    assert_eq!(captured(&[&text]).len(), 2);
}

#[test]
fn a_recording_without_connections_is_a_capture_without_packets() {
    let header = CLIENT.lines().next().unwrap().to_owned() + "\n";
    assert_eq!(captured(&[&header]), []);
    assert_eq!(captured(&[]), []);
}
