//! The faults of an experiment: which program injects them, and with which seed at each rate.

use clap::ValueEnum;
use measure::experiment::loss::Loss;
use measure::experiment::rates::{Rate, seeds_of};
use proto::side::Side;
use wire::fault::{FaultKind, FaultPlan, FaultScope, FaultSpec};

use super::subjects::{Kind, channel};
use crate::failure::Failure;

/// Seeds that are tried until one lets the log-in pass: at 99 % both ways, one in 10,000 does.
const MAX_SEEDS: usize = 1_000_000;

/// Which messages are lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Lost {
    /// Requests: nothing is done
    Request,
    /// Replies: it is done, and the client does not learn of it
    Reply,
    /// Both, independently of each other
    Both,
}

/// Which program loses them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FaultSide {
    /// labclient
    Client,
    /// labserver, which this experiment then starts itself
    Server,
}

impl From<Lost> for Loss {
    fn from(lost: Lost) -> Loss {
        match lost {
            Lost::Request => Loss::Request,
            Lost::Reply => Loss::Reply,
            Lost::Both => Loss::Both,
        }
    }
}

impl FaultSide {
    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            FaultSide::Client => "client",
            FaultSide::Server => "server",
        }
    }

    fn side(self) -> Side {
        match self {
            FaultSide::Client => Side::Client,
            FaultSide::Server => Side::Server,
        }
    }
}

/// The faults at this rate: of the seeds that the run's seed leads to, the first under which the
/// log-in passes.
pub fn plan(
    kind: Kind,
    loss: Loss,
    rate: Rate,
    side: FaultSide,
    run_seed: u64,
) -> Result<FaultPlan, Failure> {
    let spec = match loss {
        // What is called failed is drawn as lost requests are.
        Loss::Request | Loss::CalledFailed => format!("drop-request={rate}%"),
        Loss::Reply => format!("drop-reply={rate}%"),
        Loss::Both => format!("drop-request={rate}%,drop-reply={rate}%"),
    };
    let spec = FaultSpec::parse_for(side.side(), &spec).map_err(Failure::Usage)?;
    seeds_of(rate, run_seed)
        .take(MAX_SEEDS)
        .map(|seed| FaultPlan::new(spec.clone(), seed))
        .find(|plan| side == FaultSide::Client || log_in_passes(kind, plan))
        .ok_or_else(|| {
            Failure::Usage(format!(
                "a server that loses {rate} % admits no log-in: leave that rate out, or use \
                 --fault-side client"
            ))
        })
}

/// Whether, with this plan in the server, the first messages of its first connection pass: so that a
/// log-in, which is no part of what is measured, is not disturbed. Later messages draw numbers of
/// their own, so choosing a seed by this does not favour them.
fn log_in_passes(kind: Kind, plan: &FaultPlan) -> bool {
    let mut faults = plan.faults(FaultScope {
        side: Side::Server,
        ..channel(kind.transport())
    });
    (0..kind.setup_messages()).all(|_| {
        faults.requests.next_decision().kind == FaultKind::Pass
            && faults.replies.next_decision().kind == FaultKind::Pass
    })
}
