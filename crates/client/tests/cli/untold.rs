//! What was done, or may have been, is shown by the exit status and on standard error where standard
//! output, the disk or a signal is in the way.

use std::fs::File;
use std::io::Write;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Instant;

use proto::frame::Framing;
use proto::mode::Mode;
use testkit::TEST_TIMEOUT;
use testkit::assert_contains;
use testkit::process::{Process, Program, Signal};
use testkit::service::start;
use wire::connection::Connection;
use wire::limits::Limits;

use crate::bare_servers::{bank, welcome};
use crate::labclient::{at, labclient_at_home, run};

const ATM: &[&str] = &["atm", "--card", "123456789"];

/// A file that is always full.
fn full() -> Option<File> {
    let full = File::options().write(true).open("/dev/full").ok();
    if full.is_none() {
        eprintln!("skipped: there is no /dev/full here");
    }
    full
}

#[test]
fn a_receipt_that_cannot_be_printed_is_reported_with_status_4() {
    let bank = start(Mode::Atm);
    for (request, id, done) in [
        (&["withdraw", "500"][..], "WITH_", "withdrawn 500.00"),
        (&["withdraw", "500", "--json"], "WITH_", "withdrawn 500.00"),
        (&["deposit", "20.50"], "DEP_", "deposited 20.50"),
    ] {
        let Some(full) = full() else { return };
        let client = at(&bank, ATM).with(request);
        let ended = client.adjust(|command| command.stdout(full)).run();
        ended.complained(4, &[id, done, "No space left on device"]);
        let ended = at(&bank, ATM).with(request).with_closed_stdout().run();
        ended.complained(4, &[id, done, "nobody reads standard output"]);
    }
    let create = ["atm", "--card=5550001111", "create", "Ada Lovelace", "100"];
    let ended = at(&bank, &create).pin("2468").with_closed_stdout().run();
    ended.complained(4, &["ACC_", "created"]);
}

#[test]
fn requests_that_are_left_out_since_they_are_not_read_do_not_count_as_done() {
    let bank = start(Mode::Atm);
    let client = || at(&bank, ATM).with_closed_stdout();
    let ended = client().run_with("balance\nwithdraw 500\n");
    ended.complained(6, &["no request after this one was carried out"]);
    let ended = client().run_with("withdraw 500\nwithdraw 500\n");
    ended.complained(4, &["WITH_", "available 9500.00"]);
    run(&bank, &[ATM, &["balance"]].concat()).printed("9500.00\n");
}

/// A `labclient` at a bank that takes a message with this verb and says nothing to it; and the id in
/// that message, or the verb.
fn waiting(request: &[&str], verb: &'static str) -> (Process, String) {
    let (sender, receiver) = channel();
    let bank = bank(move |request| {
        let words: Vec<_> = request.split(' ').collect();
        if words[0] == verb {
            let _ = sender.send((*words.get(1).unwrap_or(&verb)).to_owned());
            loop {
                thread::park();
            }
        }
        match words[..] {
            ["WITHDRAW", id, amount, _key] => {
                Some(format!("OK {id} held {amount}, available 9500.00"))
            }
            _ => welcome(request),
        }
    });
    let patiently = ["--timeout", "1000", "--patience", "1000"];
    let running = at(&bank, ATM).with(request).with(&patiently).start();
    let id = receiver.recv_timeout(TEST_TIMEOUT).unwrap();
    (running, id)
}

#[test]
fn a_signal_while_a_transaction_is_open_says_who_settles_it() {
    for signal in [Signal::INT, Signal::TERM] {
        let (running, id) = waiting(&["withdraw", "500"], "WITHDRAW");
        running.signal(signal);
        let ended = running.end_by_itself();
        let words = "no notes were seen to move; the outcome is not known yet";
        ended.complained(4, &[&id, words, "`labclient atm settle --server "]);
    }
    let (running, id) = waiting(&["withdraw", "500"], "CONFIRM");
    running.signal(Signal::TERM);
    let words = "the notes are out; the outcome is not known yet";
    running.end_by_itself().complained(4, &[&id, words]);
    let create = ["create", "Ada Lovelace"];
    let (running, id) = waiting(&create, "CREATE_ACCOUNT");
    running.signal(Signal::INT);
    let words = "whether the account was opened is not known";
    running.end_by_itself().complained(4, &[&id, words]);
}

#[test]
fn a_signal_while_nothing_is_open_ends_it_as_any_other_program() {
    for signal in [Signal::INT, Signal::TERM] {
        for (request, verb) in [
            ("balance", "BALANCE_INQUIRY"),
            ("balance", "VERIFY_CARD_AND_PASSWORD"),
        ] {
            let (running, _) = waiting(&[request], verb);
            running.signal(signal);
            let ended = running.end_by_itself();
            assert_eq!((ended.status, ended.stderr.as_str()), (None, ""));
        }
    }
}

#[test]
fn a_second_signal_ends_it_at_once() {
    // What the first one makes it say is not read, so it cannot be written.
    let (_reader, mut stderr) = UnixStream::pair().unwrap();
    stderr.set_nonblocking(true).unwrap();
    while stderr.write(&[b' '; 1024]).is_ok() {}
    stderr.set_nonblocking(false).unwrap();
    let (sender, receiver) = channel();
    let bank = bank(move |request| {
        welcome(request).or_else(|| {
            let _ = sender.send(());
            loop {
                thread::park();
            }
        })
    });
    let running = at(&bank, ATM)
        .with(&["withdraw", "5", "--timeout", "1000"])
        .adjust(|command| command.stderr(OwnedFd::from(stderr)))
        .start();
    receiver.recv_timeout(TEST_TIMEOUT).unwrap();
    running.signal(Signal::INT);
    running.signal(Signal::TERM);
    assert_eq!(running.end_by_itself().status, None);
}

/// A bank that ends its first connection after a while of silence, as `labserver` does; the second
/// time it is asked more. The receiver gets a message when it has closed.
fn bank_that_closes_when_idle() -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (sender, receiver) = channel();
    thread::spawn(move || {
        for (number, stream) in listener.incoming().take(2).flatten().enumerate() {
            let mut bank = Connection::new(stream, Framing::Netstring, Limits::CLIENT).unwrap();
            bank.writer.send(b"READY atm 1").unwrap();
            loop {
                let by = Instant::now() + TEST_TIMEOUT;
                let Ok(Some(request)) = bank.reader.receive(Some(by)) else {
                    break;
                };
                let request = String::from_utf8(request).unwrap();
                let is_inquiry = request == "BALANCE_INQUIRY";
                let answer = welcome(&request).unwrap_or_else(|| match is_inquiry {
                    true => "OK available 10000.00, held 0.00".into(),
                    false => "OK bye".into(),
                });
                bank.writer.send(answer.as_bytes()).unwrap();
                if is_inquiry && number == 0 {
                    bank.writer
                        .send(b"ERR too-slow nothing was said for 600 s")
                        .unwrap();
                    break;
                }
            }
            bank.close();
            let _ = sender.send("closed".into());
        }
    });
    (address, receiver)
}

#[test]
fn a_connection_that_the_bank_closed_while_idle_is_made_again_in_silence() {
    let (bank, closed) = bank_that_closes_when_idle();
    let mut client = at(&bank, ATM).start();
    assert_eq!(client.ask("balance"), "10000.00\n");
    closed.recv_timeout(TEST_TIMEOUT).unwrap();
    assert_eq!(client.ask("balance"), "10000.00\n");
    client.end().printed("");
}

/// A cash machine that keeps its journal here.
fn machine(home: &Path, bank: SocketAddr, request: &[&str]) -> Program {
    let program = labclient_at_home(home, ATM).with(&["--terminal", "M1"]);
    program.at(bank).with(request).pin("1234")
}

/// The lengths of the records in this machine's journal.
fn records(home: &Path, bank: SocketAddr) -> Vec<u64> {
    let bank = bank.to_string().replace(':', "_");
    let journal = home.join("socketlab/atm").join(bank).join("M1/journal");
    let journal = std::fs::read(journal).unwrap();
    let lines = journal.split_inclusive(|byte| *byte == b'\n');
    let lines = lines.take_while(|line| line.ends_with(b"\n"));
    lines.map(|line| line.len() as u64).collect()
}

#[test]
fn a_disk_that_is_full_with_the_notes_out_leaves_the_outcome_unknown() {
    let service = start(Mode::Atm);
    let bank = service.address();
    let home = tempfile::tempdir().unwrap();
    let runs = |request: &[&str]| {
        let ended = machine(home.path(), bank, request).run();
        assert_eq!(ended.status, Some(0), "{ended:?}");
    };
    runs(&["withdraw", "500"]);
    let [.., sending, dispensing, dispensed, _confirmed] = records(home.path(), bank)[..] else {
        panic!("a withdrawal has four records");
    };
    // What `ulimit` counts in, and the least that leaves the drawer its room.
    let (block, drawer) = (512, 1024);
    let blocks = loop {
        let end: u64 = records(home.path(), bank).iter().sum();
        let room = end + sending + dispensing;
        let limit = room.next_multiple_of(block);
        if limit >= drawer && limit < room + dispensed {
            break limit / block;
        }
        runs(&["load", "10000"]);
    };
    let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
    let limited = machine(home.path(), bank, &["withdraw", "500"]).through_shell(&script);
    let ended = limited.run();
    let stderr = &ended.stderr;
    ended.exited(4, "");
    assert_contains(
        stderr,
        &["WITH_", "the notes are out; the outcome is not known yet"],
    );
    // With room on the disk again it is settled, as it happened.
    let settled = machine(home.path(), bank, &["settle"]).run().stdout;
    assert!(settled.contains("500.00 withdrawn"), "{settled}");
    let balance = machine(home.path(), bank, &["balance"]).run();
    balance.printed("9000.00\n");
}
