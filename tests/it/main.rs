//! Client and server talking over loopback, in one process.

mod bad_input;
mod protocol_examples;
mod requests;
mod support;
