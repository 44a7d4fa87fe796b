//! Both real programs in an experiment and a bench that start the server they need.
//!
//! Only here are both built: the client's own tests know no `labserver`.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;
#[cfg(unix)]
use std::time::Duration;

use crate::programs::Programs;

/// The directory of both programs, built once.
fn built() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        Programs::build().unwrap();
        let own = std::env::current_exe().unwrap();
        own.parent().and_then(Path::parent).unwrap().to_owned()
    })
}

fn labclient(directory: &Path, words: &str) -> Output {
    let file = format!("labclient{}", std::env::consts::EXE_SUFFIX);
    let output = Command::new(built().join(file))
        .args(words.split_whitespace())
        .current_dir(directory)
        .env("XDG_STATE_HOME", directory.join("state"))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{words}: {said}");
    output
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
    let [first, again, other] = std::thread::scope(|scope| {
        // Under both of these, so few operations of each kind lose something, on either side.
        [("first", 2028), ("again", 2028), ("other", 2030)]
            .map(|(out, seed)| scope.spawn(move || run(out, seed)))
            .map(|thread| thread.join().unwrap())
    });
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
    repeats("atm", "client", 5);
    repeats("atm", "server", 5);
}

#[test]
fn the_same_seed_is_the_same_schedule_of_texts_on_either_side() {
    repeats("text", "client", 8);
    repeats("text", "server", 8);
}

#[test]
fn the_same_seed_is_the_same_schedule_of_questions_on_either_side() {
    repeats("datetime", "client", 8);
    repeats("datetime", "server", 8);
}

#[test]
fn the_bank_of_a_hand_out_is_started_too() {
    let directory = tempfile::tempdir().unwrap();
    let words = "experiment atm --handout atm-login --rates 0,50 --operations 4";
    let told = String::from_utf8(labclient(directory.path(), words).stdout).unwrap();
    assert!(
        told.contains("at 2 of 2 rates the balance is what"),
        "{told}"
    );
}

#[test]
fn a_bench_of_the_bank_audits_its_durable_ledger() {
    let directory = tempfile::tempdir().unwrap();
    for accounts in ["", "--accounts 1"] {
        let words = format!("bench atm -c 3 -n 12 {accounts}");
        let told = String::from_utf8(labclient(directory.path(), &words).stdout).unwrap();
        assert!(told.contains("withdrawals 12 in "), "{told}");
        assert!(told.contains("sound: every balance follows"), "{told}");
        assert!(
            told.contains("the machines dispensed 0.12, as the ledger says"),
            "{told}"
        );
    }
}

#[test]
fn a_bench_starts_and_ends_a_server_of_its_own() {
    let directory = tempfile::tempdir().unwrap();
    for mode in ["text", "calc", "echo", "datetime", "chat"] {
        let words = format!("bench {mode} -c 2 -n 10 --senders 2 --json");
        let output = labclient(directory.path(), &words);
        let told: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(told["own_server"], true, "{mode}");
        // It is gone with the bench.
        let address = told["server"].as_str().unwrap();
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
            built().join("labserver").display()
        );
        std::fs::write(&script, becomes).unwrap();
        std::fs::set_permissions(&script, PermissionsExt::from_mode(0o755)).unwrap();
        let mut client = Command::new(built().join("labclient"))
            .args(words.split(' '))
            .arg("--labserver")
            .arg(&script)
            .current_dir(directory.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let (tell, told) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let mut alive = BufReader::new(std::fs::File::open(pipe).unwrap());
            let mut line = String::new();
            alive.read_line(&mut line).unwrap();
            tell.send(line).unwrap();
            let mut rest = String::new();
            alive.read_to_string(&mut rest).unwrap();
            tell.send(rest).unwrap();
        });
        let patience = Duration::from_secs(60);
        assert_eq!(told.recv_timeout(patience).unwrap(), "started\n");
        client.kill().unwrap();
        client.wait().unwrap();
        let ended = told.recv_timeout(patience);
        assert_eq!(ended.as_deref(), Ok(""), "the server lives on: {words}");
    }
}
