//! What may be said between a client and a server of the socket labs: framings, messages, names,
//! money, and the rules of the bank. No sockets, files, clocks or threads: `no_std` makes the
//! compiler say so.
//!
//! In reading order:
//!
//! * [`frame`]: bytes to messages and back, in four framings;
//! * [`mode`]: the services, their names and ports; [`side`]: the two ends of a conversation;
//! * [`reply`] and [`refusal`]: what every answer looks like, and the closed list of error codes;
//! * [`request`]: what every request has in common;
//! * [`text`], [`calc`], [`datetime`], [`chat`], [`atm`]: what each service is asked and answers;
//! * [`script`]: a scripted exchange, as data;
//! * [`handout`]: the same said in the words of the labs' printed programs;
//! * [`name`], [`printable`], [`invisible`]: what a name may be, how a peer's text is made safe to
//!   show, and which characters nobody would see.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

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
