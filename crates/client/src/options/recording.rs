//! `--record`, `--record-secrets` and `--trace`.

use std::path::PathBuf;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use proto::side::Side;
use record::{Recorder, Secrets, Settings, Trace};
use wire::fault::FaultPlan;

use crate::failure::Failure;

/// What is to be recorded, and where.
#[derive(Debug, Args)]
pub struct RecordingArguments {
    /// Record everything that is sent and received to this file, one event a line, PINs masked: see
    /// docs/recording.md
    #[arg(long, value_name = "FILE.jsonl", global = true)]
    record: Option<PathBuf>,

    /// Keep PINs in the recording and the trace
    #[arg(long, global = true)]
    record_secrets: bool,

    /// Show everything that is sent and received on standard error; --trace=hex with its bytes
    #[arg(long, value_name = "hex", num_args = 0..=1, require_equals = true,
        default_missing_value = "messages", value_parser = traces(),
        hide_possible_values = true, global = true)]
    trace: Option<Trace>,
}

impl RecordingArguments {
    /// Whether anything is to be recorded or shown.
    pub fn is_asked_for(&self) -> bool {
        self.record.is_some() || self.record_secrets || self.trace.is_some()
    }

    /// The recorder, if one is asked for.
    pub fn recorder(&self, faults: Option<&FaultPlan>) -> Result<Option<Recorder>, Failure> {
        if self.record_secrets && self.record.is_none() && self.trace.is_none() {
            let words = "--record-secrets is about a recording: give --record or --trace too";
            return Err(Failure::Usage(words.into()));
        }
        let settings = Settings {
            program: "labclient",
            release: env!("CARGO_PKG_VERSION"),
            side: Side::Client,
            arguments: Settings::own_arguments(),
            faults: faults.map(|plan| (plan.spec().to_string(), plan.seed())),
            secrets: if self.record_secrets {
                Secrets::Kept
            } else {
                Secrets::Masked
            },
            file: self.record.clone(),
            trace: self.trace,
        };
        Recorder::start(settings).map_err(|error| Failure::Usage(error.to_string()))
    }
}

fn traces() -> impl TypedValueParser<Value = Trace> {
    PossibleValuesParser::new(["messages", "hex"])
        .try_map(|name| Trace::parse(&name).ok_or("no such trace"))
}
