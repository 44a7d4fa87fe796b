//! The room: its members, and one order of events for all of them.
//!
//! Everything happens under one lock: a name is checked and taken, the list of members is answered
//! to a joiner, an event is put in the room's order. So all members receive the same events in the
//! same order, and a joiner misses none and receives none twice. Nothing is written to a socket
//! under the lock: one thread delivers the steps of that order, all that wait at once, and never
//! waits for a member.
//!
//! The room knows messages; the [`Dialect`] words them, each once for all members.
//!
//! A room of several servers ([`several`]) is the same, but for who orders: what a member asks becomes
//! an entry of a stream, and happens here when it comes back from there.

mod roll;
mod several;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};

use proto::chat::{Answer, Event, MemberList, Message, Reason, Text, check_not_reserved};
use proto::name::Name;
use proto::refusal::{Code, Refusal};

use super::batch::FramedMessage;
use super::delivery::{Delivery, Recipient, Step};
use super::dialect::Dialect;
use super::queue::{News, Task};
use super::stream::By;
use crate::threads::Threads;
use roll::{Listed, Roll};
use several::Joining;
pub use several::Several;

/// Most bytes that wait to be delivered; beyond, a member that speaks waits. That never takes
/// long, since delivering waits for nobody.
const MAX_WAITING_BYTES: usize = 64 * 1024;

/// A chat room. Clones share it.
#[derive(Clone)]
pub struct Room {
    shared: Arc<Shared>,
    threads: Threads,
    /// The other servers, if there may be any.
    several: Option<Arc<Several>>,
}

struct Shared {
    members: Mutex<Members>,
    /// Steps were taken, to be delivered.
    were_taken: Condvar,
    /// Locked by the thread that delivers.
    delivery: Mutex<Delivery>,
}

/// Membership of the room, which ends at the latest when this is dropped.
pub struct Member {
    room: Room,
    id: u64,
    out: Arc<OnceLock<Reason>>,
}

/// The member is no longer in the room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gone;

struct Members {
    dialect: Dialect,
    closed: bool,
    /// Ids grow with time; where there is one server, they are the order of joining.
    next_id: u64,
    /// Everybody who is in the room.
    roll: Roll,
    /// Those of them who are connected here, by id.
    here: BTreeMap<u64, Here>,
    /// What was said last, for newcomers: at most so much.
    history: VecDeque<Arc<FramedMessage>>,
    most_history: usize,
    /// The other servers, if there may be any.
    several: Option<Arc<Several>>,
    /// Those who wait to come back from the stream, by id.
    joining: HashMap<u64, Joining>,
    /// The last lines of members whose claims Redis has lost, who may join again.
    lines_of_lost: HashMap<By, u64>,
    /// What is to be delivered.
    steps: Vec<Step>,
    waiting_bytes: usize,
    is_delivering: bool,
    /// Members that were thrown out since the lock was taken, for the log.
    thrown_out: Vec<(Name, Reason)>,
}

struct Here {
    name: Name,
    out: Arc<OnceLock<Reason>>,
    /// In a room of several servers: the number of its last line, who waits for that to come back,
    /// and whether it has asked to leave.
    lines: u64,
    asker: Option<Sender<News>>,
    is_leaving: bool,
}

impl Room {
    /// An empty room, whose members speak this dialect, and hear so many of the last lines when they
    /// join, with the thread that delivers from these.
    pub fn new(dialect: Dialect, history: usize, threads: Threads) -> Room {
        Room::with(dialect, history, threads, None)
    }

    fn with(
        dialect: Dialect,
        history: usize,
        threads: Threads,
        several: Option<Arc<Several>>,
    ) -> Room {
        let members = Members {
            dialect,
            closed: false,
            next_id: 0,
            roll: Roll::default(),
            here: BTreeMap::new(),
            history: VecDeque::new(),
            most_history: history,
            several: several.clone(),
            joining: HashMap::new(),
            lines_of_lost: HashMap::new(),
            steps: Vec::new(),
            waiting_bytes: 0,
            is_delivering: false,
            thrown_out: Vec::new(),
        };
        let shared = Shared {
            members: Mutex::new(members),
            were_taken: Condvar::new(),
            delivery: Mutex::default(),
        };
        Room {
            shared: Arc::new(shared),
            threads,
            several,
        }
    }

    /// Joins the room under this name. The list of members is for the joiner, and its joining for
    /// all others.
    pub fn enter(
        &self,
        name: Name,
        recipient: impl Recipient + 'static,
    ) -> Result<Member, Refusal> {
        check_not_reserved(&name)?;
        if let Some(several) = &self.several {
            return self.enter_one_of_several(several, name, Box::new(recipient));
        }
        self.within(|members| {
            if members.closed {
                return Err(closing());
            }
            if let Some(holder) = members.roll.holder(&name) {
                return Err(taken(holder));
            }
            let id = members.new_id();
            let out = Arc::default();
            members.admit(id, id, name, None, Box::new(recipient), Arc::clone(&out));
            Ok(self.member(id, out))
        })
    }

    fn member(&self, id: u64, out: Arc<OnceLock<Reason>>) -> Member {
        let room = self.clone();
        Member { room, id, out }
    }

    /// Removes all members, because the server is stopping, and admits no more.
    pub fn close(&self) {
        let was_open = self.within(|members| {
            let last = members.dialect.render(&Message::Reply(Err(closing())));
            members.roll = Roll::default();
            members.joining.clear();
            for id in std::mem::take(&mut members.here).into_keys() {
                members.add(Step::Left(id, last.clone()));
            }
            !std::mem::replace(&mut members.closed, true)
        });
        if let Some(several) = self.several.as_ref().filter(|_| was_open) {
            several.depart();
        }
    }

    /// Does this under the lock, and has delivered what it adds to the room's order. The log is
    /// written without the lock, since that can take long.
    fn within<T>(&self, act: impl FnOnce(&mut Members) -> T) -> T {
        let is_full = |members: &mut Members| members.waiting_bytes > MAX_WAITING_BYTES;
        let waited = self.shared.were_taken.wait_while(self.lock(), is_full);
        let mut members = waited.unwrap_or_else(PoisonError::into_inner);
        let result = act(&mut members);
        let must_start = !members.is_delivering && !members.steps.is_empty();
        members.is_delivering |= must_start;
        let thrown_out = std::mem::take(&mut members.thrown_out);
        drop(members);
        if must_start {
            let room = self.clone();
            if let Err(error) = self.threads.run(move || room.deliver_all()) {
                tracing::debug!(%error, "no thread to deliver with");
                self.deliver_all();
            }
        }
        log(thrown_out);
        result
    }

    /// Delivers until nothing waits.
    fn deliver_all(&self) {
        let delivery = &self.shared.delivery;
        let mut delivery = delivery.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let mut members = self.lock();
            if members.steps.is_empty() {
                members.is_delivering = false;
                return;
            }
            let steps = std::mem::take(&mut members.steps);
            members.waiting_bytes = 0;
            drop(members);
            self.shared.were_taken.notify_all();
            delivery.deliver(steps, |id| self.throw_out(id));
        }
    }

    /// Removes a member that does not read, and gives the last words for it.
    fn throw_out(&self, id: u64) -> Option<Arc<FramedMessage>> {
        let mut members = self.lock();
        let (name, last) = members.remove(id, Reason::DoesNotRead)?;
        members.has_left(id, name, Reason::DoesNotRead);
        let thrown_out = std::mem::take(&mut members.thrown_out);
        drop(members);
        log(thrown_out);
        last
    }

    fn lock(&self) -> MutexGuard<'_, Members> {
        let members = &self.shared.members;
        members.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn log(thrown_out: Vec<(Name, Reason)>) {
    for (name, reason) in thrown_out {
        tracing::warn!(%name, "thrown out: {reason}");
    }
}

impl Member {
    /// Says this line to all members: to the speaker too, where the dialect has it so.
    pub fn say(&self, text: Text) -> Result<(), Gone> {
        if let Some(several) = &self.room.several {
            return self.say_to_several(several, text);
        }
        self.within(|members, name| {
            members.announce_said(name, text, Some(self.id));
            members.answer(self.id, Ok(Answer::Said));
        })
    }

    /// Answers who is there.
    pub fn who(&self) -> Result<(), Gone> {
        self.within(|members, _| {
            let people = members.people("OK here ".len());
            members.answer(self.id, Ok(Answer::Here(people)));
        })
    }

    /// Refuses a request.
    pub fn refuse(&self, refusal: Refusal) -> Result<(), Gone> {
        self.within(|members, _| members.answer(self.id, Err(refusal)))
    }

    /// Leaves the room. Nothing happens when the member is out already.
    pub fn leave(self, reason: Reason) {
        self.go(reason);
    }

    /// Why the member is out of the room, unless the room was closed.
    pub fn out(&self) -> Option<Reason> {
        self.out.get().copied()
    }

    fn go(&self, reason: Reason) {
        let is_known = match &self.room.several {
            // Who gets a goodbye has freed its name.
            Some(several) if reason == Reason::Quit => self.quit_several(several),
            _ => false,
        };
        self.room.within(|members| {
            if let Some((name, last)) = members.remove(self.id, reason) {
                members.add(Step::Left(self.id, last));
                if !is_known {
                    members.has_left(self.id, name, reason);
                }
            }
        });
    }

    fn within(&self, act: impl FnOnce(&mut Members, Name)) -> Result<(), Gone> {
        self.room.within(|members| {
            let name = members.here.get(&self.id).ok_or(Gone)?.name.clone();
            act(members, name);
            Ok(())
        })
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.go(Reason::Disconnected);
    }
}

impl Members {
    fn new_id(&mut self) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        id
    }

    /// Lets a newcomer in, in this order of joining: it is answered with the list of members and
    /// the last lines, and announced to the others.
    fn admit(
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
    fn people(&self, before: usize) -> MemberList {
        let longest = self.dialect.framing.max_payload();
        let names = self.roll.iter().map(|listed| listed.name.clone());
        MemberList::truncated_to(names, longest.saturating_sub(before))
    }

    /// Answers one member.
    fn answer(&mut self, id: u64, answer: Result<Answer, Refusal>) {
        if let Some(message) = self.dialect.render(&Message::Reply(answer)) {
            self.add(Step::ToOne(id, message));
        }
    }

    /// Tells all.
    fn announce(&mut self, event: Event, except: Option<u64>) {
        if let Some(message) = self.dialect.render(&Message::Event(event)) {
            self.add(Step::ToAll(message, except));
        }
    }

    /// Tells all what a member said: the speaker too, where the dialect has it so.
    fn announce_said(&mut self, name: Name, text: Text, speaker: Option<u64>) {
        let except = speaker.filter(|_| !self.dialect.echoes);
        let said = Message::Event(Event::Said(name, text));
        if let Some(message) = self.dialect.render(&said) {
            self.remember(&message);
            self.add(Step::ToAll(message, except));
        }
    }

    fn remember(&mut self, line: &Arc<FramedMessage>) {
        if self.most_history > 0 {
            if self.history.len() == self.most_history {
                self.history.pop_front();
            }
            self.history.push_back(Arc::clone(line));
        }
    }

    /// A member that was removed has left: all are told, as soon as it happens.
    fn has_left(&mut self, id: u64, name: Name, reason: Reason) {
        match &self.several {
            Some(several) => several.queue.leave(Task::Leave(id, name, reason)),
            None => {
                self.roll.remove(&name);
                self.announce(Event::Left(name, reason), None);
            }
        }
    }

    fn add(&mut self, step: Step) {
        self.waiting_bytes += step.bytes();
        self.steps.push(step);
    }

    /// Takes a member out: its name, and the last words for it. `None` when it is out already.
    fn remove(&mut self, id: u64, reason: Reason) -> Option<(Name, Option<Arc<FramedMessage>>)> {
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

fn taken(holder: &Name) -> Refusal {
    Refusal::new(Code::NameTaken, format!("{holder} is in the room"))
}

fn closing() -> Refusal {
    Refusal::new(Code::ShuttingDown, "the server is stopping")
}

#[cfg(test)]
mod tests;
