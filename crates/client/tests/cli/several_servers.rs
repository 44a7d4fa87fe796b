//! `--server` with several servers of the same bank or room.

use std::sync::mpsc::{Receiver, Sender, channel};

use proto::mode::Mode;
use testkit::assert_contains;
use testkit::process::Ended;
use testkit::service::start;

use crate::bare_servers::{bank, bank_over, sends, sends_and_closes, unused_address, welcome};
use crate::labclient::{at, run};

const WITHDRAW: &[&str] = &["atm", "--card", "123456789", "withdraw", "500"];

/// What a bank with one customer answers, who must be logged in to withdraw. The verb and the id
/// of each request are sent to the test.
fn sound(sender: Sender<(String, String)>) -> impl FnMut(&str) -> Option<String> + Send {
    let mut is_logged_in = false;
    move |request| {
        let words: Vec<_> = request.split(' ').collect();
        if let [verb, id, ..] = words[..] {
            let _ = sender.send((verb.into(), id.into()));
        }
        match words[..] {
            ["WITHDRAW", id, amount, _key] if is_logged_in => {
                Some(format!("OK {id} held {amount}, available 9500.00"))
            }
            ["CONFIRM", id, ..] => Some(format!("OK {id} confirmed")),
            ["VERIFY_CARD_AND_PASSWORD", ..] => {
                is_logged_in = true;
                welcome(request)
            }
            _ => welcome(request),
        }
    }
}

/// The same, but for requests with this verb: those get this in place of an answer, with `ID`
/// replaced, or the end of the connection.
fn failing(
    verb: &'static str,
    answer: Option<&'static str>,
    sender: Sender<(String, String)>,
) -> impl FnMut(&str) -> Option<String> + Send {
    let mut sound = sound(sender);
    move |request| {
        let answered = sound(request);
        let mut words = request.split(' ');
        if words.next() == Some(verb) {
            return Some(answer?.replace("ID", words.next()?));
        }
        answered
    }
}

#[track_caller]
fn went_on_once(ended: &Ended, server: &str) {
    assert_contains(&ended.stdout, &["500.00", "9500.00"]);
    assert_eq!(ended.status, Some(0), "{ended:?}");
    let moves = ended.stderr.matches("; going on at ").count();
    assert_eq!(moves, 1, "{ended:?}");
    assert_contains(&ended.stderr, &[&format!("; going on at {server}\n")]);
}

#[test]
fn what_one_server_did_not_answer_is_repeated_with_the_same_id_at_the_next() {
    for verb in ["VERIFY_CARD_AND_PASSWORD", "WITHDRAW", "CONFIRM"] {
        let (at_first, first_heard) = channel();
        let (at_next, next_heard) = channel();
        let first = bank(failing(verb, None, at_first));
        let next = bank(sound(at_next));
        let ended = run(format!("{first},{next}"), WITHDRAW);
        went_on_once(&ended, &next);
        let ids = |heard: Receiver<(String, String)>| -> Vec<String> {
            let of_verb = heard.into_iter().filter(|(said, _)| said == verb);
            of_verb.map(|(_, id)| id).collect()
        };
        let (lost, repeated) = (ids(first_heard), ids(next_heard));
        assert_eq!(lost.len(), 1, "{verb}");
        assert_eq!(lost, repeated, "{verb}");
    }
}

#[test]
fn a_server_that_says_it_cannot_and_did_nothing_is_left_for_the_next() {
    for (verb, answer) in [
        ("TERMINAL", "ERR unavailable the database is away"),
        ("VERIFY_CARD_AND_PASSWORD", "ERR busy ID too many log-ins"),
        ("WITHDRAW", "ERR unavailable ID the database is away"),
        ("CONFIRM", "ERR shutting-down ID the server is stopping"),
    ] {
        let first = bank(failing(verb, Some(answer), channel().0));
        let next = bank(sound(channel().0));
        let ended = run(format!("{first},{next}"), WITHDRAW);
        went_on_once(&ended, &next);
        let words = answer.rsplit_once("ID ").map_or("away", |(_, words)| words);
        assert_contains(&ended.stderr, &[words]);
    }
}

#[test]
fn a_server_that_takes_no_conversation_is_passed_over() {
    let unused = unused_address();
    let full = sends("28:ERR busy the server is full ,");
    let closes = sends_and_closes("");
    let silent = sends("");
    for (passed_over, why) in [
        (unused.to_string(), "nothing listens on"),
        (full, "the server is full"),
        (closes, "closed the connection at once"),
        (silent, "said nothing within 0.3 s"),
    ] {
        let next = bank(sound(channel().0));
        let servers = format!("{passed_over},{next}");
        let ended = run(servers, &[WITHDRAW, &["--timeout", "0.3"]].concat());
        went_on_once(&ended, &next);
        assert_contains(&ended.stderr, &[why, &passed_over]);
    }
}

#[test]
fn a_refusal_of_the_request_is_not_tried_elsewhere() {
    let answer = "ERR insufficient-funds ID the balance is too small";
    let first = bank(failing("WITHDRAW", Some(answer), channel().0));
    let (at_next, next_heard) = channel();
    let ended = run(format!("{first},{}", bank(sound(at_next))), WITHDRAW);
    ended.refused(1, &["the balance is too small"]);
    assert!(next_heard.try_recv().is_err());
}

#[test]
fn when_no_server_is_there_each_is_named() {
    let (one, other) = (unused_address(), unused_address());
    let servers = format!("{one},{other}");
    for arguments in [WITHDRAW, &["text", "prime", "97"], &["chat", "--name", "a"]] {
        let ended = run(&servers, arguments);
        ended.exited(3, "");
        let words = [
            format!("nothing listens on {one}"),
            format!("nothing listens on {other}"),
        ];
        assert_contains(&ended.stderr, &[&words[0], &words[1]]);
    }
}

#[test]
fn when_every_server_says_it_cannot_the_customer_hears_it() {
    let away = |_| {
        let answer = "ERR unavailable ID the database is away";
        let mut answer = failing("VERIFY_CARD_AND_PASSWORD", Some(answer), channel().0);
        bank_over(2, move |request| answer(request))
    };
    let [first, next] = [0, 1].map(away);
    let ended = run(format!("{first},{next}"), WITHDRAW);
    assert_eq!(ended.status, Some(1), "{ended:?}");
    assert_contains(&ended.stderr, &["the database is away"]);
}

#[test]
fn the_journal_is_that_of_the_first_server_and_a_hint_names_them_all() {
    let (unused, other) = (unused_address().to_string(), unused_address().to_string());
    let home = tempfile::tempdir().unwrap();
    let machine = |server: &str, request: &[&str]| {
        at(server, &["atm", "--card", "123456789", "--patience", "0.2"])
            .with(request)
            .adjust(|command| command.env("XDG_STATE_HOME", home.path()))
            .run()
    };
    let (sender, _heard) = channel();
    let next = bank(failing("CONFIRM", None, sender));
    let servers = format!("{unused},{next}");
    let ended = machine(&servers, &["withdraw", "500"]);
    assert_eq!(ended.status, Some(4), "{ended:?}");
    assert_contains(&ended.stderr, &[&format!("settle --server {servers}`")]);
    let journal = machine(&servers, &["journal"]);
    assert_contains(&journal.stdout, &["dispensed WITH_"]);
    machine(&unused, &["journal"]).printed(&journal.stdout);
    machine(&format!("{unused},{other}"), &["journal"]).printed(&journal.stdout);
    let elsewhere = machine(&other, &["journal"]);
    assert!(!elsewhere.stdout.contains("WITH_"), "{elsewhere:?}");
}

#[test]
fn objects_come_without_a_line_about_the_move() {
    let (unused, next) = (unused_address(), bank(sound(channel().0)));
    let servers = format!("{unused},{next}");
    let ended = run(servers, &[WITHDRAW, &["--json"]].concat());
    assert_eq!((ended.stderr.as_str(), ended.status), ("", Some(0)));
}

#[test]
fn other_conversations_are_with_the_first_server_that_answers() {
    let unused = unused_address();
    let text = start(Mode::Text);
    let servers = format!("{unused},{}", text.address());
    run(&servers, &["text", "prime", "97"]).printed("prime\n");
    let calc = start(Mode::Calc);
    run(format!("{unused},{}", calc.address()), &["calc", "1 + 1"]).printed("2\n");
    let chat = start(Mode::Chat);
    let ended = run(
        format!("{unused},{}", chat.address()),
        &["chat", "--name", "ann"],
    );
    assert_contains(&ended.stdout, &["ann has joined"]);
}

#[test]
fn where_several_servers_make_no_sense_they_are_refused() {
    for arguments in [
        &["echo", "hello"][..],
        &["datetime", "date"],
        &["handout", "joke"],
        &["doctor"],
        &["experiment", "text"],
    ] {
        let words = "several servers are for atm, text, calc, chat and bench: name one here";
        run("127.0.0.1:1,127.0.0.1:2", arguments).refused(2, &[words]);
    }
}

#[test]
fn a_bench_takes_the_servers_in_turn() {
    let (one, other) = (start(Mode::Text), start(Mode::Text));
    let servers = format!("{},{}", one.address(), other.address());
    let ended = run(
        &servers,
        &["bench", "text", "-c", "4", "-n", "40", "--json"],
    );
    assert_eq!(ended.status, Some(0), "{ended:?}");
    let object = &testkit::objects(&ended.stdout)[0];
    assert_eq!(object["server"], servers.as_str(), "{object}");
    // As long as one of them is there, the bench goes on.
    one.stop();
    let ended = run(&servers, &["bench", "text", "-c", "4", "-n", "40"]);
    assert_eq!(ended.status, Some(0), "{ended:?}");
}

#[test]
fn what_was_withdrawn_from_cards_in_a_row_is_compared_with_their_balances() {
    let bank = start(Mode::Atm);
    for card in ["123456790", "123456791"] {
        let create = ["atm", "--card", card, "create", "Someone", "100"];
        let ended = run(&bank, &create);
        assert_eq!(ended.status, Some(0), "{ended:?}");
    }
    let bench = ["bench", "atm", "-c", "3", "-n", "12", "--accounts", "3"];
    let ended = run(&bank, &bench);
    assert_eq!(ended.status, Some(0), "{ended:?}");
    let words = "balance 10200.00 before, 12 withdrawals of 0.01, 10199.88 after: as it should be";
    assert_contains(&ended.stdout, &[words]);
    let ended = run(&bank, &["bench", "atm", "-c", "4", "--accounts", "4"]);
    ended.refused(1, &["unknown card or wrong PIN"]);
}
