//! The client of date and time.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::thread;
use std::time::{Duration, Instant};

use crate::case::Case;
use crate::client::{Client, Finished, Recorded, quoted};
use crate::verdict::{Failure, Outcome};

/// For a client to ask at random until it has asked for both.
const WATCH: Duration = Duration::from_secs(25);

/// Its cases.
pub const CASES: &[Case] = &[
    Case::client_must(
        "client.ordinary",
        "datetime",
        "The client asks SEND_DATE or SEND_TIME, as it is told, and shows the answer.",
        ordinary,
    )
    .by_hand(),
    Case::client_must(
        "client.lost-answer",
        "over-udp",
        "A client whose answer is lost asks again.",
        lost_answer,
    )
    .by_hand()
    .points(2)
    .seconds(1)
    .cause("a datagram may be lost: without a time-out its sender waits for ever"),
    Case::client_must(
        "client.lost-request",
        "over-udp",
        "A client whose question is lost asks again.",
        lost_request,
    )
    .by_hand()
    .points(2)
    .seconds(1)
    .cause("a datagram may be lost: without a time-out its sender waits for ever"),
    Case::client_must(
        "client.doubled",
        "over-udp",
        "A question that arrives twice is answered twice: the second answer is not that to the next question.",
        doubled,
    )
    .seconds(8)
    .cause("whatever datagram comes next is taken for the answer"),
    Case::client_should(
        "client.other-source",
        "over-udp",
        "An answer comes from the server that was asked: a datagram from elsewhere is none.",
        other_source,
    )
    .seconds(2)
    .cause("recvfrom says who has sent a datagram, and it is not looked at: connect the socket"),
    Case::client_should(
        "client.restart",
        "over-udp",
        "A server that is killed and started again while the client asks makes no difference.",
        restart,
    )
    .seconds(1)
    .cause("an error of the socket that says that nobody listens ends the client"),
    Case::client_should(
        "client.gives-up",
        "over-udp",
        "A client that is never answered gives up, and ends with an exit status other than 0.",
        gives_up,
    )
    .seconds(10),
];

fn ordinary(client: &Client) -> Outcome {
    for kind in ["date", "time"] {
        disturbed(client, &[], kind)?;
    }
    Ok(())
}

/// The client asks for this, and must show an answer that it was sent.
fn disturbed(client: &Client, faults: &[&str], kind: &str) -> Outcome {
    let mut server = client.server(faults)?;
    let finished = client.ask(&server, &[kind])?;
    is_answered(&server.stop()?, &finished, kind)
}

/// The client has asked for this, and shows an answer that it was sent.
fn is_answered(recorded: &Recorded, finished: &Finished, kind: &str) -> Outcome {
    let request = format!("SEND_{}", kind.to_uppercase());
    if !recorded
        .requests()
        .iter()
        .any(|asked| asked.trim() == request)
    {
        let asked = recorded.requests().join(", ");
        return Err(Failure::because(
            format!("the question {request}"),
            match asked.is_empty() {
                true => "no question".into(),
                false => proto::printable::quoted(&asked),
            },
        ));
    }
    let answers = recorded.answers();
    let of_kind = answers.iter().filter_map(|answer| {
        let text = answer.strip_prefix("OK ")?;
        (text.contains('-') == (kind == "date")).then_some(text)
    });
    let of_kind: Vec<&str> = of_kind.collect();
    let question = format!("Does it show {}?", of_kind.join(" or "));
    if let Some(answer) = finished.asked(&question, true) {
        return answer;
    }
    match of_kind.iter().any(|text| finished.output().contains(text)) {
        true => Ok(()),
        false => Err(Failure::because(
            format!(
                "the {kind} that the server has sent, {}",
                of_kind.join(" or ")
            ),
            format!("{}; {}", quoted(&finished.output()), finished.status),
        )),
    }
}

fn lost_answer(client: &Client) -> Outcome {
    disturbed(client, &["--fault", "drop-reply=#1"], "date")
}

fn lost_request(client: &Client) -> Outcome {
    disturbed(client, &["--fault", "drop-request=#1"], "date")
}

fn doubled(client: &Client) -> Outcome {
    let fault = "duplicate=100%";
    match client.takes_words() {
        // Each of its runs has a socket of its own.
        true => watched(client, fault),
        // One of them may be late as well, where it was asked again before.
        false => in_turn(client, fault).and_then(|()| in_turn(client, "delay=700ms@#1-2")),
    }
}

/// A client that asks at random, until it has asked for both: each must be shown where it was asked
/// for.
fn watched(client: &Client, fault: &str) -> Outcome {
    let server = client.server(&["--fault", fault])?;
    let mut running = client.start(&server, "watch")?;
    let has_changed = |recorded: &Recorded| {
        let requests = recorded.requests();
        let changes = requests
            .windows(2)
            .filter(|pair| pair[0] != pair[1])
            .count();
        changes > 1 && requests.len() > 3
    };
    if !server.has_recorded(WATCH, has_changed)? {
        drop(running.kill());
        let words = "the client did not ask for both at random: does it know `watch`?";
        return Err(Failure::Undecided(words.into()));
    }
    let recorded = server.recorded()?;
    let kind = |request: &&str| match request.trim() {
        "SEND_DATE" => "date",
        _ => "time",
    };
    let asked: Vec<&str> = recorded.requests().iter().map(kind).collect();
    let by = Instant::now() + WATCH;
    while answers_in(&running.output()).len() < asked.len()
        && Instant::now() < by
        && !running.has_ended()
    {
        thread::sleep(Duration::from_millis(5));
    }
    let output = running.kill();
    let shown = answers_in(&output);
    match shown.starts_with(&asked) {
        true => Ok(()),
        false => Err(Failure::because(
            format!("in turn: {}", asked.join(", ")),
            format!("{}; {}", shown.join(", "), quoted(&output)),
        )),
    }
}

/// The date and the time by turns: each must be shown where it was asked for.
fn in_turn(client: &Client, fault: &str) -> Outcome {
    let questions = ["date", "time", "date", "time"];
    let mut server = client.server(&["--fault", fault])?;
    let finished = client.ask(&server, &questions)?;
    let recorded = server.stop()?;
    for kind in ["date", "time"] {
        is_answered(&recorded, &finished, kind)?;
    }
    let shown = answers_in(&finished.printed);
    match shown == questions {
        true => Ok(()),
        false => Err(Failure::because(
            format!("in turn: {}", questions.join(", ")),
            format!("{}; {}", shown.join(", "), quoted(&finished.output())),
        )),
    }
}

fn other_source(client: &Client) -> Outcome {
    // So that there is time for the other's.
    let mut server = client.server(&["--fault", "delay=500ms"])?;
    let running = client.start(&server, "date")?;
    let has_asked = |recorded: &Recorded| source(recorded).is_some();
    server.has_recorded(Duration::from_secs(20), has_asked)?;
    let Some(source) = source(&server.recorded()?) else {
        return Err(Failure::because("a question", quoted(&running.output())));
    };
    let wrong = "1999-12-31";
    let stranger = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0));
    let sent = stranger.and_then(|socket| socket.send_to(format!("OK {wrong}").as_bytes(), source));
    sent.map_err(|error| Failure::Undecided(format!("no socket: {error}")))?;
    let finished = running.finish()?;
    if finished.printed.contains(wrong) {
        return Err(Failure::because(
            format!("no answer but that of {}", server.address),
            format!(
                "{wrong}, which another socket has sent; {}",
                quoted(&finished.output())
            ),
        ));
    }
    is_answered(&server.stop()?, &finished, "date")
}

/// Where the client asks from.
fn source(recorded: &Recorded) -> Option<SocketAddr> {
    let mut channels = recorded
        .events
        .iter()
        .filter_map(|event| event.channel.as_ref());
    channels.next().map(|channel| channel.peer)
}

/// Which answers are printed, in order, by their form.
fn answers_in(output: &str) -> Vec<&'static str> {
    let is_part = |c: char| c.is_ascii_digit() || matches!(c, '-' | ':');
    let words = output.split(|c: char| !is_part(c));
    let kind = |word: &str| {
        let form: String = word
            .chars()
            .map(|c| if c.is_ascii_digit() { '0' } else { c })
            .collect();
        match form.trim_end_matches([':', '-']) {
            "0000-00-00" => Some("date"),
            "00:00:00" => Some("time"),
            _ => None,
        }
    };
    words.filter_map(kind).collect()
}

fn restart(client: &Client) -> Outcome {
    let mut server = client.server(&["--fault", "drop-request=100%"])?;
    let running = client.start(&server, "date")?;
    let has_asked = |recorded: &Recorded| !recorded.requests().is_empty();
    if !server.has_recorded(Duration::from_secs(20), has_asked)? {
        return Err(Failure::because("a question", quoted(&running.output())));
    }
    server.kill();
    // For the error that nobody listens to reach the client.
    thread::sleep(Duration::from_millis(300));
    client.restart(&mut server)?;
    let finished = running.finish()?;
    is_answered(&server.stop()?, &finished, "date")
}

fn gives_up(client: &Client) -> Outcome {
    let server = client.server(&["--fault", "drop-reply=100%"])?;
    let finished = client.ask(&server, &["date"])?;
    match finished.is_success {
        true => Err(Failure::because(
            "an exit status other than 0",
            "exit status 0",
        )),
        false => Ok(()),
    }
}
