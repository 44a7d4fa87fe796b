//! The last events of the run, as lines that any number of browsers follow.
//!
//! A line is made once, and is kept for those who come later; who is slow misses the oldest, and
//! holds up nobody.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use proto::printable::printable;
use proto::side::{Direction, Side};
use record::file::append_line;
use record::queue::Item;
use record::wording::describe;
use record::{Channel, Event, EventKind, Follower, Header};
use serde::Serialize;

use super::tally::Tally;

/// Most lines that are kept: some ten thousand messages, with what each read returned.
pub const MOST_LINES: usize = 30_000;

/// Most bytes of lines that are kept.
pub const MOST_BYTES: usize = 16 * 1024 * 1024;

/// Events are shown together that happen in one tick: soon enough for the eye, seldom enough not to
/// take the processor from the services.
const TICK: Duration = Duration::from_millis(20);

/// Events that are shown of each tick, in the long run: 2,000 a second. More cannot be read anyway;
/// they are counted.
pub const EACH_TICK: usize = 40;

/// Events that are shown at once after a while with fewer: that of a room of which all speak.
pub const BURST: usize = 400;

/// Most bytes that are given to a browser at once; a line that is longer is given alone.
const MOST_AT_ONCE: usize = 256 * 1024;

/// The last events of this run.
#[derive(Debug)]
pub struct Feed {
    state: Mutex<State>,
    grown: Condvar,
    tally: Mutex<Tally>,
    /// Messages and reads that may be shown now; below zero, those that were too many.
    left: AtomicI64,
    /// When there were more of them last.
    renewed: Mutex<Instant>,
    /// Those that were skipped and are not counted in a line yet.
    skipped: AtomicU64,
}

impl Default for Feed {
    fn default() -> Feed {
        Feed {
            state: Mutex::default(),
            grown: Condvar::new(),
            tally: Mutex::default(),
            left: AtomicI64::new(BURST as i64),
            renewed: Mutex::new(Instant::now()),
            skipped: AtomicU64::new(0),
        }
    }
}

#[derive(Debug, Default)]
struct State {
    header: Arc<str>,
    run: String,
    lines: VecDeque<Arc<str>>,
    bytes: usize,
    /// Lines that came before those that are kept.
    before: u64,
    followers: usize,
    is_over: bool,
}

/// One that follows, until it is dropped.
#[derive(Debug)]
pub struct Following<'a>(&'a Feed);

/// What came after a position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct News {
    /// The lines, in order.
    pub lines: Vec<Arc<str>>,
    /// The position after them.
    pub next: u64,
    /// Whether nothing will follow them.
    pub is_over: bool,
}

/// A line of a recording, with the event in words besides.
#[derive(Serialize)]
struct Line<'a> {
    #[serde(flatten)]
    event: &'a Event,
    said: String,
}

impl Feed {
    /// What came after this position: where nothing did, waits for it, at most this long.
    pub fn wait(&self, from: u64, limit: Duration) -> News {
        let by = Instant::now() + limit;
        let mut state = self.lock();
        while !state.is_over && state.end() <= from {
            let wait = by.saturating_duration_since(Instant::now());
            if wait.is_zero() {
                break;
            }
            (state, _) = self
                .grown
                .wait_timeout(state, wait)
                .unwrap_or_else(PoisonError::into_inner);
        }
        state.after(from)
    }

    /// The header of the run, and the lines that are kept: a recording.
    pub fn recording(&self) -> String {
        let state = self.lock();
        let lines = state.lines.iter().flat_map(|line| [&**line, "\n"]);
        [&*state.header, "\n"].into_iter().chain(lines).collect()
    }

    /// The header of the run, as a line.
    pub fn header(&self) -> Arc<str> {
        Arc::clone(&self.lock().header)
    }

    /// The run, as in the header.
    pub fn run(&self) -> String {
        self.lock().run.clone()
    }

    /// What was counted so far.
    pub fn tally(&self) -> Tally {
        self.lock_tally().clone()
    }

    /// One more follows.
    pub fn follow(&self) -> Following<'_> {
        self.lock().followers += 1;
        Following(self)
    }

    /// How many follow.
    pub fn followers(&self) -> usize {
        self.lock().followers
    }

    /// Nothing more will happen: those who follow are told, and go, for which this waits at most so
    /// long.
    pub fn finish(&self, limit: Duration) {
        let mut state = self.lock();
        state.is_over = true;
        self.grown.notify_all();
        let _ = self
            .grown
            .wait_timeout_while(state, limit, |state| state.followers > 0);
    }

    /// As many more events may be shown as ticks have passed.
    fn renew(&self, now: Instant) {
        let mut renewed = self.renewed.lock().unwrap_or_else(PoisonError::into_inner);
        let ticks = now.saturating_duration_since(*renewed).as_nanos() / TICK.as_nanos();
        *renewed = now;
        let more = usize::try_from(ticks).map_or(BURST, |ticks| ticks.saturating_mul(EACH_TICK));
        let left = self.left.load(Ordering::Relaxed).max(0);
        let left = left.saturating_add_unsigned(more as u64);
        self.left.store(left.min(BURST as i64), Ordering::Relaxed);
    }

    fn lock_tally(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Following<'_> {
    fn drop(&mut self) {
        self.0.lock().followers -= 1;
        self.0.grown.notify_all();
    }
}

impl Follower for Feed {
    fn begins(&self, header: &Header) {
        let mut state = self.lock();
        state.header = line(header);
        state.run.clone_from(&header.run);
    }

    fn happened(&self, events: &[Arc<Event>]) {
        let skipped = self.skipped.swap(0, Ordering::Relaxed);
        let shown = events.len().min(BURST);
        let mut lines: Vec<Arc<str>> = events[..shown].iter().map(shown_line).collect();
        let count = skipped + (events.len() - shown) as u64;
        if let Some(last) = events.last().filter(|_| count > 0) {
            lines.push(shown_line(&Arc::clone(last).lost(count)));
        }
        let mut tally = self.lock_tally();
        events.iter().for_each(|event| tally.count(event));
        drop(tally);
        let mut state = self.lock();
        lines.into_iter().for_each(|line| state.push(line));
        drop(state);
        self.grown.notify_all();
        // What happens meanwhile wakes no thread.
        thread::sleep(TICK);
        self.renew(Instant::now());
    }

    fn skips(&self, channel: &Channel, side: Side, message: Option<Direction>) -> bool {
        if self.left.fetch_sub(1, Ordering::Relaxed) > 0 {
            return false;
        }
        self.skipped.fetch_add(1, Ordering::Relaxed);
        if let Some(direction) = message.filter(|_| side == Side::Server) {
            self.lock_tally().count_message(channel, direction);
        }
        true
    }
}

impl State {
    fn push(&mut self, line: Arc<str>) {
        self.bytes += line.len();
        self.lines.push_back(line);
        while self.lines.len() > MOST_LINES || (self.bytes > MOST_BYTES && self.lines.len() > 1) {
            let oldest = self.lines.pop_front();
            self.bytes -= oldest.map_or(0, |line| line.len());
            self.before += 1;
        }
    }

    fn end(&self) -> u64 {
        self.before + self.lines.len() as u64
    }

    fn after(&self, from: u64) -> News {
        let skipped = from.saturating_sub(self.before);
        let skipped = usize::try_from(skipped).unwrap_or(usize::MAX);
        let mut bytes = 0;
        let fits = |line: &&Arc<str>| {
            let is_first = bytes == 0;
            bytes += line.len();
            is_first || bytes <= MOST_AT_ONCE
        };
        let lines = self.lines.iter().skip(skipped).take_while(fits);
        let lines: Vec<Arc<str>> = lines.cloned().collect();
        let next = from.max(self.before).min(self.end()) + lines.len() as u64;
        News {
            lines,
            next,
            is_over: self.is_over && next == self.end(),
        }
    }
}

fn shown_line(event: &Arc<Event>) -> Arc<str> {
    let said = match event.kind {
        EventKind::Lost { count } => format!("{count} events are not shown: too many at once"),
        _ => describe(event, &printable),
    };
    line(&Line { event, said })
}

/// As in a recording, without the line feed.
fn line(value: &impl Serialize) -> Arc<str> {
    let mut line = Vec::new();
    // Lines of a recording have JSON, and JSON is text.
    let written = append_line(value, &mut line);
    let text = written.ok().and_then(|()| String::from_utf8(line).ok());
    text.unwrap_or_default().trim_end().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use record::Recording;

    const SAMPLE: &str =
        include_str!("../../../record/tests/recordings/atm-drop-reply.client.jsonl");

    fn sample() -> (Header, Vec<Arc<Event>>) {
        let run = Recording::read(SAMPLE.as_bytes()).unwrap().runs.remove(0);
        (run.header, run.events.into_iter().map(Arc::new).collect())
    }

    const NO_WAIT: Duration = Duration::ZERO;

    #[test]
    fn what_happened_is_a_recording_with_its_words() {
        let (header, events) = sample();
        let feed = Feed::default();
        feed.begins(&header);
        feed.happened(&events);
        let recording = Recording::read(feed.recording().as_bytes()).unwrap();
        let kept: Vec<Arc<Event>> = recording.runs[0]
            .events
            .iter()
            .cloned()
            .map(Arc::new)
            .collect();
        assert_eq!((&recording.runs[0].header, kept), (&header, events));
        let lines = feed.wait(0, NO_WAIT).lines;
        assert!(
            lines[0].contains("\"said\":\"journal: sending 500.00 WITH_"),
            "{}",
            lines[0]
        );
    }

    #[test]
    fn a_position_is_kept_up_from_line_to_line() {
        let (header, events) = sample();
        let feed = Feed::default();
        feed.begins(&header);
        feed.happened(&events[..3]);
        let news = feed.wait(1, NO_WAIT);
        assert_eq!((news.lines.len(), news.next, news.is_over), (2, 3, false));
        assert_eq!(feed.wait(3, NO_WAIT).lines, [] as [Arc<str>; 0]);
        feed.happened(&events[3..4]);
        feed.finish(NO_WAIT);
        let news = feed.wait(3, Duration::from_secs(600));
        assert_eq!((news.lines.len(), news.next, news.is_over), (1, 4, true));
        let beyond = feed.wait(1_000, NO_WAIT);
        assert_eq!((beyond.lines.len(), beyond.next), (0, 4));
    }

    #[test]
    fn who_waits_is_woken_by_what_happens() {
        let (header, events) = sample();
        let feed = Feed::default();
        feed.begins(&header);
        thread::scope(|scope| {
            let waiting = scope.spawn(|| feed.wait(0, Duration::from_secs(600)));
            feed.happened(&events[..1]);
            assert_eq!(waiting.join().unwrap().lines.len(), 1);
        });
    }

    #[test]
    fn of_too_many_at_once_the_first_are_shown_and_the_rest_are_counted() {
        let (header, events) = sample();
        let feed = Feed::default();
        feed.begins(&header);
        let many: Vec<_> = events.iter().cycle().take(BURST + 7).cloned().collect();
        feed.happened(&many);
        let news = feed.wait(0, NO_WAIT);
        assert_eq!(news.lines.len(), BURST + 1);
        let last = news.lines.last().unwrap();
        assert!(last.contains("7 events are not shown"), "{last}");
    }

    #[test]
    fn messages_that_are_too_many_are_skipped_before_they_are_recorded_and_still_counted() {
        let (header, events) = sample();
        let feed = Feed::default();
        feed.begins(&header);
        let channel = events
            .iter()
            .find_map(|event| event.channel.clone())
            .unwrap();
        let skips = || feed.skips(&channel, Side::Server, Some(Direction::ToServer));
        let skipped = (0..BURST + 7).filter(|_| skips()).count();
        assert_eq!(skipped, 7);
        assert_eq!(feed.tally().services[&channel.service].requests, 7);
        feed.happened(&events[..1]);
        let last = feed.wait(1, NO_WAIT).lines.remove(0);
        assert!(last.contains("7 events are not shown"), "{last}");
        let more = (0..EACH_TICK).filter(|_| !skips()).count();
        assert_eq!(more, EACH_TICK, "another tick has begun");
    }

    #[test]
    fn the_oldest_lines_make_room_and_who_is_behind_misses_them() {
        let mut state = State::default();
        let line: Arc<str> = "x".repeat(MOST_BYTES / 4).into();
        (0..6).for_each(|_| state.push(Arc::clone(&line)));
        assert_eq!((state.lines.len(), state.before, state.end()), (4, 2, 6));
        let news = state.after(0);
        assert_eq!(
            (news.lines.len(), news.next),
            (1, 3),
            "a long line comes alone"
        );
        assert_eq!(state.after(5).next, 6);
    }
}
