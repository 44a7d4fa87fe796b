//! A client that runs, and what came of one that has ended.

use std::thread;
use std::time::{Duration, Instant};

use super::Client;
use super::by_hand::{Hand, SEEN_BY_HAND};
use crate::process::{POLL, Process, how};
use crate::verdict::{Failure, Outcome};

/// A client that runs.
pub struct Running<'c> {
    client: &'c Client,
    kind: Kind,
}

/// How it is talked to.
enum Kind {
    Process(Process),
    ByHand(Hand),
}

/// What a client did that has ended by itself.
#[derive(Debug, Default)]
pub struct Finished {
    /// What it printed on standard output.
    pub printed: String,
    /// What it printed on standard error.
    pub complained: String,
    /// Its exit status, in words.
    pub status: String,
    /// Whether its exit status is that of a success.
    pub is_success: bool,
    /// Who has seen what it showed, where that was not printed here.
    pub(super) hand: Option<Hand>,
}

impl<'c> Running<'c> {
    pub(super) fn process(client: &'c Client, process: Process) -> Running<'c> {
        let kind = Kind::Process(process);
        Running { client, kind }
    }

    pub(super) fn by_hand(client: &'c Client, hand: Hand) -> Running<'c> {
        let kind = Kind::ByHand(hand);
        Running { client, kind }
    }

    /// Types this.
    pub fn type_in(&mut self, text: &str) {
        match &mut self.kind {
            Kind::Process(process) => process.type_in(text),
            Kind::ByHand(hand) => hand.ask_to_type(text.lines()),
        }
    }

    /// Types this and ends the input.
    pub fn type_last(&mut self, text: &str) {
        match &mut self.kind {
            Kind::Process(process) => process.type_last(text.to_owned()),
            Kind::ByHand(hand) => hand.ask_to_type(text.lines()),
        }
    }

    /// What it has printed so far, on both outputs.
    pub fn output(&self) -> String {
        match &self.kind {
            Kind::Process(process) => process.printed() + &process.complained(),
            Kind::ByHand(_) => String::new(),
        }
    }

    /// It must print this within this time, while its input stays open.
    pub fn shows_within(&self, text: &str, time: Duration) -> Outcome {
        if let Kind::ByHand(hand) = &self.kind {
            return hand.has_seen(text);
        }
        let by = self.client.by.min(Instant::now() + time);
        while !self.output().contains(text) {
            if Instant::now() >= by {
                return Err(Failure::because(
                    format!("{text} in what it prints"),
                    quoted(&self.output()),
                ));
            }
            thread::sleep(POLL);
        }
        Ok(())
    }

    /// Whether it has ended by itself, as far as that is known.
    pub fn has_ended(&mut self) -> bool {
        match &mut self.kind {
            Kind::Process(process) => !matches!(process.ended(), Ok(None)),
            Kind::ByHand(_) => false,
        }
    }

    /// Ends its input, and waits until it has ended by itself.
    pub fn finish(mut self) -> Result<Finished, Failure> {
        if let Kind::Process(process) = &mut self.kind {
            process.type_last(String::new());
        }
        self.wait()
    }

    /// Waits until it has ended by itself, while its input stays open.
    pub fn wait(self) -> Result<Finished, Failure> {
        let mut process = match self.kind {
            Kind::Process(process) => process,
            Kind::ByHand(hand) => {
                hand.waits(|| Ok(false))?;
                return Ok(Finished::by_hand(hand));
            }
        };
        let began = Instant::now();
        let status = process.wait(self.client.gives_up(began));
        if status.is_some() {
            process.wait_for_output();
        }
        self.client.said.replace(process.said());
        let Some(status) = status else {
            let waited = began.elapsed().as_secs_f32();
            if Instant::now() >= self.client.by {
                let words = "the case took longer than it may (--time-limit)";
                return Err(Failure::Undecided(words.into()));
            }
            return Err(Failure::because(
                "a client that ends by itself",
                format!("it still runs after {waited:.0} s"),
            ));
        };
        Ok(Finished {
            printed: process.printed(),
            complained: process.complained(),
            status: how(status),
            is_success: status.success(),
            hand: None,
        })
    }

    /// Kills it, as the loss of power would; what it had printed.
    pub fn kill(mut self) -> String {
        if let Kind::Process(process) = &mut self.kind {
            process.kill();
            process.wait_for_output();
            self.client.said.replace(process.said());
        }
        self.output()
    }
}

impl Finished {
    /// What only they have seen who started it.
    pub(super) fn by_hand(hand: Hand) -> Finished {
        Finished {
            status: "it was started by hand".into(),
            hand: Some(hand),
            ..Finished::default()
        }
    }

    /// All that it printed.
    pub fn output(&self) -> String {
        format!("{}{}", self.printed, self.complained)
    }

    /// All that it printed, in words.
    pub fn seen(&self) -> String {
        match &self.hand {
            Some(_) => SEEN_BY_HAND.into(),
            None => quoted(&self.output()),
        }
    }

    /// It must have printed this somewhere.
    pub fn shows(&self, text: &str) -> Outcome {
        if let Some(hand) = &self.hand {
            return hand.has_seen(text);
        }
        match self.output().contains(text) {
            true => Ok(()),
            false => Err(Failure::because(
                format!("{text} in what it prints"),
                format!("{}; {}", quoted(&self.output()), self.status),
            )),
        }
    }

    /// What follows from the answer of who has seen what it showed: whether the question, to which this
    /// is the right answer, is answered so. Nothing where that was printed here.
    pub fn asked(&self, question: &str, is_right: bool) -> Option<Outcome> {
        let hand = self.hand.as_ref()?;
        Some(hand.answers(question, is_right))
    }
}

/// What a program printed, to be shown in a finding.
pub fn quoted(output: &str) -> String {
    match output.trim_end() {
        "" => "it printed nothing".into(),
        text => format!("it printed {}", proto::printable::quoted(text)),
    }
}
