//! The hand-outs' messages, as the dissector shows them on the printed ports.

use std::collections::BTreeMap;

use proto::handout::Handout;
use proto::side::Direction;

use super::lab::{MadeConnection, capture_of};
use super::tshark::tshark;
use crate::handout::pages::{exchange_of, framed};

/// What the dissector calls it: two hand-outs without `READY` share a port, and a script has its
/// service's.
fn shown_as(handout: Handout) -> &'static str {
    match handout {
        Handout::TextSession | Handout::AtmLogin => "text-session or atm-login",
        Handout::KnockKnock => "script",
        handout => handout.name(),
    }
}

#[test]
fn every_message_of_every_page_is_shown_with_its_service() {
    let Some(tshark) = tshark() else { return };
    let directory = tempfile::tempdir().unwrap();
    let mut connections: BTreeMap<(Handout, char), MadeConnection> = BTreeMap::new();
    let mut said: BTreeMap<(Handout, char), Vec<(String, String)>> = BTreeMap::new();
    for handout in Handout::ALL {
        for turn in exchange_of(handout).turns {
            let Some(text) = turn.said.filter(|said| !said.ends_with(" (pickled)")) else {
                continue;
            };
            let key = (handout, turn.client);
            let connection = connections.entry(key).or_insert_with(|| MadeConnection {
                port: handout.port(),
                transport: handout.transport(),
                pieces: Vec::new(),
            });
            let direction = match turn.is_client {
                true => Direction::ToServer,
                false => Direction::ToClient,
            };
            let bytes = framed(handout, text).into_bytes();
            connection.pieces.push((direction, bytes));
            let text = match handout {
                Handout::LengthPrefix => &text[3..],
                _ => text,
            };
            let message = (shown_as(handout).to_owned(), text.to_owned());
            said.entry(key).or_default().push(message);
        }
    }
    let connections: Vec<_> = connections.into_values().collect();
    let capture = capture_of(directory.path(), "handouts", &connections);
    let fields = ["socketlab.service", "socketlab.text", "socketlab.verb"];
    let packets = tshark.packets(&capture, "socketlab", &fields);
    let shown = packets.iter().map(|packet| {
        let [service, text] = [fields[0], fields[1]].map(|field| packet[field].clone());
        (service, text)
    });
    let expected: Vec<_> = said.into_values().flatten().collect();
    assert_eq!(shown.collect::<Vec<_>>(), expected);
    let verbs = packets
        .iter()
        .map(|packet| packet["socketlab.verb"].as_str());
    let verbs: Vec<_> = verbs.filter(|verb| !verb.is_empty()).collect();
    for verb in ["convert", "VERIFY_CARD_AND_PASSWORD", "HELO", "WITHDRAWL"] {
        assert!(verbs.contains(&verb), "{verb}: {verbs:?}");
    }
}
