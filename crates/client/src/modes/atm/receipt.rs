//! What a cash machine prints when something is done, or says when that is not known.

use proto::atm::machine::Outcome;
use proto::atm::{Amount, CardNumber, CreationId, Holder, Kind, Money, TransactionId};
use serde_json::json;

use crate::failure::Failure;
use crate::output::Output;

/// Why it is not known what Ctrl-C broke off.
pub const INTERRUPTED: &str = "interrupted";

/// The proof of something done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Receipt {
    /// The balance was asked for.
    Balance {
        /// What can be withdrawn.
        available: Money,
        /// What unsettled withdrawals hold.
        held: Money,
    },
    /// Notes went out or came in, and the bank has confirmed it.
    Moved {
        /// The transaction.
        id: TransactionId,
        /// The customer's card, unless the customer has gone.
        card: Option<CardNumber>,
        /// How much.
        amount: Amount,
        /// What can be withdrawn now, unless the machine restarted in between.
        available: Option<Money>,
    },
    /// An account was opened.
    Created {
        /// The request for it.
        id: CreationId,
        /// Its card.
        card: CardNumber,
        /// Its opening balance.
        opening: Money,
        /// Whose it is.
        holder: Holder,
    },
}

impl Receipt {
    /// Prints the receipt on a few lines; with `--json` as one object.
    pub fn print(&self, output: Output) -> Result<(), Failure> {
        match self {
            Receipt::Balance { available, held } => {
                let members = json!({"available": available.to_string(), "held": held.to_string()});
                output.answer(&available.to_string(), members)
            }
            Receipt::Moved {
                id,
                card,
                amount,
                available,
            } => {
                let amount = amount.money().to_string();
                let available = available.map(|available| available.to_string());
                let members = json!({
                    "id": id.to_string(),
                    verb(id.kind): amount,
                    "available": available,
                });
                let title = match id.kind {
                    Kind::Withdrawal => "Withdrawal",
                    Kind::Deposit => "Deposit",
                };
                let mut text = vec![(title, amount)];
                text.extend(card.as_ref().map(|card| ("Card", card.masked())));
                text.extend(available.map(|available| ("Available", available)));
                text.push(("Reference", id.to_string()));
                output.answer(&rows(&text), members)
            }
            Receipt::Created {
                id,
                card,
                opening,
                holder,
            } => {
                let members = json!({
                    "id": id.to_string(),
                    "created": card.as_str(),
                    "holder": holder.as_str(),
                    "available": opening.to_string(),
                });
                let text = [
                    ("Account of", holder.to_string()),
                    ("Card", card.to_string()),
                    ("Available", opening.to_string()),
                    ("Reference", id.to_string()),
                ];
                output.answer(&rows(&text), members)
            }
        }
    }

    /// What was done, behind the id it was done by; `None` for a balance, which was only asked for.
    pub fn done(&self) -> Option<String> {
        let id = match self {
            Receipt::Balance { .. } => return None,
            Receipt::Moved { id, .. } => id.to_string(),
            Receipt::Created { id, .. } => id.to_string(),
        };
        let done = self.one_line();
        let done = done.strip_suffix(&format!(", {id}")).unwrap_or(&done);
        Some(format!("{id}: {done}"))
    }

    /// The receipt on one line, for pipes, where each line out is an answer.
    pub fn one_line(&self) -> String {
        match self {
            Receipt::Balance { available, .. } => available.to_string(),
            Receipt::Moved {
                id,
                amount,
                available,
                ..
            } => {
                let left = available.map_or(String::new(), |left| format!("available {left}, "));
                format!("{} {}, {left}{id}", verb(id.kind), amount.money())
            }
            Receipt::Created { id, opening, .. } => format!("created, available {opening}, {id}"),
        }
    }
}

fn verb(kind: Kind) -> &'static str {
    match kind {
        Kind::Withdrawal => "withdrawn",
        Kind::Deposit => "deposited",
    }
}

fn rows(rows: &[(&str, String)]) -> String {
    let lines: Vec<String> = rows
        .iter()
        .map(|(name, value)| format!("{name:<12}{value}"))
        .collect();
    lines.join("\n")
}

/// What was done, where that could not be printed.
pub fn untold(done: &str, why: &str) -> String {
    format!("{done}; the receipt was not printed ({why})")
}

/// An outcome in words, with the id of its transaction.
pub fn named(outcome: &Outcome) -> String {
    format!("{}: {outcome}", outcome.id())
}

/// That a transaction is open: why, and what settles it.
pub fn unsettled(open: Option<&Outcome>, settled_by: &str, why: Option<&str>) -> String {
    let why = why.map_or(String::new(), |why| format!(" ({why})"));
    let what = open.map_or_else(|| "a transaction is still open".to_owned(), named);
    format!("{what}{why}: {settled_by}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receipt_names_amount_masked_card_balance_and_reference() {
        let receipt = Receipt::Moved {
            id: "WITH_00000000-0000-7000-8000-000000000001".parse().unwrap(),
            card: Some("123456789".parse().unwrap()),
            amount: "500".parse().unwrap(),
            available: Some("9500".parse().unwrap()),
        };
        assert_eq!(
            receipt.one_line(),
            "withdrawn 500.00, available 9500.00, WITH_00000000-0000-7000-8000-000000000001"
        );
    }

    #[test]
    fn rows_line_up() {
        let text = rows(&[
            ("Withdrawal", "500.00".into()),
            ("Card", "*****6789".into()),
        ]);
        assert_eq!(text, "Withdrawal  500.00\nCard        *****6789");
    }
}
