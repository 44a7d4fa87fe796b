//! Two recordings put together.

use proto::mode::Transport;
use proto::side::{Direction, Side};
use record::EventKind::{
    Closed, Corrupted, Delayed, Dropped, Duplicated, Ended, Glued, Paused, Received, Reordered,
    Resent, Reset, Split, TimedOut,
};
use record::{CloseReason, Closer, DropCause, Message};
use testkit::assert_contains;

use super::made::{Made, message, path};
use super::{sample, view, with};

/// The words and tips on the lines of a diagram below its heads.
fn drawn(client: &Made, server: &Made) -> Vec<String> {
    let (client, server) = (client.file(), server.file());
    let drawn = view(&["--ascii", path(&client), path(&server)]);
    let steps = drawn.lines().filter(|line| {
        let time = line.trim_start().split(' ').next().unwrap_or_default();
        time.parse::<f64>().is_ok()
    });
    let steps = steps.map(|line| {
        let (_, line) = line.trim_start().split_once(' ').unwrap();
        let words = line.split([' ', '|']);
        let words = words.map(|word| word.trim_matches(['-', '.']));
        words
            .filter(|word| !word.is_empty())
            .collect::<Vec<_>>()
            .join(" ")
    });
    steps.collect()
}

#[test]
fn clocks_that_differ_turn_nothing_round() {
    let client = sample("atm-drop-reply.client.jsonl");
    let server = std::fs::read_to_string(sample("atm-drop-reply.server.jsonl")).unwrap();
    let steps = |server: &str| -> Vec<String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), server).unwrap();
        let drawn = view(&[&client, path(&file)]);
        let steps = drawn
            .lines()
            .skip(6)
            .map(|line| line.get(10..).unwrap_or_default().to_owned());
        steps
            .filter(|line| line.contains(['►', '◄', '✗']))
            .collect()
    };
    let right = steps(&server);
    // 18 messages; 2 connections are made and closed.
    assert_eq!(right.len(), 22);
    for wrong in ["T11:59:5", "T12:00:1"] {
        assert_eq!(steps(&server.replace("T12:00:0", wrong)), right);
    }
}

#[test]
fn what_the_server_never_received_is_lost_on_the_way() {
    let (mut client, mut server) = both(Transport::Tcp);
    client.sends(10, 0, "LOWER A");
    server.receives(20, 0, "LOWER A");
    client.sends(30, 0, "LOWER B");
    let (by, how, words) = (Closer::Us, CloseReason::Abort, None);
    server.event(40, 0, Closed { by, how, words });
    server.event(50, 0, Ended);
    let lost = "LOWER B [never received] X";
    let drawn = drawn(&client, &server);
    assert_eq!(drawn, ["LOWER A >", lost, "< closed", "ended +"]);
}

#[test]
fn a_recording_that_breaks_off_does_not_say_that_later_messages_were_lost() {
    let (mut client, mut server) = both(Transport::Tcp);
    client.sends(10, 0, "LOWER A");
    server.receives(20, 0, "LOWER A");
    client.sends(30, 0, "LOWER B");
    let drawn = drawn(&client, &server);
    assert!(!drawn.concat().contains("never received"), "{drawn:#?}");
}

#[test]
fn a_datagram_may_be_lost_doubled_or_overtaken() {
    let (mut client, mut server) = both(Transport::Udp);
    client.sends(10, 0, "SEND_DATE");
    client.event(15, 0, Reordered(to_server("one")));
    client.sends(20, 0, "two");
    client.sends(21, 0, "one");
    server.receives(30, 0, "two");
    server.receives(31, 0, "one");
    client.event(40, 0, Duplicated(to_server("SEND_TIME")));
    client.sends(41, 0, "SEND_TIME");
    client.sends(42, 0, "SEND_TIME");
    server.receives(50, 0, "SEND_TIME");
    server.receives(51, 0, "SEND_TIME");
    let (cause, message) = (DropCause::Drop, to_server("SEND_DATE"));
    client.event(60, 0, Dropped { cause, message });
    server.event(70, 0, Ended);
    assert_eq!(
        drawn(&client, &server),
        [
            "SEND_DATE [never received] X",
            "two >",
            "one [held back] >",
            "SEND_TIME >",
            "SEND_TIME [doubled] >",
            "X SEND_DATE [lost]",
            "ended +",
        ]
    );
}

#[test]
fn a_message_that_arrives_after_its_sender_gave_up_is_drawn_in_two_places() {
    let (mut client, mut server) = both(Transport::Udp);
    client.sends(10, 0, "SEND_DATE");
    let (waited, words) = (590_000, "no answer".to_owned());
    client.event(600, 0, TimedOut { waited, words });
    let (attempt, text) = (2, "SEND_DATE".into());
    client.event(700, 0, Resent { attempt, text });
    client.sends(710, 0, "SEND_DATE");
    server.receives(800, 0, "SEND_DATE");
    server.receives(810, 0, "SEND_DATE");
    let drawn = drawn(&client, &server);
    assert_eq!(drawn.len(), 4, "{drawn:#?}");
    assert_contains(&drawn[0], &["SEND_DATE"]);
    assert!(!drawn[0].ends_with('>'), "{drawn:#?}");
    assert_contains(&drawn[1], &["no answer for 590"]);
    assert_contains(&drawn[2..].join("\n"), &["[arrives]"]);
    assert_contains(&drawn.join("\n"), &["2nd attempt"]);
}

#[test]
fn a_stream_that_came_in_other_pieces_is_drawn_as_it_was_sent() {
    let (mut client, mut server) = both(Transport::Tcp);
    client.sends(10, 0, "abcdef");
    client.sends(11, 0, "gh");
    server.receives(20, 0, "abc");
    server.receives(21, 0, "defgh");
    server.event(30, 0, Ended);
    assert_eq!(drawn(&client, &server), ["abcdef >", "gh >", "ended +"]);
}

#[test]
fn recordings_that_contradict_each_other_are_drawn_all_the_same() {
    let (mut client, mut server) = both(Transport::Tcp);
    // Each received what the other sent only after that, and the client its own request.
    client.event(5, 0, Received(to_server("LOWER A")));
    client.receives(10, 0, "OK a");
    client.sends(20, 0, "LOWER A");
    server.receives(10, 0, "LOWER A");
    server.sends(20, 0, "OK a");
    client.event(1_000_000_000, 0, Ended);
    let drawn = drawn(&client, &server);
    assert_contains(&drawn.join("\n"), &["OK a", "LOWER A"]);
    assert_eq!(drawn.last().unwrap(), "+ ended");
}

#[test]
fn a_late_message_says_how_late() {
    let (mut client, mut server) = both(Transport::Tcp);
    let (until, message) = (50_000, to_server("LOWER A"));
    client.event(10, 0, Delayed { until, message });
    client.sends(60, 0, "LOWER A");
    server.receives(70, 0, "LOWER A");
    assert_eq!(drawn(&client, &server), ["LOWER A [50 us late] >"]);
}

#[test]
fn what_a_fault_did_to_the_segments_and_bits_of_a_message_is_said() {
    let (mut client, mut server) = both(Transport::Tcp);
    let (size, message) = (7, to_server("LOWER ABCDEFGH"));
    client.event(10, 0, Split { size, message });
    client.sends(11, 0, "LOWER ABCDEFGH");
    server.receives(20, 0, "LOWER ABCDEFGH");
    client.event(30, 0, Glued(to_server("LOWER B")));
    client.sends(40, 0, "LOWER B");
    client.sends(40, 0, "LOWER C");
    server.receives(50, 0, "LOWER B");
    server.receives(51, 0, "LOWER C");
    let (bit, message) = (6 * 8 + 1, to_server("LOWER C"));
    client.event(60, 0, Corrupted { bit, message });
    client.sends(61, 0, "LOWER C");
    server.receives(70, 0, "LOWER C");
    let stopped = 2_000_000_000;
    client.event(80, 0, Paused { stopped });
    client.event(90, 0, Reset(to_server("LOWER D")));
    assert_eq!(
        drawn(&client, &server),
        [
            "LOWER ABCDEFGH [in pieces of 7] >",
            "LOWER B [held back] >",
            "LOWER C [glued on] >",
            "LOWER C [A became C] >",
            "! the program stops for 2 s",
            "X LOWER D [reset instead]",
        ]
    );
}

#[test]
fn each_sample_has_each_message_once() {
    let both = [
        sample("withdrawal.client.jsonl"),
        sample("withdrawal.server.jsonl"),
    ];
    let drawn = view(&with(&["--ids"], &both));
    // Sent by one, or dropped before it was.
    let messages = both.iter().flat_map(|file| {
        let text = std::fs::read_to_string(file).unwrap();
        let side = if file.ends_with("client.jsonl") {
            "to-server"
        } else {
            "to-client"
        };
        let is_own = move |line: &&str| {
            line.contains(side)
                && ["\"event\":\"sent\"", "\"event\":\"dropped\""]
                    .iter()
                    .any(|e| line.contains(e))
        };
        text.lines()
            .filter(is_own)
            .map(str::to_owned)
            .collect::<Vec<_>>()
    });
    let arrows = drawn.lines().skip(6).filter(|line| {
        line.contains(['►', '◄', '✗']) && !line.contains(['╌']) && !line.contains("crashed")
    });
    assert_eq!(arrows.count(), messages.count(), "{drawn}");
}

fn to_server(text: &str) -> Message {
    message(Direction::ToServer, text)
}

/// The two sides, before anything happened.
fn both(transport: Transport) -> (Made, Made) {
    (
        Made::new(Side::Client, transport),
        Made::new(Side::Server, transport),
    )
}
