//! A question to a client: what the server is asked for it, and whether its result is shown.

use std::fmt::Write;

use proto::mode::Mode;
use proto::printable::quoted as quoted_text;

use crate::client::{Client, Finished, OwnServer, quoted};
use crate::verdict::{Came, Expected, Failure, Finding, Outcome};

/// A request whose result is known.
pub struct Question {
    /// As it is typed.
    pub typed: &'static str,
    /// As it is sent.
    pub sent: &'static str,
    /// What the output has where it has the result; nothing where that is words.
    pub result: &'static str,
    /// One with another result, as it is typed.
    pub other: &'static str,
}

/// What this client is asked.
pub fn question(client: &Client) -> Question {
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

/// As [`ask_plainly`], with these faults.
pub fn ask(
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
pub fn results(client: &Client) -> Result<[Finished; 2], Failure> {
    let question = question(client);
    let server = client.server(&[])?;
    Ok([
        client.ask(&server, &[question.typed])?,
        client.ask(&server, &[question.other])?,
    ])
}

/// The result of the question is shown.
pub fn shows_result(client: &Client, finished: &Finished) -> Outcome {
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
pub fn shows_none(client: &Client, finished: &Finished, what: &str) -> Outcome {
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
