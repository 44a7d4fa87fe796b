//! Asking over UDP, where a question or its answer may be lost: bounded tries, each with a
//! deadline.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use proto::mode::Transport;
use rand::RngExt;
use wire::connect::resolve;
use wire::datagram::Endpoint;

use crate::evidence::{Evidence, Section, SentRequests};
use crate::failure::{Failure, Report};
use crate::secrets::SECRETS;
use crate::session::Target;

/// How often a question is sent.
pub const TRIES: u32 = 4;

/// How long a server that does not listen may take to restart between two tries.
const RESTART_PAUSE: Duration = Duration::from_millis(300);

/// How long a host in the same building takes at most to say that nothing listens.
const REFUSAL_WAIT: Duration = Duration::from_millis(200);

/// Most late answers that are thrown away before a question: each try may leave one behind.
const LATE_ANSWERS: u32 = 64;

/// Asks a datagram service and waits for its answers.
#[derive(Debug)]
pub struct Asker {
    target: Target,
    endpoints: Vec<(SocketAddr, Endpoint)>,
    questions: SentRequests,
}

/// What came and was no answer.
#[derive(Debug, Default)]
struct PassedOver {
    /// How many datagrams.
    count: u32,
    last: Vec<u8>,
}

/// Tries that were answered with something else before it is the server's fault: a single datagram
/// may be a late answer.
const WRONG_ANSWERS: u32 = 2;

impl Asker {
    /// A socket for every address of the server; the first that answers is kept.
    ///
    /// # Errors
    /// When the server's name has no address, or no socket can be had.
    pub fn open(target: &Target) -> Result<Asker, Failure> {
        let addresses = resolve(&target.server)
            .map_err(|error| Failure::cannot_connect(&error, target.peer))?;
        let mut endpoints = Vec::new();
        let mut failed = None;
        for address in addresses {
            match Endpoint::connected_to(address) {
                Ok(mut endpoint) => {
                    if let Some(recorder) = &target.recorder {
                        let number = recorder.next_connection();
                        // What cannot be recorded can be asked all the same.
                        let _ = endpoint.record(recorder, target.service(), number, SECRETS);
                    }
                    if let Some(faults) = target.faults(Transport::Udp, target.peer.exchange()) {
                        endpoint.inject(faults);
                    }
                    endpoints.push((address, endpoint));
                }
                Err(error) => failed = Some((address, error)),
            }
        }
        match (endpoints.is_empty(), failed) {
            (true, Some((address, error))) => Err(Failure::Unreachable(
                format!("cannot send to {address}: {error}").into(),
            )),
            _ => Ok(Asker {
                target: target.clone(),
                endpoints,
                questions: SentRequests::default(),
            }),
        }
    }

    /// Sends the question until something comes that `accept` takes for its answer; what it does
    /// not take, as a late answer to another question, is passed over. What was `expected` is
    /// for the failure where it did not come.
    ///
    /// # Errors
    /// When no answer came after [`TRIES`] tries within the target's timeout:
    /// [`Failure::Protocol`] where something else did, again and again.
    pub fn ask<A>(
        &mut self,
        question: &[u8],
        expected: Vec<String>,
        mut accept: impl FnMut(&[u8]) -> Option<A>,
    ) -> Result<A, Failure> {
        self.forget_late_answers();
        self.questions.push(&String::from_utf8_lossy(question));
        let mut passed_over = PassedOver::default();
        let mut refused = 0;
        let started = Instant::now();
        for attempt in 0..TRIES {
            let by = started + self.target.timeout * (attempt + 1) / TRIES + jitter();
            let by = by.min(started + self.target.timeout);
            let share = by.saturating_duration_since(Instant::now()) / self.endpoints.len() as u32;
            for position in 0..self.endpoints.len() {
                let by = Instant::now() + share;
                let (_, endpoint) = &mut self.endpoints[position];
                let tap = endpoint.tap(None);
                if let (Some(tap), 1..) = (&tap, attempt) {
                    tap.resent(attempt + 1, question);
                }
                let began = Instant::now();
                match ask_once(endpoint, question, by, &mut accept, &mut passed_over) {
                    Ok(Some(answer)) => {
                        self.endpoints.swap(0, position);
                        self.endpoints.truncate(1);
                        return Ok(answer);
                    }
                    Ok(None) => {
                        if let Some(tap) = &tap {
                            let words = format!("no answer to try {} of {TRIES}", attempt + 1);
                            tap.timed_out(began.elapsed(), &words);
                        }
                    }
                    Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                        refused += 1;
                        let due = by.saturating_duration_since(Instant::now());
                        std::thread::sleep(due.min(RESTART_PAUSE));
                    }
                    Err(error) => return Err(self.lost(&error.to_string())),
                }
            }
        }
        if refused > 0 && passed_over.count == 0 {
            return Err(self.lost(&self.nothing_listens()));
        }
        let seconds = self.target.timeout.as_secs_f32();
        let words = format!("no answer to {TRIES} tries in {seconds} s");
        let section = Section::of(self.target.peer);
        let evidence = self
            .questions
            .evidence(expected, &passed_over.last, section);
        let count = passed_over.count;
        if count < WRONG_ANSWERS {
            return Err(Failure::Lost(self.report(&words, evidence)));
        }
        let words = format!("{words}; {count} datagrams came that are none");
        Err(Failure::Protocol(self.report(&words, evidence)))
    }

    /// Leaves one address of several, of IPv4 if there is one: `localhost` may be `::1` first, while
    /// the server listens on `127.0.0.1` alone.
    pub(crate) fn keep_one_address(&mut self) {
        let is_v4 = |(address, _): &(SocketAddr, Endpoint)| address.is_ipv4();
        let kept = self.endpoints.iter().position(is_v4).unwrap_or(0);
        self.endpoints.swap(0, kept);
        self.endpoints.truncate(1);
    }

    /// Sends the question once, to one address; `None` when `accept` took nothing for its answer by
    /// then.
    pub(crate) fn ask_once<A>(
        &mut self,
        question: &[u8],
        by: Instant,
        mut accept: impl FnMut(&[u8]) -> Option<A>,
    ) -> io::Result<Option<A>> {
        let (_, endpoint) = &mut self.endpoints[0];
        let mut passed_over = PassedOver::default();
        ask_once(endpoint, question, by, &mut accept, &mut passed_over)
    }

    /// Sends what is not answered. All that can be learnt is that nothing listens, and only for as
    /// long as is waited for that.
    ///
    /// # Errors
    /// When nothing listens at any of the server's addresses, or nothing can be sent there.
    pub fn send(&mut self, message: &[u8]) -> Result<(), Failure> {
        for position in 0..self.endpoints.len() {
            let (_, endpoint) = &mut self.endpoints[position];
            let by = Instant::now() + REFUSAL_WAIT;
            let mut passed_over = PassedOver::default();
            match ask_once(endpoint, message, by, &mut |_| Some(()), &mut passed_over) {
                Ok(_) => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {}
                Err(error) => return Err(self.lost(&error.to_string())),
            }
        }
        Err(self.lost(&self.nothing_listens()))
    }

    /// A repeated question may have been answered twice, and what is left would pass for the
    /// answer to the next one.
    fn forget_late_answers(&mut self) {
        for (_, endpoint) in &mut self.endpoints {
            for _ in 0..LATE_ANSWERS {
                let at_once = Instant::now() + Duration::from_millis(1);
                if let Ok(None) = endpoint.receive(Some(at_once)) {
                    break;
                }
            }
        }
    }

    fn nothing_listens(&self) -> String {
        format!("nothing listens there: is `{}` running?", self.target.peer)
    }

    fn report(&self, words: &str, evidence: Evidence) -> Report {
        Report::new(format!("{}/udp: {words}", self.target.server), evidence)
    }

    fn lost(&self, what: &str) -> Failure {
        Failure::Lost(format!("{}/udp: {what}", self.target.server).into())
    }
}

fn ask_once<A>(
    endpoint: &mut Endpoint,
    question: &[u8],
    by: Instant,
    accept: &mut impl FnMut(&[u8]) -> Option<A>,
    passed_over: &mut PassedOver,
) -> io::Result<Option<A>> {
    endpoint.send(question)?;
    while let Some((answer, _)) = endpoint.receive(Some(by))? {
        if let Some(accepted) = accept(answer) {
            return Ok(Some(accepted));
        }
        passed_over.count += 1;
        passed_over.last = answer.to_vec();
    }
    Ok(None)
}

/// Spreads the repetitions of clients that lost a question at the same moment.
fn jitter() -> Duration {
    Duration::from_millis(rand::rng().random_range(0..50))
}
