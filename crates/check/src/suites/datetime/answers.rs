//! The answers of a server of date and time: their form, and what they say.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::datagrams::Datagrams;
use crate::verdict::{Came, Expected, Failure, Outcome};

/// Numbers of the server's local time, as they are written.
pub type Numbers = [u32; 3];

/// The three numbers of this form, as `1234-12-12`, in which each digit stands for one.
fn numbers(text: &str, form: &str) -> Option<Numbers> {
    let is_like = |(one, like): (char, char)| match like.is_ascii_digit() {
        true => one.is_ascii_digit(),
        false => one == like,
    };
    if text.len() != form.len() || !text.chars().zip(form.chars()).all(is_like) {
        return None;
    }
    let mut numbers = text.split(|c: char| !c.is_ascii_digit());
    let mut next = || numbers.next()?.parse().ok();
    Some([next()?, next()?, next()?])
}

fn date_of(answer: &[u8]) -> Option<Numbers> {
    let text = str::from_utf8(answer).ok()?.strip_prefix("OK ")?;
    let date @ [_, month, day] = numbers(text, "1234-12-12")?;
    ((1..=12).contains(&month) && (1..=31).contains(&day)).then_some(date)
}

fn time_of(answer: &[u8]) -> Option<Numbers> {
    let text = str::from_utf8(answer).ok()?.strip_prefix("OK ")?;
    let time @ [hour, minute, second] = numbers(text, "12:12:12")?;
    // A minute may have a leap second.
    (hour < 24 && minute < 60 && second <= 60).then_some(time)
}

/// The answer to a request for the date.
pub fn date(socket: &mut Datagrams, request: &[u8]) -> Result<Numbers, Failure> {
    asked(
        socket,
        request,
        date_of,
        "OK and a date, as in `OK 2026-11-21`",
    )
}

/// The answer to a request for the time.
pub fn time(socket: &mut Datagrams, request: &[u8]) -> Result<Numbers, Failure> {
    asked(
        socket,
        request,
        time_of,
        "OK and a time, as in `OK 07:44:16`",
    )
}

fn asked(
    socket: &mut Datagrams,
    request: &[u8],
    read: fn(&[u8]) -> Option<Numbers>,
    expected: &str,
) -> Result<Numbers, Failure> {
    socket.send(request)?;
    let answer = socket.receive(expected)?;
    match read(&answer) {
        Some(numbers) => Ok(numbers),
        None => socket.found(Expected::Described(expected.into()), Came::Message(answer)),
    }
}

/// A request that is answered, in whatever form.
pub fn is_answered(socket: &mut Datagrams, request: &[u8]) -> Result<Vec<u8>, Failure> {
    socket.send(request)?;
    let answer = socket.receive("OK …")?;
    match answer.starts_with(b"OK ") {
        true => Ok(answer),
        false => socket.found(Expected::Described("OK …".into()), Came::Message(answer)),
    }
}

/// This is refused with this code, whatever the words behind it.
pub fn is_refused(socket: &mut Datagrams, request: &[u8], code: &str) -> Outcome {
    socket.send(request)?;
    let refusal = format!("ERR {code}");
    let answer = socket.receive(&refusal)?;
    let rest = answer.strip_prefix(refusal.as_bytes());
    match rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(b" ")) {
        true => Ok(()),
        false => socket.found(Expected::Message(refusal.into()), Came::Message(answer)),
    }
}

/// These are not answered: what comes is the answers to the requests after them.
pub fn unanswered(socket: &mut Datagrams, datagrams: &[&[u8]]) -> Outcome {
    let date = is_answered(socket, b"SEND_DATE")?;
    for datagram in datagrams {
        socket.send(datagram)?;
        let answer = is_answered(socket, b"SEND_DATE");
        answer
            .and_then(|answer| is_date(socket, answer, &date))
            .map_err(|failure| after(failure, datagram))?;
    }
    // An answer that took its time.
    is_answered(socket, b"SEND_DATE").and_then(|answer| is_date(socket, answer, &date))
}

/// In whatever form, this is the date, which was that before.
pub fn is_date(socket: &Datagrams, answer: Vec<u8>, before: &[u8]) -> Outcome {
    // Midnight may have come.
    match answer == before || date_of(&answer).is_some() {
        true => Ok(()),
        false => socket.found(Expected::Message(before.into()), Came::Message(answer)),
    }
}

/// The failure, where what was sent first is the matter.
fn after(mut failure: Failure, sent: &[u8]) -> Failure {
    if let Failure::Broken(finding) = &mut failure
        && matches!(finding.came, Came::Message(_))
    {
        finding.sent = sent.to_vec();
        finding.expected = Expected::Described("no answer to this".into());
    }
    failure
}

/// The time since 1970.
pub fn now() -> Duration {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap_or_default()
}

/// Days from 1970 to this date of the Gregorian calendar.
pub fn days([year, month, day]: Numbers) -> i64 {
    // Counted from March, so that a leap day is the last of its year.
    let (year, month, day) = (i64::from(year), i64::from(month), i64::from(day));
    let (year, month) = match month > 2 {
        true => (year, month - 3),
        false => (year - 1, month + 9),
    };
    let before = year * 365 + year / 4 - year / 100 + year / 400;
    before + (month * 153 + 2) / 5 + day - 1 - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_counted_from_1970_over_leap_years() {
        for (date, day) in [
            ([1970, 1, 1], 0),
            ([1969, 12, 31], -1),
            ([2000, 2, 29], 11_016),
            ([2000, 3, 1], 11_017),
            ([2026, 11, 27], 20_784),
        ] {
            assert_eq!(days(date), day, "{date:?}");
        }
    }

    #[test]
    fn a_date_and_a_time_have_one_form() {
        assert_eq!(date_of(b"OK 2026-11-21"), Some([2026, 11, 21]));
        assert_eq!(time_of(b"OK 07:44:16"), Some([7, 44, 16]));
        for wrong in [
            "2026-11-21",
            "OK 21-11-2026",
            "OK 2026-13-01",
            "OK 2026-1-01",
            "OK 2026-11-21\n",
            "OK 2026-11-00",
            "OK ٢٠٢٦-11-21",
            "OK 07:44:16",
        ] {
            assert_eq!(date_of(wrong.as_bytes()), None, "{wrong}");
        }
        for wrong in [
            "OK 7:44:16",
            "OK 24:00:00",
            "OK 07:44:16 AM",
            "OK 07:60:00",
            "OK 07.44.16",
        ] {
            assert_eq!(time_of(wrong.as_bytes()), None, "{wrong}");
        }
    }
}
