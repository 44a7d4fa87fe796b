//! The program through a proxy, which it cannot tell from a server.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;

use proto::frame::Framing;
use proto::mode::{Mode, Transport};
use server::config::ProxySettings;
use server::{Config, Role, Server, Stopper};

use crate::labclient::labclient;
use crate::services::{Service, start};

/// A proxy to this service, in this process.
struct Proxy {
    address: SocketAddr,
    strikes: Arc<AtomicUsize>,
    stopper: Stopper,
    thread: Option<JoinHandle<()>>,
}

fn proxy_to(service: &Service, transport: Transport, faults: &str) -> Proxy {
    let strikes = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&strikes);
    let faults = wire::fault::Plan::new(faults.parse().unwrap(), 1).observed(move |_| {
        count.fetch_add(1, Ordering::Relaxed);
    });
    let server = Server::bind(Config {
        role: Role::Proxy(ProxySettings {
            to: vec![service.address().parse().unwrap()],
            transport,
        }),
        framing: Framing::Netstring,
        faults: Some(faults),
        port: Some(0),
        ..Config::default()
    });
    let server = server.unwrap();
    Proxy {
        address: server.addresses()[0].2,
        strikes,
        stopper: server.stopper(),
        thread: Some(std::thread::spawn(move || server.run())),
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.stopper.stop();
        let ended = self.thread.take().map(JoinHandle::join);
        assert!(std::thread::panicking() || ended.is_none_or(|ended| ended.is_ok()));
    }
}

#[test]
fn an_answer_comes_through_a_proxy() {
    let service = start(Mode::Text);
    let proxy = proxy_to(&service, Transport::Tcp, "drop-request=0%");
    let ended = labclient(&["text", "prime", "97"])
        .at(&proxy.address.to_string())
        .run();
    assert_eq!((ended.status, ended.stdout.as_str()), (Some(0), "prime\n"));
}

#[test]
fn a_datagram_that_a_proxy_loses_is_sent_again() {
    let service = start(Mode::Datetime);
    let proxy = proxy_to(&service, Transport::Udp, "drop-request=#1,drop-reply=#1");
    let ended = labclient(&["datetime", "date", "--timeout", "4"])
        .at(&proxy.address.to_string())
        .run();
    assert_eq!(proxy.strikes.load(Ordering::Relaxed), 2);
    assert_eq!(ended.status, Some(0), "{ended:?}");
    assert_eq!(ended.stdout.trim().len(), "2026-11-21".len(), "{ended:?}");
}

/// Whichever answer is lost on the way, and whichever request is doubled: the account is debited
/// once.
#[test]
fn a_withdrawal_through_a_proxy_that_loses_an_answer_happens_once() {
    // READY, TERMINAL's answer, the log-in's, the hold's and the confirmation's.
    for (fault, strikes) in [
        ("drop-reply=#2", 1),
        ("drop-reply=#3", 1),
        ("drop-reply=#4", 1),
        ("drop-reply=#5", 1),
        ("drop-request=#3", 1),
        // The fourth request, and the fourth reply.
        ("cut=#4", 2),
    ] {
        let bank = start(Mode::Atm);
        let proxy = proxy_to(&bank, Transport::Tcp, fault);
        let words = ["atm", "--card", "123456789", "--timeout", "0.5"];
        let ended = labclient(&words)
            .with(&["withdraw", "500"])
            .at(&proxy.address.to_string())
            .pin("1234")
            .run();
        assert_eq!(ended.status, Some(0), "{fault}: {ended:?}");
        assert_eq!(proxy.strikes.load(Ordering::Relaxed), strikes, "{fault}");
        let balance = labclient(&words[..3])
            .with(&["balance"])
            .at(&bank.address())
            .pin("1234")
            .run();
        assert_eq!(balance.stdout, "9500.00\n", "{fault}: {balance:?}");
    }
}
