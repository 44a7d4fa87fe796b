//! What the two printed banks ask of ours, beyond what a cash machine of ours asks.

use crate::atm::{self, CardNumber, Holder, Pin};

/// What a printed bank is to be told or to have done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// Whether this is the password of this card. Wrong ones are not counted.
    Verify(CardNumber, Pin),
    /// Opens the session of the customer who has this name or this card number.
    LogIn(Customer, Pin),
    /// The same when name and password came in one piece, and nobody knows where to cut.
    LogInGlued(Pin),
    /// Of the customer who has logged in.
    Session(atm::Request),
    /// Of this card, without a log-in.
    Card(CardNumber, atm::Request),
}

/// What it is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The password is right, and whose account it is.
    Welcome(Holder),
    /// As a cash machine of ours is answered.
    Atm(atm::Answer),
}

/// A customer, as the customer says: not to be logged, since a password may have been typed instead.
#[derive(Clone, PartialEq, Eq)]
pub struct Customer(pub alloc::string::String);

impl core::fmt::Debug for Customer {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Customer(…)")
    }
}
