//! The output of a process, line by line, as it is written.

use std::io::{BufRead, BufReader, Read};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::Instant;

use crate::TEST_TIMEOUT;

/// The lines of one output. They are read as they come, so that the process never waits for a
/// reader.
#[derive(Debug, Clone, Default)]
pub struct Lines {
    shared: Arc<(Mutex<Written>, Condvar)>,
}

#[derive(Debug, Default)]
struct Written {
    bytes: Vec<u8>,
    /// How many of the bytes were taken by [`Lines::next`].
    taken: usize,
    ended: bool,
}

impl Written {
    fn text(&self) -> &str {
        str::from_utf8(&self.bytes).unwrap()
    }

    /// What [`Lines::next`] did not take.
    fn rest(&self) -> &str {
        str::from_utf8(&self.bytes[self.taken..]).unwrap()
    }
}

impl Lines {
    /// Reads to the end on a thread of its own.
    pub fn of(output: impl Read + Send + 'static) -> Lines {
        let lines = Lines::default();
        let reading = lines.clone();
        thread::spawn(move || reading.read(BufReader::new(output)));
        lines
    }

    /// An output that is not read here, as if it had ended.
    pub fn none() -> Lines {
        let lines = Lines::default();
        lines.written().ended = true;
        lines
    }

    fn read(&self, mut output: impl BufRead) {
        loop {
            let mut line = Vec::new();
            let length = output.read_until(b'\n', &mut line).unwrap_or(0);
            let mut written = self.written();
            written.bytes.append(&mut line);
            written.ended = length == 0;
            self.shared.1.notify_all();
            if written.ended {
                return;
            }
        }
    }

    /// The first line of which this is true; `None` when the output ended without it.
    #[track_caller]
    pub fn find(&self, wanted: impl Fn(&str) -> bool) -> Option<String> {
        self.wait(|written| {
            let found = written.text().lines().find(|line| wanted(line));
            match found {
                Some(line) => Some(Some(line.to_owned())),
                None => written.ended.then_some(None),
            }
        })
    }

    /// The first line with these words in it.
    #[track_caller]
    pub fn wait_for(&self, words: &str) -> String {
        self.find(|line| line.contains(words))
            .unwrap_or_else(|| panic!("no line with {words:?} in:\n{}", self.so_far()))
    }

    /// Takes the next line, with its end.
    #[track_caller]
    pub fn next(&self) -> String {
        let line = self.wait(|written| {
            let line = written.rest().split_inclusive('\n').next();
            line.map(str::to_owned)
                .or_else(|| written.ended.then(String::new))
        });
        assert!(!line.is_empty(), "no next line after:\n{}", self.so_far());
        self.written().taken += line.len();
        line
    }

    /// What was not taken, once the process has closed this output.
    #[track_caller]
    pub fn rest(&self) -> String {
        self.wait(|written| written.ended.then(|| written.rest().to_owned()))
    }

    /// What was not taken yet.
    pub fn rest_so_far(&self) -> String {
        self.written().rest().to_owned()
    }

    /// Everything that was written yet.
    pub fn so_far(&self) -> String {
        self.written().text().to_owned()
    }

    #[track_caller]
    fn wait<T>(&self, look: impl Fn(&Written) -> Option<T>) -> T {
        let deadline = Instant::now() + TEST_TIMEOUT;
        let mut written = self.written();
        loop {
            if let Some(found) = look(&written) {
                return found;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "still waiting after:\n{}", written.text());
            written = self.shared.1.wait_timeout(written, left).unwrap().0;
        }
    }

    fn written(&self) -> MutexGuard<'_, Written> {
        // A test that failed while it looked has changed nothing.
        self.shared
            .0
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}
