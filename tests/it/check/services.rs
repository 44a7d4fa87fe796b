//! The services beside text, calculator and bank; scripts and hand-outs.

use std::fs;

use proto::frame::Framing;
use proto::handout::Handout;
use proto::script::SHIPPED;
use testkit::process::Ended;
use testkit::{assert_contains, at_once};

use super::{check, checking, verdicts};
use crate::programs;

/// The command of our server with these words.
fn our_server(words: &str) -> Vec<String> {
    let file = programs().command("labserver");
    let file = file.get_program().to_str().unwrap().to_owned();
    let words = words.split_whitespace().map(str::to_owned);
    let rest = ["--port", "{port}", "-q"].map(str::to_owned);
    [file].into_iter().chain(words).chain(rest).collect()
}

/// What a check with these words says of a server that was started with these.
fn judged(words: &str, server: &str) -> Ended {
    let command = our_server(server);
    checking(
        words,
        &command.iter().map(String::as_str).collect::<Vec<_>>(),
    )
    .run()
}

/// All that should hold does, and all was judged.
fn keeps_every_rule(ended: &Ended) {
    assert_eq!(ended.status, Some(0), "{}", ended.stdout);
    for words in ["does not hold", "not judged"] {
        assert!(!ended.stdout.contains(words), "{}", ended.stdout);
    }
}

#[test]
#[ignore = "takes long: the gate runs it alone"]
fn our_own_room_keeps_every_rule_in_every_framing() {
    let manners = ["", "--fault split=3", "--fault delay=1ms..5ms", ""];
    at_once(
        Framing::ALL.into_iter().zip(manners),
        |(framing, manner)| {
            let wire = format!("--wire {framing}");
            let manner = if framing == Framing::Raw { "" } else { manner };
            keeps_every_rule(&judged(
                &format!("chat {wire}"),
                &format!("--mode chat {wire} {manner}"),
            ));
        },
    );
}

#[test]
#[ignore = "takes long: the gate runs it alone"]
fn our_own_echo_and_clock_keep_every_rule() {
    for mode in ["echo", "datetime"] {
        keeps_every_rule(&judged(mode, &format!("--mode {mode}")));
    }
}

#[test]
#[ignore = "takes long: the gate runs it alone"]
fn our_own_server_says_its_part_of_every_script_and_of_none_that_is_another() {
    for script in SHIPPED {
        let words = format!("script --script {}", script.name);
        keeps_every_rule(&judged(&words, &format!("--mode {words}")));
    }
    let ended = judged(
        "script --script knock-knock",
        "--mode script --script greeting",
    );
    assert_eq!(ended.status, Some(1));
    let words = [
        "DOES NOT HOLD  script.says-its-part",
        "expected  Whose there?\n",
        "came      Socket programming in python\n",
        "again     labclient check script --script knock-knock --only script.says-its-part --seed",
    ];
    assert_contains(&ended.stdout, &words);
}

#[test]
#[ignore = "takes long: the gate runs it alone"]
fn a_script_of_ones_own_is_played_to_each_of_its_rules() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("questions.toml");
    let script = "title = \"two questions\"\ntransport = \"tcp\"\nwire = \"line\"\n\
        [server]\non-connect = { send = \"Who are you?\" }\n\
        [[server.on]]\nreceive = \"nobody\"\nignore-case = true\nsend = \"Go away.\"\nclose = true\n\
        [[server.on]]\nany = true\nsend = [\"Well.\", \"What is it?\"]\nnext = \"asked\"\n\
        [[server.on]]\nstate = \"asked\"\nreceive = \"nothing\"\nsend = \"Bye.\"\nclose = true\n";
    fs::write(&file, script).unwrap();
    let words = format!("script --script {}", file.display());
    keeps_every_rule(&judged(&words, &format!("--mode {words}")));
    // The last answer of the longest way.
    fs::write(&file, script.replace("Bye.", "By.")).unwrap();
    let other = directory.path().join("other.toml");
    fs::write(&other, script).unwrap();
    let ended = judged(
        &format!("script --script {}", other.display()),
        &format!("--mode {words}"),
    );
    assert_eq!(ended.status, Some(1));
    assert_contains(&ended.stdout, &["expected  Bye.\n", "came      By.\n"]);
}

#[test]
#[ignore = "takes long: the gate runs it alone"]
fn our_own_servers_speak_the_words_of_every_hand_out_and_are_not_taken_for_another() {
    at_once(Handout::ALL, |handout| {
        let words = format!("--handout {}", handout.name());
        keeps_every_rule(&judged(&words, &words));
    });
    let ended = judged("--handout text-menu", "--handout text-session");
    assert_eq!(ended.status, Some(1));
    let words = [
        "DOES NOT HOLD  text-menu.exchange",
        "sent      convert HELLO WORLD\n",
        "expected  hello\n",
        "came      convert hello world\n",
    ];
    assert_contains(&ended.stdout, &words);
}

#[test]
#[ignore = "takes long: the gate runs it alone"]
fn our_own_clients_say_the_words_of_every_hand_out_and_of_every_script() {
    let handouts = Handout::ALL.map(|it| (format!("--handout {}", it.name()), it.name()));
    at_once(handouts, |(chosen, name)| {
        keeps_every_rule(&judged_client(&chosen, &format!("handout {name}")));
    });
    for script in SHIPPED {
        let chosen = format!("script --script {}", script.name);
        let client = format!("script {}", script.name);
        keeps_every_rule(&judged_client(&chosen, &client));
    }
}

/// What a check with these words says of our client with these.
fn judged_client(words: &str, client: &str) -> Ended {
    let file = programs().command("labclient");
    let file = file.get_program().to_str().unwrap().to_owned();
    let words = format!("check {words} -- {file} --server {{host}}:{{port}} {client}");
    let words: Vec<_> = words.split_whitespace().collect();
    let labserver = programs().command("labserver");
    let labserver = testkit::process::Program::new(labserver.get_program());
    labserver.with(&words).run()
}

#[test]
#[ignore = "takes long: the gate runs it alone"]
fn a_bank_that_runs_already_is_judged_twice_with_other_balances() {
    let bank = testkit::service::start_handout(Handout::AtmLogin, server::Config::default());
    for _ in 0..2 {
        let words = format!("--handout atm-login {}", bank.address());
        let labclient = programs().command("labclient");
        let labclient = testkit::process::Program::new(labclient.get_program());
        let words: Vec<_> = words.split_whitespace().collect();
        keeps_every_rule(&labclient.with(&["check"]).with(&words).run());
    }
}

#[test]
#[ignore = "takes long: the gate runs it alone"]
fn what_listens_over_one_transport_alone_is_not_judged_over_the_other() {
    // Date and time is there over UDP, and echoes nothing.
    let ended = check(
        "echo --json --only udp.empty --only tcp.bytes",
        "datetime",
        "",
    )
    .run();
    assert_eq!(ended.status, Some(1));
    let verdict = |id: &str| {
        let all = verdicts(&ended);
        all.into_iter().find(|it| it.0 == id).unwrap().1
    };
    assert_eq!(verdict("echo.tcp.bytes"), "not judged");
    assert_eq!(verdict("echo.udp.empty"), "does not hold");
    assert_contains(
        &ended.stdout,
        &[
            "nothing listens on TCP port",
            "start it there as well, or `--skip tcp`",
        ],
    );
}

#[test]
#[ignore = "takes long: the gate runs it alone"]
fn a_lost_answer_of_the_clock_is_nothing_and_a_wrong_one_is_shown() {
    let words = "datetime --only date --timeout 0.3";
    let lost = check(words, "datetime", "--fault drop-reply=100%").run();
    assert_eq!(lost.status, Some(1));
    assert_contains(&lost.stdout, &["came      nothing in 0.3 s\n"]);
    let wrong = check(words, "datetime", "--fault corrupt=100% --seed 1").run();
    assert_eq!(wrong.status, Some(1));
    assert_contains(
        &wrong.stdout,
        &["expected  OK and a date, as in `OK 2026-11-21`\n"],
    );
}

#[test]
#[ignore = "takes long: the gate runs it alone"]
fn what_cannot_be_judged_is_a_usage_error() {
    for (words, complaint) in [
        (
            "nothing",
            "no service is called \"nothing\": there are atm, text",
        ),
        ("text --script joke", "--script is for script, not for text"),
        ("--handout nothing", "invalid value 'nothing'"),
    ] {
        let ended = judged(words, "--mode text");
        ended.complained(2, &[complaint]);
    }
}
