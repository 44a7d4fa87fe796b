//! Log-ins, locked cards, new accounts.

use alloc::vec;

use super::{
    Decision, FIRST_LOCK_SECONDS, Known, MAX_LOCK_SECONDS, MAX_WRONG_PINS, balance, card_locked,
    mismatch,
};
use crate::atm::record::{Account, Entry, Event, Login, Write};
use crate::atm::{Answer, CardNumber, LoginId, Money};
use crate::refusal::Code;

/// The number of doublings from the first lock to the longest.
const MOST_DOUBLINGS: u32 = 16;

/// Opens a session, or refuses. Ids of log-ins are local to a card, so that they reveal nothing
/// about another card.
pub(super) fn log_in(id: LoginId, card: &CardNumber, pin_matches: bool, known: &Known) -> Decision {
    let Some(account) = &known.account else {
        return wrong_credentials();
    };
    let welcome = || {
        let holder = account.holder.clone();
        Decision::reply(Ok(Answer::Welcome { id, holder }))
    };
    match &known.login {
        Some(login) if !login.succeeded => return wrong_credentials(),
        // A repeat has the same answer, whatever the state of the card.
        Some(_) if pin_matches => return welcome(),
        _ if account.is_locked(known.now) => return Decision::reply(Err(card_locked())),
        // The same log-in with another PIN is another guess.
        Some(_) | None => {}
    }
    let login = |succeeded| {
        Write::PutLogin(Login {
            id,
            card: card.clone(),
            succeeded,
        })
    };
    if pin_matches {
        let mut writes = vec![login(true)];
        if *account != unburdened(account) {
            writes.push(Write::PutAccount(unburdened(account)));
        }
        return welcome().writing(writes);
    }
    let mut account = Account {
        wrong_pins: account.wrong_pins.saturating_add(1),
        ..account.clone()
    };
    let mut writes = vec![login(false)];
    if account.wrong_pins >= MAX_WRONG_PINS {
        let seconds =
            (FIRST_LOCK_SECONDS << account.lockouts.min(MOST_DOUBLINGS)).min(MAX_LOCK_SECONDS);
        account.wrong_pins = 0;
        account.lockouts = account.lockouts.saturating_add(1);
        account.locked_until = Some(known.now.saturating_add(seconds));
        writes.push(of_account(Event::Locked, &account, None));
    }
    writes.push(Write::PutAccount(account));
    wrong_credentials().writing(writes)
}

/// The account with the count of wrong PINs reset.
fn unburdened(account: &Account) -> Account {
    Account {
        wrong_pins: 0,
        locked_until: None,
        lockouts: 0,
        ..account.clone()
    }
}

pub(super) fn create(account: Account, known: &Known) -> Decision {
    let id = account.created_by;
    if let Some(created) = &known.created {
        let content = |a: &Account| {
            (
                a.card.clone(),
                a.holder.clone(),
                a.pin_hash.clone(),
                a.opening,
            )
        };
        return match content(created) == content(&account) {
            true => Decision::reply(Ok(Answer::Created { id, repeat: true })),
            false => mismatch(),
        };
    }
    if known.account.is_some() {
        return Decision::refuse(
            Code::AccountExists,
            "an account with this card number exists",
        );
    }
    let entry = of_account(Event::Opened, &account, Some(account.opening));
    Decision::reply(Ok(Answer::Created { id, repeat: false }))
        .writing(vec![Write::PutAccount(account), entry])
}

pub(super) fn unlock(known: &Known) -> Decision {
    let Some(account) = &known.account else {
        return Decision::refuse(Code::UnknownId, "no account with this card number");
    };
    let reply = Decision::reply(Ok(balance(account)));
    if !account.is_locked(known.now) {
        return reply;
    }
    let account = unburdened(account);
    let entry = of_account(Event::Unlocked, &account, None);
    reply.writing(vec![Write::PutAccount(account), entry])
}

fn of_account(event: Event, account: &Account, amount: Option<Money>) -> Write {
    Write::Append(Entry {
        event,
        card: Some(account.card.clone()),
        id: None,
        amount,
    })
}

fn wrong_credentials() -> Decision {
    Decision::refuse(Code::WrongCredentials, "unknown card or wrong PIN")
}
