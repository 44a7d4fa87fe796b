//! Pictures and lists of what recordings keep. Pure: recordings in, text out.
//!
//! In reading order:
//!
//! * [`load`]: the recordings, read, and the two ends of each conversation put together;
//! * [`sequence`]: the diagram, before it is drawn; [`wording`]: what is said in it;
//! * [`terminal`], [`svg`], [`html`], [`mermaid`]: the diagram, drawn;
//! * [`text`]: a plain list;
//! * [`pcap`]: packets for Wireshark;
//! * [`explain`]: what became of each transaction.
#![forbid(unsafe_code)]

pub mod explain;
pub mod html;
pub mod ids;
pub mod load;
pub mod mermaid;
pub mod pcap;
pub mod sequence;
pub mod svg;
pub mod terminal;
pub mod text;
pub mod wording;
