//! What the clients of text and the calculator share: answers cut anywhere, refusals, lost servers.

use std::fmt::Write;

use proto::frame::Framing;
use proto::mode::Mode;
use proto::printable::quoted as quoted_text;

use super::scripted::script;
use crate::case::{Case, DELIMITED};
use crate::client::{Client, Finished, OwnServer, quoted};
use crate::verdict::{Came, Expected, Failure, Finding, Outcome};

/// The cases of these clients.
pub const CASES: &[Case] = &[
    Case::client_must(
        "client.bytewise",
        "messages",
        "A message is the same however it arrives: here each byte of the answers comes alone.",
        bytewise,
    )
    .by_hand()
    .points(2)
    .seconds(1)
    .cause("one recv is not one message: TCP is a stream, which the reads cut anywhere")
    .framings(DELIMITED),
    Case::client_must(
        "client.ready-bytewise",
        "messages",
        "READY is a message like any other: here each byte of it comes alone, and of the answers too.",
        ready_bytewise,
    )
    .seconds(1)
    .cause("one recv is not one message: TCP is a stream, which the reads cut anywhere")
    .framings(DELIMITED),
    Case::client_must(
        "client.refused",
        "refusals",
        "A refusal is no result: what the client shows for ERR differs from what it shows for any OK.",
        refused,
    )
    .by_hand()
    .points(2)
    .cause("the words behind ERR are shown as a result, or what is not one result is taken for the other"),
    Case::client_should(
        "client.refused-status",
        "refusals",
        "A client whose request was refused ends with an exit status other than 0.",
        refused_status,
    ),
    Case::client_must(
        "client.cut",
        "who-closes-and-when",
        "A connection that ends inside an answer ends the client, or is made again; the half is no result.",
        cut,
    )
    .by_hand()
    .points(2)
    .cause("what came of an answer is taken for the whole of it"),
    Case::client_must(
        "client.closed",
        "who-closes-and-when",
        "A server that closes instead of answering ends the client.",
        closed,
    )
    .by_hand()
    .cause("an empty read is the end of the stream: to read again returns nothing for ever"),
    Case::client_must(
        "client.reset",
        "who-closes-and-when",
        "A connection that is reset ends the client, or is made again; no result is shown.",
        reset,
    )
    .by_hand(),
    Case::client_should(
        "client.lost-status",
        "who-closes-and-when",
        "A client that has lost its server ends with an exit status other than 0.",
        lost_status,
    ),
    Case::client_should(
        "client.other-service",
        "requests-and-answers",
        "A client that reads the READY of another service reports that, and ends.",
        other_service,
    )
    .cause("READY is read, and not looked at"),
    Case::client_should(
        "client.other-version",
        "requests-and-answers",
        "A client that reads another version in READY reports that, and ends.",
        other_version,
    )
    .cause("READY is looked at up to its first words only"),
    Case::client_should(
        "client.controls",
        "requests-and-answers",
        "Control characters in an answer do not reach the terminal: they could clear it, or retype it.",
        controls,
    )
    .cause("what came from the network is printed as it is"),
];

/// A request as it is typed, as it is sent, and one with another result.
struct Question {
    typed: &'static str,
    sent: &'static str,
    result: &'static str,
    other: &'static str,
}

fn question(client: &Client) -> Question {
    match client.mode {
        Mode::Calc => Question {
            typed: "12 + 42",
            sent: "CALC 12 + 42",
            result: "54",
            other: "7 * 6",
        },
        _ => Question {
            typed: "prime 97",
            sent: "PRIME 97",
            result: "",
            other: "prime 98",
        },
    }
}

/// Asks our server without faults; it must be sent this.
pub fn ask_plainly(client: &Client, typed: &[&str], sent: &[&str]) -> Result<Finished, Failure> {
    ask(client, &[], typed, sent)
}

fn ask(
    client: &Client,
    faults: &[&str],
    typed: &[&str],
    sent: &[&str],
) -> Result<Finished, Failure> {
    let server = client.server(faults)?;
    let finished = client.ask(&server, typed)?;
    is_asked(server, sent)?;
    Ok(finished)
}

/// What the server was asked must be this, apart from what opens and ends a session.
pub fn is_asked(mut server: OwnServer, sent: &[&str]) -> Outcome {
    let recorded = server.stop()?;
    if let Some((bytes, why)) = recorded.unreadable() {
        return Err(Failure::Broken(Box::new(Finding {
            sent: Vec::new(),
            expected: Expected::Message(sent.first().unwrap_or(&"").as_bytes().to_vec()),
            came: Came::Unreadable(bytes, why),
            cause: None,
        })));
    }
    let mut asked = recorded.requests();
    asked.retain(|request| *request != "QUIT" && !request.starts_with("HELLO "));
    let differs = (0..sent.len().max(asked.len())).find(|&at| asked.get(at) != sent.get(at));
    let Some(at) = differs else {
        return Ok(());
    };
    let message = |text: &&str| text.as_bytes().to_vec();
    Err(Failure::Broken(Box::new(Finding {
        sent: Vec::new(),
        expected: match sent.get(at) {
            Some(text) => Expected::Message(message(text)),
            None => Expected::Described("no further request".into()),
        },
        came: match asked.get(at) {
            Some(text) => Came::Message(message(text)),
            None if recorded.has_client() => Came::Described("no such request".into()),
            None => Came::Described("no connection".into()),
        },
        cause: None,
    })))
}

/// What was printed, without digits and blanks: those of the request may be repeated there.
fn words(finished: &Finished) -> String {
    let output = finished.output();
    let is_kept = |c: &char| !c.is_ascii_digit() && !c.is_whitespace();
    output.chars().filter(is_kept).collect()
}

/// What was shown for one must not be what was shown for the other.
pub fn differ(one: &Finished, of_one: &str, other: &Finished, of_other: &str) -> Outcome {
    let question = format!("Does it show something else for {of_one} than for {of_other}?");
    if let Some(answer) = other.asked(&question, true) {
        return answer;
    }
    if words(one) != words(other) {
        return Ok(());
    }
    let mut came = format!("{} for {of_one}", quoted(&one.output()));
    // Writing to a String cannot fail.
    let _ = write!(
        came,
        ", and {} for {of_other}",
        quoted_text(other.output().trim_end())
    );
    Err(Failure::because("different outputs", came))
}

/// Both results of the question, without faults.
fn results(client: &Client) -> Result<[Finished; 2], Failure> {
    let question = question(client);
    let server = client.server(&[])?;
    Ok([
        client.ask(&server, &[question.typed])?,
        client.ask(&server, &[question.other])?,
    ])
}

fn shows_result(client: &Client, finished: &Finished) -> Outcome {
    let question = question(client);
    let asked = format!("Does it show the result of {}?", question.typed);
    if let Some(answer) = finished.asked(&asked, true) {
        return answer;
    }
    if !question.result.is_empty() {
        return finished.shows(question.result);
    }
    let [result, _] = results(client)?;
    match words(&result) == words(finished) {
        true => Ok(()),
        false => Err(Failure::because(
            format!(
                "the output that the answer leads to otherwise: {}",
                quoted(&result.output())
            ),
            format!("{}; {}", quoted(&finished.output()), finished.status),
        )),
    }
}

/// No result is shown for something that is none.
fn shows_none(client: &Client, finished: &Finished, what: &str) -> Outcome {
    let question = question(client);
    let asked = format!(
        "There was {what}. Does it show a result of {}?",
        question.typed
    );
    if let Some(answer) = finished.asked(&asked, false) {
        return answer;
    }
    let [result, other] = results(client)?;
    if !question.result.is_empty() && !result.output().contains(question.result) {
        return Err(Failure::because(
            format!("the result {} in an undisturbed run", question.result),
            quoted(&result.output()),
        ));
    }
    // Beside a result there may be complaints.
    let is_printed =
        |other: &Finished| !other.printed.trim().is_empty() && other.printed == finished.printed;
    // The calculator's results are digits alone.
    let is_shown = |other: &Finished| match question.result {
        "" => words(other) == words(finished) || is_printed(other),
        _ => other.output() == finished.output() || is_printed(other),
    };
    for (shown, of) in [(&result, question.typed), (&other, question.other)] {
        if is_shown(shown) {
            return Err(Failure::because(
                format!("another output for {what} than for {of}"),
                format!("{} for both", quoted(&finished.output())),
            ));
        }
    }
    Ok(())
}

fn bytewise(client: &Client) -> Outcome {
    let question = question(client);
    let finished = ask(
        client,
        &["--fault", "split=1"],
        &[question.typed],
        &[question.sent],
    )?;
    shows_result(client, &finished)
}

fn ready_bytewise(client: &Client) -> Outcome {
    let question = question(client);
    let server = client.server(&[])?;
    let to = server.address.to_string();
    // A proxy takes READY for a message like any other.
    let proxy = client.server_of(&["--mode", "proxy", "--to", &to], &["--fault", "split=1"])?;
    let finished = client.ask(&proxy, &[question.typed])?;
    is_asked(server, &[question.sent])?;
    shows_result(client, &finished)
}

/// The number of the answer to the question, counted as faults count them.
fn answer_number(client: &Client) -> usize {
    match client.mode {
        // After that to HELLO.
        Mode::Calc => 2,
        _ => 1,
    }
}

/// Asks, with this fault in the place of the answer.
fn ask_disturbed(client: &Client, fault: &str) -> Result<(Finished, bool), Failure> {
    let fault = format!("{fault}=#{}", answer_number(client));
    let mut server = client.server(&["--fault", &fault])?;
    let question = question(client);
    let finished = client.ask(&server, &[question.typed])?;
    let recorded = server.stop()?;
    let asked = recorded
        .requests()
        .iter()
        .filter(|it| **it == question.sent)
        .count();
    if asked == 0 {
        let came = match recorded.has_client() {
            true => "no such request",
            false => "no connection",
        };
        return Err(Failure::because(
            format!("the request {}", question.sent),
            came,
        ));
    }
    Ok((finished, asked > 1))
}

fn refused(client: &Client) -> Outcome {
    let (finished, was_repeated) = ask_disturbed(client, "error")?;
    match was_repeated {
        // It has a result by now.
        true => Ok(()),
        false => shows_none(client, &finished, "a refusal"),
    }
}

fn refused_status(client: &Client) -> Outcome {
    let (finished, was_repeated) = ask_disturbed(client, "error")?;
    fails(&finished, was_repeated)
}

fn fails(finished: &Finished, was_repeated: bool) -> Outcome {
    match finished.is_success && !was_repeated {
        true => Err(Failure::because(
            "an exit status other than 0",
            "exit status 0",
        )),
        false => Ok(()),
    }
}

fn cut(client: &Client) -> Outcome {
    lost(client, "cut", "half of an answer")?;
    match client.framing {
        // One read is a message there.
        Framing::Raw => Ok(()),
        _ => shows_no_part(client),
    }
}

/// Of an answer that is cut, its first half is not shown where the whole of it would be.
fn shows_no_part(client: &Client) -> Outcome {
    let (typed, result) = match client.mode {
        Mode::Calc => ("98765 * 98765", "9754525225"),
        _ => ("lower ABCDEFGHIJKLMNOP", "abcdefghijklmnop"),
    };
    let server = client.server(&[])?;
    let whole = client.ask(&server, &[typed])?.printed;
    let fault = format!("cut=#{}", answer_number(client));
    let server = client.server(&["--fault", &fault])?;
    let printed = client.ask(&server, &[typed])?.printed;
    let shown = whole.split_once(result).and_then(|(before, _)| {
        let rest = printed.strip_prefix(before)?;
        rest.split_whitespace().next()
    });
    match shown {
        Some(part) if part.len() > 1 && part != result && result.starts_with(part) => {
            Err(Failure::because(
                format!("no result, or {result}"),
                format!("{part} in its place; {}", quoted(&printed)),
            ))
        }
        _ => Ok(()),
    }
}

fn closed(client: &Client) -> Outcome {
    let ready = format!("READY {} 1", client.mode.name());
    let server = script(client, &ready, &[(None, vec![])])?;
    let finished = client.ask(&server, &[question(client).typed])?;
    shows_none(client, &finished, "an answer that never came")
}

fn reset(client: &Client) -> Outcome {
    lost(client, "reset", "a reset connection")
}

fn lost(client: &Client, fault: &str, what: &str) -> Outcome {
    let (finished, was_repeated) = ask_disturbed(client, fault)?;
    match was_repeated {
        true => Ok(()),
        false => shows_none(client, &finished, what),
    }
}

fn lost_status(client: &Client) -> Outcome {
    for fault in ["cut", "reset"] {
        let (finished, was_repeated) = ask_disturbed(client, fault)?;
        fails(&finished, was_repeated)?;
    }
    Ok(())
}

fn other_service(client: &Client) -> Outcome {
    let other = match client.mode {
        Mode::Calc => "text",
        _ => "calc",
    };
    let ready = format!("READY {other} 1");
    let server = script(client, &ready, &[(None, vec!["OK 1"])])?;
    let finished = client.ask(&server, &[question(client).typed])?;
    reports(server, &finished, &ready)
}

fn other_version(client: &Client) -> Outcome {
    let ready = format!("READY {} 2", client.mode.name());
    let server = script(client, &ready, &[(None, vec!["OK 1"])])?;
    let finished = client.ask(&server, &[question(client).typed])?;
    reports(server, &finished, &ready)
}

fn reports(mut server: OwnServer, finished: &Finished, ready: &str) -> Outcome {
    if !server.stop()?.has_client() {
        return Err(Failure::because("a connection", "none"));
    }
    match finished.is_success {
        true => Err(Failure::because(
            format!("an exit status other than 0 after {ready}"),
            format!("exit status 0; {}", quoted(&finished.output())),
        )),
        false => Ok(()),
    }
}

fn controls(client: &Client) -> Outcome {
    let answer = "OK \u{1b}[2J\u{9b}31mred\u{7}\u{8}";
    let ready = format!("READY {} 1", client.mode.name());
    let server = script(client, &ready, &[(None, vec![answer])])?;
    let finished = client.ask(&server, &[question(client).typed])?;
    has_no_controls(&finished.output())
}

/// Nothing that moves a cursor was printed.
pub fn has_no_controls(output: &str) -> Outcome {
    let is_bad = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
    match output.chars().find(|c| is_bad(*c)) {
        Some(_) => Err(Failure::because(
            "no control characters in what it prints",
            quoted(output),
        )),
        None => Ok(()),
    }
}
