//! Small bounds, and what each protection is for. Deeper ones: `cargo run --release --example
//! model`.

use std::println;

use super::*;
use crate::atm::semantics::Protection;

const WITHDRAW: Kind = Kind::Withdrawal;
const DEPOSIT: Kind = Kind::Deposit;

const ALL: usize = usize::MAX;

fn scenario(customers: &[&[(Kind, i64)]], faults: Faults) -> Scenario {
    let amount = |minor| Amount::new(Money::from_minor(minor).unwrap()).unwrap();
    let of_machine = |queue: &&[(Kind, i64)]| {
        let customer = |(kind, minor): &(Kind, i64)| (*kind, amount(*minor));
        queue.iter().map(customer).collect()
    };
    Scenario {
        protections: Protections::ALL,
        customers: customers.iter().map(of_machine).collect(),
        account: Scenario::account(Money::from_minor(100).unwrap()).unwrap(),
        drawer: Money::from_minor(1000).unwrap(),
        faults,
        same_ids: false,
    }
}

#[test]
fn one_withdrawal_happens_once_whatever_fails() {
    for times in 0..3 {
        let started = std::time::Instant::now();
        let report = check(&scenario(&[&[(WITHDRAW, 60)]], Faults::each(times)), ALL);
        println!(
            "{times}: {} {} {} {:?}",
            report.states,
            report.transitions,
            report.depth,
            started.elapsed()
        );
        if let Some(found) = report.counterexample {
            panic!("\n{found}");
        }
    }
}
