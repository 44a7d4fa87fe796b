//! What this computer has in the way of a server, and what to do about it.

pub(crate) mod addresses;
mod clock;
mod holder;
pub(crate) mod limits;
mod ports;

use commandline::finding::Finding;

use crate::config::Config;

/// Looks at all that a server with this configuration needs.
pub fn examine(config: &Config) -> Vec<Finding> {
    let mut findings = ports::ports(config);
    let interfaces = addresses::interfaces();
    findings.push(addresses::reachability(config.bind, interfaces));
    let localhost = addresses::address_of_localhost();
    findings.extend(addresses::localhost(config.bind, localhost));
    findings.push(limits::files(config, limits::most_files()));
    findings.extend(limits::threads(config, limits::most_threads()));
    findings.push(clock::clock(clock::is_synchronised()));
    findings
}
