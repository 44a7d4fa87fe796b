//! What cannot be viewed, and why.

use proto::mode::Transport;
use proto::side::Side;
use testkit::{assert_contains, assert_starts};

use super::made::{Made, path};
use super::{run, sample};

#[track_caller]
fn refused(arguments: &[&str]) -> String {
    let viewed = run(arguments);
    viewed.exited(2, "");
    viewed.stderr
}

#[test]
fn what_is_no_recording_of_this_version_is_refused_with_the_reason() {
    let file = tempfile::NamedTempFile::new().unwrap();
    for (text, words) in [
        (
            "{\"socketlab-recording\":4}\n",
            "line 1: a recording of version 4, and only versions 1 to 3",
        ),
        ("GIF89a", "this is no recording"),
        (
            "{\"socketlab-recording\":1}\n",
            "line 1 is damaged: missing field",
        ),
    ] {
        std::fs::write(file.path(), text).unwrap();
        let said = refused(&[path(&file)]);
        let beginning = format!("labclient: cannot view {}: {words}", path(&file));
        assert!(said.starts_with(&beginning), "{said}");
    }
    let said = refused(&["no-such-file.jsonl"]);
    assert_starts(&said, "labclient: cannot view no-such-file.jsonl: ");
    let said = refused(&[std::env::temp_dir().to_str().unwrap()]);
    assert!(said.starts_with("labclient: cannot view "), "{said}");
}

#[test]
fn the_same_run_twice_is_refused() {
    let file = sample("torn.server.jsonl");
    let said = refused(&[&file, &file]);
    assert_contains(&said, &["hold the same run 2d0e8f6671aa9b34"]);
}

#[test]
fn a_recording_is_not_overwritten_by_its_picture() {
    let made = Made::new(Side::Client, Transport::Tcp).file();
    let before = std::fs::read(made.path()).unwrap();
    let said = refused(&["--svg", path(&made), "-o", path(&made)]);
    assert!(said.contains("is one of the recordings"), "{said}");
    assert_eq!(std::fs::read(made.path()).unwrap(), before);
}

#[test]
fn an_output_that_cannot_be_written_is_named() {
    let file = sample("torn.server.jsonl");
    let viewed = run(&["--svg", &file, "-o", "no-such-directory/a.svg"]);
    viewed.exited(6, "");
    let said = viewed.stderr;
    assert_starts(&said, "labclient: cannot write no-such-directory/a.svg: ");
}

#[test]
fn two_formats_at_once_are_refused() {
    let said = refused(&["--svg", "--html", &sample("torn.server.jsonl")]);
    assert!(said.contains("cannot be used with"), "{said}");
}
