//! The client side of the socket labs: what a person sees.
//!
//! In reading order:
//!
//! * [`app`], [`cli`]: what is run, and the command line, with the [`options`] that all of it takes;
//! * [`session`]: one conversation with a server;
//! * [`input`], [`output`], [`menu`]: a person at a terminal, or a pipe;
//! * [`failure`]: what can go wrong, in words that say what to do, and the exit status, with
//!   [`evidence`] of what was going on;
//! * [`modes`]: one file a mode;
//! * [`view`]: pictures of recordings;
//! * [`experiment`], [`mod@bench`]: measuring, with a server of its own ([`own_server`]) where none is named.
#![forbid(unsafe_code)]

pub mod app;
pub mod bench;
pub mod cash_machine;
pub mod cli;
pub mod clock;
pub mod datagram;
pub mod evidence;
pub mod experiment;
pub mod failure;
pub mod input;
pub mod interrupt;
pub mod menu;
pub mod modes;
pub mod options;
pub mod output;
pub mod own_server;
pub mod peer;
pub mod room;
pub mod secrets;
pub mod session;
pub mod view;
