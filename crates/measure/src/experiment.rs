//! Latency, attempts and throughput against the rate of lost messages.
//!
//! * [`rates`], [`loss`]: how often something is lost, what, and what theory expects;
//! * [`sweep`]: measuring; [`summary`]: what the samples say;
//! * [`report`], [`plots`], [`output_dir`]: the table, the files and the directory they go to.

pub mod loss;
pub mod output_dir;
pub mod plots;
pub mod rates;
pub mod report;
pub mod summary;
pub mod sweep;
