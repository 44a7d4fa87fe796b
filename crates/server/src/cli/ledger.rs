//! `labserver ledger`: what an operator asks of a ledger.

use clap::{Subcommand, ValueEnum};
use proto::atm::{CardNumber, TransactionId};
use proto::refusal::Refusal;
use server::ledger::command;

#[derive(Debug, Subcommand)]
pub enum LedgerCommand {
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
        #[arg(value_parser = parse_card)]
        card: CardNumber,
    },
    /// List the transactions that are neither confirmed nor rolled back
    Unsettled,
    /// Settle a hold whose machine never will, after counting its drawer; this is recorded
    Settle {
        /// The transaction, WITH_… or DEP_…
        #[arg(value_parser = parse_transaction)]
        id: TransactionId,
        /// `confirm` when the notes moved, `rollback` when they did not
        outcome: Settlement,
    },
    /// Unlock a card after three wrong PINs
    Unlock {
        /// The card's number
        #[arg(value_parser = parse_card)]
        card: CardNumber,
    },
}

impl From<&LedgerCommand> for command::Command {
    fn from(given: &LedgerCommand) -> command::Command {
        match given {
            LedgerCommand::Audit => command::Command::Audit,
            LedgerCommand::Accounts { .. } => command::Command::Accounts,
            LedgerCommand::History { card } => command::Command::History(card.clone()),
            LedgerCommand::Unsettled => command::Command::Unsettled,
            LedgerCommand::Settle { id, outcome } => {
                command::Command::Settle(*id, matches!(outcome, Settlement::Confirm))
            }
            LedgerCommand::Unlock { card } => command::Command::Unlock(card.clone()),
        }
    }
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Settlement {
    /// The notes moved
    Confirm,
    /// The notes did not move
    Rollback,
}

fn parse_transaction(text: &str) -> Result<TransactionId, String> {
    text.parse().map_err(|refusal: Refusal| refusal.words)
}

fn parse_card(text: &str) -> Result<CardNumber, String> {
    text.parse().map_err(|refusal: Refusal| refusal.words)
}
