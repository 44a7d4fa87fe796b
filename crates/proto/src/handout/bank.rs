//! Requests of the hand-outs' banks to the bank, beyond those of a native cash machine.

use crate::atm::{self, CardNumber, Holder, Pin};

/// A request of a hand-out's bank.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// Whether this is the password of this card. Wrong ones are not counted.
    Verify(CardNumber, Pin),
    /// Opens the session of the customer with this name or card number.
    LogIn(Customer, Pin),
    /// The same with name and password concatenated, without a boundary between them.
    LogInConcatenated(Pin),
    /// A request in the session of the customer who has logged in.
    Session(atm::Request),
    /// A request on this card, without a log-in.
    Card(CardNumber, atm::Request),
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The password is right; the account's holder.
    Welcome(Holder),
    /// The answer to a native request.
    Atm(atm::Answer),
}

/// A customer's name or card number as typed; not logged, because it may be a password.
#[derive(Clone, PartialEq, Eq)]
pub struct Customer(pub alloc::string::String);

impl core::fmt::Debug for Customer {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Customer(…)")
    }
}
