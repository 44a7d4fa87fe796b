//! Servers with a mind of their own: a Python client says what is wrong, and runs nothing.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::thread;

use testkit::TEST_TIMEOUT;

use super::program;

/// Says the first of these, and each other one after having read something; then goes on reading
/// until the client goes.
fn says(words: Vec<Vec<u8>>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.set_read_timeout(Some(TEST_TIMEOUT)).unwrap();
        for (turn, words) in words.iter().enumerate() {
            if turn > 0 && stream.read(&mut [0; 1024]).unwrap_or(0) == 0 {
                return;
            }
            let _ = stream.write_all(words);
        }
        let _ = stream.read_to_end(&mut Vec::new());
    });
    address
}

#[test]
fn a_client_waits_for_no_message_that_breaks_its_framing() {
    testkit::require_python!();
    for (wire, bytes, why) in [
        ("netstring", &b"65537:"[..], "more than 65536"),
        ("netstring", b"999999999:", "at most 65536"),
        ("netstring", b"+2:hi,", "is no length"),
        ("netstring", b" 2:hi,", "is no length"),
        ("netstring", b"1_0:", "is no length"),
        ("netstring", "٢:hi,".as_bytes(), "is no length"),
        ("netstring", b"02:hi,", "is no length"),
        ("netstring", b":,", "is no length"),
        ("netstring", b"2:hi;", "no comma"),
        ("netstring", b"2:\xff\xff,", "not UTF-8"),
        ("len3", b"256", "more than 255"),
        ("len3", b"-12", "is no length"),
        ("len3", b" 12", "is no length"),
        ("line", &[b'x'; 70_000], "too long"),
    ] {
        let address = says(vec![bytes.to_vec()]).to_string();
        let client = ["--server", &address, "--wire", wire, "prime", "7"];
        let ended = program("text_client.py", &client).end_after("");
        ended.complained(1, &[why]);
        assert!(!ended.stderr.contains("Traceback"), "{ended:?}");
    }
}

#[test]
fn what_a_server_says_cannot_move_the_cursor() {
    testkit::require_python!();
    let answers = ["12:READY text 1,", "10:OK \x1b[2J\u{202e},", "6:OK bye,"];
    let address = says(answers.map(|answer| answer.as_bytes().to_vec()).to_vec());
    let address = address.to_string();
    program("text_client.py", &["--server", &address, "lower", "X"])
        .end_after("")
        .exited(0, "\\u{1b}[2J\\u{202e}\n");
}

/// The printed bank, which answers the first amount with these bytes.
fn bank(pickle: Vec<u8>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.set_read_timeout(Some(TEST_TIMEOUT)).unwrap();
        let (mut message, mut is_balance) = ([0; 1024], false);
        while let Ok(length @ 1..) = stream.read(&mut message) {
            let answer = match &message[..length] {
                b"jamal" => b"",
                // On a busy machine the two sends of a log-in may arrive as one.
                b"4321" | b"jamal4321" => &b"LOGGED_IN"[..],
                b"LOGGED_IN" | b"BALANCE" => b"menu",
                choice @ (b"1" | b"2" | b"3") => {
                    is_balance = choice == b"1";
                    b"VALID_OPTION"
                }
                b"VALID_OPTION" if is_balance => b"500000.0",
                b"VALID_OPTION" => b"AMOUNT",
                _ => &pickle,
            };
            let _ = stream.write_all(answer);
        }
    });
    address
}

#[test]
fn a_pickle_that_is_a_program_is_not_run() {
    testkit::require_python!();
    let home = tempfile::tempdir().unwrap();
    let harm = home.path().join("harm");
    // What pickle.dumps makes of an object whose __reduce__ is (os.mkdir, (path,)).
    let path = harm.to_str().unwrap();
    let run = format!("cos\nmkdir\n(V{path}\ntR.").into_bytes();
    let memory = b"\x80\x04Nr\xff\xff\xff\x7f.".to_vec();
    let list = b"\x80\x04].".to_vec();
    let torn = b"\x80\x04\x95\xff\xff\xff\xff\xff\xff\xff\x7f}".to_vec();
    for pickle in [run, memory, list, torn, Vec::from("no pickle")] {
        let address = bank(pickle).to_string();
        let client = ["client", "--server", &address, "--operations", "9"];
        let ended = program("handout/atm_login.py", &client).end_after("jamal\n4321\n");
        ended.complained(1, &["no pickle of an answer"]);
        assert!(!ended.stderr.contains("Traceback"), "{ended:?}");
        assert!(!harm.exists());
    }
}
