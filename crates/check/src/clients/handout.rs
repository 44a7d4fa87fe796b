//! The clients of the hand-outs: what the printed ones are typed, and what they say then.

use std::time::Duration;

use proto::handout::Handout;

use super::said::{self, ends_when_cut, is_said, is_said_instead};
use crate::case::Case;
use crate::client::{Client, Finished, OwnServer, Recorded, Running, quoted};
use crate::dialect::Dialect;
use crate::verdict::{Failure, Outcome};

/// For what is typed to arrive.
const TIMEOUT: Duration = Duration::from_secs(20);

/// What is typed to log in to the printed bank, with a wrong password first, and then to withdraw,
/// where the machine asks for that: the printed one measures by itself.
const LOG_IN: &str = "jamal\n1234\njamal\n4321\n2\n500\n";

/// What is sent then.
const LOGGED_IN: &[u8] = b"jamal1234jamal4321LOGGED_IN";

const EXCHANGE: Case = Case::client_must(
    "client.exchange",
    "script",
    "The client says what the printed one says, byte for byte, and shows the answers.",
    exchange,
)
.by_hand()
.points(5);

const BYTEWISE: Case = said::bytewise(bytewise);

const BYTEWISE_TO_THE_END: Case = Case::client_should(
    "client.bytewise",
    "messages",
    "An answer goes to the end of the connection: here each byte of it comes alone.",
    bytewise,
)
.by_hand()
.points(2)
.seconds(1)
.cause("one recv is taken for the answer: the server closes behind it, so read until then");

const REFUSED: Case = Case::client_should(
    "client.refused",
    "script",
    "After a request that is refused, the next ones are asked.",
    refused,
)
.by_hand();

const CUT: Case = said::cut(cut);

const ASKS: Case = Case::client_must(
    "client.exchange",
    "script",
    "The client asks SEND_DATE and SEND_TIME by turns or at random, and shows the answers.",
    asks,
)
.by_hand()
.points(5)
.seconds(2);

const ASKS_ON: Case = Case::client_should(
    "client.lost-answer",
    "over-udp",
    "A client whose answer is lost asks on.",
    asks_on,
)
.by_hand()
.seconds(1)
.cause("a datagram may be lost: without a time-out its sender waits for ever");

const SERVER_STOPS: Case = Case::client_must(
    "client.server-stops",
    "who-closes-and-when",
    "When the server has closed, the client ends: when it is told to say more, at the latest.",
    server_stops,
)
.cause("an empty read is the end of the stream: to read again returns nothing for ever");

const IN_THE_ROOM: Case = Case::client_must(
    "client.exchange",
    "script",
    "The client gives its name, says each line, shows what others say, and leaves at quit.",
    in_the_room,
)
.by_hand()
.points(5)
.seconds(1);

const LOGS_IN: Case = Case::client_must(
    "client.exchange",
    "script",
    "The client logs in with what is typed, and carries out operations of the menu to their end.",
    logs_in,
)
.by_hand()
.points(5);

/// What a client is typed, a line each; what it says then over each of its connections; and parts of
/// what it shows.
struct Talk {
    typed: &'static [&'static str],
    said: &'static [&'static str],
    shown: &'static [&'static str],
}

const TEXT_SESSION: Talk = Talk {
    typed: &["HELLO World", "97 prime", "98 prime", "12321 palindrome"],
    said: &["HELLO World97 prime98 prime12321 palindrome"],
    shown: &[
        "hello world",
        "It is a prime number.",
        "It is not a prime number.",
        "It is palindrome.",
    ],
};

const TEXT_MENU: Talk = Talk {
    typed: &[
        "1",
        "HELLO WORLD",
        "2",
        "97",
        "prime",
        "2",
        "1234",
        "palindrome",
        "3",
    ],
    said: &[
        "convert HELLO WORLD",
        "check 97 prime",
        "check 1234 palindrome",
    ],
    shown: &["hello", "Prime", "Not Palindrome"],
};

const ATM_CARD: Talk = Talk {
    typed: &[
        "1",
        "123456789",
        "1234",
        "2",
        "123456789",
        "3",
        "123456789",
        "500",
        "3",
        "123456789",
        "20000",
        "5",
        "123456789",
        "20",
        "6",
    ],
    said: &[
        "VERIFY_CARD_AND_PASSWORD 123456789 1234",
        "BALANCE_INQUIRY 123456789",
        "WITHDRAW 123456789 500",
        "WITHDRAW 123456789 20000",
        "DEPOSIT 123456789 20",
    ],
    shown: &["SUCCESS", "10000", "Insufficient funds"],
};

const CALCULATOR: Talk = Talk {
    typed: &["Adarsh", "12 + 13", "0.1 + 0.2", "q"],
    said: &["Adarsh12 + 130.1 + 0.2q"],
    shown: &["25.0", "0.30000000000000004"],
};

const ECHO: Talk = Talk {
    typed: &["Hello, world"],
    said: &["Hello, world"],
    shown: &["Hello, world"],
};

const TEXTBOOK_ATM: Talk = Talk {
    typed: &["Joty", "1234", "1", "2", "500", "2", "20000", "1", "3"],
    said: &["HELO Joty\nPASSWD 1234\nBALANCE\nWITHDRAWL 500\nWITHDRAWL 20000\nBALANCE\nBYE\n"],
    shown: &["10000", "9500"],
};

/// The cases of this hand-out's client. Of a script, its own cases say all.
pub fn cases(handout: Handout) -> Vec<Case> {
    match handout {
        Handout::TextSession => vec![EXCHANGE, REFUSED, CUT],
        Handout::Calculator => vec![EXCHANGE, CUT],
        Handout::TextMenu | Handout::AtmCard => vec![EXCHANGE, BYTEWISE_TO_THE_END, REFUSED, CUT],
        Handout::Echo | Handout::TextbookAtm => vec![EXCHANGE, BYTEWISE, CUT],
        Handout::Datetime => vec![ASKS, ASKS_ON],
        Handout::Chat => vec![IN_THE_ROOM, SERVER_STOPS],
        Handout::AtmLogin => vec![LOGS_IN, CUT],
        Handout::Joke
        | Handout::KnockKnock
        | Handout::Greeting
        | Handout::Sixteen
        | Handout::LengthPrefix
        | Handout::Accepted
        | Handout::Udp => Vec::new(),
    }
}

fn talk(client: &Client) -> Result<&'static Talk, Failure> {
    match client.dialect {
        Dialect::Handout(Handout::TextSession) => Ok(&TEXT_SESSION),
        Dialect::Handout(Handout::TextMenu) => Ok(&TEXT_MENU),
        Dialect::Handout(Handout::AtmCard) => Ok(&ATM_CARD),
        Dialect::Handout(Handout::Calculator) => Ok(&CALCULATOR),
        Dialect::Handout(Handout::Echo) => Ok(&ECHO),
        Dialect::Handout(Handout::TextbookAtm) => Ok(&TEXTBOOK_ATM),
        _ => Err(Failure::Undecided(
            "no exchange of this hand-out is written down".into(),
        )),
    }
}

fn exchange(client: &Client) -> Outcome {
    let talk = talk(client)?;
    let (said, finished) = converse(client, talk, &[])?;
    let expected = talk.said.iter().map(|said| said.as_bytes().to_vec());
    is_said(&said, client.framing, &expected.collect::<Vec<_>>())?;
    shows_all(&finished, talk)
}

fn bytewise(client: &Client) -> Outcome {
    let talk = talk(client)?;
    let (_, finished) = converse(client, talk, &["--fault", "split=1"])?;
    shows_all(&finished, talk)
}

/// Has the client typed all of the talk, under these faults: what was recorded, and what it printed.
fn converse(
    client: &Client,
    talk: &Talk,
    faults: &[&str],
) -> Result<(Recorded, Finished), Failure> {
    let mut server = client.server(faults)?;
    let finished = client.ask(&server, talk.typed)?;
    Ok((server.stop()?, finished))
}

fn shows_all(finished: &Finished, talk: &Talk) -> Outcome {
    talk.shown.iter().try_for_each(|text| finished.shows(text))
}

fn refused(client: &Client) -> Outcome {
    let talk = talk(client)?;
    let (undisturbed, _) = converse(client, talk, &[])?;
    let (disturbed, _) = converse(client, talk, &["--fault", "error=#1"])?;
    is_said(&disturbed, client.framing, &undisturbed.said())
}

fn cut(client: &Client) -> Outcome {
    match client.dialect {
        Dialect::Handout(Handout::AtmLogin) => {
            let typed: Vec<&str> = LOG_IN.lines().collect();
            ends_when_cut(client, &typed)
        }
        _ => ends_when_cut(client, talk(client)?.typed),
    }
}

fn asks(client: &Client) -> Outcome {
    let server = client.server(&[])?;
    let running = client.start(&server, "")?;
    asks_twice(&server, &running)?;
    let recorded = server.recorded()?;
    let is_question = |asked: &&str| matches!(*asked, "SEND_DATE" | "SEND_TIME");
    if let Some(other) = recorded.requests().iter().find(|asked| !is_question(asked)) {
        let expected = "SEND_DATE or SEND_TIME";
        return Err(Failure::because(expected, proto::printable::quoted(other)));
    }
    let answers = recorded.answers();
    let answer = answers
        .first()
        .ok_or_else(|| Failure::Undecided("nothing was answered".into()))?;
    running.shows_within(answer, TIMEOUT)
}

fn asks_on(client: &Client) -> Outcome {
    let server = client.server(&["--fault", "drop-reply=#1"])?;
    let running = client.start(&server, "")?;
    asks_twice(&server, &running)
}

fn asks_twice(server: &OwnServer, running: &Running<'_>) -> Outcome {
    match server.has_recorded(TIMEOUT, |it| it.requests().len() > 1)? {
        true => Ok(()),
        false => Err(Failure::because(
            "a second question",
            quoted(&running.output()),
        )),
    }
}

/// Starts a client, which must give its name, and nothing with it.
fn join<'c>(client: &'c Client, server: &OwnServer) -> Result<Running<'c>, Failure> {
    let mut running = client.start(server, "")?;
    running.type_in("Joty\n");
    match server.has_recorded(TIMEOUT, |it| it.said() == [b"Joty"])? {
        true => Ok(running),
        false => Err(Failure::because(
            "the name Joty, first and alone",
            quoted(&running.output()),
        )),
    }
}

fn in_the_room(client: &Client) -> Outcome {
    let server = client.server(&[])?;
    let mut running = join(client, &server)?;
    let mut other = client.peer(&server)?;
    other.send_bytes(b"Ahona")?;
    running.shows_within("Ahona has joined the chat.", TIMEOUT)?;
    running.type_in("hello, everybody\n");
    other.expect_bytes(b"Joty: hello, everybody")?;
    other.send_bytes(b"good morning")?;
    running.shows_within("good morning", TIMEOUT)?;
    running.type_in("quit\n");
    running.wait()?;
    other.expect_bytes(b"Joty has left the chat.")
}

fn server_stops(client: &Client) -> Outcome {
    let mut server = client.server(&[])?;
    let mut running = join(client, &server)?;
    server.stop()?;
    // One that waits for a line notices it then.
    running.type_in("is anybody there?\nanybody?\nhello?\n");
    running.wait().map(drop)
}

fn logs_in(client: &Client) -> Outcome {
    let server = client.server(&[])?;
    let mut running = client.start(&server, "")?;
    running.type_in(LOG_IN);
    let is_over = |it: &Recorded| it.answers().iter().filter(|said| is_menu(said)).count() > 1;
    let is_over = server.has_recorded(TIMEOUT, is_over)?;
    let recorded = server.recorded()?;
    let said = recorded.said().concat();
    if !said.starts_with(LOGGED_IN) {
        let came = said[..said.len().min(LOGGED_IN.len())].to_vec();
        return is_said_instead(Some(LOGGED_IN.to_vec()), Some(came));
    }
    if is_over && !recorded.answers().contains(&"INVALID_OPTION") {
        return Ok(());
    }
    let asked = proto::printable::quoted(&recorded.requests().join(", "));
    Err(Failure::because(
        "an operation of the menu, to its end",
        format!("the server was sent {asked}; {}", quoted(&running.output())),
    ))
}

fn is_menu(answer: &str) -> bool {
    answer.contains("1. Check Balance")
}
