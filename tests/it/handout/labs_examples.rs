//! Every exchange in `docs/labs.md`, played against the hand-outs' servers.
//!
//! The header is the hand-out; `\n` is a line feed.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{ErrorKind, Read};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use proto::atm::Kind;
use proto::handout::Handout;
use proto::handout::float::repr;
use proto::handout::pickle::PickledAnswer;
use proto::mode::Transport;
use server::Config;
use server::clock::Clock;
use testkit::service::Service;
use wire::connection::RAW_PAUSE;

use super::chat::first;
use super::{hear, hear_the_end, say, started_with};
use crate::exchanges::{Exchange, Turn, exchanges};

const LABS: &str = include_str!("../../../docs/labs.md");

fn text(said: &str) -> String {
    said.replace("\\n", "\n")
}

fn play_stream(exchange: &Exchange, server: &Service, handout: Handout) {
    let mut streams: BTreeMap<char, TcpStream> = BTreeMap::new();
    let mut before: Option<&Turn> = None;
    for turn in &exchange.turns {
        let said = turn.said.map(text);
        if let (Handout::Chat, true, Some(name)) = (handout, streams.is_empty(), &said) {
            // No other member hears of the first.
            streams.insert(turn.client, first(server, name));
            continue;
        }
        let stream = streams.entry(turn.client);
        let stream = stream.or_insert_with(|| server.connect());
        match (turn.is_client, said) {
            (true, Some(text)) => {
                let is_next = before.is_some_and(|it| it.is_client && it.client == turn.client);
                if is_next {
                    std::thread::sleep(RAW_PAUSE);
                }
                say(stream, text.as_bytes());
                if is_next && handout == Handout::Calculator {
                    say_until_answered(stream, &text);
                }
            }
            (true, None) => stream.shutdown(Shutdown::Write).unwrap(),
            (false, Some(text)) => match text.strip_suffix(" (pickled)") {
                Some(dictionary) => assert_eq!(hear_pickled(stream), dictionary),
                None => hear(stream, text.as_bytes()),
            },
            (false, None) => hear_the_end(stream),
        }
        before = Some(turn);
    }
}

/// The pause behind the name may be too short on a busy machine: what arrived joined is then
/// the name, and this is said again.
fn say_until_answered(stream: &mut TcpStream, text: &str) {
    let patience = stream.read_timeout().unwrap();
    let a_while = Some(Duration::from_secs(2));
    stream.set_read_timeout(a_while).unwrap();
    while let Err(error) = stream.peek(&mut [0]) {
        let is_timeout = matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut);
        assert!(is_timeout, "{error}");
        say(stream, text.as_bytes());
    }
    stream.set_read_timeout(patience).unwrap();
}

/// The next pickle, as Python shows the dictionary in it, the id without its UUID.
fn hear_pickled(stream: &mut TcpStream) -> String {
    const HEADER: usize = 11;
    let mut bytes = vec![0; HEADER];
    stream.read_exact(&mut bytes).unwrap();
    let follow = u64::from_le_bytes(bytes[3..].try_into().unwrap());
    bytes.resize(HEADER + usize::try_from(follow).unwrap(), 0);
    stream.read_exact(&mut bytes[HEADER..]).unwrap();
    let done = |tid: &str, what: &str, amount: f64, balance: f64| {
        let (amount, balance) = (repr(amount), repr(balance));
        format!("{{'status': 'OK', 'tid': '{tid}_…', '{what}': {amount}, 'balance': {balance}}}")
    };
    let failed = |message: &str| format!("{{'status': 'ERROR', 'message': '{message}'}}");
    match PickledAnswer::parse(&bytes).unwrap() {
        PickledAnswer::Moved {
            tid,
            amount,
            balance,
        } => match tid.kind {
            Kind::Withdrawal => done("WITH", "withdraw", amount, balance),
            Kind::Deposit => done("DEP", "deposit", amount, balance),
        },
        PickledAnswer::NoBalance => failed("NO_BLNC"),
        PickledAnswer::InvalidInput => failed("INVALID_IN"),
    }
}

#[test]
fn every_exchange_of_the_labs_is_what_the_hand_outs_say() {
    let moment: jiff::Zoned = "2026-11-21T07:44:16[UTC]".parse().unwrap();
    let mut played = BTreeSet::new();
    for exchange in exchanges(LABS) {
        let handout = Handout::parse(exchange.header[0]).unwrap();
        let config = Config {
            clock: Clock::Fixed(Box::new(moment.clone())),
            ..Config::default()
        };
        let server = started_with(handout, config);
        match handout.transport() {
            Transport::Tcp => play_stream(&exchange, &server, handout),
            Transport::Udp => exchange.play_datagrams(&server, |said| text(said).into_bytes()),
        }
        played.insert(handout);
    }
    assert_eq!(played, BTreeSet::from(Handout::ALL));
}
