//! One direction of a connection through the proxy: what one end says, to the other end.
//!
//! Without faults, what one read returned is written at once. With faults, messages are held until
//! they are whole, because a fault applies to a whole message; and late ones wait here, while what
//! comes behind them is read on.

use std::io::{self, Read, Write as _};
use std::sync::Arc;
use std::time::{Duration, Instant};

use proto::atm::without_quoted_digits;
use proto::frame::Framing;
use proto::side::Direction;
use record::Closer;
use record::tap::Tap;
use wire::deadline::Waiter;
use wire::fault::FaultSchedule;
use wire::fault::outgoing::{Outgoing, Write};
use wire::fault::pause::wait_while_stopped;
use wire::fault::sending::Break;

use super::cutter::{Cut, Cutter};
use super::pair::{Over, Pair, opposite, speaker};

/// Most bytes that one read returns.
const PIECE: usize = 64 * 1024;

/// Late messages in one direction beyond which nothing is read, and their bytes. What one read
/// returned always fits.
const LATE: usize = 4_096;
const LATE_BYTES: usize = 256 * 1024;

/// One direction of a pair.
pub struct Pump {
    direction: Direction,
    pair: Arc<Pair>,
    /// Finds the messages, for the faults and for the recording.
    cutter: Option<Cutter>,
    faults: Option<PumpFaults>,
    has_warned: bool,
    waiter: Waiter,
    has_cut: bool,
}

impl Pump {
    /// This direction of the pair, with nothing done to it.
    pub fn new(pair: &Arc<Pair>, direction: Direction, framing: Framing) -> Pump {
        let is_recorded = pair.source_tap(direction).is_some();
        Pump {
            direction,
            pair: Arc::clone(pair),
            cutter: is_recorded.then(|| Cutter::new(framing)),
            faults: None,
            has_warned: false,
            waiter: Waiter::default(),
            has_cut: false,
        }
    }

    /// Puts the messages under this schedule. One that is not whole after `hold` is passed on as it
    /// is, and what follows too.
    #[must_use]
    pub fn under(mut self, schedule: FaultSchedule, framing: Framing, hold: Duration) -> Pump {
        self.cutter = Some(Cutter::new(framing));
        self.faults = Some(PumpFaults::new(schedule, hold));
        self
    }

    /// Passes on all that is said, to the end of the stream. `on_read` is called when something
    /// was.
    pub fn run(mut self, on_read: impl Fn()) {
        let ended = match self.pass_all(on_read) {
            Ok(()) => {
                self.pair.finish(self.direction);
                return self.pair.leave(self.direction);
            }
            Err(over) => over,
        };
        self.pair.end(&ended);
        if self.has_cut {
            self.pair.close_after_cut(self.direction);
        } else if self.pair.over() == Some(Over::Fault(Break::Cut)) {
            self.pair.discard(self.direction);
        }
        self.pair.leave(self.direction);
    }

    fn pass_all(&mut self, on_read: impl Fn()) -> Result<(), Over> {
        let mut piece = vec![0; PIECE];
        loop {
            self.write_due()?;
            if let Some(due) = self.faults.as_ref().and_then(PumpFaults::reads_not_before) {
                self.pair.wait_until(due)?;
                continue;
            }
            match self.read(&mut piece)? {
                Some(0) => break,
                Some(length) => {
                    on_read();
                    self.pass(&piece[..length])?;
                }
                None => self.hold_no_longer()?,
            }
        }
        if let Some(tap) = self.pair.source_tap(self.direction) {
            tap.half_closed(Closer::Peer);
        }
        self.give_up("the stream ended inside a message")?;
        while let Some(due) = self.faults.as_ref().and_then(PumpFaults::first_due) {
            self.pair.wait_until(due)?;
            self.write_due()?;
        }
        let held = self.faults.as_mut().and_then(|it| it.outgoing.take_held());
        held.map_or(Ok(()), |held| self.write_recorded(&held.into()))
    }

    /// Reads once; `None` when it is time to do something else first.
    fn read(&mut self, piece: &mut [u8]) -> Result<Option<usize>, Over> {
        let by = self.faults.as_ref().and_then(PumpFaults::next_deadline);
        loop {
            let wait = by.map(|by| by.saturating_duration_since(Instant::now()));
            if wait.is_some_and(|wait| wait.is_zero()) {
                return Ok(None);
            }
            let mut source = self.pair.source(self.direction);
            let may_read = self.waiter.may_read(source, wait);
            if !may_read.map_err(|error| self.lost(&error))? {
                if let Some(over) = self.pair.over() {
                    return Err(over);
                }
                continue;
            }
            let read = source.read(piece);
            wait_while_stopped();
            if let Some(over) = self.pair.over() {
                return Err(over);
            }
            match read {
                Ok(0) if self.pair.is_reset_unseen(self.direction) => {
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
        let Some(cutter) = &mut self.cutter else {
            return self.write(piece);
        };
        let came = Instant::now();
        cutter.push(piece);
        if let Some(tap) = self.pair.source_tap(self.direction) {
            tap.read(piece.len(), PIECE, cutter.held(), None);
        }
        if self.faults.is_none() {
            return self.pass_at_once(piece);
        }
        while !self.faults.as_ref().is_some_and(PumpFaults::ends)
            && let Some(cut) = self.cutter.as_mut().and_then(Cutter::next_cut)
        {
            self.came(&cut);
            if let Some(faults) = &mut self.faults {
                faults.held_since = None;
                match cut {
                    Cut::Message(bytes) => {
                        let mut sending = faults.outgoing.decide(bytes, false, came);
                        sending.record(self.pair.destination_tap(self.direction));
                        if !sending.is_lost() {
                            faults.outgoing.push(sending);
                        }
                    }
                    Cut::Loose(bytes, _) => faults.outgoing.push_unaffected(bytes, came),
                }
                self.write_due()?;
            }
        }
        if let (Some(faults), Some(cutter)) = (&mut self.faults, &self.cutter)
            && cutter.is_inside_message()
        {
            faults.held_since.get_or_insert(came);
        }
        Ok(())
    }

    /// As it came, and only recorded message by message.
    fn pass_at_once(&mut self, piece: &[u8]) -> Result<(), Over> {
        let cuts: Vec<_> =
            std::iter::from_fn(|| self.cutter.as_mut().and_then(Cutter::next_cut)).collect();
        cuts.iter().for_each(|cut| self.came(cut));
        let moment = self.pair.destination_tap(self.direction).map(Tap::now);
        self.write(piece)?;
        if let (Some(tap), Some(moment)) = (self.pair.destination_tap(self.direction), moment) {
            cuts.iter().for_each(|cut| tap.sent(moment, cut.bytes()));
        }
        Ok(())
    }

    /// Has recorded what came, and warns once when it is no message.
    fn came(&mut self, cut: &Cut) {
        let tap = self.pair.source_tap(self.direction);
        match cut {
            Cut::Message(bytes) => {
                if let Some(tap) = tap {
                    tap.received(&bytes[..]);
                }
            }
            Cut::Loose(bytes, words) => {
                if let Some(tap) = tap {
                    tap.unreadable(&bytes[..], words);
                }
                if !std::mem::replace(&mut self.has_warned, true) {
                    // Between a cash machine and its bank, it may be a card or a PIN.
                    let (who, words) = (speaker(self.direction), without_quoted_digits(words));
                    tracing::warn!(
                        "{who} said what is no message, and it passes as it is: {words}"
                    );
                }
            }
        }
    }

    /// A message was not whole in time.
    fn hold_no_longer(&mut self) -> Result<(), Over> {
        if let Some(faults) = &mut self.faults
            && faults.is_held_too_long()
        {
            faults.held_since = None;
            let seconds = faults.hold.as_secs_f32();
            self.give_up(&format!("a message was not complete after {seconds} s"))?;
        }
        Ok(())
    }

    /// What is held goes on as it is.
    fn give_up(&mut self, reason: &str) -> Result<(), Over> {
        let Some(cutter) = self.cutter.as_mut().filter(|it| it.is_inside_message()) else {
            return Ok(());
        };
        let cut = Cut::Loose(cutter.give_up(), reason.to_owned());
        self.came(&cut);
        match &mut self.faults {
            Some(faults) => {
                let bytes = cut.bytes().to_vec();
                faults.outgoing.push_unaffected(bytes, Instant::now());
                self.write_due()
            }
            // It went on when it came.
            None => {
                if let Some(tap) = self.pair.destination_tap(self.direction) {
                    tap.sent(tap.now(), cut.bytes());
                }
                Ok(())
            }
        }
    }

    /// Writes the messages that are due, and what waited long enough for a next one.
    fn write_due(&mut self) -> Result<(), Over> {
        let tap = self.pair.destination_tap(self.direction);
        while let Some(faults) = &mut self.faults
            && let Some(sending) = faults.outgoing.pop_due(Instant::now())
        {
            sending.pause(tap);
            let (write, end) = faults.outgoing.write(sending, Instant::now());
            if let Some(write) = write {
                self.write_recorded(&write)?;
            }
            if let Some(how) = end {
                self.has_cut = how == Break::Cut;
                return Err(Over::Fault(how));
            }
        }
        let faults = self.faults.as_mut();
        let held = faults.and_then(|it| it.outgoing.take_overdue(Instant::now()));
        held.map_or(Ok(()), |held| self.write_recorded(&held.into()))
    }

    fn write_recorded(&self, write: &Write) -> Result<(), Over> {
        let tap = self.pair.destination_tap(self.direction);
        let moment = tap.map(Tap::now);
        for (wait, segment) in write.segments() {
            if !wait.is_zero() {
                self.pair.wait_until(Instant::now() + wait)?;
            }
            self.write(segment)?;
        }
        if let (Some(tap), Some(moment)) = (tap, moment) {
            tap.written(moment, &write.batch, write.batch.bytes.len());
        }
        Ok(())
    }

    /// Writes all of it, for as long as it takes: an end that does not read is not read from the
    /// other end either.
    fn write(&self, mut bytes: &[u8]) -> Result<(), Over> {
        let mut destination = self.pair.destination(self.direction);
        wait_while_stopped();
        while !bytes.is_empty() {
            match destination.write(bytes) {
                Ok(length) => bytes = &bytes[length..],
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if is_a_timeout(&error) => self.pair.look_for_reset(self.direction)?,
                Err(error) => {
                    let reader = opposite(self.direction);
                    let over = self.pair.over();
                    return Err(over.unwrap_or_else(|| Over::lost(reader, &error)));
                }
            }
        }
        Ok(())
    }

    fn lost(&self, error: &io::Error) -> Over {
        Over::lost(self.direction, error)
    }
}

/// What a direction needs that is under faults.
#[derive(Debug)]
struct PumpFaults {
    /// Its messages that are not written yet.
    outgoing: Outgoing,
    /// Longest time from the first byte of a message to its last.
    hold: Duration,
    /// When the first byte of the message that is held came.
    held_since: Option<Instant>,
}

impl PumpFaults {
    /// No message came yet. One that is not whole after `hold` is no longer held.
    fn new(schedule: FaultSchedule, hold: Duration) -> PumpFaults {
        PumpFaults {
            outgoing: Outgoing::new(schedule),
            hold,
            held_since: None,
        }
    }

    /// Whether the last message is there that is written: the connection ends with it.
    fn ends(&self) -> bool {
        let last = self.outgoing.queue().back();
        last.is_some_and(|last| last.end().is_some())
    }

    /// Until when nothing is read, because enough is late, or nothing may follow.
    fn reads_not_before(&self) -> Option<Instant> {
        let late = self.outgoing.queue();
        let bytes = || late.iter().map(|late| late.bytes.len()).sum::<usize>();
        let is_full = late.len() > LATE || bytes() > LATE_BYTES;
        self.first_due().filter(|_| is_full || self.ends())
    }

    /// When something is to be done although nothing came.
    fn next_deadline(&self) -> Option<Instant> {
        let held = self.held_since.map(|since| since + self.hold);
        let held_back = self.outgoing.held_until();
        [held, self.first_due(), held_back]
            .into_iter()
            .flatten()
            .min()
    }

    /// Whether the message that is held is not whole in time.
    fn is_held_too_long(&self) -> bool {
        self.held_since
            .is_some_and(|since| since.elapsed() >= self.hold)
    }

    /// When the first late bytes are due.
    fn first_due(&self) -> Option<Instant> {
        self.outgoing.queue().front().map(|late| late.due)
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
