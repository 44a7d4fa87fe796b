use super::*;
use crate::services::chat::room::tests::{Inbox, inbox_of, name, received};
use proto::frame::Framing;
use std::thread;
use std::time::Instant;

/// A stream without a Redis: what is asked for here becomes entries.
struct Stream {
    room: Room,
    several: Arc<Several>,
    last: u64,
}

impl Stream {
    fn new() -> Stream {
        let several = Arc::new(Several {
            server: "here".into(),
            queue: Queue::default(),
            awaits_replicas: false,
        });
        let dialect = Dialect::native(Framing::Netstring);
        let room = Room::of_several(dialect, 0, Threads::default(), Arc::clone(&several));
        Stream {
            room,
            several,
            last: 0,
        }
    }

    fn entry(&mut self, server: &str, member: u64, who: &str, kind: Kind) -> Entry {
        self.last += 1;
        let by = By {
            server: server.into(),
            member,
        };
        Entry {
            place: self.last,
            what: Ok(Happening {
                by,
                name: name(who),
                kind,
            }),
            fingerprint: 0,
        }
    }

    /// Has this happen, to a member of another server, whose number is the length of its name.
    fn elsewhere(&mut self, who: &str, kind: Kind) {
        let entry = self.entry("elsewhere", who.len() as u64, who, kind);
        self.room.happen(vec![entry]);
    }

    /// What is asked for now.
    fn asked(&self) -> Vec<Task> {
        let jobs = self.several.queue.take(100, Instant::now()).unwrap();
        jobs.into_iter().map(|job| job.task).collect()
    }

    /// Has happen what is asked for next, as often.
    fn write_next(&mut self, times: usize) {
        let jobs = loop {
            let jobs = self.several.queue.take(1, Instant::now()).unwrap();
            if !jobs.is_empty() {
                break jobs;
            }
            thread::yield_now();
        };
        for job in jobs {
            let (member, who, kind) = match job.task.clone() {
                Task::Join(member, who) => (member, who, Kind::Joined),
                Task::Say(member, who, line, text) => (member, who, Kind::Said(line, text)),
                Task::Leave(member, who, reason) => (member, who, Kind::Left(reason)),
                Task::Depart => {
                    job.tell(News::Written);
                    continue;
                }
            };
            for _ in 0..times {
                let entry = self.entry("here", member, who.as_str(), kind.clone());
                self.room.happen(vec![entry]);
            }
            job.tell(News::Written);
        }
    }

    fn enter(&mut self, who: &str) -> (Member, Inbox) {
        let inbox = inbox_of(&self.room);
        let (room, recipient) = (self.room.clone(), inbox.clone());
        thread::scope(|scope| {
            let entering = scope.spawn(move || room.enter(name(who), recipient).ok().unwrap());
            self.write_next(1);
            (entering.join().unwrap(), inbox)
        })
    }

    fn say(&mut self, member: &Member, text: &str, times: usize) {
        thread::scope(|scope| {
            let saying = scope.spawn(|| member.say(text.parse().unwrap()));
            self.write_next(times);
            saying.join().unwrap().unwrap();
        });
    }
}

fn said(line: u64, text: &str) -> Kind {
    Kind::Said(line, text.parse().unwrap())
}

fn present(order: u64, server: &str, member: u64, who: &str) -> Present {
    let by = By {
        server: server.into(),
        member,
    };
    Present {
        order,
        by,
        name: name(who),
    }
}

#[test]
fn what_is_asked_happens_when_it_comes_back_and_to_members_elsewhere_too() {
    let mut stream = Stream::new();
    stream.elsewhere("Joty", Kind::Joined);
    let (adarsh, to_adarsh) = stream.enter("Adarsh");
    stream.elsewhere("Joty", said(1, "hello"));
    stream.say(&adarsh, "hi", 1);
    adarsh.who().unwrap();
    stream.elsewhere("Joty", Kind::Left(Reason::Flood));
    assert_eq!(
        received(&to_adarsh),
        [
            "OK joined Adarsh with Joty",
            "EVENT said Joty hello",
            "EVENT said Adarsh hi",
            "OK said",
            "OK here Joty Adarsh",
            "EVENT left Joty flood",
        ]
    );
}

#[test]
fn a_line_that_was_written_twice_because_redis_lost_it_once_is_heard_once() {
    let mut stream = Stream::new();
    let (adarsh, to_adarsh) = stream.enter("Adarsh");
    stream.say(&adarsh, "once", 2);
    stream.elsewhere("Joty", Kind::Joined);
    stream.elsewhere("Joty", said(5, "and for all"));
    stream.elsewhere("Joty", said(5, "and for all"));
    let heard = received(&to_adarsh);
    assert_eq!(
        heard.iter().filter(|it| it.contains(" said ")).count(),
        2,
        "{heard:?}"
    );
}

#[test]
fn who_left_while_connected_here_joins_again_and_one_who_went_does_not() {
    let mut stream = Stream::new();
    let (_adarsh, to_adarsh) = stream.enter("Adarsh");
    let (joty, _) = stream.enter("Joty");
    joty.leave(Reason::Disconnected);
    stream.write_next(1);
    let expired = stream.entry("here", 0, "Adarsh", Kind::Left(Reason::Disconnected));
    stream.room.happen(vec![expired]);
    let again = Task::Join(0, name("Adarsh"));
    assert_eq!(stream.asked(), [again]);
    let joined = stream.entry("here", 0, "Adarsh", Kind::Joined);
    stream.room.happen(vec![joined]);
    assert_eq!(
        received(&to_adarsh),
        [
            "OK joined Adarsh",
            "EVENT joined Joty",
            "EVENT left Joty disconnected"
        ],
        "it does not hear of itself"
    );
    stream.room.put_out(0, &Outcome::Taken("ADARSH".into()));
    assert_eq!(
        received(&to_adarsh),
        ["ERR name-taken another ADARSH joined while this server was away"]
    );
    assert!(
        stream.asked().is_empty(),
        "it is not in the room to leave it"
    );
}

#[test]
fn who_goes_on_after_a_loss_hears_why_and_who_is_there_now() {
    let mut stream = Stream::new();
    let (adarsh, to_adarsh) = stream.enter("Adarsh");
    for who in ["Joty", "Ahona"] {
        stream.elsewhere(who, Kind::Joined);
    }
    received(&to_adarsh);
    let lines = [
        stream.entry("elsewhere", 8, "Ravi", Kind::Joined),
        stream.entry("elsewhere", 8, "Ravi", said(1, "anybody here?")),
    ];
    let now = [
        present(1, "elsewhere", 5, "Ahona"),
        present(2, "elsewhere", 8, "Ravi"),
        present(3, "here", 99, "Gone"),
    ];
    stream
        .room
        .go_on("lines are lost", lines.into(), now.into());
    adarsh.who().unwrap();
    assert_eq!(
        received(&to_adarsh),
        [
            "EVENT said server lines are lost",
            "EVENT said Ravi anybody here?",
            "EVENT left Joty disconnected",
            "EVENT joined Ravi",
            "EVENT joined Gone",
            "OK here Ahona Ravi Gone",
        ]
    );
    let still_here = Task::Join(0, name("Adarsh"));
    let gone_before = Task::Leave(99, name("Gone"), Reason::Disconnected);
    assert_eq!(stream.asked(), [still_here, gone_before]);
}

#[test]
fn a_line_that_was_lost_with_its_speaker_is_not_heard_again_when_both_are_back() {
    let mut stream = Stream::new();
    let (adarsh, to_adarsh) = stream.enter("Adarsh");
    for kind in [Kind::Joined, said(1, "hello")] {
        stream.elsewhere("Ravi", kind);
    }
    let adarsh_alone = vec![present(1, "here", 0, "Adarsh")];
    stream.room.go_on("lost", Vec::new(), adarsh_alone);
    for kind in [Kind::Joined, said(1, "hello"), said(2, "again")] {
        stream.elsewhere("Ravi", kind);
    }
    adarsh.who().unwrap();
    assert_eq!(
        received(&to_adarsh),
        [
            "OK joined Adarsh",
            "EVENT joined Ravi",
            "EVENT said Ravi hello",
            "EVENT said server lost",
            "EVENT left Ravi disconnected",
            "EVENT joined Ravi",
            "EVENT said Ravi again",
            "OK here Adarsh Ravi",
        ]
    );
}

#[test]
fn a_closed_room_leaves_the_others_and_hears_nothing_more() {
    let mut stream = Stream::new();
    let (_adarsh, to_adarsh) = stream.enter("Adarsh");
    let room = stream.room.clone();
    thread::scope(|scope| {
        let closing = scope.spawn(|| room.close());
        stream.write_next(0);
        closing.join().unwrap();
    });
    stream.elsewhere("Joty", Kind::Joined);
    let heard = received(&to_adarsh);
    assert_eq!(
        heard.last().unwrap(),
        "ERR shutting-down the server is stopping"
    );
}
