//! Checks every behaviour of a withdrawal under faults, and shows a counterexample without a
//! protection:
//!
//! ```text
//! cargo run --release --example model                          every search, with two faults each
//! cargo run --release --example model -- --faults 3            … with three
//! cargo run --release --example model -- --without tombstones  a counterexample
//! cargo run --release --example model -- --semantics at-most-once
//! ```

use std::io::{self, Write};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use proto::atm::model::{Faults, Scenario, check};
use proto::atm::semantics::{Protection, Protections, Semantics};
use proto::atm::{Amount, Kind, Money};

/// The transactions at each machine, in hundredths, on an account of 1.00.
type Customers = &'static [&'static [(Kind, i64)]];

const WITHDRAW: Kind = Kind::Withdrawal;
const DEPOSIT: Kind = Kind::Deposit;

const SEARCHES: [(&str, Customers); 7] = [
    ("a withdrawal", &[&[(WITHDRAW, 60)]]),
    ("a deposit", &[&[(DEPOSIT, 60)]]),
    ("a withdrawal of too much", &[&[(WITHDRAW, 101)]]),
    (
        "two withdrawals, one after another",
        &[&[(WITHDRAW, 60), (WITHDRAW, 60)]],
    ),
    (
        "a deposit, and then a withdrawal",
        &[&[(DEPOSIT, 1), (WITHDRAW, 101)]],
    ),
    (
        "two withdrawals at two machines",
        &[&[(WITHDRAW, 60)], &[(WITHDRAW, 60)]],
    ),
    (
        "a withdrawal here, a deposit there",
        &[&[(WITHDRAW, 101)], &[(DEPOSIT, 1)]],
    ),
];

fn main() -> Result<()> {
    let mut faults = 2;
    let mut limit = usize::MAX;
    let mut protections = Protections::ALL;
    let mut arguments = std::env::args().skip(1);
    while let Some(flag) = arguments.next() {
        let value = arguments
            .next()
            .with_context(|| format!("{flag} needs a value"))?;
        match flag.as_str() {
            "--faults" => faults = value.parse().context("a number of faults")?,
            "--states" => limit = value.parse().context("a number of states")?,
            "--without" => {
                let taken = Protection::parse(&value).with_context(|| {
                    let names = Protection::ALL.map(Protection::name).join(", ");
                    format!("protections are {names}")
                })?;
                protections = protections.without(taken);
            }
            "--semantics" => {
                let semantics = Semantics::parse(&value).with_context(|| {
                    let names = Semantics::ALL.map(Semantics::name).join(", ");
                    format!("semantics are {names}")
                })?;
                protections = semantics.protections();
            }
            _ => bail!("unknown: {flag}; known: --faults, --states, --without, --semantics"),
        }
    }

    let mut out = io::stdout().lock();
    let mut searches = Vec::new();
    for (name, customers) in SEARCHES {
        searches.push((name, scenario(customers, protections, Faults::any(faults))?));
    }
    // No customer may give up and no machine crash: a rollback of the id would be one for both.
    let network = Faults {
        in_all: faults,
        losses: faults,
        duplicates: faults,
        delays: faults,
        ..Faults::default()
    };
    let same_ids = Scenario {
        same_ids: true,
        ..scenario(
            &[&[(WITHDRAW, 30)], &[(WITHDRAW, 40)]],
            protections,
            network,
        )?
    };
    searches.push(("two machines with the same id, of the network", same_ids));

    for (name, scenario) in searches {
        let started = Instant::now();
        let report = check(&scenario, limit);
        let seconds = started.elapsed().as_secs_f64();
        writeln!(
            out,
            "{name}, any {faults} faults: {} states, {} transitions, {} steps deep, {seconds:.1} s",
            report.states, report.transitions, report.depth
        )?;
        match report.counterexample {
            Some(found) => {
                writeln!(out, "{found}")?;
                if protections == Protections::ALL {
                    bail!("exactly once does not hold");
                }
                return Ok(());
            }
            None if report.exhaustive => writeln!(out, "  all of them as they must be")?,
            None => writeln!(out, "  so far as they must be; there are more")?,
        }
    }
    Ok(())
}

fn scenario(customers: Customers, protections: Protections, faults: Faults) -> Result<Scenario> {
    let money = |minor| Money::from_minor(minor).context("money");
    let customer = |(kind, minor): &(Kind, i64)| {
        let amount = Amount::new(money(*minor)?).context("an amount")?;
        Ok((*kind, amount))
    };
    let machines = customers
        .iter()
        .map(|queue| queue.iter().map(customer).collect());
    Ok(Scenario {
        protections,
        customers: machines.collect::<Result<_>>()?,
        account: Scenario::account(money(100)?)?,
        drawer: money(1000)?,
        faults,
        same_ids: false,
    })
}
