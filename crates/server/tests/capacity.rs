//! Many peers that mean no good, and what they cost.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};
use testkit::assert_contains;

use crate::labserver::{CARD, PIN, start};

/// Far longer than an answer takes, and far shorter than any limit that would end a silent peer.
const PROMPT: Duration = Duration::from_secs(5);

/// Sockets of this process, besides those of the test.
const SPARE: u64 = 200;

#[test]
fn two_thousand_silent_connections_keep_no_client_out() {
    const SILENT: usize = 2_000;
    let granted = rlimit::increase_nofile_limit(SILENT as u64 + SPARE).unwrap();
    if granted < SILENT as u64 + SPARE {
        return eprintln!("skipped: this process may open {granted} files only");
    }
    let server = start(&["--mode", "text", "--port", "0", "--max-connections", "50"]);
    let address = server.address("text tcp");
    let mut silent = Vec::new();
    for number in 1..=SILENT {
        silent.push(TcpStream::connect(address).unwrap());
        if number % 500 == 0 {
            let asked = Instant::now();
            let mut peer = server.converse("text tcp");
            assert_eq!(peer.ask("PRIME 97"), "OK prime", "after {number}");
            let took = asked.elapsed();
            assert!(took < PROMPT, "{took:?} after {number}");
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn log_ins_leave_no_memory_behind() {
    const CUSTOMERS: usize = 40;
    /// A hash takes 19 MiB, and as many are computed at once as there are cores.
    const HASH: usize = 20 * 1024 * 1024;
    const SLACK: usize = 8 * 1024 * 1024;

    let server = start(&["--mode", "atm", "--port", "0", "--ledger", "memory"]);
    server.converse("atm tcp").ask("TERMINAL ATM-1");
    let before = most_resident(&server);
    let customers: Vec<_> = (0..CUSTOMERS)
        .map(|_| {
            let mut customer = server.converse("atm tcp");
            assert_eq!(customer.log_in(CARD, PIN), "OK welcome Joty");
            customer
        })
        .collect();
    let grown = most_resident(&server).saturating_sub(before);
    let bound = std::thread::available_parallelism().unwrap().get() * HASH + SLACK;
    assert!(
        grown <= bound,
        "{grown} bytes for {CUSTOMERS} log-ins, bound {bound}"
    );
    drop(customers);
}

#[cfg(target_os = "linux")]
#[test]
fn half_frames_cost_no_more_than_what_was_sent() {
    const PEERS: usize = 300;
    const SENT: usize = 60_000;
    /// A buffer may be twice what is in it, and a thread touches a few pages of its stack.
    const EACH: usize = 2 * SENT + 24 * 1024;
    /// For what is allocated once.
    const SLACK: usize = 8 * 1024 * 1024;

    let server = start(&["--mode", "text", "--port", "0"]);
    assert_eq!(server.converse("text tcp").ask("PRIME 97"), "OK prime");
    let before = most_resident(&server);
    let mut half = b"65536:".to_vec();
    half.resize(SENT, b'x');
    let mut held: Vec<_> = (0..PEERS)
        .map(|_| {
            let mut peer = server.connect("text tcp");
            peer.write_all(&half).unwrap();
            peer
        })
        .collect();
    assert_eq!(server.converse("text tcp").ask("PRIME 97"), "OK prime");
    for peer in &mut held {
        // The answer proves that all of it was read.
        peer.shutdown(Shutdown::Write).unwrap();
        let mut answer = String::new();
        peer.read_to_string(&mut answer).unwrap();
        assert_contains(&answer, &[" bytes into a 65536-byte message"]);
    }
    let grown = most_resident(&server).saturating_sub(before);
    let bound = PEERS * EACH + SLACK;
    assert!(
        grown <= bound,
        "{grown} bytes for {PEERS} peers, bound {bound}"
    );
}

/// The most memory that the process has ever had in use, in bytes.
#[cfg(target_os = "linux")]
fn most_resident(server: &testkit::process::Process) -> usize {
    let file = format!("/proc/{}/status", server.id());
    let status = std::fs::read_to_string(file).unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmHWM:"))
        .unwrap();
    let kib: usize = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kib * 1024
}
