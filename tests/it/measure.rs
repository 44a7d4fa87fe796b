//! Both real programs in an experiment and a bench that start the server they need.
//!
//! Only here are both built: the client's own tests know no `labserver`.

use std::path::Path;
use std::process::Command;
#[cfg(unix)]
use std::process::Stdio;
use std::thread;

use testkit::{TEST_TIMEOUT, at_once};

use crate::{program, programs};

/// What `labclient` prints with these words, which must be a success.
fn labclient(directory: &Path, words: &str) -> String {
    let words: Vec<&str> = words.split_whitespace().collect();
    let ended = program("labclient", directory).with(&words).run();
    assert_eq!(ended.status, Some(0), "{words:?}: {}", ended.stderr);
    ended.stdout
}

/// Rate, number and attempts of each operation, by rate: all that the seed decides.
fn schedule(directory: &Path) -> Vec<String> {
    let csv = std::fs::read_to_string(directory.join("samples.csv")).unwrap();
    let schedule = csv.lines().skip(1).map(|line| {
        let cells: Vec<&str> = line.split(',').collect();
        format!("{} {} {} {}", cells[0], cells[1], cells[2], cells[6])
    });
    schedule.collect()
}

fn on_either_side(kind: &str, operations: u32) {
    at_once(["client", "server"], |side| repeats(kind, side, operations));
}

/// Twice with the same seed, and once with another; the timeout is longer than any delay of a busy
/// computer, or an answer in time would be taken for a lost one.
fn repeats(kind: &str, side: &str, operations: u32) {
    let directory = tempfile::tempdir().unwrap();
    let run = |out: &str, seed: u64| {
        let words = format!(
            "experiment {kind} --loss both --rates 0,20 --operations {operations} --warm-up 1 --timeout 1 \
             --fault-side {side} --seed {seed} --out {out}"
        );
        labclient(directory.path(), &words);
        schedule(&directory.path().join(out))
    };
    // Under both of these, so few operations of each kind lose something, on either side.
    let seeds = [("first", 2028), ("again", 2028), ("other", 2030)];
    let schedules = at_once(seeds, |(out, seed)| run(out, seed));
    let [first, again, other] = &schedules[..] else {
        panic!("{schedules:?}");
    };
    assert_eq!(first.len(), 2 * operations as usize);
    assert_eq!(first, again, "{kind}, {side}");
    assert_ne!(first, other, "{kind}, {side}");
    assert!(
        first
            .iter()
            .any(|line| !line.ends_with(" 1") && !line.ends_with(" 1+1")),
        "nothing was lost: {first:?}"
    );
}

#[test]
fn the_same_seed_is_the_same_schedule_of_withdrawals_on_either_side() {
    on_either_side("atm", 5);
}

#[test]
fn the_same_seed_is_the_same_schedule_of_texts_on_either_side() {
    on_either_side("text", 8);
}

#[test]
fn the_same_seed_is_the_same_schedule_of_questions_on_either_side() {
    on_either_side("datetime", 8);
}

#[test]
fn the_bank_of_a_hand_out_is_started_too() {
    let directory = tempfile::tempdir().unwrap();
    let words = "experiment atm --handout atm-login --rates 0,50 --operations 4";
    let printed = labclient(directory.path(), words);
    assert!(
        printed.contains("at 2 of 2 rates the balance is what"),
        "{printed}"
    );
}

#[test]
fn a_bench_of_the_bank_audits_its_durable_ledger() {
    let directory = tempfile::tempdir().unwrap();
    for accounts in ["", "--accounts 1"] {
        let words = format!("bench atm -c 3 -n 12 {accounts}");
        let printed = labclient(directory.path(), &words);
        assert!(printed.contains("withdrawals 12 in "), "{printed}");
        assert!(
            printed.contains("sound: every balance follows"),
            "{printed}"
        );
        assert!(
            printed.contains("the machines dispensed 0.12, as the ledger says"),
            "{printed}"
        );
    }
}

#[test]
fn a_bench_starts_and_ends_a_server_of_its_own() {
    let directory = tempfile::tempdir().unwrap();
    for mode in ["text", "calc", "echo", "datetime", "chat"] {
        let words = format!("bench {mode} -c 2 -n 10 --senders 2 --json");
        let printed = labclient(directory.path(), &words);
        let printed: serde_json::Value = serde_json::from_str(&printed).unwrap();
        assert_eq!(printed["own_server"], true, "{mode}");
        // It is gone with the bench.
        let address = printed["server"].as_str().unwrap();
        if mode != "datetime" {
            let refused = std::net::TcpStream::connect(address).unwrap_err();
            assert_eq!(
                refused.kind(),
                std::io::ErrorKind::ConnectionRefused,
                "{mode}"
            );
        }
    }
}

/// A program that is killed can end nothing. Its server is a script that opens a named pipe and then
/// becomes the server: so that pipe ends when the server does.
#[cfg(unix)]
#[test]
fn a_measurement_that_is_killed_leaves_no_server_behind() {
    use std::io::{BufRead, BufReader, Read};
    use std::os::unix::fs::PermissionsExt;

    for words in [
        "experiment atm --rates 100 --give-up-after 1000000",
        "bench atm --for 3600",
        "bench chat --for 3600",
    ] {
        let directory = tempfile::tempdir().unwrap();
        let (pipe, script) = (directory.path().join("alive"), directory.path().join("lab"));
        let made = Command::new("mkfifo").arg(&pipe).status().unwrap();
        assert!(made.success());
        let becomes = format!(
            "#!/bin/sh\nexec 9>'{}'\necho started >&9\nexec '{}' \"$@\"\n",
            pipe.display(),
            programs().command("labserver").get_program().display()
        );
        std::fs::write(&script, becomes).unwrap();
        std::fs::set_permissions(&script, PermissionsExt::from_mode(0o755)).unwrap();
        let words: Vec<&str> = words.split(' ').collect();
        let client = program("labclient", directory.path())
            .with(&words)
            .with(&["--labserver", script.to_str().unwrap()])
            // The server that is to end by itself has inherited standard error.
            .adjust(|command| command.stderr(Stdio::null()))
            .start();
        let (sender, receiver) = std::sync::mpsc::channel();
        thread::spawn(move || {
            let mut alive = BufReader::new(std::fs::File::open(pipe).unwrap());
            let mut line = String::new();
            alive.read_line(&mut line).unwrap();
            sender.send(line).unwrap();
            let mut rest = String::new();
            alive.read_to_string(&mut rest).unwrap();
            sender.send(rest).unwrap();
        });
        assert_eq!(receiver.recv_timeout(TEST_TIMEOUT).unwrap(), "started\n");
        client.kill();
        let ended = receiver.recv_timeout(TEST_TIMEOUT);
        assert_eq!(ended.as_deref(), Ok(""), "the server lives on: {words:?}");
    }
}
