//! How messages travel: framed messages over a TCP connection, datagrams over UDP, with absolute
//! deadlines.
//!
//! Of what is said it knows the envelope only, `READY`, `OK`, `ERR` and `EVENT`: a fault refuses a
//! request as a server would, and tells answers from events. Two lists name services all the same:
//! [`fault::applicability`] says which faults can have an effect in which mode, and [`fault::crash`] has the
//! crash points of the bank and the cash machine.
//!
//! * [`deadline`]: waits that end when they should, also short ones;
//! * [`at_once`]: what a socket does without waiting;
//! * [`limits`]: the deadlines of a connection, each with its reason;
//! * [`connection`]: one TCP stream as messages; every message that is sent or received passes a
//!   [`Writer`](connection::Writer) or a [`Reader`](connection::Reader), which inject the faults and
//!   record;
//! * [`connect`]: from `host:port` to a connection, over every address the name has;
//! * [`datagram`]: one UDP socket as messages;
//! * [`fault`]: messages lost, duplicated, delayed, refused or cut on purpose.
#![forbid(unsafe_code)]

pub mod at_once;
pub mod connect;
pub mod connection;
pub mod datagram;
pub mod deadline;
pub mod fault;
pub mod limits;
