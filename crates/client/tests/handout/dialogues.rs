//! The exchanges over TCP that go the same way every time: to their end, in pieces, and cut off at
//! every step.

use crate::bare_servers::unused_address;
use crate::labclient::pipe;
use crate::printed::{printed, printed_bytewise};

/// What is typed into the printed client, what goes over the wire, and what is shown.
struct Dialogue {
    name: &'static str,
    typed: &'static str,
    connections: &'static [&'static str],
    shown: &'static str,
}

const DIALOGUES: [Dialogue; 11] = [
    Dialogue {
        name: "text-session",
        typed: "HELLO Wörld\n97 prime\n98 prime\n010 palindrome\n12 palindrome\n7 cube\n  A \n",
        connections: &["C: HELLO Wörld\nS: hello wörld\nC: 97 prime\n\
                S: It is a prime number.\nC: 98 prime\n\
                S: It is not a prime number.\nC: 010 palindrome\n\
                S: It is palindrome.\nC: 12 palindrome\n\
                S: It is not palindrome.\nC: 7 cube\n\
                S: Operation not available\nC:   A \nS:   a "],
        shown: "hello wörld\nIt is a prime number.\nIt is not a prime number.\n\
                    It is palindrome.\nIt is not palindrome.\nOperation not available\n  a \n",
    },
    Dialogue {
        name: "text-menu",
        typed: "1\nHELLO World\n2\n97\nprime\nx\n2\n-5\npalindrome\n2\n7\ncube\n3\n",
        connections: &[
            "C: convert HELLO World\nS: hello\nS closes",
            "C: check 97 prime\nS: Prime\nS closes",
            "C: check -5 palindrome\nS: Not Palindrome\nS closes",
            "C: check 7 cube\nS: Invalid request\nS closes",
        ],
        shown: "Response: hello\nResponse: Prime\nResponse: Not Palindrome\n\
                    Response: Invalid request\n",
    },
    Dialogue {
        name: "atm-card",
        typed: "1\n123456789\n1234\n2\n123456789\n3\n123456789\n500\n\
                    4\n555\nAnn\n99\n7\n5\n555\n-3\n6\n",
        connections: &[
            "C: VERIFY_CARD_AND_PASSWORD 123456789 1234\n\
                S: VERIFY_ACK SUCCESS\nS closes",
            "C: BALANCE_INQUIRY 123456789\nS: BALANCE_ACK 10000\nS closes",
            "C: WITHDRAW 123456789 500\n\
                S: WITHDRAW_ACK SUCCESS Withdrawn 500 successfully\nS closes",
            "C: CREATE_ACCOUNT 555 Ann 99 7\n\
                S: CREATE_ACCOUNT_ACK SUCCESS Account created successfully\n\
                S closes",
            "C: DEPOSIT 555 -3\nS: DEPOSITE_ACK FAILURE Invalid amount\n\
                S closes",
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
        connections: &["C: Knock Knock..\nS: Whose there?\nS closes"],
        shown: "Whose there?\n",
    },
    Dialogue {
        name: "calculator",
        typed: "Ann\n12 + 13\n12(10\n1 / 3\n1 / 0\n-2. * .5\nq\n",
        connections: &[
            "C: Ann\nC: 12 + 13\nS: 25.0\nC: 1 / 3\nS: 0.3333333333333333\n\
                C: 1 / 0\nS: Invalid expression\nC: -2. * .5\nS: -1.0\nC: q\n\
                S closes",
        ],
        shown: "25.0\n0.3333333333333333\nInvalid expression\n-1.0\n",
    },
    Dialogue {
        name: "greeting",
        typed: "",
        connections: &["S: Socket programming in python\nS closes"],
        shown: "Socket programming in python\n",
    },
    Dialogue {
        name: "sixteen",
        typed: "",
        connections: &["C: Hello!! Server!!\nS: BYE BYE CLIENT...\nS closes"],
        shown: "BYE BYE CLIENT..\n",
    },
    Dialogue {
        name: "length-prefix",
        typed: "hello\n\nwörld\n",
        connections: &[
            "C: 005hello\nS: 017BYE BYE CLIENT...\nS closes",
            "C: 000\nS: 017BYE BYE CLIENT...\nS closes",
            "C: 006wörld\nS: 017BYE BYE CLIENT...\nS closes",
        ],
        shown: "BYE BYE CLIENT...\nBYE BYE CLIENT...\nBYE BYE CLIENT...\n",
    },
    Dialogue {
        name: "echo",
        typed: "",
        connections: &["C: Hello, world\nS: Hello, world"],
        shown: "Hello, world\n",
    },
    Dialogue {
        name: "accepted",
        typed: "hi\nthere \ncLose\n",
        connections: &["C: hi\nS: accepted\nC: there \nS: accepted\nC: cLose\n\
                S: closed\nS closes"],
        shown: "Received: accepted\nReceived: accepted\nReceived: closed\n",
    },
    Dialogue {
        name: "textbook-atm",
        typed: "Eve\nJoty\n9999\nJoty\n1234\n1\n2\n20.50\nx\n2\n99999\n3\n",
        connections: &[r"C: HELO Eve\n
S: 401 ERROR!\n
C: HELO Joty\n
S: 500 AUTH REQUIRED!\n
C: PASSWD 9999\n
S: 401 ERROR!\n
C: HELO Joty\n
S: 500 AUTH REQUIRED!\n
C: PASSWD 1234\n
S: 525 OK!\n
C: BALANCE\n
S: AMOUNT:10000\n
C: WITHDRAWL 20.50\n
S: 525 OK!\n
C: WITHDRAWL 99999\n
S: 401 ERROR!\n
C: BYE\n
S: BYE\n
S closes"],
        shown: "401 ERROR!\n500 AUTH REQUIRED!\n401 ERROR!\n500 AUTH REQUIRED!\n525 OK!\n\
                AMOUNT:10000\n525 OK!\n401 ERROR!\nBYE\n",
    },
];

#[test]
fn what_is_typed_goes_over_the_wire_as_printed_and_what_is_said_is_shown() {
    for dialogue in DIALOGUES {
        for server in [printed, printed_bytewise] {
            let server = server(dialogue.connections);
            let ended = server.run(&["handout", dialogue.name], dialogue.typed);
            ended.exited(0, dialogue.shown);
        }
    }
}

#[test]
fn a_server_that_closes_instead_of_answering_is_reported_with_a_status() {
    for Dialogue {
        name,
        typed,
        connections,
        ..
    } in DIALOGUES
    {
        let answers = connections.concat().matches("S: ").count();
        for kept in 0..answers {
            let (connections, asked) = cut_after(connections, kept);
            let connections: Vec<_> = connections.iter().map(String::as_str).collect();
            let ended = printed(&connections).run(&["handout", name], typed);
            let expected = match name {
                // The money may have gone.
                "atm-card" if asked.starts_with("VERIFY") || asked.starts_with("BALANCE") => 3,
                "atm-card" => 4,
                "textbook-atm" if asked.starts_with("WITHDRAWL") => 4,
                // Not what the script says.
                "knock-knock" | "accepted" | "greeting" | "sixteen" | "length-prefix" => 5,
                _ => 3,
            };
            ended.complained(expected, &[]);
            // A menu shows an empty answer as one.
            let is_menu = matches!(name, "text-menu" | "atm-card");
            assert_eq!(ended.stdout.lines().count(), kept + usize::from(is_menu));
            let words = [
                "closed the connection",
                "the end of the connection",
                "nothing listens",
            ];
            let is_named = words.iter().any(|words| ended.stderr.contains(words));
            assert!(is_named && !ended.stderr.contains("panicked"), "{ended:?}");
        }
    }
}

/// These conversations up to where the server would say the next thing after so many, where it closes
/// instead; and what it is asked there.
fn cut_after<'a>(connections: &[&'a str], kept: usize) -> (Vec<String>, &'a str) {
    let (mut said, mut asked, mut cut) = (0, "", Vec::new());
    for connection in connections {
        cut.push(String::new());
        for line in connection.lines() {
            let conversation = cut.last_mut().unwrap();
            match line.split_once(": ") {
                Some(("S", _)) if said == kept => {
                    *conversation += "S closes";
                    return (cut, asked);
                }
                Some(("S", _)) => said += 1,
                Some((_, text)) => asked = text,
                None => {}
            }
            *conversation += &format!("{line}\n");
        }
    }
    panic!("fewer than {kept} answers in {connections:?}")
}

#[test]
fn a_server_that_is_not_there_is_named_by_its_hand_out() {
    for Dialogue { name, typed, .. } in DIALOGUES {
        let words = format!("is `labserver --handout {name}` running?");
        let unused = unused_address();
        pipe(&unused, &["handout", name], typed).complained(3, &[&words]);
    }
}
