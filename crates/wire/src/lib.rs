//! How messages travel: framed messages over a TCP connection, datagrams over UDP, with absolute
//! deadlines. Knows no service.
//!
//! * [`deadline`]: waits that end when they should, also short ones;
//! * [`limits`]: the deadlines of a connection, each with its reason;
//! * [`connection`]: one TCP stream as messages; every message that is sent or received passes
//!   [`Writer::send`](connection::Writer::send) or [`Reader::receive`](connection::Reader::receive),
//!   so that is where faults and recordings tap;
//! * [`connect`]: from `host:port` to a connection, over every address the name has;
//! * [`datagram`]: one UDP socket as messages;
//! * [`fault`]: messages lost, doubled, delayed, refused or cut on purpose.
#![forbid(unsafe_code)]

pub mod connect;
pub mod connection;
pub mod datagram;
pub mod deadline;
pub mod fault;
pub mod limits;
