//! The answers for people: tables of at most 80 columns, whatever they are about. Ids are never
//! cut.

use std::io::{self, Write};

use jiff::{SignedDuration, Timestamp};
use proto::atm::record::{Account, Entry, Transaction};
use proto::name::Name;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::super::store::{Dated, seconds};

/// Columns of a terminal of the usual width.
const COLUMNS: usize = 80;

/// Between two columns of a table.
const GAP: &str = "  ";

/// Lists accounts, with a heading.
pub fn accounts(accounts: &[Account], now: Timestamp, out: &mut impl Write) -> io::Result<()> {
    let now = seconds(now);
    let heading = ["card", "available", "held", "pending", "state"].map(str::to_owned);
    let mut rows = vec![(heading, "holder".to_owned())];
    rows.extend(accounts.iter().map(|account| {
        let cells = [
            account.card.to_string(),
            account.available().to_string(),
            account.held.to_string(),
            account.pending.to_string(),
            ["open", "locked"][usize::from(account.is_locked(now))].to_owned(),
        ];
        (cells, account.holder.to_string())
    }));
    let widths = widths(rows.iter().map(|(cells, _)| cells));
    let before: usize = widths.iter().map(|width| width + GAP.len()).sum();
    let [card, available, held, pending, state] = widths;
    for ([a, b, c, d, e], holder) in &rows {
        let holder = fitted(holder, COLUMNS.saturating_sub(before));
        writeln!(
            out,
            "{a:<card$}{GAP}{b:>available$}{GAP}{c:>held$}{GAP}{d:>pending$}{GAP}{e:<state$}{GAP}\
             {holder}"
        )?;
    }
    Ok(())
}

/// Writes a history entry by entry, under the days they are of.
#[derive(Debug, Default)]
pub struct History {
    day: String,
}

impl History {
    /// Writes the next entry.
    pub fn entry(
        &mut self,
        Dated { at, row }: &Dated<Entry>,
        out: &mut impl Write,
    ) -> io::Result<()> {
        let day = at.strftime("%F").to_string();
        if day != self.day {
            writeln!(out, "{day}, UTC")?;
            self.day = day;
        }
        let amount = row.amount.map(|amount| amount.to_string());
        let id = row.id.map(|id| id.to_string());
        let line = format!(
            "{}{GAP}{:<11}{GAP}{:>13}{GAP}{}",
            at.strftime("%T"),
            row.event.as_str(),
            amount.unwrap_or_default(),
            id.unwrap_or_default()
        );
        writeln!(out, "{}", line.trim_end())
    }
}

/// Lists transactions that are not settled: age, amount, card, machine and id. The id has a line of
/// its own where they do not all fit.
pub fn unsettled(
    transactions: &[Dated<Transaction>],
    now: Timestamp,
    out: &mut impl Write,
) -> io::Result<()> {
    if transactions.is_empty() {
        return writeln!(out, "every transaction is settled");
    }
    let row = |Dated { at, row }: &Dated<Transaction>| {
        let terminal = row.terminal.as_ref().map_or("(no name)", Name::as_str);
        [
            age(now.duration_since(*at)),
            row.amount.to_string(),
            row.card.to_string(),
            terminal.to_owned(),
            row.id.to_string(),
        ]
    };
    let rows: Vec<_> = transactions.iter().map(row).collect();
    let widths = widths(&rows);
    let whole = widths.iter().sum::<usize>() + (widths.len() - 1) * GAP.len();
    let before_id = if whole <= COLUMNS { GAP } else { "\n    " };
    let [age, amount, card, terminal, _] = widths;
    for [a, b, c, d, id] in &rows {
        let line = format!("{a:>age$}{GAP}{b:>amount$}{GAP}{c:<card$}{GAP}{d:<terminal$}");
        let line = if whole <= COLUMNS {
            &line
        } else {
            line.trim_end()
        };
        writeln!(out, "{line}{before_id}{id}")?;
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

/// The columns that the cells of each column need.
fn widths<'a, const N: usize>(rows: impl IntoIterator<Item = &'a [String; N]>) -> [usize; N] {
    let mut widths = [0; N];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.width().max(*width);
        }
    }
    widths
}

/// A text in so many columns, cut where it needs more.
fn fitted(text: &str, columns: usize) -> String {
    if text.width() <= columns {
        return text.to_owned();
    }
    let mut left = columns.saturating_sub(1);
    let fits = |c: &char| {
        let width = c.width().unwrap_or(0);
        let fits = width <= left;
        left = left.saturating_sub(width);
        fits
    };
    let kept: String = text.chars().take_while(fits).collect();
    format!("{kept}…")
}

#[cfg(test)]
mod tests {
    use proto::atm::record::{Event, Status};
    use proto::atm::{Amount, Money};

    use super::super::super::tests::{CARD, card, dep, with};
    use super::*;

    fn lines(write: impl FnOnce(&mut Vec<u8>) -> io::Result<()>) -> Vec<String> {
        let mut out = Vec::new();
        write(&mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        let lines: Vec<_> = text.lines().map(str::to_owned).collect();
        for line in &lines {
            assert!(line.width() <= COLUMNS, "{line}");
        }
        lines
    }

    fn account(number: &str, holder: &str, posted: Money, held: Money) -> Account {
        Account {
            card: card(number),
            holder: holder.parse().unwrap(),
            pin_hash: "hash".into(),
            created_by: "ACC_00000000-0000-7000-8000-000000000001".parse().unwrap(),
            opening: posted,
            posted,
            held,
            pending: Money::ZERO,
            wrong_pins: 0,
            locked_until: None,
            lockouts: 0,
        }
    }

    fn transaction(card_number: &str, amount: Money, terminal: Option<&str>) -> Transaction {
        Transaction {
            id: with(1),
            card: card(card_number),
            amount: Amount::new(amount).unwrap(),
            available: Money::ZERO,
            terminal: terminal.map(|name| name.parse().unwrap()),
            key: None,
            status: Status::Held,
        }
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + seconds).unwrap()
    }

    #[test]
    fn accounts_are_a_table_as_wide_as_it_has_to_be() {
        let (posted, held) = ("10000".parse().unwrap(), "500".parse().unwrap());
        let one = account(CARD, "Joty", posted, held);
        let mut other = account("111111", "Ann", Money::ZERO, Money::ZERO);
        other.locked_until = Some(u64::MAX);
        assert_eq!(
            lines(|out| accounts(&[one, other], at(0), out)),
            [
                "card       available    held  pending  state   holder",
                "123456789    9500.00  500.00     0.00  open    Joty",
                "111111          0.00    0.00     0.00  locked  Ann",
            ]
        );
    }

    #[test]
    fn the_widest_account_fits_a_terminal() {
        for holder in ["x".repeat(64), "語".repeat(64)] {
            let mut widest = account("1234567890123456789", &holder, Money::MAX, Money::MAX);
            widest.pending = Money::MAX;
            widest.locked_until = Some(u64::MAX);
            let shown = lines(|out| accounts(&[widest], at(0), out));
            assert!(shown[1].ends_with('…'), "{shown:?}");
        }
    }

    #[test]
    fn a_history_has_a_line_an_entry_under_its_day() {
        let entry = |seconds, event, amount: &str, id| Dated {
            at: at(seconds),
            row: Entry {
                event,
                card: Some(card(CARD)),
                id,
                amount: Some(amount.parse().unwrap()),
            },
        };
        let entries = [
            entry(0, Event::Opened, "10000", None),
            entry(1, Event::Held, "9999999999.99", Some(with(1))),
            entry(86_400, Event::RolledBack, "1", Some(dep(2))),
        ];
        let mut history = History::default();
        let shown = lines(|out| entries.iter().try_for_each(|row| history.entry(row, out)));
        assert_eq!(
            shown,
            [
                "2023-11-14, UTC",
                "22:13:20  opened            10000.00",
                &format!("22:13:21  held         9999999999.99  {}", with(1)),
                "2023-11-15, UTC",
                &format!("22:13:20  rolled back           1.00  {}", dep(2)),
            ]
        );
    }

    #[test]
    fn what_is_not_settled_is_listed_with_age_and_machine() {
        let row = transaction(CARD, "500".parse().unwrap(), Some("ATM-1"));
        let dated = [Dated { at: at(0), row }];
        assert_eq!(
            lines(|out| unsettled(&dated, at(61), out)),
            [format!("1m 1s  500.00  123456789  ATM-1  {}", with(1))]
        );
        let none = lines(|out| unsettled(&[], at(0), out));
        assert_eq!(none, ["every transaction is settled"]);
    }

    #[test]
    fn an_id_that_does_not_fit_has_a_line_of_its_own() {
        let terminal = "x".repeat(32);
        let row = transaction("1234567890123456789", Money::MAX, Some(&terminal));
        let other = transaction(CARD, Money::MAX, None);
        let rows = [row, other].map(|row| Dated { at: at(0), row });
        let shown = lines(|out| unsettled(&rows, at(86_400 * 400), out));
        let expected = [
            format!("400d 0h  9999999999.99  1234567890123456789  {terminal}"),
            format!("    {}", with(1)),
            "400d 0h  9999999999.99  123456789            (no name)".into(),
            format!("    {}", with(1)),
        ];
        assert_eq!(shown, expected);
    }

    #[test]
    fn an_age_has_its_two_largest_units() {
        let ages = [-5, 59, 61, 3_700, 200_000].map(|it| age(SignedDuration::from_secs(it)));
        assert_eq!(ages, ["0s", "59s", "1m 1s", "1h 1m", "2d 7h"]);
    }
}
