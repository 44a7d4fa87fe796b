//! What is lost on purpose, and where.

use std::fmt;

use clap::ValueEnum;
use proto::side::Side;
use wire::fault::{Plan, Spec};

use super::rates::Rate;
use crate::failure::Failure;

/// Which messages are lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Loss {
    /// Requests: nothing is done
    Request,
    /// Replies: it is done, and nobody learns of it
    Reply,
    /// Both, independently of each other
    Both,
    /// Nothing: the client calls withdrawals failed, as the hand-outs' printed one does
    #[value(skip)]
    CalledFailed,
}

/// Which program loses them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FaultSide {
    /// labclient
    Client,
    /// labserver, which this experiment then starts itself
    Server,
}

impl Loss {
    /// How likely an attempt is answered when each message is lost with this probability.
    pub fn chance_of_answer(self, probability: f64) -> f64 {
        let arrives = 1.0 - probability;
        match self {
            Loss::Request | Loss::Reply | Loss::CalledFailed => arrives,
            Loss::Both => arrives * arrives,
        }
    }

    /// The expected attempts as a formula.
    pub fn formula(self) -> &'static str {
        match self {
            Loss::Request | Loss::Reply | Loss::CalledFailed => "1/(1−p)",
            Loss::Both => "1/(1−p)²",
        }
    }

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Loss::Request => "request",
            Loss::Reply => "reply",
            Loss::Both => "both",
            Loss::CalledFailed => "called-failed",
        }
    }

    /// What `--fault` says at this rate. What is called failed is drawn as lost requests are.
    pub fn spec_at(self, rate: Rate) -> String {
        match self {
            Loss::Request | Loss::CalledFailed => format!("drop-request={rate}%"),
            Loss::Reply => format!("drop-reply={rate}%"),
            Loss::Both => format!("drop-request={rate}%,drop-reply={rate}%"),
        }
    }

    /// The faults at this rate, with this seed.
    ///
    /// # Errors
    /// When a rate could not be written as a fault, which its own limits rule out.
    pub fn plan_at(self, rate: Rate, side: FaultSide, seed: u64) -> Result<Plan, Failure> {
        let spec = Spec::parse_for(side.into(), &self.spec_at(rate)).map_err(Failure::Usage)?;
        Ok(Plan::new(spec, seed))
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
}

impl From<FaultSide> for Side {
    fn from(side: FaultSide) -> Side {
        match side {
            FaultSide::Client => Side::Client,
            FaultSide::Server => Side::Server,
        }
    }
}

/// In words: what happens to what.
impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Loss::Request => "requests lost",
            Loss::Reply => "replies lost",
            Loss::Both => "requests and replies lost",
            Loss::CalledFailed => "withdrawals called failed",
        })
    }
}
