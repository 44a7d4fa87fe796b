//! Every mode, every hand-out and the proxy: each is recorded and faulted over each of its
//! transports. The fault is the loss of the first message, whichever side sends it.

use std::io::Write;
use std::net::Shutdown;
use std::sync::mpsc;

use proto::frame::Framing;
use proto::handout::{Handout, Implementation};
use proto::mode::{Mode, Transport};
use proto::script::{DEFAULT, Script, Shipped};
use record::{Event, EventKind};
use server::config::ProxySettings;
use server::{Config, Role};
use testkit::TEST_TIMEOUT;
use testkit::service::{start, start_server};

use crate::faults::plan;
use crate::proxy::recordings::{recorded, recording_to};

/// Sends a message to what this role runs, and requires that the recording has the loss of one.
#[track_caller]
fn is_recorded_and_faulted(role: Role, service: &str, transport: Transport, framing: Framing) {
    let (sender, receiver) = mpsc::channel();
    let faults = plan("drop-request=#1,drop-reply=#1").observed(move |_| {
        let _ = sender.send(());
    });
    let config = Config {
        role,
        framing,
        faults: Some(faults),
        ..Config::default()
    };
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("server.jsonl");
    let config = recording_to(&file, config);
    let recorder = config.recorder.clone().unwrap();
    let server = start_server(config);
    let mut message = Vec::new();
    framing.encode(&[b'x'; 16], &mut message).unwrap();
    match transport {
        Transport::Tcp => {
            let mut stream = server.connect();
            stream.write_all(&message).unwrap();
            stream.shutdown(Shutdown::Write).unwrap();
        }
        Transport::Udp => assert!(server.datagrams().send(&message).is_ok()),
    }
    let injected = receiver.recv_timeout(TEST_TIMEOUT);
    assert!(injected.is_ok(), "no fault in {service} over {transport:?}");
    server.stop();
    let events = recorded(&file, &recorder);
    let is_lost = |event: &Event| {
        let channel = event.channel.as_ref();
        let is_here = channel.is_some_and(|it| it.service == service && it.transport == transport);
        is_here && matches!(event.kind, EventKind::Dropped { .. })
    };
    assert!(
        events.iter().any(is_lost),
        "{service} over {transport:?}: {events:?}"
    );
}

fn framing_of(script: &str) -> Framing {
    let script: Script = Shipped::find(script).unwrap().source.parse().unwrap();
    script.framing()
}

#[test]
fn every_mode_is_recorded_and_faulted() {
    for mode in Mode::ALL {
        let (framing, transports) = match mode {
            // Hand-outs are scripts over UDP.
            Mode::Script => (framing_of(DEFAULT), &[Transport::Tcp][..]),
            _ => (Framing::Line, mode.transports()),
        };
        for transport in transports {
            let role = Role::Services(vec![mode]);
            is_recorded_and_faulted(role, mode.name(), *transport, framing);
        }
    }
}

#[test]
fn every_hand_out_is_recorded_and_faulted() {
    for handout in Handout::ALL {
        let framing = match handout.implementation() {
            Implementation::Script(name) => framing_of(name),
            Implementation::Service(_) => handout.framing(),
        };
        let (service, transport) = (handout.mode().name(), handout.transport());
        is_recorded_and_faulted(Role::Handout(handout), service, transport, framing);
    }
}

#[test]
fn the_proxy_is_recorded_and_faulted() {
    for (transport, mode) in [
        (Transport::Tcp, Mode::Text),
        (Transport::Udp, Mode::Datetime),
    ] {
        let server = start(mode);
        let settings = ProxySettings {
            to: vec![server.address_over(transport)],
            transport,
        };
        is_recorded_and_faulted(Role::Proxy(settings), "proxy", transport, Framing::Raw);
    }
}
