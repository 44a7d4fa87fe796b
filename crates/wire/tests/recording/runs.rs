//! Runs as a whole: their numbers and times, their ends, and files that fail.

use proto::frame::Framing;
use proto::side::Side;
use record::{Recorder, Settings};

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
