//! What is typed, what is refused of it, and what is shown.

use crate::labclient::pipe;
use crate::printed::Step::{Closes, Hears, HearsTheEnd, Says};
use crate::printed::printed;

#[test]
fn a_line_that_cannot_be_sent_is_refused_and_asked_for_again() {
    let long = "x".repeat(1025);
    for (name, typed, connections, shown, words) in [
        (
            "text-session",
            format!("\n{long}\nA\n"),
            vec![vec![Hears("A"), Says("a"), HearsTheEnd]],
            "a\n",
            "an empty message cannot be sent",
        ),
        (
            "text-menu",
            format!("1\n \n{long}\n1\nA\n2\n7 7\n7\nprime\n3\n"),
            vec![
                vec![Hears("convert A"), Says("a"), Closes],
                vec![Hears("check 7 prime"), Says("Prime"), Closes],
            ],
            "Response: a\nResponse: Prime\n",
            "without blanks",
        ),
        (
            "atm-card",
            format!("2\n\n{long}\n2\n7\n6\n"),
            vec![vec![
                Hears("BALANCE_INQUIRY 7"),
                Says("BALANCE_ACK 0"),
                Closes,
            ]],
            "Response from bank server: BALANCE_ACK 0\n",
            "1041 bytes",
        ),
        (
            "calculator",
            format!("\n{long}\nAnn\n\nq\n"),
            vec![vec![Hears("Ann"), Hears("q"), Closes]],
            "",
            "an empty message cannot be sent",
        ),
        (
            "accepted",
            format!("\n{long}\nclose\n"),
            vec![vec![Hears("close"), Says("closed"), Closes]],
            "Received: closed\n",
            "at most 1024",
        ),
        (
            "length-prefix",
            format!("{}\nx\n", "x".repeat(256)),
            vec![vec![Hears("001x"), Says("017BYE BYE CLIENT..."), Closes]],
            "BYE BYE CLIENT...\n",
            "at most 255",
        ),
    ] {
        let server = printed(connections);
        let ended = server.run(&["handout", name], typed);
        ended.exited(1, shown);
        ended.complained(1, &[words]);
    }
}

#[test]
fn the_end_of_the_input_ends_it_well_wherever_it_comes() {
    for (name, typed, connections) in [
        ("text-session", "", vec![vec![HearsTheEnd]]),
        ("text-menu", "", vec![]),
        ("text-menu", "1\n", vec![]),
        ("text-menu", "2\n7\n", vec![]),
        ("atm-card", "1\n7\n", vec![]),
        ("atm-card", "4\n7\nAnn\n1\n", vec![]),
        ("atm-login", "", vec![vec![HearsTheEnd]]),
        ("atm-login", "jamal\n", vec![vec![HearsTheEnd]]),
        ("calculator", "", vec![vec![HearsTheEnd]]),
        ("calculator", "Ann\n", vec![vec![Hears("Ann"), HearsTheEnd]]),
        ("chat", "", vec![vec![HearsTheEnd]]),
        ("accepted", "", vec![vec![HearsTheEnd]]),
        ("length-prefix", "", vec![]),
    ] {
        let server = printed(connections);
        let ended = server.run(&["handout", name], typed);
        ended.exited(0, "");
    }
}

#[test]
fn prompts_go_to_standard_error() {
    let server = printed(vec![vec![Hears("A"), Says("a"), HearsTheEnd]]);
    let ended = pipe(&server, &["handout", "text-session"], "A\n");
    let prompt = "text, or a number and prime or palindrome:\n";
    assert_eq!(
        (ended.stdout, ended.stderr),
        ("a\n".into(), prompt.repeat(2))
    );
    server.finish();
}

#[test]
fn with_json_each_answer_is_an_object() {
    let server = printed(vec![
        vec![Hears("check 7 prime"), Says("Pri\u{1b}me"), Closes],
        vec![Hears("convert A"), Closes],
    ]);
    let ended = server.run(
        &["handout", "text-menu", "--json"],
        "2\n7\nprime\n1\nA\n3\n",
    );
    ended.exited(
        3,
        "{\"ok\":true,\"received\":\"Pri\\u001bme\"}\n\
         {\"error\":\"the server closed the connection without an answer\",\"kind\":\"lost\",\
         \"ok\":false,\"status\":3}\n",
    );
}

#[test]
fn what_would_move_the_cursor_is_made_visible() {
    let server = printed(vec![vec![Hears("A"), Says("\u{1b}[2J"), HearsTheEnd]]);
    let ended = server.run(&["handout", "text-session"], "A\n");
    assert_eq!(ended.stdout, "\\u{1b}[2J\n");
}

#[test]
fn an_answer_that_is_longer_than_one_read_is_put_together() {
    let (upper, lower) = ("\u{130}".repeat(500), "i\u{307}".repeat(500));
    assert!(upper.len() <= 1024 && lower.len() > 1024);
    let said: &'static str = lower.clone().leak();
    let steps = vec![Says(said), Hears("B"), Says("b"), HearsTheEnd];
    let heard = Hears(upper.clone().leak());
    let server = printed(vec![[vec![heard], steps].concat()]);
    let ended = server.run(&["handout", "text-session"], format!("{upper}\nB\n"));
    ended.exited(0, format!("{lower}\nb\n"));
}

#[test]
fn a_server_that_does_not_stop_is_not_listened_to_for_ever() {
    let server = crate::printed::serving(|listener| {
        use std::io::Write;
        let mut stream = crate::printed::accept(&listener);
        crate::printed::hears(&stream, "convert A");
        while stream.write_all(&[b'x'; 4096]).is_ok() {}
    });
    let ended = server.run(&["handout", "text-menu"], "1\nA\n3\n");
    ended.refused(5, &["expected the end of the answer"]);
}

#[test]
fn an_answer_that_only_looks_like_the_beginning_of_one_is_taken_for_whole() {
    let server = printed(vec![vec![
        Hears("Ann"),
        Hears("12 + 13"),
        Says("25"),
        Hears("q"),
        Closes,
    ]]);
    let ended = server.run(&["handout", "calculator"], "Ann\n12 + 13\nq\n");
    ended.exited(0, "25\n");
}

#[test]
fn with_json_a_server_that_closes_without_an_answer_is_an_object_and_so_is_what_cannot_be_sent() {
    let server = crate::printed::serving(|listener| {
        let stream = crate::printed::accept(&listener);
        crate::printed::hears(&stream, "convert A");
    });
    let ended = server.run(&["handout", "text-menu", "--json"], "1\n\nA\n3\n");
    let objects: Vec<serde_json::Value> = ended
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let kinds: Vec<_> = objects.iter().map(|object| &object["kind"]).collect();
    assert_eq!(kinds, ["unsendable", "lost"], "{ended:?}");
    assert_eq!(ended.status, Some(3), "{ended:?}");
}

#[test]
fn help_shows_the_menu_of_a_hand_out_again_and_is_not_sent() {
    let server = crate::printed::serving(|_| {});
    for (name, leave) in [("text-menu", "3"), ("atm-card", "6")] {
        let ended = pipe(&server, &["handout", name], format!("?\nHELP\n{leave}\n"));
        assert_eq!(ended.status, Some(0), "{ended:?}");
        assert_eq!(
            ended.stderr.matches(&format!("{leave}. Exit")).count(),
            3,
            "{ended:?}"
        );
    }
    server.finish();
}
