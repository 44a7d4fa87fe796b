//! The samples, drawn.

use std::path::Path;
use testkit::assert_contains;

use proto::mode::Transport;
use proto::side::Side;
use record::EventKind;
use unicode_width::UnicodeWidthStr;

use super::made::{Made, path};
use super::{run, sample, samples, view, with};

/// Compares with the diagram that was looked at and found right.
#[track_caller]
fn is_as_looked_at(drawn: &str, name: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/recordings")
        .join(name);
    let expected = std::fs::read_to_string(file).unwrap();
    assert_eq!(drawn, expected, "drawn:\n{drawn}\nexpected:\n{expected}");
}

#[test]
fn a_withdrawal_with_two_lost_replies_and_a_crash_is_drawn_message_for_message() {
    let both = [
        sample("withdrawal.client.jsonl"),
        sample("withdrawal.server.jsonl"),
    ];
    is_as_looked_at(&view(&with(&[], &both)), "withdrawal.diagram.txt");
    // The order in which they are given does not matter.
    let [client, server] = both;
    is_as_looked_at(&view(&[&server, &client]), "withdrawal.diagram.txt");
}

#[test]
fn one_side_alone_is_drawn_as_far_as_it_knows() {
    let client = sample("withdrawal.client.jsonl");
    is_as_looked_at(&view(&[&client]), "withdrawal.client.diagram.txt");
    let client = sample("datetime-resent.client.jsonl");
    is_as_looked_at(
        &view(&["--ascii", "--width", "80", &client]),
        "resent.diagram.txt",
    );
}

#[test]
fn a_proxy_stands_between_the_two_programs_with_or_without_their_recordings() {
    let [client, proxy, server] = ["client", "proxy", "server"].map(|name| {
        let name = format!("proxied.{name}.jsonl");
        sample(&name)
    });
    is_as_looked_at(&view(&[&proxy]), "proxied.proxy.diagram.txt");
    // The server was there first, and stands on the right all the same.
    let all = view(&["--width", "150", &server, &proxy, &client]);
    is_as_looked_at(&all, "proxied.diagram.txt");
}

#[test]
fn where_the_money_is_a_proxy_does_not_know() {
    let [client, proxy, server] = ["client", "proxy", "server"].map(|name| {
        let name = format!("proxied.{name}.jsonl");
        sample(&name)
    });
    let viewed = run(&["--explain", &proxy]);
    viewed.complained(2, &["record the cash machine and the bank"]);
    let shown = view(&["--explain", &client, &proxy, &server]);
    assert_contains(
        &shown,
        &[
            "(1) no answer came; (2)",
            "500.00 has left the account, once",
        ],
    );
}

#[test]
fn an_ending_that_names_no_format_is_refused() {
    let viewed = run(&[
        &sample("withdrawal.client.jsonl"),
        "-o",
        "no-such-directory/a.png",
    ]);
    viewed.complained(2, &["a.png names no format"]);
}

#[test]
fn a_list_has_a_line_for_each_event_and_whole_ids() {
    let client = sample("withdrawal.client.jsonl");
    let events = std::fs::read_to_string(&client).unwrap();
    let events = events
        .lines()
        .filter(|line| !line.starts_with("{\"socketlab-recording\""));
    let (reads, others): (Vec<&str>, Vec<&str>) =
        events.partition(|line| line.contains("\"event\":\"read\""));
    let list = view(&["--text", &client]);
    assert_eq!(list.lines().count(), others.len());
    let list = view(&["--text", "--reads", &client]);
    assert_eq!(list.lines().count(), others.len() + reads.len());
    let line = list
        .lines()
        .find(|line| line.contains("→ WITHDRAW WITH_"))
        .unwrap();
    assert!(line.contains("atm#0"), "{line}");
    let id = line
        .split(' ')
        .find(|word| word.starts_with("WITH_"))
        .unwrap();
    assert_eq!(id.len(), 41);
}

#[test]
fn no_line_is_wider_than_the_terminal() {
    for files in samples() {
        for width in [40, 41, 57, 80, 100, 237] {
            let drawn = view(&with(&["--width", &width.to_string()], &files));
            let widest = drawn.lines().map(|line| line.width()).max().unwrap();
            assert!(widest <= width, "{files:?} at {width}:\n{drawn}");
        }
    }
}

#[test]
fn ascii_is_ascii() {
    for files in samples() {
        let drawn = view(&with(&["--ascii"], &files));
        assert!(drawn.is_ascii(), "{drawn}");
    }
}

#[test]
fn a_withdrawal_that_nobody_settled_is_marked() {
    // The first life of the machine, before it is started again and settles.
    let client = std::fs::read_to_string(sample("withdrawal.client.jsonl")).unwrap();
    let second = client.rfind("{\"socketlab-recording\"").unwrap();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), &client[..second]).unwrap();
    let file = file.path().to_str().unwrap();
    let drawn = view(&[file]);
    let last = drawn.lines().last().unwrap();
    assert!(
        last.contains("unsettled: WITH_…") && last.contains("500.00 held"),
        "{drawn}"
    );
    assert!(view(&["--svg", file]).contains(r#"class="note unsettled""#));
    assert!(view(&["--svg", file]).contains(r#"class="m unsettled""#));
    assert!(view(&["--mermaid", file]).contains("rect rgb(255, 233, 184)"));
    assert!(!view(&[&sample("withdrawal.client.jsonl")]).contains("unsettled"));
}

#[test]
fn a_run_that_does_not_say_how_it_ended_was_killed_when_it_was_started_again() {
    let mut server = Made::new(Side::Server, Transport::Tcp);
    server.event(10, 0, EventKind::Connected);
    server.sends(20, 0, "READY text 1");
    server.starts(900);
    server.event(1000, 1, EventKind::Connected);
    let drawn = view(&[path(&server.file())]);
    let killed = drawn
        .lines()
        .position(|line| line.ends_with("killed ✗"))
        .unwrap();
    let started = drawn
        .lines()
        .position(|line| line.contains("started again, process 13"))
        .unwrap();
    assert_eq!(started, killed + 1, "{drawn}");
}

#[test]
fn only_what_is_asked_for_is_drawn() {
    let both = [
        sample("withdrawal.client.jsonl"),
        sample("withdrawal.server.jsonl"),
    ];
    let drawn = view(&with(&["--connection", "2"], &both));
    assert!(
        drawn.contains("3rd attempt") && !drawn.contains("2nd attempt"),
        "{drawn}"
    );
    let drawn = view(&with(&["--service", "chat"], &both));
    assert!(!drawn.contains("WITHDRAW"), "{drawn}");
    let drawn = view(&with(&["--from", "0.7", "--to", "1.2"], &both));
    assert!(
        drawn.contains("2nd attempt") && !drawn.contains("3rd attempt"),
        "{drawn}"
    );
    assert!(!drawn.contains("#0 READY"), "{drawn}");
}

#[test]
fn who_is_left_out_has_no_lifeline_and_no_moment_is_before_the_first() {
    let mut made = Made::new(Side::Server, Transport::Tcp);
    for connection in 0..9 {
        made.event(
            i64::try_from(connection).unwrap(),
            connection,
            EventKind::Connected,
        );
    }
    made.starts(500_000);
    made.event(10, 9, EventKind::Connected);
    let file = made.file();
    let drawn = view(&["--connection", "4", path(&file)]);
    assert_eq!(drawn.matches("client").count(), 1, "{drawn}");
    assert!(drawn.contains("127.0.0.1:40004"), "{drawn}");
    let drawn = view(&["--connection", "9", path(&file)]);
    assert_eq!(drawn.matches("client").count(), 1, "{drawn}");
    assert!(!drawn.contains(" -0."), "{drawn}");
}

#[test]
fn of_an_empty_recording_it_is_said_that_nothing_happened() {
    let file = tempfile::NamedTempFile::new().unwrap();
    assert_eq!(view(&[path(&file)]), "nothing happened\n");
}

#[test]
fn the_format_is_chosen_by_the_ending_of_the_output() {
    let directory = tempfile::tempdir().unwrap();
    let client = sample("withdrawal.client.jsonl");
    for (name, format) in [
        ("a.svg", "--svg"),
        ("a.html", "--html"),
        ("a.mmd", "--mermaid"),
        ("a.txt", "--text"),
    ] {
        let file = directory.path().join(name);
        let viewed = run(&[&client, "-o", file.to_str().unwrap()]);
        viewed.exited(0, "");
        assert_eq!(
            std::fs::read_to_string(file).unwrap(),
            view(&[format, &client])
        );
    }
}

#[test]
fn nothing_is_drawn_as_nothing() {
    let empty = tempfile::NamedTempFile::new().unwrap();
    let headed = Made::new(Side::Client, Transport::Tcp).file();
    for file in [&empty, &headed] {
        assert!(view(&[path(file)]).ends_with("nothing happened\n"));
        assert_eq!(view(&["--text", path(file)]), "");
        assert!(view(&["--svg", path(file)]).ends_with("</svg>\n"));
        assert!(view(&["--html", path(file)]).ends_with("</html>\n"));
        assert!(view(&["--mermaid", path(file)]).contains("participant"));
    }
}

#[test]
fn a_hundred_thousand_messages_are_drawn() {
    let mut client = Made::new(Side::Client, Transport::Tcp);
    client.event(0, 0, EventKind::Connected);
    for number in 0..50_000 {
        client.sends(100 * number + 1, 0, &format!("LOWER {number}"));
        client.receives(100 * number + 50, 0, &format!("OK {number}"));
    }
    let svg = view(&["--svg", path(&client.file())]);
    assert_eq!(svg.matches(r#"<g class="m""#).count(), 100_000);
    assert!(svg.ends_with("</svg>\n"));
}
