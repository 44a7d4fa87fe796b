//! Each fault on either side, over TCP and UDP, as a bare peer sees it. Faults are given by count,
//! so that nothing here is left to chance.

mod client_side;
mod server_side;

use server::Config;
use wire::fault::FaultPlan;

pub fn plan(spec: &str) -> FaultPlan {
    FaultPlan::new(spec.parse().unwrap(), 1)
}

pub fn config(spec: &str) -> Config {
    Config {
        faults: Some(plan(spec)),
        ..Config::default()
    }
}
