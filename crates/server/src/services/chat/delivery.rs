//! From the order of a room to its members: all that waits is written to each in one call.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::batch::{Batch, FramedMessage};

/// One thing that happens in a room. Their order is that of the room.
pub enum Step {
    /// This member has joined, and receives what comes after.
    Joined(u64, Box<dyn Recipient>),
    /// This is for all members, but not for this one.
    ToAll(Arc<FramedMessage>, Option<u64>),
    /// This is for one member.
    ToOne(u64, Arc<FramedMessage>),
    /// This member has left, and receives nothing but these last words.
    Left(u64, Option<Arc<FramedMessage>>),
}

/// Who receives what is delivered.
pub trait Recipient: Send + Sync {
    /// Takes these messages without waiting; when it is full, it must be closed.
    fn send(&self, batch: &Batch) -> Result<(), NotTaken>;

    /// Takes no more messages than this last one, if any.
    fn close_with(&self, last: Option<Arc<FramedMessage>>);
}

/// Messages were not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotTaken {
    /// They would exceed the bound: the peer does not read.
    Full,
    /// It is closed.
    Closed,
}

/// The members of a room, as its steps so far have left them.
#[derive(Default)]
pub struct Delivery {
    recipients: BTreeMap<u64, Box<dyn Recipient>>,
}

impl Step {
    /// Bytes to be delivered, to however many.
    pub fn bytes(&self) -> usize {
        match self {
            Step::ToAll(message, _) | Step::ToOne(_, message) | Step::Left(_, Some(message)) => {
                message.bytes().len()
            }
            Step::Joined(..) | Step::Left(_, None) => 0,
        }
    }
}

impl Delivery {
    /// Delivers these steps. A member without room for its messages receives nothing more but what
    /// `throw_out` gives.
    pub fn deliver(
        &mut self,
        steps: Vec<Step>,
        throw_out: impl Fn(u64) -> Option<Arc<FramedMessage>>,
    ) {
        let mut to_all = Batch::default();
        // For those who do not receive just that.
        let mut to_one: BTreeMap<u64, Batch> = BTreeMap::new();
        for step in steps {
            match step {
                Step::Joined(id, recipient) => {
                    self.recipients.insert(id, recipient);
                    to_one.insert(id, Batch::default());
                }
                Step::ToAll(message, except) => {
                    if let Some(id) = except {
                        to_one.entry(id).or_insert_with(|| to_all.clone());
                    }
                    for (id, batch) in &mut to_one {
                        if except != Some(*id) {
                            batch.push(Arc::clone(&message));
                        }
                    }
                    to_all.push(message);
                }
                Step::ToOne(id, message) => {
                    let batch = to_one.entry(id).or_insert_with(|| to_all.clone());
                    batch.push(message);
                }
                Step::Left(id, last) => {
                    let batch = to_one.remove(&id);
                    if let Some(recipient) = self.recipients.remove(&id) {
                        let sent = recipient.send(batch.as_ref().unwrap_or(&to_all));
                        // One that misses something has no last words, which would hide that.
                        recipient.close_with(last.filter(|_| sent.is_ok()));
                    }
                }
            }
        }
        let mut full = Vec::new();
        for (id, recipient) in &self.recipients {
            let batch = to_one.get(id).unwrap_or(&to_all);
            // A closed one is one to whom writing has failed: the thread that reads from it says why.
            if !batch.messages().is_empty() && recipient.send(batch) == Err(NotTaken::Full) {
                full.push(*id);
            }
        }
        for id in full {
            if let Some(recipient) = self.recipients.remove(&id) {
                recipient.close_with(throw_out(id));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    use proto::frame::Framing;

    /// What one member was sent: each call as one text.
    #[derive(Clone, Default)]
    struct Calls(Arc<Mutex<Vec<String>>>);

    struct Member {
        calls: Calls,
        takes: Result<(), NotTaken>,
    }

    impl Recipient for Member {
        fn send(&self, batch: &Batch) -> Result<(), NotTaken> {
            self.calls.add(String::from_utf8_lossy(batch.bytes()));
            self.takes
        }

        fn close_with(&self, last: Option<Arc<FramedMessage>>) {
            let last = last.map(|last| String::from_utf8_lossy(last.payload()).into_owned());
            self.calls.add(format!("closed: {last:?}"));
        }
    }

    impl Calls {
        fn add(&self, call: impl Into<String>) {
            self.0.lock().unwrap().push(call.into());
        }

        fn take(&self) -> Vec<String> {
            std::mem::take(&mut self.0.lock().unwrap())
        }
    }

    fn joined(id: u64, takes: Result<(), NotTaken>) -> (Step, Calls) {
        let calls = Calls::default();
        let member = Member {
            calls: calls.clone(),
            takes,
        };
        (Step::Joined(id, Box::new(member)), calls)
    }

    fn message(text: &str) -> Arc<FramedMessage> {
        Arc::new(FramedMessage::new(Framing::Line, text.as_bytes()).unwrap())
    }

    fn nobody(_: u64) -> Option<Arc<FramedMessage>> {
        panic!("nobody is full")
    }

    #[test]
    fn each_member_is_sent_all_that_waits_for_it_in_order_and_in_one_call() {
        let mut delivery = Delivery::default();
        let (one, to_one) = joined(1, Ok(()));
        let (two, to_two) = joined(2, Ok(()));
        let (three, to_three) = joined(3, Ok(()));
        delivery.deliver(vec![one, two], nobody);
        assert!(to_one.take().is_empty(), "nothing was said");
        let steps = vec![
            Step::ToAll(message("a"), None),
            Step::ToOne(1, message("answer")),
            three,
            Step::ToAll(message("b"), Some(3)),
            Step::ToAll(message("c"), None),
            Step::Left(2, Some(message("bye"))),
            Step::ToAll(message("d"), None),
        ];
        delivery.deliver(steps, nobody);
        assert_eq!(to_one.take(), ["a\nanswer\nb\nc\nd\n"]);
        assert_eq!(to_two.take(), ["a\nb\nc\n", "closed: Some(\"bye\")"]);
        assert_eq!(to_three.take(), ["c\nd\n"]);
        delivery.deliver(vec![Step::ToAll(message("e"), None)], nobody);
        assert_eq!([to_one.take(), to_three.take()], [["e\n"], ["e\n"]]);
        assert!(to_two.take().is_empty(), "it has left");
    }

    #[test]
    fn who_has_no_room_receives_last_words_and_then_nothing() {
        let mut delivery = Delivery::default();
        let (full, to_full) = joined(1, Err(NotTaken::Full));
        let (other, to_other) = joined(2, Ok(()));
        let said = || Step::ToAll(message("a"), None);
        delivery.deliver(vec![full, other, said()], |id| {
            Some(message(&format!("{id} is full")))
        });
        delivery.deliver(vec![said()], nobody);
        assert_eq!(to_full.take(), ["a\n", "closed: Some(\"1 is full\")"]);
        assert_eq!(to_other.take(), ["a\n", "a\n"]);
    }

    #[test]
    fn who_leaves_with_no_room_for_what_was_said_before_has_no_last_words() {
        let mut delivery = Delivery::default();
        let (full, to_full) = joined(1, Err(NotTaken::Full));
        let said = Step::ToAll(message("a"), None);
        let left = Step::Left(1, Some(message("bye")));
        delivery.deliver(vec![full, said, left], nobody);
        assert_eq!(to_full.take(), ["a\n", "closed: None"]);
    }

    #[test]
    fn a_closed_recipient_is_no_full_one() {
        let mut delivery = Delivery::default();
        let (closed, to_closed) = joined(1, Err(NotTaken::Closed));
        delivery.deliver(vec![closed, Step::ToAll(message("a"), None)], nobody);
        assert_eq!(to_closed.take(), ["a\n"]);
    }
}
