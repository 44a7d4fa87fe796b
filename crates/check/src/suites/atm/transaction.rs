//! A withdrawal or deposit, its requests and their answers, and what it makes of a balance.

use std::fmt;

use proto::atm::Money;
use rand::RngExt;
use uuid::Uuid;

use crate::server::Server;

/// A withdrawal or deposit.
#[derive(Debug, Clone)]
pub(super) struct Transaction {
    verb: &'static str,
    pub id: String,
    pub hundredths: i64,
    pub key: Option<String>,
}

/// The balance of an account, in hundredths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Balance {
    pub available: i64,
    /// The sum of the unsettled withdrawals.
    pub held: i64,
}

impl Transaction {
    /// A withdrawal of this much, with a key.
    pub fn withdrawal(server: &Server, hundredths: i64) -> Transaction {
        Transaction {
            verb: "WITHDRAW",
            id: id("WITH"),
            hundredths,
            key: Some(key(server)),
        }
    }

    /// A deposit of this much, with a key.
    pub fn deposit(server: &Server, hundredths: i64) -> Transaction {
        Transaction {
            verb: "DEPOSIT",
            id: id("DEP"),
            hundredths,
            key: Some(key(server)),
        }
    }

    /// A withdrawal and a deposit of some amount.
    pub fn both(server: &Server) -> [Transaction; 2] {
        [
            Transaction::withdrawal(server, amount(server)),
            Transaction::deposit(server, amount(server)),
        ]
    }

    /// The same without a key.
    pub fn without_key(self) -> Transaction {
        Transaction { key: None, ..self }
    }

    /// The same with another key.
    pub fn with_other_key(&self, server: &Server) -> Transaction {
        Transaction {
            key: Some(key(server)),
            ..self.clone()
        }
    }

    /// The same with another amount.
    pub fn with_amount(&self, hundredths: i64) -> Transaction {
        Transaction {
            hundredths,
            ..self.clone()
        }
    }

    /// What the balance becomes while it is held.
    pub fn held_in(&self, before: Balance) -> Balance {
        match self.verb {
            "WITHDRAW" => before.with_hold(self.hundredths),
            _ => before,
        }
    }

    /// What the balance becomes when it is confirmed.
    pub fn confirmed_in(&self, before: Balance) -> Balance {
        match self.verb {
            "WITHDRAW" => before.with(-self.hundredths),
            _ => before.with(self.hundredths),
        }
    }

    /// The first phase.
    pub fn hold(&self) -> String {
        self.hold_of(&money(self.hundredths))
    }

    /// The first phase, with the amount written like this.
    pub fn hold_of(&self, amount: &str) -> String {
        format!("{} {} {amount}{}", self.verb, self.id, self.behind())
    }

    /// The second, where the notes have moved.
    pub fn confirm(&self) -> String {
        format!("CONFIRM {}{}", self.id, self.behind())
    }

    /// The second, where they have not.
    pub fn rollback(&self) -> String {
        format!("ROLLBACK {}{}", self.id, self.behind())
    }

    fn behind(&self) -> String {
        let key = self.key.as_ref();
        key.map_or_else(String::new, |key| format!(" {key}"))
    }

    /// The answer to the first phase, with this balance before it.
    pub fn is_held(&self, before: Balance) -> String {
        let Transaction { id, hundredths, .. } = self;
        let available = self.held_in(before).available;
        format!(
            "OK {id} held {}, available {}",
            money(*hundredths),
            money(available)
        )
    }

    /// The answer to CONFIRM.
    pub fn is_confirmed(&self) -> String {
        format!("OK {} confirmed", self.id)
    }

    /// The answer to ROLLBACK.
    pub fn is_rolled_back(&self) -> String {
        format!("OK {} rolled back", self.id)
    }
}

impl Balance {
    /// With so much more on hold.
    pub fn with_hold(self, hundredths: i64) -> Balance {
        Balance {
            available: self.available - hundredths,
            held: self.held + hundredths,
        }
    }

    /// With so much more, or less, in it.
    pub fn with(self, hundredths: i64) -> Balance {
        let available = self.available + hundredths;
        Balance { available, ..self }
    }
}

impl fmt::Display for Balance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "OK available {}, held {}",
            money(self.available),
            money(self.held)
        )
    }
}

/// An id that was not used before.
pub(super) fn id(kind: &str) -> String {
    format!("{kind}_{}", Uuid::now_v7())
}

/// A key.
pub(super) fn key(server: &Server) -> String {
    let bits: u128 = server.random.borrow_mut().random();
    format!("{bits:032x}")
}

/// From 2.00 to 30.00, without hundredths: what floats make of those is judged by a case of its own.
pub(super) fn amount(server: &Server) -> i64 {
    server.random.borrow_mut().random_range(2..=30) * 1_00
}

/// Money as the bank writes it.
pub(super) fn money(hundredths: i64) -> String {
    match Money::from_minor(hundredths) {
        Some(money) => money.to_string(),
        None => format!("{hundredths}/100"),
    }
}
