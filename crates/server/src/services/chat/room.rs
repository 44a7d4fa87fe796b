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

mod members;
mod roll;
mod several;

use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};

use proto::chat::{Answer, Message, Reason, Text, check_not_reserved};
use proto::name::Name;
use proto::refusal::{Code, Refusal};

use super::batch::FramedMessage;
use super::delivery::{Delivery, Recipient, Step};
use super::dialect::Dialect;
use crate::threads::Threads;
use members::Members;
use roll::Roll;
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
        let shared = Shared {
            members: Mutex::new(Members::new(dialect, history, several.clone())),
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

fn taken(holder: &Name) -> Refusal {
    Refusal::new(Code::NameTaken, format!("{holder} is in the room"))
}

fn closing() -> Refusal {
    Refusal::new(Code::ShuttingDown, "the server is stopping")
}

#[cfg(test)]
mod tests;
