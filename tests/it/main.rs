//! Client and server talking over loopback, in one process.

mod bad_input;
mod requests;
mod support;
