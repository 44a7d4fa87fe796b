//! The client of the chat room.

use std::thread;
use std::time::{Duration, Instant};

use rand::RngExt;

use super::scripted::script;
use super::stream::has_no_controls;
use crate::case::{Case, DELIMITED};
use crate::client::{Client, NAME, OwnServer, Recorded, Running, quoted};
use crate::peer::Peer;
use crate::verdict::{Failure, Outcome};

/// For what was said to arrive.
const TIMEOUT: Duration = Duration::from_secs(20);

/// Its cases.
pub const CASES: &[Case] = &[
    Case::client_must(
        "client.ordinary",
        "chat",
        "The client joins, says each line that is typed, and ends when it is told to.",
        ordinary,
    )
    .by_hand()
    .points(2),
    Case::client_must(
        "client.quit-in-a-line",
        "chat",
        "The word quit in a line is text: it is said, and the client stays.",
        quit_in_a_line,
    )
    .by_hand()
    .cause("a line is searched for the word, not compared with it"),
    Case::client_must(
        "client.shows",
        "chat",
        "What others say is shown when it is said, also while nothing is typed.",
        shows,
    )
    .by_hand()
    .points(2)
    .cause("one thread reads what is typed and what comes, and waits for the one while the other is there"),
    Case::client_must(
        "client.events",
        "chat",
        "An event may come before the answer: each line is said once, in order, and each event shown.",
        events,
    )
    .by_hand()
    .points(2)
    .cause("the next message is taken for the answer, also when it begins with EVENT"),
    Case::client_must(
        "client.bytewise",
        "messages",
        "A message is the same however it arrives: here each byte of answers and events comes alone.",
        bytewise,
    )
    .by_hand()
    .points(2)
    .seconds(2)
    .cause("one recv is not one message: TCP is a stream, which the reads cut anywhere")
    .framings(DELIMITED),
    Case::client_must(
        "client.together",
        "messages",
        "Several events may come in one read: each is shown.",
        together,
    )
    .by_hand()
    .points(2)
    .cause("what follows the first message in a read must be kept, not thrown away")
    .framings(DELIMITED),
    Case::client_must(
        "client.controls",
        "chat",
        "Control characters in an event do not reach the terminal: they could clear it, or retype it.",
        controls,
    )
    .points(2)
    .cause("what came from the network is printed as it is"),
    Case::client_must(
        "client.refused-line",
        "chat",
        "A line that is refused is not shown like one that was said, though an event comes before the refusal.",
        refused_line,
    )
    .cause("the next message is taken for the answer, also when it begins with EVENT"),
    Case::client_must(
        "client.server-stops",
        "who-closes-and-when",
        "When the server has closed, the client ends: when it is told to say more, at the latest.",
        server_stops,
    )
    .cause("an empty read is the end of the stream: to read again returns nothing for ever"),
];

/// A client in the room, and another member.
struct Room<'c> {
    server: OwnServer,
    running: Running<'c>,
    other: Peer,
}

impl<'c> Room<'c> {
    /// Joins under another name, and has the client join.
    fn enter(client: &'c Client, faults: &[&str]) -> Result<Room<'c>, Failure> {
        let server = client.server(faults)?;
        let mut other = client.peer(&server)?;
        other.asks("JOIN Joty", "OK joined Joty")?;
        let mut running = client.start(&server, "")?;
        let joined = format!("OK joined {NAME} with Joty");
        let has_joined = server.has_recorded(TIMEOUT, |it| it.answers().contains(&&*joined))?;
        if !has_joined {
            let output = running.output();
            let how = match running.has_ended() {
                true => "it has ended",
                false => "it runs",
            };
            return Err(Failure::because(
                format!("a client that joins as {NAME}"),
                format!("{how}; {}", quoted(&output)),
            ));
        }
        other.expect(&format!("EVENT joined {NAME}"))?;
        Ok(Room {
            server,
            running,
            other,
        })
    }

    /// The other member must receive what the client says.
    fn hears(&mut self, line: &str) -> Outcome {
        self.other.expect(&format!("EVENT said {NAME} {line}"))
    }

    /// The other member says this.
    fn says(&mut self, line: &str) -> Outcome {
        self.other.send(&format!("SAY {line}"))?;
        self.other.expect(&format!("EVENT said Joty {line}"))?;
        self.other.expect("OK said")
    }

    /// The client must show this, while its input stays open.
    fn is_shown(&self, text: &str) -> Outcome {
        self.running.shows_within(text, TIMEOUT)
    }

    /// The client leaves, and must end by itself.
    fn leave(mut self) -> Result<String, Failure> {
        self.running.type_last("quit\n");
        let finished = self.running.wait()?;
        drop(self.server);
        Ok(finished.output())
    }
}

/// A line that nobody can expect.
fn line(client: &Client, words: &str) -> String {
    let number: u32 = client.random.borrow_mut().random_range(1_000..1_000_000);
    format!("{words} {number}")
}

fn ordinary(client: &Client) -> Outcome {
    let mut room = Room::enter(client, &[])?;
    for words in ["hello,  room", "ঢাকা ❤"] {
        let line = line(client, words);
        room.running.type_in(&format!("{line}\n"));
        room.hears(&line)?;
    }
    room.leave().map(drop)
}

fn quit_in_a_line(client: &Client) -> Outcome {
    let mut room = Room::enter(client, &[])?;
    let lines = ["do not quit yet", "QUIT is a word", "still here"];
    for words in lines {
        let line = line(client, words);
        room.running.type_in(&format!("{line}\n"));
        room.hears(&line)?;
    }
    room.leave().map(drop)
}

fn shows(client: &Client) -> Outcome {
    let mut room = Room::enter(client, &[])?;
    for words in ["good morning", "guten Tag, schöne Grüße"] {
        let line = line(client, words);
        room.says(&line)?;
        room.is_shown(&line)?;
    }
    room.leave().map(drop)
}

fn events(client: &Client) -> Outcome {
    talk(client, &[], 4)
}

fn bytewise(client: &Client) -> Outcome {
    talk(client, &["--fault", "split=1"], 1)
}

fn together(client: &Client) -> Outcome {
    talk(client, &["--fault", "glue=100%"], 3)
}

/// Both speak by turns, and each hears the other.
fn talk(client: &Client, faults: &[&str], turns: usize) -> Outcome {
    let mut room = Room::enter(client, faults)?;
    for _ in 0..turns {
        let (theirs, own) = (line(client, "mine is"), line(client, "yours is"));
        room.says(&theirs)?;
        room.running.type_in(&format!("{own}\n"));
        room.hears(&own)?;
        room.is_shown(&theirs)?;
    }
    room.leave().map(drop)
}

fn controls(client: &Client) -> Outcome {
    let ready = "READY chat 1";
    let event = "EVENT said Joty \u{1b}[2J\u{9b}31mred\u{7}\u{8}";
    let joined = format!("OK joined {NAME} with Joty");
    let server = script(
        client,
        ready,
        &[(None, vec![&*joined, event, "EVENT said Joty that is all"])],
    )?;
    let mut running = client.start(&server, "")?;
    let by = Instant::now() + TIMEOUT;
    while !running.output().contains("that is all") {
        if Instant::now() >= by || running.has_ended() {
            // It may as well leave such a room.
            break;
        }
        thread::sleep(Duration::from_millis(5));
    }
    has_no_controls(&running.kill())
}

fn refused_line(client: &Client) -> Outcome {
    let said = after_event(client, "OK said")?;
    let refused = after_event(client, "ERR too-long the text is too long")?;
    match said == refused {
        true => Err(Failure::because(
            "another output for a line that is refused than for one that is said",
            format!("{} for both", quoted(&said)),
        )),
        false => Ok(()),
    }
}

/// What a client prints whose line is answered so, after an event.
fn after_event(client: &Client, answer: &str) -> Result<String, Failure> {
    let joined = format!("OK joined {NAME} with Joty");
    let event = "EVENT said Joty good morning";
    let rules = [
        (Some(format!("JOIN {NAME}")), vec![joined.as_str()]),
        (None, vec![event, answer]),
    ];
    let mut server = script(client, "READY chat 1", &rules)?;
    let mut running = client.start(&server, "")?;
    let is_in = |it: &Recorded| it.answers().contains(&&*joined);
    if !server.has_recorded(TIMEOUT, is_in)? {
        let came = quoted(&running.output());
        return Err(Failure::because(
            format!("a client that joins as {NAME}"),
            came,
        ));
    }
    running.type_last("a line\nquit\n");
    let finished = running.wait()?;
    match server.stop()?.asked(&["SAY"]).as_slice() {
        ["SAY a line"] => Ok(finished.output()),
        _ => Err(Failure::because("SAY a line", quoted(&finished.output()))),
    }
}

fn server_stops(client: &Client) -> Outcome {
    let mut room = Room::enter(client, &[])?;
    room.server.stop()?;
    // One that waits for a line notices it then.
    room.running
        .type_in("is anybody there?\nanybody?\nhello?\n");
    room.running.wait().map(drop)
}
