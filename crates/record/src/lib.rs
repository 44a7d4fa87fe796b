//! Recordings: what happened on the wire, one event a line, as `docs/recording.md` specifies.
//!
//! A [`Recorder`] takes the events of a process and has them written, by threads of its own, to a
//! file and to standard error. A [`Tap`] records what one connection or socket does, and is carried by
//! the connection, so a service knows nothing of it.
//!
//! * [`event`], [`note`], [`bytes`]: the lines of a recording;
//! * [`wording`]: an event in words;
//! * [`reading`]: a recording read back;
//! * [`recorder`]: from events to files, with a [`Queue`](crate::queue::Queue) between
//!   and [`mod@file`] behind;
//! * [`tap`]: from a connection to events;
//! * [`trace`]: events on standard error, while they happen;
//! * [`queue`]: what waits to be written meanwhile.
#![forbid(unsafe_code)]

pub mod bytes;
pub mod event;
pub mod file;
pub mod note;
pub mod queue;
pub mod reading;
pub mod recorder;
pub mod tap;
pub mod trace;
pub mod wording;

pub use self::bytes::Bytes;
pub use self::event::{
    Channel, CloseReason, Closer, DropCause, Event, EventKind, FramingName, Header, Message,
    Secrets,
};
pub use self::note::{Detail, Note, NoteKind};
pub use self::reading::{Line, Lines, ReadError, Recording, Run};
pub use self::recorder::{Follower, OpenError, Recorder, Settings};
pub use self::tap::{Mask, Tap};
pub use self::trace::Trace;

/// The version of the format that is written.
pub const VERSION: u32 = 3;

/// The oldest version that is read. What it has, the later ones have too.
pub const OLDEST_VERSION: u32 = 1;

/// The longest line, in bytes, its line feed included. A message of 64 KiB in which every byte has
/// to be escaped, in `bytes` and again in `text`, fits.
pub const MAX_LINE: usize = 1024 * 1024;
