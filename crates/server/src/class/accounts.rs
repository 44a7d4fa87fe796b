//! Cards and PINs of a class: read from a file of the teacher's, or made up.
//!
//! PINs are kept twice. `cards.toml` has them as they are printed on the sheets; the accounts of
//! each group have them hashed, which is done once, so that a group starts in a moment, also after
//! it was reset.

mod reading;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::{Seek, SeekFrom, Write as _};
use std::path::Path;

use anyhow::Context;
use proto::atm::{CardNumber, Holder, Money, Pin};
use proto::refusal::Refusal;
use rand::RngExt;

use self::reading::{BALANCE, MAX_SIZE, from_toml, wrong};
pub use self::reading::{Row, read};
use super::file::Group;
use super::files::{ACCOUNTS, Files, read_text, write_private};
use crate::ledger::accounts::{AccountsError, DEMO, NewAccount, NewPin, hash_pins};

/// Accounts of all groups together, at most: half an hour of one core for their PINs.
const MAX_ACCOUNTS: usize = 100_000;

/// An account of one group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The group's name.
    pub group: String,
    /// Its card.
    pub card: CardNumber,
    /// The card's PIN.
    pub pin: Pin,
    /// Whose it is.
    pub holder: Holder,
    /// The balance it begins with.
    pub balance: Money,
}

/// The cards of a class, as [`keep`] wrote them.
///
/// # Errors
/// As [`read`].
pub fn kept(files: &Files, groups: &[Group]) -> anyhow::Result<Vec<Account>> {
    let path = files.cards();
    if !path.exists() {
        return Ok(Vec::new());
    }
    let rows = from_toml(&path, &read_text(&path, MAX_SIZE)?)?;
    // Groups that are in the class no more have no sheet.
    let is_there = |row: &Row| groups.iter().any(|it| row.group.as_ref() == Some(&it.name));
    let rows = rows.into_iter().filter(is_there).collect();
    Ok(for_groups(&path, rows, groups)?)
}

/// The accounts of each group. A PIN that is not given is made up, another one in each group.
///
/// # Errors
/// When a group is unknown, or has a card twice.
pub fn for_groups(
    file: &Path,
    rows: Vec<Row>,
    groups: &[Group],
) -> Result<Vec<Account>, AccountsError> {
    let mut accounts = Vec::new();
    let mut cards = BTreeSet::new();
    for row in rows {
        let is_its = |group: &&Group| row.group.as_ref().is_none_or(|name| *name == group.name);
        let mut of_it = groups.iter().filter(is_its).peekable();
        if let (None, Some(name)) = (of_it.peek(), &row.group) {
            return Err(wrong(file, row.line, &format!("no group {name:?}")));
        }
        for group in of_it {
            if !cards.insert((group.name.clone(), row.card.clone())) {
                let words = format!("a second account with this card in {}", group.name);
                return Err(wrong(file, row.line, &words));
            }
            accounts.push(Account {
                group: group.name.clone(),
                card: row.card.clone(),
                pin: row.pin.clone().map_or_else(made_up_pin, Ok)?,
                holder: row.holder.clone(),
                balance: row.balance,
            });
        }
        if accounts.len() > MAX_ACCOUNTS {
            let words = format!("more than {MAX_ACCOUNTS} accounts in all groups together");
            return Err(wrong(file, row.line, &words));
        }
    }
    Ok(accounts)
}

/// The two accounts of the labs, for each group: their PINs are in every report.
fn demonstration(groups: &[Group]) -> Result<Vec<Account>, AccountsError> {
    let built_in = Path::new("built-in");
    for_groups(built_in, from_toml(built_in, DEMO)?, groups)
}

/// So many accounts for each group, with cards and PINs that nobody knows yet.
fn made_up(groups: &[Group], each: usize) -> Result<Vec<Account>, Refusal> {
    let mut random = rand::rng();
    let mut cards = BTreeSet::new();
    let mut accounts = Vec::new();
    for group in groups {
        for number in 1..=each {
            let card = loop {
                // Nine digits, as the cards of the labs have.
                let card = random.random_range(400_000_000..1_000_000_000_u32);
                if cards.insert(card) {
                    break card;
                }
            };
            accounts.push(Account {
                group: group.name.clone(),
                card: card.to_string().parse()?,
                pin: random_pin().parse()?,
                holder: format!("Customer {number}").parse()?,
                balance: BALANCE.parse()?,
            });
        }
    }
    Ok(accounts)
}

fn made_up_pin() -> Result<Pin, AccountsError> {
    let pin = random_pin();
    pin.parse()
        .map_err(|refusal| wrong(Path::new(""), 0, &refusal))
}

/// Four digits, but none of those that are tried first.
fn random_pin() -> String {
    loop {
        let pin = format!("{:04}", rand::rng().random_range(0..10_000));
        let is_one_digit = pin.bytes().all(|digit| Some(digit) == pin.bytes().next());
        if !is_one_digit && !["1234", "4321", "5678"].contains(&pin.as_str()) {
            return pin;
        }
    }
}

/// Writes the accounts of each of these groups, whose PINs are hashed first, of the same card with the
/// same PIN in several groups once; and adds their cards to those of the class.
///
/// # Errors
/// When a group has accounts already, or a file cannot be written.
pub fn keep(files: &Files, groups: &[Group], accounts: &[Account]) -> anyhow::Result<()> {
    add_cards(&files.cards(), accounts)?;
    let mut distinct = BTreeMap::new();
    for account in accounts {
        let key = (account.card.clone(), account.pin.reveal().to_owned());
        distinct.entry(key).or_insert_with(|| NewAccount {
            card: account.card.clone(),
            pin: NewPin::Plain(account.pin.clone()),
            holder: account.holder.clone(),
            balance: account.balance,
        });
    }
    let (keys, mut hashed): (Vec<_>, Vec<_>) = distinct.into_iter().unzip();
    hash_pins(&mut hashed).context("cannot hash the PINs")?;
    let hashes: BTreeMap<_, _> = keys.into_iter().zip(hashed).collect();
    for group in groups {
        let mut text = String::from(
            "# The accounts of this group: each is opened when the group starts, unless its ledger has the\n\
             # card already.\n",
        );
        for account in accounts.iter().filter(|it| it.group == group.name) {
            let key = (account.card.clone(), account.pin.reveal().to_owned());
            if let Some(NewPin::Hashed(hash)) = hashes.get(&key).map(|it| &it.pin) {
                let (card, holder) = (account.card.as_str(), quoted(account.holder.as_str()));
                let balance = account.balance;
                // Writing to a String cannot fail.
                let _ = write!(
                    text,
                    "\n[[account]]\ncard = \"{card}\"\npin_hash = \"{hash}\"\nholder = {holder}\n\
                     balance = \"{balance}\"\n"
                );
            }
        }
        let path = files.make_group(&group.name)?.join(ACCOUNTS);
        write_private(&path, text.as_bytes())?;
    }
    Ok(())
}

/// The accounts for groups that were given none: those of the labs on a computer of its own, and ones
/// that nobody knows yet where others can connect.
///
/// # Errors
/// None in a program that passes its tests.
pub fn of_new_groups(
    groups: &[Group],
    is_for_others: bool,
    each: usize,
) -> anyhow::Result<Vec<Account>> {
    match is_for_others {
        true => made_up(groups, each).context("cannot make up cards"),
        false => Ok(demonstration(groups)?),
    }
}

const HEAD_OF_CARDS: &str = "\
# The cards of this class with their PINs, for `labserver class sheet`. The banks have the PINs
# hashed, and do not read this file: a change here changes no account. Without this file, the
# sheets have no PINs.
";

fn add_cards(path: &Path, accounts: &[Account]) -> anyhow::Result<()> {
    let cannot = || format!("cannot write {}", path.display());
    let mut file = state::open(path).with_context(cannot)?.file;
    let mut text = match file.seek(SeekFrom::End(0)).with_context(cannot)? {
        0 => HEAD_OF_CARDS.to_owned(),
        _ => String::new(),
    };
    for account in accounts {
        let (group, card, pin) = (&account.group, account.card.as_str(), account.pin.reveal());
        let (holder, balance) = (quoted(account.holder.as_str()), account.balance);
        let _ = write!(
            text,
            "\n[[account]]\ngroup = \"{group}\"\ncard = \"{card}\"\npin = \"{pin}\"\nholder = {holder}\n\
             balance = \"{balance}\"\n"
        );
    }
    file.write_all(text.as_bytes()).with_context(cannot)?;
    file.sync_all().with_context(cannot)
}

/// As a string of TOML, which what JSON has for a string is as well.
pub fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::reading::from_table;
    use super::*;

    fn groups(names: &[&str]) -> Vec<Group> {
        let group = |(number, name): (usize, &&str)| Group {
            name: (*name).to_owned(),
            port: 9_100 + 100 * number as u16,
            page: None,
            fault: None,
            seed: None,
            script: None,
            handout: None,
        };
        names.iter().enumerate().map(group).collect()
    }

    fn table(text: &str) -> Result<Vec<Row>, AccountsError> {
        from_table(Path::new("class.csv"), text)
    }

    fn shown(accounts: &[Account]) -> Vec<String> {
        let show = |it: &Account| {
            let (card, pin) = (it.card.as_str(), it.pin.reveal());
            format!("{} {card} {pin} {} {}", it.group, it.holder, it.balance)
        };
        accounts.iter().map(show).collect()
    }

    #[test]
    fn a_table_has_accounts_for_one_group_or_for_each() {
        for separator in [",", ";"] {
            let text = "\u{feff}Card,Holder,PIN,group,balance\n\
                        111111,Ann,2222,b,5\n\
                        333333,\"Bo B\", 4444 ,,\n";
            let rows = table(&text.replace(',', separator)).unwrap();
            let accounts = for_groups(Path::new(""), rows, &groups(&["a", "b"])).unwrap();
            let expected = [
                "b 111111 2222 Ann 5.00",
                "a 333333 4444 Bo B 10000.00",
                "b 333333 4444 Bo B 10000.00",
            ];
            assert_eq!(shown(&accounts), expected);
        }
    }

    #[test]
    fn a_pin_that_is_not_given_is_made_up_in_each_group() {
        let rows = table("card,holder\n111111,Ann\n").unwrap();
        let names: Vec<String> = (0..20).map(|number| format!("g{number}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let accounts = for_groups(Path::new(""), rows, &groups(&names)).unwrap();
        let pins: BTreeSet<_> = accounts.iter().map(|it| it.pin.reveal()).collect();
        assert!(pins.len() > 10 && !pins.contains("1234"), "{pins:?}");
    }

    #[test]
    fn what_is_wrong_in_a_table_is_reported_with_its_line() {
        for (text, expected) in [
            ("", "line 1: no column \"card\""),
            ("card\n", "line 1: no column \"holder\""),
            ("card,holder,size\n", "line 1: a column \"size\""),
            ("card,holder,card\n", "line 1: a column \"card\""),
            ("card,holder\n\n12,Ann\n", "line 3: a card number has"),
            ("card,holder\n111111,\n", "line 2: the holder's name"),
            ("card,holder\n111111\n", "line 2: 1 fields, where"),
            ("card,holder,pin\n111111,Ann,12\n", "line 2: a PIN has"),
            ("card,holder,balance\n111111,Ann,-1\n", "line 2: money is"),
        ] {
            let words = table(text).unwrap_err().to_string();
            let expected = format!("class.csv, {expected}");
            assert!(words.starts_with(&expected), "{text:?}: {words}");
        }
        let rows = || table("card,holder,group\n111111,Ann,c\n").unwrap();
        let assign = |rows| for_groups(Path::new("class.csv"), rows, &groups(&["a", "b"]));
        let words = assign(rows()).unwrap_err().to_string();
        assert_eq!(words, "class.csv, line 2: no group \"c\"");
        let twice = table("card,holder,group\n111111,Ann,\n111111,Bo,b\n").unwrap();
        let words = assign(twice).unwrap_err().to_string();
        assert!(words.contains("line 3: a second account with this card in b"));
    }

    #[test]
    fn made_up_cards_are_all_different_and_no_pin_is_one_that_is_tried_first() {
        let accounts = made_up(&groups(&["a", "b"]), 300).unwrap();
        let cards: BTreeSet<_> = accounts.iter().map(|it| it.card.as_str()).collect();
        assert_eq!(cards.len(), 600);
        for account in &accounts {
            assert!(!["1234", "0000", "1111"].contains(&account.pin.reveal()));
        }
    }

    #[test]
    fn cards_are_kept_with_their_pins_and_banks_have_them_hashed() {
        let directory = tempfile::tempdir().unwrap();
        let files = Files::new(directory.path().join("class"));
        files.make_group("a").unwrap();
        let groups = groups(&["a", "b"]);
        let rows = table("card,holder,pin,group\n111111,\"A \"\"n\"\" \\\",2222,b\n").unwrap();
        let accounts = for_groups(Path::new(""), rows, &groups).unwrap();
        keep(&files, &groups, &accounts).unwrap();
        assert_eq!(kept(&files, &groups).unwrap(), accounts);
        assert_eq!(kept(&files, &groups[..1]).unwrap(), []);
        let load = |name| crate::ledger::accounts::load(&files.group(name).join(ACCOUNTS));
        assert_eq!(load("a").unwrap(), []);
        let of_b = load("b").unwrap();
        assert_eq!(of_b[0].holder.as_str(), "A \"n\" \\");
        assert!(matches!(of_b[0].pin, NewPin::Hashed(_)));
        let words = keep(&files, &groups, &accounts).unwrap_err().to_string();
        assert!(words.contains("is there already"), "{words}");
        #[cfg(unix)]
        for path in [files.cards(), files.group("b").join(ACCOUNTS)] {
            use std::os::unix::fs::PermissionsExt;
            let mode = path.metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{}", path.display());
        }
    }
}
