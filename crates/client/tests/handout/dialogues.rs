//! The exchanges over TCP that go the same way every time: to their end, in pieces, and cut off at
//! every step.

use testkit::process::Ended;

use crate::labclient::at;
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
        let client = at(&server, &["handout", self.name]);
        let ended = client.run_with(self.typed);
        server.finish();
        ended
    }
}

#[test]
fn what_is_typed_goes_over_the_wire_as_printed_and_what_is_said_is_shown() {
    for dialogue in dialogues() {
        let shown = dialogue.shown;
        let ended = dialogue.run();
        ended.exited(0, shown);
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
        let shown = dialogue.shown;
        let ended = dialogue.run();
        ended.exited(0, shown);
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
                "knock-knock" | "accepted" | "greeting" | "sixteen" | "length-prefix" => 5,
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
        let client = at(&address, &["handout", name]);
        let ended = client.run_with(dialogue.typed);
        let words = format!("is `labserver --handout {name}` running?");
        ended.complained(3, &[&words]);
    }
}
