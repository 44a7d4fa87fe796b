//! Standard input as a pipe: each line a request, each line out its answer.

use proto::frame::Framing;
use proto::mode::Mode;
use testkit::process::Ended;
use testkit::service::{start, start_configured};

use crate::labclient::{at, pipe};

const BANK: &[&str] = &["atm", "--card", "123456789"];

/// The client printed these lines, and ended with 1 because a refusal is among them.
#[track_caller]
fn answered(ended: &Ended, lines: &[&str]) {
    let printed: Vec<_> = ended.stdout.lines().collect();
    assert_eq!(printed, lines);
    let refused = lines.iter().any(|line| line.starts_with("ERR "));
    let outcome = (ended.status, ended.stderr.as_str());
    assert_eq!(outcome, (Some(i32::from(refused)), ""));
}

#[test]
fn a_line_in_is_a_line_out_and_refusals_keep_step() {
    for (mode, input, lines) in [
        (
            Mode::Text,
            "lower ABC\nprime x\n\nPRIME 97\r\nsquare 7\n1\npalindrome 12321",
            &[
                "abc",
                "ERR malformed a number is digits with an optional minus, not \"x\"",
                "ERR unknown-verb \"\" is none of: lower TEXT, prime NUMBER, palindrome NUMBER, \
                 quit",
                "prime",
                "ERR unknown-verb \"square\" is none of: lower TEXT, prime NUMBER, palindrome \
                 NUMBER, quit",
                "ERR unknown-verb \"1\" is none of: lower TEXT, prime NUMBER, palindrome NUMBER, \
                 quit",
                "palindrome",
            ][..],
        ),
        (
            Mode::Calc,
            "1 + 1\n1 / 3\n",
            &["2", "0.3333333333333333333333333333333333 (rounded)"],
        ),
        (Mode::Calc, "", &[]),
        (
            Mode::Calc,
            "1 / 0\n12(10\n2 + 2\n",
            &[
                "ERR division-by-zero division by zero",
                "ERR malformed column 3: expected a blank after the number, not \"(\"",
                "4",
            ],
        ),
    ] {
        let service = start(mode);
        answered(&pipe(&service, &[mode.name()], input), lines);
    }
}

#[test]
fn quit_ends_and_what_follows_is_not_asked() {
    let calc = start(Mode::Calc);
    for quit in ["q", "quit"] {
        let input = format!("1 + 1\n{quit}\n2 + 2\n");
        pipe(&calc, &["calc"], input).printed("2\n");
    }
}

#[test]
fn what_is_no_text_is_refused_in_step() {
    for mode in ["text", "echo"] {
        let service = start(Mode::parse(mode).unwrap());
        let ended = pipe(&service, &[mode], b"lower caf\xe9\nlower x\n");
        let lines: Vec<_> = ended.stdout.lines().collect();
        assert_eq!(lines[0], "ERR malformed a line is not UTF-8", "{ended:?}");
        assert!(lines[1].ends_with('x'), "{ended:?}");
        assert_eq!((ended.status, ended.stderr.as_str()), (Some(1), ""));
    }
}

#[test]
fn what_does_not_fit_a_message_is_refused_in_step() {
    let (long, endless) = ("A".repeat(70_000), "A".repeat(3_000_000));
    let input = format!("lower {long}\nlower {endless}\nlower X\n");
    let text = start(Mode::Text);
    let ended = pipe(&text, &["text"], &input);
    answered(
        &ended,
        &[
            "ERR too-long a message of 70006 bytes does not fit netstring framing (at most 65536)",
            "ERR too-long a line is longer than 81920 bytes",
            "x",
        ],
    );
    let echo = start(Mode::Echo);
    let over_udp = at(&echo, &["echo", "--udp"]);
    answered(
        &over_udp.run_with(format!("{long}\n{endless}\nX")),
        &[
            "ERR too-long a message of 70000 bytes does not fit a datagram (at most 65507)",
            "ERR too-long a line is longer than 81920 bytes",
            "X",
        ],
    );
}

#[test]
fn each_framing_carries_a_pipe() {
    for framing in Framing::ALL {
        let text = start_configured(Mode::Text, |config| config.framing = framing);
        let long = "A".repeat(300);
        let input = format!("lower A\nlower {long}\nprime 7\n");
        let ended = pipe(&text, &["text", "--wire", framing.name()], input);
        let lines: Vec<_> = ended.stdout.lines().collect();
        let second = match framing {
            Framing::Len3 => {
                "ERR too-long a message of 306 bytes does not fit len3 framing (at most 255)".into()
            }
            _ => long.to_lowercase(),
        };
        assert_eq!(lines, ["a", &second, "prime"], "{framing}");
    }
}

#[test]
fn empty_lines_are_echoed() {
    let echo = start(Mode::Echo);
    for transport in [&["echo"][..], &["echo", "--udp"]] {
        pipe(&echo, transport, "a\n\n b \n").printed("a\n\n b \n");
    }
}

#[test]
fn an_answer_comes_before_the_next_request_is_needed() {
    let text = start(Mode::Text);
    let mut client = at(&text, &["text"]).start();
    for number in [2, 3, 5, 7] {
        assert_eq!(client.ask(&format!("prime {number}")), "prime\n");
    }
    client.end().printed("");
}

#[test]
fn a_pipe_of_json_has_an_object_for_each_refusal() {
    let calc = start(Mode::Calc);
    let ended = pipe(&calc, &["calc", "--json"], b"1 + 1\n\xff\n1 / 0\n");
    let lines: Vec<_> = ended.stdout.lines().collect();
    assert_eq!(
        lines,
        [
            "{\"ok\":true,\"rounded\":false,\"value\":\"2\"}",
            "{\"code\":\"malformed\",\"definite\":true,\"error\":\"a line is not UTF-8\",\
             \"kind\":\"refused\",\"ok\":false,\"status\":1}",
            "{\"code\":\"division-by-zero\",\"definite\":true,\"error\":\"division by zero\",\
             \"kind\":\"refused\",\"ok\":false,\"status\":1}",
        ]
    );
}

#[test]
fn a_pipe_at_the_cash_machine_has_a_line_for_each_receipt() {
    let bank = start(Mode::Atm);
    let input = "balance\nwithdraw 500\nwithdraw 99999\nwithdraw 1e3\n1\nDEPOSIT 20.50\nbalance\n";
    let ended = pipe(&bank, BANK, input);
    let lines: Vec<_> = ended.stdout.lines().collect();
    let beginnings = [
        "10000.00",
        "withdrawn 500.00, available 9500.00, WITH_",
        "ERR insufficient-funds ",
        "ERR malformed ",
        "ERR unknown-verb \"1\" is none of: balance, ",
        "deposited 20.50, available 9520.50, DEP_",
        "9520.50",
    ];
    assert_eq!(lines.len(), beginnings.len(), "{ended:?}");
    for (line, beginning) in lines.iter().zip(beginnings) {
        assert!(line.starts_with(beginning), "{line}, not {beginning}");
    }
    assert_eq!((ended.status, ended.stderr.as_str()), (Some(1), ""));
}

#[test]
fn a_last_line_that_may_have_been_cut_off_moves_no_money() {
    let bank = start(Mode::Atm);
    // `withdraw 500`, had the pipe not broken.
    let ended = pipe(&bank, BANK, "balance\nwithdraw 5");
    let refusal = "ERR malformed the last line has no line feed, so it may have been cut off: it \
                   was not sent\n";
    assert_eq!(ended.stdout, format!("10000.00\n{refusal}"));
    assert_eq!((ended.status, ended.stderr.as_str()), (Some(1), ""));
    pipe(&bank, BANK, "balance\n").printed("10000.00\n");
    // Where none moves, the end of the input is the end of the line.
    let text = start(Mode::Text);
    pipe(&text, &["text"], "prime 97").printed("prime\n");
}
