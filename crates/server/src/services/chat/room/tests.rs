use super::*;
use crate::services::chat::batch::Batch;
use crate::services::chat::delivery::NotTaken;
use proto::frame::Framing;
use std::thread;

const ROOMY: usize = 1024 * 1024;

/// What a member is sent, of so many bytes at most.
#[derive(Clone)]
pub struct Inbox {
    room: Room,
    most_bytes: usize,
    received: Arc<Mutex<Received>>,
}

#[derive(Default)]
struct Received {
    messages: Vec<String>,
    bytes: usize,
    is_closed: bool,
}

impl Recipient for Inbox {
    fn send(&self, batch: &Batch) -> Result<(), NotTaken> {
        let mut received = self.lock();
        if received.is_closed {
            return Err(NotTaken::Closed);
        }
        for message in batch.messages() {
            if received.bytes + message.payload().len() > self.most_bytes {
                return Err(NotTaken::Full);
            }
            received.add(message);
        }
        Ok(())
    }

    fn close_with(&self, last: Option<Arc<FramedMessage>>) {
        let mut received = self.lock();
        received.is_closed = true;
        if let Some(last) = last {
            received.add(&last);
        }
    }
}

impl Inbox {
    fn lock(&self) -> MutexGuard<'_, Received> {
        self.received.lock().unwrap()
    }
}

impl Received {
    fn add(&mut self, message: &FramedMessage) {
        self.bytes += message.payload().len();
        let text = String::from_utf8(message.payload().to_vec());
        self.messages.push(text.unwrap());
    }
}

fn room() -> Room {
    room_in(Framing::Netstring)
}

fn room_in(framing: Framing) -> Room {
    Room::new(Dialect::native(framing), 0, Threads::default())
}

fn inbox(room: &Room, most_bytes: usize) -> Inbox {
    Inbox {
        room: room.clone(),
        most_bytes,
        received: Arc::default(),
    }
}

/// One that takes much.
pub fn inbox_of(room: &Room) -> Inbox {
    inbox(room, ROOMY)
}

pub fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn enter(room: &Room, who: &str) -> (Member, Inbox) {
    enter_with(room, who, ROOMY)
}

fn enter_with(room: &Room, who: &str, most_bytes: usize) -> (Member, Inbox) {
    let inbox = inbox(room, most_bytes);
    let member = room.enter(name(who), inbox.clone());
    (member.ok().unwrap(), inbox)
}

fn refusal(room: &Room, who: &str) -> Refusal {
    room.enter(name(who), inbox(room, ROOMY)).err().unwrap()
}

/// Waits until everything is delivered.
fn settle(room: &Room) {
    while room.lock().is_delivering {
        thread::yield_now();
    }
}

/// Everything that a member was sent since this was last asked.
pub fn received(inbox: &Inbox) -> Vec<String> {
    settle(&inbox.room);
    let mut received = inbox.lock();
    received.bytes = 0;
    std::mem::take(&mut received.messages)
}

#[test]
fn all_receive_the_same_and_the_speaker_before_the_answer() {
    let room = room();
    let (adarsh, to_adarsh) = enter(&room, "Adarsh");
    let (joty, to_joty) = enter(&room, "Joty");
    adarsh.say("hello".parse().unwrap()).unwrap();
    joty.who().unwrap();
    joty.leave(Reason::Quit);
    assert_eq!(
        received(&to_adarsh),
        [
            "OK joined Adarsh",
            "EVENT joined Joty",
            "EVENT said Adarsh hello",
            "OK said",
            "EVENT left Joty quit",
        ]
    );
    assert_eq!(
        received(&to_joty),
        [
            "OK joined Joty with Adarsh",
            "EVENT said Adarsh hello",
            "OK here Adarsh Joty",
            "OK bye",
        ]
    );
    assert!(to_joty.lock().is_closed);
    assert_eq!(room.within(|members| members.here.len()), 1);
}

#[test]
fn a_name_is_one_persons_in_any_case_and_free_at_once() {
    let room = room();
    let (joty, _inbox) = enter(&room, "Joty");
    let taken = refusal(&room, "jOTY");
    assert_eq!(taken.code, Code::NameTaken);
    assert_eq!(taken.words, "Joty is in the room");
    joty.leave(Reason::Quit);
    enter(&room, "jOTY");
    assert_eq!(refusal(&room, "Server").code, Code::NameTaken);
}

#[test]
fn of_fifty_who_want_one_name_one_gets_it_and_the_others_are_not_announced() {
    let room = room();
    let (_witness, to_witness) = enter(&room, "witness");
    let barrier = std::sync::Barrier::new(50);
    let winners = thread::scope(|scope| {
        let try_it = |number: usize| {
            barrier.wait();
            room.enter(name(["joty", "JOTY"][number % 2]), inbox(&room, ROOMY))
                .ok()
        };
        let tries: Vec<_> = (0..50)
            .map(|number| scope.spawn(move || try_it(number)))
            .collect();
        let entered = tries
            .into_iter()
            .filter_map(|thread| thread.join().unwrap());
        entered.collect::<Vec<_>>()
    });
    assert_eq!(winners.len(), 1);
    let mut joins = received(&to_witness);
    joins.retain(|message| message.starts_with("EVENT joined "));
    assert_eq!(joins.len(), 1);
}

#[test]
fn who_leaves_is_announced_once_whatever_comes_together() {
    let room = room();
    let (_witness, to_witness) = enter(&room, "witness");
    for reason in Reason::ALL {
        let (member, _inbox) = enter(&room, "Joty");
        member.leave(reason);
    }
    drop(enter(&room, "Joty"));
    let mut left = received(&to_witness);
    left.retain(|message| message.starts_with("EVENT left "));
    let reasons = Reason::ALL.into_iter().chain([Reason::Disconnected]);
    let expected = reasons.map(|reason| format!("EVENT left Joty {reason}"));
    assert!(left.into_iter().eq(expected));
}

#[test]
fn who_does_not_read_is_thrown_out_with_a_last_word_and_the_others_receive_that() {
    let room = room();
    let (slow, to_slow) = enter_with(&room, "slow", 40);
    let (adarsh, to_adarsh) = enter(&room, "Adarsh");
    adarsh.say("hello".parse().unwrap()).unwrap();
    settle(&room);
    assert_eq!(slow.out(), Some(Reason::DoesNotRead));
    assert_eq!(slow.say("late".parse().unwrap()), Err(Gone));
    assert_eq!(
        received(&to_slow),
        [
            "OK joined slow",
            "EVENT joined Adarsh",
            "ERR too-slow you do not read what you are told",
        ]
    );
    drop(slow);
    assert_eq!(
        received(&to_adarsh),
        [
            "OK joined Adarsh with slow",
            "EVENT said Adarsh hello",
            "OK said",
            "EVENT left slow does not read",
        ]
    );
}

#[test]
fn one_who_is_thrown_out_by_the_news_of_another_is_announced_too() {
    let room = room();
    let (adarsh, to_adarsh) = enter(&room, "Adarsh");
    // The first has no room for what is said, the second none for the news that the first left.
    let (first, _first) = enter_with(&room, "first", 60);
    let (second, _second) = enter_with(&room, "second", 80);
    settle(&room);
    adarsh
        .say("hello, everybody here".parse().unwrap())
        .unwrap();
    settle(&room);
    assert_eq!(first.out(), Some(Reason::DoesNotRead));
    assert_eq!(second.out(), Some(Reason::DoesNotRead));
    let received = received(&to_adarsh);
    let tail = &received[received.len() - 4..];
    assert_eq!(
        tail,
        [
            "EVENT said Adarsh hello, everybody here",
            "OK said",
            "EVENT left first does not read",
            "EVENT left second does not read",
        ]
    );
}

#[test]
fn a_joiner_misses_nothing_and_hears_nothing_twice() {
    let room = room();
    thread::scope(|scope| {
        let churn = |who: &str| (0..2_000).for_each(|_| drop(enter(&room, who)));
        for who in ["one", "two", "three"] {
            scope.spawn(move || churn(who));
        }
        for _ in 0..2_000 {
            let (joiner, to_joiner) = enter(&room, "joiner");
            joiner.who().unwrap();
            joiner.leave(Reason::Quit);
            check_list_against_events(&received(&to_joiner));
        }
    });
}

/// The list in the first answer, changed by the events after it, is the list of `WHO`.
fn check_list_against_events(messages: &[String]) {
    let listed = messages[0].strip_prefix("OK joined joiner").unwrap();
    let listed = listed.strip_prefix(" with ").unwrap_or(listed);
    let mut there: Vec<&str> = listed.split(' ').filter(|word| !word.is_empty()).collect();
    there.push("joiner");
    for message in &messages[1..] {
        let words: Vec<&str> = message.split(' ').collect();
        match words[..] {
            ["EVENT", "joined", who] => {
                assert!(!there.contains(&who), "{who} came twice: {messages:?}");
                there.push(who);
            }
            ["EVENT", "left", who, "disconnected"] => {
                let position = there.iter().position(|name| *name == who);
                there.remove(position.unwrap_or_else(|| panic!("{who} was not there")));
            }
            ["OK", "here", ..] => assert_eq!(words[2..], there),
            ["OK", "bye"] => {}
            _ => panic!("{message}"),
        }
    }
}

#[test]
fn the_list_is_cut_to_what_fits_a_message() {
    let room = room_in(Framing::Len3);
    let members: Vec<_> = (0..100)
        .map(|number| enter(&room, &format!("n{number}")))
        .collect();
    let (member, to_small) = enter(&room, "small");
    member.who().unwrap();
    for message in received(&to_small) {
        assert!(message.len() <= 255, "{message}");
        assert!(message.contains(" +"), "{message}");
    }
    drop(members);
}

#[test]
fn a_closed_room_says_so_to_all_and_admits_none() {
    let room = room();
    let (joty, to_joty) = enter(&room, "Joty");
    let (_ahona, to_ahona) = enter(&room, "Ahona");
    room.close();
    let stopping = "ERR shutting-down the server is stopping";
    assert_eq!(received(&to_joty).last().unwrap(), stopping);
    assert_eq!(received(&to_ahona).last().unwrap(), stopping);
    assert_eq!(joty.say("hello".parse().unwrap()), Err(Gone));
    assert_eq!(joty.out(), None);
    assert_eq!(refusal(&room, "Adarsh").code, Code::ShuttingDown);
}

#[test]
fn a_member_that_speaks_waits_while_too_much_waits_to_be_delivered() {
    let room = room();
    let (adarsh, to_adarsh) = enter_with(&room, "Adarsh", usize::MAX);
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..500 {
                    adarsh.say("x".repeat(900).parse().unwrap()).unwrap();
                    let waiting = room.lock().waiting_bytes;
                    assert!(waiting < MAX_WAITING_BYTES + 1_000, "{waiting}");
                }
            });
        }
    });
    let said = received(&to_adarsh);
    assert_eq!(said.iter().filter(|said| *said == "OK said").count(), 4_000);
}

#[test]
fn what_is_said_is_delivered_when_no_thread_is_granted_too() {
    let room = Room::new(Dialect::native(Framing::Netstring), 0, Threads::none());
    let (adarsh, to_adarsh) = enter(&room, "Adarsh");
    adarsh.say("hello".parse().unwrap()).unwrap();
    assert_eq!(
        to_adarsh.lock().messages,
        ["OK joined Adarsh", "EVENT said Adarsh hello", "OK said"]
    );
}

#[test]
fn a_newcomer_hears_the_last_lines_before_what_comes_after() {
    let dialect = Dialect::native(Framing::Netstring);
    let room = Room::new(dialect, 2, Threads::default());
    let (adarsh, _) = enter(&room, "Adarsh");
    for text in ["one", "two", "three"] {
        adarsh.say(text.parse().unwrap()).unwrap();
    }
    let (_joty, to_joty) = enter(&room, "Joty");
    adarsh.say("four".parse().unwrap()).unwrap();
    assert_eq!(
        received(&to_joty),
        [
            "OK joined Joty with Adarsh",
            "EVENT said Adarsh two",
            "EVENT said Adarsh three",
            "EVENT said Adarsh four",
        ]
    );
}
