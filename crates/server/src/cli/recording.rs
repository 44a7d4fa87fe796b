//! `--record`, `--record-secrets` and `--trace`.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::error::ErrorKind;
use proto::side::Side;
use record::{Follower, Recorder, Secrets, Settings, Trace};
use wire::fault::FaultPlan;

use super::help::RECORDING;
use super::usage;

/// What is to be recorded, and where.
#[derive(Debug, Args)]
#[command(next_help_heading = RECORDING)]
pub struct RecordingArguments {
    /// Record everything that is sent and received to this file: see docs/recording.md
    ///
    /// One event a line, PINs masked.
    #[arg(long, value_name = "FILE.jsonl")]
    record: Option<PathBuf>,

    /// Stop recording when the file would become longer, in MiB [default: no limit]
    #[arg(long, value_name = "MIB", requires = "record", hide_short_help = true,
        value_parser = clap::value_parser!(u32).range(1..))]
    record_limit: Option<u32>,

    /// Keep PINs in the recording and the trace
    #[arg(long, hide_short_help = true)]
    record_secrets: bool,

    /// Show everything that is sent and received on standard error; --trace=hex with its bytes
    #[arg(long, value_name = "hex", num_args = 0..=1, require_equals = true,
        default_missing_value = "messages", value_parser = traces(),
        hide_possible_values = true)]
    trace: Option<Trace>,
}

impl RecordingArguments {
    /// The recorder, if one is asked for, or something follows.
    pub fn recorder(
        &self,
        faults: Option<&FaultPlan>,
        follower: Option<Arc<dyn Follower>>,
    ) -> anyhow::Result<Option<Recorder>> {
        if self.record_secrets && follower.is_some() {
            let words = "--record-secrets would show PINs on the page: leave it or --watch out";
            return Err(usage(ErrorKind::ArgumentConflict, words));
        }
        if self.record_secrets && self.record.is_none() && self.trace.is_none() {
            let words = "--record-secrets is about a recording: give --record or --trace too";
            return Err(usage(ErrorKind::MissingRequiredArgument, words));
        }
        let settings = Settings {
            program: "labserver",
            release: env!("CARGO_PKG_VERSION"),
            side: Side::Server,
            arguments: Settings::own_arguments(),
            faults: faults
                .filter(|plan| !plan.spec().is_empty())
                .map(|plan| (plan.spec().to_string(), plan.seed())),
            secrets: if self.record_secrets {
                Secrets::Kept
            } else {
                Secrets::Masked
            },
            file: self.record.clone(),
            most_bytes: self.record_limit.map(|mib| u64::from(mib) << 20),
            trace: self.trace,
            follower,
        };
        Ok(Recorder::start(settings)?)
    }
}

fn traces() -> impl TypedValueParser<Value = Trace> {
    PossibleValuesParser::new(["messages", "hex"])
        .try_map(|name| Trace::parse(&name).ok_or("no such trace"))
}
