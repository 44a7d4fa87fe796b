//! The file of a recording: made, or found and appended to, and written line by line.

use std::fs::{File, TryLockError};
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use proto::printable::is_unsafe;
use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter};

use super::reading::{ReadError, begins_like_a_recording};
use super::{Lines, MAX_LINE};

/// Why a recording cannot be made there.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file cannot be made or used.
    #[error("cannot record to {}: {error}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        error: io::Error,
    },
    /// It holds something that is not ours.
    #[error("{} is no recording, and would be spoilt: choose another file", .0.display())]
    Foreign(PathBuf),
    /// It is a recording that cannot be continued.
    #[error("cannot add to {}: {error}; choose another file", .path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        error: ReadError,
    },
    /// Another process has it.
    #[error("{} is being written by another program: choose another file", .0.display())]
    InUse(PathBuf),
    /// There is no thread to write with.
    #[error("no thread for the recording: {0}")]
    Thread(io::Error),
}

/// Opens the file at its end, for this process alone. A torn last line is cut off. No other user may
/// read it: it has card numbers, names, and the ids of transactions that are not settled yet.
///
/// # Errors
/// When it cannot be used, or is something else than a recording.
pub fn open(path: &Path) -> Result<File, OpenError> {
    let failed = |error| OpenError::Io {
        path: path.to_owned(),
        error,
    };
    let mut file = state::open(path).map_err(failed)?.file;
    if !file.metadata().map_err(failed)?.is_file() {
        // A pipe or a device: nothing is there before, and nothing can be cut off.
        return Ok(file);
    }
    file.try_lock().map_err(|error| match error {
        TryLockError::WouldBlock => OpenError::InUse(path.to_owned()),
        TryLockError::Error(error) => failed(error),
    })?;
    let foreign = || OpenError::Foreign(path.to_owned());
    if let Some(Err(error)) = Lines::new(BufReader::new(&mut file)).next() {
        let path = path.to_owned();
        return Err(match error {
            ReadError::NotARecording => foreign(),
            ReadError::Io(error) => failed(error),
            error => OpenError::Unusable { path, error },
        });
    }
    let end = end_of_last_line(&mut file).map_err(failed)?;
    let end = end.ok_or_else(foreign)?;
    file.set_len(end).map_err(failed)?;
    file.seek(SeekFrom::Start(end)).map_err(failed)?;
    Ok(file)
}

/// Where the last whole line ends, or `None` when what follows it is too long to be a torn one.
fn end_of_last_line(file: &mut File) -> io::Result<Option<u64>> {
    let length = file.seek(SeekFrom::End(0))?;
    let from = length.saturating_sub(MAX_LINE as u64 + 1);
    file.seek(SeekFrom::Start(from))?;
    let mut tail = Vec::new();
    file.take(length - from).read_to_end(&mut tail)?;
    match tail.iter().rposition(|byte| *byte == b'\n') {
        Some(last) => Ok(Some(from + last as u64 + 1)),
        // All there is is a torn header.
        None if from == 0 && begins_like_a_recording(&tail) => Ok(Some(0)),
        None => Ok(None),
    }
}

/// Appends one line.
///
/// # Errors
/// When the value has no JSON, which those of a recording have.
pub fn append_line(line: &impl Serialize, lines: &mut Vec<u8>) -> io::Result<()> {
    let mut serializer = serde_json::Serializer::with_formatter(&mut *lines, TerminalSafeFormatter);
    line.serialize(&mut serializer)?;
    lines.push(b'\n');
    Ok(())
}

/// JSON in which no character can disturb a terminal.
struct TerminalSafeFormatter;

impl Formatter for TerminalSafeFormatter {
    fn write_string_fragment<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let mut rest = fragment;
        while let Some((at, c)) = rest.char_indices().find(|(_, c)| is_unsafe(*c)) {
            CompactFormatter.write_string_fragment(writer, &rest[..at])?;
            for unit in c.encode_utf16(&mut [0; 2]) {
                write!(writer, "\\u{unit:04x}")?;
            }
            rest = &rest[at + c.len_utf8()..];
        }
        CompactFormatter.write_string_fragment(writer, rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Recording;

    const SAMPLE: &str = include_str!("../tests/recordings/datetime-resent.client.jsonl");
    const TORN: &str = include_str!("../tests/recordings/torn.server.jsonl");

    fn file_with(content: &str) -> (tempfile::TempDir, PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("it.jsonl");
        std::fs::write(&path, content).unwrap();
        (directory, path)
    }

    #[test]
    fn a_recording_is_continued_and_its_torn_last_line_cut_off() {
        for content in ["", SAMPLE, TORN, &SAMPLE[..50], &TORN[..5]] {
            let (_directory, path) = file_with(content);
            let mut file = open(&path).unwrap();
            file.write_all(SAMPLE.as_bytes()).unwrap();
            let whole = content.rfind('\n').map_or(0, |last| last + 1);
            let now = std::fs::read_to_string(&path).unwrap();
            assert_eq!(now, format!("{}{SAMPLE}", &content[..whole]));
            assert!(!Recording::read(now.as_bytes()).unwrap().was_torn);
        }
    }

    #[test]
    fn a_file_of_another_kind_stays_as_it_is() {
        let mixed = format!("{SAMPLE}{}", "x".repeat(2 * MAX_LINE));
        for content in ["hello", "\n", "{}\n", &mixed] {
            let (_directory, path) = file_with(content);
            let error = open(&path).unwrap_err();
            assert!(matches!(error, OpenError::Foreign(_)), "{error}");
            assert_eq!(std::fs::read_to_string(&path).unwrap(), content);
        }
    }

    #[test]
    fn a_recording_of_another_version_is_not_continued() {
        let (_directory, path) = file_with("{\"socketlab-recording\":9}\n");
        let error = open(&path).unwrap_err().to_string();
        assert!(error.contains("version 9"), "{error}");
    }

    #[test]
    fn two_programs_do_not_share_a_file() {
        let (_directory, path) = file_with("");
        let _first = open(&path).unwrap();
        assert!(matches!(open(&path), Err(OpenError::InUse(_))));
    }

    #[test]
    fn a_place_where_no_file_can_be_is_named() {
        let error = open(Path::new("/nonexistent/it.jsonl")).unwrap_err();
        let words = "cannot record to /nonexistent/it.jsonl: ";
        assert!(error.to_string().starts_with(words), "{error}");
    }

    #[test]
    fn characters_that_could_disturb_a_terminal_are_escaped_and_come_back() {
        let text = "é বাংলা \x1b[2J\u{9b}\u{7f}\u{202e}\u{e0041}\"\\";
        let mut line = Vec::new();
        append_line(&text, &mut line).unwrap();
        let line = String::from_utf8(line).unwrap();
        let escaped = "\"é বাংলা \\u001b[2J\\u009b\\u007f\\u202e\\udb40\\udc41\\\"\\\\\"\n";
        assert_eq!(line, escaped);
        assert_eq!(serde_json::from_str::<String>(&line).unwrap(), text);
    }
}
