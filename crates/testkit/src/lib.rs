//! For tests only: servers in this process, the real programs, students' programs, bare peers,
//! pseudo-terminals, a browser, PostgreSQL and a Redis.
//!
//! Everything fails at [`TEST_TIMEOUT`] rather than hang, and ends what it started when dropped.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

pub mod browser;
pub mod lines;
pub mod peer;
#[cfg(target_os = "linux")]
pub mod postgres;
pub mod process;
pub mod python;
#[cfg(unix)]
pub mod redis;
pub mod requirement;
pub mod service;
#[cfg(unix)]
pub mod terminal;

use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

/// Far longer than anything in a test takes: a test that meets it has failed.
pub const TEST_TIMEOUT: Duration = Duration::from_secs(120);

/// Waits until this is true.
#[track_caller]
pub fn wait_until(mut is_true: impl FnMut() -> bool) {
    let deadline = Instant::now() + TEST_TIMEOUT;
    while !is_true() {
        assert!(Instant::now() < deadline, "still waiting");
        thread::sleep(Duration::from_millis(2));
    }
}

/// Does this with all of these side by side, as they mostly wait. The results are in their order.
pub fn at_once<T: Send, R: Send>(
    all: impl IntoIterator<Item = T>,
    test: impl Fn(T) -> R + Sync,
) -> Vec<R> {
    thread::scope(|scope| {
        let test = &test;
        let started = all.into_iter().map(|one| scope.spawn(move || test(one)));
        let threads: Vec<_> = started.collect();
        let results = threads.into_iter().map(|thread| thread.join().unwrap());
        results.collect()
    })
}

/// All of these words are in the text.
#[track_caller]
pub fn assert_contains(text: &str, words: &[&str]) {
    for words in words {
        assert!(text.contains(words), "{words:?} is not in:\n{text}");
    }
}

/// The text begins so.
#[track_caller]
pub fn assert_starts(text: &str, words: &str) {
    assert!(text.starts_with(words), "not {words:?}:\n{text}");
}

/// The objects of a text that has one in each line.
#[track_caller]
pub fn objects(lines: &str) -> Vec<Value> {
    let object = |line| serde_json::from_str(line).unwrap();
    lines.lines().map(object).collect()
}
