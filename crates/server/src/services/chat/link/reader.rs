//! The thread that reads what happens to members anywhere.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{RETRY, connect};
use crate::config::RoomSettings;
use crate::redis::{Connection, Failure};
use crate::services::chat::room::{Room, Several};
use crate::services::chat::stream::{self, Entry, Happening};

/// How long a read waits for something to happen, and how soon the reading thread ends after the
/// room.
const READ: Duration = Duration::from_millis(500);

/// How many entries are remembered by their fingerprints, to find where a stream that lost some
/// goes on differently.
const REMEMBERED: usize = 1024;

/// Entries that are more than usually wait, and the pause after them: members that read a little
/// slower than this computer writes are to keep up with what they missed.
const MANY: usize = 250;
const CATCHING_UP: Duration = Duration::from_millis(50);

const LOST: &str =
    "the Redis of this room has lost what was said last; some heard it, some did not";
const MISSED: &str = "this server was away from the room for too long; lines are missing here";

/// Reads what happens to members anywhere.
pub struct Reader {
    room: Room,
    several: Arc<Several>,
    settings: RoomSettings,
    heard: Heard,
}

/// How far the stream was heard.
#[derive(Default)]
struct Heard {
    /// The place of the last entry.
    last: u64,
    /// The fingerprints of the last entries, that of the last one at the end.
    fingerprints: VecDeque<u64>,
}

impl Reader {
    /// One that has heard nothing yet.
    pub fn new(room: Room, several: Arc<Several>, settings: RoomSettings) -> Reader {
        Reader {
            room,
            several,
            settings,
            heard: Heard::default(),
        }
    }

    /// Has the room be as it is now, with so many of the last lines.
    ///
    /// # Errors
    /// When Redis does not say it.
    pub fn begin(&mut self, connection: &mut Connection, history: usize) -> Result<(), Failure> {
        let snapshot = stream::snapshot(connection)?;
        let mut lines = VecDeque::new();
        for entry in pages(connection, 1, snapshot.last)? {
            self.heard.add(&entry);
            let said = entry.what.ok().filter(Happening::is_said);
            lines.extend(said);
            if lines.len() > history {
                lines.pop_front();
            }
        }
        self.heard.last = snapshot.last;
        self.room.begin(snapshot.members, lines.into());
        Ok(())
    }

    /// Reads until the room is left.
    pub fn run(mut self, connection: Connection) {
        let queue = &Arc::clone(&self.several).queue;
        let mut opened = Ok(connection);
        loop {
            match opened.and_then(|open| self.follow(open)) {
                Ok(()) => return,
                Err(failure) => tracing::debug!(%failure, "cannot read the room's stream"),
            }
            if queue.pause(Instant::now() + RETRY) {
                return;
            }
            opened = connect(&self.settings);
        }
    }

    /// Hears what happens, until the room is left.
    fn follow(&mut self, mut connection: Connection) -> Result<(), Failure> {
        let queue = &Arc::clone(&self.several).queue;
        while !queue.has_stopped() {
            let last = self.heard.last;
            let (at, behind) = stream::read_behind(&mut connection, last, READ)?;
            if let Err(words) = self.heard.check(at.as_ref(), behind.first()) {
                self.go_on(&mut connection, words)?;
                continue;
            }
            let are_many = behind.len() > MANY;
            behind.iter().for_each(|entry| self.heard.add(entry));
            self.room.happen(behind);
            if are_many {
                queue.pause(Instant::now() + CATCHING_UP);
            }
        }
        Ok(())
    }

    /// Goes on where the stream is now, with what can be had of what was not heard yet.
    fn go_on(&mut self, connection: &mut Connection, words: &str) -> Result<(), Failure> {
        let snapshot = stream::snapshot(connection)?;
        let from = self.heard.first();
        let entries = pages(connection, from, snapshot.last)?;
        let is_known = |entry: &&Entry| self.heard.has(entry);
        let known = entries.iter().take_while(is_known).count();
        tracing::warn!(last = self.heard.last, now = snapshot.last, "{words}");
        self.heard = Heard::default();
        entries.iter().for_each(|entry| self.heard.add(entry));
        self.heard.last = snapshot.last;
        let lines = entries.into_iter().skip(known).collect();
        self.room.go_on(words, lines, snapshot.members);
        Ok(())
    }
}

/// All entries from one place to another.
fn pages(connection: &mut Connection, mut from: u64, to: u64) -> Result<Vec<Entry>, Failure> {
    let mut all = Vec::new();
    while from <= to {
        let page = stream::range(connection, from, to)?;
        let Some(last) = page.last() else { break };
        from = last.place + 1;
        all.extend(page);
    }
    Ok(all)
}

impl Heard {
    fn add(&mut self, entry: &Entry) {
        if self.fingerprints.len() == REMEMBERED {
            self.fingerprints.pop_front();
        }
        self.fingerprints.push_back(entry.fingerprint);
        self.last = entry.place;
    }

    /// The place of the first entry that is remembered.
    fn first(&self) -> u64 {
        (self.last + 1)
            .saturating_sub(self.fingerprints.len() as u64)
            .max(1)
    }

    /// Whether this entry was heard.
    fn has(&self, entry: &Entry) -> bool {
        let at = entry.place.checked_sub(self.first());
        let remembered = at.and_then(|at| self.fingerprints.get(usize::try_from(at).ok()?));
        remembered == Some(&entry.fingerprint)
    }

    /// Whether the stream goes on from what was heard, with what is now at the place of the last
    /// entry, and with the next one; if not, what to say.
    fn check(&self, at: Option<&Entry>, next: Option<&Entry>) -> Result<(), &'static str> {
        let is_next = next.is_none_or(|next| next.place == self.last + 1);
        match (at, self.last) {
            (Some(at), _) if !self.has(at) => Err(LOST),
            (Some(_), _) | (None, 0) if is_next => Ok(()),
            (Some(_), _) | (None, 0) => Err(MISSED),
            // Entries are kept from the end of the stream, so some are there if any were dropped.
            (None, _) if next.is_some() => Err(MISSED),
            (None, _) => Err(LOST),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(place: u64, fingerprint: u64) -> Entry {
        Entry {
            place,
            what: Err(String::new()),
            fingerprint,
        }
    }

    fn heard(entries: impl IntoIterator<Item = (u64, u64)>) -> Heard {
        let mut heard = Heard::default();
        for (place, fingerprint) in entries {
            heard.add(&entry(place, fingerprint));
        }
        heard
    }

    #[test]
    fn a_stream_that_goes_on_is_told_from_one_that_was_lost_or_missed() {
        let three = heard([(1, 10), (2, 20), (3, 30)]);
        let same = entry(3, 30);
        for (at, next, expected) in [
            (Some(&same), None, Ok(())),
            (Some(&same), Some(4), Ok(())),
            (Some(&same), Some(6), Err(MISSED)),
            (Some(&entry(3, 31)), Some(4), Err(LOST)),
            (Some(&entry(3, 31)), None, Err(LOST)),
            (None, None, Err(LOST)),
            (None, Some(9), Err(MISSED)),
        ] {
            let next = next.map(|place| entry(place, 0));
            assert_eq!(three.check(at, next.as_ref()), expected);
        }
        let nothing = heard([]);
        assert_eq!(nothing.check(None, None), Ok(()));
        assert_eq!(nothing.check(None, Some(&entry(1, 0))), Ok(()));
        assert_eq!(nothing.check(None, Some(&entry(7, 0))), Err(MISSED));
    }

    #[test]
    fn the_last_entries_are_remembered() {
        let many = REMEMBERED as u64 + 500;
        let heard = heard((1..=many).map(|place| (place, place * 7)));
        assert_eq!((heard.first(), heard.last), (501, many));
        assert!(heard.has(&entry(501, 3507)));
        assert!(!heard.has(&entry(500, 3500)), "that is long ago");
        assert!(!heard.has(&entry(600, 1)), "another one is there now");
        assert!(!heard.has(&entry(many + 1, 0)), "that is to come");
    }
}
