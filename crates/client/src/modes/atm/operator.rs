//! What an operator does at a cash machine: settle, look, fill the drawer.

use proto::atm::Money;
use proto::atm::machine::Outcome;
use proto::name::Name;
use serde_json::json;

use super::Floor;
use crate::failure::{Failure, Status};
use crate::modes::say;
use crate::output::Output;

/// Settles what is open, on one machine or on all that no other process is.
///
/// # Errors
/// When a journal cannot be used. What cannot be settled yet ends with [`Status::Unknown`].
pub(super) fn settle(
    floor: &Floor,
    name: Option<&Name>,
    output: Output,
) -> Result<Status, Failure> {
    let mut status = Status::Done;
    for name in names(floor, name)? {
        let mut worker = match floor.worker(Some(&name)) {
            Ok(worker) => worker,
            Err(failure) => {
                status = worse(status, &failure);
                output.failure(&failure)?;
                say(&format!("{name}: {}", failure.words().unwrap_or_default()));
                continue;
            }
        };
        match worker.settle() {
            Ok(None) => {
                output.answer(
                    &format!("{name}: nothing is open"),
                    json!({"terminal": name.as_str(), "settled": null}),
                )?;
            }
            Ok(Some(outcome)) => {
                if matches!(outcome, Outcome::Disputed { .. }) {
                    status = Status::Refused;
                }
                let words = outcome.to_string();
                output.answer(
                    &format!("{name}: {words}"),
                    json!({"terminal": name.as_str(), "settled": words}),
                )?;
            }
            Err(failure) => {
                status = worse(status, &failure);
                output.failure(&failure)?;
                say(&format!("{name}: {}", failure.words().unwrap_or_default()));
            }
        }
    }
    Ok(status)
}

/// Lists what the machines remember: each record, and what is open.
///
/// # Errors
/// When a journal cannot be read.
pub(super) fn journal(
    floor: &Floor,
    name: Option<&Name>,
    output: Output,
) -> Result<Status, Failure> {
    for name in names(floor, name)? {
        for record in floor.machines.records(&name)? {
            output.answer(
                &format!("{name}: {record}"),
                json!({"terminal": name.as_str(), "record": record}),
            )?;
        }
    }
    Ok(Status::Done)
}

/// Puts this much into the drawer.
///
/// # Errors
/// When something is open, or the machine is in use.
pub(super) fn load(
    floor: &Floor,
    name: Option<&Name>,
    count: Money,
    output: Output,
) -> Result<Status, Failure> {
    let mut worker = floor.worker(name)?;
    worker.settle()?;
    worker.load(count)?;
    let name = worker.terminal().name();
    output.answer(
        &format!("{name}: {count} in the drawer"),
        json!({"terminal": name.as_str(), "drawer": count.to_string()}),
    )?;
    Ok(Status::Done)
}

fn names(floor: &Floor, name: Option<&Name>) -> Result<Vec<Name>, Failure> {
    match name {
        Some(name) => Ok(vec![name.clone()]),
        None => floor.machines.names(),
    }
}

fn worse(status: Status, failure: &Failure) -> Status {
    match (status, failure.status()) {
        (Status::Unknown, _) | (_, Status::Unknown) => Status::Unknown,
        (_, new) => new,
    }
}
