//! Exit status 2: what makes no sense is refused before a server is asked.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use testkit::assert_contains;

use crate::bare_servers::unused_address;
use crate::labclient::{labclient, run};

#[test]
fn what_makes_no_sense_is_a_usage_error_that_names_it() {
    let unused = unused_address();
    for (arguments, named) in [
        (&[][..], "Usage: labclient"),
        (&["bank"], "'bank'"),
        (&["text", "lower"], "<TEXT>..."),
        (&["text", "square", "7"], "square"),
        (&["text", "prime", "x"], "\"x\""),
        (&["text", "prime", "+7"], "\"+7\""),
        (&["text", "prime", "1_0"], "\"1_0\""),
        (&["text", "palindrome", ""], "a number is missing"),
        (&["calc", "1+1"], "column 2"),
        (&["calc", "1 ^ 2"], "column 3"),
        (&["calc", "1 + 1", "--name", ""], "name"),
        (&["calc", "1 + 1", "--name", "a b"], "name"),
        (&["text", "prime", "7", "--timeout", "0"], "--timeout"),
        (&["text", "prime", "7", "--timeout", "soon"], "--timeout"),
        (&["text", "prime", "7", "--wire", "xml"], "len3"),
        (&["text", "prime", "7", "--retries", "3"], "--retries"),
        (&["completions", "tcsh"], "tcsh"),
    ] {
        let ended = labclient(arguments).run();
        ended.refused(2, &[named]);
    }
    // No server was asked, or it would have been 3.
    let ended = run(&unused, &["text", "prime", "x"]);
    ended.failed(2, "a number is digits with an optional minus, not \"x\"");
    let ended = run(&unused, &["calc", "1+1"]);
    assert_eq!(ended.status, Some(2), "{ended:?}");
}

#[test]
fn words_need_no_quotes() {
    let calc = testkit::service::start(proto::mode::Mode::Calc);
    for (arguments, answer) in [
        (&["12", "+", "42"][..], "54\n"),
        (&["-12", "-", "-42"], "30\n"),
        (&["12", "-", "42", "--name", "Ann"], "-30\n"),
        (&["-12 - 42"], "-54\n"),
    ] {
        run(&calc, &[&["calc"][..], arguments].concat()).printed(answer);
    }
    let text = testkit::service::start(proto::mode::Mode::Text);
    run(
        &text,
        &["text", "lower", "HELLO", "There", "--wire", "netstring"],
    )
    .printed("hello there\n");
    let echo = testkit::service::start(proto::mode::Mode::Echo);
    run(&echo, &["echo", "two", "words"]).printed("two words\n");
    run(&echo, &["echo", ""]).printed("\n");
}

#[test]
fn with_json_a_mistake_on_the_command_line_is_an_object_too() {
    for (arguments, error) in [
        (
            &["text", "prime", "x", "--json"][..],
            "a number is digits with an optional minus, not \"x\"",
        ),
        (
            &["--json", "text", "square"],
            "unrecognized subcommand 'square'",
        ),
        (
            &["text", "--json", "--wire", "xml"],
            "invalid value 'xml' for '--wire <FRAMING>' [possible values: netstring, len3, line, raw]",
        ),
    ] {
        let ended = labclient(arguments).run();
        let object: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
        assert_eq!(object["kind"], "usage");
        assert_eq!(object["status"], 2);
        assert_eq!(object["error"], error);
        assert_eq!(ended.status, Some(2));
    }
}

#[test]
fn what_is_no_amount_card_or_account_is_a_usage_error() {
    let unused = unused_address();
    let atm = ["atm", "--card", "123456789"];
    for (arguments, named) in [
        (&["withdraw", "0"][..], "0"),
        (&["withdraw", "-5"], "-5"),
        (&["withdraw", "1e3"], "1e3"),
        (&["withdraw", "1.234"], "1.234"),
        (&["withdraw", "five"], "five"),
        (&["withdraw", "1,000"], "1,000"),
        (&["withdraw", "99999999999999999999"], "999"),
        (&["deposit", "NaN"], "NaN"),
        (&["deposit", ""], "\"\""),
        (&["create", "", "5"], ""),
        (&["create", "Ann", "-5"], "-5"),
    ] {
        let ended = run(&unused, &[&atm, arguments].concat());
        ended.refused(2, &[named]);
    }
    for card in [
        "",
        "12345",
        "12ab56",
        "12345678901234567890",
        "-123456",
        "１２３４５６",
    ] {
        let card = format!("--card={card}");
        let ended = run(&unused, &["atm", &card, "balance"]);
        ended.exited(2, "");
    }
    run(&unused, &["atm", "balance"]).failed(2, "a card is needed: give --card NUMBER");
}

#[test]
fn what_does_not_fit_a_message_is_a_usage_error() {
    let echo = testkit::service::start(proto::mode::Mode::Echo);
    let long = "A".repeat(70_000);
    for (arguments, words) in [
        (
            &["echo", &long][..],
            "a message of 70000 bytes does not fit netstring framing (at most 65536)",
        ),
        (
            &["echo", "--udp", &long],
            "a message of 70000 bytes does not fit a datagram (at most 65507)",
        ),
        (
            &["echo", "--wire", "line", "a\nb"],
            "a message with a line break does not fit line framing",
        ),
        (
            &["echo", "--wire", "raw", ""],
            "an empty message cannot be sent in raw framing",
        ),
    ] {
        run(&echo, arguments).failed(2, words);
    }
}

#[test]
fn an_argument_that_is_no_text_is_a_usage_error() {
    let ended = labclient(&["text", "lower"])
        .adjust(|command| command.arg(OsStr::from_bytes(b"caf\xe9")))
        .run();
    ended.refused(2, &["invalid UTF-8"]);
}

#[test]
fn the_help_names_every_mode_and_exit_status_on_lines_that_fit_a_terminal() {
    for arguments in [
        &["--help"][..],
        &["text", "--help"],
        &["atm", "--help"],
        &["echo", "-h"],
    ] {
        let ended = labclient(arguments).run();
        let stdout = ended.stdout.clone();
        ended.printed(&stdout);
        let longest = stdout.lines().map(|line| line.chars().count()).max();
        assert!(longest <= Some(80), "{longest:?} columns:\n{stdout}");
        for flag in ["--server", "--wire", "--timeout", "--json"] {
            assert!(stdout.contains(flag), "{flag} is not in:\n{stdout}");
        }
    }
    let help = labclient(&["--help"]).run().stdout;
    for mode in ["atm", "text", "calc", "datetime", "echo", "script"] {
        assert_contains(&help, &[&format!("\n  {mode} ")]);
    }
    let in_one_line: Vec<&str> = help.split_whitespace().collect();
    let in_one_line = in_one_line.join(" ");
    for status in [
        "4 the outcome is not known yet",
        "5 the server broke the protocol",
        "6 this computer failed",
    ] {
        assert!(in_one_line.contains(status), "{help}");
    }
    labclient(&["--version"]).run().printed("labclient 0.1.0\n");
}

#[test]
fn there_is_a_manual_page_for_each_command() {
    let pages = tempfile::tempdir().unwrap();
    let directory = pages.path().to_str().unwrap();
    labclient(&["man", directory]).run().printed("");
    for (page, text) in [
        ("labclient", "\\-\\-timeout"),
        ("labclient-atm-withdraw", "PIN"),
        ("labclient-check", "\\-\\-gradescope"),
    ] {
        let file = pages.path().join(format!("{page}.1"));
        let roff = std::fs::read_to_string(file).unwrap();
        assert!(roff.contains(&format!(".TH {page} 1")), "{roff}");
        assert!(roff.contains(text), "{page}");
    }
    let missing = pages.path().join("missing");
    let refused = labclient(&["man", missing.to_str().unwrap()]).run();
    refused.complained(6, &["cannot write into", "missing"]);
}

#[test]
fn there_are_completions_for_every_shell_a_class_uses() {
    for (shell, beginning) in [
        ("bash", "_labclient()"),
        ("zsh", "#compdef labclient"),
        ("fish", "# Print an optspec"),
    ] {
        let script = labclient(&["completions", shell]).run();
        assert_eq!((script.status, script.stderr.as_str()), (Some(0), ""));
        assert!(script.stdout.starts_with(beginning), "{shell}");
        for word in ["palindrome", "pin-file", "netstring"] {
            assert!(script.stdout.contains(word), "{shell}: no {word}");
        }
    }
}
