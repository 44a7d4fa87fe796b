//! How far the clock of the time service is from this computer's.
//!
//! The answers have whole seconds and no time zone, so no more can be told than that.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use commandline::finding::Finding;
use jiff::civil::{Date, DateTime, Time};
use jiff::{SignedDuration, Unit, Zoned};
use proto::datetime::{Answer, Request};
use proto::mode::Mode;

use crate::clock::Clock;
use crate::session::Target;

/// How often a question is sent that may be lost.
const TRIES: u32 = 3;

/// Every zone's offset from UTC is a multiple of it, in this century.
const ZONES: SignedDuration = SignedDuration::from_mins(15);

/// Two clocks that are right may show seconds that differ by one, and the answer takes its time.
const NEAR: SignedDuration = SignedDuration::from_secs(2);

/// What both clocks showed at the same moment, each in its own zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    server: DateTime,
    here: DateTime,
}

/// Asks the time service at this address; `None` when no answer came within `timeout`.
///
/// # Errors
/// When the system says that nothing is there, or there is no way to it.
pub fn ask(at: SocketAddr, timeout: Duration) -> io::Result<Option<Reading>> {
    let target = Target::new(Mode::Datetime, at.to_string(), timeout);
    let mut clock = Clock::open(&target).map_err(|error| io::Error::other(error.to_string()))?;
    let began = Instant::now();
    for attempt in 1..=TRIES {
        let by = began + timeout * attempt / TRIES;
        let mut ask = |request| clock.ask_once(request, by, || {});
        let before = ask(Request::Date)?;
        let asked = Zoned::now();
        let Some(Ok(Answer::Time {
            hour,
            minute,
            second,
        })) = ask(Request::Time)?
        else {
            continue;
        };
        let answered = Zoned::now();
        // Between the two questions a day may end.
        let after = ask(Request::Date)?;
        if before != after {
            continue;
        }
        let Some(Ok(Answer::Date { year, month, day })) = before else {
            continue;
        };
        let (Ok(date), Ok(time)) = (
            Date::new(year as i16, month as i8, day as i8),
            Time::new(hour as i8, minute as i8, second.min(59) as i8, 0),
        ) else {
            continue;
        };
        let half = asked.duration_until(&answered) / 2;
        let here = asked.datetime().saturating_add(half);
        let server = DateTime::from_parts(date, time);
        return Ok(Some(Reading { server, here }));
    }
    Ok(None)
}

/// What that says about the two clocks.
pub fn judge(reading: Reading) -> Finding {
    let Reading { server, here } = reading;
    let ahead = here.duration_until(server);
    let zones = (ahead.as_secs_f64() / ZONES.as_secs_f64()).round() as i32;
    let off = ahead - ZONES * zones;
    // The server leaves out the parts of a second, which are half of one in the middle.
    let shows = format!("the time service shows {server}");
    let is_near = off.abs() <= NEAR;
    if is_near && zones == 0 {
        let seen = format!("{shows}, as this computer does to the second or two");
        return Finding::good(seen);
    }
    let words = |by: SignedDuration| {
        let rounded = by.abs().round(Unit::Second).unwrap_or(by.abs());
        let side = if by.is_negative() {
            "behind"
        } else {
            "ahead of"
        };
        format!("{rounded:#} {side} this computer")
    };
    if is_near {
        return Finding::warning(
            format!(
                "{shows}, {}: another time zone, or a clock that is off",
                words(ZONES * zones)
            ),
            "its answers have no zone: `date` on both computers shows theirs",
        );
    }
    Finding::warning(
        format!("{shows}, {}", words(ahead)),
        "have both clocks set over the network, on Linux by `timedatectl set-ntp true`",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use commandline::finding::State;
    use jiff::civil::datetime;

    fn judged(server: DateTime) -> Finding {
        let here = datetime(2026, 11, 28, 23, 59, 59, 400_000_000);
        judge(Reading { server, here })
    }

    #[test]
    fn a_clock_that_shows_the_same_second_or_the_next_is_right() {
        for server in [
            datetime(2026, 11, 28, 23, 59, 59, 0),
            datetime(2026, 11, 29, 0, 0, 0, 0),
            datetime(2026, 11, 28, 23, 59, 58, 0),
        ] {
            assert_eq!(judged(server).state, State::Good, "{server}");
        }
    }

    #[test]
    fn a_clock_that_is_off_is_a_warning_with_how_far() {
        let found = judged(datetime(2026, 11, 29, 0, 1, 0, 0));
        assert_eq!(found.state, State::Warning);
        let seen = "the time service shows 2026-11-29T00:01:00, 1m 1s ahead of this computer";
        assert_eq!(found.seen, seen);
        let found = judged(datetime(2026, 11, 28, 23, 59, 30, 0));
        assert!(found.seen.ends_with("29s behind this computer"), "{found}");
    }

    #[test]
    fn quarters_of_an_hour_are_perhaps_a_zone() {
        let found = judged(datetime(2026, 11, 29, 5, 44, 59, 0));
        assert_eq!(found.state, State::Warning);
        let seen = "5h 45m ahead of this computer: another time zone, or a clock that is off";
        assert!(found.seen.ends_with(seen), "{found}");
        let found = judged(datetime(2026, 11, 28, 23, 0, 0, 0));
        assert!(
            found.seen.contains("1h behind this computer: another"),
            "{found}"
        );
    }
}
