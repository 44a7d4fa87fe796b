//! What can be asked on the command line, and what makes no sense there.

use serde_json::Value;
use testkit::process::words;

use crate::labserver::{Home, run, start};

const FLAGS: [&str; 23] = [
    "--mode",
    "--handout",
    "--to",
    "--udp",
    "--bind",
    "--port",
    "--wire",
    "--script",
    "--max-connections",
    "--idle-timeout",
    "--frame-timeout",
    "--login-timeout",
    "--prime-budget",
    "--udp-rate",
    "--chat-rate",
    "--ledger",
    "--semantics",
    "--accounts",
    "--fault",
    "--seed",
    "--log-format",
    "--log-rate",
    "--verbose",
];

/// Those that only the whole help has.
const RARE: [&str; 6] = [
    "--prime-budget",
    "--udp-rate",
    "--chat-rate",
    "--semantics",
    "--log-format",
    "--log-rate",
];

#[test]
fn the_help_explains_every_flag_on_lines_that_fit_a_terminal() {
    let is_in = |flag: &str, help: &str| help.lines().any(|line| line.contains(flag));
    for help in ["--help", "-h"] {
        let ended = run(&[help]);
        let stdout = ended.stdout.clone();
        ended.printed(&stdout);
        for flag in FLAGS {
            // The short help has those that are used often.
            let is_expected = help == "--help" || !RARE.contains(&flag);
            assert_eq!(is_in(flag, &stdout), is_expected, "{flag} in:\n{stdout}");
        }
        let longest = stdout.lines().map(|line| line.chars().count()).max();
        assert!(longest <= Some(100), "{longest:?} columns:\n{stdout}");
        assert!(stdout.contains("labserver --mode atm "), "{stdout}");
    }
}

#[test]
fn the_help_of_each_command_says_what_it_is_for() {
    let ledger = Home::new().answer(&["ledger", "--help"]);
    for command in ["audit", "accounts", "history", "unsettled", "unlock"] {
        assert!(ledger.contains(&format!("\n  {command} ")), "{ledger}");
    }
    let unlock = Home::new().answer(&["ledger", "unlock", "--help"]);
    assert!(unlock.contains("three wrong PINs"), "{unlock}");
}

#[test]
fn the_version_is_printed() {
    assert_eq!(Home::new().answer(&["--version"]), "labserver 0.1.0\n");
}

#[test]
fn what_makes_no_sense_is_a_usage_error_that_names_it() {
    for (arguments, named) in [
        ("", "--mode atm|text|"),
        ("--mode", "--mode"),
        ("--mode bank", "'bank'"),
        ("--mode TEXT", "'TEXT'"),
        ("bank", "'bank'"),
        ("--mode text,bank", "'bank'"),
        ("text --mode chat", "--mode"),
        ("text --handout joke", "--handout"),
        ("--mode text,proxy --to [::1]:9", "a proxy runs alone"),
        ("--mode text --bind no.such.invalid", "0.0.0.0"),
        ("--mode text --bind 0.0.0.0:9000", "--port"),
        ("--mode text --bind [::1]:9000", "--port"),
        ("--mode text --port 65536", "65536"),
        ("--mode text --port -1", "-1"),
        ("--mode text --wire xml", "len3"),
        ("--mode text --idle-timeout 0", "--idle-timeout"),
        ("--mode text --idle-timeout nan", "--idle-timeout"),
        ("--mode text --frame-timeout soon", "--frame-timeout"),
        ("--mode calc --login-timeout=-1", "--login-timeout"),
        ("--mode text --prime-budget 1e99", "--prime-budget"),
        ("--mode echo --udp-rate -1", "-1"),
        ("--mode chat --chat-rate -1", "-1"),
        ("--mode chat --chat-rate 1.5", "--chat-rate"),
        ("--mode chat --chat-rate 1000001", "--chat-rate"),
        ("--mode text --max-connections many", "many"),
        ("--mode text --max-connections 0", "--max-connections"),
        ("--mode text --log-format xml", "json"),
        ("--mode all --port 65530", "counted from"),
        ("--mode text --password x", "--password"),
        ("--mode text ledger audit", "ledger"),
        ("--mode atm --semantics maybe --ledger bank.db", "bank.db"),
        ("--mode text --seed 7", "--fault"),
        ("--mode proxy", "--to HOST:PORT"),
        ("--mode proxy --to localhost", "localhost:9005"),
        ("--mode proxy --to localhost:0", "localhost:9005"),
        ("--mode proxy --to :9005", "localhost:9005"),
        ("--mode text --to localhost:9005", "--mode proxy"),
        ("--mode all --to localhost:9005", "--mode proxy"),
        ("--mode proxy --udp", "--to"),
        (
            "--mode proxy --to [::1]:9 --fault error=#1",
            "a proxy cannot know how the server would refuse",
        ),
        (
            "--mode proxy --to [::1]:9 --fault crash-at=after-commit",
            "a proxy never comes by",
        ),
        (
            "--mode text --fault crash-at=after-commit",
            "--fault crash-at can never strike in text: only the bank comes by after-commit",
        ),
        ("--mode text --fault reorder=5%", "TCP keeps the order"),
        (
            "--mode datetime --fault cut=1%",
            "--fault cut can never strike in datetime: ",
        ),
        (
            "--handout datetime --fault split=7",
            "--fault split can never strike in datetime: ",
        ),
        (
            "--mode script --script udp --fault reset=1%",
            "--fault reset can never strike in script: ",
        ),
        (
            "--mode all --fault crash-at=before-send",
            "labserver never comes by before-send",
        ),
        ("ledger", "audit"),
        ("ledger burn", "burn"),
        ("ledger history", "CARD"),
        ("ledger history 12ab", "12ab"),
        ("ledger audit --ledger memory", "--ledger"),
        ("completions tcsh", "tcsh"),
    ] {
        let ended = run(&words(arguments));
        ended.refused(2, &[named]);
    }
}

#[test]
fn a_fault_that_can_strike_in_some_services_only_is_warned_about() {
    let server = start(&words(
        "--mode all --port 0 --ledger memory --fault crash-at=after-commit#9,drop-reply=#99",
    ));
    server
        .stderr
        .wait_for("--fault crash-at strikes in atm only; not in text, ");
    let ended = server.stop();
    let other = "--fault drop-reply strikes";
    assert!(!ended.stderr.contains(other), "{ended:?}");
}

#[test]
fn the_doctor_says_what_is_in_the_way_of_a_server() {
    let home = Home::new();
    let doctor = [
        "doctor",
        "--bind",
        "127.0.0.1",
        "--students",
        "1",
        "--port",
        "65530",
    ];
    let ended = home.program(&doctor).run();
    assert_eq!(ended.status, Some(1), "{ended:?}");
    let advice = "bad      no port is left for text\n         -> choose a lower --port\n";
    assert!(ended.stdout.contains(advice), "{ended:?}");
    let lines = home.program(&doctor).with(&["--json"]).run().stdout;
    let findings: Vec<Value> = lines.lines().map(|it| it.parse().unwrap()).collect();
    let files = findings
        .iter()
        .find(|it| it["seen"].as_str().unwrap().contains("open files"));
    assert_eq!(files.unwrap()["state"], "good", "{lines}");
}

#[test]
fn there_is_a_manual_page_for_each_command() {
    let home = Home::new();
    let directory = home.path().to_str().unwrap();
    home.program(&["man", directory]).run().printed("");
    for (page, text) in [
        ("labserver", "\\-\\-max\\-connections"),
        ("labserver-ledger-audit", "ledger"),
        ("labserver-check", "{state}"),
    ] {
        let file = home.path().join(format!("{page}.1"));
        let roff = std::fs::read_to_string(file).unwrap();
        assert!(roff.contains(&format!(".TH {page} 1")), "{roff}");
        assert!(roff.contains(text), "{page}");
    }
    let missing = home.path().join("missing");
    let refused = home.program(&["man", missing.to_str().unwrap()]).run();
    refused.complained(1, &["cannot write into", "missing"]);
}

#[test]
fn there_are_completions_for_every_shell_a_class_uses() {
    for (shell, beginning) in [
        ("bash", "_labserver()"),
        ("zsh", "#compdef labserver"),
        ("fish", "# Print an optspec"),
    ] {
        let script = Home::new().answer(&["completions", shell]);
        assert!(script.starts_with(beginning), "{shell}: {script:.80}");
        for word in ["max-connections", "log-format", "unlock", "netstring"] {
            assert!(script.contains(word), "{shell}: no {word}");
        }
    }
}

#[test]
fn an_answer_that_is_not_read_is_no_failure() {
    let home = Home::new();
    home.start(&["--mode", "atm", "--port", "0"]).stop();
    for arguments in [
        &["completions", "bash"][..],
        &["--mode", "script", "--script", "list"],
        &["ledger", "accounts"],
        &["ledger", "audit"],
    ] {
        let ended = home.program(arguments).with_closed_stdout().run();
        ended.printed("");
    }
}

#[test]
fn a_server_whose_address_cannot_be_read_says_so_and_ends() {
    let home = Home::new();
    let program = home.program(&["--mode", "text", "--port", "0"]);
    let reason = "cannot write to standard output: Broken pipe (os error 32)";
    program.with_closed_stdout().run().failed(1, reason);
}
