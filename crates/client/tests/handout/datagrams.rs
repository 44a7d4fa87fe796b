//! The hand-outs over UDP.

use std::net::{SocketAddr, UdpSocket};
use std::thread;

use testkit::TEST_TIMEOUT;
#[cfg(unix)]
use testkit::process::Signal;
use testkit::process::words;

use crate::labclient::{at, labclient, run};

const JOKE: &[u8] = b"I could tell you a UDP joke but I'm not sure you'll get it.";

fn socket() -> (UdpSocket, String) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(TEST_TIMEOUT)).unwrap();
    let address = socket.local_addr().unwrap().to_string();
    (socket, address)
}

fn receive(socket: &UdpSocket) -> (Vec<u8>, SocketAddr) {
    let mut datagram = [0; 2048];
    let (length, from) = socket.recv_from(&mut datagram).unwrap();
    (datagram[..length].to_vec(), from)
}

#[test]
fn a_joke_that_was_lost_is_reported_again() {
    let (socket, address) = socket();
    let server = thread::spawn(move || {
        // The first is lost.
        assert_eq!(receive(&socket).0, JOKE);
        let (again, from) = receive(&socket);
        assert_eq!(again, JOKE);
        socket.send_to(b"Ok", from).unwrap();
    });
    run(&address, &["handout", "joke", "--timeout", "8"]).printed("Ok\n");
    server.join().unwrap();
}

#[test]
fn another_answer_than_the_printed_one_is_status_5() {
    let (socket, address) = socket();
    let server = thread::spawn(move || {
        let (_, from) = receive(&socket);
        socket.send_to(b"No", from).unwrap();
    });
    let client = at(&address, &["handout", "joke"]);
    let words = format!("{address}: expected \"Ok\", got \"No\"");
    let hex = "                4e 6f";
    client.run().failed_with(5, &words, &[hex]);
    server.join().unwrap();
}

#[test]
fn a_datagram_is_sent_and_nothing_awaited() {
    let (socket, address) = socket();
    run(&address, &["handout", "udp"]).printed("");
    assert_eq!(receive(&socket).0, b"Hello, world");
    socket.set_nonblocking(true).unwrap();
    assert!(socket.recv(&mut [0; 16]).is_err(), "one datagram");
}

#[test]
fn date_and_time_are_asked_at_random_and_q_is_said_last() {
    let (socket, address) = socket();
    let server = thread::spawn(move || {
        let mut asked = [0, 0];
        loop {
            let (question, from) = receive(&socket);
            let (kind, answers) = match &question[..] {
                b"SEND_DATE" => (0, ["23:59:59", "2024-02-29"]),
                b"SEND_TIME" => (1, ["2024-02-29", "23:59:59"]),
                b"q" => break asked,
                other => panic!("{other:?}"),
            };
            asked[kind] += 1;
            // A late answer to the other question comes first.
            for answer in answers {
                socket.send_to(answer.as_bytes(), from).unwrap();
            }
        }
    });
    let client = labclient(&["handout", "datetime", "--gap", "0.001..0.002"])
        // So long that nothing is asked twice, however busy the machine is.
        .with(&["--count", "40", "--seed", "1", "--timeout", "600"])
        .at(&address);
    let ended = client.run();
    let [dates, times] = server.join().unwrap();
    assert_eq!(ended.status, Some(0), "{ended:?}");
    assert_eq!(ended.stderr, "drawing at random: --seed 1\n");
    assert!(dates > 0 && times > 0 && dates + times == 40);
    let shown = |line| ended.stdout.lines().filter(|shown| *shown == line).count();
    assert_eq!((shown("2024-02-29"), shown("23:59:59")), (dates, times));
}

#[test]
fn a_lost_answer_is_reported_and_the_next_one_asked_for() {
    let (socket, address) = socket();
    let server = thread::spawn(move || {
        loop {
            // Whatever is asked is not answered.
            if receive(&socket).0 == b"q" {
                break;
            }
        }
    });
    let ended = run(
        &address,
        &words("handout datetime --gap 0.001..0.001 --count 2 --timeout 0.2"),
    );
    server.join().unwrap();
    ended.exited(3, "");
    assert_eq!(
        ended.stderr.matches("no answer to 4 tries").count(),
        2,
        "{ended:?}"
    );
}

#[test]
fn a_server_that_is_not_there_is_named_by_its_hand_out() {
    for (name, arguments) in [
        ("joke", &[][..]),
        ("udp", &[]),
        ("datetime", &["--count", "1"]),
    ] {
        let (socket, address) = socket();
        drop(socket);
        let ended = run(
            &address,
            &[&["handout", name][..], arguments, &["--timeout", "0.5"]].concat(),
        );
        let words = format!("is `labserver --handout {name}` running?");
        ended.complained(3, &[&words]);
    }
}

#[cfg(unix)]
#[test]
fn ctrl_c_says_q_and_ends_well() {
    let (socket, address) = socket();
    // Far apart, so that it is waiting.
    let client = at(&address, &["handout", "datetime", "--gap", "1000..1000"]).start();
    let (_, from) = receive(&socket);
    socket.send_to(b"Invalid request", from).unwrap();
    assert_eq!(client.stdout.next(), "Invalid request\n");
    client.signal(Signal::INT);
    assert_eq!(receive(&socket).0, b"q");
    assert_eq!(client.end_by_itself().status, Some(0));
}
