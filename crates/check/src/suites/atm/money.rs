//! Money: how it is written, what is available, what is on hold; new accounts.

use std::thread;
use std::time::Duration;

use proto::refusal::Code;
use rand::RngExt;

use super::machine::{Card, Machine};
use super::transaction::{Balance, Transaction, amount, id, money};
use crate::case::Case;
use crate::server::Server;
use crate::verdict::Outcome;

/// How long a hold is left alone.
const UNSETTLED: Duration = Duration::from_millis(1500);

/// The largest sum.
const MOST: i64 = 999_999_999_999;

/// The cases of money.
pub(super) const CASES: &[Case] = &[
    Case::must(
        "money.withdraw",
        "atm",
        "A withdrawal is on hold first: it is not available, and counted as held. CONFIRM debits it.",
        withdraw,
    )
    .points(2)
    .cause("a hold counts as held, and not as available, until it is settled"),
    Case::must(
        "money.rollback",
        "atm",
        "ROLLBACK releases what was on hold: all is as before.",
        roll_back,
    )
    .points(2),
    Case::must(
        "money.deposit",
        "atm",
        "A deposit cannot be spent before it is confirmed, and is not part of what is held.",
        deposit,
    )
    .points(2)
    .cause("the deposit is added to the balance before CONFIRM"),
    Case::must(
        "money.two-decimals",
        "atm",
        "Money in an answer has two decimals and no superfluous leading zeros, however it was asked for.",
        two_decimals,
    )
    .cause("money is shown as the language shows its numbers"),
    Case::must(
        "money.exact",
        "atm",
        "Money is exact to the hundredth.",
        exact,
    )
    .points(2)
    .cause("floats do not hold hundredths: 4.35 * 100 is 434.99999999999994"),
    Case::must(
        "money.malformed",
        "atm",
        "An amount is digits with at most two decimals: anything else is `malformed`, and changes nothing.",
        malformed,
    )
    .points(2)
    .cause("the parser of the language's numbers accepts signs, exponents, blanks or underscores"),
    Case::must(
        "money.out-of-range",
        "atm",
        "An amount of zero or above 9999999999.99 is `out-of-range`, and changes nothing.",
        out_of_range,
    ),
    Case::must(
        "money.insufficient-funds",
        "atm",
        "A withdrawal of more than is available is refused with `insufficient-funds`, and changes nothing.",
        insufficient,
    )
    .points(2),
    Case::must(
        "money.exact-balance",
        "atm",
        "All that is available can be withdrawn, to the last hundredth.",
        exact_balance,
    )
    .cause("a < that should be a <="),
    Case::must(
        "money.holds-count",
        "atm",
        "What is on hold is not available to another withdrawal.",
        holds_count,
    )
    .points(2)
    .cause("a withdrawal is compared with the balance, and not with what of it is on no hold"),
    Case::must(
        "money.hold-stays",
        "atm",
        "A hold never expires, since the notes may be out.",
        hold_stays,
    )
    .seconds(3)
    .cause("the bank does not know whether the notes were paid out, so no time-out may decide it"),
    Case::must(
        "account.create",
        "atm",
        "CREATE_ACCOUNT opens an account: its card logs in, under the whole name, and has the opening \
         balance.",
        create,
    )
    .cause("the holder's name is the rest of the message, blanks included"),
    Case::must(
        "account.create-repeat",
        "atm",
        "CREATE_ACCOUNT again is `created, repeat`; with other content it is `mismatch`; a card that \
         has an account is `account-exists` under another id.",
        create_again,
    ),
    Case::must(
        "account.largest-balance",
        "atm",
        "A deposit that would exceed the largest balance is `out-of-range`, which is recorded.",
        largest_balance,
    )
    .cause("deposits are not compared with the largest sum, or the refusal is not recorded"),
];

fn withdraw(server: &Server) -> Outcome {
    let (mut machine, before) = Machine::with_funds(server)?;
    let withdrawal = Transaction::withdrawal(server, amount(server));
    machine.asks(&withdrawal.hold(), &withdrawal.is_held(before))?;
    machine.has(withdrawal.held_in(before))?;
    machine.confirms(&withdrawal)?;
    machine.has(withdrawal.confirmed_in(before))?;
    machine.takes(server, -withdrawal.hundredths)?;
    machine.has(before)
}

fn roll_back(server: &Server) -> Outcome {
    let (mut machine, before) = Machine::with_funds(server)?;
    for transaction in Transaction::both(server) {
        machine.holds(&transaction)?;
        machine.rolls_back(&transaction)?;
        machine.has(before)?;
    }
    Ok(())
}

fn deposit(server: &Server) -> Outcome {
    let (mut machine, before) = Machine::with_funds(server)?;
    let deposit = Transaction::deposit(server, amount(server));
    machine.asks(&deposit.hold(), &deposit.is_held(before))?;
    machine.has(before)?;
    let early = Transaction::withdrawal(server, before.available + 1_00);
    machine.is_refused(&early.hold(), Code::InsufficientFunds)?;
    machine.confirms(&deposit)?;
    machine.has(deposit.confirmed_in(before))?;
    machine.takes(server, deposit.hundredths)
}

fn two_decimals(server: &Server) -> Outcome {
    let (mut machine, before) = Machine::with_funds(server)?;
    let peer = &mut machine.peer;
    peer.asks("BALANCE_INQUIRY", &before.to_string())?;
    for (written, hundredths) in [
        ("7", 7_00),
        ("20.5", 20_50),
        ("0.01", 1),
        ("0.1", 10),
        ("007.10", 7_10),
    ] {
        let withdrawal = Transaction::withdrawal(server, hundredths);
        peer.asks(&withdrawal.hold_of(written), &withdrawal.is_held(before))?;
        peer.asks("BALANCE_INQUIRY", &withdrawal.held_in(before).to_string())?;
        peer.asks(&withdrawal.rollback(), &withdrawal.is_rolled_back())?;
    }
    Ok(())
}

fn exact(server: &Server) -> Outcome {
    let (mut machine, before) = Machine::with_funds(server)?;
    let mut now = before;
    let drawn = server.random.borrow_mut().random_range(1_01..=30_00);
    // The hundredfold of the first is, as a float, a little less; the sum of the last a little more.
    let amounts = [29, 1_15, 2_30, 4_35, 19_99, 10, 10, 10, drawn];
    for hundredths in amounts {
        let withdrawal = Transaction::withdrawal(server, hundredths);
        machine.holds(&withdrawal)?;
        machine.has(withdrawal.held_in(now))?;
        machine.confirms(&withdrawal)?;
        now = withdrawal.confirmed_in(now);
        machine.has(now)?;
    }
    machine.takes(server, -amounts.iter().sum::<i64>())?;
    machine.has(before)
}

fn malformed(server: &Server) -> Outcome {
    let (mut machine, before) = Machine::with_funds(server)?;
    let wrong = [
        "-5", "+5", "1e1", "1E1", "1.005", "5.", ".5", "1_0", "1,50", "0x5", "NaN", "inf", "٥",
        "5.-1", "1.2.3", "five", "",
    ];
    for transaction in Transaction::both(server) {
        for wrong in wrong {
            machine.is_refused(&transaction.hold_of(wrong), Code::Malformed)?;
        }
    }
    machine.has(before)
}

fn out_of_range(server: &Server) -> Outcome {
    let (mut machine, before) = Machine::with_funds(server)?;
    let outside = [
        "0",
        "0.00",
        "000",
        "10000000000",
        "99999999999999999999",
        "9999999999999999999999999999999999999999.99",
    ];
    for transaction in Transaction::both(server) {
        for outside in outside {
            machine.is_refused(&transaction.hold_of(outside), Code::OutOfRange)?;
        }
    }
    machine.has(before)
}

fn insufficient(server: &Server) -> Outcome {
    let (mut machine, before) = Machine::with_funds(server)?;
    for surplus in [1, amount(server), MOST - before.available] {
        let withdrawal = Transaction::withdrawal(server, before.available + surplus);
        machine.is_refused(&withdrawal.hold(), Code::InsufficientFunds)?;
        machine.has(before)?;
    }
    Ok(())
}

fn exact_balance(server: &Server) -> Outcome {
    let (mut machine, before) = Machine::with_funds(server)?;
    let all = Transaction::withdrawal(server, before.available);
    machine.holds(&all)?;
    machine.has(all.held_in(before))?;
    let more = Transaction::withdrawal(server, 1);
    machine.is_refused(&more.hold(), Code::InsufficientFunds)?;
    machine.rolls_back(&all)?;
    machine.has(before)
}

fn holds_count(server: &Server) -> Outcome {
    let (mut machine, before) = Machine::with_funds(server)?;
    let first = Transaction::withdrawal(server, amount(server));
    let rest = before.available - first.hundredths;
    machine.holds(&first)?;
    let second = Transaction::withdrawal(server, rest + 1_00);
    machine.is_refused(&second.hold(), Code::InsufficientFunds)?;
    let third = Transaction::withdrawal(server, rest - 1_00);
    machine.holds(&third)?;
    machine.has(third.held_in(first.held_in(before)))?;
    machine.rolls_back(&third)?;
    machine.rolls_back(&first)?;
    machine.has(before)
}

fn hold_stays(server: &Server) -> Outcome {
    let (mut machine, before) = Machine::with_funds(server)?;
    let withdrawal = Transaction::withdrawal(server, amount(server));
    machine.holds(&withdrawal)?;
    // That nothing happens can be seen only after a while.
    thread::sleep(UNSETTLED);
    machine.has(withdrawal.held_in(before))?;
    machine.confirms(&withdrawal)?;
    machine.takes(server, -withdrawal.hundredths)
}

fn create(server: &Server) -> Outcome {
    let card = Card::fresh(server);
    let opening = amount(server);
    let mut machine = Machine::connect(server)?;
    let created = id("ACC");
    machine.peer.asks(
        &card.creation(&created, &money(opening)),
        &format!("OK {created} created"),
    )?;
    let login = id("LOGIN");
    machine.peer.asks(
        &card.log_in(&login),
        &format!("OK {login} welcome Ada Lovelace"),
    )?;
    let before = Balance {
        available: opening,
        held: 0,
    };
    machine.has(before)?;
    let withdrawal = Transaction::withdrawal(server, opening - 1_00);
    machine.holds(&withdrawal)?;
    machine.confirms(&withdrawal)?;
    machine.has(withdrawal.confirmed_in(before))
}

fn create_again(server: &Server) -> Outcome {
    let card = Card::fresh(server);
    let mut machine = Machine::connect(server)?;
    let created = id("ACC");
    let request = card.creation(&created, "50");
    let answer = format!("OK {created} created");
    machine.peer.asks(&request, &answer)?;
    machine.peer.asks(&request, &format!("{answer}, repeat"))?;
    let mut other = Machine::connect(server)?;
    other.peer.asks(&request, &format!("{answer}, repeat"))?;
    let others = [
        card.creation(&created, "51"),
        Card::fresh(server).creation(&created, "50"),
    ];
    for request in others {
        other.is_refused(&request, Code::Mismatch)?;
    }
    other.is_refused(&card.creation(&id("ACC"), "50"), Code::AccountExists)?;
    other.log_in(&card)?;
    other.has(Balance {
        available: 50_00,
        held: 0,
    })
}

fn largest_balance(server: &Server) -> Outcome {
    let card = Card::with_opening(server, MOST - 1_00)?;
    let mut machine = Machine::with_card(server, &card)?;
    let before = machine.balance()?;
    let fits = Transaction::deposit(server, 1_00);
    let exceeds = Transaction::deposit(server, 1_01);
    machine.is_refused(&exceeds.hold(), Code::OutOfRange)?;
    machine.holds(&fits)?;
    machine.confirms(&fits)?;
    machine.has(fits.confirmed_in(before))?;
    machine.takes(server, 2_00)?;
    machine.is_refused(&exceeds.hold(), Code::OutOfRange)
}
