//! Who may do business: log-ins, locked cards, new accounts.

use alloc::vec;

use super::{Decision, Known, WRONG_PINS, balance, card_locked, mismatch};
use crate::atm::record::{Account, Entry, Event, Login, Write};
use crate::atm::{Answer, CardNumber, LoginId, Money};
use crate::refusal::Code;

pub(super) fn log_in(id: LoginId, card: &CardNumber, pin_matches: bool, known: &Known) -> Decision {
    if known
        .login
        .as_ref()
        .is_some_and(|login| login.card != *card)
    {
        return mismatch();
    }
    if known.login.as_ref().is_some_and(|login| !login.succeeded) {
        return wrong_credentials();
    }
    let Some(account) = &known.account else {
        return wrong_credentials();
    };
    if account.locked {
        return Decision::reply(Err(card_locked()));
    }
    let login = |succeeded| {
        Write::PutLogin(Login {
            id,
            card: card.clone(),
            succeeded,
        })
    };
    if pin_matches {
        let welcome = Decision::reply(Ok(Answer::Welcome(account.holder.clone())));
        return match (&known.login, account.wrong_pins) {
            (Some(_), _) => welcome,
            (None, 0) => welcome.writing(vec![login(true)]),
            (None, _) => {
                let account = Account {
                    wrong_pins: 0,
                    ..account.clone()
                };
                welcome.writing(vec![Write::PutAccount(account), login(true)])
            }
        };
    }
    // A known log-in with another PIN than before is another guess.
    let wrong_pins = account.wrong_pins.saturating_add(1);
    let account = Account {
        wrong_pins,
        locked: wrong_pins >= WRONG_PINS,
        ..account.clone()
    };
    let mut writes = vec![login(false)];
    if account.locked {
        writes.push(of_account(Event::Locked, &account, None));
    }
    writes.push(Write::PutAccount(account));
    wrong_credentials().writing(writes)
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
    if !account.locked {
        return reply;
    }
    let account = Account {
        locked: false,
        wrong_pins: 0,
        ..account.clone()
    };
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
