//! The engine of `labclient experiment` and `labclient bench`: pure, without sockets. What is
//! measured implements [`Subject`](subject::Subject); how it reaches a server is not known here.
//!
//! * [`subject`]: what an operation, an exchange and an attempt are;
//! * [`experiment`]: operations one at a time, against the rate of lost messages;
//! * [`mod@bench`]: operations of many connections at once, in a closed or an open loop;
//! * [`statistics`]: quantiles, and intervals that cover.
#![forbid(unsafe_code)]

pub mod bench;
pub mod experiment;
pub mod statistics;
pub mod subject;

/// Why something was not measured, or a result was not written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The directory for the results holds something else.
    #[error("{0}")]
    Occupied(String),
    /// This computer did not do its part: a file, a thread, a drawing.
    #[error("{0}")]
    Resource(String),
}
