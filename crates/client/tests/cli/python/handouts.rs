//! `labclient handout` with the hand-outs' servers in Python: each says what is printed.

use std::io::{Read, Write};
use std::time::Instant;

use proto::handout::Handout;
use proto::mode::Transport;
use testkit::TEST_TIMEOUT;
use testkit::assert_contains;
use testkit::process::{Ended, Process, Program};

use super::server;
use crate::labclient::at;

/// Where the Python halves of a hand-out are.
pub fn file_of(handout: Handout) -> String {
    match handout {
        // A file of that name would hide Python's own module.
        Handout::Datetime => "handout/datetime_udp.py".to_owned(),
        handout => format!("handout/{}.py", handout.name().replace('-', "_")),
    }
}

fn serve(handout: Handout) -> Process {
    server(&file_of(handout), &["server"])
}

fn client(handout: Handout, server: &Process, arguments: &[&str]) -> Program {
    let transport = match handout.transport() {
        Transport::Tcp => "tcp",
        Transport::Udp => "udp",
    };
    at(
        server.address(&format!("{} {transport}", handout.name())),
        &["handout", handout.name()],
    )
    .with(arguments)
}

/// Runs the client, again while only a pause was too short: it is all that keeps a name apart from
/// what is sent behind it, and on a busy machine both may be read as one. Then neither side speaks.
fn run_apart(handout: Handout, server: &Process, arguments: &[&str], typed: &str) -> Ended {
    let by = Instant::now() + TEST_TIMEOUT;
    loop {
        let client = client(handout, server, arguments).with(&["--timeout", "5"]);
        let ended = client.run_with(typed);
        if !ended.stderr.contains("did not come within") || Instant::now() > by {
            return ended;
        }
    }
}

/// Hand-outs whose answers are known to the byte: what is typed, what comes out.
const SAID: [(Handout, &str, &str); 13] = [
    (
        Handout::TextSession,
        "HELLO  World\n97 prime\n561 prime\n010 palindrome\n12 palindrome\n97 square\n",
        "hello  world\nIt is a prime number.\nIt is not a prime number.\nIt is palindrome.\n\
         It is not palindrome.\nOperation not available\n",
    ),
    (
        Handout::TextMenu,
        "1\nHELLO WORLD\n2\n97\nprime\n2\n007\npalindrome\n2\n-5\npalindrome\n3\n",
        "Response: hello\nResponse: Prime\nResponse: Palindrome\nResponse: Not Palindrome\n",
    ),
    (
        Handout::AtmCard,
        "1\n123456789\n1234\n1\n123456789\n0000\n3\n123456789\n500\n\
         3\n123456789\n99999999999999999999\n\
         5\n123456789\n20\n2\n123456789\n4\n5550001111\nAda\n2468\n100\n2\n5550001111\n6\n",
        "Response from bank server: VERIFY_ACK SUCCESS\n\
         Response from bank server: VERIFY_ACK FAILURE\n\
         Response from bank server: WITHDRAW_ACK SUCCESS Withdrawn 500 successfully\n\
         Response from bank server: WITHDRAW_ACK FAILURE Insufficient funds\n\
         Response from bank server: DEPOSIT_ACK SUCCESS Amount deposited successfully\n\
         Response from bank server: BALANCE_ACK 9520\n\
         Response from bank server: CREATE_ACCOUNT_ACK SUCCESS Account created successfully\n\
         Response from bank server: BALANCE_ACK 100\n",
    ),
    (Handout::Joke, "", "Ok\n"),
    (Handout::KnockKnock, "", "Whose there?\n"),
    (
        Handout::Calculator,
        "Adarsh\n12 + 42\n0.1 + 0.2\n5 / 0\n-7 / 2\n1 / 3\nq\n",
        "54.0\n0.30000000000000004\nInvalid expression\n-3.5\n0.3333333333333333\n",
    ),
    (Handout::Greeting, "", "Socket programming in python\n"),
    (Handout::Sixteen, "", "BYE BYE CLIENT..\n"),
    (
        Handout::LengthPrefix,
        "hello\n\nbye\n",
        "BYE BYE CLIENT...\nBYE BYE CLIENT...\nBYE BYE CLIENT...\n",
    ),
    (Handout::Echo, "", "Hello, world\n"),
    (
        Handout::Accepted,
        "hello\nclosed\nClOsE\n",
        "Received: accepted\nReceived: accepted\nReceived: closed\n",
    ),
    (Handout::Udp, "", ""),
    (
        Handout::TextbookAtm,
        "Eve\n1\nJoty\n9999\nJoty\n1234\n2\n20.50\n2\n99999\n2\n-5\n1\n3\n",
        "500 AUTH REQUIRED!\n401 ERROR!\n500 AUTH REQUIRED!\n401 ERROR!\n\
         500 AUTH REQUIRED!\n525 OK!\n525 OK!\n401 ERROR!\n401 ERROR!\nAMOUNT:9979.50\nBYE\n",
    ),
];

#[test]
fn each_server_answers_as_printed_and_more_than_once() {
    testkit::require_python!();
    for (handout, typed, printed) in SAID {
        let name = handout.name();
        let server = serve(handout);
        let ended = run_apart(handout, &server, &[], typed);
        ended.exited(0, printed);
        let again = run_apart(handout, &server, &[], typed);
        assert_eq!(again.status, Some(0), "{name}: {again:?}");
    }
}

#[test]
fn words_beyond_those_that_are_looked_at_are_ignored() {
    testkit::require_python!();
    for (handout, request, answer) in [
        (Handout::TextMenu, "check 7 prime please", "Prime"),
        (Handout::TextMenu, "convert HELLO WORLD", "hello"),
        (
            Handout::AtmCard,
            "BALANCE_INQUIRY 987654321 now",
            "BALANCE_ACK 5000",
        ),
        (Handout::AtmCard, "BALANCE_INQUIRY", ""),
        (Handout::AtmCard, "BALANCE 987654321", ""),
    ] {
        let server = serve(handout);
        let mut stream = server.connect(&format!("{} tcp", handout.name()));
        stream.write_all(request.as_bytes()).unwrap();
        let mut said = String::new();
        stream.read_to_string(&mut said).unwrap();
        assert_eq!(said, answer, "{request}");
    }
}

#[test]
fn the_read_me_names_every_hand_out_and_its_file() {
    let read_me = include_str!("../../../../../examples/python/README.md");
    for handout in Handout::ALL {
        let (file, name) = (file_of(handout), handout.name());
        let row =
            format!("| `{file}` | `labclient handout {name}` | `labserver --handout {name}` |");
        assert!(read_me.contains(&row), "{row}");
    }
}

#[test]
fn the_cash_machine_is_served_and_its_money_adds_up() {
    testkit::require_python!();
    let server = serve(Handout::AtmLogin);
    let arguments = ["--operations", "20", "--seed", "7"];
    let typed = "jamal\nwrong\njamal\n4321\n";
    let ended = run_apart(Handout::AtmLogin, &server, &arguments, typed);
    assert_eq!(ended.status, Some(0), "{ended:?}");
    // The balance follows from what the machine was answered at each operation.
    let (mut cents, mut balances) = (50_000_000, 0);
    for line in ended.stdout.lines() {
        let words: Vec<_> = line.split([' ', ':']).collect();
        let amount = |word: &str| (word.parse::<f64>().unwrap() * 100.0).round() as i64;
        match words[..] {
            ["withdraw", moved, "OK", ..] => cents -= amount(moved),
            ["deposit", moved, "OK", ..] => cents += amount(moved),
            ["balance", shown, ..] => {
                assert_eq!(amount(shown), cents, "{line}");
                balances += 1;
            }
            _ => {}
        }
    }
    assert!(balances > 10, "{ended:?}");
    assert!(ended.stdout.contains("ROLLED_BACK"), "{ended:?}");
}

#[test]
fn the_date_and_the_time_are_shown() {
    testkit::require_python!();
    let server = serve(Handout::Datetime);
    let arguments = ["--count", "4", "--gap", "0.001..0.002"];
    let ended = client(Handout::Datetime, &server, &arguments).run();
    assert_eq!(ended.status, Some(0), "{ended:?}");
    assert_eq!(ended.stdout.lines().count(), 4, "{ended:?}");
    for line in ended.stdout.lines() {
        let form = line.replace(|c: char| c.is_ascii_digit(), "9");
        assert!(["9999-99-99", "99:99:99"].contains(&&*form), "{line}");
    }
}

#[test]
fn chat_members_hear_what_the_others_say() {
    testkit::require_python!();
    let server = serve(Handout::Chat);
    let mut joty = client(Handout::Chat, &server, &[]).start();
    joty.write_line("Joty");
    // The server confirms no name, but a member receives that others come and go.
    let by = Instant::now() + TEST_TIMEOUT;
    let mut heard = String::new();
    while !heard.contains("Probe") {
        client(Handout::Chat, &server, &[]).run_with("Probe\nquit\n");
        heard = joty.stdout.so_far();
        assert!(Instant::now() < by, "{heard}");
    }
    // Again while name and line were read as one, by another name: the last one may still be there.
    let mut names = (1..).map(|number| format!("Adarsh {number}"));
    let name = loop {
        assert!(Instant::now() < by, "{heard}");
        let name = names.next().unwrap();
        let lines = format!("{name}\nhello,  Joty\nquit\n");
        let adarsh = client(Handout::Chat, &server, &[]).run_with(lines);
        assert_eq!(adarsh.status, Some(0), "{adarsh:?}");
        heard = joty.stdout.so_far();
        if heard.contains(&format!("{name}: hello,  Joty")) {
            break name;
        }
    };
    while !heard.contains(&format!("{name} has left the chat.")) {
        heard += &joty.stdout.next();
    }
    assert_contains(&heard, &[&format!("{name} has joined the chat.")]);
    joty.write_line("quit");
    let ended = joty.end();
    assert_eq!(ended.status, Some(0), "{ended:?}");
}
