//! The client side of the socket labs.
//!
//! In reading order:
//!
//! * [`app`], [`cli`]: what is run, and the command line, with the `options` that all of it takes;
//! * [`session`]: one conversation with a server;
//! * `input`, [`output`], `menu`: a user at a terminal, or a pipe;
//! * [`failure`]: what can go wrong, in words that say what to do, and the exit status, with
//!   `evidence` of what was going on;
//! * [`modes`]: one file a mode;
//! * `check`: judging a server; `doctor`: what is in the way to one;
//! * `view`: pictures of recordings; `replay`: sends again what one has;
//! * `experiment`, `bench`: measuring, with a server of its own (`own_server`) where none is named.
#![forbid(unsafe_code)]

pub mod app;
mod bench;
pub mod cash_machine;
mod check;
pub mod cli;
pub mod clock;
pub mod datagram;
mod doctor;
mod evidence;
mod experiment;
pub mod failure;
mod input;
mod interrupt;
mod menu;
pub mod modes;
mod options;
pub mod output;
mod own_server;
mod peer;
mod replay;
mod room;
mod secrets;
pub mod session;
mod view;
