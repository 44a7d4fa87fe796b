//! The services, and what they compute with.
#![forbid(unsafe_code)]

pub mod decimal;
pub mod primality;
