//! Whether the faults that are asked for can strike in what runs.

use clap::error::ErrorKind;
use proto::mode::Mode;
use proto::script::Script;
use proto::side::Side;
use server::Role;
use server::handout::exchange_of;
use wire::fault::{Applicability, FaultSpec};

use super::usage;

/// Warns of faults that can strike in some of the services only.
pub fn check(spec: &FaultSpec, role: &Role, script: Option<&Script>) -> anyhow::Result<()> {
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
    let warnings = spec.check(&grounds);
    for words in warnings.map_err(|words| usage(ErrorKind::ArgumentConflict, &words))? {
        tracing::warn!("{words}");
    }
    Ok(())
}
