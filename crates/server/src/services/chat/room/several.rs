//! The room of several servers: what its members ask goes to a queue, and happens when it comes back
//! from the stream, here as at every other server.
//!
//! The stream decides who is in the room. A member that is connected here and was said to have left,
//! because this server was away from Redis for longer than its lease, joins again; if another has its
//! name by now, it is put out.

use std::sync::mpsc::Sender;
use std::sync::{Arc, OnceLock};

use proto::chat::{Answer, Event, Message, Reason, Text};
use proto::name::Name;
use proto::refusal::{Code, Refusal};

use super::roll::Listed;
use super::{Gone, Member, Members, Room, closing};
use crate::services::chat::delivery::{Recipient, Step};
use crate::services::chat::dialect::Dialect;
use crate::services::chat::queue::{News, Queue, Task};
use crate::services::chat::stream::{By, Entry, Happening, Kind, Outcome, Present};
use crate::threads::Threads;

/// Entries that happen at once, under the lock.
const AT_ONCE: usize = 64;

/// Who speaks to the members for the room itself: a name that nobody can have.
const ROOM: &str = "server";

/// What a room of several servers has besides.
#[derive(Debug)]
pub struct Several {
    /// This server, as the others know it.
    pub server: Arc<str>,
    /// What is to be written to the stream.
    pub queue: Queue,
    /// Whether a line counts as said only when replicas have it.
    pub awaits_replicas: bool,
}

/// A member that waits to come back from the stream.
pub struct Joining {
    recipient: Box<dyn Recipient>,
    out: Arc<OnceLock<Reason>>,
    asker: Sender<News>,
}

impl Several {
    /// Has the server and its members leave, if Redis can be asked, and waits until they have.
    pub fn depart(&self) {
        if let Ok((waiting, _)) = self.queue.ask(Task::Depart)
            && let Err(refusal) = self.queue.wait(waiting, &[News::Written])
        {
            tracing::warn!("the members here leave when the lease expires: {refusal}");
        }
    }

    fn is_here(&self, by: &By) -> bool {
        by.server == self.server
    }
}

impl Room {
    /// A room of several servers, whose members speak this dialect, and hear so many of the last
    /// lines when they join.
    pub fn of_several(
        dialect: Dialect,
        history: usize,
        threads: Threads,
        several: Arc<Several>,
    ) -> Room {
        Room::with(dialect, history, threads, Some(several))
    }

    /// These are in the room, and this was said last, before anybody joins here.
    pub fn begin(&self, present: Vec<Present>, last: Vec<Happening>) {
        self.within(|members| {
            members.list(present);
            for Happening { name, kind, .. } in last {
                if let Kind::Said(_, text) = kind
                    && let said = Message::Event(Event::Said(name, text))
                    && let Some(message) = members.dialect.render(&said)
                {
                    members.remember(&message);
                }
            }
        });
    }

    /// These entries of the stream happen.
    pub fn happen(&self, entries: Vec<Entry>) {
        let mut entries = entries.into_iter().peekable();
        while entries.peek().is_some() {
            self.within(|members| {
                for Entry { place, what, .. } in entries.by_ref().take(AT_ONCE) {
                    match what {
                        Ok(happening) => members.happen(place, happening),
                        Err(words) => tracing::warn!(place, "no entry of a room: {words}"),
                    }
                }
            });
        }
    }

    /// The stream was lost, or a part of it missed: all are told in these words, and then these
    /// lines; and who is there now, or is not any more.
    pub fn go_on(&self, words: &str, lines: Vec<Entry>, present: Vec<Present>) {
        self.within(|members| {
            if members.closed {
                return;
            }
            if let (Ok(room), Ok(text)) = (ROOM.parse(), words.parse()) {
                members.announce(Event::Said(room, text), None);
            }
            for line in lines {
                if let Ok(happening) = line.what
                    && matches!(happening.kind, Kind::Said(..))
                {
                    members.happen(line.place, happening);
                }
            }
            let is_present = |by: &Option<By>| present.iter().any(|it| Some(&it.by) == by.as_ref());
            let gone = members.roll.iter().filter(|listed| !is_present(&listed.by));
            let gone: Vec<_> = gone
                .filter_map(|listed| Some((listed.by.clone()?, listed.name.clone(), listed.lines)))
                .collect();
            members.lines_of_lost.clear();
            for (by, name, lines) in gone {
                members.happen_left(&by, &name, Reason::Disconnected);
                members.lines_of_lost.insert(by, lines);
            }
            for Present { order, by, name } in present.clone() {
                let listed = members.roll.get_mut(&name);
                if listed.is_none_or(|listed| listed.by.as_ref() != Some(&by)) {
                    members.happen_joined(order, by, name);
                }
            }
            for Present { by, name, .. } in &present {
                if members.is_gone(by) {
                    // That it left was lost.
                    members.has_left(by.member, name.clone(), Reason::Disconnected);
                }
            }
            members.list(present);
        });
    }

    /// A member that was to join again could not.
    pub fn put_out(&self, id: u64, outcome: &Outcome) {
        let words = match outcome {
            Outcome::Taken(name) => format!("another {name} joined while this server was away"),
            Outcome::Done | Outcome::Out => return,
        };
        self.within(|members| {
            if let Some((_, _)) = members.remove(id, Reason::Disconnected) {
                let refusal = Refusal::new(Code::NameTaken, words);
                let last = members.dialect.render(&Message::Reply(Err(refusal)));
                members.add(Step::Left(id, last));
            }
        });
    }

    pub(super) fn enter_one_of_several(
        &self,
        several: &Arc<Several>,
        name: Name,
        recipient: Box<dyn Recipient>,
    ) -> Result<Member, Refusal> {
        let out = Arc::<OnceLock<Reason>>::default();
        let (id, waiting) = self.within(|members| {
            if members.closed {
                return Err(closing());
            }
            // Whether the name is free, Redis says: the list here may be a little behind.
            let id = members.new_id();
            let (waiting, asker) = several.queue.ask(Task::Join(id, name.clone()))?;
            let joining = Joining {
                recipient,
                out: Arc::clone(&out),
                asker,
            };
            members.joining.insert(id, joining);
            Ok((id, waiting))
        })?;
        let waited = several.queue.wait(waiting, &[News::Heard]);
        let is_out = self.within(|members| {
            let is_out = members.joining.remove(&id).is_some() || members.closed;
            let is_refused = matches!(&waited, Err(refusal) if refusal.code != Code::Internal);
            if is_out && !is_refused {
                // It may have joined, or will have: then it leaves.
                let task = Task::Leave(id, name, Reason::Disconnected);
                several.queue.leave(task);
            }
            is_out
        });
        match (is_out, waited) {
            (false, _) => Ok(self.member(id, out)),
            (true, Err(refusal)) => Err(refusal),
            (true, Ok(())) => {
                let words = "the room's Redis does not answer in time; you have not joined";
                Err(Refusal::new(Code::Unavailable, words))
            }
        }
    }
}

impl Member {
    pub(super) fn say_to_several(&self, several: &Several, text: Text) -> Result<(), Gone> {
        let asked = self.room.within(|members| {
            let here = members.here.get_mut(&self.id).ok_or(Gone)?;
            here.lines += 1;
            let task = Task::Say(self.id, here.name.clone(), here.lines, text);
            Ok(several.queue.ask(task).map(|(waiting, asker)| {
                here.asker = Some(asker);
                waiting
            }))
        })?;
        let until: &[News] = match several.awaits_replicas {
            true => &[News::Heard, News::Written],
            false => &[News::Heard],
        };
        let said = asked.and_then(|waiting| several.queue.wait(waiting, until));
        self.within(|members, _| members.answer(self.id, said.map(|()| Answer::Said)))
    }

    /// Leaves, and waits until that is written; says whether it is.
    pub(super) fn quit_several(&self, several: &Several) -> bool {
        let asked = self.room.within(|members| {
            let here = members.here.get_mut(&self.id)?;
            here.is_leaving = true;
            let task = Task::Leave(self.id, here.name.clone(), Reason::Quit);
            several.queue.ask(task).ok()
        });
        asked.is_some_and(|(waiting, _)| several.queue.wait(waiting, &[News::Written]).is_ok())
    }
}

impl Members {
    fn happen(&mut self, place: u64, happening: Happening) {
        if self.closed {
            return;
        }
        let Happening { by, name, kind } = happening;
        match kind {
            Kind::Joined => self.happen_joined(place, by, name),
            Kind::Said(line, text) => self.happen_said(&by, name, line, text),
            Kind::Left(reason) => self.happen_left(&by, &name, reason),
        }
    }

    fn happen_joined(&mut self, order: u64, by: By, name: Name) {
        let id = by.member;
        let is_here = self.is_here(&by);
        if is_here && let Some(joining) = self.joining.remove(&id) {
            let Joining {
                recipient,
                out,
                asker,
            } = joining;
            self.admit(order, id, name, Some(by), recipient, out);
            // Or it has just given up, and finds that it has joined.
            let _ = asker.send(News::Heard);
            return;
        }
        let listed = Listed {
            name: name.clone(),
            lines: self.lines_of_lost.remove(&by).unwrap_or(0),
            by: Some(by),
        };
        self.roll.add(order, listed);
        self.announce(Event::Joined(name), is_here.then_some(id));
    }

    fn happen_said(&mut self, by: &By, name: Name, line: u64, text: Text) {
        if let Some(listed) = self.roll.get_mut(&name)
            && listed.by.as_ref() == Some(by)
        {
            if listed.lines >= line {
                // Redis lost it, and was told again.
                return;
            }
            listed.lines = line;
        }
        let is_here = self.is_here(by);
        self.announce_said(name, text, is_here.then_some(by.member));
        if is_here
            && let Some(here) = self.here.get_mut(&by.member)
            && here.lines == line
            && let Some(asker) = here.asker.take()
        {
            let _ = asker.send(News::Heard);
        }
    }

    fn happen_left(&mut self, by: &By, name: &Name, reason: Reason) {
        let listed = self.roll.get_mut(name);
        if listed.is_none_or(|listed| listed.by.as_ref() != Some(by)) {
            return;
        }
        self.roll.remove(name);
        let is_here = self.is_here(by);
        self.announce(
            Event::Left(name.clone(), reason),
            is_here.then_some(by.member),
        );
        if is_here
            && let Some(here) = self.here.get(&by.member)
            && !here.is_leaving
            && let Some(several) = &self.several
        {
            let again = Task::Join(by.member, name.clone());
            several.queue.leave(again);
        }
    }

    fn is_here(&self, by: &By) -> bool {
        self.several.as_ref().is_some_and(|it| it.is_here(by))
    }

    /// Whether this was a member of this server, and is no more.
    fn is_gone(&self, by: &By) -> bool {
        let id = by.member;
        self.is_here(by) && !self.here.contains_key(&id) && !self.joining.contains_key(&id)
    }

    /// The list is this.
    fn list(&mut self, present: Vec<Present>) {
        let mut before = std::mem::take(&mut self.roll);
        for Present { order, by, name } in present {
            let known = before.remove(&name);
            let known = known.filter(|listed| listed.by.as_ref() == Some(&by));
            let lines = known.map_or(0, |listed| listed.lines);
            let by = Some(by);
            self.roll.add(order, Listed { name, by, lines });
        }
    }
}

#[cfg(test)]
mod tests;
