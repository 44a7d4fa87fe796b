//! Requests and answers: which attempt of the machine, and which arrival at the bank, they are.

use std::net::SocketAddr;

use proto::atm::Request;
use proto::refusal::Code;
use proto::side::{Direction, Side};
use record::{Cause, Message, What};

use super::super::story::{Arrival, Fate, Reply, Try, Verb};
use super::{Asked, End, Gathering, Line, Place};

impl<'a> Gathering<'a> {
    /// What crossed a connection, or was kept from it by a fault.
    pub(super) fn message(&mut self, end: End<'a>, what: &What) {
        use Direction::{ToClient, ToServer};
        let Some(message) = what.message() else {
            return;
        };
        match (self.lives[end.run].side, message.direction, what) {
            (Side::Client, ToServer, What::Duplicated(_)) => self.line(end).copies = 2,
            (Side::Client, ToServer, _) => {
                if let Some(fate) = fate(what) {
                    self.ask(end, message, fate);
                }
            }
            (Side::Client, ToClient, What::Received(_)) => {
                if let Some((asked, reply)) = self.answer(end, message) {
                    let one = &mut self.found.stories[asked.story].tries[asked.place];
                    match asked.is_copy {
                        true => one.answer_to_copy = Some(reply),
                        false => one.answer = Some(reply),
                    }
                }
            }
            (Side::Client, ToClient, What::Dropped { cause, .. }) => {
                if let Some(asked) = self.line(end).answered
                    && *cause == Cause::Drop
                    && !asked.is_copy
                {
                    self.found.stories[asked.story].tries[asked.place].answer_was_lost = true;
                }
            }
            (Side::Server, ToServer, What::Received(_)) => self.arrive(end, message),
            (Side::Server, ToServer, What::Dropped { .. }) => {
                if let Some(Some(asked)) = self.line(end).waiting.pop_back() {
                    self.found.stories[asked.story].arrivals[asked.place].was_dropped = true;
                }
            }
            (Side::Server, ToServer, What::Duplicated(_)) => {
                let waiting = &mut self.line(end).waiting;
                if let Some(asked) = waiting.back().copied() {
                    waiting.push_back(asked.map(|asked| Asked {
                        is_copy: true,
                        ..asked
                    }));
                }
            }
            (Side::Server, ToClient, _) => match fate(what) {
                Some(Fate::Sent) => self.reply(end, message, false),
                Some(Fate::Dropped | Fate::Cut | Fate::Reset) => self.reply(end, message, true),
                Some(Fate::Refused) | None => {}
            },
            _ => {}
        }
    }

    /// The machine asks.
    fn ask(&mut self, end: End<'a>, message: &Message, fate: Fate) {
        let Some((story, verb)) = self.about(end, message) else {
            if fate == Fate::Sent {
                self.line(end).waiting.push_back(None);
            }
            return;
        };
        self.found.stories[story].machine_is_recorded = true;
        let line = self.line(end);
        let is_copy = line.copies == 1;
        line.copies = line.copies.saturating_sub(1);
        let is_doubled = line.copies == 1;
        let place = (fate == Fate::Sent)
            .then(|| place_of(line, end.channel.local, end.channel.peer, story, verb));
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
            self.line(end).waiting.push_back(Some(asked));
        }
    }

    /// The machine is answered. What it had asked, if it was about a transaction.
    fn answer(&mut self, end: End<'a>, message: &Message) -> Option<(Asked, Reply)> {
        let line = self.line(end);
        line.answered = None;
        let reply = reply_in(message)?;
        let asked = line.waiting.pop_front()??;
        line.answered = Some(asked);
        Some((asked, reply))
    }

    /// A request comes to the bank.
    fn arrive(&mut self, end: End<'a>, message: &Message) {
        let Some((story, verb)) = self.about(end, message) else {
            self.line(end).waiting.push_back(None);
            return;
        };
        let number = self.found.stories[story].arrivals.len();
        let line = self.line(end);
        let place = place_of(line, end.channel.peer, end.channel.local, story, verb);
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
    fn reply(&mut self, end: End<'a>, message: &Message, was_lost: bool) {
        let Some(reply) = reply_in(message) else {
            return;
        };
        let waiting = self.line(end).waiting.pop_front();
        if let Some(Some(asked)) = waiting
            && !asked.is_copy
        {
            let arrival = &mut self.found.stories[asked.story].arrivals[asked.place];
            arrival.answer = Some(reply);
            arrival.answer_was_lost = was_lost;
        }
    }

    /// Which transaction a request is about, and how. The machine's name is taken down.
    fn about(&mut self, end: End<'a>, message: &Message) -> Option<(usize, Verb)> {
        // A key is recorded as stars, and without it the request is one all the same.
        let text = message.text.as_deref()?.trim_end_matches('*').trim_end();
        let (id, verb, amount) = match text.parse().ok()? {
            Request::Hold { id, amount, .. } => (id, Verb::Hold, Some(amount.money())),
            Request::Confirm { id, .. } => (id, Verb::Confirm, None),
            Request::Rollback { id, .. } => (id, Verb::Rollback, None),
            Request::Terminal(name) => {
                self.line(end).machine = Some(name.clone());
                self.lives[end.run].machine = Some(name);
                return None;
            }
            _ => return None,
        };
        let machine = self.line(end).machine.clone();
        let number = self.story(end.run, id);
        let story = &mut self.found.stories[number];
        story.amount = story.amount.or(amount);
        story.machine = story.machine.take().or(machine);
        Some((number, verb))
    }

    fn line(&mut self, end: End<'a>) -> &mut Line {
        self.lives[end.run].lines.entry(end.channel).or_default()
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

/// What became of a message at its sender; `None` when it was not sent whole.
fn fate(what: &What) -> Option<Fate> {
    match what {
        What::Sent(message) if !message.partial => Some(Fate::Sent),
        What::Dropped { .. } => Some(Fate::Dropped),
        What::Refused(_) => Some(Fate::Refused),
        What::Cut { .. } => Some(Fate::Cut),
        What::Reset(_) => Some(Fate::Reset),
        _ => None,
    }
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
