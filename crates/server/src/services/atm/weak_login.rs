//! Log-ins weaker than the one with an id, for front ends whose clients send none.
//!
//! None counts wrong PINs, so none locks a card; a card that is locked stays so.

use jiff::Timestamp;
use proto::atm::record::Account;
use proto::atm::{CardNumber, Holder, Pin};
use proto::refusal::{Code, Refusal};

use super::AtmSession;
use crate::ledger::store::seconds;

/// Customers of one name whose PINs are tried, at most: each takes 20 ms of a core.
const MOST_GUESSES: usize = 8;

impl AtmSession {
    /// Whether this is the PIN of this card. No session is opened, and wrong PINs are not counted:
    /// a client can go on guessing.
    pub fn verify(&self, card: &CardNumber, pin: &Pin) -> Result<Holder, Refusal> {
        let wanted = card.clone();
        let account = self.atm.bank.query(move |store| store.account(&wanted))?;
        let found = self.first_with(pin, account.into_iter().collect())?;
        Ok(found.holder)
    }

    /// Opens the session of the customer of this name or card number. Wrong PINs are not counted.
    pub fn log_in_by_name(&mut self, customer: &str, pin: &Pin) -> Result<Holder, Refusal> {
        self.card = None;
        let is_meant = |account: &Account| is_called(account, customer);
        let mut accounts = self.atm.bank.query(|store| store.accounts())?;
        accounts.retain(is_meant);
        accounts.truncate(MOST_GUESSES);
        let found = self.first_with(pin, accounts)?;
        self.log_in_without_pin(found.card);
        Ok(found.holder)
    }

    /// As [`log_in_by_name`](AtmSession::log_in_by_name), when the name and the PIN come in one
    /// piece with no border between them: it is cut after any customer's name that it begins with.
    pub fn log_in_concatenated(&mut self, concatenated: &Pin) -> Result<Holder, Refusal> {
        self.card = None;
        let mut guesses: Vec<(Account, Pin)> = Vec::new();
        for account in self.atm.bank.query(|store| store.accounts())? {
            for name in [account.holder.as_str(), account.card.as_str()] {
                let rest = concatenated
                    .reveal()
                    .strip_prefix(name)
                    .and_then(Pin::password);
                guesses.extend(rest.map(|pin| (account.clone(), pin)));
            }
            if is_called(&account, concatenated.reveal()) {
                // It is a name alone, so the PIN is still to come.
                return Err(wrong_credentials());
            }
        }
        for (account, pin) in guesses.into_iter().take(MOST_GUESSES) {
            if self.opens(&account, &pin)? {
                self.log_in_without_pin(account.card);
                return Ok(account.holder);
            }
        }
        Err(wrong_credentials())
    }

    /// Opens the session of this card, for a front end where knowing the number is enough. Every
    /// request in it is refused when the bank does not know the card.
    pub fn log_in_without_pin(&mut self, card: CardNumber) {
        self.card = Some(card);
        self.has_logged_in = true;
    }

    /// The first of these accounts that has this PIN. Without any, saying so takes as long.
    fn first_with(&self, pin: &Pin, accounts: Vec<Account>) -> Result<Account, Refusal> {
        if accounts.is_empty() {
            self.atm.gate.verify(pin, None)?;
        }
        for account in accounts {
            if self.opens(&account, pin)? {
                return Ok(account);
            }
        }
        tracing::warn!("unknown card or wrong PIN");
        Err(wrong_credentials())
    }

    /// Whether the card is not locked and this is its PIN; either takes as long.
    fn opens(&self, account: &Account, pin: &Pin) -> Result<bool, Refusal> {
        let matches = self.atm.gate.verify(pin, Some(&account.pin_hash))?;
        let opens = matches && !account.is_locked(seconds(Timestamp::now()));
        if opens {
            tracing::info!(card = account.card.masked(), "the PIN is right");
        }
        Ok(opens)
    }
}

/// Whether this is what the account's holder or card is called.
fn is_called(account: &Account, customer: &str) -> bool {
    [account.holder.as_str(), account.card.as_str()].contains(&customer)
}

fn wrong_credentials() -> Refusal {
    Refusal::new(Code::WrongCredentials, "unknown card or wrong PIN")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conversation::Conversation;
    use crate::ledger::accounts::{DEMO, built_in};
    use crate::services::atm::Atm;
    use proto::atm::semantics::Semantics;
    use proto::atm::{LoginId, Request};

    const JOTYS_BALANCE: &str = "available 10000.00, held 0.00";

    fn session() -> AtmSession {
        let accounts = built_in(DEMO).unwrap();
        let atm = Atm::in_memory(Semantics::ExactlyOnce, accounts, None);
        atm.unwrap().session()
    }

    fn pin(text: &str) -> Pin {
        Pin::password(text).unwrap()
    }

    fn card(text: &str) -> CardNumber {
        CardNumber::free_form(text).unwrap()
    }

    /// The balance, or the code of the refusal.
    fn balance(session: &mut AtmSession) -> String {
        match session.answer(Request::Balance) {
            Ok(answer) => answer.to_string(),
            Err(refusal) => refusal.code.as_str().to_owned(),
        }
    }

    /// The name of the customer, or the code of the refusal.
    fn outcome(log_in: Result<Holder, Refusal>) -> String {
        match log_in {
            Ok(holder) => holder.to_string(),
            Err(refusal) => refusal.code.as_str().to_owned(),
        }
    }

    #[test]
    fn a_pin_is_checked_as_a_whole_and_wrong_ones_lock_nothing() {
        let session = session();
        for (number, tried, expected) in [
            ("123456789", "123", "wrong-credentials"),
            ("123456789", "12345", "wrong-credentials"),
            ("123456789", "x", "wrong-credentials"),
            ("123456789", "5678", "wrong-credentials"),
            ("111", "1234", "wrong-credentials"),
            ("123456789", "1234", "Joty"),
        ] {
            let outcome = outcome(session.verify(&card(number), &pin(tried)));
            assert_eq!(outcome, expected, "{number} {tried}");
        }
    }

    #[test]
    fn a_customer_enters_by_name_or_card_and_leaves_by_a_wrong_pin() {
        let mut session = session();
        for customer in ["Joty", "123456789"] {
            let entered = session.log_in_by_name(customer, &pin("1234"));
            assert_eq!(outcome(entered), "Joty");
            assert_eq!(balance(&mut session), JOTYS_BALANCE);
            let refused = session.log_in_by_name(customer, &pin("5678"));
            assert_eq!(outcome(refused), "wrong-credentials");
            assert_eq!(balance(&mut session), "not-logged-in");
        }
        for customer in ["J", "Jot", "joty", "", "Joty "] {
            let refused = session.log_in_by_name(customer, &pin("1234"));
            assert_eq!(outcome(refused), "wrong-credentials", "{customer:?}");
        }
    }

    #[test]
    fn a_name_and_a_pin_in_one_piece_are_cut_where_a_name_ends() {
        let mut session = session();
        for concatenated in ["Joty1234", "1234567891234"] {
            let entered = session.log_in_concatenated(&pin(concatenated));
            assert_eq!(outcome(entered), "Joty");
            assert_eq!(balance(&mut session), JOTYS_BALANCE);
        }
        for concatenated in "Joty 123456789 Joty5678 Joty12345 1234 Ahona1234 x".split(' ') {
            let refused = session.log_in_concatenated(&pin(concatenated));
            assert_eq!(outcome(refused), "wrong-credentials", "{concatenated}");
            assert_eq!(balance(&mut session), "not-logged-in");
        }
    }

    #[test]
    fn a_session_without_proof_is_only_as_good_as_its_card() {
        let mut session = session();
        session.log_in_without_pin(card("987654321"));
        assert_eq!(balance(&mut session), "available 5000.00, held 0.00");
        session.log_in_without_pin(card("111111"));
        assert_eq!(balance(&mut session), "not-logged-in");
    }

    #[test]
    fn a_locked_card_opens_to_no_pin() {
        let mut session = session();
        for number in 1..=3 {
            let id = LoginId(uuid::Uuid::from_u128(number));
            let (card, pin) = (card("123456789"), pin("0000"));
            let _ = session.answer(Request::LogIn { id, card, pin });
        }
        let refused = session.verify(&card("123456789"), &pin("1234"));
        assert_eq!(outcome(refused), "wrong-credentials");
        let refused = session.log_in_by_name("Joty", &pin("1234"));
        assert_eq!(outcome(refused), "wrong-credentials");
    }
}
