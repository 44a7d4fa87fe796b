//! What the clients of text and the calculator share: answers cut anywhere, refusals, lost servers.

use proto::frame::Framing;
use proto::mode::Mode;

use super::question::{ask, is_asked, question, shows_none, shows_result};
use super::scripted::script;
use crate::case::{Case, DELIMITED};
use crate::client::{Client, Finished, OwnServer, quoted};
use crate::verdict::{Failure, Outcome};

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
