//! Which ledger is meant.

use std::path::{Path, PathBuf};

use anyhow::anyhow;
use clap::error::ErrorKind;
use proto::atm::semantics::Semantics;
use server::ledger::Place;
use server::ledger::postgres::AddressError;

use super::{Arguments, usage};

/// What `--ledger` names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LedgerArgument {
    /// None that lasts.
    Memory,
    /// This one.
    At(Place),
}

impl LedgerArgument {
    /// Reads the argument. A file may have any name that the system allows.
    ///
    /// # Errors
    /// When it begins as the address of a database and is none.
    pub fn parse(text: PathBuf) -> Result<LedgerArgument, AddressError> {
        Ok(match text.to_str() {
            Some("memory") => LedgerArgument::Memory,
            Some(name) => LedgerArgument::At(name.parse()?),
            None => LedgerArgument::At(Place::File(text)),
        })
    }
}

impl Arguments {
    /// The ledger to look into.
    pub fn ledger_to_look_into(&self) -> anyhow::Result<Place> {
        self.ledger_place()?.ok_or_else(|| {
            let words = "a ledger in memory is gone with its server: name a file with --ledger";
            usage(ErrorKind::InvalidValue, words)
        })
    }

    /// As [`ledger_place`](Arguments::ledger_place), with the directory made where no file is named.
    pub(super) fn ledger_to_serve(&self) -> anyhow::Result<Option<Place>> {
        let place = self.ledger_place()?;
        if self.ledger.is_none()
            && let Some(Place::File(file)) = &place
            && let Some(directory) = file.parent()
        {
            create(directory)?;
        }
        if self.require_synchronous && !matches!(place, Some(Place::Postgres(_))) {
            let words =
                "--require-synchronous is for a ledger in a database: --ledger postgres://…";
            return Err(usage(ErrorKind::ArgumentConflict, words));
        }
        Ok(place)
    }

    /// Where the ledger is, or `None` for one in memory.
    fn ledger_place(&self) -> anyhow::Result<Option<Place>> {
        match &self.ledger {
            Some(LedgerArgument::Memory) => Ok(None),
            Some(LedgerArgument::At(place)) if self.semantics != Semantics::ExactlyOnce => {
                let words = format!(
                    "--semantics {} would spoil {place}: leave --ledger out",
                    self.semantics,
                );
                Err(usage(ErrorKind::ArgumentConflict, &words))
            }
            None if self.semantics != Semantics::ExactlyOnce => Ok(None),
            Some(LedgerArgument::At(place)) => Ok(Some(place.clone())),
            None => {
                let directory = state::directory()
                    .map_err(|error| anyhow!("{error}, or name a ledger with --ledger"))?;
                Ok(Some(Place::File(directory.join("bank.db"))))
            }
        }
    }
}

fn create(directory: &Path) -> anyhow::Result<()> {
    state::create_directory(directory, directory).map_err(|error| {
        anyhow!(
            "{error} for the ledger: set XDG_STATE_HOME to a directory of yours, or name a file \
             with --ledger"
        )
    })
}
