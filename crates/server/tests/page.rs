//! The live page: what it answers to whom, and the same from a shell. What a browser shows is in
//! `page/browser.rs`.

mod browser;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::Instant;

use serde_json::Value;
use testkit::process::{Ended, Process, Program};
use testkit::{TEST_TIMEOUT, assert_contains, assert_starts, wait_until};

/// A server with a page, in a home directory of its own.
struct Watched {
    home: tempfile::TempDir,
    server: Process,
}

fn program(home: &Path, arguments: &str) -> Program {
    let arguments: Vec<&str> = arguments.split_whitespace().collect();
    Program::at_home(env!("CARGO_BIN_EXE_labserver"), home).with(&arguments)
}

impl Watched {
    /// Where its page listens is part of the arguments.
    fn start(arguments: &str) -> Watched {
        let home = tempfile::tempdir().unwrap();
        let server = program(home.path(), arguments).start();
        server.address("page tcp");
        Watched { home, server }
    }

    /// The whole address for whom may control.
    fn control_url(&self) -> String {
        let line = self
            .server
            .stderr
            .find(|line| line.starts_with("to control: "));
        line.unwrap()["to control: ".len()..].to_owned()
    }

    fn token(&self) -> String {
        self.control_url()
            .split_once("#control=")
            .unwrap()
            .1
            .to_owned()
    }

    fn run(&self, arguments: &str) -> Ended {
        program(self.home.path(), arguments).run()
    }

    /// The status and the body that a request is answered with.
    fn request(&self, head: &str, body: &str) -> (u16, String) {
        let mut stream = self.server.connect("page tcp");
        let length = body.len();
        // It may be refused before it is whole.
        let _ = write!(stream, "{head}\r\nContent-Length: {length}\r\n\r\n{body}");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head[9..12].parse().unwrap(), body.to_owned())
    }

    fn ask(&self, request: &str, token: Option<&str>, body: &str) -> (u16, String) {
        let token = token.map(|token| format!("\r\nAuthorization: Bearer {token}"));
        let token = token.unwrap_or_default();
        self.request(
            &format!("{request} HTTP/1.1\r\nHost: localhost{token}"),
            body,
        )
    }

    fn status(&self) -> Value {
        let (code, body) = self.ask("GET /status", None, "");
        assert_eq!(code, 200, "{body}");
        serde_json::from_str(&body).unwrap()
    }

    /// The stream of events, after the header of the run.
    fn follow(&self) -> BufReader<TcpStream> {
        let mut stream = self.server.connect("page tcp");
        let request = b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n";
        stream.write_all(request).unwrap();
        let mut stream = BufReader::new(stream);
        read_until(&mut stream, "\"secrets\"");
        stream
    }
}

/// The lines up to the first with these words.
fn read_until(stream: &mut BufReader<TcpStream>, words: &str) -> String {
    let by = Instant::now() + TEST_TIMEOUT;
    let mut lines = String::new();
    loop {
        assert!(Instant::now() < by, "still no {words}");
        let before = lines.len();
        assert_ne!(
            stream.read_line(&mut lines).unwrap(),
            0,
            "not {words}: {lines}"
        );
        if lines[before..].contains(words) {
            return lines;
        }
    }
}

#[test]
fn the_status_says_who_is_there() {
    let watched = Watched::start("--mode atm,chat,datetime --port 0 --watch 0");
    let mut member = watched.server.converse("chat tcp");
    assert_starts(&member.ask("JOIN joty"), "OK");
    assert_starts(&member.ask("JOIN amy"), "ERR");
    // Events are counted on a thread of their own.
    wait_until(|| {
        watched.status()["room"][0] == "joty"
            && !watched.status()["connections"][0]["last_refusal"].is_null()
    });
    let status = watched.status();
    let connection = &status["connections"][0];
    assert_eq!(
        (&connection["service"], &connection["name"]),
        (&"chat".into(), &"joty".into())
    );
    assert_starts(connection["last_refusal"].as_str().unwrap(), "ERR ");
    assert_eq!(status["open"], 1);
    assert_eq!(status["bank"]["audit"]["sound"], true);
    assert_eq!(status["bank"]["accounts"][0]["card"], "123456789");
    let said = watched.run("status");
    assert_eq!(said.status, Some(0), "{}", said.stderr);
    assert_contains(
        &said.stdout,
        &[
            "chat#0 127.0.0.1:",
            " joty, ",
            "room: joty",
            "2 accounts, 0 unsettled, sound",
            "faults: none",
        ],
    );
    let port = watched.server.address("page tcp").port();
    let json = watched.run(&format!("status --json --page {port}")).stdout;
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["pid"], watched.server.id());
}

#[test]
fn faults_are_injected_into_open_connections_from_a_shell() {
    let watched = Watched::start("--mode text --port 0 --watch 0 --record it.jsonl");
    let mut peer = watched.server.converse("text tcp");
    assert_eq!(peer.ask("PRIME 7"), "OK prime");
    let said = watched.run("control faults error=#2");
    assert_starts(&said.stdout, "from here on: --fault error=#2 --seed ");
    assert_eq!(peer.ask("PRIME 7"), "OK prime");
    assert_eq!(peer.ask("PRIME 7"), "ERR unavailable injected fault");
    assert_eq!(watched.status()["fault"], "error=#2");
    assert_eq!(
        watched.run("control reset").stdout,
        "no faults from here on\n"
    );
    assert_eq!(peer.ask("PRIME 7"), "OK prime");
    wait_until(|| watched.status()["struck"] == 1);
    let recording = std::fs::read_to_string(watched.home.path().join("it.jsonl")).unwrap();
    assert_contains(
        &recording,
        &["\"event\":\"faults\",\"fault\":\"error=#2\",\"seed\":"],
    );
}

#[test]
fn faults_that_are_none_or_cannot_strike_are_refused_in_words() {
    let watched = Watched::start("--mode text --port 0 --watch 0");
    for (faults, words) in [
        ("drop=1", "one of: drop-request, "),
        ("drop-reply=1O%", "^"),
        ("reorder=10%", "can never strike"),
        ("crash-at=after-reply", "for the start"),
    ] {
        let said = watched.run(&format!("control faults {faults}"));
        assert_eq!(said.status, Some(1), "{faults}");
        assert_contains(&said.stderr, &[words]);
    }
    assert_eq!(watched.status()["fault"], "");
}

#[test]
fn a_server_crashes_when_it_is_told_to_and_only_where_it_may() {
    let watched = Watched::start("--mode text --port 0 --watch 0");
    let said = watched.run("control crash");
    assert_contains(&said.stderr, &["start it with --allow-crash"]);
    assert_eq!(said.status, Some(1));
    let crashing = Watched::start("--mode text --port 0 --watch 0 --allow-crash --record it.jsonl");
    let mut events = crashing.follow();
    crashing.run("control crash").printed("crashing\n");
    let Watched { home, server } = crashing;
    assert_eq!(server.end_by_itself().signal, Some(9));
    assert_contains(
        &read_until(&mut events, "event: over"),
        &["\"at\":\"by-hand\""],
    );
    let recording = std::fs::read_to_string(home.path().join("it.jsonl")).unwrap();
    assert_contains(
        recording.lines().last().unwrap(),
        &["\"event\":\"crashed\",\"at\":\"by-hand\""],
    );
    // Its key is left behind, and passed over.
    let said = program(home.path(), "status").run();
    assert_contains(&said.stderr, &["no server of yours has a page"]);
}

#[test]
fn who_has_no_token_or_comes_from_another_site_controls_nothing() {
    let watched = Watched::start("--mode text --port 0 --watch 0");
    let token = watched.token();
    let faults = |token| watched.ask("POST /faults", token, "drop-reply=#1").0;
    assert_eq!(faults(None), 401);
    assert_eq!(faults(Some("0123456789abcdef0123456789abcdef")), 401);
    assert_eq!(faults(Some("")), 401);
    let foreign = format!(
        "POST /faults HTTP/1.1\r\nHost: localhost\r\nOrigin: http://evil.example\r\nAuthorization: Bearer {token}"
    );
    assert_eq!(watched.request(&foreign, "drop-reply=#1").0, 403);
    assert_eq!(
        watched
            .request("GET /status HTTP/1.1\r\nHost: evil.example", "")
            .0,
        403
    );
    assert_eq!(watched.ask("GET /faults", Some(&token), "").0, 405);
    assert_eq!(watched.status()["fault"], "");
    assert_eq!(faults(Some(&token)), 200);
    assert_eq!(watched.status()["fault"], "drop-reply=#1");
}

#[test]
fn a_page_that_others_reach_is_watched_with_a_token_alone() {
    let watched = Watched::start("--mode text --port 0 --watch 0.0.0.0:0");
    let line = watched
        .server
        .stderr
        .find(|line| line.starts_with("to watch: "));
    let line = line.unwrap();
    let token = line.split_once("#watch=").unwrap().1;
    for path in ["/status", "/events", "/recording.jsonl", "/diagram.svg"] {
        assert_eq!(
            watched.ask(&format!("GET {path}"), None, "").0,
            401,
            "{path}"
        );
    }
    let (code, page) = watched.ask("GET /", None, "");
    assert_eq!(code, 200);
    assert!(!page.contains(token) && !page.contains(&watched.token()));
    assert_eq!(watched.ask("GET /status", Some(token), "").0, 200);
    assert_eq!(
        watched
            .ask(&format!("GET /status?token={token}"), None, "")
            .0,
        200
    );
    assert_eq!(watched.ask("POST /faults", Some(token), "").0, 401);
}

#[test]
fn garbage_is_refused_and_the_page_goes_on() {
    let watched = Watched::start("--mode text --port 0 --watch 0");
    for (garbage, code) in [
        ("8:PRIME 97,", 400),
        ("GET /../../etc/passwd HTTP/1.1\r\nHost: localhost", 404),
        ("BREW / HTTP/1.1\r\nHost: localhost", 405),
        (
            &format!("GET /{} HTTP/1.1\r\nHost: localhost", "x".repeat(20_000)),
            413,
        ),
    ] {
        assert_eq!(watched.request(garbage, "").0, code, "{garbage}");
    }
    let long = "drop-reply=#1,".repeat(1_000);
    assert_eq!(
        watched.ask("POST /faults", Some(&watched.token()), &long).0,
        413
    );
    drop(watched.server.connect("page tcp"));
    assert_eq!(watched.status()["open"], 0);
}

#[test]
fn the_recording_is_saved_with_secrets_masked() {
    let watched = Watched::start("--mode atm --port 0 --watch 0");
    let mut machine = watched.server.converse("atm tcp");
    assert_starts(&machine.log_in("123456789", "1234"), "OK ");
    let saved = || watched.ask("GET /recording.jsonl", None, "").1;
    wait_until(|| saved().contains("welcome"));
    assert!(!saved().contains("123456789 1234"), "{}", saved());
    assert_starts(&saved(), "{\"socketlab-recording\":");
    let (code, picture) = watched.ask("GET /diagram.svg", None, "");
    assert_eq!(code, 200);
    assert_starts(&picture, "<svg ");
    let refused = watched.run("--mode atm --port 0 --watch 0 --record it.jsonl --record-secrets");
    assert_eq!(refused.status, Some(2));
    assert_contains(&refused.stderr, &["would show PINs on the page"]);
}

#[test]
fn the_port_of_a_page_that_is_taken_is_named() {
    let watched = Watched::start("--mode text --port 0 --watch 0");
    let port = watched.server.address("page tcp").port();
    let refused = watched.run(&format!("--mode text --port 0 --watch {port}"));
    assert_eq!(refused.status, Some(1));
    let words = format!("cannot serve the page at 127.0.0.1:{port}");
    assert_contains(
        &refused.stderr,
        &[&words, "choose another port with --watch"],
    );
}

#[test]
fn a_browser_that_does_not_read_holds_up_nobody() {
    let watched = Watched::start("--mode text --port 0 --watch 0");
    // What they do not read fills the buffers of both ends, and then no more.
    let _unread: Vec<_> = (0..5).map(|_| watched.follow()).collect();
    let mut peer = watched.server.converse("text tcp");
    let text = "x".repeat(60_000);
    for _ in 0..300 {
        assert_eq!(peer.ask(&format!("LOWER {text}")).len(), 60_003);
    }
    assert_eq!(watched.status()["services"][0]["transport"], "tcp");
}
