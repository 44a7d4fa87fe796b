//! What a process writes, line by line, for as long as it writes.

use std::io::{BufRead, BufReader, Read};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// Far longer than anything here takes: a test that meets it has failed.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// The lines of one output, read as they come so that the process never waits for a reader.
#[derive(Clone)]
pub struct Lines {
    shared: Arc<(Mutex<Written>, Condvar)>,
}

#[derive(Default)]
struct Written {
    text: String,
    ended: bool,
}

impl Lines {
    /// Reads to the end on a thread of its own.
    pub fn of(output: impl Read + Send + 'static) -> Lines {
        let lines = Lines {
            shared: Arc::default(),
        };
        let reading = lines.clone();
        thread::spawn(move || reading.read(BufReader::new(output)));
        lines
    }

    fn read(&self, mut output: impl BufRead) {
        let (written, more) = &*self.shared;
        loop {
            let mut line = Vec::new();
            let length = output.read_until(b'\n', &mut line).unwrap_or(0);
            let mut written = written.lock().unwrap();
            written.text.push_str(&String::from_utf8_lossy(&line));
            written.ended = length == 0;
            more.notify_all();
            if written.ended {
                return;
            }
        }
    }

    /// The first line that the test is looking for; `None` when the output ended without it.
    pub fn find(&self, wanted: impl Fn(&str) -> bool) -> Option<String> {
        self.wait(|written| {
            let found = written.text.lines().find(|line| wanted(line));
            match found {
                Some(line) => Some(Some(line.to_owned())),
                None => written.ended.then_some(None),
            }
        })
    }

    /// Waits for a line with these words in it.
    pub fn wait_for(&self, words: &str) -> String {
        self.find(|line| line.contains(words))
            .unwrap_or_else(|| panic!("no line with {words:?} in:\n{}", self.so_far()))
    }

    /// Everything, once the process has closed this output.
    pub fn to_the_end(&self) -> String {
        self.wait(|written| written.ended.then(|| written.text.clone()))
    }

    pub fn so_far(&self) -> String {
        self.shared.0.lock().unwrap().text.clone()
    }

    fn wait<T>(&self, look: impl Fn(&Written) -> Option<T>) -> T {
        let (written, more) = &*self.shared;
        let by = Instant::now() + PATIENCE;
        let mut written = written.lock().unwrap();
        loop {
            if let Some(found) = look(&written) {
                return found;
            }
            let left = by.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "still waiting after:\n{}", written.text);
            written = more.wait_timeout(written, left).unwrap().0;
        }
    }
}
