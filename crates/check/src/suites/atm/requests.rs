//! The form of requests and answers.

use proto::refusal::Code;
use uuid::Uuid;

use super::machine::{Card, Machine};
use super::transaction::{Transaction, amount, id, money};
use crate::case::Case;
use crate::server::Server;
use crate::verdict::{Came, Expected, Outcome};

/// The cases of their form.
pub(super) const CASES: &[Case] = &[
    Case::must(
        "request.refusal-names-id",
        "atm",
        "A refusal of a request with an id names the id, as the first word after the code.",
        refusal_names_id,
    )
    .points(2)
    .seconds(1)
    .cause("a machine takes a refusal without the id for that of another request, and asks again"),
    Case::must(
        "request.ids",
        "atm",
        "An id is its prefix and a UUID in lower case with hyphens; anything else is `malformed`, and \
         changes nothing.",
        ids,
    )
    .cause("ids are not checked: WITHDRAW takes that of a deposit, or text of any form"),
    Case::must(
        "request.arguments",
        "atm",
        "A request with too few words, or too many, or a key of another form, is `malformed`, and \
         changes nothing.",
        arguments,
    ),
    Case::must(
        "request.blanks",
        "requests-and-answers",
        "Words are separated by one blank, and there is none at either end: more are `malformed`.",
        blanks,
    )
    .cause("the function that splits the text takes several blanks for one"),
    Case::must(
        "request.terminal",
        "atm",
        "TERMINAL takes a name of 1 to 32 letters, digits, `_` and `-`, as often as it is said.",
        terminal,
    ),
];

fn refusal_names_id(server: &Server) -> Outcome {
    let (mut machine, before) = Machine::with_funds(server)?;
    let held = Transaction::withdrawal(server, amount(server));
    machine.holds(&held)?;
    let other = held.with_amount(held.hundredths + 1_00);
    let too_much = Transaction::withdrawal(server, before.available + 1_00);
    let unknown = Transaction::deposit(server, amount(server));
    let (created, login) = (id("ACC"), id("LOGIN"));
    let creation = Card::joty().creation(&created, &money(1_00));
    let refused = [
        (&held.id, other.hold(), Code::Mismatch),
        (&too_much.id, too_much.hold(), Code::InsufficientFunds),
        (&too_much.id, too_much.hold(), Code::InsufficientFunds),
        (&unknown.id, unknown.confirm(), Code::UnknownId),
        (&unknown.id, unknown.hold_of("much"), Code::Malformed),
        (&created, creation, Code::AccountExists),
        (
            &login,
            Card::joty().mistyped().log_in(&login),
            Code::WrongCredentials,
        ),
        (&unknown.id, unknown.hold(), Code::NotLoggedIn),
    ];
    for (id, request, code) in refused {
        let said = machine.peer.ask(&request)?;
        let mut words = said.split(' ');
        // Whether it is refused, and with which code, is judged by other cases.
        if words.next() == Some("ERR") && words.nth(1) != Some(id) {
            let expected = Expected::Described(format!("ERR {code} {id} …"));
            return machine.peer.found(expected, Came::Message(said.into()));
        }
    }
    machine.rolls_back(&held)?;
    machine.log_in(&Card::joty())
}

fn ids(server: &Server) -> Outcome {
    let (mut machine, before) = Machine::with_funds(server)?;
    let uuid = Uuid::now_v7();
    let forms = [
        format!("WITH_{}", uuid.to_string().to_uppercase()),
        format!("WITH_{}", uuid.simple()),
        format!("WITH_{}", uuid.braced()),
        format!("WITH_{}", uuid.urn()),
        format!("WITH_{uuid}0"),
        format!("WITH_{}", &uuid.to_string()[1..]),
        format!("with_{uuid}"),
        format!("DEP_{uuid}"),
        format!("LOGIN_{uuid}"),
        uuid.to_string(),
        "WITH_".into(),
        "1".into(),
    ];
    for id in &forms {
        machine.is_refused(&format!("WITHDRAW {id} 1.00"), Code::Malformed)?;
    }
    machine.is_refused(&format!("DEPOSIT WITH_{uuid} 1.00"), Code::Malformed)?;
    for verb in ["CONFIRM", "ROLLBACK"] {
        machine.is_refused(&format!("{verb} ACC_{uuid}"), Code::Malformed)?;
        machine.is_refused(&format!("{verb} {uuid}"), Code::Malformed)?;
    }
    let log_in = Card::joty().log_in(&format!("WITH_{uuid}"));
    machine.is_refused(&log_in, Code::Malformed)?;
    machine.has(before)
}

fn arguments(server: &Server) -> Outcome {
    let (mut machine, before) = Machine::with_funds(server)?;
    let withdrawal = Transaction::withdrawal(server, amount(server));
    let (id, key) = (
        &withdrawal.id,
        withdrawal.key.as_deref().unwrap_or_default(),
    );
    let amount = money(withdrawal.hundredths);
    for request in [
        "WITHDRAW".into(),
        format!("WITHDRAW {id}"),
        format!("WITHDRAW {id} {key}"),
        format!("WITHDRAW {id} {amount} {}", &key[1..]),
        format!("WITHDRAW {id} {amount} {key}0"),
        format!("WITHDRAW {id} {amount} {}g", &key[1..]),
        format!("WITHDRAW {id} {amount} A{}", &key[1..]),
        format!("WITHDRAW {id} {amount} {key} {key}"),
        "CONFIRM".into(),
        format!("CONFIRM {id} {key} now"),
        format!("CONFIRM {id} {}", &key[1..]),
        "ROLLBACK".into(),
        format!("ROLLBACK {id} {key} now"),
        "BALANCE_INQUIRY 123456789".into(),
        "VERIFY_CARD_AND_PASSWORD".into(),
        "VERIFY_CARD_AND_PASSWORD 123456789 1234".into(),
        "CREATE_ACCOUNT".into(),
    ] {
        machine.is_refused(&request, Code::Malformed)?;
    }
    // None of it was a log-in, none withdrew anything or rolled it back.
    machine.has(before)?;
    machine.holds(&withdrawal)?;
    machine.rolls_back(&withdrawal)?;
    machine.has(before)
}

fn blanks(server: &Server) -> Outcome {
    let (mut machine, before) = Machine::with_funds(server)?;
    let withdrawal = Transaction::withdrawal(server, amount(server));
    let (hold, id) = (withdrawal.hold(), &withdrawal.id);
    for request in [
        hold.replacen(' ', "  ", 1),
        hold.replace(id, &format!("{id} ")),
        format!("{hold} "),
        format!("ROLLBACK  {id}"),
        "TERMINAL ATM-1 ".into(),
    ] {
        machine.is_refused(&request, Code::Malformed)?;
    }
    machine.has(before)
}

fn terminal(server: &Server) -> Outcome {
    let mut machine = Machine::connect(server)?;
    let longest = "A".repeat(32);
    for name in ["ATM-1", "a", "7", "_-_", &longest, "ATM-1"] {
        let answer = format!("OK terminal {name}");
        machine.peer.asks(&format!("TERMINAL {name}"), &answer)?;
    }
    for wrong in ["TERMINAL", "TERMINAL A B", "TERMINAL Café", "TERMINAL a.b"] {
        machine.is_refused(wrong, Code::Malformed)?;
    }
    let too_long = format!("TERMINAL {longest}A");
    let codes = [Code::TooLong, Code::Malformed];
    machine.peer.is_refused(&too_long, &codes)?;
    machine.peer.asks("TERMINAL ATM-2", "OK terminal ATM-2")
}
