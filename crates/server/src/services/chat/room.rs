//! The room: its members, and one order of events for all of them.
//!
//! Everything happens under one lock: a name is checked and taken, the list of members is answered
//! to a joiner, an event is queued for every member. So all members receive the same events in the
//! same order, and a joiner misses none and receives none twice. Nothing is written to a socket
//! under the lock; each member has a queue, bounded in bytes, that a thread of its own writes.
//!
//! The room knows messages; the [`Dialect`] words them, each once for all members.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use proto::chat::{Answer, Event, MemberList, Message, Reason, Text, check_not_reserved};
use proto::name::Name;
use proto::refusal::{Code, Refusal};

use super::dialect::Dialect;
use crate::outbound::{NotQueued, OutboundQueue};

/// A chat room. Clones share it.
#[derive(Clone)]
pub struct Room {
    members: Arc<Mutex<Members>>,
}

/// Where messages to a member wait for the thread that writes them: each rendered once, and shared
/// by all members. It is closed when the member is out.
pub type Queue = OutboundQueue<Arc<[u8]>>;

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
    /// Ids grow with time, so this is the order of joining.
    next_id: u64,
    by_id: BTreeMap<u64, Entry>,
    /// By folded name.
    ids: HashMap<String, u64>,
    /// Members that were thrown out since the lock was taken, for the log.
    thrown_out: Vec<(Name, Reason)>,
}

struct Entry {
    name: Name,
    queue: Arc<Queue>,
    out: Arc<OnceLock<Reason>>,
}

impl Room {
    /// An empty room, whose members speak this dialect.
    pub fn new(dialect: Dialect) -> Room {
        let members = Members {
            dialect,
            closed: false,
            next_id: 0,
            by_id: BTreeMap::new(),
            ids: HashMap::new(),
            thrown_out: Vec::new(),
        };
        Room {
            members: Arc::new(Mutex::new(members)),
        }
    }

    /// Joins the room under this name. The list of members is queued for the joiner, and its
    /// joining for all others.
    pub fn enter(&self, name: Name, queue: Arc<Queue>) -> Result<Member, Refusal> {
        check_not_reserved(&name)?;
        self.within(|members| {
            if members.closed {
                return Err(closing());
            }
            if let Some(holder) = members.holder(&name) {
                let words = format!("{holder} is in the room");
                return Err(Refusal::new(Code::NameTaken, words));
            }
            let id = members.next_id;
            members.next_id += 1;
            let before = format!("OK joined {name} with ").len();
            let others = members.people(before);
            let joined = Answer::Joined(name.clone(), others);
            let out = Arc::new(OnceLock::new());
            members.ids.insert(name.folded(), id);
            members.by_id.insert(
                id,
                Entry {
                    name: name.clone(),
                    queue,
                    out: Arc::clone(&out),
                },
            );
            members.answer(id, Ok(joined));
            members.announce(Event::Joined(name), Some(id));
            Ok(Member {
                room: self.clone(),
                id,
                out,
            })
        })
    }

    /// Removes all members, because the server is stopping, and admits no more.
    pub fn close(&self) {
        self.within(|members| {
            members.closed = true;
            members.ids.clear();
            let last = members.dialect.render(&Message::Reply(Err(closing())));
            for entry in std::mem::take(&mut members.by_id).into_values() {
                entry.queue.close_with(last.clone());
            }
        });
    }

    /// Does this under the lock. The log is written without it, since that can take long.
    fn within<T>(&self, act: impl FnOnce(&mut Members) -> T) -> T {
        let mut members = self.lock();
        let result = act(&mut members);
        let thrown_out = std::mem::take(&mut members.thrown_out);
        drop(members);
        for (name, reason) in thrown_out {
            tracing::warn!(%name, "thrown out: {reason}");
        }
        result
    }

    fn lock(&self) -> MutexGuard<'_, Members> {
        self.members.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Member {
    /// Queues this line for all members: for the speaker too, where the dialect has it so.
    pub fn say(&self, text: Text) -> Result<(), Gone> {
        self.within(|members, name| {
            let speaker = (!members.dialect.echoes).then_some(self.id);
            members.announce(Event::Said(name, text), speaker);
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
        self.room.within(|members| {
            if let Some(name) = members.remove(self.id, reason) {
                members.announce(Event::Left(name, reason), None);
            }
        });
    }

    fn within(&self, act: impl FnOnce(&mut Members, Name)) -> Result<(), Gone> {
        self.room.within(|members| {
            let name = members.by_id.get(&self.id).ok_or(Gone)?.name.clone();
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
    fn holder(&self, name: &Name) -> Option<&Name> {
        let id = self.ids.get(&name.folded())?;
        self.by_id.get(id).map(|entry| &entry.name)
    }

    /// The names of the members, as many as fit a message behind so many bytes.
    fn people(&self, before: usize) -> MemberList {
        let longest = self.dialect.framing.max_payload();
        let names = self.by_id.values().map(|entry| entry.name.clone());
        MemberList::truncated_to(names, longest.saturating_sub(before))
    }

    /// Queues an answer for one member.
    fn answer(&mut self, id: u64, answer: Result<Answer, Refusal>) {
        let message = self.dialect.render(&Message::Reply(answer));
        let queued = match (self.by_id.get(&id), message) {
            (Some(entry), Some(message)) => entry.queue.push(message),
            _ => Ok(()),
        };
        if queued == Err(NotQueued::Full)
            && let Some(event) = self.throw_out(id)
        {
            self.announce(event, None);
        }
    }

    /// Queues an event for all, and what follows from it: a member with no room for it is removed,
    /// which is an event again.
    fn announce(&mut self, event: Event, except: Option<u64>) {
        let mut events = VecDeque::from([(event, except)]);
        while let Some((event, except)) = events.pop_front() {
            let Some(message) = self.dialect.render(&Message::Event(event)) else {
                continue;
            };
            let has_no_room = |(id, entry): (&u64, &Entry)| {
                // A closed queue is one whose writer has failed: its reader says why.
                let is_full = except != Some(*id)
                    && entry.queue.push(Arc::clone(&message)) == Err(NotQueued::Full);
                is_full.then_some(*id)
            };
            let full: Vec<u64> = self.by_id.iter().filter_map(has_no_room).collect();
            for id in full {
                if let Some(left) = self.throw_out(id) {
                    events.push_back((left, None));
                }
            }
        }
    }

    fn throw_out(&mut self, id: u64) -> Option<Event> {
        let name = self.remove(id, Reason::DoesNotRead)?;
        Some(Event::Left(name, Reason::DoesNotRead))
    }

    /// Takes a member out, with the last words for it; `None` when it is out already.
    fn remove(&mut self, id: u64, reason: Reason) -> Option<Name> {
        let entry = self.by_id.remove(&id)?;
        self.ids.remove(&entry.name.folded());
        let refusal = |code, words| Some(Err(Refusal::new(code, words)));
        let last = match reason {
            Reason::Quit => Some(Ok(Answer::Bye)),
            Reason::DoesNotRead => refusal(Code::TooSlow, "you do not read what you are told"),
            Reason::Flood => refusal(Code::Busy, "you say more than the room can take"),
            // The peer is gone, or has had a refusal.
            Reason::Disconnected | Reason::BrokeProtocol => None,
        };
        let last = last.and_then(|last| self.dialect.render(&Message::Reply(last)));
        entry.queue.close_with(last);
        if matches!(reason, Reason::DoesNotRead | Reason::Flood) {
            self.thrown_out.push((entry.name.clone(), reason));
        }
        // Only the thread that removes the entry sets it.
        let _ = entry.out.set(reason);
        Some(entry.name)
    }
}

fn closing() -> Refusal {
    Refusal::new(Code::ShuttingDown, "the server is stopping")
}

#[cfg(test)]
mod tests;
