//! Whether the faults that are asked for can strike in what runs.

use proto::mode::Mode;
use proto::script::Script;
use proto::side::Side;
use wire::fault::{Applicability, FaultSpec};

use crate::config::Role;
use crate::handout::exchange_of;

/// Whether these faults can strike at all in what runs, with this script if one does. Returns a
/// warning for each that can strike in some of the services only.
///
/// # Errors
/// When one can never strike: which, and why.
pub fn check(
    spec: &FaultSpec,
    role: &Role,
    script: Option<&Script>,
) -> Result<Vec<String>, String> {
    let of_mode = |mode: &Mode| match script {
        Some(script) if *mode == Mode::Script => {
            Applicability::server(*mode, &[script.transport()])
        }
        _ => Applicability::server(*mode, mode.transports()),
    };
    let grounds: Vec<Applicability> = match role {
        Role::Services(modes) => modes.iter().map(of_mode).collect(),
        Role::Handout(handout) => {
            let exchange = exchange_of(*handout);
            vec![Applicability::printed(*handout, Side::Server, exchange)]
        }
        Role::Proxy(settings) => vec![Applicability::proxy(settings.transport)],
    };
    spec.check(&grounds)
}
