//! Client and server talking over loopback, in one process.

mod bad_input;
mod chat;
mod requests;
mod support;
