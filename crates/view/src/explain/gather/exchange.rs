//! Requests and answers: which attempt of the machine, and which arrival at the bank, they are.

use std::net::SocketAddr;

use proto::atm::Request;
use proto::refusal::Code;
use proto::side::{Direction, Side};
use record::{Cause, Channel, Message, What};

use super::super::story::{Arrival, Fate, Reply, Try, Verb};
use super::{Asked, Gathering, Line, Place};

impl<'a> Gathering<'a> {
    /// Takes down what crossed a connection, or was kept from it.
    pub(super) fn message(&mut self, run: usize, channel: &'a Channel, what: &What) {
        use Direction::{ToClient, ToServer};
        match (self.lives[run].side, what) {
            (Side::Client, What::Sent(message))
                if message.direction == ToServer && !message.partial =>
            {
                self.ask(run, channel, message, Fate::Sent);
            }
            (Side::Client, What::Dropped { message, .. }) if message.direction == ToServer => {
                self.ask(run, channel, message, Fate::Dropped);
            }
            (Side::Client, What::Refused(message)) => {
                self.ask(run, channel, message, Fate::Refused);
            }
            (Side::Client, What::Cut { message, .. }) => {
                self.ask(run, channel, message, Fate::Cut);
            }
            (Side::Client, What::Reset(message)) => {
                self.ask(run, channel, message, Fate::Reset);
            }
            (Side::Client, What::Duplicated(message)) if message.direction == ToServer => {
                self.line(run, channel).copies = 2;
            }
            (Side::Client, What::Received(message)) => {
                if let Some((asked, reply)) = self.answer(run, channel, message) {
                    let one = &mut self.found.stories[asked.story].tries[asked.place];
                    match asked.is_copy {
                        true => one.answer_to_copy = Some(reply),
                        false => one.answer = Some(reply),
                    }
                }
            }
            (Side::Client, What::Dropped { cause, .. }) => {
                if let Some(asked) = self.line(run, channel).answered
                    && *cause == Cause::Drop
                    && !asked.is_copy
                {
                    self.found.stories[asked.story].tries[asked.place].answer_was_lost = true;
                }
            }
            (Side::Server, What::Received(message)) => self.arrive(run, channel, message),
            (Side::Server, What::Dropped { message, .. }) if message.direction == ToServer => {
                if let Some(Some(asked)) = self.line(run, channel).waiting.pop_back() {
                    self.found.stories[asked.story].arrivals[asked.place].was_dropped = true;
                }
            }
            (Side::Server, What::Duplicated(_)) => {
                let line = self.line(run, channel);
                if let Some(asked) = line.waiting.back().copied() {
                    let copy = asked.map(|asked| Asked {
                        is_copy: true,
                        ..asked
                    });
                    line.waiting.push_back(copy);
                }
            }
            (Side::Server, What::Sent(message))
                if message.direction == ToClient && !message.partial =>
            {
                self.reply(run, channel, message, false);
            }
            (
                Side::Server,
                What::Dropped { message, .. } | What::Cut { message, .. } | What::Reset(message),
            ) => {
                self.reply(run, channel, message, true);
            }
            _ => {}
        }
    }

    /// The machine asks.
    fn ask(&mut self, run: usize, channel: &'a Channel, message: &Message, fate: Fate) {
        let Some(asked) = self.about(run, channel, message) else {
            if fate == Fate::Sent {
                self.line(run, channel).waiting.push_back(None);
            }
            return;
        };
        let (story, verb) = asked;
        self.found.stories[story].machine_is_recorded = true;
        let line = self.line(run, channel);
        let is_copy = line.copies == 1;
        line.copies = line.copies.saturating_sub(1);
        let is_doubled = line.copies == 1;
        let place = match fate {
            Fate::Sent => Some(place_of(line, channel.local, channel.peer, story, verb)),
            Fate::Dropped | Fate::Refused | Fate::Cut | Fate::Reset => None,
        };
        let tries = &mut self.found.stories[story].tries;
        if !is_copy {
            tries.push(Try {
                verb,
                fate,
                is_doubled,
                answer: None,
                answer_was_lost: false,
                answer_to_copy: None,
                arrival: None,
            });
        }
        let number = tries.len().saturating_sub(1);
        if let Some(place) = place {
            if !is_copy {
                self.sent.push((place, number));
            }
            let asked = Asked {
                story,
                place: number,
                is_copy,
            };
            self.line(run, channel).waiting.push_back(Some(asked));
        }
    }

    /// The machine is answered. What it had asked, if it was about a transaction.
    fn answer(
        &mut self,
        run: usize,
        channel: &'a Channel,
        message: &Message,
    ) -> Option<(Asked, Reply)> {
        let line = self.line(run, channel);
        line.answered = None;
        let reply = reply_in(message)?;
        let asked = line.waiting.pop_front()??;
        line.answered = Some(asked);
        Some((asked, reply))
    }

    /// A request comes to the bank.
    fn arrive(&mut self, run: usize, channel: &'a Channel, message: &Message) {
        let Some((story, verb)) = self.about(run, channel, message) else {
            self.line(run, channel).waiting.push_back(None);
            return;
        };
        let number = self.found.stories[story].arrivals.len();
        let line = self.line(run, channel);
        let place = place_of(line, channel.peer, channel.local, story, verb);
        let asked = Asked {
            story,
            place: number,
            is_copy: false,
        };
        line.waiting.push_back(Some(asked));
        self.arrived.insert(place, number);
        self.found.stories[story].arrivals.push(Arrival {
            verb,
            was_dropped: false,
            answer: None,
            answer_was_lost: false,
            bank_died: false,
        });
    }

    /// The bank answers, or a fault keeps it from that.
    fn reply(&mut self, run: usize, channel: &'a Channel, message: &Message, was_lost: bool) {
        let Some(reply) = reply_in(message) else {
            return;
        };
        let waiting = self.line(run, channel).waiting.pop_front();
        if let Some(Some(asked)) = waiting
            && !asked.is_copy
        {
            let arrival = &mut self.found.stories[asked.story].arrivals[asked.place];
            arrival.answer = Some(reply);
            arrival.answer_was_lost = was_lost;
        }
    }

    /// Which transaction a request is about, and how. The machine's name is taken down.
    fn about(
        &mut self,
        run: usize,
        channel: &'a Channel,
        message: &Message,
    ) -> Option<(usize, Verb)> {
        // A key is recorded as stars, and without it the request is one all the same.
        let text = message.text.as_deref()?.trim_end_matches('*').trim_end();
        let (id, verb, amount) = match text.parse().ok()? {
            Request::Hold { id, amount, .. } => (id, Verb::Hold, Some(amount.money())),
            Request::Confirm { id, .. } => (id, Verb::Confirm, None),
            Request::Rollback { id, .. } => (id, Verb::Rollback, None),
            Request::Terminal(name) => {
                self.line(run, channel).machine = Some(name.clone());
                self.lives[run].machine = Some(name);
                return None;
            }
            _ => return None,
        };
        let machine = self.line(run, channel).machine.clone();
        let number = self.story(run, id);
        let story = &mut self.found.stories[number];
        story.amount = story.amount.or(amount);
        story.machine = story.machine.take().or(machine);
        Some((number, verb))
    }

    fn line(&mut self, run: usize, channel: &'a Channel) -> &mut Line {
        self.lives[run].lines.entry(channel).or_default()
    }
}

fn place_of(
    line: &mut Line,
    client: SocketAddr,
    server: SocketAddr,
    story: usize,
    verb: Verb,
) -> Place {
    let before = line.places.entry((story, verb)).or_default();
    let place = (
        SocketAddr::new(client.ip().to_canonical(), client.port()),
        server.port(),
        story,
        verb,
        *before,
    );
    *before += 1;
    place
}

/// The answer that this message is; none for `READY` and for what is no answer of a bank.
fn reply_in(message: &Message) -> Option<Reply> {
    let text = message.text.as_deref()?;
    let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
    match word {
        "OK" => Some(Reply::Done {
            repeat: rest.ends_with(", repeat"),
        }),
        "ERR" => Some(Reply::Refused(Code::parse(
            rest.split(' ').next().unwrap_or_default(),
        ))),
        _ => None,
    }
}
