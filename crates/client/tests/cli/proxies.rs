//! The program through a proxy, which it cannot tell from a server.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use proto::mode::{Mode, Transport};
use server::Config;
use testkit::at_once;
use testkit::service::{Service, start, start_proxy};

use crate::labclient::run;

/// A proxy to this service with these faults, and how many of them were injected.
fn proxy_to(service: &Service, transport: Transport, faults: &str) -> (Service, Arc<AtomicUsize>) {
    let injected = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&injected);
    let faults = wire::fault::FaultPlan::new(faults.parse().unwrap(), 1).observed(move |_| {
        count.fetch_add(1, Ordering::Relaxed);
    });
    let config = Config {
        faults: Some(faults),
        ..Config::default()
    };
    (start_proxy(service.address(), transport, config), injected)
}

#[test]
fn an_answer_comes_through_a_proxy() {
    let service = start(Mode::Text);
    let (proxy, _) = proxy_to(&service, Transport::Tcp, "drop-request=0%");
    let ended = run(&proxy, &["text", "prime", "97"]);
    ended.exited(0, "prime\n");
}

#[test]
fn a_datagram_that_a_proxy_loses_is_sent_again() {
    let service = start(Mode::Datetime);
    let (proxy, injected) = proxy_to(&service, Transport::Udp, "drop-request=#1,drop-reply=#1");
    let ended = run(&proxy, &["datetime", "date", "--timeout", "4"]);
    assert_eq!(injected.load(Ordering::Relaxed), 2);
    assert_eq!(ended.status, Some(0), "{ended:?}");
    assert_eq!(ended.stdout.trim().len(), "2026-11-21".len(), "{ended:?}");
}

/// Whichever answer is lost on the way, and whichever request is doubled: the account is debited
/// once.
#[test]
fn a_withdrawal_through_a_proxy_that_loses_an_answer_happens_once() {
    // READY, TERMINAL's answer, the log-in's, the hold's and the confirmation's.
    let faults = [
        ("drop-reply=#2", 1),
        ("drop-reply=#3", 1),
        ("drop-reply=#4", 1),
        ("drop-reply=#5", 1),
        ("drop-request=#3", 1),
        // The fourth request, and the fourth reply.
        ("cut=#4", 2),
    ];
    at_once(faults, |(fault, times)| {
        let bank = start(Mode::Atm);
        let (proxy, injected) = proxy_to(&bank, Transport::Tcp, fault);
        let words = ["atm", "--card", "123456789", "--timeout", "3"];
        let ended = run(&proxy, &[&words[..], &["withdraw", "500"]].concat());
        assert_eq!(ended.status, Some(0), "{fault}: {ended:?}");
        assert_eq!(injected.load(Ordering::Relaxed), times, "{fault}");
        let balance = run(&bank, &[&words[..3], &["balance"]].concat());
        assert_eq!(balance.stdout, "9500.00\n", "{fault}: {balance:?}");
    });
}
