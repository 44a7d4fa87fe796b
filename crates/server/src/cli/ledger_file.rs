//! Which file the ledger is.

use std::path::{Path, PathBuf};

use anyhow::anyhow;
use clap::error::ErrorKind;
use proto::atm::semantics::Semantics;

use super::{Arguments, usage};

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
