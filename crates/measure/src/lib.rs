//! The engine of `labclient experiment` and `labclient bench`: pure, without sockets. What is
//! measured implements [`Subject`](subject::Subject); how it reaches a server is not known here.
//!
//! * [`subject`]: what an operation, an exchange and an attempt are;
//! * [`experiment`]: operations one at a time, against the rate of lost messages;
//! * [`mod@bench`]: operations of many connections at once, in a closed or an open loop;
//! * [`statistics`]: quantiles, and intervals that cover.
#![forbid(unsafe_code)]

pub mod bench;
pub mod error;
pub mod experiment;
pub mod statistics;
pub mod subject;

pub use error::Error;
