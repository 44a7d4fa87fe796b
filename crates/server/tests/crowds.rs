//! Crowds that take all places, and who still gets in. Each address of 127.0.0.0/8 stands for a
//! machine of its own, which only Linux gives away like that.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream, UdpSocket};
use std::thread;
use std::time::Instant;

use proto::frame::Framing;
use socket2::{Domain, Socket, Type};
use testkit::TEST_TIMEOUT;
use testkit::assert_contains;
use testkit::peer::Peer;
use testkit::process::Process;
use testkit::process::words;
use uuid::Uuid;

use crate::labserver::{CARD, Home, PIN, start};

/// A connection from the machine of this number.
fn connect_from(machine: u8, to: SocketAddr) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    let own = SocketAddr::from((Ipv4Addr::new(127, 0, 1, machine), 0));
    socket.bind(&own.into()).unwrap();
    socket.connect(&to.into()).unwrap();
    let stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(TEST_TIMEOUT)).unwrap();
    stream
}

/// A conversation that has received `READY`.
fn converse_from(machine: u8, server: &Process, service: &str) -> Peer {
    let stream = connect_from(machine, server.address(service));
    let mut peer = Peer::over(stream, Framing::Netstring);
    let ready = peer.receive().unwrap();
    assert!(ready.starts_with("READY "), "{ready}");
    peer
}

/// So many peers of one machine, each of which has sent this and received an answer.
fn crowd(count: usize, machine: u8, server: &Process, service: &str, say: &str) -> Vec<Peer> {
    let one = |number: usize| {
        let mut peer = converse_from(machine, server, service);
        let answer = peer.ask(&say.replace('#', &number.to_string()));
        assert!(answer.starts_with("OK "), "{answer}");
        peer
    };
    (0..count).map(one).collect()
}

fn text_with_places(places: &str) -> Process {
    start(&["--mode", "text", "--port", "0", "--max-connections", places])
}

#[test]
fn talkers_from_one_machine_keep_no_other_out() {
    let server = text_with_places("50");
    let _talkers = crowd(60, 1, &server, "text tcp", "PRIME 97");
    let mut other = converse_from(2, &server, "text tcp");
    assert_eq!(other.ask("PRIME 91"), "OK not prime");
    let _more = crowd(100, 1, &server, "text tcp", "PRIME 97");
    assert_eq!(other.ask("PRIME 91"), "OK not prime", "it is spared");
}

#[test]
fn a_class_behind_one_address_gets_in_beside_a_machine_that_takes_all_it_can() {
    let server = text_with_places("130");
    let _talkers = crowd(140, 1, &server, "text tcp", "PRIME 97");
    let mut class = crowd(60, 2, &server, "text tcp", "LOWER HELLO");
    let _more = crowd(140, 1, &server, "text tcp", "PRIME 97");
    for student in &mut class {
        assert_eq!(student.ask("PRIME 91"), "OK not prime");
    }
}

#[test]
fn sixty_clients_behind_one_address_with_five_connections_each_are_all_served() {
    const CLIENTS: usize = 60;
    let server = start(&words("--mode all --port 0 --ledger memory"));
    let connect = |service: &str| converse_from(1, &server, service);
    let clients = testkit::at_once(0..CLIENTS, |number| {
        let mut atm = connect("atm tcp");
        atm.ask(&format!("TERMINAL ATM-{number}"));
        let by = Instant::now() + TEST_TIMEOUT;
        let mut welcome = atm.log_in(CARD, PIN);
        // On a machine that is busy with other things, sixty hashes may take longer than a turn waits.
        while welcome.starts_with("ERR busy ") && Instant::now() < by {
            welcome = atm.log_in(CARD, PIN);
        }
        assert_eq!(welcome, "OK welcome Joty");
        let (text, mut calc, mut chat) = (
            connect("text tcp"),
            connect("calc tcp"),
            connect("chat tcp"),
        );
        assert!(
            calc.ask(&format!("HELLO student-{number}"))
                .starts_with("OK ")
        );
        assert!(
            chat.ask(&format!("JOIN student-{number}"))
                .starts_with("OK ")
        );
        let echo = connect_from(1, server.address("echo tcp"));
        (atm, text, calc, chat, echo)
    });
    // All 300 are open.
    for (mut atm, mut text, mut calc, mut chat, mut echo) in clients {
        assert!(atm.ask("BALANCE_INQUIRY").starts_with("OK "));
        assert_eq!(text.ask("PRIME 97"), "OK prime");
        assert_eq!(calc.ask("CALC 12 + 42"), "OK 54");
        chat.send("WHO");
        assert!(chat.receive_until("OK ").contains("student-"));
        echo.write_all(b"hello").unwrap();
        let mut answer = [0; 5];
        echo.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"hello");
    }
}

/// Connects and leaves again, over and over, until one is refused; the refusal.
fn flood_from(machine: u8, to: SocketAddr) -> String {
    for _ in 0..20 {
        // So many in less time than they have to wait.
        for _ in 0..500 {
            drop(connect_from(machine, to));
        }
        let mut peer = Peer::over(connect_from(machine, to), Framing::Netstring);
        // Those that are not refused yet wait before they are greeted.
        let answer = peer.receive().unwrap();
        if answer.starts_with("ERR ") {
            return answer;
        }
    }
    panic!("none of 10,000 was refused");
}

#[test]
fn connections_that_ask_for_nothing_are_slowed_and_refused_and_no_open_one_and_no_other_machine_is()
{
    let server = text_with_places("100");
    let address = server.address("text tcp");
    let mut neighbour = converse_from(1, &server, "text tcp");
    assert_eq!(neighbour.ask("PRIME 97"), "OK prime");
    let refusal = flood_from(1, address);
    assert_contains(
        &refusal,
        &["from your address sent no request", "try again"],
    );
    assert_eq!(neighbour.ask("PRIME 91"), "OK not prime");
    let mut other = converse_from(2, &server, "text tcp");
    assert_eq!(other.ask("PRIME 97"), "OK prime");
    // The neighbours' next connection has to wait a little, and not for ever.
    let by = Instant::now() + TEST_TIMEOUT;
    let mut newcomer = loop {
        assert!(Instant::now() < by, "the flood is over");
        let stream = connect_from(1, address);
        let mut peer = Peer::over(stream, Framing::Netstring);
        if peer
            .receive()
            .is_some_and(|ready| ready.starts_with("READY "))
        {
            break peer;
        }
    };
    assert_eq!(newcomer.ask("PRIME 97"), "OK prime");
    let log = server.stop().stderr;
    for words in ["slowing new connections", "refusing new connections"] {
        assert_eq!(log.matches(words).count(), 1, "{words}: {log}");
    }
}

#[test]
fn who_sends_nonsense_over_and_over_is_slowed_and_closed_and_its_neighbour_is_not() {
    let server = text_with_places("100");
    let mut neighbour = converse_from(1, &server, "text tcp");
    let mut peer = converse_from(1, &server, "text tcp");
    for _ in 0..50 {
        peer.send("NONSENSE");
    }
    for _ in 0..50 {
        assert!(peer.receive().unwrap().starts_with("ERR "));
        assert_eq!(neighbour.ask("PRIME 97"), "OK prime");
    }
    let last = peer.ask("NONSENSE");
    assert_contains(&last, &["ERR busy 50 messages in a row were no requests"]);
    assert_eq!(peer.receive(), None);
}

#[test]
fn who_gives_way_is_said_in_the_log() {
    let server = text_with_places("1");
    let _first = converse_from(1, &server, "text tcp");
    let _second = converse_from(1, &server, "text tcp");
    let line = server.stderr.find(|line| line.contains("ended end="));
    let line = line.unwrap();
    assert_contains(&line, &["idle when another needed its place"]);
}

/// What a machine settles with that has no customer any more.
const KEY: &str = "5d1c8f0a6b3e4792a0c5e8d17f9b2c46";

#[test]
fn sleepers_in_the_chat_room_keep_no_cash_machine_from_confirming() {
    let server = start(&words(
        "--mode all --port 0 --ledger memory --max-connections 70",
    ));
    let mut machine = converse_from(1, &server, "atm tcp");
    machine.ask("TERMINAL ATM-1");
    assert_eq!(machine.log_in(CARD, PIN), "OK welcome Joty");
    let id = Uuid::now_v7();
    let held = machine.ask(&format!("WITHDRAW WITH_{id} 500.00 {KEY}"));
    assert!(held.starts_with("OK "), "{held}");
    drop(machine);

    // One of each machine: there is none that has more than another.
    let mut sleepers = Vec::new();
    for number in 0..70 {
        let say = format!("JOIN sleeper-{number}");
        sleepers.extend(crowd(1, 100 + number, &server, "chat tcp", &say));
    }
    let mut machine = converse_from(1, &server, "atm tcp");
    machine.ask("TERMINAL ATM-1");
    let confirmed = machine.ask(&format!("CONFIRM WITH_{id} {KEY}"));
    assert!(confirmed.starts_with("OK "), "{confirmed}");
}

#[test]
fn a_connection_that_was_ended_holds_no_thread() {
    const PLACES: usize = 50;
    /// The program's own, and those that are just ending.
    const OTHERS: usize = 80;
    let server = text_with_places(&PLACES.to_string());
    let mut talkers = Vec::new();
    for _ in 0..10 {
        talkers.extend(crowd(100, 1, &server, "text tcp", "PRIME 97"));
        let threads = threads(&server);
        assert!(threads <= PLACES + OTHERS, "{threads} threads");
    }
}

/// A server in a shell that has set a limit first.
fn start_limited(limits: &str, arguments: &[&str]) -> Process {
    let home = Home::new();
    let program = home.program(arguments);
    let script = format!("{limits}; exec \"$0\" \"$@\"");
    let server = program.through_shell(&script).start();
    server.address("text tcp");
    server
}

#[test]
fn silence_keeps_no_client_out_of_a_server_that_may_open_few_files() {
    let server = start_limited("ulimit -n 256", &["--mode", "text", "--port", "0"]);
    let warning = server.stderr.find(|line| line.contains("WARN"));
    let warning = warning.unwrap();
    assert_contains(&warning, &["not 2000", "256 files"]);
    let address = server.address("text tcp");
    // Each is alone at its address, and none says anything.
    let _silent: Vec<_> = (0..250)
        .map(|number| connect_from(number, address))
        .collect();
    let mut peer = converse_from(251, &server, "text tcp");
    assert_eq!(peer.ask("PRIME 97"), "OK prime");
}

#[test]
fn a_connection_is_ended_to_accept_another_when_there_is_no_file_descriptor_left() {
    // Seven of them are taken before the server starts.
    let taken: String = (3..10).map(|it| format!("; exec {it}</dev/null")).collect();
    let limits = format!("ulimit -n 20{taken}");
    let server = start_limited(&limits, &["--mode", "text", "--port", "0"]);
    let address = server.address("text tcp");
    let _silent: Vec<_> = (0..30)
        .map(|number| connect_from(number, address))
        .collect();
    let mut peer = converse_from(100, &server, "text tcp");
    assert_eq!(peer.ask("PRIME 97"), "OK prime");
    let line = server
        .stderr
        .find(|line| line.contains("to accept another"));
    assert!(line.unwrap().contains("WARN"));
}

#[test]
fn clients_that_the_proxy_has_forgotten_hold_no_thread() {
    const CLIENTS: usize = 20;
    const OTHERS: usize = 20;
    let server = UdpSocket::bind("127.0.0.1:0").unwrap();
    server.set_read_timeout(Some(TEST_TIMEOUT)).unwrap();
    let to = server.local_addr().unwrap().to_string();
    let clients = CLIENTS.to_string();
    let proxy = start(&words(&format!(
        "--mode proxy --udp --port 0 --to {to} --max-connections {clients}"
    )));
    let address = proxy.address("proxy udp");
    for _ in 0..300 {
        let client = UdpSocket::bind("127.0.0.1:0").unwrap();
        client.send_to(b"x", address).unwrap();
        server.recv(&mut [0; 8]).unwrap();
    }
    // A thread whose client is forgotten ends by itself, a little later.
    let by = Instant::now() + TEST_TIMEOUT;
    while threads(&proxy) > CLIENTS + OTHERS {
        assert!(Instant::now() < by, "{} threads", threads(&proxy));
        thread::yield_now();
    }
}

fn threads(server: &Process) -> usize {
    let threads = format!("/proc/{}/task", server.id());
    std::fs::read_dir(threads).unwrap().count()
}

#[test]
fn a_machine_that_has_many_long_numbers_tested_lets_another_have_its_turn() {
    const CROWD: usize = 60;
    const READY: &[u8] = b"12:READY text 1,";
    let server = start(&["--mode", "text", "--port", "0", "--prime-budget", "60"]);
    // A Mersenne prime takes all rounds of the test.
    let prime = (num_bigint::BigUint::from(1u8) << 1279u32) - 1u8;
    let request = format!("PRIME {prime}");
    let mut crowd: Vec<_> = (0..CROWD)
        .map(|_| connect_from(1, server.address("text tcp")))
        .collect();
    for stream in &mut crowd {
        stream.read_exact(&mut [0; READY.len()]).unwrap();
    }
    let mut other = converse_from(2, &server, "text tcp");
    for stream in &mut crowd {
        write!(stream, "{}:{request},", request.len()).unwrap();
    }
    assert_eq!(other.ask(&request), "OK prime");
    let is_answered = |stream: &&TcpStream| {
        stream.set_nonblocking(true).unwrap();
        stream.peek(&mut [0]).is_ok()
    };
    let answered = crowd.iter().filter(is_answered).count();
    assert!(answered < CROWD / 2, "{answered} of {CROWD} were before it");
}
