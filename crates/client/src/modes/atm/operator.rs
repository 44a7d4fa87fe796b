//! What an operator does at a cash machine: settle, look, fill the drawer.

use proto::atm::Money;
use proto::atm::machine::Outcome;
use proto::name::Name;
use serde_json::{Value, json};

use super::setup::AtmSetup;
use super::{members, receipt};
use crate::failure::{Failure, Status};
use crate::output::{Output, say};

/// Settles what is open, on one machine or on all that no other process is.
///
/// # Errors
/// When a journal cannot be used. What cannot be settled yet ends with [`Status::Unknown`].
pub(super) fn settle(
    setup: &AtmSetup,
    name: Option<&Name>,
    output: Output,
) -> Result<Status, Failure> {
    let mut status = Status::Done;
    for name in names(setup, name)? {
        let opened = setup.machine(Some(&name));
        let settled = opened.and_then(|mut machine| Ok((machine.settle()?, machine)));
        let (settled, machine) = match settled {
            Ok(settled) => settled,
            Err(failure) => {
                status = status.worse(failure.status());
                report_failure(&name, &failure, output)?;
                continue;
            }
        };
        let (words, members) = match &settled {
            None => ("nothing is open".to_owned(), Value::Null),
            Some(outcome) => (outcome.to_string(), members::of_outcome(outcome)),
        };
        let is_disputed = matches!(settled, Some(Outcome::Disputed { .. }));
        if is_disputed {
            status = status.worse(Status::Refused);
        }
        let members = json!({"ok": !is_disputed, "terminal": name.as_str(), "settled": members});
        let printed = match output.json {
            true => output.line(&members.to_string()),
            false => output.line(&format!("{name}: {words}")),
        };
        machine.hand_over(settled.as_ref().map(receipt::named), printed)?;
    }
    Ok(status)
}

fn report_failure(name: &Name, failure: &Failure, output: Output) -> Result<(), Failure> {
    say(&format!("{name}: {}", failure.words().unwrap_or_default()));
    let Some(mut object) = failure.object().filter(|_| output.json) else {
        return Ok(());
    };
    object["terminal"] = json!(name.as_str());
    output.line(&object.to_string())
}

/// Lists what the machines remember, record by record. A journal that cannot be read is passed over.
pub(super) fn journal(
    setup: &AtmSetup,
    name: Option<&Name>,
    output: Output,
) -> Result<Status, Failure> {
    let mut status = Status::Done;
    for name in names(setup, name)? {
        let records = match setup.machines.records(&name) {
            Ok(records) => records,
            Err(failure) => {
                status = status.worse(failure.status());
                report_failure(&name, &failure, output)?;
                continue;
            }
        };
        for record in records {
            let mut members = members::of_record(&record);
            members["terminal"] = json!(name.as_str());
            output.answer(&format!("{name}: {record}"), members)?;
        }
    }
    Ok(status)
}

/// Puts this much into the drawer, whatever its count was.
pub(super) fn load(
    setup: &AtmSetup,
    name: Option<&Name>,
    count: Money,
    output: Output,
) -> Result<Status, Failure> {
    let mut machine = setup.machine_to_load(name)?;
    machine.settle()?;
    machine.load(count)?;
    let name = &machine.storage().name;
    output.answer(
        &format!("{name}: {count} in the drawer"),
        json!({"terminal": name.as_str(), "drawer": count.to_string()}),
    )?;
    Ok(Status::Done)
}

fn names(setup: &AtmSetup, name: Option<&Name>) -> Result<Vec<Name>, Failure> {
    match name {
        Some(name) => Ok(vec![name.clone()]),
        None => setup.machines.names(),
    }
}
