//! `labclient view` of recordings, as a process.

mod diagrams;
mod hostile;
mod made;
mod merging;
mod refusals;

use std::path::{Path, PathBuf};

use testkit::process::Ended;

use crate::labclient::labclient;

/// `labclient view` with these arguments.
fn run(arguments: &[&str]) -> Ended {
    labclient(&["view"]).with(arguments).run()
}

/// What a view shows that succeeds.
fn view(arguments: &[&str]) -> String {
    let viewed = run(arguments);
    assert_eq!(viewed.status, Some(0), "{}", viewed.stderr);
    assert_eq!(viewed.stderr, "");
    viewed.stdout
}

/// A recording that is kept with this package's tests, or with those of `record`, which has the format.
fn sample(name: &str) -> String {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let places = ["tests/recordings", "../record/tests/recordings"];
    let files = places.map(|place| package.join(place).join(name));
    let file: Option<&PathBuf> = files.iter().find(|file| file.exists());
    file.expect("a sample").to_str().unwrap().to_owned()
}

/// The samples, one picture each.
fn samples() -> Vec<Vec<String>> {
    [
        &["withdrawal.client.jsonl", "withdrawal.server.jsonl"][..],
        &["withdrawal.client.jsonl"],
        &["withdrawal.server.jsonl"],
        &["atm-drop-reply.client.jsonl", "atm-drop-reply.server.jsonl"],
        &["datetime-resent.client.jsonl"],
        &["torn.server.jsonl"],
    ]
    .into_iter()
    .map(|names| names.iter().map(|name| sample(name)).collect())
    .collect()
}

/// The words of `files`, after these.
fn with<'a>(arguments: &[&'a str], files: &'a [String]) -> Vec<&'a str> {
    let files = files.iter().map(String::as_str);
    arguments.iter().copied().chain(files).collect()
}
