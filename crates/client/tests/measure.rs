//! The real `labclient experiment` and `labclient bench`, against servers that run here.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::sync::mpsc::channel;
use std::thread;

use proto::frame::Framing;
use proto::handout::Handout;
use proto::mode::Mode;
use serde_json::Value;
use tempfile::TempDir;
use testkit::TEST_TIMEOUT;
use testkit::assert_contains;
use testkit::process::Ended;
#[cfg(unix)]
use testkit::process::Signal;
use testkit::process::words;
use testkit::service::{Service, start, start_handout};
use wire::connection::Connection;
use wire::limits::Limits;

use crate::labclient::labclient_at_home;

/// Runs `labclient` with these words in this directory, at this server.
fn ran(directory: &TempDir, server: Option<&Service>, words: &str) -> Ended {
    let words: Vec<&str> = words.split_whitespace().collect();
    let client = labclient_at_home(directory.path(), &words);
    match server {
        Some(server) => client.at(server).run(),
        None => client.run(),
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// What a run printed that succeeded.
#[track_caller]
fn done(ended: &Ended) -> String {
    assert_eq!(ended.status, Some(0), "{}", ended.stderr);
    ended.stdout.clone()
}

/// The cells of a CSV file, its header first.
fn cells(path: &Path) -> Vec<Vec<String>> {
    let csv = fs::read_to_string(path).unwrap();
    let split = |line: &str| line.split(',').map(str::to_owned).collect();
    let rows: Vec<Vec<String>> = csv.lines().map(split).collect();
    for row in &rows {
        assert_eq!(row.len(), rows[0].len(), "{row:?}");
    }
    rows
}

#[test]
fn a_bank_that_runs_already_is_measured_and_everything_is_written() {
    let (server, directory) = (start(Mode::Atm), tempfile::tempdir().unwrap());
    let words = "experiment atm --rates 0,30 --operations 5 --warm-up 1 --timeout 0.1 --seed 7";
    let table = done(&ran(&directory, Some(&server), words));
    assert_contains(&table, &["at 2 of 2 rates the balance is what"]);
    let out = directory.path().join("experiment-atm");

    let samples = cells(&out.join("samples.csv"));
    assert_eq!(samples[0][0], "error_rate_percent");
    assert_eq!(samples.len(), 1 + 2 * 5);
    for sample in &samples[1..] {
        assert_eq!(sample[3], "done");
        assert!(sample[4].parse::<f64>().unwrap() > 0.0);
        let each = sample[6].split('+').map(|one| one.parse::<u64>().unwrap());
        assert_eq!(each.clone().count(), 2, "WITHDRAW and CONFIRM");
        assert_eq!(each.sum::<u64>(), sample[5].parse::<u64>().unwrap());
    }

    let summary = cells(&out.join("summary.csv"));
    let rates: Vec<&str> = summary[1..].iter().map(|row| row[0].as_str()).collect();
    assert_eq!(rates, ["0.0", "30.0"]);
    let mut audits = summary[1..].iter().map(|row| row.last().unwrap());
    assert!(audits.all(|audit| audit == "sound"));

    let parameters: Value =
        serde_json::from_slice(&fs::read(out.join("parameters.json")).unwrap()).unwrap();
    assert_eq!(parameters["seed"], 7);
    assert_eq!(parameters["complete"], true);
    assert_eq!(parameters["timeout_ms"], 100.0);
    assert_eq!(parameters["loss"], "reply");

    for plot in ["latency", "attempts", "throughput"] {
        let svg = fs::read_to_string(out.join(format!("{plot}.svg"))).unwrap();
        assert!(
            svg.contains("seed 7") && svg.trim_end().ends_with("</svg>"),
            "{plot}"
        );
        let png = fs::read(out.join(format!("{plot}.png"))).unwrap();
        assert!(png.starts_with(b"\x89PNG\r\n\x1a\n"), "{plot}");
        // 1800 by 1200.
        assert_eq!(png[16..24], [0, 0, 7, 8, 0, 0, 4, 176], "{plot}");
    }
    // Once more: the results stay, and where they are named they are not replaced either.
    let once_more = "experiment atm --rates 0 --operations 1";
    done(&ran(&directory, Some(&server), once_more));
    let next = directory.path().join("experiment-atm-2");
    assert_eq!(cells(&next.join("samples.csv")).len(), 2);
    let named = format!("{once_more} --out experiment-atm");
    let refused = ran(&directory, Some(&server), &named);
    assert_eq!(refused.status, Some(2));
    let said = refused.stderr;
    assert_contains(&said, &["holds the results of an earlier experiment"]);
    assert_eq!(cells(&out.join("samples.csv")).len(), 11);
}

#[test]
fn texts_are_measured_and_printed_as_objects() {
    is_measured_and_printed_as_objects(Mode::Text, "experiment text --loss request");
}

#[test]
fn questions_are_measured_and_printed_as_objects() {
    is_measured_and_printed_as_objects(Mode::Datetime, "experiment datetime --loss reply");
}

fn is_measured_and_printed_as_objects(mode: Mode, words: &str) {
    let (server, directory) = (start(mode), tempfile::tempdir().unwrap());
    let words = format!(
        "{words} --rates 0,100 --operations 2 --warm-up 0 --give-up-after 2 --timeout 1 --json"
    );
    let lines = done(&ran(&directory, Some(&server), &words));
    let rows = testkit::objects(&lines);
    assert_eq!(rows.len(), 2, "{lines}");
    assert_eq!(rows[0]["given_up"], 0, "{lines}");
    assert_eq!(rows[1]["given_up"], 2, "{lines}");
    assert_eq!(rows[1]["attempts"], 4, "{lines}");
    for unknown in [
        "latency_median_ms",
        "attempts_per_exchange",
        "latency_mean_ms",
    ] {
        assert_eq!(rows[1][unknown], Value::Null, "{unknown}");
    }
}

#[test]
fn a_withdrawal_that_is_given_up_is_settled_and_the_balance_still_adds_up() {
    let (server, directory) = (start(Mode::Atm), tempfile::tempdir().unwrap());
    for loss in ["request", "reply"] {
        let words = format!(
            "experiment atm --loss {loss} --rates 100 --operations 3 --warm-up 0 \
             --give-up-after 2 --timeout 0.02 --json"
        );
        let row = &testkit::objects(&done(&ran(&directory, Some(&server), &words)))[0];
        assert_eq!(row["given_up"], 3);
        assert_eq!(row["audit"], "sound");
    }
}

#[test]
fn the_printed_cash_machine_is_measured_by_what_its_client_calls_failed() {
    let directory = tempfile::tempdir().unwrap();
    let server = start_handout(Handout::AtmLogin, server::Config::default());
    let words = "experiment atm --handout atm-login --rates 0,50,100 --operations 6 \
                 --give-up-after 3 --seed 5 --json";
    let lines = done(&ran(&directory, Some(&server), words));
    let rows = testkit::objects(&lines);
    assert_eq!(rows.len(), 3, "{lines}");
    assert!(rows.iter().all(|row| row["audit"] == "sound"), "{lines}");
    assert_eq!(rows[0]["attempts"], 6);
    assert!(rows[1]["attempts"].as_u64().unwrap() > 6, "{lines}");
    assert_eq!(rows[1]["attempts_per_exchange_expected"], 2.0);
    assert_eq!(rows[2]["given_up"], 6);
    assert_eq!(rows[2]["attempts"], 18);
    let plot = "experiment-atm-login/attempts.svg";
    assert!(directory.path().join(plot).exists());

    // Name and password are two messages, and one read is one message: on a busy machine the server
    // may read both at once, and waits for the password, as the printed one does.
    let words_of_a_stranger = format!("{words} --card nobody --timeout 2");
    let stranger = (0..5)
        .map(|_| ran(&directory, Some(&server), &words_of_a_stranger))
        .find(|ended| ended.status != Some(3))
        .unwrap();
    assert_eq!(stranger.status, Some(1), "{stranger:?}");
    for wrong in ["--loss reply", "--fault-side server"] {
        let refused = ran(&directory, None, &format!("{words} {wrong}"));
        refused.complained(2, &["with --handout nothing is lost"]);
    }
}

#[test]
fn a_foreign_directory_is_left_alone() {
    let (server, directory) = (start(Mode::Text), tempfile::tempdir().unwrap());
    fs::create_dir(directory.path().join("thesis")).unwrap();
    fs::write(directory.path().join("thesis/chapter"), "precious").unwrap();
    let words = "experiment text --rates 0 --operations 1 --out thesis";
    let refused = ran(&directory, Some(&server), words);
    refused.complained(2, &["give --force"]);
    let thesis = fs::read_dir(directory.path().join("thesis")).unwrap();
    assert_eq!(thesis.count(), 1);
    done(&ran(&directory, Some(&server), &format!("{words} --force")));
    let kept = fs::read_to_string(directory.path().join("thesis/chapter")).unwrap();
    assert_eq!(kept, "precious");
}

#[test]
fn what_makes_no_sense_is_refused_before_anything_is_measured() {
    let (server, directory) = (start(Mode::Text), tempfile::tempdir().unwrap());
    for (words, said) in [
        (
            "experiment text --fault-side server",
            "needs a server of our own",
        ),
        (
            "experiment text --fault drop-reply=1%",
            "injects its own faults",
        ),
        ("experiment text --rates 90..0/10", "goes nowhere"),
        ("experiment text --operations 0", "invalid value"),
        ("bench text --fault drop-reply=1%", "is not disturbed"),
        ("bench atm --accounts 0", "invalid value"),
        ("bench text --for 0s", "seconds"),
    ] {
        let refused = ran(&directory, Some(&server), words);
        refused.complained(2, &[said]);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
    }
    let absent = ran(&directory, None, "bench text --server 127.0.0.1:1");
    assert_eq!(absent.status, Some(3));
    let missing = ran(&directory, None, "bench text --labserver ./nothing");
    missing.complained(6, &["cannot start ./nothing"]);
}

#[cfg(unix)]
#[test]
fn a_program_that_is_no_labserver_is_reported_from_a_slow_one() {
    let directory = tempfile::tempdir().unwrap();
    let other = ran(&directory, None, "bench text --labserver true");
    assert_eq!(other.status, Some(6));
    let said = other.stderr;
    assert!(said.contains("it ended and said nothing"), "{said}");
}

/// A room that lets so many in, receives one line, and is gone.
fn a_room_that_goes_away(members: usize) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    thread::spawn(move || {
        let mut peers = Vec::new();
        for _ in 0..members {
            let (stream, _) = listener.accept().unwrap();
            let mut peer = Connection::new(stream, Framing::Netstring, Limits::SERVER).unwrap();
            peer.writer.greet(b"READY chat 1").unwrap();
            let join = text(&peer.reader.receive(None).unwrap().unwrap());
            let name = join.strip_prefix("JOIN ").unwrap();
            peer.writer
                .send(format!("OK joined {name}").as_bytes())
                .unwrap();
            peers.push(peer);
        }
        peers[0].reader.receive(None).unwrap();
    });
    address
}

#[test]
fn a_room_that_goes_away_is_counted_and_what_was_heard_is_shown() {
    let directory = tempfile::tempdir().unwrap();
    let address = a_room_that_goes_away(3);
    let words = format!("bench chat --members 3 --senders 1 -n 1000 --rate 10 --server {address}");
    let ended = ran(&directory, None, &words);
    let (table, said) = (&ended.stdout, &ended.stderr);
    assert_contains(table, &["errors      3 connection lost", "complete    NO"]);
    assert_eq!(ended.status, Some(1), "{table}{said}");
}

/// A text service that lower-cases this many requests, signals when one more has come, and is silent
/// from then on.
fn falls_silent_after(answers: usize) -> (String, std::sync::mpsc::Receiver<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (sender, receiver) = channel();
    thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let mut peer = Connection::new(stream, Framing::Netstring, Limits::SERVER).unwrap();
        peer.writer.greet(b"READY text 1").unwrap();
        let mut count = 0;
        while let Ok(Some(request)) = peer.reader.receive(None) {
            count += 1;
            let request = text(&request);
            if count <= answers {
                let lower = request.strip_prefix("LOWER ").unwrap().to_lowercase();
                peer.writer.send(format!("OK {lower}").as_bytes()).unwrap();
            } else {
                // Only the first is waited for.
                let _ = sender.send(());
            }
        }
    });
    (address, receiver)
}

#[cfg(unix)]
#[test]
fn ctrl_c_keeps_what_is_done() {
    let directory = tempfile::tempdir().unwrap();
    let (address, silent) = falls_silent_after(7);
    let words = words("experiment text --rates 0 --warm-up 2 --give-up-after 1000000 --timeout 2");
    let client = labclient_at_home(directory.path(), &words).at(address);
    let client = client.start();
    silent.recv_timeout(TEST_TIMEOUT).unwrap();
    client.signal(Signal::INT);
    let ended = client.end_by_itself();
    let table = done(&ended);
    assert_contains(&table, &["expected number is within the interval"]);
    assert!(ended.stderr.contains("this is part of the experiment"));
    let out = directory.path().join("experiment-text");
    let samples = cells(&out.join("samples.csv"));
    // Seven were answered, two of them to warm up.
    assert_eq!(samples.len(), 1 + 5);
    let parameters = fs::read_to_string(out.join("parameters.json")).unwrap();
    assert!(parameters.contains("\"complete\": false"));
    assert!(out.join("latency.png").exists());
}

#[test]
fn every_service_can_be_benched_in_either_loop() {
    for mode in [
        Mode::Text,
        Mode::Calc,
        Mode::Echo,
        Mode::Datetime,
        Mode::Atm,
    ] {
        let name = mode.name();
        let (server, directory) = (start(mode), tempfile::tempdir().unwrap());
        for (rate, way) in [("", "closed"), ("--rate 1000", "open")] {
            let words = format!("bench {name} -c 2 -n 20 --json {rate}");
            let line = done(&ran(&directory, Some(&server), &words));
            let report: Value = serde_json::from_str(&line).unwrap();
            assert_eq!(report["mode"], name);
            assert_eq!(report["loop"], way);
            assert_eq!(report["answered"], 20, "{report}");
            assert_eq!(report["errors"], serde_json::json!({}), "{report}");
            assert_eq!(report["connecting_ms"]["count"], 2);
            let latency = &report["latency_ms"];
            assert_eq!(latency["count"], 20);
            assert!(latency["p50"].as_f64().unwrap() <= latency["p95"].as_f64().unwrap());
            assert_eq!(latency["p99.99"], Value::Null, "20 are too few for it");
            let sound = match mode {
                Mode::Atm => Value::Bool(true),
                _ => Value::Null,
            };
            assert_eq!(report["audit"]["sound"], sound, "{report}");
        }
    }
}

#[test]
fn a_room_is_benched_with_its_order_and_completeness() {
    let (server, directory) = (start(Mode::Chat), tempfile::tempdir().unwrap());
    let words = "bench chat --members 5 --senders 3 -n 30 --rate 100000";
    let ended = ran(&directory, Some(&server), words);
    let table = done(&ended);
    assert_contains(
        &table,
        &[
            "said        30 by 3 senders",
            "deliveries  150 to 5 members",
            "complete    yes",
            "one order   yes",
        ],
    );
    assert!(ended.stderr.contains("its brake is measured too"));

    let report = done(&ran(&directory, Some(&server), &format!("{words} --json")));
    let report: Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["deliveries"], 150);
    assert_eq!(report["everybody_in_one_order"], true);
    assert_eq!(report["delivery_latency_ms"]["count"], 150);
}

#[test]
fn a_server_that_falls_silent_is_counted_as_timeouts() {
    let directory = tempfile::tempdir().unwrap();
    let (address, _silent) = falls_silent_after(3);
    let words = format!("bench text -c 1 -n 5 --timeout 1 --json --server {address}");
    let report: Value = serde_json::from_str(&done(&ran(&directory, None, &words))).unwrap();
    assert_eq!(report["answered"], 3);
    assert_eq!(report["errors"], serde_json::json!({"timeout": 2}));
}

#[test]
fn the_table_of_a_bench_has_a_histogram() {
    let (server, directory) = (start(Mode::Text), tempfile::tempdir().unwrap());
    let ended = ran(&directory, Some(&server), "bench text -c 1 -n 200");
    let table = done(&ended);
    for part in [
        "answers     200 in ",
        "errors      none",
        "p99.99 ",
        "\nlatency   ",
        "\nconnecting ",
        "-: too few (",
        "###",
    ] {
        assert!(table.contains(part), "{part}: {table}");
    }
    assert!(
        table.lines().all(|line| line.chars().count() <= 80),
        "{table}"
    );
    assert_eq!(ended.stderr, "");
}
