//! Recordings: what happened on the wire, one event a line, as `docs/recording.md` specifies.
//!
//! * [`event`]: the lines of a recording;
//! * [`bytes`]: bytes in a line;
//! * [`reading`]: a recording read back.

pub mod bytes;
pub mod event;
pub mod reading;

pub use self::bytes::Bytes;
pub use self::event::{
    By, Cause, Channel, Direction, Event, Framed, Header, How, Message, Secrets, What,
};
pub use self::reading::{Line, Lines, ReadError, Recording, Run};

/// The version of the format that is written, and the only one that is read.
pub const VERSION: u32 = 1;

/// The longest line, in bytes, its line feed included. A message of 64 KiB in which every byte has
/// to be escaped, in `bytes` and again in `text`, fits.
pub const MAX_LINE: usize = 1024 * 1024;
