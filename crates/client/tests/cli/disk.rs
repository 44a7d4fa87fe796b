//! What a cash machine keeps: where, for whom, and what it does when it cannot, or when what it kept
//! is damaged.

use std::fs;
use std::path::{Path, PathBuf};

use proto::mode::Mode;
use tempfile::TempDir;
use testkit::process::Ended;
use testkit::service::{Service, start};

use crate::labclient::{at, labclient_at_home};

/// A bank, and the place where its machines are kept.
struct Floor {
    bank: Service,
    state: TempDir,
}

impl Floor {
    fn new() -> Floor {
        Floor {
            bank: start(Mode::Atm),
            state: tempfile::tempdir().unwrap(),
        }
    }

    /// Runs `labclient atm` with these arguments.
    fn atm(&self, arguments: &[&str]) -> Ended {
        labclient_at_home(self.state.path(), &["atm", "--card", "123456789"])
            .with(arguments)
            .pin("1234")
            .at(&self.bank)
            .run()
    }

    /// Runs it; it must go well, and say nothing but its answer.
    #[track_caller]
    fn does(&self, arguments: &[&str]) -> String {
        let ended = self.atm(arguments);
        assert_eq!((ended.status, ended.stderr.as_str()), (Some(0), ""));
        ended.stdout
    }

    fn machine(&self, name: &str) -> PathBuf {
        let bank = self.bank.address().to_string().replace(':', "_");
        self.state
            .path()
            .join("socketlab/atm")
            .join(bank)
            .join(name)
    }
}

/// Records as a journal has them.
fn lines(records: &[String]) -> String {
    let line = |record: &String| format!("{:08x} {record}\n", crc32fast::hash(record.as_bytes()));
    records.iter().map(line).collect()
}

#[test]
fn a_journal_that_has_grown_long_is_replaced_before_the_next_transaction() {
    let floor = Floor::new();
    floor.does(&["load", "1000"]);
    let mut records = vec!["loaded 1000.00".to_owned()];
    for number in 0..8_000 {
        let id = format!("WITH_00000000-0000-7000-8000-{number:012}");
        records.push(format!("sending {id} 1.00"));
        records.push(format!("rolling-back {id}"));
        records.push(format!("rolled-back {id}"));
    }
    fs::write(floor.machine("ATM-1").join("journal"), lines(&records)).unwrap();
    floor.does(&["balance"]);
    assert_eq!(floor.does(&["journal"]).lines().count(), records.len());
    floor.does(&["withdraw", "300"]);
    let journal = floor.does(&["journal"]);
    let journal: Vec<_> = journal.lines().collect();
    assert_eq!(journal.len(), 5, "{journal:?}");
    assert_eq!(journal[0], "ATM-1: loaded 1000.00");
    assert!(
        journal[1].starts_with("ATM-1: sending WITH_"),
        "{journal:?}"
    );
    floor.does(&["withdraw", "300"]);
    assert!(floor.does(&["journal"]).contains("dispensing"));
}

#[test]
fn a_machine_that_is_out_of_order_is_passed_over_and_its_load_repairs_it() {
    let floor = Floor::new();
    floor.does(&["load", "1000"]);
    floor.does(&["--terminal", "ATM-2", "load", "500"]);
    // The second one's notes are in it.
    fs::copy(
        floor.machine("ATM-2").join("drawer"),
        floor.machine("ATM-1").join("drawer"),
    )
    .unwrap();
    let ended = floor.atm(&["withdraw", "20"]);
    assert_eq!(ended.status, Some(0), "{ended:?}");
    let said = format!(
        "ATM-1 is out of order, and passed over: {}: 500.00 in the drawer, and by the journal \
         1000.00: count the notes, then `labclient atm --terminal ATM-1 load COUNT`\n",
        floor.machine("ATM-1").display()
    );
    assert_eq!(ended.stderr, said);
    let journal = floor.does(&["--terminal", "ATM-2", "journal"]);
    assert!(journal.contains("dispensed"), "{journal}");
    // By its name it is refused, until its notes are counted.
    let refused = floor.atm(&["--terminal", "ATM-1", "withdraw", "20"]);
    assert_eq!(refused.status, Some(4), "{refused:?}");
    floor.does(&["--terminal", "ATM-1", "load", "500"]);
    floor.does(&["withdraw", "20"]);
    let journal = floor.does(&["--terminal", "ATM-1", "journal"]);
    assert!(journal.contains("dispensed"), "{journal}");
}

#[test]
fn a_journal_that_is_damaged_is_passed_over_too() {
    let floor = Floor::new();
    floor.does(&["load", "1000"]);
    fs::write(
        floor.machine("ATM-1").join("journal"),
        "no record\nand one more\n",
    )
    .unwrap();
    let ended = floor.atm(&["withdraw", "20"]);
    assert_eq!(ended.status, Some(0), "{ended:?}");
    let words = "ATM-1 is out of order, and passed over: ";
    assert!(ended.stderr.starts_with(words), "{ended:?}");
    assert!(ended.stderr.contains("is damaged at record 1"), "{ended:?}");
    let ended = floor.atm(&["journal"]);
    ended.complained(6, &["is damaged at record 1"]);
    assert!(ended.stdout.contains("ATM-2: dispensed WITH_"), "{ended:?}");
}

#[cfg(unix)]
mod permissions {
    use std::fs::{Permissions, set_permissions};
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn mode(path: &Path) -> u32 {
        path.metadata().unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn what_a_machine_keeps_is_for_its_owner_alone_also_if_it_was_not_before() {
        let floor = Floor::new();
        let state = floor.state.path().join("socketlab");
        let recording = floor.state.path().join("run.jsonl");
        let record = ["--record", recording.to_str().unwrap(), "withdraw", "20"];
        floor.does(&record);
        let machine = floor.machine("ATM-1");
        let bank = machine.parent().unwrap();
        let directories = [state.as_path(), &state.join("atm"), bank, &machine];
        let files = [
            machine.join("journal"),
            machine.join("drawer"),
            recording.clone(),
        ];
        for directory in directories {
            assert_eq!(mode(directory), 0o700, "{}", directory.display());
            set_permissions(directory, Permissions::from_mode(0o755)).unwrap();
        }
        for file in &files {
            assert_eq!(mode(file), 0o600, "{}", file.display());
            set_permissions(file, Permissions::from_mode(0o644)).unwrap();
        }
        let ended = floor.atm(&record);
        assert_eq!(ended.status, Some(0), "{ended:?}");
        let words = "the journal of ATM-1 was open to other users of this computer; now it is \
            yours alone\n";
        assert_eq!(ended.stderr, words);
        for directory in directories {
            assert_eq!(mode(directory), 0o700, "{}", directory.display());
        }
        for file in &files {
            assert_eq!(mode(file), 0o600, "{}", file.display());
        }
        floor.does(&record);
    }
}

#[test]
fn a_place_where_nothing_can_be_kept_is_named_with_what_to_do() {
    let floor = Floor::new();
    fs::write(floor.state.path().join("socketlab"), "").unwrap();
    let directory = floor.machine("ATM-1");
    floor.atm(&["balance"]).failed(
        6,
        &format!(
            "cannot make the directory {}: Not a directory (os error 20) for the journal and the \
             drawer; set XDG_STATE_HOME to a directory of yours",
            directory.display()
        ),
    );
}

#[test]
fn a_relative_home_is_ignored_as_is_a_relative_xdg_state_home() {
    let floor = Floor::new();
    let home = floor.state.path().join("home");
    let run = |home: &Path| {
        at(&floor.bank, &["atm", "--card", "123456789", "balance"])
            .adjust(|command| command.env("XDG_STATE_HOME", "relative").env("HOME", home))
            .run()
    };
    run(&home).printed("10000.00\n");
    assert!(home.join(".local/state/socketlab/atm").is_dir());
    run(Path::new("relative")).failed(
        2,
        "there is no home directory: set HOME or XDG_STATE_HOME to an absolute path",
    );
}
