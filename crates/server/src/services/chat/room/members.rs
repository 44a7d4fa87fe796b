//! Who is in the room, what was said last, and what is to be delivered: all that its lock guards.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::mpsc::Sender;
use std::sync::{Arc, OnceLock};

use proto::chat::{Answer, Event, MemberList, Message, Reason, Text};
use proto::name::Name;
use proto::refusal::{Code, Refusal};

use super::roll::{Listed, Roll};
use super::several::{Joining, Several};
use crate::services::chat::batch::FramedMessage;
use crate::services::chat::delivery::{Recipient, Step};
use crate::services::chat::dialect::Dialect;
use crate::services::chat::queue::{News, Task};
use crate::services::chat::stream::By;

/// The room as it is under its lock.
pub(super) struct Members {
    pub(super) dialect: Dialect,
    pub(super) closed: bool,
    /// Ids grow with time; where there is one server, they are the order of joining.
    pub(super) next_id: u64,
    /// Everybody who is in the room.
    pub(super) roll: Roll,
    /// Those of them who are connected here, by id.
    pub(super) here: BTreeMap<u64, Here>,
    /// What was said last, for newcomers: at most so much.
    pub(super) history: VecDeque<Arc<FramedMessage>>,
    pub(super) most_history: usize,
    /// The other servers, if there may be any.
    pub(super) several: Option<Arc<Several>>,
    /// Those who wait to come back from the stream, by id.
    pub(super) joining: HashMap<u64, Joining>,
    /// What is to be delivered.
    pub(super) steps: Vec<Step>,
    pub(super) waiting_bytes: usize,
    pub(super) is_delivering: bool,
    /// Members that were thrown out since the lock was taken, for the log.
    pub(super) thrown_out: Vec<(Name, Reason)>,
}

/// A member that is connected here.
pub(super) struct Here {
    pub(super) name: Name,
    pub(super) out: Arc<OnceLock<Reason>>,
    /// In a room of several servers: the number of its last line, who waits for that to come back,
    /// and whether it has asked to leave.
    pub(super) lines: u64,
    pub(super) asker: Option<Sender<News>>,
    pub(super) is_leaving: bool,
}

impl Members {
    /// An empty room.
    pub(super) fn new(
        dialect: Dialect,
        most_history: usize,
        several: Option<Arc<Several>>,
    ) -> Members {
        Members {
            dialect,
            closed: false,
            next_id: 0,
            roll: Roll::default(),
            here: BTreeMap::new(),
            history: VecDeque::new(),
            most_history,
            several,
            joining: HashMap::new(),
            steps: Vec::new(),
            waiting_bytes: 0,
            is_delivering: false,
            thrown_out: Vec::new(),
        }
    }

    pub(super) fn new_id(&mut self) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        id
    }

    /// Lets a newcomer in, in this order of joining: it is answered with the list of members and
    /// the last lines, and announced to the others.
    pub(super) fn admit(
        &mut self,
        order: u64,
        id: u64,
        name: Name,
        by: Option<By>,
        recipient: Box<dyn Recipient>,
        out: Arc<OnceLock<Reason>>,
    ) {
        let before = format!("OK joined {name} with ").len();
        let joined = Answer::Joined(name.clone(), self.people(before));
        let listed = Listed {
            name: name.clone(),
            by,
            lines: 0,
        };
        self.roll.add(order, listed);
        let here = Here {
            name: name.clone(),
            out,
            lines: 0,
            asker: None,
            is_leaving: false,
        };
        self.here.insert(id, here);
        self.add(Step::Joined(id, recipient));
        self.answer(id, Ok(joined));
        for line in self.history.clone() {
            self.add(Step::ToOne(id, line));
        }
        self.announce(Event::Joined(name), Some(id));
    }

    /// The names of the members, as many as fit a message behind so many bytes.
    pub(super) fn people(&self, before: usize) -> MemberList {
        let longest = self.dialect.framing.max_payload();
        let names = self.roll.iter().map(|listed| listed.name.clone());
        MemberList::truncated_to(names, longest.saturating_sub(before))
    }

    /// Answers one member.
    pub(super) fn answer(&mut self, id: u64, answer: Result<Answer, Refusal>) {
        if let Some(message) = self.dialect.render(&Message::Reply(answer)) {
            self.add(Step::ToOne(id, message));
        }
    }

    /// Tells all.
    pub(super) fn announce(&mut self, event: Event, except: Option<u64>) {
        if let Some(message) = self.dialect.render(&Message::Event(event)) {
            self.add(Step::ToAll(message, except));
        }
    }

    /// Tells all what a member said: the speaker too, where the dialect has it so.
    pub(super) fn announce_said(&mut self, name: Name, text: Text, speaker: Option<u64>) {
        let except = speaker.filter(|_| !self.dialect.echoes);
        let said = Message::Event(Event::Said(name, text));
        if let Some(message) = self.dialect.render(&said) {
            self.remember(&message);
            self.add(Step::ToAll(message, except));
        }
    }

    pub(super) fn remember(&mut self, line: &Arc<FramedMessage>) {
        if self.most_history > 0 {
            if self.history.len() == self.most_history {
                self.history.pop_front();
            }
            self.history.push_back(Arc::clone(line));
        }
    }

    /// A member that was removed has left: all are told, as soon as it happens.
    pub(super) fn has_left(&mut self, id: u64, name: Name, reason: Reason) {
        match &self.several {
            Some(several) => several.queue.leave(Task::Leave(id, name, reason)),
            None => {
                self.roll.remove(&name);
                self.announce(Event::Left(name, reason), None);
            }
        }
    }

    pub(super) fn add(&mut self, step: Step) {
        self.waiting_bytes += step.bytes();
        self.steps.push(step);
    }

    /// Takes a member out: its name, and the last words for it. `None` when it is out already.
    pub(super) fn remove(
        &mut self,
        id: u64,
        reason: Reason,
    ) -> Option<(Name, Option<Arc<FramedMessage>>)> {
        let entry = self.here.remove(&id)?;
        let refusal = |code, words| Some(Err(Refusal::new(code, words)));
        let last = match reason {
            Reason::Quit => Some(Ok(Answer::Bye)),
            Reason::DoesNotRead => refusal(Code::TooSlow, "you do not read what you are told"),
            Reason::Flood => refusal(Code::Busy, "you say more than the room can take"),
            // The peer is gone, or has had a refusal.
            Reason::Disconnected | Reason::BrokeProtocol => None,
        };
        let last = last.and_then(|last| self.dialect.render(&Message::Reply(last)));
        if matches!(reason, Reason::DoesNotRead | Reason::Flood) {
            self.thrown_out.push((entry.name.clone(), reason));
        }
        // Only the thread that removes the entry sets it.
        let _ = entry.out.set(reason);
        Some((entry.name, last))
    }
}
