//! Outputs that are not read: a service is never held up by what it says about itself.

use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::net::{SocketAddr, TcpListener};

use proto::frame::Framing;
use testkit::peer::{Peer, connect};
use testkit::process::{Process, Signal};

use crate::labserver::Home;

/// A pipe that takes nothing more until it is read.
fn full_pipe() -> (PipeReader, PipeWriter) {
    let (reader, mut writer) = io::pipe().unwrap();
    rustix::io::ioctl_fionbio(&writer, true).unwrap();
    while writer.write(b"not read\n").is_ok() {}
    // Less than a page at a time, so that nothing of the last one is left.
    while writer.write(b"\n").is_ok() {}
    rustix::io::ioctl_fionbio(&writer, false).unwrap();
    (reader, writer)
}

/// A server of text that writes its log into such a pipe.
fn start_unread(home: &Home, flags: &[&str]) -> (Process, PipeReader) {
    let (reader, writer) = full_pipe();
    let program = home.program(&[&["--mode", "text", "--port", "0"], flags].concat());
    let server = program.adjust(|command| command.stderr(writer)).start();
    (server, reader)
}

#[test]
fn a_log_that_is_not_read_holds_up_neither_the_service_nor_its_end() {
    let home = Home::new();
    for flags in [&["-v", "-v"][..], &["--trace"]] {
        let (server, _unread) = start_unread(&home, flags);
        for _ in 0..3 {
            let mut peer = server.converse("text tcp");
            assert!(peer.ask("SQUARE 7").starts_with("ERR unknown-verb "));
            assert_eq!(peer.ask("PRIME 97"), "OK prime");
        }
        let ended = server.stop();
        assert_eq!(ended.status, Some(0), "{flags:?}: {ended:?}");
    }
}

#[test]
fn a_second_signal_does_not_wait_for_a_reader_of_the_log() {
    let home = Home::new();
    let (server, _unread) = start_unread(&home, &["--trace"]);
    let mut peer = server.converse("text tcp");
    peer.ask("SQUARE 7");
    server.signal(Signal::TERM);
    assert!(peer.receive().unwrap().starts_with("ERR shutting-down "));
    server.signal(Signal::INT);
    let ended = server.end();
    // Whichever comes first: the end of the conversation, or the signal.
    assert!(matches!(ended.status, Some(0 | 130)), "{ended:?}");
}

#[test]
fn a_log_that_is_read_late_says_how_much_of_it_is_missing() {
    let home = Home::new();
    let (server, mut unread) = start_unread(&home, &["--log-rate", "0"]);
    let mut peer = server.converse("text tcp");
    let request = format!("LOWER {}", "X".repeat(60));
    for _ in 0..6_000 {
        peer.ask(&request);
    }
    drop(peer);
    let reading = std::thread::spawn(move || {
        let mut log = String::new();
        unread.read_to_string(&mut log).unwrap();
        log
    });
    assert_eq!(server.stop().status, Some(0));
    let log = reading.join().unwrap();
    let is_logged = |line: &&str| {
        let said = ["answered", "ended", "stopping: "];
        said.iter().any(|said| line.contains(said))
    };
    let logged = log.lines().filter(is_logged).count();
    // A queue that is full again while it is being read has one more gap.
    let gaps = log.lines().filter_map(|line| {
        let (_, lines) = line.split_once("nobody read the log: lines are missing here lines=")?;
        lines.parse::<usize>().ok()
    });
    let missing: usize = gaps.sum();
    assert_ne!(missing, 0, "nothing is missing: {logged} lines");
    // The end of the connection and of the server are lines too.
    let others = log.lines().filter(|line| !line.contains("answered"));
    let others: Vec<_> = others.collect();
    assert_eq!(logged + missing, 6_002, "{others:#?}");
}

#[test]
fn a_server_whose_address_is_not_read_yet_serves_all_the_same() {
    let address = free_address();
    let home = Home::new();
    let port = address.port().to_string();
    let program = home.program(&["--mode", "text", "--port", &port]);
    let (_unread, writer) = full_pipe();
    let server = program.adjust(|command| command.stdout(writer)).start();
    server.stderr.wait_for("nobody reads standard output");
    let mut peer = Peer::over(connect(address), Framing::Netstring);
    assert_eq!(peer.receive().as_deref(), Some("READY text 1"));
    assert_eq!(peer.ask("PRIME 97"), "OK prime");
    assert_eq!(server.stop().status, Some(0));
}

fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap()
}
