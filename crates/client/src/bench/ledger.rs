//! Whether all the money is there after a bench of the bank.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use proto::atm::Money;
use tempfile::{NamedTempFile, TempDir};

use super::Service;
use super::workload::Workload;
use crate::experiment::subjects::cash_machine::accounts_file;
use crate::failure::Failure;

/// The ledger of a bank of our own: on disk, durable, so that the figures are those of a real bank.
#[derive(Debug)]
pub struct BenchLedger {
    program: PathBuf,
    directory: TempDir,
    accounts: NamedTempFile,
}

/// What was found.
#[derive(Debug)]
pub struct LedgerAudit {
    /// Whether everything adds up.
    pub is_sound: bool,
    /// How, or how not.
    pub words: String,
}

impl BenchLedger {
    /// A new ledger, for a bank that this program opens with so many accounts.
    pub fn open(program: &Path, accounts: u32) -> Result<BenchLedger, Failure> {
        let directory = tempfile::tempdir()
            .map_err(|error| Failure::Resource(format!("no place for a ledger: {error}")))?;
        Ok(BenchLedger {
            program: program.to_owned(),
            directory,
            accounts: accounts_file(accounts)?,
        })
    }

    /// The options of the server.
    pub fn options(&self) -> [OsString; 4] {
        [
            "--ledger".into(),
            self.ledger().into(),
            "--accounts".into(),
            self.accounts.path().into(),
        ]
    }

    fn ledger(&self) -> PathBuf {
        self.directory.path().join("bank.db")
    }

    /// Has the ledger audited, and compares what was paid out with what the machines say: unless
    /// one was cut off, whose last withdrawal may be settled or not.
    pub fn audit(&self, withdrawn: i64, was_cut_off: bool) -> Result<LedgerAudit, Failure> {
        let cannot =
            |error: std::io::Error| Failure::Resource(format!("cannot audit the ledger: {error}"));
        let audit = Command::new(&self.program)
            .args(["ledger", "audit", "--ledger"])
            .arg(self.ledger())
            .output()
            .map_err(cannot)?;
        let report = String::from_utf8_lossy(&audit.stdout).trim_end().to_owned();
        let paid = cash_out(&report);
        let told = Money::from_minor(withdrawn);
        let agrees = paid.is_some() && paid == told;
        let told = told.map_or_else(String::new, |told| told.to_string());
        let verdict = if was_cut_off {
            format!("the machines dispensed {told}, and some were cut off in a withdrawal")
        } else if agrees {
            format!("the machines dispensed {told}, as the ledger says")
        } else {
            format!("WRONG: the machines dispensed {told}, the ledger says otherwise")
        };
        Ok(LedgerAudit {
            is_sound: audit.status.success() && (agrees || was_cut_off),
            words: format!("{report}\n{verdict}"),
        })
    }
}

/// What the audit says was paid out and not held any more.
fn cash_out(report: &str) -> Option<Money> {
    let line = report.lines().find(|line| line.contains("cash out"))?;
    line.split_whitespace().last()?.parse().ok()
}

/// The balance at a bank that is not ours, where that is what is measured.
pub fn balance_at(workload: &Workload) -> Result<Option<Money>, Failure> {
    if workload.service != Service::Atm || workload.own_accounts.is_some() {
        return Ok(None);
    }
    Ok(Some(workload.machine(0)?.before))
}

/// Compares the balance at a bank that is not ours with what the machines say.
pub fn compare(workload: &Workload, before: Money, withdrawn: i64) -> Result<LedgerAudit, Failure> {
    let after = workload.machine(0)?.before;
    let is_sound = before.minor() - withdrawn == after.minor();
    let verdict = if is_sound {
        "as it should be"
    } else {
        "WRONG, unless somebody else used the account meanwhile"
    };
    Ok(LedgerAudit {
        is_sound,
        words: format!(
            "balance {before} before, {withdrawn} withdrawals of 0.01, {after} after: {verdict}"
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_paid_out_is_read_from_the_audit() {
        let report = "  available   1.00\n+ held        0.00\n+ cash out  500.25\n=  501.25\n";
        assert_eq!(cash_out(report), "500.25".parse().ok());
        assert_eq!(cash_out("no ledger"), None);
    }
}
