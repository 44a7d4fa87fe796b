//! What is typed, what is refused of it, and what is shown.

use std::io::Write;

use crate::labclient::pipe;
use crate::printed::{accept, expect, printed, serving};

#[test]
fn a_line_that_cannot_be_sent_is_refused_and_asked_for_again() {
    let long = "x".repeat(1025);
    for (name, typed, connections, shown, words) in [
        (
            "text-session",
            format!("\n{long}\nA\n"),
            &["C: A\nS: a"][..],
            "a\n",
            "an empty message cannot be sent",
        ),
        (
            "text-menu",
            format!("1\n \n{long}\n1\nA\n2\n7 7\n7\nprime\n3\n"),
            &[
                "C: convert A\nS: a\nS closes",
                "C: check 7 prime\nS: Prime\nS closes",
            ],
            "Response: a\nResponse: Prime\n",
            "without blanks",
        ),
        (
            "atm-card",
            format!("2\n\n{long}\n2\n7\n6\n"),
            &["C: BALANCE_INQUIRY 7\nS: BALANCE_ACK 0\nS closes"],
            "Response from bank server: BALANCE_ACK 0\n",
            "1041 bytes",
        ),
        (
            "calculator",
            format!("\n{long}\nAnn\n\nq\n"),
            &["C: Ann\nC: q\nS closes"],
            "",
            "an empty message cannot be sent",
        ),
        (
            "accepted",
            format!("\n{long}\nclose\n"),
            &["C: close\nS: closed\nS closes"],
            "Received: closed\n",
            "at most 1024",
        ),
        (
            "length-prefix",
            format!("{}\nx\n", "x".repeat(256)),
            &["C: 001x\nS: 017BYE BYE CLIENT...\nS closes"],
            "BYE BYE CLIENT...\n",
            "at most 255",
        ),
    ] {
        let ended = printed(connections).run(&["handout", name], typed);
        ended.exited(1, shown);
        ended.complained(1, &[words]);
    }
}

#[test]
fn the_end_of_the_input_ends_it_well_wherever_it_comes() {
    for (name, typed, connections) in [
        ("text-session", "", &[""][..]),
        ("text-menu", "", &[]),
        ("text-menu", "1\n", &[]),
        ("text-menu", "2\n7\n", &[]),
        ("atm-card", "1\n7\n", &[]),
        ("atm-card", "4\n7\nAnn\n1\n", &[]),
        ("atm-login", "", &[""]),
        ("atm-login", "jamal\n", &[""]),
        ("calculator", "", &[""]),
        ("calculator", "Ann\n", &["C: Ann"]),
        ("chat", "", &[""]),
        ("accepted", "", &[""]),
        ("length-prefix", "", &[]),
    ] {
        let ended = printed(connections).run(&["handout", name], typed);
        ended.exited(0, "");
    }
}

#[test]
fn prompts_go_to_standard_error() {
    let server = printed(&["C: A\nS: a"]);
    let ended = server.run(&["handout", "text-session"], "A\n");
    ended.exited(0, "a\n");
    let prompt = "text, or a number and prime or palindrome:\n";
    assert_eq!(ended.stderr, prompt.repeat(2));
}

#[test]
fn each_answer_is_shown_whole_and_safe() {
    let (upper, lower) = ("\u{130}".repeat(500), "i\u{307}".repeat(500));
    assert!(upper.len() <= 1024 && lower.len() > 1024);
    let longer_than_a_read = format!("C: {upper}\nS: {lower}\nC: B\nS: b");
    for (name, typed, conversation, shown) in [
        ("text-session", "A\n", "C: A\nS: \u{1b}[2J", "\\u{1b}[2J\n"),
        // It only looks like the beginning of an answer.
        (
            "calculator",
            "Ann\n12 + 13\nq\n",
            "C: Ann\nC: 12 + 13\nS: 25\nC: q\nS closes",
            "25\n",
        ),
        (
            "text-session",
            &format!("{upper}\nB\n"),
            &longer_than_a_read,
            &format!("{lower}\nb\n"),
        ),
    ] {
        let ended = printed(&[conversation]).run(&["handout", name], typed);
        ended.exited(0, shown);
    }
}

#[test]
fn with_json_each_answer_is_an_object() {
    let answer = "C: check 7 prime\nS: Pri\u{1b}me\nS closes";
    let server = printed(&[answer, "C: convert A\nS closes"]);
    let arguments = ["handout", "text-menu", "--json"];
    let shown = "{\"ok\":true,\"received\":\"Pri\\u001bme\"}\n\
        {\"error\":\"the server closed the connection without an answer\",\"kind\":\"lost\",\
        \"ok\":false,\"status\":3}\n";
    let ended = server.run(&arguments, "2\n7\nprime\n1\nA\n3\n");
    ended.exited(3, shown);
}

#[test]
fn a_server_that_never_stops_sending_is_not_read_to_the_end() {
    let server = serving(|listener| {
        let mut stream = accept(&listener);
        expect(&stream, "convert A");
        while stream.write_all(&[b'x'; 4096]).is_ok() {}
    });
    let ended = server.run(&["handout", "text-menu"], "1\nA\n3\n");
    ended.refused(5, &["expected the end of the answer"]);
}

#[test]
fn with_json_a_server_that_closes_without_an_answer_is_an_object_and_so_is_what_cannot_be_sent() {
    let server = serving(|listener| {
        let stream = accept(&listener);
        expect(&stream, "convert A");
    });
    let ended = server.run(&["handout", "text-menu", "--json"], "1\n\nA\n3\n");
    let objects = testkit::objects(&ended.stdout);
    let kinds: Vec<_> = objects.iter().map(|object| &object["kind"]).collect();
    assert_eq!(kinds, ["unsendable", "lost"], "{ended:?}");
    assert_eq!(ended.status, Some(3), "{ended:?}");
}

#[test]
fn help_shows_the_menu_of_a_hand_out_again_and_is_not_sent() {
    let server = serving(|_| {});
    for (name, leave) in [("text-menu", "3"), ("atm-card", "6")] {
        let ended = pipe(&server, &["handout", name], format!("?\nHELP\n{leave}\n"));
        let menus = ended.stderr.matches(&format!("{leave}. Exit")).count();
        assert_eq!((ended.status, menus), (Some(0), 3), "{ended:?}");
    }
    server.finish();
}
