//! Runs as a whole: their numbers and times, their ends, and files that fail.

use std::fs::File;
use std::io::BufReader;

use proto::frame::Framing;
use proto::side::Side;
use record::{Recorder, Recording, Settings};

use super::{Tape, outline, pair, settings};

#[test]
fn a_connection_that_is_open_when_the_run_ends_is_closed_there() {
    let tape = Tape::server();
    let (connection, _other) = pair(&tape, Framing::Line, None);
    assert_eq!(outline(&tape.events()), ["Connected", "closed Us End"]);
    drop(connection);
}

#[test]
fn numbers_and_times_only_grow_and_lines_name_both_addresses() {
    let tape = Tape::server();
    let (mut connection, other) = pair(&tape, Framing::Line, None);
    let (ours, theirs) = (other.peer_addr().unwrap(), other.local_addr().unwrap());
    for _ in 0..100 {
        connection.writer.send(b"x").unwrap();
    }
    drop(connection);
    let events = tape.events();
    for (position, event) in events.iter().enumerate() {
        assert_eq!(event.n, position as u64 + 1);
        let channel = event.channel.as_ref().unwrap();
        assert_eq!((channel.local, channel.peer), (ours, theirs));
        assert_eq!((channel.service.as_str(), channel.connection), ("text", 7));
    }
    assert!(events.is_sorted_by_key(|event| event.t));
}

#[test]
fn nothing_is_started_when_nothing_is_wanted() {
    assert!(Recorder::start(settings(Side::Client)).unwrap().is_none());
}

/// A disk that is full.
#[cfg(target_os = "linux")]
#[test]
fn a_file_that_cannot_be_written_ends_the_recording_and_nothing_else() {
    let error = Recorder::start(Settings {
        file: Some("/dev/full".into()),
        ..settings(Side::Client)
    })
    .unwrap_err();
    let error = error.to_string();
    assert!(error.starts_with("cannot record to /dev/full: "), "{error}");
}

#[test]
fn a_recording_that_has_ended_can_be_continued_at_once() {
    let directory = tempfile::tempdir().unwrap();
    for _ in 0..200 {
        let recorder = Recorder::start(Settings {
            file: Some(directory.path().join("it.jsonl")),
            ..settings(Side::Client)
        });
        recorder.unwrap().unwrap().finish();
    }
}

#[test]
fn a_file_that_may_not_grow_longer_ends_the_recording_with_a_whole_line() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("it.jsonl");
    let start = |most_bytes| {
        let recorder = Recorder::start(Settings {
            file: Some(path.clone()),
            most_bytes: Some(most_bytes),
            ..settings(Side::Client)
        });
        recorder.unwrap().unwrap()
    };
    let ended = |recorder: Recorder| {
        recorder.finish();
        drop(recorder);
        let file = BufReader::new(File::open(&path).unwrap());
        let mut recording = Recording::read(file).unwrap();
        assert!(!recording.was_torn);
        recording.runs.pop().unwrap().events.len()
    };
    assert_eq!(ended(start(u64::MAX)), 1);
    let length = path.metadata().unwrap().len();
    // The header is longer than the event.
    assert_eq!(ended(start(length + 1)), 0, "what was there counts");
}
