//! The hand-outs' clients in Python against `labserver --handout`: each gets what is printed.

use std::net::SocketAddr;
use std::time::Instant;

use proto::handout::{Handout, Implementation};
use proto::mode::{Mode, Transport};
use testkit::TEST_TIMEOUT;
use testkit::process::words;
use testkit::process::{Ended, Process};

use super::program;
use crate::labserver::{Home, start};

fn server(handout: &str) -> Process {
    start(&["--handout", handout, "--port", "0"])
}

/// A server says where its service listens, whatever the service's wording.
fn address_of(server: &Process, handout: &str) -> SocketAddr {
    let handout = Handout::parse(handout).unwrap();
    let service = match handout.implementation() {
        Implementation::Service(mode) => mode.name(),
        Implementation::Script(_) => Mode::Script.name(),
    };
    let transport = match handout.transport() {
        Transport::Tcp => "tcp",
        Transport::Udp => "udp",
    };
    server.address(&format!("{service} {transport}"))
}

fn client(file: &str, address: SocketAddr, arguments: &[&str]) -> Process {
    let address = address.to_string();
    let fixed = ["client", "--server", &address];
    program(&format!("handout/{file}"), &[&fixed, arguments].concat())
}

/// Runs the client, again while only a pause was too short: it is all that keeps a name apart from
/// what is sent behind it, and on a busy machine both may be read as one. Then neither side speaks.
fn end_apart(file: &str, address: SocketAddr, arguments: &[&str], typed: &str) -> Ended {
    let arguments = [&["--timeout", "5"], arguments].concat();
    let by = Instant::now() + TEST_TIMEOUT;
    loop {
        let ended = client(file, address, &arguments).end_after(typed);
        if !ended.stderr.contains("timed out") || Instant::now() > by {
            return ended;
        }
    }
}

/// Hand-outs over TCP whose answers are known to the byte: the file, what is typed, what comes out.
const SAID: [(&str, &str, &str, &str); 10] = [
    (
        "text-session",
        "text_session.py",
        "HELLO  World\n97 prime\n561 prime\n010 palindrome\n12 palindrome\n97 square\n",
        "hello  world\nIt is a prime number.\nIt is not a prime number.\nIt is palindrome.\n\
         It is not palindrome.\nOperation not available\n",
    ),
    (
        "text-menu",
        "text_menu.py",
        "1\nHELLO WORLD\n2\n97\nprime\n2\n007\npalindrome\n2\n-5\npalindrome\n4\n2\nx\ny\n3\n",
        "Response: hello\nResponse: Prime\nResponse: Palindrome\nResponse: Not Palindrome\n\
         Response: Invalid request\n",
    ),
    (
        "atm-card",
        "atm_card.py",
        "1\n123456789\n1234\n1\n123456789\n0000\n3\n123456789\n500\n3\n123456789\n10000\n\
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
    ("knock-knock", "knock_knock.py", "", "Whose there?\n"),
    (
        "calculator",
        "calculator.py",
        "Adarsh\n12 + 42\n0.1 + 0.2\n12(10\n-.5 + 1\n5 / 0\n1e5 * 2\n-7 / 2\n.5 * 1e\n.5 * 3.\nq\n",
        "54.0\n0.30000000000000004\nInvalid expression\n-3.5\n1.5\n",
    ),
    (
        "greeting",
        "greeting.py",
        "",
        "Socket programming in python\n",
    ),
    ("sixteen", "sixteen.py", "", "BYE BYE CLIENT..\n"),
    ("echo", "echo.py", "", "Hello, world\n"),
    (
        "accepted",
        "accepted.py",
        "hello\nclosed\nClOsE\nmore\n",
        "Received: accepted\nReceived: accepted\nReceived: closed\n",
    ),
    (
        "textbook-atm",
        "textbook_atm.py",
        "Eve\n1\n123456789\n1234\n2\n20.50\n2\n99999\n2\n-5\n1\n4\n3\n",
        "500 AUTH REQUIRED!\n401 ERROR!\n500 AUTH REQUIRED!\n525 OK!\n525 OK!\n401 ERROR!\n\
         401 ERROR!\nAMOUNT:9979.50\nBYE\n",
    ),
];

#[test]
fn each_client_over_tcp_is_answered_as_printed() {
    testkit::require_python!();
    for (handout, file, typed, printed) in SAID {
        let server = server(handout);
        let ended = end_apart(file, address_of(&server, handout), &[], typed);
        ended.exited(0, printed);
    }
}

#[test]
fn a_message_of_any_length_that_three_digits_and_a_frame_take_is_answered() {
    testkit::require_python!();
    let server = server("length-prefix");
    let longest = "x".repeat(255);
    let lines = format!("hello\n\n{longest}\n{longest}x\n");
    let ended = client(
        "length_prefix.py",
        address_of(&server, "length-prefix"),
        &[],
    );
    let ended = ended.end_after(&lines);
    ended.exited(0, "BYE BYE CLIENT...\n".repeat(3));
    assert!(ended.stderr.contains("at most 255 octets"), "{ended:?}");
}

#[test]
fn the_cash_machine_measures_a_hundred_operations_and_the_ledger_is_sound() {
    testkit::require_python!();
    let home = Home::new();
    let bank = words("--handout atm-login --port 0 --ledger login.db");
    let server = home.start(&bank);
    let address = address_of(&server, "atm-login");
    let typed = "jamal\nwrong\njamal\n4321\n";
    let ended = end_apart("atm_login.py", address, &["--operations", "10"], typed);
    assert_eq!(ended.status, Some(0), "{ended:?}");
    let lines: Vec<_> = ended.stdout.lines().collect();
    let averages = lines.iter().filter(|line| line.starts_with("Avg time = "));
    assert_eq!(averages.count(), 10, "{ended:?}");
    assert_eq!(lines[0], "WRONG_CRED");
    assert_eq!(lines.len(), 1 + 10 * 11 + 1, "{ended:?}");
    // It leaves with the menu unread; the next one is served all the same.
    let again = client("atm_login.py", address, &["--operations", "1"]);
    assert_eq!(again.end_after("jamal\n4321\n").status, Some(0));
    drop(server);
    let audit = home.answer(&["ledger", "--ledger", "login.db", "audit"]);
    assert!(audit.contains("sound"), "{audit}");
}

#[test]
fn datagrams_are_answered_where_the_hand_out_says_so() {
    testkit::require_python!();
    let joke = server("joke");
    client("joke.py", address_of(&joke, "joke"), &[])
        .end_after("")
        .exited(0, "Ok\n");

    let clock = server("datetime");
    let watch = ["--count", "4", "--gap", "0..0"];
    let ended = client("datetime_udp.py", address_of(&clock, "datetime"), &watch).end_after("");
    assert_eq!(ended.status, Some(0), "{ended:?}");
    assert_eq!(ended.stdout.lines().count(), 4, "{ended:?}");
    for line in ended.stdout.lines() {
        let form = line.replace(|c: char| c.is_ascii_digit(), "9");
        assert!(["9999-99-99", "99:99:99"].contains(&&*form), "{line}");
    }

    let silent = server("udp");
    client("udp.py", address_of(&silent, "udp"), &[])
        .end_after("")
        .exited(0, "");
}

#[test]
fn chat_members_hear_what_the_others_say_and_not_themselves() {
    testkit::require_python!();
    let server = server("chat");
    let address = address_of(&server, "chat");
    let mut joty = client("chat.py", address, &[]);
    joty.write("Joty\n");
    // The server confirms no name, but a member receives that others come and go.
    let by = Instant::now() + TEST_TIMEOUT;
    while !joty.stdout.so_far().contains("Probe") {
        client("chat.py", address, &[]).end_after("Probe\nquit\n");
        assert!(Instant::now() < by, "{}", joty.stderr.so_far());
    }
    // Again while name and line were read as one, by another name: the last one may still be there.
    let mut names = (1..).map(|number| format!("Adarsh {number}"));
    let name = loop {
        assert!(Instant::now() < by, "{}", joty.stdout.so_far());
        let name = names.next().unwrap();
        let adarsh = client("chat.py", address, &[]);
        let lines = format!("{name}\nhello,  Joty\nquit\n");
        adarsh.end_after(&lines).exited(0, "");
        if joty
            .stdout
            .so_far()
            .contains(&format!("{name}: hello,  Joty"))
        {
            break name;
        }
    };
    joty.stdout.wait_for(&format!("{name} has left the chat."));
    let ended = joty.end_after("quit\n");
    assert_eq!(ended.status, Some(0), "{ended:?}");
    // Two that come at once may stand on one line: the wording has no borders.
    let joined = format!("{name} has joined the chat.");
    assert!(ended.stdout.contains(&joined), "{ended:?}");
}
