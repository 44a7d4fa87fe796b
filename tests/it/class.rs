//! A class of groups: its whole life, from `init` to the end of the supervisor.

use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use proto::frame::Framing;
use rustix::process::Signal;
use serde_json::Value;
use tempfile::TempDir;
use testkit::peer::{Peer, connect};
use testkit::process::{Ended, Process, Program};
use testkit::{assert_contains, wait_until};
use uuid::Uuid;

use crate::program;

const CARD: &str = "123456789";
const PIN: &str = "1234";

/// A class of three groups in a directory of its own.
struct Class {
    directory: TempDir,
    /// What the ports of the first group are counted from.
    base: u16,
}

impl Class {
    fn new() -> Class {
        let directory = tempfile::tempdir().unwrap();
        let base = free_block();
        let class = Class { directory, base };
        let base = base.to_string();
        let made = class.labserver(&["init", "--groups", "3", "--port-base", &base]);
        assert_eq!(made.run().status, Some(0));
        class
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn labserver(&self, arguments: &[&str]) -> Program {
        let program = program("labserver", self.directory.path());
        program.with(&["class"]).with(arguments)
    }

    fn run(&self, arguments: &[&str]) -> Ended {
        self.labserver(arguments).run()
    }

    /// Starts all groups, and waits until they are ready.
    fn start(&self) -> Process {
        let supervisor = self.labserver(&["run"]).start();
        supervisor.stdout.find(|line| line.starts_with("group-03 "));
        supervisor
    }

    /// A conversation with a service of a group, which has this port in the first one.
    fn converse(&self, group: u16, service: u16) -> Peer {
        let port = self.base + 100 * (group - 1) + service;
        Peer::greeted(connect(([127, 0, 0, 1], port).into()), Framing::Netstring)
    }

    fn status(&self) -> Value {
        let status = self.run(&["status", "--json"]);
        serde_json::from_str(&status.stdout).unwrap()
    }

    fn processes(&self) -> Vec<u64> {
        let groups = self.status()["groups"].take();
        let groups = groups.as_array().unwrap();
        let process = |group: &Value| group["process"].as_u64().unwrap();
        groups.iter().map(process).collect()
    }
}

/// What the ports of three groups can be counted from: below the ports of the other tests and of the
/// services, and each returned once.
fn free_block() -> u16 {
    static TRIED: AtomicU64 = AtomicU64::new(0);
    static FIRST: OnceLock<u64> = OnceLock::new();
    const BASES: u64 = 200;
    let first = *FIRST.get_or_init(wire::fault::random_seed);
    let is_free = |port: u16| TcpListener::bind(("127.0.0.1", port)).is_ok();
    let bases = std::iter::repeat_with(|| {
        let number = (first.wrapping_add(TRIED.fetch_add(1, Ordering::Relaxed))) % BASES;
        4_000 + 20 * number as u16
    });
    let all_free = |base: &u16| {
        (0..3).all(|group| {
            (5..12)
                .chain([80])
                .all(|it| is_free(base + 100 * group + it))
        })
    };
    bases.take(BASES as usize).find(all_free).unwrap()
}

const ATM: u16 = 5;
const TEXT: u16 = 6;
const CHAT: u16 = 8;

/// A withdrawal of 500 that is confirmed; `None` when the bank went away.
fn withdraw(bank: &mut Peer) -> Option<()> {
    bank.ask_if_there("TERMINAL ATM-1")?;
    let log_in = format!(
        "VERIFY_CARD_AND_PASSWORD LOGIN_{} {CARD} {PIN}",
        Uuid::now_v7()
    );
    bank.ask_if_there(&log_in)?;
    let id = Uuid::now_v7();
    let held = bank.ask_if_there(&format!("WITHDRAW WITH_{id} 500.00"))?;
    assert!(held.starts_with("OK "), "{held}");
    let confirmed = bank.ask_if_there(&format!("CONFIRM WITH_{id}"))?;
    assert!(confirmed.starts_with("OK "), "{confirmed}");
    Some(())
}

fn balance(bank: &mut Peer) -> String {
    assert_eq!(bank.log_in(CARD, PIN), "OK welcome Joty");
    bank.ask("BALANCE_INQUIRY")
}

/// Whether the process of this number runs.
fn runs(process: u64) -> bool {
    Path::new(&format!("/proc/{process}")).exists()
}

#[test]
fn a_class_lives_from_init_to_ctrl_c_and_what_one_group_does_no_other_meets() {
    let class = Class::new();
    let refused = class.run(&["init"]);
    refused.complained(1, &["class.toml is there already"]);
    let stopped = class.run(&["status"]);
    assert_eq!(stopped.status, Some(1));
    assert_contains(&stopped.stdout, &["class does not run"]);
    // The second group's bank crashes with its first withdrawal.
    let file = class.path("class.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let second = "name = \"group-02\"\n";
    let fault = format!("{second}fault = \"crash-at=after-commit\"\n");
    std::fs::write(&file, text.replace(second, &fault)).unwrap();

    let supervisor = class.start();
    assert_eq!(class.run(&["status"]).status, Some(0));
    class.run(&["run"]).complained(1, &["class runs already"]);
    let before = class.processes();
    let mut first = class.converse(1, ATM);
    withdraw(&mut first).unwrap();
    let mut room = class.converse(1, CHAT);
    assert!(room.ask("JOIN Ann").starts_with("OK "));
    let mut third = class.converse(3, TEXT);

    assert_eq!(withdraw(&mut class.converse(2, ATM)), None);
    let restarts = |class: &Class| class.status()["groups"][1]["restarts"].as_u64();
    wait_until(|| restarts(&class) > Some(0));
    wait_until(|| class.status()["groups"][1]["state"] == "running");
    assert!(
        supervisor
            .stderr
            .find(|it| it.contains("starts again in"))
            .is_some()
    );
    assert!(class.converse(2, CHAT).ask("JOIN Ann").starts_with("OK "));

    // Each group has a bank of its own, and only the second one was away.
    assert!(balance(&mut first).contains("9500.00"));
    assert!(balance(&mut class.converse(3, ATM)).contains("10000.00"));
    let after = class.processes();
    assert_eq!((after[0], after[2]), (before[0], before[2]));
    assert_ne!(after[1], before[1]);

    // Each has a page of its own, here that of the third.
    let page = (class.base + 280).to_string();
    let control = |arguments: &[&str]| {
        let program = program("labserver", class.directory.path());
        program.with(arguments).with(&["--page", &page]).run()
    };
    let status: Value = serde_json::from_str(&control(&["status", "--json"]).stdout).unwrap();
    assert_eq!(status["pid"], after[2]);
    assert_eq!(control(&["control", "faults", "error=#1"]).status, Some(0));
    assert_eq!(third.ask("PRIME 7"), "ERR unavailable injected fault");
    assert_eq!(
        first.ask("BALANCE_INQUIRY"),
        "OK available 9500.00, held 0.00"
    );

    let reset = class.run(&["reset", "group-01", "class.toml"]);
    assert_eq!(reset.status, Some(0), "{reset:?}");
    assert_contains(&reset.stdout, &["group-01: archived in "]);
    while room.receive().is_some() {}
    assert!(balance(&mut class.converse(1, ATM)).contains("10000.00"));
    assert_eq!(
        third.ask("PRIME 97"),
        "OK prime",
        "its connection is still open"
    );
    class
        .run(&["reset", "group-04"])
        .complained(1, &["no group \"group-04\""]);
    class.run(&["reset"]).complained(2, &["required"]);

    let sheet = class.run(&["sheet", "group-03"]).stdout;
    let atm = format!("labclient atm --server 127.0.0.1:{}", class.base + 205);
    assert_contains(&sheet, &[CARD, PIN, &atm]);
    let pages = class.run(&["sheet", "--format", "html", "--out", "sheets"]);
    assert_eq!(pages.stdout.lines().count(), 3, "{pages:?}");
    assert!(class.path("sheets/group-02.html").exists());

    let archived = class.run(&["archive", "--out", "term.tar.gz"]);
    assert_eq!(archived.status, Some(0), "{archived:?}");
    assert_contains(&archived.stdout, &["term.tar.gz: ", "4 ledgers"]);
    check_archive(&class.path("term.tar.gz"));
    class
        .run(&["archive", "--out", "term.tar.gz"])
        .complained(1, &["is there already"]);

    let processes = class.processes();
    supervisor.signal(Signal::INT);
    let ended = supervisor.end_by_itself();
    assert_eq!(ended.status, Some(0), "{ended:?}");
    assert!(!processes.into_iter().any(runs));
    assert_eq!(class.status()["running"], false);
    let reset = class.run(&["reset", "--all"]);
    assert_contains(&reset.stdout, &["group-03: archived in "]);
    assert!(!class.path("class-state/group-03/bank.db").exists());
}

/// It has the ledger that was reset and those of today, each with a good audit, and no PIN.
fn check_archive(file: &Path) {
    let unpacked = flate2::read::GzDecoder::new(std::fs::File::open(file).unwrap());
    let mut archive = tar::Archive::new(unpacked);
    let (mut names, mut sound) = (Vec::new(), 0);
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let name = entry.path().unwrap().display().to_string();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        if name.ends_with("audit.json") {
            let report: Value = serde_json::from_slice(&content).unwrap();
            assert_eq!(
                report["violations"].as_array().map(Vec::len),
                Some(0),
                "{report}"
            );
            sound += 1;
        }
        if name.ends_with(".md") {
            let page = String::from_utf8(content).unwrap();
            assert!(!page.contains(&format!("| {PIN} |")), "{page}");
        }
        names.push(name);
    }
    assert_eq!(sound, 4);
    for end in [
        "/group-02/bank.db",
        "/group-02/recording.jsonl",
        "/group-03/log.txt",
        "-group-01/recording.jsonl",
        "/class.toml",
    ] {
        assert!(
            names.iter().any(|name| name.ends_with(end)),
            "{end}: {names:?}"
        );
    }
    assert!(
        !names
            .iter()
            .any(|name| name.contains("cards") || name.contains("accounts"))
    );
}

#[test]
fn a_supervisor_that_is_killed_leaves_no_process_and_the_class_runs_again() {
    let class = Class::new();
    let supervisor = class.start();
    let processes = class.processes();
    withdraw(&mut class.converse(1, ATM)).unwrap();
    supervisor.kill();
    wait_until(|| !processes.iter().any(|process| runs(*process)));
    assert_eq!(class.run(&["status"]).status, Some(1));
    let again = class.start();
    assert!(balance(&mut class.converse(1, ATM)).contains("9500.00"));
    again.stop();
}

#[test]
fn a_class_of_which_one_group_does_not_start_does_not_run() {
    let class = Class::new();
    let taken = class.base + 200 + CHAT;
    let _taken = TcpListener::bind(("127.0.0.1", taken)).unwrap();
    let ended = class.run(&["run"]);
    ended.complained(
        1,
        &["group-03 does not start", "in use", &taken.to_string()],
    );
    let free = class.base + TEXT;
    assert!(TcpStream::connect(("127.0.0.1", free)).is_err());
}
