//! `labserver ledger`: what an operator asks of a ledger; and which file the ledger is.

use std::path::{Path, PathBuf};

use anyhow::anyhow;
use clap::error::ErrorKind;
use clap::{Subcommand, ValueEnum};
use proto::atm::semantics::Semantics;
use proto::atm::{CardNumber, TransactionId};
use proto::refusal::Refusal;
use server::ledger::command;

use super::{Arguments, usage};

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

impl Arguments {
    /// The file of the ledger to look into.
    pub fn ledger_on_disk(&self) -> anyhow::Result<PathBuf> {
        self.ledger_file()?.ok_or_else(|| {
            let words = "a ledger in memory is gone with its server: name a file with --ledger";
            usage(ErrorKind::InvalidValue, words)
        })
    }

    /// As [`ledger_file`](Arguments::ledger_file), with the directory made where no file is named.
    pub(super) fn ledger_to_serve(&self) -> anyhow::Result<Option<PathBuf>> {
        let file = self.ledger_file()?;
        if self.ledger.is_none()
            && let Some(directory) = file.as_deref().and_then(Path::parent)
        {
            state::create_directory(directory, directory).map_err(|error| {
                anyhow!(
                    "{error} for the ledger: set XDG_STATE_HOME to a directory of yours, or name a \
                     file with --ledger"
                )
            })?;
        }
        Ok(file)
    }

    /// The ledger's file, or `None` for one in memory.
    fn ledger_file(&self) -> anyhow::Result<Option<PathBuf>> {
        match &self.ledger {
            Some(path) if path.as_os_str() == "memory" => Ok(None),
            Some(path) if self.semantics != Semantics::ExactlyOnce => {
                let words = format!(
                    "--semantics {} would spoil {}: leave --ledger out",
                    self.semantics,
                    path.display()
                );
                Err(usage(ErrorKind::ArgumentConflict, &words))
            }
            None if self.semantics != Semantics::ExactlyOnce => Ok(None),
            Some(path) => Ok(Some(path.clone())),
            None => {
                let directory = state::directory()
                    .map_err(|error| anyhow!("{error}, or name a ledger with --ledger"))?;
                Ok(Some(directory.join("bank.db")))
            }
        }
    }
}

fn parse_transaction(text: &str) -> Result<TransactionId, String> {
    text.parse().map_err(|refusal: Refusal| refusal.words)
}

fn parse_card(text: &str) -> Result<CardNumber, String> {
    text.parse().map_err(|refusal: Refusal| refusal.words)
}
