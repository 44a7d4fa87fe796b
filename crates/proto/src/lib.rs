//! The protocol between a client and a server of the socket labs: framings, messages, names, money,
//! and the rules of the bank. It has no sockets, files, clocks or threads, which `no_std` enforces.
//!
//! In reading order:
//!
//! * [`frame`]: bytes to messages and back, in four framings;
//! * [`mode`]: the services, their names and ports; [`side`]: the two ends of a conversation;
//! * [`reply`] and [`refusal`]: the form of every answer, and the closed list of error codes;
//! * [`request`]: what all requests have in common;
//! * [`text`], [`calc`], [`datetime`], [`chat`], [`atm`]: the requests and answers of each service;
//! * [`script`]: a scripted exchange, as data;
//! * [`handout`]: the protocols of the labs' printed programs;
//! * [`name`], [`printable`], [`invisible`]: names, text of a peer made safe to show, and invisible
//!   characters.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

#[macro_use]
mod named;

pub mod atm;
pub mod calc;
pub mod chat;
pub mod datetime;
pub mod frame;
pub mod handout;
pub mod invisible;
pub mod mode;
pub mod name;
pub mod printable;
pub mod refusal;
pub mod reply;
pub mod request;
pub mod script;
pub mod side;
pub mod text;
