//! The pages of `docs/handouts/`: each exchange is played against the hand-out's server.
//!
//! The header is the hand-out; `\n` is a line feed.

use std::collections::BTreeMap;
use std::fs;
use std::io::{ErrorKind, Read};
use std::net::{Shutdown, TcpStream};
use std::path::PathBuf;
use std::time::Duration;

use proto::atm::Kind;
use proto::frame::Framing;
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

fn directory() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/handouts"))
}

fn page(handout: Handout) -> String {
    fs::read_to_string(directory().join(format!("{}.md", handout.name()))).unwrap()
}

/// The one exchange of its page.
pub fn exchange_of(handout: Handout) -> Exchange {
    let mut found = exchanges(page(handout).leak());
    assert_eq!(found.len(), 1, "{handout}: one exchange a page");
    let exchange = found.remove(0);
    assert_eq!(exchange.header, [handout.name()]);
    exchange
}

fn text(said: &str) -> String {
    said.replace("\\n", "\n")
}

/// A message as the hand-out's programs send it.
pub fn framed(handout: Handout, said: &str) -> String {
    match handout.framing() {
        Framing::Line => text(said) + "\n",
        _ => text(said),
    }
}

fn play_stream(exchange: &Exchange, server: &Service, handout: Handout) {
    let mut streams: BTreeMap<char, TcpStream> = BTreeMap::new();
    let mut before: Option<&Turn> = None;
    for turn in &exchange.turns {
        let said = turn.said.map(|said| framed(handout, said));
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
                if is_next && matches!(handout, Handout::Calculator | Handout::AtmLogin) {
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
fn the_exchange_of_every_page_is_what_the_hand_out_says() {
    let moment: jiff::Zoned = "2026-11-21T07:44:16[UTC]".parse().unwrap();
    for handout in Handout::ALL {
        let exchange = exchange_of(handout);
        let config = Config {
            clock: Clock::Fixed(Box::new(moment.clone())),
            ..Config::default()
        };
        let server = started_with(handout, config);
        match handout.transport() {
            Transport::Tcp => play_stream(&exchange, &server, handout),
            Transport::Udp => exchange.play_datagrams(&server, |said| text(said).into_bytes()),
        }
    }
}

#[test]
fn every_page_names_source_port_and_both_halves_and_the_table_of_the_labs_leads_to_it() {
    let labs = include_str!("../../../docs/labs.md");
    for handout in Handout::ALL {
        let (name, page) = (handout.name(), page(handout));
        for part in [
            format!("# `{name}`: "),
            format!("| printed in | {}", handout.source()),
            format!(
                "{}, {}",
                handout.port(),
                handout.transport().name().to_uppercase()
            ),
            format!("`labserver --handout {name}`"),
            format!("`labclient handout {name}`"),
        ] {
            assert!(page.contains(&part), "{name}: {part}");
        }
        let row = format!("| [`{name}`](handouts/{name}.md) | {} | ", handout.source());
        assert!(labs.contains(&row), "{row}");
    }
    let pages = fs::read_dir(directory()).unwrap().count();
    assert_eq!(pages, Handout::ALL.len());
}
