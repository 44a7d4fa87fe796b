//! Cards that the bank does not know, which a client cannot distinguish from the others: wrong PINs
//! are counted for them too, and they are locked by the same rules. The counts are in memory, for
//! the cards that were tried last; a restart forgets them.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use proto::atm::bank::Operation;
use proto::atm::memory::MemoryRows;
use proto::atm::record::{Account, Write};
use proto::atm::{CardNumber, CreationId, Holder, Money};
use proto::refusal::Refusal;
use uuid::Uuid;

/// Unknown cards that are remembered, a few hundred bytes each. A client that tries
/// more of them between two tries of one card does not see it locked.
const REMEMBERED: usize = 4096;

/// The unknown cards that were tried last.
#[derive(Debug, Default)]
pub struct UnknownCards(Mutex<Tried>);

#[derive(Debug, Default)]
struct Tried {
    books: MemoryRows,
    /// The oldest first.
    order: VecDeque<CardNumber>,
}

impl UnknownCards {
    /// The answer to a log-in with a card that is not known, at this moment in seconds since 1970.
    pub fn refuse(&self, card: &CardNumber, log_in: &Operation, now: u64) -> Result<(), Refusal> {
        let mut tried = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Tried { books, order } = &mut *tried;
        books.now = now;
        if !books.accounts.contains_key(card) {
            if order.len() >= REMEMBERED
                && let Some(oldest) = order.pop_front()
            {
                books.accounts.remove(&oldest);
                books.logins.remove(&oldest);
            }
            order.push_back(card.clone());
            books.write(Write::PutAccount(placeholder(card)?));
        }
        let refused = books.apply(log_in).map(drop);
        books.history.clear();
        refused
    }
}

/// An account that no PIN opens, to count wrong PINs in.
fn placeholder(card: &CardNumber) -> Result<Account, Refusal> {
    Ok(Account {
        card: card.clone(),
        holder: "nobody".parse::<Holder>()?,
        pin_hash: String::new(),
        created_by: CreationId(Uuid::nil()),
        opening: Money::ZERO,
        posted: Money::ZERO,
        held: Money::ZERO,
        pending: Money::ZERO,
        wrong_pins: 0,
        locked_until: None,
        lockouts: 0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proto::atm::LoginId;
    use proto::atm::bank::FIRST_LOCK_SECONDS;
    use proto::refusal::Code;

    fn refused(unknown_cards: &UnknownCards, number: usize, id: u128, now: u64) -> Code {
        let card: CardNumber = format!("{number:09}").parse().unwrap();
        let log_in = Operation::LogIn {
            id: LoginId(Uuid::from_u128(id)),
            card: card.clone(),
            pin_matches: false,
        };
        unknown_cards.refuse(&card, &log_in, now).unwrap_err().code
    }

    #[test]
    fn an_unknown_card_is_locked_as_a_known_one_is() {
        let unknown_cards = UnknownCards::default();
        for id in 1..=3 {
            assert_eq!(refused(&unknown_cards, 1, id, 0), Code::WrongCredentials);
        }
        assert_eq!(refused(&unknown_cards, 1, 4, 0), Code::CardLocked);
        assert_eq!(refused(&unknown_cards, 2, 4, 0), Code::WrongCredentials);
        // A repeat has the answer it had.
        assert_eq!(refused(&unknown_cards, 1, 3, 0), Code::WrongCredentials);
        let later = refused(&unknown_cards, 1, 5, FIRST_LOCK_SECONDS);
        assert_eq!(later, Code::WrongCredentials);
    }

    #[test]
    fn unknown_cards_do_not_fill_the_memory() {
        let unknown_cards = UnknownCards::default();
        for number in 0..REMEMBERED + 10 {
            refused(&unknown_cards, number, 1, 0);
        }
        let tried = unknown_cards.0.lock().unwrap();
        assert_eq!(tried.books.accounts.len(), REMEMBERED);
        assert_eq!(tried.books.logins.len(), REMEMBERED);
        assert!(tried.books.created.len() <= 1 && tried.books.history.is_empty());
    }
}
