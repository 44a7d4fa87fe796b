//! What an operator asks of a ledger: `labserver ledger audit`, and the like. It may be asked while
//! a server has the ledger open. `text` says it to people, `json` to programs.

use std::io::{self, Write};
use std::path::PathBuf;
use std::str::FromStr;

use clap::{Subcommand, ValueEnum};
use jiff::Timestamp;
use proto::atm::bank::Operation;
use proto::atm::{Answer, CardNumber, TransactionId};
use proto::refusal::Refusal;

use super::audit::{Report, audit};
use super::copy::{CopyError, back_up, copy};
use super::place::{OpenError, Place};
use super::sqlite::Access;
use super::store::{Store, StoreError, seconds};
use super::writer::carry_out;

mod json;
mod text;

/// A question of an operator, or an act.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum Command {
    /// Prove that no money came or went; exit status 1 if some did
    Audit,
    /// List the accounts
    Accounts {
        /// Print a file for --accounts instead, which works as it is
        #[arg(long)]
        example: bool,
    },
    /// Tell what happened to one account
    History {
        /// The card's number
        #[arg(value_parser = parse::<CardNumber>)]
        card: CardNumber,
    },
    /// List the transactions that are neither confirmed nor rolled back
    Unsettled,
    /// Settle a hold whose machine never will, after counting its drawer; this is recorded
    Settle {
        /// The transaction, WITH_… or DEP_…
        #[arg(value_parser = parse::<TransactionId>)]
        id: TransactionId,
        /// `confirm` when the notes moved, `rollback` when they did not
        outcome: Settlement,
    },
    /// Copy a whole ledger into an empty one, from a file into a database or the other way
    ///
    /// The copy is what the ledger has at one moment, and is audited. What servers do with the
    /// ledger later is not in it: to move a bank, stop them first.
    Copy {
        /// The ledger: a file, or postgres://…
        from: Place,
        /// Where its rows go: a new file, or postgres://…
        to: Place,
    },
    /// Write the ledger as it is now into a new file, also while servers have it open
    Backup {
        /// The new file, a ledger like any other
        file: PathBuf,
    },
    /// Unlock a card after three wrong PINs
    Unlock {
        /// The card's number
        #[arg(value_parser = parse::<CardNumber>)]
        card: CardNumber,
    },
}

/// How a hold is settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Settlement {
    /// The notes moved
    Confirm,
    /// The notes did not move
    Rollback,
}

fn parse<T: FromStr<Err = Refusal>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|refusal: Refusal| refusal.words)
}

impl Command {
    /// Whether it changes the ledger.
    fn writes(&self) -> bool {
        matches!(self, Command::Unlock { .. } | Command::Settle { .. })
    }
}

/// How an answer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// In lines for people, of at most 80 columns.
    Text,
    /// In JSON: one object, or one a line where there may be several.
    Json,
}

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// As it should: exit status 0.
    Good,
    /// The audit found violations: exit status 1.
    Violations,
}

/// Why a command has no outcome.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// The ledger cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The ledger cannot be read.
    #[error("{0}")]
    Store(#[from] StoreError),
    /// It was not copied.
    #[error(transparent)]
    Copy(#[from] CopyError),
    /// It is not said which ledger.
    #[error(transparent)]
    Which(#[from] anyhow::Error),
    /// What was found cannot be written out.
    #[error("cannot write the answer: {0}")]
    Io(#[from] io::Error),
    /// The bank refuses.
    #[error(transparent)]
    Refused(#[from] Refusal),
}

/// Does what the operator asks of the ledger at this place, and writes the answer.
///
/// # Errors
/// See [`CommandError`].
pub fn run_at(
    command: &Command,
    ledger: impl FnOnce() -> Result<Place, CommandError>,
    now: Timestamp,
    format: Format,
    out: &mut impl Write,
) -> Result<Outcome, CommandError> {
    match command {
        Command::Copy { from, to } => {
            let mut source = from.open_beside(Access::Read)?;
            let report = copy(&mut *source, &mut *to.open(false)?)?;
            if format == Format::Text {
                writeln!(out, "copied {from} to {to}")?;
            }
            say(&report, format, out)
        }
        Command::Backup { file } => {
            let from = ledger()?;
            let report = back_up(&from, file)?;
            if format == Format::Text {
                writeln!(out, "copied {from} to {}", file.display())?;
            }
            say(&report, format, out)
        }
        command => {
            let access = match command.writes() {
                true => Access::Write,
                false => Access::Read,
            };
            run(
                command,
                &mut *ledger()?.open_beside(access)?,
                now,
                format,
                out,
            )
        }
    }
}

/// Does what the operator asks of this store alone, and writes the answer.
///
/// # Errors
/// See [`CommandError`].
pub fn run(
    command: &Command,
    store: &mut dyn Store,
    now: Timestamp,
    format: Format,
    out: &mut impl Write,
) -> Result<Outcome, CommandError> {
    let is_json = format == Format::Json;
    match command {
        Command::Audit => return say(&audit(store)?, format, out),
        Command::Copy { .. } | Command::Backup { .. } => {
            unreachable!("they are about more than one ledger")
        }
        Command::Accounts { .. } => match is_json {
            true => json::accounts(&store.accounts()?, now, out)?,
            false => text::accounts(&store.accounts()?, now, out)?,
        },
        Command::History { card } => history(card, store, is_json, out)?,
        Command::Unsettled => match is_json {
            true => json::unsettled(&store.unsettled()?, now, out)?,
            false => text::unsettled(&store.unsettled()?, now, out)?,
        },
        Command::Unlock { card } => {
            let was_locked = unlock(card, store, now)?;
            match is_json {
                true => json::unlocked(card, was_locked, out)?,
                false if was_locked => writeln!(out, "{card} is unlocked")?,
                false => writeln!(out, "{card} is not locked")?,
            }
        }
        Command::Settle { id, outcome } => {
            let moved = *outcome == Settlement::Confirm;
            for reply in act(store, Operation::Settle { id: *id, moved })? {
                match is_json {
                    true => json::settled(&reply, out)?,
                    false => writeln!(out, "{reply}")?,
                }
            }
        }
    }
    Ok(Outcome::Good)
}

/// Writes what an audit found.
fn say(report: &Report, format: Format, out: &mut impl Write) -> Result<Outcome, CommandError> {
    match format {
        Format::Json => json::report(report, out)?,
        Format::Text => writeln!(out, "{report}")?,
    }
    Ok(match report.violations.is_empty() {
        true => Outcome::Good,
        false => Outcome::Violations,
    })
}

fn history(
    card: &CardNumber,
    store: &mut dyn Store,
    is_json: bool,
    out: &mut impl Write,
) -> Result<(), CommandError> {
    if store.account(card)?.is_none() {
        return Err(unknown(card).into());
    }
    let mut text = text::History::default();
    let mut written = Ok(());
    store.each_entry(Some(card), &mut |entry| {
        if written.is_ok() {
            written = match is_json {
                true => json::entry(&entry, out),
                false => text.entry(&entry, out),
            };
        }
    })?;
    Ok(written?)
}

/// Carries out one operation, to which there is one answer.
fn act(store: &mut dyn Store, operation: Operation) -> Result<Vec<Answer>, CommandError> {
    let replies = carry_out(store, &[operation]).into_iter();
    Ok(replies.collect::<Result<_, Refusal>>()?)
}

/// Unlocks a card, and says whether it was locked.
fn unlock(card: &CardNumber, store: &mut dyn Store, now: Timestamp) -> Result<bool, CommandError> {
    match store.account(card)? {
        None => Err(unknown(card).into()),
        Some(account) if !account.is_locked(seconds(now)) => Ok(false),
        Some(_) => {
            act(store, Operation::Unlock(card.clone()))?;
            Ok(true)
        }
    }
}

fn unknown(card: &CardNumber) -> Refusal {
    let words = format!("no account has the card number {card}");
    Refusal::new(proto::refusal::Code::UnknownId, words)
}

#[cfg(test)]
mod tests {
    use proto::atm::record::{Account, Write as Change};

    use super::super::memory::MemoryStore;
    use super::super::tests::{CARD, card, confirm, create, dep, hold, log_in, with};
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + seconds).unwrap()
    }

    fn store() -> MemoryStore {
        let mut store = MemoryStore::new();
        let operations = [
            create(1, CARD),
            hold(with(1), 50_000),
            confirm(with(1)),
            hold(dep(2), 5),
        ];
        for reply in carry_out(&mut store, &operations) {
            reply.unwrap();
        }
        store
    }

    fn settle(id: TransactionId, outcome: Settlement) -> Command {
        Command::Settle { id, outcome }
    }

    fn history_of_card() -> Command {
        Command::History { card: card(CARD) }
    }

    fn lines(command: Command, store: &mut MemoryStore) -> Vec<String> {
        let mut out = Vec::new();
        let outcome = run(&command, store, Timestamp::now(), Format::Text, &mut out);
        assert_eq!(outcome.unwrap(), Outcome::Good);
        let text = String::from_utf8(out).unwrap();
        text.lines().map(str::to_owned).collect()
    }

    fn outcome(command: Command, store: &mut MemoryStore) -> Result<Outcome, CommandError> {
        run(&command, store, at(0), Format::Text, &mut Vec::new())
    }

    #[test]
    fn an_operator_settles_a_hold_once_and_the_history_says_so() {
        let mut store = store();
        let settled = lines(settle(dep(2), Settlement::Confirm), &mut store);
        assert!(settled[0].ends_with(" confirmed"), "{settled:?}");
        assert_eq!(
            lines(Command::Unsettled, &mut store),
            ["every transaction is settled"]
        );
        let history = lines(history_of_card(), &mut store);
        assert!(history.last().unwrap().contains("by operator"));
        assert_eq!(outcome(Command::Audit, &mut store).unwrap(), Outcome::Good);

        let again = lines(settle(dep(2), Settlement::Confirm), &mut store);
        assert!(again[0].ends_with(" confirmed, repeat"), "{again:?}");
        assert_eq!(lines(history_of_card(), &mut store).len(), history.len());
        for (id, decision) in [
            (dep(2), Settlement::Rollback),
            (with(9), Settlement::Rollback),
            (with(9), Settlement::Confirm),
        ] {
            assert!(outcome(settle(id, decision), &mut store).is_err());
        }
    }

    #[test]
    fn a_locked_card_is_unlocked_and_the_history_says_so() {
        let mut store = store();
        let wrong = [1, 2, 3].map(|number| log_in(number, CARD, false));
        carry_out(&mut store, &wrong);
        assert!(lines(Command::Accounts { example: false }, &mut store)[1].contains("locked"));
        let unlock = Command::Unlock { card: card(CARD) };
        assert_eq!(lines(unlock.clone(), &mut store), ["123456789 is unlocked"]);
        assert_eq!(lines(unlock, &mut store), ["123456789 is not locked"]);
        let history = lines(history_of_card(), &mut store);
        assert!(history.last().unwrap().ends_with("unlocked"));
    }

    #[test]
    fn an_audit_that_finds_something_is_no_success() {
        let mut store = store();
        let sound = lines(Command::Audit, &mut store);
        assert!(sound.last().unwrap().starts_with("sound"));
        let account = store.accounts().unwrap().remove(0);
        store.begin(at(0), &[]).unwrap();
        let posted = "1".parse().unwrap();
        let change = Change::PutAccount(Account { posted, ..account });
        store.write(change).unwrap();
        store.commit().unwrap();
        let outcome = outcome(Command::Audit, &mut store);
        assert_eq!(outcome.unwrap(), Outcome::Violations);
    }
}
