//! Which accounts there are to begin with.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::fs;
use std::io;
use std::num::NonZero;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::thread;

use proto::atm::bank::Operation;
use proto::atm::{CardNumber, CreationId, Holder, Money, Pin};
use proto::refusal::{Code, Refusal};
use serde::Deserialize;
use toml::Spanned;

use super::bank::Bank;
use super::opening::Progress;
use crate::pin::{PinGate, is_hash};

/// The accounts of a bank that was given none: a file as [`load`] reads it, and a model for others.
pub const DEMO: &str = include_str!("demo.toml");

/// An account to be opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAccount {
    /// Its card.
    pub card: CardNumber,
    /// The PIN of the card.
    pub pin: NewPin,
    /// Whose it is.
    pub holder: Holder,
    /// The balance it begins with.
    pub balance: Money,
}

/// The PIN of an account to be opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NewPin {
    /// As it is typed; it is hashed when the account is opened, which takes 20 ms of a core.
    Plain(Pin),
    /// Hashed already, as [`hash_pins`] does.
    Hashed(String),
}

/// Why the file of accounts is not used.
#[derive(Debug, thiserror::Error)]
pub enum AccountsError {
    /// It cannot be read.
    #[error("cannot read the accounts in {}: {}", .0.display(), .1)]
    Io(PathBuf, io::Error),
    /// Something in it is wrong.
    #[error("{}, line {line}: {words}", file.display())]
    Wrong {
        /// The file.
        file: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong there.
        words: String,
    },
}

/// Accounts that come with this program, in the form of [`DEMO`].
pub fn built_in(text: &str) -> Result<Vec<NewAccount>, AccountsError> {
    parse(Path::new("built-in"), text)
}

/// Reads accounts from a file that looks like `demo.toml` beside this source.
pub fn load(path: &Path) -> Result<Vec<NewAccount>, AccountsError> {
    let text = fs::read_to_string(path).map_err(|error| AccountsError::Io(path.into(), error))?;
    parse(path, &text)
}

/// Accounts whose PINs one core hashes before the next are opened.
const HASHED_AHEAD: usize = 8;

/// Opens those accounts whose cards the bank does not know yet, in the order of the file, and
/// returns how many. The others stay as they are, whatever the file says of them. All cores hash
/// PINs, which is what takes long.
pub fn open_missing(
    bank: &Bank,
    gate: &PinGate,
    mut accounts: Vec<NewAccount>,
) -> Result<usize, Refusal> {
    let known = bank.query(|store| store.accounts())?;
    let known: BTreeSet<_> = known.into_iter().map(|account| account.card).collect();
    accounts.retain(|account| !known.contains(&account.card));
    let cores = cores();
    let mut progress = Progress::of(accounts.len(), "opening accounts");
    let mut opened = 0;
    for some in accounts.chunks(HASHED_AHEAD * cores) {
        for (account, pin_hash) in some.iter().zip(hashes(gate, some, cores)) {
            let create = Operation::Create {
                id: creation_id(&account.card),
                card: account.card.clone(),
                holder: account.holder.clone(),
                pin_hash: pin_hash?,
                opening: account.balance,
            };
            match bank.apply(create) {
                Ok(_) => opened += 1,
                // A client asked for the same card at this moment.
                Err(refusal) if refusal.code == Code::AccountExists => {}
                Err(refusal) => return Err(refusal),
            }
        }
        progress.advance(some.len());
    }
    Ok(opened)
}

/// Hashes all PINs that are not hashed yet, by all cores, so that the accounts can be opened in a
/// moment later, as often as there are banks.
///
/// # Errors
/// When a PIN cannot be hashed.
pub fn hash_pins(accounts: &mut [NewAccount]) -> Result<(), Refusal> {
    let (gate, cores) = (PinGate::new(), cores());
    let mut progress = Progress::of(accounts.len(), "hashing PINs");
    for some in accounts.chunks_mut(HASHED_AHEAD * cores) {
        for (account, hash) in hashes(&gate, some, cores).into_iter().enumerate() {
            some[account].pin = NewPin::Hashed(hash?);
        }
        progress.advance(some.len());
    }
    Ok(())
}

fn cores() -> usize {
    thread::available_parallelism().map_or(1, NonZero::get)
}

/// The hashed PINs of these accounts, in this order, computed by this many threads.
fn hashes(gate: &PinGate, accounts: &[NewAccount], threads: usize) -> Vec<Result<String, Refusal>> {
    let part = accounts.len().div_ceil(threads);
    thread::scope(|scope| {
        let threads: Vec<_> = accounts
            .chunks(part)
            .map(|part| {
                let hashes = move || part.iter().map(|account| hash(gate, account));
                scope.spawn(move || hashes().collect::<Vec<_>>())
            })
            .collect();
        let joined = threads.into_iter().flat_map(|thread| {
            let hashes = thread.join();
            hashes.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        });
        joined.collect()
    })
}

fn hash(gate: &PinGate, account: &NewAccount) -> Result<String, Refusal> {
    match &account.pin {
        NewPin::Plain(pin) => gate.hash(pin, creation_id(&account.card)),
        NewPin::Hashed(hash) => Ok(hash.clone()),
    }
}

/// The id of the request that opens an account from a file: the card number in a UUID of version 8,
/// "free form", so that an account is not opened twice if the server stops in between.
fn creation_id(card: &CardNumber) -> CreationId {
    let mut bytes = [0; 16];
    bytes[0] = card.as_str().len() as u8;
    for (at, digit) in card.as_str().bytes().enumerate() {
        // Two digits a byte, around bytes 6 and 8, which hold the version and variant.
        let nibble = digit.wrapping_sub(b'0') & 0xf;
        let byte = if at < 10 { 1 + at / 2 } else { 4 + at / 2 };
        bytes[byte] |= if at % 2 == 0 { nibble << 4 } else { nibble };
    }
    CreationId(uuid::Builder::from_custom_bytes(bytes).into_uuid())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    account: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    card: Spanned<String>,
    pin: Option<Spanned<String>>,
    pin_hash: Option<Spanned<String>>,
    holder: Spanned<String>,
    balance: Spanned<String>,
}

fn parse(file: &Path, text: &str) -> Result<Vec<NewAccount>, AccountsError> {
    let wrong = |span: Range<usize>, words: &dyn Display| {
        let before = text.get(..span.start).unwrap_or(text);
        let line = before.matches('\n').count() + 1;
        AccountsError::Wrong {
            file: file.into(),
            line,
            words: words.to_string(),
        }
    };
    let rows: File = toml::from_str(text)
        .map_err(|error| wrong(error.span().unwrap_or(0..0), &error.message()))?;
    let mut accounts: Vec<NewAccount> = Vec::new();
    let mut cards = BTreeSet::new();
    for row in rows.account {
        let card: CardNumber = field(&row.card, &wrong)?;
        if !cards.insert(card.clone()) {
            return Err(wrong(row.card.span(), &"a second account with this card"));
        }
        let pin = match (&row.pin, &row.pin_hash) {
            (Some(pin), None) => NewPin::Plain(field(pin, &wrong)?),
            (None, Some(hash)) if is_hash(hash.get_ref()) => NewPin::Hashed(hash.get_ref().clone()),
            (None, Some(hash)) => {
                let words = "this is no hash of a PIN as labserver makes it";
                return Err(wrong(hash.span(), &words));
            }
            (None, None) | (Some(_), Some(_)) => {
                let words = "an account has a `pin`, or a `pin_hash` instead";
                return Err(wrong(row.card.span(), &words));
            }
        };
        accounts.push(NewAccount {
            card,
            pin,
            holder: field(&row.holder, &wrong)?,
            balance: field(&row.balance, &wrong)?,
        });
    }
    Ok(accounts)
}

fn field<T: FromStr<Err = Refusal>>(
    text: &Spanned<String>,
    wrong: &dyn Fn(Range<usize>, &dyn Display) -> AccountsError,
) -> Result<T, AccountsError> {
    text.get_ref()
        .parse()
        .map_err(|refusal| wrong(text.span(), &refusal))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::memory::MemoryStore;

    fn demo() -> Vec<NewAccount> {
        built_in(DEMO).unwrap()
    }

    const ONE: &str = "[[account]]\ncard = \"111111\"\npin = \"1234\"\nholder = \"Ann\"\n";

    #[test]
    fn the_demo_accounts_are_those_of_the_hand_out() {
        let shown = demo().into_iter().map(|account| {
            let NewPin::Plain(pin) = &account.pin else {
                panic!("{account:?}");
            };
            let (card, pin) = (account.card.as_str(), pin.reveal());
            format!("{card} {pin} {} {}", account.holder, account.balance)
        });
        let expected = [
            "123456789 1234 Joty 10000.00",
            "987654321 5678 Ahona 5000.00",
        ];
        assert!(shown.eq(expected));
    }

    #[test]
    fn what_is_wrong_is_reported_with_its_line() {
        for (text, expected) in [
            ("#balance = '1.234'", "line 5: money is"),
            ("#balance = 5", "line 5: invalid type"),
            ("#balance = '5'\nlimit = '5'", "line 6: unknown field"),
            ("#", "line 1: missing field `balance`"),
            ("#balance = '5'\n#balance = '5'", "line 7: a second"),
            ("\n[[account]\n", "line 2: "),
        ] {
            let refused = parse(Path::new("class.toml"), &text.replace('#', ONE));
            let words = refused.unwrap_err().to_string();
            assert!(
                words.starts_with(&format!("class.toml, {expected}")),
                "{words}"
            );
        }
        assert_eq!(parse(Path::new(""), "").unwrap(), []);
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = load(Path::new("/nonexistent/class.toml")).unwrap_err();
        let words = error.to_string();
        assert!(words.contains("/nonexistent/class.toml"), "{words}");
    }

    #[test]
    fn every_card_has_an_id_of_its_own() {
        let cards = "000000 0000000 100000 123456789 1234567890123456789 1234567891123456789 \
                     1234567890123456780 0234567890123456789";
        let cards = cards.split(' ').map(|card| card.parse().unwrap());
        let ids: BTreeSet<_> = cards.map(|card| creation_id(&card)).collect();
        assert_eq!(ids.len(), 8);
        for id in ids {
            assert_eq!(id.to_string().parse(), Ok(id));
        }
    }

    #[test]
    fn accounts_are_opened_once_and_then_left_alone() {
        let bank = Bank::start(MemoryStore::new()).unwrap();
        let gate = PinGate::new();
        assert_eq!(open_missing(&bank, &gate, demo()), Ok(2));
        let mut changed = demo();
        changed[0].balance = Money::ZERO;
        assert_eq!(open_missing(&bank, &gate, changed), Ok(0));
        let card = "123456789".parse().unwrap();
        let account = bank.query(move |store| store.account(&card)).unwrap();
        let account = account.unwrap();
        assert_eq!(account.posted.to_string(), "10000.00");
        let verified = gate.verify(&"1234".parse().unwrap(), Some(&account.pin_hash));
        assert_eq!(verified, Ok(true));
    }

    #[test]
    fn many_accounts_are_opened_in_the_order_of_the_file_each_with_its_own_pin() {
        let cores = thread::available_parallelism().map_or(1, NonZero::get);
        let count = HASHED_AHEAD * cores + 3;
        // The first digits descend, so that this is not the order of the cards.
        let accounts: Vec<_> = (0..count)
            .map(|number| NewAccount {
                card: (900_000 - number).to_string().parse().unwrap(),
                pin: NewPin::Plain((1000 + number).to_string().parse().unwrap()),
                holder: "Ann".parse().unwrap(),
                balance: Money::ZERO,
            })
            .collect();
        let bank = Bank::start(MemoryStore::new()).unwrap();
        let gate = PinGate::new();
        assert_eq!(open_missing(&bank, &gate, accounts.clone()), Ok(count));
        let history = bank.query(|store| {
            let mut cards = Vec::new();
            store.each_entry(None, &mut |dated| cards.extend(dated.row.card))?;
            Ok(cards)
        });
        let cards = accounts.iter().map(|account| account.card.clone());
        assert!(history.unwrap().into_iter().eq(cards));
        for account in [&accounts[0], &accounts[count - 1]] {
            let card = account.card.clone();
            let opened = bank.query(move |store| store.account(&card)).unwrap();
            let hash = opened.unwrap().pin_hash;
            let NewPin::Plain(pin) = &account.pin else {
                panic!("{account:?}");
            };
            assert_eq!(gate.verify(pin, Some(&hash)), Ok(true));
        }
    }

    #[test]
    fn an_account_with_a_hashed_pin_is_opened_by_that_pin_and_no_other_text_is_a_hash() {
        let mut accounts = demo();
        hash_pins(&mut accounts).unwrap();
        let NewPin::Hashed(hash) = &accounts[0].pin else {
            panic!("{accounts:?}");
        };
        let line = |hash: &str| ONE.replace("pin = \"1234\"", &format!("pin_hash = \"{hash}\""));
        let read = |hash: &str| parse(Path::new(""), &(line(hash) + "balance = \"1\"\n"));
        let read_back = read(hash).unwrap();
        assert_eq!(read_back[0].pin, accounts[0].pin);
        let bank = Bank::start(MemoryStore::new()).unwrap();
        let gate = PinGate::new();
        assert_eq!(open_missing(&bank, &gate, accounts.clone()), Ok(2));
        let card = accounts[0].card.clone();
        let opened = bank.query(move |store| store.account(&card)).unwrap();
        let hash_of_it = opened.unwrap().pin_hash;
        let pin = "1234".parse().unwrap();
        assert_eq!(gate.verify(&pin, Some(&hash_of_it)), Ok(true));

        let costly = hash.replace("m=19456", "m=4194304");
        for wrong in ["1234", "", &costly, &hash[..hash.len() - 1]] {
            let words = read(wrong).unwrap_err().to_string();
            assert!(words.contains("line 3: this is no hash"), "{words}");
        }
        let both = ONE.to_owned() + "pin_hash = \"x\"\nbalance = \"1\"\n";
        let words = parse(Path::new(""), &both).unwrap_err().to_string();
        assert!(words.contains("a `pin`, or a `pin_hash`"), "{words}");
    }
}
