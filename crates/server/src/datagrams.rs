//! The loop of every service over UDP, and what it never answers.
//!
//! A datagram's source address can be forged. Two services that answer whatever comes can be made
//! to answer each other without end (Pan et al., "Loopy Hell(ow)", USENIX Security 2024), and one
//! that answers long to short can be made to flood a stranger.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use proto::refusal::{Code, Refusal};
use proto::reply;
use record::tap::FaultEffect;
use wire::datagram::{CAN_END_RECEIVING, Endpoint};
use wire::fault::FaultSchedule;

use crate::connections::Connections;
use crate::token_bucket::TokenBucket;

/// Pause after a datagram could not be received. To try again at once would spin.
const RETRY_PAUSE: Duration = Duration::from_millis(200);

/// Longest wait for a datagram where the stop of the server cannot end it.
const STOP_CHECK: Duration = Duration::from_millis(200);

/// Of the datagrams above the rate, one in this many is answered all the same: otherwise an
/// attacker who forges a victim's address could silence the victim (the "leak" of chrony's rate
/// limit).
const LEAK: u32 = 16;

/// Sources whose rate is remembered. Beyond that, all are forgotten and start afresh.
const SOURCES: usize = 4_096;

/// Ports below this belong to system services, of which several answer anything: echo, daytime,
/// chargen, DNS, TFTP, NTP.
const FIRST_CLIENT_PORT: u16 = 1_024;

/// Answers datagrams until the server stops. `answer` gives nothing where nothing is to be said;
/// nor does `refuse`, which answers a datagram that an injected fault refuses.
pub fn serve_datagrams(
    mut endpoint: Endpoint,
    connections: &Connections,
    rate: u32,
    mut answer: impl FnMut(&[u8], SocketAddr) -> Option<Vec<u8>>,
    refuse: impl Fn(&[u8]) -> Option<Vec<u8>>,
) {
    let own = endpoint.local_addr().ok();
    let mut rates = (rate > 0).then(|| Rates::new(rate));
    let mut requests = endpoint.take_schedule();
    let tap = endpoint.tap(None);
    while !connections.are_stopping() {
        let check_at = (!CAN_END_RECEIVING).then(|| Instant::now() + STOP_CHECK);
        let (replies, sender) = match endpoint.receive(check_at) {
            Ok(Some((datagram, sender))) => {
                if let Some(reason) = never_answered(sender, own) {
                    tracing::warn!(%sender, "datagram ignored: {reason}");
                    continue;
                }
                let is_allowed = |rates: &mut Rates| rates.allow(sender.ip(), Instant::now());
                if !rates.as_mut().is_none_or(is_allowed) {
                    tracing::debug!(%sender, "datagram ignored: too many from this address");
                    continue;
                }
                let effect = requests.as_mut().and_then(FaultSchedule::next_received);
                if let (Some(tap), Some(effect)) = (&tap, effect) {
                    tap.with_peer(sender).fault_on_received(effect, datagram);
                }
                let replies = match effect {
                    Some(FaultEffect::Dropped) => [None, None],
                    Some(FaultEffect::Refused) => [refuse(datagram), None],
                    Some(FaultEffect::Duplicated) => {
                        [answer(datagram, sender), answer(datagram, sender)]
                    }
                    // The rest happens to what is sent.
                    _ => [answer(datagram, sender), None],
                };
                (replies, sender)
            }
            Ok(None) => continue,
            Err(error) => {
                tracing::warn!(%error, "cannot receive");
                std::thread::sleep(RETRY_PAUSE);
                continue;
            }
        };
        for reply in replies.into_iter().flatten() {
            if let Err(error) = endpoint.send_to(&reply, sender) {
                tracing::warn!(%sender, %error, "cannot answer");
            }
        }
    }
}

/// How our own services refuse a request because of an injected fault: without words, because they
/// would make a short forged request into a longer answer; and none to what could itself be an
/// answer.
pub fn refuse(datagram: &[u8]) -> Option<Vec<u8>> {
    if datagram.is_empty() || reply::looks_like_a_reply(datagram) {
        return None;
    }
    let refusal = Refusal::new(Code::Unavailable, "");
    Some(reply::render::<&str>(&Err(refusal)).into_bytes())
}

/// Why no datagram from this address is answered, if so.
pub fn never_answered(sender: SocketAddr, own: Option<SocketAddr>) -> Option<&'static str> {
    let ip = sender.ip().to_canonical();
    let broadcast = matches!(ip, IpAddr::V4(ip) if ip.is_broadcast());
    if broadcast || ip.is_multicast() || ip.is_unspecified() {
        return Some("its source is no single host");
    }
    if sender.port() < FIRST_CLIENT_PORT {
        return Some("its source is a port of a system service, which may answer the answer");
    }
    let is_own = |own: SocketAddr| {
        own.port() == sender.port()
            && (own.ip() == ip || own.ip().is_unspecified() && ip.is_loopback())
    };
    own.is_some_and(is_own)
        .then_some("its source is this server")
}

/// The rate of each source address.
struct Rates {
    per_second: u32,
    sources: HashMap<IpAddr, Source>,
}

struct Source {
    bucket: TokenBucket,
    over: u32,
}

impl Rates {
    fn new(per_second: u32) -> Rates {
        Rates {
            per_second,
            sources: HashMap::new(),
        }
    }

    fn allow(&mut self, source: IpAddr, now: Instant) -> bool {
        if self.sources.len() >= SOURCES && !self.sources.contains_key(&source) {
            self.sources.clear();
        }
        // A second's worth may come at once.
        let interval = Duration::from_secs(1) / self.per_second;
        let source = self.sources.entry(source).or_insert_with(|| Source {
            bucket: TokenBucket::new(self.per_second, interval),
            over: 0,
        });
        if source.bucket.try_take(now) {
            return true;
        }
        source.over = source.over.wrapping_add(1);
        source.over.is_multiple_of(LEAK)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    #[test]
    fn what_could_loop_is_never_answered() {
        let own = Some(address("127.0.0.1:9010"));
        let never = "127.0.0.1:9010 127.0.0.1:0 127.0.0.1:7 10.0.0.1:53 255.255.255.255:40000 \
                     224.0.0.1:40000 0.0.0.0:40000 [ff02::1]:40000";
        for sender in never.split(' ') {
            assert!(never_answered(address(sender), own).is_some(), "{sender}");
        }
        for sender in ["127.0.0.1:9011", "127.0.0.1:40000", "[::1]:40000"] {
            assert_eq!(never_answered(address(sender), own), None, "{sender}");
        }
        let all = Some(address("0.0.0.0:9010"));
        assert!(never_answered(address("127.0.0.1:9010"), all).is_some());
    }

    #[test]
    fn a_flood_is_answered_at_the_rate_and_a_leak_above_it() {
        let mut rates = Rates::new(100);
        let (source, now) = (address("10.0.0.1:4000").ip(), Instant::now());
        let answered = (0..1_700).filter(|_| rates.allow(source, now)).count();
        assert_eq!(answered, 100 + 1_600 / LEAK as usize);
        assert!(
            rates.allow(address("10.0.0.2:4000").ip(), now),
            "another source"
        );
        assert!(rates.allow(source, now + Duration::from_secs(1)));
    }

    #[test]
    fn forged_sources_do_not_fill_the_memory() {
        let mut rates = Rates::new(100);
        for number in 0..3 * SOURCES as u32 {
            rates.allow(IpAddr::V4(number.into()), Instant::now());
            assert!(rates.sources.len() <= SOURCES);
        }
    }
}
