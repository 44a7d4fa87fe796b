//! A power cut while many customers are at the machines.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::mpsc::{Sender, channel};
use std::thread;

use testkit::TEST_TIMEOUT;
use testkit::peer::Peer;
use testkit::process::Signal;
use uuid::Uuid;

use crate::labserver::{CARD, Home, PIN};

const CUSTOMERS: usize = 30;
const BANK: &[&str] = &["--mode", "atm", "--port", "0"];

/// What the bank has acknowledged of a transaction.
type Promise = (String, &'static str);

/// Withdraws one cent after the other until the server is gone.
fn withdraw_until_cut_off(mut peer: Peer, promises: &Sender<Promise>) {
    loop {
        let id = format!("WITH_{}", Uuid::now_v7());
        for (request, promise) in [
            (format!("WITHDRAW {id} 0.01"), "held"),
            (format!("CONFIRM {id}"), "confirmed"),
        ] {
            let Some(answer) = peer.ask_if_there(&request) else {
                return;
            };
            let acknowledged = format!("OK {id} {promise}");
            assert!(answer.starts_with(&acknowledged), "{answer}");
            promises.send((id.clone(), promise)).unwrap();
        }
    }
}

#[test]
fn no_acknowledged_withdrawal_is_lost_when_the_server_is_killed() {
    let home = Home::new();
    let server = home.start(BANK);
    let (promise, promised) = channel();
    let mut promises = BTreeMap::new();
    let logged_in = || {
        let mut peer = server.converse("atm tcp");
        assert_eq!(peer.log_in(CARD, PIN), "OK welcome Joty");
        peer
    };
    // One after the other: a log-in takes a core, and a bank at its limit says that it is busy.
    let peers: Vec<_> = (0..CUSTOMERS).map(|_| logged_in()).collect();
    thread::scope(|scope| {
        for peer in peers {
            let promise = promise.clone();
            scope.spawn(move || withdraw_until_cut_off(peer, &promise));
        }
        drop(promise);
        // In the middle: all customers are at it, and each waits for an answer most of the time.
        let in_the_middle = (0..10 * CUSTOMERS).all(|_| {
            let promise = promised.recv_timeout(TEST_TIMEOUT).ok();
            let kept = promise.map(|(id, promise)| promises.insert(id, promise));
            kept.is_some()
        });
        server.signal(Signal::KILL);
        promises.extend(promised);
        assert!(in_the_middle, "the bank stopped answering");
    });
    assert_eq!(server.end().status, None);

    let server = home.start(BANK);
    let audit = home.answer(&["ledger", "audit"]);
    assert!(audit.contains("sound"), "{audit}");
    let history = home.answer(&["ledger", "history", CARD]);
    let entries: BTreeSet<_> = history
        .lines()
        .map(|line| {
            let words: Vec<_> = line.split_whitespace().collect();
            (words[1], words[words.len() - 1])
        })
        .collect();
    for (id, promise) in &promises {
        let kept = entries.contains(&(*promise, id.as_str()));
        assert!(kept, "{id} was acknowledged as {promise}");
    }
    // A machine that had no answer asks again with the same id, and the bank still knows.
    let mut peer = server.converse("atm tcp");
    peer.log_in(CARD, PIN);
    for (id, promise) in promises {
        match promise {
            "held" => assert!(peer.ask(&format!("CONFIRM {id}")).starts_with("OK ")),
            _ => assert_eq!(
                peer.ask(&format!("CONFIRM {id}")),
                format!("OK {id} confirmed, repeat")
            ),
        }
    }
    let audit = home.answer(&["ledger", "audit"]);
    assert!(audit.contains("sound"), "{audit}");
}
