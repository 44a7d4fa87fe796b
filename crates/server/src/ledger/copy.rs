//! A ledger copied, row by row, into another that has none yet: from a file into a database, or the
//! other way.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use proto::atm::record::Write;

use super::audit::{Report, audit, audit_open};
use super::place::{OpenError, Place};
use super::sqlite::{self, Access};
use super::store::{CommitError, Dated, Store, StoreError};

/// Why a ledger was not copied. The one that was to take the rows has none of them, unless its
/// commit is unknown.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// A ledger cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// There is such a file already.
    #[error("there is a file {} already: name a new one", .0.display())]
    Exists(PathBuf),
    /// There are rows already.
    #[error("the ledger to copy into has {0} accounts already: name an empty one")]
    NotEmpty(usize),
    /// The ledger cannot be read.
    #[error("the ledger cannot be read: {0}")]
    Read(StoreError),
    /// The copy cannot be written.
    #[error("the copy cannot be written: {0}")]
    Write(StoreError),
    /// The copy was not committed.
    #[error("the copy was not committed: {0}")]
    Commit(#[from] CommitError),
    /// What was copied is not what the ledger has.
    #[error("the audit of the copy finds other sums than the ledger has:\n{0}")]
    Differs(Box<Report>),
}

/// Copies all rows as they are at one moment, and audits the copy, which is sound, or has the same
/// violations. Gives the audit.
///
/// # Errors
/// See [`CopyError`].
pub fn copy(from: &mut dyn Store, to: &mut dyn Store) -> Result<Report, CopyError> {
    let present = to.accounts().map_err(CopyError::Write)?.len();
    if present > 0 {
        return Err(CopyError::NotEmpty(present));
    }
    from.begin_reading().map_err(CopyError::Read)?;
    let copied = copy_open(from, to);
    from.roll_back().map_err(CopyError::Read)?;
    let report = copied?;
    let of_copy = audit(to).map_err(CopyError::Read)?;
    match of_copy == report {
        true => Ok(report),
        false => Err(CopyError::Differs(Box::new(of_copy))),
    }
}

/// Copies a ledger as it is now into a new file, also while servers have it open, and audits that.
///
/// # Errors
/// See [`CopyError`].
pub fn back_up(ledger: &Place, file: &Path) -> Result<Report, CopyError> {
    if file.exists() {
        return Err(CopyError::Exists(file.into()));
    }
    match ledger {
        Place::File(path) => {
            let store = sqlite::open_beside(path, Access::Read);
            let store = store.map_err(OpenError::from)?;
            store.copy_to(file).map_err(CopyError::Write)?;
            let copied = sqlite::open_beside(file, Access::Read);
            audit(&mut copied.map_err(OpenError::from)?).map_err(CopyError::Read)
        }
        Place::Postgres(_) => {
            let mut from = ledger.open_beside(Access::Read)?;
            copy(&mut *from, &mut *Place::File(file.into()).open(false)?)
        }
    }
}

fn copy_open(from: &mut dyn Store, to: &mut dyn Store) -> Result<Report, CopyError> {
    let begun = to.begin(Timestamp::now(), &[]);
    begun.map_err(CopyError::Write)?;
    let mut target = Target {
        store: to,
        failure: None,
    };
    for account in from.accounts().map_err(CopyError::Read)? {
        target.put(None, Write::PutAccount(account));
    }
    from.each_login(&mut |login| target.put(None, Write::PutLogin(login)))
        .map_err(CopyError::Read)?;
    from.each_record(&mut |Dated { at, row }| target.put(Some(at), Write::PutRecord(row)))
        .map_err(CopyError::Read)?;
    from.each_entry(None, &mut |Dated { at, row }| {
        target.put(Some(at), Write::Append(row))
    })
    .map_err(CopyError::Read)?;
    let report = audit_open(from).map_err(CopyError::Read)?;
    match target.failure {
        Some(error) => Err(CopyError::Write(error)),
        None => Ok(to.commit().map(|()| report)?),
    }
}

/// What takes the rows, until one is not taken.
struct Target<'a> {
    store: &'a mut dyn Store,
    failure: Option<StoreError>,
}

impl Target<'_> {
    fn put(&mut self, at: Option<Timestamp>, write: Write) {
        if self.failure.is_none() {
            if let Some(at) = at {
                self.store.date(at);
            }
            self.failure = self.store.write(write).err();
        }
    }
}
