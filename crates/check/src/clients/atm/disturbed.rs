//! The withdrawals that are disturbed, and how each is.

use super::scenario::{Death, Faults, Scenario, judge};
use super::visit::Undisturbed;
use crate::client::Client;
use crate::verdict::Outcome;

const PLAIN: Scenario = Scenario {
    amount: "500",
    bank: |_| String::new(),
    proxy: None,
    death: None,
    begins_at: "WITHDRAW",
    may_begin_anew: false,
};

/// Under these faults of the bank.
fn with_faults(client: &Client, bank: Faults) -> Outcome {
    judge(client, &Scenario { bank, ..PLAIN })
}

/// Under these faults of the bank, and one of the two dies.
fn with_death(client: &Client, bank: Faults, death: Death) -> Outcome {
    let death = Some(death);
    judge(
        client,
        &Scenario {
            bank,
            death,
            ..PLAIN
        },
    )
}

/// Under these faults of the bank, the first of which is at CONFIRM; one of the two may die.
fn confirming(client: &Client, bank: Faults, death: Option<Death>) -> Outcome {
    judge(
        client,
        &Scenario {
            bank,
            death,
            begins_at: "CONFIRM",
            ..PLAIN
        },
    )
}

pub fn lost_request(client: &Client) -> Outcome {
    with_faults(client, |it| format!("drop-request=#{}", it.withdraw))
}

pub fn lost_held(client: &Client) -> Outcome {
    with_faults(client, |it| format!("drop-reply=#{}", it.withdraw))
}

pub fn cut_held(client: &Client) -> Outcome {
    with_faults(client, |it| format!("cut=#{}", it.withdraw))
}

pub fn reset_held(client: &Client) -> Outcome {
    with_faults(client, |it| format!("reset=#{}", it.withdraw))
}

pub fn unavailable(client: &Client) -> Outcome {
    let scenario = Scenario {
        bank: |it| format!("error=#{}", it.withdraw),
        may_begin_anew: true,
        ..PLAIN
    };
    judge(client, &scenario)
}

pub fn unavailable_repeat(client: &Client) -> Outcome {
    with_faults(client, |it| {
        let number = it.withdraw;
        // The repeat, whether or not it needs another log-in before.
        format!("reset=#{number},error=#{}-{}", number + 1, number + 3)
    })
}

pub fn slow_held(client: &Client) -> Outcome {
    with_faults(client, |it| format!("delay=2s@#{}", it.withdraw))
}

pub fn doubled(client: &Client) -> Outcome {
    // The second answer is there when CONFIRM is sent, which is lost.
    let proxy: Option<Faults> = Some(|it| format!("duplicate=#{}", it.withdraw));
    let bank = |it: &Undisturbed| format!("drop-request=#{}", it.confirm + 1);
    judge(
        client,
        &Scenario {
            bank,
            proxy,
            ..PLAIN
        },
    )
}

pub fn answer_of_another(client: &Client) -> Outcome {
    // The second answer is there when WITHDRAW is sent, which is declined.
    let proxy: Option<Faults> = Some(|it| format!("duplicate=#{}", it.withdraw - 1));
    let amount = "60000";
    judge(
        client,
        &Scenario {
            amount,
            proxy,
            ..PLAIN
        },
    )
}

pub fn lost_confirm(client: &Client) -> Outcome {
    confirming(client, |it| format!("drop-request=#{}", it.confirm), None)
}

pub fn lost_confirmed(client: &Client) -> Outcome {
    confirming(client, |it| format!("drop-reply=#{}", it.confirm), None)
}

pub fn killed_waiting(client: &Client) -> Outcome {
    with_death(
        client,
        |it| format!("drop-reply=#{}-999", it.withdraw),
        Death::ClientAfterRequest("WITHDRAW"),
    )
}

pub fn killed_held(client: &Client) -> Outcome {
    with_death(client, |_| String::new(), Death::ClientAfterHeld)
}

pub fn killed_confirming(client: &Client) -> Outcome {
    confirming(
        client,
        |it| format!("drop-request=#{}-999", it.confirm),
        Some(Death::ClientAfterRequest("CONFIRM")),
    )
}

pub fn bank_killed_held(client: &Client) -> Outcome {
    with_death(
        client,
        |it| format!("drop-reply=#{}-999", it.withdraw),
        Death::BankAfterRequest("WITHDRAW"),
    )
}

pub fn bank_killed_confirming(client: &Client) -> Outcome {
    confirming(
        client,
        |it| format!("drop-request=#{}-999", it.confirm),
        Some(Death::BankAfterRequest("CONFIRM")),
    )
}

pub fn bank_gone(client: &Client) -> Outcome {
    with_death(
        client,
        |it| format!("drop-request=#{}-999", it.withdraw),
        Death::ClientInVain("WITHDRAW"),
    )
}
