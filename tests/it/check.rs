//! `labclient check` judges real servers: ours, broken on purpose by faults, and ones that misbehave as
//! processes.

use std::fs;
use std::path::Path;

use proto::frame::Framing;
use rustix::process::Signal;
use serde_json::Value;
use testkit::process::{Ended, Program};
use testkit::{assert_contains, at_once, wait_until};

use crate::{program, programs};

mod kept;
mod matrix;
mod page;
mod services;

/// `labclient check` with these words, and our server of this mode, with these.
fn check(words: &str, mode: &str, server: &str) -> Program {
    let file = programs().command("labserver");
    let file = file.get_program().to_str().unwrap();
    let command = format!("{file} --mode {mode} --port {{port}} -q {server}");
    checking(words, &command.split_whitespace().collect::<Vec<_>>())
}

/// `labclient check` with these words, and this command.
fn checking(words: &str, command: &[&str]) -> Program {
    let words: Vec<_> = words.split_whitespace().collect();
    let labclient = Program::new(programs().command("labclient").get_program());
    labclient
        .with(&["check"])
        .with(&words)
        .with(&["--"])
        .with(command)
}

/// The verdict on each case.
fn verdicts(ended: &Ended) -> Vec<(String, String)> {
    let report: Value = serde_json::from_str(&ended.stdout).unwrap();
    let cases = report["cases"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    cases
        .map(|case| (text(&case["id"]), text(&case["verdict"])))
        .collect()
}

#[test]
#[ignore = "takes long: the gate runs it alone"]
fn our_own_servers_keep_every_rule_whatever_their_manners() {
    let manners = [
        "",
        "--fault split=3",
        "--fault delay=1ms..5ms",
        "--fault glue=50%",
    ];
    at_once(
        Framing::ALL.into_iter().zip(manners),
        |(framing, manner)| {
            // One read is a message there, and a split message is none.
            let manner = if framing == Framing::Raw { "" } else { manner };
            for mode in ["text", "calc"] {
                let wire = format!("--wire {framing}");
                let ended =
                    check(&format!("{mode} {wire}"), mode, &format!("{wire} {manner}")).run();
                assert_eq!(ended.status, Some(0), "{}", ended.stdout);
                assert!(!ended.stdout.contains("does not hold"), "{}", ended.stdout);
            }
        },
    );
}

#[test]
#[ignore = "takes long: the gate runs it alone"]
fn our_own_bank_keeps_every_rule() {
    let ended = check("atm --wire line", "atm", "--wire line").run();
    assert_eq!(ended.status, Some(0), "{}", ended.stdout);
    assert!(!ended.stdout.contains("NOT JUDGED"), "{}", ended.stdout);
}

#[test]
#[ignore = "takes long: the gate runs it alone"]
fn a_bank_that_runs_already_is_judged_but_for_what_needs_a_restart_and_its_money_is_given_back() {
    let home = tempfile::tempdir().unwrap();
    let bank = program("labserver", home.path())
        .with(&["--mode", "atm", "--port", "0"])
        .start();
    let address = bank.address("atm tcp").to_string();
    let labclient = || Program::new(programs().command("labclient").get_program());
    let only = ["--only", "money", "--only", "repeat", "--only", "crash"];
    let check = labclient()
        .with(&["--json", "check", "atm", &address])
        .with(&only);
    let ended = check.run();
    for (id, verdict) in verdicts(&ended) {
        let expected = match id.starts_with("atm.crash.") {
            true => "not judged",
            false => "holds",
        };
        assert_eq!(verdict, expected, "{id}");
    }
    let mut machine = bank.converse("atm tcp");
    machine.log_in("123456789", "1234");
    let balance = machine.ask("BALANCE_INQUIRY");
    assert_eq!(balance, "OK available 10000.00, held 0.00");
}

#[test]
#[ignore = "takes long: the gate runs it alone"]
fn a_bank_that_keeps_its_ledger_where_it_runs_runs_in_a_copy_unless_that_is_large() {
    let labserver = programs().command("labserver");
    let labserver = labserver.get_program().to_str().unwrap().to_owned();
    let directory = tempfile::tempdir().unwrap();
    let at = |file: &str| directory.path().join(file);
    let script = format!("exec {labserver} --mode atm --port $1 -q --ledger bank.db");
    fs::write(at("bank.sh"), script).unwrap();
    let judge = || {
        let words = "atm --only money.withdraw --only crash.after-hold";
        let check = checking(words, &["sh", "./bank.sh", "{port}"]);
        let ended = check
            .adjust(|command| command.current_dir(directory.path()))
            .run();
        assert_eq!(ended.status, Some(0), "{}", ended.stdout);
    };
    judge();
    assert!(!at("bank.db").exists());
    let large = fs::File::create(at("large")).unwrap();
    large.set_len(17 * 1024 * 1024).unwrap();
    judge();
    assert!(at("bank.db").exists());
}

#[test]
fn a_wrong_answer_is_shown_beside_the_right_one_with_a_diagram_and_the_command_for_it_alone() {
    // The second message is the first answer.
    let ended = check(
        "text --only prime.small --seed 5",
        "text",
        "--fault corrupt=#2 --seed 1",
    )
    .run();
    assert_eq!(ended.status, Some(1));
    let words = [
        "DOES NOT HOLD  text.prime.small  (must, 1 point)\n  2, 3 and 5 are prime; 0, 1, 4 and negative numbers are not.",
        "See docs/protocol.md#text",
        "sent      7:PRIME ",
        "expected  OK prime\n",
        "connected",
        "again     labclient check text --only text.prime.small --seed 5 -- ",
        "must    0 of 1 hold, 0 of 1 points",
    ];
    assert_contains(&ended.stdout, &words);
}

#[test]
fn an_answer_that_does_not_come_is_never_shown_as_a_wrong_one() {
    let words = "text --only prime.small --timeout 0.2";
    let ended = check(words, "text", "--fault drop-reply=100%").run();
    assert_eq!(ended.status, Some(1));
    assert_contains(
        &ended.stdout,
        &["expected  OK prime\n", "came      nothing in 0.2 s\n"],
    );
}

#[test]
fn the_verdicts_are_an_object_with_json() {
    let ended = check("text --only prime --json", "text", "--fault drop-reply=#2").run();
    let verdicts = verdicts(&ended);
    assert!(verdicts.len() > 4);
    let ended = check("text --only prime --json", "text", "").run();
    assert_eq!(ended.status, Some(0));
    let all = self::verdicts(&ended);
    assert!(
        all.iter()
            .all(|(id, verdict)| id.starts_with("text.prime.") && verdict == "holds"),
        "{all:?}"
    );
}

#[test]
fn the_recording_of_what_does_not_hold_is_kept_for_view() {
    let directory = tempfile::tempdir().unwrap();
    let out = directory.path().join("out");
    let words = format!(
        "text --only prime.small --timeout 0.2 --out {}",
        out.display()
    );
    let ended = check(&words, "text", "--fault drop-reply=100%").run();
    let recording = out.join("text.prime.small.jsonl");
    assert_contains(
        &ended.stdout,
        &[&format!("labclient view {}", recording.display())],
    );
    let viewed = program("labclient", directory.path());
    let viewed = viewed.with(&["view", recording.to_str().unwrap()]).run();
    assert_contains(&viewed.stdout, &["PRIME 2"]);
}

#[test]
fn a_program_that_does_not_start_is_status_3_and_says_what_it_printed() {
    let none = checking("text", &["no-such-program", "{port}"]).run();
    none.complained(3, &["cannot start no-such-program"]);
    let ends = checking("text", &["sh", "-c", "echo I gave up >&2; exit 7 {port}"]).run();
    ends.complained(
        3,
        &[
            "it ended before it listened on port",
            "exit status 7",
            "I gave up",
        ],
    );
    assert_eq!(ends.stdout, "");
}

#[test]
fn what_makes_no_sense_is_a_usage_error() {
    for (words, complaint) in [
        ("text", "what is to be judged?"),
        (
            "text -- python3 server.py",
            "as in `-- python3 server.py {port}`",
        ),
        (
            "text --only nonsense -- x {port}",
            "no case of text is called \"nonsense\"",
        ),
        ("text 127.0.0.1:1 -- x {port}", "cannot be used with"),
        ("nonsense 127.0.0.1:1", "no service is called \"nonsense\""),
        (
            "text --fault drop-reply=10% -- x {port}",
            "what a case does is the case's own",
        ),
        ("text --jobs 0 -- x {port}", "0 is not in 1..=64"),
        (
            "text --batch /nonexistent -- x {port}",
            "cannot read /nonexistent",
        ),
    ] {
        let words: Vec<_> = words.split_whitespace().collect();
        let labclient = Program::new(programs().command("labclient").get_program());
        labclient
            .with(&["check"])
            .with(&words)
            .run()
            .refused(2, &[complaint]);
    }
}

/// The command lines of the processes that run now.
fn command_lines() -> Vec<String> {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let line = |process: fs::DirEntry| {
        fs::read_to_string(process.path().join("cmdline")).unwrap_or_default()
    };
    processes.map(line).collect()
}

#[cfg(target_os = "linux")]
#[test]
fn a_program_that_leaves_others_behind_and_floods_its_output_is_ended_with_all_of_them() {
    let labserver = programs().command("labserver");
    let labserver = labserver.get_program().to_str().unwrap().to_owned();
    // A daemon in a session of its own, and one that is not to be terminated.
    let script = format!(
        "setsid sleep 86399 & (trap '' TERM INT HUP; sleep 86398) & yes flood & \
         exec {labserver} --mode text --port {{port}} -q"
    );
    let ended = checking("text --only prime.small", &["sh", "-c", &script]).run();
    assert_eq!(ended.status, Some(0), "{}", ended.stdout);
    let left = command_lines()
        .into_iter()
        .filter(|line| line.contains("8639"));
    let left: Vec<_> = left.filter(|line| line.starts_with("sleep")).collect();
    assert_eq!(left, [""; 0]);
}

#[test]
fn a_server_that_dies_is_named_as_the_cause() {
    let labserver = programs().command("labserver");
    let labserver = labserver.get_program().to_str().unwrap().to_owned();
    let script = format!(
        "timeout -s KILL 1 {labserver} --mode text --port {{port}} --fault drop-reply=100%"
    );
    let words = "text --only prime.small --timeout 30";
    let ended = checking(words, &["sh", "-c", &script]).run();
    assert_contains(&ended.stdout, &["likely    the server has ended: "]);
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_the_check_and_its_programs_and_shows_what_was_judged() {
    let home = tempfile::tempdir().unwrap();
    let marker = home.path().join("started");
    let labserver = programs().command("labserver");
    let labserver = labserver.get_program().to_str().unwrap().to_owned();
    let script = format!(
        "echo >> {}; exec {labserver} --mode text --port {{port}} -q --fault drop-reply=100%",
        marker.display()
    );
    let words = "text --timeout 0.2 --jobs 1";
    let process = checking(words, &["sh", "-c", &script]).start();
    // The second start is for the second case, as the first one does not hold.
    wait_until(|| lines(&marker) >= 2);
    process.signal(Signal::INT);
    let ended = process.end();
    assert_eq!(ended.status, Some(1));
    assert_contains(&ended.stdout, &["interrupted: ", " were not judged"]);
}

fn lines(file: &Path) -> usize {
    fs::read_to_string(file).unwrap_or_default().lines().count()
}

#[test]
fn a_folder_of_submissions_is_judged_a_line_each_with_files_for_the_teacher() {
    let folder = tempfile::tempdir().unwrap();
    let labserver = programs().command("labserver");
    let labserver = labserver.get_program().to_str().unwrap().to_owned();
    for (name, arguments) in [
        ("anna", ""),
        ("bela", "--fault corrupt=#2"),
        ("carl", "--nonsense"),
    ] {
        let directory = folder.path().join(name);
        fs::create_dir(&directory).unwrap();
        let script = format!("exec {labserver} --mode text --port $1 -q {arguments}");
        fs::write(directory.join("run.sh"), script).unwrap();
    }
    let csv = folder.path().join("marks.csv");
    let junit = folder.path().join("marks.xml");
    let words = format!(
        "text --only prime.small --batch {} --csv {} --junit {}",
        folder.path().display(),
        csv.display(),
        junit.display()
    );
    let ended = checking(&words, &["sh", "run.sh", "{port}"]).run();
    assert_eq!(ended.status, Some(1), "{}", ended.stdout);
    let lines: Vec<_> = ended.stdout.lines().collect();
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert!(lines[0].starts_with("anna") && lines[0].ends_with("must 1/1 (1/1 points)"));
    assert!(
        lines[1].starts_with("bela")
            && lines[1].ends_with("must 0/1 (0/1 points)  text.prime.small")
    );
    assert!(lines[2].starts_with("carl") && lines[2].contains("did not start"));
    assert_contains(
        &fs::read_to_string(csv).unwrap(),
        &["\r\nanna,1,1,", "\r\nbela,0,1,"],
    );
    assert_contains(
        &fs::read_to_string(junit).unwrap(),
        &["<testsuite name=\"bela\" tests=\"1\" failures=\"1\""],
    );
}
