//! The exchanges over TCP that go the same way every time: to their end, in pieces, and cut off at
//! every step.

use crate::labclient::{Ended, labclient};
use crate::printed::Step::{self, Closes, Drips, Hears, HearsTheEnd, Says};
use crate::printed::printed;

/// What is typed into the printed client, what goes over the wire, and what is shown.
struct Dialogue {
    name: &'static str,
    typed: &'static str,
    connections: Vec<Vec<Step>>,
    shown: &'static str,
}

fn dialogues() -> Vec<Dialogue> {
    vec![
        Dialogue {
            name: "text-session",
            typed: "HELLO Wörld\n97 prime\n98 prime\n010 palindrome\n12 palindrome\n7 cube\n  A \n",
            connections: vec![vec![
                Hears("HELLO Wörld"),
                Says("hello wörld"),
                Hears("97 prime"),
                Says("It is a prime number."),
                Hears("98 prime"),
                Says("It is not a prime number."),
                Hears("010 palindrome"),
                Says("It is palindrome."),
                Hears("12 palindrome"),
                Says("It is not palindrome."),
                Hears("7 cube"),
                Says("Operation not available"),
                Hears("  A "),
                Says("  a "),
                HearsTheEnd,
            ]],
            shown: "hello wörld\nIt is a prime number.\nIt is not a prime number.\n\
                    It is palindrome.\nIt is not palindrome.\nOperation not available\n  a \n",
        },
        Dialogue {
            name: "text-menu",
            typed: "1\nHELLO World\n2\n97\nprime\nx\n2\n-5\npalindrome\n2\n7\ncube\n3\n",
            connections: vec![
                vec![Hears("convert HELLO World"), Says("hello"), Closes],
                vec![Hears("check 97 prime"), Says("Prime"), Closes],
                vec![Hears("check -5 palindrome"), Says("Not Palindrome"), Closes],
                vec![Hears("check 7 cube"), Says("Invalid request"), Closes],
            ],
            shown: "Response: hello\nResponse: Prime\nResponse: Not Palindrome\n\
                    Response: Invalid request\n",
        },
        Dialogue {
            name: "atm-card",
            typed: "1\n123456789\n1234\n2\n123456789\n3\n123456789\n500\n\
                    4\n555\nAnn\n99\n7\n5\n555\n-3\n6\n",
            connections: vec![
                vec![
                    Hears("VERIFY_CARD_AND_PASSWORD 123456789 1234"),
                    Says("VERIFY_ACK SUCCESS"),
                    Closes,
                ],
                vec![
                    Hears("BALANCE_INQUIRY 123456789"),
                    Says("BALANCE_ACK 10000"),
                    Closes,
                ],
                vec![
                    Hears("WITHDRAW 123456789 500"),
                    Says("WITHDRAW_ACK SUCCESS Withdrawn 500 successfully"),
                    Closes,
                ],
                vec![
                    Hears("CREATE_ACCOUNT 555 Ann 99 7"),
                    Says("CREATE_ACCOUNT_ACK SUCCESS Account created successfully"),
                    Closes,
                ],
                vec![
                    Hears("DEPOSIT 555 -3"),
                    Says("DEPOSITE_ACK FAILURE Invalid amount"),
                    Closes,
                ],
            ],
            shown: "Response from bank server: VERIFY_ACK SUCCESS\n\
                    Response from bank server: BALANCE_ACK 10000\n\
                    Response from bank server: WITHDRAW_ACK SUCCESS Withdrawn 500 successfully\n\
                    Response from bank server: CREATE_ACCOUNT_ACK SUCCESS Account created \
                    successfully\n\
                    Response from bank server: DEPOSITE_ACK FAILURE Invalid amount\n",
        },
        Dialogue {
            name: "knock-knock",
            typed: "",
            connections: vec![vec![Hears("Knock Knock.."), Says("Whose there?"), Closes]],
            shown: "Whose there?\n",
        },
        Dialogue {
            name: "calculator",
            typed: "Ann\n12 + 13\n12(10\n1 / 3\n1 / 0\n-2. * .5\nq\n",
            connections: vec![vec![
                Hears("Ann"),
                Hears("12 + 13"),
                Says("25.0"),
                Hears("1 / 3"),
                Says("0.3333333333333333"),
                Hears("1 / 0"),
                Says("Invalid expression"),
                Hears("-2. * .5"),
                Says("-1.0"),
                Hears("q"),
                Closes,
            ]],
            shown: "25.0\n0.3333333333333333\nInvalid expression\n-1.0\n",
        },
        Dialogue {
            name: "greeting",
            typed: "",
            connections: vec![vec![Says("Socket programming in python"), Closes]],
            shown: "Socket programming in python\n",
        },
        Dialogue {
            name: "sixteen",
            typed: "",
            connections: vec![vec![
                Hears("Hello!! Server!!"),
                Says("BYE BYE CLIENT..."),
                Closes,
            ]],
            shown: "BYE BYE CLIENT..\n",
        },
        Dialogue {
            name: "length-prefix",
            typed: "hello\n\nwörld\n",
            connections: vec![
                vec![Hears("005hello"), Says("017BYE BYE CLIENT..."), Closes],
                vec![Hears("000"), Says("017BYE BYE CLIENT..."), Closes],
                vec![Hears("006wörld"), Says("017BYE BYE CLIENT..."), Closes],
            ],
            shown: "BYE BYE CLIENT...\nBYE BYE CLIENT...\nBYE BYE CLIENT...\n",
        },
        Dialogue {
            name: "echo",
            typed: "",
            connections: vec![vec![
                Hears("Hello, world"),
                Says("Hello, world"),
                HearsTheEnd,
            ]],
            shown: "Hello, world\n",
        },
        Dialogue {
            name: "accepted",
            typed: "hi\nthere \ncLose\n",
            connections: vec![vec![
                Hears("hi"),
                Says("accepted"),
                Hears("there "),
                Says("accepted"),
                Hears("cLose"),
                Says("closed"),
                Closes,
            ]],
            shown: "Received: accepted\nReceived: accepted\nReceived: closed\n",
        },
    ]
}

impl Dialogue {
    fn run(self) -> Ended {
        let server = printed(self.connections);
        let client = labclient(&["handout", self.name]).at(&server.address());
        let ended = client.run_with(self.typed);
        server.is_content();
        ended
    }
}

#[test]
fn what_is_typed_goes_over_the_wire_as_printed_and_what_is_said_is_shown() {
    for dialogue in dialogues() {
        let (name, shown) = (dialogue.name, dialogue.shown);
        let ended = dialogue.run();
        assert_eq!(ended.stdout, shown, "{name}: {ended:?}");
        assert_eq!(ended.status, Some(0), "{name}: {ended:?}");
    }
}

#[test]
fn what_comes_in_pieces_is_put_together() {
    for mut dialogue in dialogues() {
        for step in dialogue.connections.iter_mut().flatten() {
            if let Says(text) = *step {
                *step = Drips(text);
            }
        }
        let (name, shown) = (dialogue.name, dialogue.shown);
        let ended = dialogue.run();
        assert_eq!(ended.stdout, shown, "{name}: {ended:?}");
        assert_eq!(ended.status, Some(0), "{name}: {ended:?}");
    }
}

#[test]
fn a_server_that_closes_instead_of_answering_is_told_with_a_status() {
    for name in dialogues().iter().map(|dialogue| dialogue.name) {
        let dialogue_of = || {
            let mut all = dialogues().into_iter();
            all.find(|dialogue| dialogue.name == name).unwrap()
        };
        let answers = dialogue_of().connections.concat();
        let answers = answers.iter().filter(|step| matches!(step, Says(_)));
        for kept in 0..answers.count() {
            let mut dialogue = dialogue_of();
            let asked = cut_after(&mut dialogue.connections, kept);
            let ended = dialogue.run();
            let expected = match name {
                // The money may have gone.
                "atm-card" if asked.starts_with("VERIFY") || asked.starts_with("BALANCE") => 3,
                "atm-card" => 4,
                // Not what the script says.
                "knock-knock" | "accepted" | "greeting" | "sixteen" | "length-prefix" => 1,
                _ => 3,
            };
            assert_eq!(ended.status, Some(expected), "{name} {kept}: {ended:?}");
            assert_eq!(ended.stdout.lines().count(), shown_after(name, kept));
            let words = [
                "closed the connection",
                "the end of the connection",
                "nothing listens",
            ];
            assert!(
                words.iter().any(|words| ended.stderr.contains(words)),
                "{name} {kept}: {ended:?}"
            );
            assert!(!ended.stderr.contains("panicked"), "{ended:?}");
        }
    }
}

/// Has the server close where it would have said the next thing after so many. Gives what it was
/// asked there.
fn cut_after(connections: &mut Vec<Vec<Step>>, kept: usize) -> &'static str {
    let mut said = 0;
    let mut asked = "";
    for connection in 0..connections.len() {
        for step in 0..connections[connection].len() {
            match connections[connection][step] {
                Hears(text) => asked = text,
                Says(_) if said == kept => {
                    connections[connection].truncate(step);
                    connections.truncate(connection + 1);
                    return asked;
                }
                Says(_) => said += 1,
                _ => {}
            }
        }
    }
    asked
}

/// A menu shows an empty answer as one.
fn shown_after(name: &str, kept: usize) -> usize {
    match name {
        "text-menu" | "atm-card" => kept + 1,
        _ => kept,
    }
}

#[test]
fn a_server_that_is_not_there_is_named_by_its_hand_out() {
    for dialogue in dialogues() {
        let name = dialogue.name;
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        drop(listener);
        let client = labclient(&["handout", name]).at(&address);
        let ended = client.run_with(dialogue.typed);
        let words = format!("is `labserver --handout {name}` running?");
        assert_eq!(ended.status, Some(3), "{name}: {ended:?}");
        assert!(ended.stderr.contains(&words), "{name}: {ended:?}");
    }
}

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
        let client = labclient(&["handout", name]).at(&server.address());
        let ended = client.run_with(typed);
        server.is_content();
        assert_eq!(ended.stdout, shown, "{name}: {ended:?}");
        assert_eq!(ended.status, Some(1), "{name}: {ended:?}");
        assert!(ended.stderr.contains(words), "{name}: {ended:?}");
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
        let client = labclient(&["handout", name]).at(&server.address());
        let ended = client.run_with(typed);
        server.is_content();
        assert_eq!(ended.stdout, "", "{name} {typed:?}: {ended:?}");
        assert_eq!(ended.status, Some(0), "{name} {typed:?}: {ended:?}");
    }
}

#[test]
fn prompts_go_to_standard_error() {
    let server = printed(vec![vec![Hears("A"), Says("a"), HearsTheEnd]]);
    let client = labclient(&["handout", "text-session"]).at(&server.address());
    let ended = client.run_with("A\n");
    let prompt = "text, or a number and prime or palindrome:\n";
    assert_eq!(
        (ended.stdout, ended.stderr),
        ("a\n".into(), prompt.repeat(2))
    );
    server.is_content();
}

#[test]
fn with_json_each_answer_is_an_object() {
    let server = printed(vec![
        vec![Hears("check 7 prime"), Says("Pri\u{1b}me"), Closes],
        vec![Hears("convert A"), Closes],
    ]);
    let client = labclient(&["handout", "text-menu", "--json"]).at(&server.address());
    let ended = client.run_with("2\n7\nprime\n1\nA\n3\n");
    server.is_content();
    assert_eq!(
        ended.stdout,
        "{\"ok\":true,\"received\":\"Pri\\u001bme\"}\n{\"ok\":true,\"received\":\"\"}\n"
    );
    assert_eq!(ended.status, Some(3));
}

#[test]
fn what_would_move_the_cursor_is_made_visible() {
    let server = printed(vec![vec![Hears("A"), Says("\u{1b}[2J"), HearsTheEnd]]);
    let client = labclient(&["handout", "text-session"]).at(&server.address());
    let ended = client.run_with("A\n");
    server.is_content();
    assert_eq!(ended.stdout, "\\u{1b}[2J\n");
}

#[test]
fn in_a_share_of_requests_the_bank_is_called_and_told_nothing() {
    let server = printed(vec![vec![HearsTheEnd], vec![HearsTheEnd]]);
    let client = labclient(&["handout", "atm-card", "--error-rate", "100"]).at(&server.address());
    let ended = client.run_with("2\n7\n3\n7\n5\n6\n");
    server.is_content();
    assert_eq!(
        (ended.stdout.as_str(), ended.status),
        ("ERROR\nERROR\n", Some(0))
    );
    assert!(
        ended.stderr.starts_with("drawing at random: --seed "),
        "{ended:?}"
    );
}

#[test]
fn the_same_seed_leaves_out_the_same_requests() {
    let typed = "2\n7\n".repeat(20) + "6\n";
    let outcomes = [1, 1, 2].map(|seed: u32| {
        let server = crate::printed::serving(|listener| {
            for _ in 0..20 {
                use std::io::{Read, Write};
                let mut stream = crate::printed::accept(listener);
                let mut request = [0; 1024];
                if stream.read(&mut request).unwrap() > 0 {
                    stream.write_all(b"BALANCE_ACK 1").unwrap();
                }
            }
        });
        let client = labclient(&["handout", "atm-card", "--error-rate", "50"])
            .with(&["--seed", &seed.to_string()])
            .at(&server.address());
        let ended = client.run_with(&typed);
        server.is_content();
        assert_eq!(ended.status, Some(0), "{ended:?}");
        assert_eq!(ended.stdout.lines().count(), 20);
        ended.stdout
    });
    assert_eq!(outcomes[0], outcomes[1]);
    assert_ne!(outcomes[0], outcomes[2]);
    assert!(outcomes[0].contains("ERROR") && outcomes[0].contains("BALANCE_ACK 1"));
}
