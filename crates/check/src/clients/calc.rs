//! The client of the calculator.

use super::question::ask_plainly;
use crate::case::Case;
use crate::client::{Client, NAME};
use crate::verdict::{Failure, Outcome};

/// Its cases.
pub const CASES: &[Case] = &[
    Case::client_must(
        "client.ordinary",
        "calc",
        "The client says HELLO with a name, then asks what it is told to, and shows the results.",
        ordinary,
    )
    .by_hand(),
    Case::client_must(
        "client.exact",
        "calc",
        "A result is shown as it came: no digit of it is lost, and none is added.",
        exact,
    )
    .by_hand()
    .cause("the result is converted to a float, which has 16 digits"),
    Case::client_must(
        "client.division-by-zero",
        "calc",
        "After a refusal the session goes on: the next expression is answered.",
        division_by_zero,
    )
    .by_hand(),
    Case::client_must(
        "client.quits",
        "who-closes-and-when",
        "A line q ends the client, though its input goes on.",
        quits,
    )
    .cause("q is sent to the server, and the client waits for the next line"),
];

fn ordinary(client: &Client) -> Outcome {
    let finished = ask_plainly(
        client,
        &["12 + 42", "-3 * 0.5"],
        &["CALC 12 + 42", "CALC -3 * 0.5"],
    )?;
    finished.shows("54")?;
    finished.shows("-1.5")?;
    let mut server = client.server(&[])?;
    client.ask(&server, &["1 + 1"])?;
    let recorded = server.stop()?;
    let first = recorded
        .requests()
        .first()
        .copied()
        .unwrap_or_default()
        .to_owned();
    // Without a place for the name in the command, a client may have one of its own.
    let is_told = client.has("{name}") || !client.takes_words();
    match is_told && first != format!("HELLO {NAME}") {
        true => Err(Failure::because(format!("HELLO {NAME} first"), first)),
        false => Ok(()),
    }
}

fn exact(client: &Client) -> Outcome {
    let finished = ask_plainly(client, &["1 / 3"], &["CALC 1 / 3"])?;
    finished.shows("0.3333333333333333333333333333333333")?;
    let sum = "12345678901234567890123 + 0.000000000001";
    let finished = ask_plainly(client, &[sum], &[&format!("CALC {sum}")])?;
    finished.shows("12345678901234567890123.000000000001")
}

fn division_by_zero(client: &Client) -> Outcome {
    let server = client.server(&[])?;
    let finished = client.ask(&server, &["5 / 0", "40 + 2"])?;
    finished.shows("42")
}

fn quits(client: &Client) -> Outcome {
    if client.takes_words() {
        // Its session has one request.
        return Ok(());
    }
    let server = client.server(&[])?;
    let mut running = client.start(&server, "")?;
    running.type_in("40 + 2\nq\n");
    running.wait().map(drop)
}
