//! Every exchange in `docs/labs.md`, played against the hand-outs' servers.
//!
//! A fenced block ```` ```exchange HANDOUT ```` holds lines `C: …` and `S: …`, one a message, in which
//! `\n` is a line feed; and `C closes` and `S closes`. A character behind the letter is the client's
//! name, where there are several.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{ErrorKind, Read};
use std::net::{Shutdown, TcpStream, UdpSocket};
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

const LABS: &str = include_str!("../../../docs/labs.md");

/// One exchange of the document.
struct Exchange {
    line: usize,
    handout: Handout,
    steps: Vec<Step>,
}

/// What one side does.
struct Step {
    is_client: bool,
    client: char,
    does: Does,
}

enum Does {
    Says(String),
    Closes,
}

fn exchanges() -> Vec<Exchange> {
    let mut found = Vec::new();
    let mut open: Option<Exchange> = None;
    for (number, line) in LABS.lines().enumerate() {
        if let Some(name) = line.strip_prefix("```exchange ") {
            let handout = Handout::parse(name).unwrap_or_else(|| panic!("no hand-out {name:?}"));
            open = Some(Exchange {
                line: number + 1,
                handout,
                steps: Vec::new(),
            });
        } else if line == "```" {
            found.extend(open.take());
        } else if let Some(exchange) = &mut open {
            exchange.steps.push(step(line));
        }
    }
    found
}

fn step(line: &str) -> Step {
    let (who, does) = match line.split_once(": ") {
        Some((who, text)) => (who, Does::Says(text.replace("\\n", "\n"))),
        None => (line.strip_suffix(" closes").unwrap(), Does::Closes),
    };
    let mut who = who.chars();
    let side = who.next().unwrap();
    assert!(matches!(side, 'C' | 'S'), "{line}");
    Step {
        is_client: side == 'C',
        client: who.next().unwrap_or('1'),
        does,
    }
}

fn play_datagrams(exchange: &Exchange, server: &Service) {
    let socket: UdpSocket = server.datagrams();
    for step in &exchange.steps {
        match &step.does {
            Does::Says(text) if step.is_client => drop(socket.send(text.as_bytes()).unwrap()),
            Does::Says(text) => {
                let mut datagram = [0; 2048];
                let length = socket.recv(&mut datagram).unwrap();
                let heard = String::from_utf8_lossy(&datagram[..length]);
                assert_eq!(heard, *text, "in the exchange at line {}", exchange.line);
            }
            Does::Closes => panic!("a datagram has no end"),
        }
    }
}

fn play(exchange: &Exchange, server: &Service) {
    let mut streams: BTreeMap<char, TcpStream> = BTreeMap::new();
    let mut before: Option<&Step> = None;
    for step in &exchange.steps {
        if exchange.handout == Handout::Chat
            && streams.is_empty()
            && let Does::Says(name) = &step.does
        {
            // Nobody is there to be told of the first.
            streams.insert(step.client, first(server, name));
            continue;
        }
        let stream = streams.entry(step.client);
        let stream = stream.or_insert_with(|| server.connect());
        match &step.does {
            Does::Says(text) if step.is_client => {
                let is_next = before.is_some_and(|it| it.is_client && it.client == step.client);
                if is_next {
                    std::thread::sleep(RAW_PAUSE);
                }
                say(stream, text.as_bytes());
                if is_next && exchange.handout == Handout::Calculator {
                    say_until_answered(stream, text);
                }
            }
            Does::Says(text) => match text.strip_suffix(" (pickled)") {
                Some(dictionary) => assert_eq!(hear_pickled(stream), dictionary),
                None => hear(stream, text.as_bytes()),
            },
            Does::Closes if step.is_client => stream.shutdown(Shutdown::Write).unwrap(),
            Does::Closes => hear_the_end(stream),
        }
        before = Some(step);
    }
}

/// The pause behind the name may be too short on a busy machine: what then arrived glued is the
/// name, and this is said again.
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
    for exchange in exchanges() {
        let clock = Clock::Fixed(Box::new(moment.clone()));
        let config = Config {
            clock,
            ..Config::default()
        };
        let server = started_with(exchange.handout, config);
        match exchange.handout.transport() {
            Transport::Tcp => play(&exchange, &server),
            Transport::Udp => play_datagrams(&exchange, &server),
        }
        played.insert(exchange.handout);
    }
    assert_eq!(played, BTreeSet::from(Handout::ALL));
}
