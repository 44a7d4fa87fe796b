//! `labclient doctor` and a server in each state that it may find one in.

use testkit::process::{Ended, Program};
use testkit::{assert_contains, objects};

use crate::program;

fn doctor(arguments: &[&str]) -> Ended {
    let home = tempfile::tempdir().unwrap();
    let client: Program = program("labclient", home.path());
    client.with(&["doctor"]).with(arguments).run()
}

/// A server of this mode on any port, and where it is.
fn started(
    arguments: &[&str],
    service: &str,
) -> (testkit::process::Process, String, tempfile::TempDir) {
    let home = tempfile::tempdir().unwrap();
    let server = program("labserver", home.path());
    let server = server.with(&["--port", "0"]).with(arguments).start();
    let address = server.address(service).to_string();
    (server, address, home)
}

#[test]
fn a_server_that_is_there_is_ready_by_its_name_and_its_framing() {
    let (server, address, _home) = started(&["--mode", "atm"], "atm tcp");
    let found = doctor(&[&address]);
    let (host, port) = address.split_once(':').unwrap();
    found.printed(&format!("good     port {port} at {host}: ready, as atm\n"));
    let named = doctor(&[&format!("localhost:{port}")]);
    assert_contains(
        &named.stdout,
        &["good     localhost is ", "ready, as atm\n"],
    );
    assert_eq!(named.status, Some(0), "{named:?}");
    // It is gone: nothing listens.
    server.stop();
    let found = doctor(&[&address, "--json"]);
    assert_eq!(found.status, Some(1), "{found:?}");
    let object = &objects(&found.stdout)[0];
    assert_eq!(object["state"], "bad");
    let seen = object["seen"].as_str().unwrap();
    assert!(seen.ends_with(": nothing listens"), "{seen}");

    let (_server, address, _home) = started(&["--mode", "text", "--wire", "line"], "text tcp");
    let found = doctor(&[&address]);
    assert_contains(
        &found.stdout,
        &["ready, as text, in line framing", "-> add --wire line"],
    );
    let found = doctor(&[&address, "--wire", "line"]);
    assert_contains(&found.stdout, &["good  ", "ready, as text\n"]);
}

#[test]
fn the_time_service_is_asked_and_its_clock_compared_with_this_one() {
    for (zone, state, words) in [
        ("UTC", "good", "as this computer does to the second or two"),
        (
            "Asia/Kathmandu",
            "warning",
            "5h 45m ahead of this computer: another time zone",
        ),
    ] {
        let home = tempfile::tempdir().unwrap();
        let server = program("labserver", home.path()).with(&["--mode", "datetime", "--port", "0"]);
        let server = server.adjust(|command| command.env("TZ", zone)).start();
        let address = server.address("datetime udp").to_string();
        let client = program("labclient", home.path()).with(&["doctor", &address, "--json"]);
        let found = client.adjust(|command| command.env("TZ", "UTC")).run();
        assert_eq!(found.status, Some(0), "{found:?}");
        let findings = objects(&found.stdout);
        assert_eq!(findings.len(), 2, "{found:?}");
        assert!(
            findings[0]["seen"].as_str().unwrap().ends_with(": answers"),
            "{found:?}"
        );
        assert_eq!(findings[1]["state"], state, "{found:?}");
        assert!(
            findings[1]["seen"].as_str().unwrap().contains(words),
            "{found:?}"
        );
    }
}

#[test]
fn a_name_without_an_address_is_told_and_is_no_failure_of_the_doctor() {
    let found = doctor(&["no.such.name.invalid"]);
    assert_eq!((found.status, found.stderr.as_str()), (Some(1), ""));
    assert_contains(
        &found.stdout,
        &["bad      no.such.name.invalid is the name of no computer"],
    );
    doctor(&["192.0.2.7:0"]).complained(2, &["the port is a number from 1 to 65535"]);
    doctor(&["127.0.0.1", "--server", "127.0.0.1"]).complained(2, &["cannot be used with"]);
}
