//! Log-ins: whom a session belongs to, wrong PINs, locked cards.

use std::time::{Duration, Instant};

use proto::refusal::Code;

use super::machine::{Card, Machine, is_refusal};
use super::transaction::{Transaction, amount, id};
use crate::case::Case;
use crate::server::Server;
use crate::verdict::{Came, Expected, Outcome};

/// The least that a failed log-in takes.
const FAILED: Duration = Duration::from_millis(300);

/// A clock may be read this much too early.
const CLOCK: Duration = Duration::from_millis(5);

/// The cases of log-ins.
pub(super) const CASES: &[Case] = &[
    Case::must(
        "login.needed",
        "atm",
        "The balance, a new withdrawal and a new deposit need a log-in; what is refused for lack of \
         one is not recorded.",
        needed,
    )
    .cause("the request is carried out without a look at the session, or its refusal is recorded"),
    Case::must(
        "login.whole-words",
        "atm",
        "Card and PIN are compared whole: a part of either, or one with a digit more, does not log in.",
        whole_words,
    )
    .points(2)
    .seconds(4)
    .cause("the PIN is looked for inside the one on record, or only its beginning is compared"),
    Case::must(
        "login.unknown-card",
        "refusals",
        "An unknown card is refused like one with a wrong PIN: the same code, in the same words.",
        unknown_card,
    )
    .seconds(1)
    .cause("the words tell a thief which cards there are"),
    Case::must(
        "login.not-at-once",
        "atm",
        "A failed log-in is answered after no less than 0.3 s, whether or not the card is known.",
        not_at_once,
    )
    .seconds(1)
    .cause("a refusal at once lets PINs be guessed quickly, and tells which cards there are"),
    Case::must(
        "login.failed-ends-session",
        "atm",
        "A failed log-in ends the session before it.",
        failed_ends_session,
    )
    .seconds(1)
    .cause("the session keeps the card of the customer before"),
    Case::must(
        "login.session-is-the-connections",
        "atm",
        "A session belongs to its connection: it ends with it, and no other connection has it.",
        of_the_connection,
    )
    .points(2)
    .cause("who has logged in is kept in a global variable"),
    Case::must(
        "login.last-card",
        "atm",
        "A session belongs to the card that logged in last.",
        last_card,
    ),
    Case::must(
        "login.locks",
        "atm",
        "Three wrong PINs in a row lock the card: the third is still `wrong-credentials`, the fourth \
         attempt is `card-locked`, even with the right PIN.",
        locks,
    )
    .points(2)
    .seconds(2)
    .cause("wrong PINs are not counted, or one too many or too few of them"),
    Case::must(
        "login.locks-across-connections",
        "atm",
        "Wrong PINs are counted for the card, across connections.",
        across_connections,
    )
    .points(2)
    .seconds(2)
    .cause("the count is a variable of the connection"),
    Case::must(
        "login.right-pin-resets",
        "atm",
        "Only wrong PINs in a row count: a right one resets the count.",
        resets,
    )
    .seconds(2)
    .cause("the count of wrong PINs is never set back to zero"),
    Case::must(
        "login.unknown-card-locks",
        "atm",
        "An unknown card is locked like one that the bank has.",
        unknown_card_locks,
    )
    .seconds(2)
    .cause("only cards with an account are counted, which tells a thief which these are"),
    Case::must(
        "login.locked-session",
        "atm",
        "While the card is locked, the balance and new transactions are `card-locked`, also in a \
         session that was open before.",
        locked_session,
    )
    .points(2)
    .seconds(2)
    .cause("whether the card is locked is looked up at the log-in only"),
    Case::must(
        "login.locked-holds",
        "atm",
        "While the card is locked, a repeat is answered from its record, and what is on hold can be \
         settled.",
        locked_holds,
    )
    .points(2)
    .seconds(2)
    .cause("whether the card is locked is looked up before the id is"),
    Case::must(
        "login.repeat-is-no-attempt",
        "atm",
        "A failed log-in that is repeated under its id is no second attempt: it is \
         `wrong-credentials` again, with any PIN, and does not count.",
        repeat_is_no_attempt,
    )
    .points(2)
    .seconds(2)
    .cause("the id of the log-in is not recorded: a lost answer costs the customer an attempt"),
    Case::must(
        "login.repeat-is-welcome",
        "atm",
        "A log-in that succeeded is `welcome` again under its id, even if the card was locked \
         meanwhile; with another PIN it is a new guess.",
        repeat_is_welcome,
    )
    .seconds(2)
    .cause("the state of the card is looked up before the id is"),
];

fn needed(server: &Server) -> Outcome {
    let mut stranger = Machine::connect(server)?;
    let [withdrawal, deposit] = Transaction::both(server);
    stranger.is_refused("BALANCE_INQUIRY", Code::NotLoggedIn)?;
    stranger.is_refused(&withdrawal.hold(), Code::NotLoggedIn)?;
    stranger.is_refused(&deposit.hold(), Code::NotLoggedIn)?;
    let (mut machine, before) = Machine::with_funds(server)?;
    for transaction in [withdrawal, deposit] {
        machine.holds(&transaction)?;
        machine.rolls_back(&transaction)?;
    }
    machine.has(before)
}

fn whole_words(server: &Server) -> Outcome {
    let card = Card::expendable(server)?;
    let Card { number, pin } = &card;
    let mut machine = Machine::connect(server)?;
    let mut wrong = vec![format!("{pin}0"), format!("0{pin}")];
    if pin.len() > 4 {
        wrong.extend([pin[..4].to_owned(), pin[pin.len() - 4..].to_owned()]);
    }
    for two in wrong.chunks(2) {
        for wrong in two {
            machine.fails_to_log_in(&Card::of(number, wrong), Code::WrongCredentials)?;
        }
        // So that the card is not locked.
        machine.log_in(&card)?;
    }
    // No other case has a card with a number like these.
    for wrong in [
        &number[..number.len() - 1],
        &number[1..],
        &format!("{number}0"),
    ] {
        machine.fails_to_log_in(&Card::of(wrong, pin), Code::WrongCredentials)?;
    }
    Ok(())
}

fn unknown_card(server: &Server) -> Outcome {
    let mut machine = Machine::connect(server)?;
    let mut words = Vec::new();
    for card in [Card::joty().mistyped(), Card::fresh(server)] {
        let id = id("LOGIN");
        let said = machine.peer.ask(&card.log_in(&id))?;
        if !is_refusal(&said, Code::WrongCredentials) {
            let expected = Expected::Described("ERR wrong-credentials …".into());
            return machine.peer.found(expected, Came::Message(said.into()));
        }
        words.push(said.replace(&id, "LOGIN_…"));
    }
    if words[0] != words[1] {
        let expected = Expected::Described(format!("{:?}, as to a wrong PIN", words[0]));
        let came = Came::Message(words.swap_remove(1).into());
        return machine.peer.found(expected, came);
    }
    machine.log_in(&Card::joty())
}

fn not_at_once(server: &Server) -> Outcome {
    let mut machine = Machine::connect(server)?;
    // More than once: a computer that has much to do may be late by itself.
    let unknown = [(); 3].map(|()| Card::fresh(server));
    for card in [[Card::joty().mistyped()].as_slice(), &unknown].concat() {
        let began = Instant::now();
        machine.fails_to_log_in(&card, Code::WrongCredentials)?;
        let took = began.elapsed();
        if took + CLOCK < FAILED {
            return machine.peer.found(
                Expected::Described("a refusal after 0.3 s or more".into()),
                Came::Described(format!("a refusal after {:.3} s", took.as_secs_f64())),
            );
        }
    }
    machine.log_in(&Card::joty())
}

fn failed_ends_session(server: &Server) -> Outcome {
    let (mut machine, before) = Machine::with_funds(server)?;
    machine.fails_to_log_in(&Card::joty().mistyped(), Code::WrongCredentials)?;
    machine.is_refused("BALANCE_INQUIRY", Code::NotLoggedIn)?;
    let withdrawal = Transaction::withdrawal(server, amount(server));
    machine.is_refused(&withdrawal.hold(), Code::NotLoggedIn)?;
    machine.log_in(&Card::joty())?;
    machine.has(before)
}

fn of_the_connection(server: &Server) -> Outcome {
    let (mut machine, before) = Machine::with_funds(server)?;
    let mut stranger = Machine::connect(server)?;
    stranger.is_refused("BALANCE_INQUIRY", Code::NotLoggedIn)?;
    machine.has(before)?;
    machine.peer.asks("QUIT", "OK bye")?;
    let mut next = Machine::connect(server)?;
    next.is_refused("BALANCE_INQUIRY", Code::NotLoggedIn)?;
    stranger.is_refused("BALANCE_INQUIRY", Code::NotLoggedIn)
}

fn last_card(server: &Server) -> Outcome {
    let (mut machine, before) = Machine::with_funds(server)?;
    machine.log_in(&Card::ahona())?;
    let others = machine.balance()?;
    // So that the two balances differ.
    let mut deposit = Transaction::deposit(server, amount(server));
    if others.available + deposit.hundredths == before.available {
        deposit.hundredths += 1;
    }
    machine.holds(&deposit)?;
    machine.confirms(&deposit)?;
    machine.has(deposit.confirmed_in(others))?;
    machine.log_in(&Card::joty())?;
    machine.has(before)?;
    machine.log_in(&Card::ahona())?;
    machine.takes(server, deposit.hundredths)
}

/// Three wrong PINs.
fn lock(machine: &mut Machine, card: &Card) -> Outcome {
    for _ in 0..3 {
        machine.fails_to_log_in(&card.mistyped(), Code::WrongCredentials)?;
    }
    Ok(())
}

fn locks(server: &Server) -> Outcome {
    let card = Card::expendable(server)?;
    let mut machine = Machine::connect(server)?;
    lock(&mut machine, &card)?;
    machine.fails_to_log_in(&card, Code::CardLocked)?;
    machine.is_refused("BALANCE_INQUIRY", Code::NotLoggedIn)?;
    // Of another card, nobody guessed the PIN.
    machine.log_in(&Card::joty())
}

fn across_connections(server: &Server) -> Outcome {
    let card = Card::expendable(server)?;
    for _ in 0..3 {
        let mut machine = Machine::connect(server)?;
        machine.fails_to_log_in(&card.mistyped(), Code::WrongCredentials)?;
    }
    Machine::connect(server)?.fails_to_log_in(&card, Code::CardLocked)
}

fn resets(server: &Server) -> Outcome {
    let card = Card::expendable(server)?;
    let mut machine = Machine::connect(server)?;
    for _ in 0..2 {
        machine.fails_to_log_in(&card.mistyped(), Code::WrongCredentials)?;
        machine.fails_to_log_in(&card.mistyped(), Code::WrongCredentials)?;
        machine.log_in(&card)?;
    }
    Ok(())
}

fn unknown_card_locks(server: &Server) -> Outcome {
    let card = Card::fresh(server);
    let mut machine = Machine::connect(server)?;
    lock(&mut machine, &card)?;
    machine.fails_to_log_in(&card, Code::CardLocked)
}

fn locked_session(server: &Server) -> Outcome {
    let card = Card::expendable(server)?;
    let mut open = Machine::with_card(server, &card)?;
    open.balance()?;
    lock(&mut Machine::connect(server)?, &card)?;
    open.is_refused("BALANCE_INQUIRY", Code::CardLocked)?;
    for transaction in Transaction::both(server) {
        open.is_refused(&transaction.hold(), Code::CardLocked)?;
    }
    Ok(())
}

fn locked_holds(server: &Server) -> Outcome {
    let card = Card::expendable(server)?;
    let mut open = Machine::with_card(server, &card)?;
    let transactions = Transaction::both(server);
    for transaction in &transactions {
        open.holds(transaction)?;
    }
    let mut other = Machine::connect(server)?;
    lock(&mut other, &card)?;
    for transaction in &transactions {
        open.holds_again(transaction)?;
        other.holds_again(transaction)?;
        other.confirms(transaction)?;
    }
    Ok(())
}

fn repeat_is_no_attempt(server: &Server) -> Outcome {
    let card = Card::expendable(server)?;
    let id = id("LOGIN");
    let mut machine = Machine::connect(server)?;
    for _ in 0..3 {
        machine.is_refused(&card.mistyped().log_in(&id), Code::WrongCredentials)?;
    }
    let mut other = Machine::connect(server)?;
    other.is_refused(&card.mistyped().log_in(&id), Code::WrongCredentials)?;
    other.is_refused(&card.log_in(&id), Code::WrongCredentials)?;
    other.log_in(&card)
}

fn repeat_is_welcome(server: &Server) -> Outcome {
    let card = Card::expendable(server)?;
    let [before, guessed] = [id("LOGIN"), id("LOGIN")];
    let mut machine = Machine::connect(server)?;
    machine.log_in_as(&before, &card)?;
    machine.log_in_as(&before, &card)?;
    machine.log_in_as(&guessed, &card)?;
    let mut other = Machine::connect(server)?;
    other.log_in_as(&before, &card)?;
    other.is_refused(&card.mistyped().log_in(&guessed), Code::WrongCredentials)?;
    // That was the first wrong PIN.
    other.fails_to_log_in(&card.mistyped(), Code::WrongCredentials)?;
    other.fails_to_log_in(&card.mistyped(), Code::WrongCredentials)?;
    other.fails_to_log_in(&card, Code::CardLocked)?;
    other.log_in_as(&before, &card)
}
