//! A recording read back, line by line and in bounded memory.

use std::io::{self, BufRead, Read};

use serde::Deserialize;

use super::event::{Event, EventKind, Header};
use super::{MAX_LINE, OLDEST_VERSION, VERSION};

/// What the first line begins with.
const MARK: &str = "{\"socketlab-recording\":";

/// A line of a recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// Here a run begins.
    Header(Header),
    /// Something happened in it.
    Event(Box<Event>),
}

/// A whole recording.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Recording {
    /// The runs, in the order of the file.
    pub runs: Vec<Run>,
    /// Whether the last line was torn, and passed over: the program died while it wrote it, or is
    /// still at it.
    pub was_torn: bool,
}

/// One run of a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Its first line.
    pub header: Header,
    /// What happened, in the order in which it began.
    pub events: Vec<Event>,
}

/// Why a file cannot be read as a recording. Lines are counted from 1.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file cannot be read.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// It does not begin with a header.
    #[error("this is no recording: its first line does not begin with {MARK}")]
    NotARecording,
    /// It was written by another release.
    #[error(
        "line {line}: a recording of version {version}, and only versions {OLDEST_VERSION} to \
         {VERSION} can be read: use the release that made it"
    )]
    UnknownVersion {
        /// The header's line.
        line: u64,
        /// Its version.
        version: u32,
    },
    /// A line before the last is damaged.
    #[error("line {line} is damaged: {}", without_line(.error))]
    Damaged {
        /// Which.
        line: u64,
        /// What is wrong with it.
        error: serde_json::Error,
    },
    /// An event that happens on a connection names none.
    #[error("line {line} is damaged: it names no connection")]
    Nowhere {
        /// Which.
        line: u64,
    },
    /// An event of a run stands below another's header.
    #[error("line {line} belongs to the run {run}, whose header is not above it")]
    Stray {
        /// Which.
        line: u64,
        /// Its run.
        run: String,
    },
    /// A line is longer than any that is written.
    #[error("line {line} is longer than {MAX_LINE} bytes")]
    TooLong {
        /// Which.
        line: u64,
    },
}

/// What serde says, with the column alone: to serde, each line is the first.
fn without_line(error: &serde_json::Error) -> String {
    let words = error.to_string();
    words.replace(" at line 1 column ", " at column ")
}

impl Run {
    /// How many events were lost. A gap in the numbers says less: a filter makes one too.
    pub fn lost(&self) -> u64 {
        let counts = self.events.iter().map(|event| match event.kind {
            EventKind::Lost { count } => count,
            _ => 0,
        });
        counts.fold(0, u64::saturating_add)
    }
}

impl Recording {
    /// Reads a recording to its end.
    ///
    /// # Errors
    /// When it is none, of another version, or damaged before its last line.
    pub fn read(source: impl BufRead) -> Result<Recording, ReadError> {
        let mut lines = Lines::new(source);
        let mut runs: Vec<Run> = Vec::new();
        for line in &mut lines {
            match (line?, runs.last_mut()) {
                (Line::Header(header), _) => runs.push(Run {
                    header,
                    events: Vec::new(),
                }),
                (Line::Event(event), Some(run)) => run.events.push(*event),
                (Line::Event(_), None) => return Err(ReadError::NotARecording),
            }
        }
        for run in &mut runs {
            run.events.sort_by_key(|event| (event.t, event.n));
        }
        Ok(Recording {
            runs,
            was_torn: lines.was_torn(),
        })
    }
}

/// The lines of a recording, one after the other. Ends at the first error. A last line without its
/// line feed is torn, and passed over.
#[derive(Debug)]
pub struct Lines<R> {
    source: R,
    /// The run whose lines these are.
    run: Option<String>,
    line: u64,
    is_over: bool,
    was_torn: bool,
}

impl<R: BufRead> Lines<R> {
    /// The lines of this source.
    pub fn new(source: R) -> Lines<R> {
        Lines {
            source,
            run: None,
            line: 0,
            is_over: false,
            was_torn: false,
        }
    }

    /// Whether the last line was torn. Known at the end.
    pub fn was_torn(&self) -> bool {
        self.was_torn
    }

    fn read(&mut self) -> Result<Option<Line>, ReadError> {
        self.line += 1;
        let line = self.line;
        let mut text = Vec::new();
        let mut source = self.source.by_ref().take(MAX_LINE as u64 + 1);
        source.read_until(b'\n', &mut text)?;
        if line == 1 && !begins_like_a_recording(&text) {
            return Err(ReadError::NotARecording);
        }
        if text.len() > MAX_LINE {
            return Err(ReadError::TooLong { line });
        }
        let Some(text) = text.strip_suffix(b"\n") else {
            self.was_torn = !text.is_empty();
            return Ok(None);
        };
        self.parse(text).map(Some)
    }

    fn parse(&mut self, text: &[u8]) -> Result<Line, ReadError> {
        let line = self.line;
        let damaged = |error| ReadError::Damaged { line, error };
        if text.starts_with(MARK.as_bytes()) {
            let Version { version } = serde_json::from_slice(text).map_err(damaged)?;
            if !(OLDEST_VERSION..=VERSION).contains(&version) {
                return Err(ReadError::UnknownVersion { line, version });
            }
            let header: Header = serde_json::from_slice(text).map_err(damaged)?;
            self.run = Some(header.run.clone());
            return Ok(Line::Header(header));
        }
        let event: Event = serde_json::from_slice(text).map_err(damaged)?;
        if event.channel.is_none() && !event.kind.may_be_anywhere() {
            return Err(ReadError::Nowhere { line });
        }
        if self.run.as_ref() != Some(&event.run) {
            let run = event.run;
            return Err(ReadError::Stray { line, run });
        }
        Ok(Line::Event(Box::new(event)))
    }
}

impl<R: BufRead> Iterator for Lines<R> {
    type Item = Result<Line, ReadError>;

    fn next(&mut self) -> Option<Result<Line, ReadError>> {
        if self.is_over {
            return None;
        }
        let read = self.read().transpose();
        self.is_over = !matches!(read, Some(Ok(_)));
        read
    }
}

/// What every version has.
#[derive(Deserialize)]
struct Version {
    #[serde(rename = "socketlab-recording")]
    version: u32,
}

/// A file whose first line is torn, or that is still empty, is a recording too.
pub(super) fn begins_like_a_recording(text: &[u8]) -> bool {
    let length = text.len().min(MARK.len());
    text[..length] == MARK.as_bytes()[..length]
}

#[cfg(test)]
mod tests;
