//! One direction of a connection through the proxy: what one end says, to the other end.
//!
//! Without faults, what one read returned is written at once. With faults, messages are held until
//! they are whole, because a fault strikes a whole message; and late ones wait here, while what
//! comes behind them is read on.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use proto::frame::Framing;
use wire::fault::stream::Timetable;
use wire::fault::{Direction, Schedule, Verdict};

use super::cutter::{Cut, Cutter};
use super::pair::{Over, Pair, opposite, speaker, words};

/// Most bytes that one read returns.
pub const PIECE: usize = 64 * 1024;

/// Bytes of late messages in one direction beyond which nothing is read. One message always fits.
const LATE: usize = 256 * 1024;

/// One direction of a pair.
pub struct Pump {
    way: Direction,
    pair: Arc<Pair>,
    faults: Option<Faulty>,
    /// What [`std::net::TcpStream::set_read_timeout`] was told last.
    read_timeout: Option<Duration>,
    has_cut: bool,
}

/// What a direction needs that is under faults.
struct Faulty {
    schedule: Schedule,
    cutter: Cutter,
    /// Longest time from the first byte of a message to its last.
    hold: Duration,
    /// When the first byte of the message that is held came.
    held_since: Option<Instant>,
    has_complained: bool,
    timetable: Timetable,
    late: VecDeque<Late>,
    late_bytes: usize,
}

struct Late {
    due: Instant,
    bytes: Vec<u8>,
    /// How often they are written.
    copies: u8,
    /// Nothing comes after it.
    is_last: bool,
}

impl Pump {
    /// This direction of the pair, with nothing done to it.
    pub fn new(pair: &Arc<Pair>, way: Direction) -> Pump {
        Pump {
            way,
            pair: Arc::clone(pair),
            faults: None,
            read_timeout: None,
            has_cut: false,
        }
    }

    /// Puts the messages under this schedule. One that is not whole after `hold` is passed on as it
    /// is, and what follows too.
    #[must_use]
    pub fn under(mut self, schedule: Schedule, framing: Framing, hold: Duration) -> Pump {
        self.faults = Some(Faulty {
            schedule,
            cutter: Cutter::new(framing),
            hold,
            held_since: None,
            has_complained: false,
            timetable: Timetable::default(),
            late: VecDeque::new(),
            late_bytes: 0,
        });
        self
    }

    /// Passes on all that is said, to the end of the stream. `on_first` is called when something
    /// was.
    pub fn run(mut self, on_first: impl FnOnce()) {
        let ended = match self.pass_all(on_first) {
            Ok(()) => {
                self.pair.finish(self.way);
                return self.pair.leave(self.way);
            }
            Err(over) => over,
        };
        self.pair.end(&ended);
        if self.has_cut {
            self.pair.close_after_cut(self.way);
        } else if self.pair.over() == Some(Over::Cut) {
            self.pair.discard_after_cut(self.way);
        }
        self.pair.leave(self.way);
    }

    fn pass_all(&mut self, on_first: impl FnOnce()) -> Result<(), Over> {
        let mut on_first = Some(on_first);
        let mut piece = vec![0; PIECE];
        loop {
            self.write_due()?;
            if let Some(due) = self.faults.as_ref().and_then(Faulty::reads_not_before) {
                self.pair.wait_until(due)?;
                continue;
            }
            match self.read(&mut piece)? {
                Some(0) => break,
                Some(length) => {
                    if let Some(on_first) = on_first.take() {
                        on_first();
                    }
                    self.pass(&piece[..length])?;
                }
                None => self.hold_no_longer()?,
            }
        }
        if let Some(faults) = &mut self.faults
            && faults.cutter.is_inside_message()
        {
            let rest = faults.cutter.give_up();
            self.put_loose(rest, "the stream ended inside a message", Instant::now())?;
        }
        while let Some(first) = self.faults.as_ref().and_then(|faults| faults.late.front()) {
            self.pair.wait_until(first.due)?;
            self.write_due()?;
        }
        Ok(())
    }

    /// Reads once; `None` when it is time to do something else first.
    fn read(&mut self, piece: &mut [u8]) -> Result<Option<usize>, Over> {
        let by = self.faults.as_ref().and_then(Faulty::next_deadline);
        loop {
            let wait = by.map(|by| by.saturating_duration_since(Instant::now()));
            if wait.is_some_and(|wait| wait.is_zero()) {
                return Ok(None);
            }
            // The kernel takes zero for "no timeout".
            let wait = wait.map(|wait| wait.max(Duration::from_millis(1)));
            let mut source = self.pair.source(self.way);
            if wait != self.read_timeout {
                source.set_read_timeout(wait).map_err(|e| self.lost(&e))?;
                self.read_timeout = wait;
            }
            let read = source.read(piece);
            if let Some(over) = self.pair.over() {
                return Err(over);
            }
            match read {
                Ok(0) if self.pair.is_reset_unseen(self.way) => {
                    return Err(self.lost(&io::ErrorKind::ConnectionReset.into()));
                }
                Ok(length) => return Ok(Some(length)),
                Err(error) if is_a_timeout(&error) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.lost(&error)),
            }
        }
    }

    /// What was read goes on: at once, or as the faults say.
    fn pass(&mut self, piece: &[u8]) -> Result<(), Over> {
        let Some(faults) = &mut self.faults else {
            return self.write(piece);
        };
        let came = Instant::now();
        faults.cutter.push(piece);
        while let Some(faults) = &mut self.faults
            && !faults.ends()
            && let Some(cut) = faults.cutter.next_cut()
        {
            faults.held_since = None;
            match cut {
                Cut::Message(message) => {
                    if let Some(late) = faults.strike(message, came) {
                        self.put(late)?;
                    }
                }
                Cut::Loose(bytes, words) => self.put_loose(bytes, &words, came)?,
            }
        }
        if let Some(faults) = &mut self.faults
            && faults.cutter.is_inside_message()
        {
            faults.held_since.get_or_insert(came);
        }
        Ok(())
    }

    /// A message was not whole in time.
    fn hold_no_longer(&mut self) -> Result<(), Over> {
        if let Some(faults) = &mut self.faults
            && let Some(since) = faults.held_since
            && since.elapsed() >= faults.hold
        {
            faults.held_since = None;
            let seconds = faults.hold.as_secs_f32();
            let bytes = faults.cutter.give_up();
            let words = format!("a message was not complete after {seconds} s");
            self.put_loose(bytes, &words, Instant::now())?;
        }
        Ok(())
    }

    /// Bytes that make no message are not struck, and keep their place.
    fn put_loose(&mut self, bytes: Vec<u8>, reason: &str, came: Instant) -> Result<(), Over> {
        let Some(faults) = &mut self.faults else {
            return self.write(&bytes);
        };
        if !std::mem::replace(&mut faults.has_complained, true) {
            let who = speaker(self.way);
            tracing::warn!("{who} said what is no message, which no fault strikes: {reason}");
        }
        let due = faults.timetable.due(came, Duration::ZERO);
        self.put(Late {
            due,
            bytes,
            copies: 1,
            is_last: false,
        })
    }

    fn put(&mut self, late: Late) -> Result<(), Over> {
        match &mut self.faults {
            Some(faults) if !faults.late.is_empty() || late.due > Instant::now() => {
                faults.late_bytes += late.bytes.len();
                faults.late.push_back(late);
                Ok(())
            }
            Some(_) | None => self.write_late(&late),
        }
    }

    fn write_due(&mut self) -> Result<(), Over> {
        while let Some(late) = self.faults.as_mut().and_then(Faulty::take_due) {
            self.write_late(&late)?;
        }
        Ok(())
    }

    fn write_late(&mut self, late: &Late) -> Result<(), Over> {
        for _ in 0..late.copies {
            self.write(&late.bytes)?;
        }
        if late.is_last {
            self.has_cut = true;
            return Err(Over::Cut);
        }
        Ok(())
    }

    /// Writes all of it, for as long as it takes: an end that does not read is not read from the
    /// other end either.
    fn write(&self, mut bytes: &[u8]) -> Result<(), Over> {
        let mut destination = self.pair.destination(self.way);
        while !bytes.is_empty() {
            match destination.write(bytes) {
                Ok(length) => bytes = &bytes[length..],
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if is_a_timeout(&error) => self.pair.look_for_reset(self.way)?,
                Err(error) => {
                    let reader = opposite(self.way);
                    let over = self.pair.over();
                    return Err(over.unwrap_or_else(|| Over::Reset(words(reader, &error))));
                }
            }
        }
        Ok(())
    }

    fn lost(&self, error: &io::Error) -> Over {
        Over::Reset(words(self.way, error))
    }
}

impl Faulty {
    /// Whether the last message is there that is written: it will be cut.
    fn ends(&self) -> bool {
        self.late.back().is_some_and(|late| late.is_last)
    }

    /// Until when nothing is read, because enough is late, or nothing may follow.
    fn reads_not_before(&self) -> Option<Instant> {
        let first = self.late.front()?;
        (self.late_bytes > LATE || self.ends()).then_some(first.due)
    }

    fn take_due(&mut self) -> Option<Late> {
        let is_due = self.late.front()?.due <= Instant::now();
        let late = if is_due { self.late.pop_front() } else { None }?;
        self.late_bytes -= late.bytes.len();
        Some(late)
    }

    /// When something is to be done although nothing came.
    fn next_deadline(&self) -> Option<Instant> {
        let held = self.held_since.map(|since| since + self.hold);
        let late = self.late.front().map(|late| late.due);
        held.into_iter().chain(late).min()
    }

    /// What is left of a message after the faults.
    fn strike(&mut self, mut message: Vec<u8>, came: Instant) -> Option<Late> {
        let fate = self.schedule.next_fate();
        match fate.verdict {
            Verdict::Drop => return None,
            Verdict::Cut => message.truncate(message.len() / 2),
            Verdict::Pass | Verdict::Duplicate | Verdict::Error | Verdict::Reorder => {}
        }
        Some(Late {
            due: self.timetable.due(came, fate.delay),
            bytes: message,
            copies: if fate.verdict == Verdict::Duplicate {
                2
            } else {
                1
            },
            is_last: fate.verdict == Verdict::Cut,
        })
    }
}

/// Whether a socket's timeout ended a read or a write. On Unix, `TimedOut` is about the connection:
/// the other machine no longer answers.
fn is_a_timeout(error: &io::Error) -> bool {
    match error.kind() {
        io::ErrorKind::WouldBlock => true,
        io::ErrorKind::TimedOut => cfg!(windows),
        _ => false,
    }
}
