//! Whether the faults that are asked for can strike in what runs.

use clap::error::ErrorKind;
use proto::handout::Handout;
use proto::mode::{Mode, Transport};
use proto::script::Script;
use proto::side::Side;
use server::handout::exchange_of;
use wire::fault::{Ground, Spec};

use super::usage;

/// Warns of faults that can strike in some of the services only. `relayed` is what a proxy relays.
///
/// # Errors
/// When a fault can strike in none.
pub fn check(
    spec: &Spec,
    modes: &[Mode],
    handout: Option<Handout>,
    script: Option<&Script>,
    relayed: Option<Transport>,
) -> anyhow::Result<()> {
    let of_mode = |mode: &Mode| match script {
        Some(script) if *mode == Mode::Script => Ground::server(*mode, &[script.transport()]),
        _ => Ground::server(*mode, mode.transports()),
    };
    let grounds: Vec<Ground> = match (relayed, handout) {
        (Some(transport), _) => vec![Ground::proxy(transport)],
        (None, Some(handout)) => {
            let exchange = exchange_of(handout);
            vec![Ground::printed(handout, Side::Server, exchange)]
        }
        (None, None) => modes.iter().map(of_mode).collect(),
    };
    let warnings = spec.check(&grounds);
    for words in warnings.map_err(|words| usage(ErrorKind::ArgumentConflict, &words))? {
        tracing::warn!("{words}");
    }
    Ok(())
}
