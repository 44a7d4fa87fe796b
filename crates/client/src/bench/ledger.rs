//! Whether all the money is there after a bench of the bank.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use proto::atm::Money;
use serde_json::Value;
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

#[derive(Debug)]
pub struct LedgerAudit {
    pub is_sound: bool,
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

    /// Audits the ledger, and compares what was paid out with the machines' count: unless one was cut
    /// off, whose last withdrawal may be settled or not.
    pub fn audit(&self, withdrawn: i64, was_cut_off: bool) -> Result<LedgerAudit, Failure> {
        let (is_sound, report) = self.run_audit(&["ledger", "audit"])?;
        let (_, object) = self.run_audit(&["ledger", "--json", "audit"])?;
        let object: Value = serde_json::from_str(&object).unwrap_or_default();
        let dispensed = Money::from_minor(withdrawn).map(|money| money.to_string());
        let agrees = dispensed.is_some() && object["cash_out"].as_str() == dispensed.as_deref();
        let dispensed = dispensed.unwrap_or_default();
        let verdict = if was_cut_off {
            format!("the machines dispensed {dispensed}, and some were cut off in a withdrawal")
        } else if agrees {
            format!("the machines dispensed {dispensed}, as the ledger says")
        } else {
            format!("WRONG: the machines dispensed {dispensed}, the ledger says otherwise")
        };
        Ok(LedgerAudit {
            is_sound: is_sound && (agrees || was_cut_off),
            words: format!("{report}\n{verdict}"),
        })
    }

    /// Whether the audit succeeded, and its output.
    fn run_audit(&self, command: &[&str]) -> Result<(bool, String), Failure> {
        let audit = Command::new(&self.program)
            .args(command)
            .arg("--ledger")
            .arg(self.ledger())
            .output()
            .map_err(|error| Failure::Resource(format!("cannot audit the ledger: {error}")))?;
        let output = String::from_utf8_lossy(&audit.stdout);
        Ok((audit.status.success(), output.trim_end().to_owned()))
    }
}

/// What is in all accounts at a bank that is not ours, where that is what is measured.
pub fn balance_at(workload: &Workload) -> Result<Option<Money>, Failure> {
    if workload.service != Service::Atm || workload.is_own_server {
        return Ok(None);
    }
    balance(workload).map(Some)
}

fn balance(workload: &Workload) -> Result<Money, Failure> {
    let mut sum = Money::ZERO;
    for number in 0..workload.accounts {
        let balance = workload.machine(number)?.before;
        sum = sum
            .checked_add(balance)
            .ok_or_else(|| Failure::Usage("the accounts have more than can be added up".into()))?;
    }
    Ok(sum)
}

/// Compares the balance at a bank that is not ours with what the machines say.
pub fn compare(workload: &Workload, before: Money, withdrawn: i64) -> Result<LedgerAudit, Failure> {
    let after = balance(workload)?;
    let is_sound = before.minor() - withdrawn == after.minor();
    let verdict = if is_sound {
        "as it should be"
    } else {
        "WRONG, unless another client used an account meanwhile, or a machine was cut off"
    };
    Ok(LedgerAudit {
        is_sound,
        words: format!(
            "balance {before} before, {withdrawn} withdrawals of 0.01, {after} after: {verdict}"
        ),
    })
}
