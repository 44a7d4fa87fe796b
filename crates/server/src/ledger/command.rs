//! What an operator asks of a ledger: `labserver ledger audit`, and the like. It may be asked while
//! a server has the ledger open.

use std::io::{self, Write};

use jiff::{SignedDuration, Timestamp};
use proto::atm::bank::Operation;
use proto::atm::record::{Account, Entry};
use proto::atm::semantics::Protections;
use proto::atm::{CardNumber, Kind, TransactionId};
use proto::name::Name;
use proto::refusal::Refusal;

use super::audit::audit;
use super::{Dated, Store, StoreError, replies, seconds};

/// A question of an operator, or an act.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Proves that no money came or went.
    Audit,
    /// Lists the accounts.
    Accounts,
    /// Tells what happened to one account.
    History(CardNumber),
    /// Lists the transactions that are neither confirmed nor rolled back, with their age.
    Unsettled,
    /// Unlocks a card.
    Unlock(CardNumber),
    /// Settles a hold whose machine will not: whether the notes moved.
    Settle(TransactionId, bool),
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
    /// The ledger cannot be read.
    #[error("{0}")]
    Store(#[from] StoreError),
    /// What was found cannot be written out.
    #[error("cannot write the answer: {0}")]
    Io(#[from] io::Error),
    /// The bank refuses.
    #[error("{0}")]
    Refused(Refusal),
}

/// Does what the operator asks and writes the answer, in lines for people.
///
/// # Errors
/// See [`CommandError`].
pub fn run<S: Store>(
    command: &Command,
    store: &mut S,
    now: Timestamp,
    out: &mut impl Write,
) -> Result<Outcome, CommandError> {
    match command {
        Command::Audit => {
            let report = audit(store)?;
            writeln!(out, "{report}")?;
            if !report.violations.is_empty() {
                return Ok(Outcome::Violations);
            }
        }
        Command::Accounts => accounts(&store.accounts()?, now, out)?,
        Command::History(card) => history(card, store, out)?,
        Command::Unsettled => unsettled(store, now, out)?,
        Command::Unlock(card) => unlock(card, store, now, out)?,
        Command::Settle(id, moved) => settle(*id, *moved, store, out)?,
    }
    Ok(Outcome::Good)
}

fn accounts(accounts: &[Account], now: Timestamp, out: &mut impl Write) -> io::Result<()> {
    let now = seconds(now);
    let title = ["card", "available", "held", "pending", "state"];
    let [card, available, held, pending, state] = title;
    writeln!(
        out,
        "{card:<19}  {available:>13}  {held:>13}  {pending:>13}  {state:<6}  holder"
    )?;
    for account in accounts {
        let Account {
            card,
            held,
            pending,
            holder,
            ..
        } = account;
        let available = account.available();
        let state = if account.is_locked(now) {
            "locked"
        } else {
            "open"
        };
        writeln!(
            out,
            "{card:<19}  {available:>13}  {held:>13}  {pending:>13}  {state:<6}  {holder}"
        )?;
    }
    Ok(())
}

fn history<S: Store>(
    card: &CardNumber,
    store: &mut S,
    out: &mut impl Write,
) -> Result<(), CommandError> {
    if store.account(card)?.is_none() {
        return Err(CommandError::Refused(unknown(card)));
    }
    let mut written = Ok(());
    store.each_entry(Some(card), &mut |entry| {
        if written.is_ok() {
            written = write_entry(&entry, out);
        }
    })?;
    Ok(written?)
}

fn write_entry(Dated { at, row }: &Dated<Entry>, out: &mut impl Write) -> io::Result<()> {
    let amount = row
        .amount
        .map(|amount| amount.to_string())
        .unwrap_or_default();
    let id = row.id.map(|id| id.to_string()).unwrap_or_default();
    let line = format!("{at:.0}  {:<11}  {amount:>13}  {id}", row.event.as_str());
    writeln!(out, "{}", line.trim_end())
}

fn unsettled<S: Store>(
    store: &mut S,
    now: Timestamp,
    out: &mut impl Write,
) -> Result<(), CommandError> {
    let transactions = store.unsettled()?;
    if transactions.is_empty() {
        writeln!(out, "every transaction is settled")?;
    }
    for Dated { at, row } in transactions {
        let age = age(now.duration_since(at));
        let kind = match row.id.kind {
            Kind::Withdrawal => "withdrawal",
            Kind::Deposit => "deposit",
        };
        let terminal = row.terminal.as_ref().map_or("(no name)", Name::as_str);
        let (card, amount, id) = (row.card, row.amount, row.id);
        writeln!(
            out,
            "{age:>8}  {kind:<10}  {amount:>13}  {card:<19}  {terminal}  {id}"
        )?;
    }
    Ok(())
}

/// The two largest units of a duration: `3d 4h`.
fn age(duration: SignedDuration) -> String {
    let seconds = duration.as_secs().max(0);
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86400);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds}s"),
        (0, 0, _) => format!("{minutes}m {}s", seconds % 60),
        (0, _, _) => format!("{hours}h {}m", minutes % 60),
        (_, _, _) => format!("{days}d {}h", hours % 24),
    }
}

fn settle<S: Store>(
    id: TransactionId,
    moved: bool,
    store: &mut S,
    out: &mut impl Write,
) -> Result<(), CommandError> {
    let operation = Operation::Settle { id, moved };
    for reply in replies(Protections::ALL, store, &[operation]) {
        writeln!(out, "{}", reply.map_err(CommandError::Refused)?)?;
    }
    Ok(())
}

fn unlock<S: Store>(
    card: &CardNumber,
    store: &mut S,
    now: Timestamp,
    out: &mut impl Write,
) -> Result<(), CommandError> {
    match store.account(card)? {
        None => Err(CommandError::Refused(unknown(card))),
        Some(account) if !account.is_locked(seconds(now)) => {
            Ok(writeln!(out, "{card} is not locked")?)
        }
        Some(_) => {
            let replies = replies(Protections::ALL, store, &[Operation::Unlock(card.clone())]);
            let refused = replies.into_iter().find_map(Result::err);
            refused.map_or(Ok(()), |refusal| Err(CommandError::Refused(refusal)))?;
            Ok(writeln!(out, "{card} is unlocked")?)
        }
    }
}

fn unknown(card: &CardNumber) -> Refusal {
    let words = format!("no account has the card number {card}");
    Refusal::new(proto::refusal::Code::UnknownId, words)
}

#[cfg(test)]
mod tests {
    use proto::atm::record::Write as Change;

    use super::super::memory::MemoryStore;
    use super::super::tests::{CARD, card, confirm, create, dep, hold, with};
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
        for reply in replies(Protections::ALL, &mut store, &operations) {
            reply.unwrap();
        }
        store
    }

    fn lines(command: Command, store: &mut MemoryStore) -> Vec<String> {
        let mut out = Vec::new();
        assert_eq!(
            run(&command, store, Timestamp::now(), &mut out).unwrap(),
            Outcome::Good
        );
        String::from_utf8(out)
            .unwrap()
            .lines()
            .map(str::to_owned)
            .collect()
    }

    #[test]
    fn accounts_are_a_table() {
        let shown = lines(Command::Accounts, &mut store());
        let expected = [
            "card                     available           held        pending  state   holder",
            "123456789                  9500.00           0.00           0.05  open    Joty",
        ];
        assert_eq!(shown, expected);
    }

    #[test]
    fn the_history_of_a_card_has_a_line_an_entry() {
        let shown = lines(Command::History(card(CARD)), &mut store());
        assert_eq!(shown.len(), 4);
        let time = "2026-11-21T07:44:16Z".len();
        let line = &shown[1][time..];
        assert!(
            line.starts_with("  held                500.00  WITH_0000"),
            "{}",
            shown[1]
        );
        assert!(
            shown[0].ends_with("opened            10000.00"),
            "{}",
            shown[0]
        );
        let unknown = Command::History(card("111111"));
        let error = run(&unknown, &mut store(), at(0), &mut Vec::new()).unwrap_err();
        assert_eq!(error.to_string(), "no account has the card number 111111");
    }

    #[test]
    fn what_is_not_settled_is_listed_with_age_and_terminal() {
        let shown = lines(Command::Unsettled, &mut store());
        assert_eq!(shown.len(), 1);
        assert!(
            shown[0].contains("s  deposit              0.05  123456789"),
            "{}",
            shown[0]
        );
        assert!(shown[0].contains("  ATM-1  DEP_0000"), "{}", shown[0]);
        let shown = lines(Command::Unsettled, &mut MemoryStore::new());
        assert_eq!(shown, ["every transaction is settled"]);
    }

    #[test]
    fn an_operator_settles_a_hold_once_and_the_history_says_so() {
        let mut store = store();
        let settled = lines(Command::Settle(dep(2), true), &mut store);
        assert!(settled[0].ends_with(" confirmed"), "{settled:?}");
        assert_eq!(
            lines(Command::Unsettled, &mut store),
            ["every transaction is settled"]
        );
        let history = lines(Command::History(card(CARD)), &mut store);
        assert!(
            history.last().unwrap().contains("by operator"),
            "{history:?}"
        );
        assert_eq!(
            run(&Command::Audit, &mut store, at(0), &mut Vec::new()).unwrap(),
            Outcome::Good
        );

        let again = lines(Command::Settle(dep(2), true), &mut store);
        assert!(again[0].ends_with(" confirmed, repeat"), "{again:?}");
        assert_eq!(
            lines(Command::History(card(CARD)), &mut store).len(),
            history.len()
        );
        for (id, moved) in [(dep(2), false), (with(9), false), (with(9), true)] {
            assert!(
                run(
                    &Command::Settle(id, moved),
                    &mut store,
                    at(0),
                    &mut Vec::new()
                )
                .is_err()
            );
        }
    }

    #[test]
    fn an_age_has_its_two_largest_units() {
        for (seconds, expected) in [
            (-5, "0s"),
            (59, "59s"),
            (61, "1m 1s"),
            (3_700, "1h 1m"),
            (200_000, "2d 7h"),
        ] {
            assert_eq!(age(SignedDuration::from_secs(seconds)), expected);
        }
    }

    #[test]
    fn a_locked_card_is_unlocked_and_the_history_says_so() {
        let mut store = store();
        let wrong = |number| Operation::LogIn {
            id: proto::atm::LoginId(uuid::Uuid::from_u128(number)),
            card: card(CARD),
            pin_matches: false,
        };
        replies(
            Protections::ALL,
            &mut store,
            &[wrong(1), wrong(2), wrong(3)],
        );
        assert!(lines(Command::Accounts, &mut store)[1].contains("locked"));
        let unlock = Command::Unlock(card(CARD));
        assert_eq!(lines(unlock.clone(), &mut store), ["123456789 is unlocked"]);
        assert_eq!(lines(unlock, &mut store), ["123456789 is not locked"]);
        let history = lines(Command::History(card(CARD)), &mut store);
        assert!(history.last().unwrap().ends_with("unlocked"));
    }

    #[test]
    fn an_audit_that_finds_something_is_no_success() {
        let mut store = store();
        assert!(
            lines(Command::Audit, &mut store)
                .last()
                .unwrap()
                .starts_with("sound")
        );
        let account = store.accounts().unwrap().remove(0);
        store.begin(at(0)).unwrap();
        let posted = "1".parse().unwrap();
        store
            .write(Change::PutAccount(Account { posted, ..account }))
            .unwrap();
        store.commit().unwrap();
        let outcome = run(&Command::Audit, &mut store, at(0), &mut Vec::new()).unwrap();
        assert_eq!(outcome, Outcome::Violations);
    }
}
