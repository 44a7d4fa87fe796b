//! Servers and clients, judged alone and with each other.

use std::fs;

use serde_json::Value;
use testkit::assert_contains;
use testkit::process::{Ended, Program};

use crate::programs;

/// The file of one of our programs.
fn file(name: &str) -> String {
    let command = programs().command(name);
    command.get_program().to_str().unwrap().to_owned()
}

/// `labclient check --matrix` with these words, servers and clients.
fn matrix(words: &str, servers: &[String], clients: &[String]) -> Ended {
    let mut arguments = vec!["check", "--matrix"];
    arguments.extend(words.split_whitespace());
    for server in servers {
        arguments.extend(["--server", server]);
    }
    for client in clients {
        arguments.extend(["--client", client]);
    }
    Program::new(file("labclient")).with(&arguments).run()
}

fn server(words: &str) -> String {
    format!("{} {words} --port {{port}} -q", file("labserver"))
}

fn client(words: &str) -> String {
    format!("{} --server {{host}}:{{port}} {words}", file("labclient"))
}

#[test]
#[ignore = "takes long: the gate runs it alone"]
fn every_client_is_tried_with_every_server_and_the_table_says_who_understands_whom() {
    let ended = matrix(
        "text --only client.ordinary --only prime.small",
        &[
            format!("good={}", server("--mode text")),
            format!("mute={}", server("--mode text --fault drop-reply=100%")),
        ],
        &[
            client("text {words}"),
            format!("odd={}", client("calc {words}")),
        ],
    );
    assert_eq!(ended.status, Some(1), "{ended:?}");
    let table = "text, netstring framing, seed ";
    let table = ended.stdout.split_once(table).unwrap().1;
    let rows: Vec<Vec<&str>> = table
        .lines()
        .skip(2)
        .take(4)
        .map(|row| row.split_whitespace().collect())
        .collect();
    assert_eq!(
        rows,
        [
            &["alone", "good", "mute"][..],
            &["alone", "1/1", "0/1"],
            &["C1", "1/1", "yes", "no"],
            &["odd", "0/1", "no", "no"],
        ]
    );
    assert_contains(
        &ended.stdout,
        &[
            "text client odd with good, netstring framing",
            "labclient check --matrix text --only",
        ],
    );
}

#[test]
#[ignore = "takes long: the gate runs it alone"]
fn our_own_halves_understand_each_other_in_every_service() {
    for (mode, words) in [
        ("text", "text {words}"),
        ("calc", "calc --name {name}"),
        ("chat", "chat --name {name}"),
        ("echo", "echo {words}"),
        ("datetime", "datetime {words}"),
        ("atm", "atm --card {card} {words}"),
    ] {
        let only = match mode {
            "atm" => "client.pair",
            _ => "client.ordinary",
        };
        let ledger = if mode == "atm" {
            " --ledger {state}/bank.db"
        } else {
            ""
        };
        let ended = matrix(
            &format!("{mode} --only {only} --json"),
            &[server(&format!("--mode {mode}{ledger}"))],
            &[client(words)],
        );
        assert_eq!(ended.status, Some(0), "{mode}: {ended:?}");
        let report: Value = serde_json::from_str(&ended.stdout).unwrap();
        let verdict = &report["pairs"][0]["cases"][0]["verdict"];
        assert_eq!(verdict, "holds", "{mode}: {ended:?}");
    }
}

#[test]
fn a_program_that_does_not_start_is_named_and_the_others_are_judged() {
    let directory = tempfile::tempdir().unwrap();
    let csv = directory.path().join("marks.csv");
    let ended = matrix(
        &format!("text --only client.ordinary --csv {}", csv.display()),
        &[
            "none=/nonexistent/server {port}".to_owned(),
            server("--mode text"),
        ],
        &[client("text {words}")],
    );
    assert_eq!(ended.status, Some(3), "{ended:?}");
    assert_contains(
        &ended.stdout,
        &[
            "did not start: cannot start /nonexistent/server",
            "1/1      -        yes",
        ],
    );
    assert_contains(&fs::read_to_string(csv).unwrap(), &["C1 with S2,1,1,"]);
}

#[test]
fn a_matrix_needs_a_server_and_a_client_that_can_be_started() {
    let [server, client] = ["s {port}", "c {port}"].map(str::to_owned);
    for (servers, clients, complaint) in [
        (vec![], vec![client.clone()], "--server"),
        (vec![server.clone()], vec![], "--client"),
        (
            vec![server.clone()],
            vec!["c".into()],
            "must say where its port goes",
        ),
        (vec!["s 'x {port}".into()], vec![client], "does not end"),
    ] {
        let ended = matrix("text", &servers, &clients);
        assert_eq!(ended.status, Some(2), "{ended:?}");
        assert_contains(&ended.stderr, &[complaint]);
    }
}
