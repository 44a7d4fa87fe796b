//! The cash machine: what its bank has recorded and booked, and what its customer saw.

mod disturbed;
mod scenario;
mod visit;

use self::visit::{TOO_MUCH, Undisturbed, amounts, is_booked};
use crate::case::Case;
use crate::client::{Client, Hand, PIN};
use crate::verdict::{Failure, Outcome};

/// Its cases.
pub const CASES: &[Case] = &[
    Case::client_must(
        "client.withdraw",
        "atm",
        "A withdrawal is asked for with an id, held, paid out and confirmed; the customer sees it.",
        withdraw,
    )
    .by_hand()
    .points(3),
    Case::client_must(
        "client.deposit",
        "atm",
        "A deposit is asked for with an id, held, taken in and confirmed.",
        deposit,
    )
    .by_hand(),
    Case::client_must(
        "client.amounts",
        "atm",
        "Money is decimal: 0.29 and 1.15 are sent as they were typed, not a cent more or less.",
        decimals,
    )
    .by_hand()
    .points(2)
    .cause("an amount is converted to a float, and 0.29 * 100 is 28.999999999999996"),
    Case::client_must(
        "client.new-ids",
        "atm",
        "Each withdrawal has an id of its own.",
        new_ids,
    )
    .by_hand(),
    Case::client_must(
        "client.insufficient-funds",
        "atm",
        "A declined withdrawal is shown as that: nothing is paid out.",
        insufficient_funds,
    )
    .by_hand()
    .points(2),
    Case::client_must(
        "client.wrong-pin",
        "atm",
        "With a wrong PIN nothing is withdrawn, and nothing is paid out.",
        wrong_pin,
    )
    .by_hand()
    .points(2)
    .seconds(1),
    Case::client_should(
        "client.log-in-again",
        "atm",
        "A log-in whose answer is lost is repeated with the same id: it is not another try.",
        log_in_again,
    )
    .by_hand()
    .seconds(6)
    .cause("each repeat gets a new LOGIN_ id, so that a wrong PIN counts several times"),
    Case::client_must(
        "client.lost-request",
        "atm",
        "A WITHDRAW that is lost is repeated as it was, or settled: the money moves once.",
        disturbed::lost_request,
    )
    .by_hand()
    .points(3)
    .seconds(6)
    .cause("a repeat gets a new id, or none is sent: after a time-out the outcome is unknown"),
    Case::client_must(
        "client.lost-held",
        "atm",
        "A WITHDRAW whose answer is lost is repeated as it was, or settled: the money moves once.",
        disturbed::lost_held,
    )
    .by_hand()
    .points(3)
    .seconds(6)
    .cause("a repeat gets a new id or key, or none is sent: after a time-out the outcome is unknown"),
    Case::client_must(
        "client.cut-held",
        "atm",
        "A WITHDRAW whose answer is cut off inside is repeated as it was, or settled.",
        disturbed::cut_held,
    )
    .by_hand()
    .points(2),
    Case::client_must(
        "client.reset-held",
        "atm",
        "A WITHDRAW whose connection is reset is repeated as it was, or settled.",
        disturbed::reset_held,
    )
    .by_hand()
    .points(2),
    Case::client_must(
        "client.unavailable",
        "atm",
        "A bank that answers `unavailable` has held nothing: nothing is paid out for that.",
        disturbed::unavailable,
    )
    .by_hand(),
    Case::client_must(
        "client.unavailable-repeat",
        "atm",
        "`unavailable` to a repeat says nothing about what was sent before: it is asked again, or settled.",
        disturbed::unavailable_repeat,
    )
    .by_hand()
    .points(2)
    .seconds(6)
    .cause("`busy` and `unavailable` are taken for the outcome of the first request"),
    Case::client_must(
        "client.slow-held",
        "atm",
        "An answer that takes two seconds is waited for, or asked for again with the same id.",
        disturbed::slow_held,
    )
    .by_hand()
    .seconds(3),
    Case::client_must(
        "client.doubled",
        "atm",
        "An answer that comes twice is not taken for that to the next request, and pays out once.",
        disturbed::doubled,
    )
    .by_hand()
    .points(2)
    .seconds(6)
    .cause("the next message is taken for the answer, whichever id it names"),
    Case::client_must(
        "client.answer-of-another",
        "atm",
        "An answer that names another id, or none, is not the answer: it pays nothing out.",
        disturbed::answer_of_another,
    )
    .by_hand()
    .points(2)
    .cause("the next message is taken for the answer, whichever id it names"),
    Case::client_must(
        "client.lost-confirm",
        "atm",
        "A CONFIRM that is lost is repeated until it is answered: the notes are out.",
        disturbed::lost_confirm,
    )
    .by_hand()
    .points(3)
    .seconds(6)
    .cause("the transaction is rolled back, or forgotten, though the notes are out"),
    Case::client_must(
        "client.lost-confirmed",
        "atm",
        "A CONFIRM whose answer is lost is repeated until it is answered.",
        disturbed::lost_confirmed,
    )
    .by_hand()
    .points(2)
    .seconds(6)
    .cause("the transaction is rolled back, or forgotten, though the notes are out"),
    Case::client_must(
        "client.killed-waiting",
        "atm",
        "A machine that is killed when it has sent WITHDRAW settles that id when it starts again.",
        disturbed::killed_waiting,
    )
    .points(3)
    .seconds(1)
    .cause("the id was not in the journal before it was sent, or the journal is not read at the start"),
    Case::client_must(
        "client.killed-held",
        "atm",
        "A machine that is killed when the money is held settles it when it starts again.",
        disturbed::killed_held,
    )
    .points(3)
    .seconds(1)
    .cause("the id was not in the journal before it was sent, or the journal is not read at the start"),
    Case::client_must(
        "client.killed-confirming",
        "atm",
        "A machine that is killed when the notes are out confirms when it starts again, and pays no more.",
        disturbed::killed_confirming,
    )
    .points(3)
    .seconds(1)
    .cause("what is found open at the start is rolled back, or paid again, though the notes were out"),
    Case::client_must(
        "client.bank-killed-held",
        "atm",
        "A bank that is killed after the hold, and started again, has it still: the money moves once.",
        disturbed::bank_killed_held,
    )
    .points(2)
    .seconds(2),
    Case::client_must(
        "client.bank-killed-confirming",
        "atm",
        "A bank that is killed before it answers CONFIRM is asked again when it is back.",
        disturbed::bank_killed_confirming,
    )
    .points(2)
    .seconds(2)
    .cause("the transaction is rolled back, or forgotten, though the notes are out"),
    Case::client_must(
        "client.bank-gone",
        "atm",
        "While the bank does not answer WITHDRAW nothing is paid out, and nothing is forgotten.",
        disturbed::bank_gone,
    )
    .points(3)
    .seconds(3)
    .cause("a time-out is taken for a success, or the notes come out before the bank has answered"),
];

/// A visit to a bank that need not be ours, so that its ledger cannot be looked into.
pub const PAIR: Case = Case::client_must(
    "client.pair",
    "atm",
    "A withdrawal is held and confirmed, and then the balance is asked for.",
    pair,
);

fn pair(client: &Client) -> Outcome {
    let mut bank = client.server(&[])?;
    let finished = client.ask(&bank, &["withdraw 500", "balance"])?;
    let recorded = bank.stop()?;
    let answers = recorded.answers();
    let is_answered = |parts: [&str; 2]| {
        let has_both = |answer: &&&str| parts.iter().all(|part| answer.contains(part));
        answers.iter().any(|answer| has_both(&answer))
    };
    for (verb, answer) in [
        ("WITHDRAW", ["OK WITH_", " held 500.00"]),
        ("CONFIRM", ["OK WITH_", " confirmed"]),
        ("BALANCE_INQUIRY", ["OK available ", ", held "]),
    ] {
        if recorded.asked(&[verb]).is_empty() || !is_answered(answer) {
            return Err(Failure::because(
                format!("{verb}, answered with {}", answer.join("…")),
                format!(
                    "the bank was asked {}, and answered {}; {}",
                    proto::printable::quoted(&recorded.requests().join(", ")),
                    proto::printable::quoted(&answers.join(", ")),
                    finished.seen()
                ),
            ));
        }
    }
    Ok(())
}

fn withdraw(client: &Client) -> Outcome {
    let undisturbed = Undisturbed::learn(client)?;
    match client.hand() {
        Some(hand) => match hand.count("How often does it say that notes come out?")? {
            1 => Ok(()),
            others => Err(Failure::because("once", format!("{others} times"))),
        },
        None => undisturbed.is_told_apart(),
    }
}

fn deposit(client: &Client) -> Outcome {
    let mut server = client.server(&[])?;
    let finished = client.ask(&server, &["deposit 20.50"])?;
    let recorded = server.stop()?;
    match amounts(client, "DEP_")?.as_slice() {
        [amount] if amount == "20.50" => Ok(()),
        others => Err(Failure::because(
            "one deposit of 20.50, confirmed",
            format!(
                "{}; the bank was asked {}; {}",
                match others {
                    [] => "none".into(),
                    others => others.join(", "),
                },
                proto::printable::quoted(&recorded.requests().join(", ")),
                finished.seen()
            ),
        )),
    }
}

fn decimals(client: &Client) -> Outcome {
    let server = client.server(&[])?;
    let typed = ["0.29", "1.15", "20.10", "8.20", "500"];
    let requests = typed.map(|amount| format!("withdraw {amount}"));
    let requests: Vec<&str> = requests.iter().map(String::as_str).collect();
    let finished = client.ask(&server, &requests)?;
    let booked = amounts(client, "WITH_")?;
    let expected = ["0.29", "1.15", "20.10", "8.20", "500.00"];
    match booked == expected {
        true => Ok(()),
        false => Err(Failure::because(
            format!("confirmed: {}", expected.join(", ")),
            format!("confirmed: {}; {}", booked.join(", "), finished.seen()),
        )),
    }
}

fn new_ids(client: &Client) -> Outcome {
    let mut server = client.server(&[])?;
    client.ask(&server, &["withdraw 20", "withdraw 20"])?;
    let recorded = server.stop()?;
    let mut ids: Vec<&str> = recorded.asked(&["WITHDRAW"]);
    ids.sort_unstable();
    ids.dedup();
    match (ids.len(), amounts(client, "WITH_")?.len()) {
        (2, 2) => Ok(()),
        (asked, booked) => Err(Failure::because(
            "two withdrawals with two ids",
            format!("{asked} different requests, {booked} withdrawals confirmed"),
        )),
    }
}

fn insufficient_funds(client: &Client) -> Outcome {
    if let Some(hand) = client.hand() {
        return pays_nothing(client, hand, TOO_MUCH, PIN);
    }
    let undisturbed = Undisturbed::learn(client)?;
    undisturbed.pays_nothing_declined()?;
    is_booked(client, 1)
}

fn wrong_pin(client: &Client) -> Outcome {
    if let Some(hand) = client.hand() {
        return pays_nothing(client, hand, "withdraw 500", "0000");
    }
    let undisturbed = Undisturbed::learn(client)?;
    let server = client.server(&[])?;
    let finished = client.ask_with(&server, &["withdraw 500"], "0000")?;
    undisturbed.shows_none(&finished.output(), "a wrong PIN")?;
    is_booked(client, 1)
}

/// Who has started it by hand has seen no notes.
fn pays_nothing(client: &Client, hand: &Hand, request: &str, pin: &str) -> Outcome {
    let server = client.server(&[])?;
    client.ask_with(&server, &[request], pin)?;
    hand.answers("Does it say that notes come out?", false)?;
    is_booked(client, 0)
}

fn log_in_again(client: &Client) -> Outcome {
    let undisturbed = Undisturbed::learn(client)?;
    let fault = format!("drop-reply=#{}", undisturbed.log_in);
    let mut server = client.server(&["--fault", &fault])?;
    client.ask_with(&server, &["balance"], "0000")?;
    let recorded = server.stop()?;
    let tries = recorded.asked(&["VERIFY_CARD_AND_PASSWORD"]);
    let mut ids: Vec<&str> = tries.iter().filter_map(|it| it.split(' ').nth(1)).collect();
    ids.dedup();
    match ids.len() {
        0 => Err(Failure::because("a log-in", "none")),
        1 => Ok(()),
        several => Err(Failure::because(
            "one id for every repeat of the log-in",
            format!("{several} ids: {}", ids.join(", ")),
        )),
    }
}
