//! Date and time, over UDP.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rand::RngExt;

use crate::case::Case;
use crate::datagrams::Datagrams;
use crate::server::Server;
use crate::verdict::{Came, Expected, Failure, Outcome};

/// The cases of the server of date and time.
pub const CASES: &[Case] = &[
    Case::must(
        "date.format",
        "datetime",
        "SEND_DATE is answered with `OK` and the date as YYYY-MM-DD.",
        date_format,
    )
    .points(2)
    .cause("the language's own form of a date was sent: ask it for ISO 8601"),
    Case::must(
        "time.format",
        "datetime",
        "SEND_TIME is answered with `OK` and the time as HH:MM:SS, in 24 hours.",
        time_format,
    )
    .points(2)
    .cause("hours of a 12-hour clock, or a number without its leading zero"),
    Case::should(
        "date.now",
        "datetime",
        "The date is today's, wherever the server is.",
        date_now,
    ),
    Case::should(
        "time.now",
        "datetime",
        "The time is the present one, in some time zone.",
        time_now,
    ),
    Case::must(
        "question.white-space",
        "datetime",
        "White space around a request is ignored.",
        white_space,
    )
    .cause("`echo SEND_DATE | nc -u` sends a line feed as well"),
    Case::must(
        "question.whole",
        "datetime",
        "A request is a whole word in capitals: `SEND_DATES` and `send_date` are `unknown-verb`.",
        whole,
    )
    .cause("the request was compared by its beginning, or in any case"),
    Case::must(
        "refusal.not-utf8",
        "datetime",
        "A datagram that is not UTF-8 is refused with `malformed`, and the next one is answered.",
        not_utf8,
    )
    .points(2)
    .cause("bytes were decoded without a thought of those that are no text"),
    Case::must(
        "refusal.no-words",
        "datetime",
        "A refusal is its code and no words, so that no answer is much longer than its request.",
        no_words,
    )
    .cause("a forged source makes of long answers an attack on somebody else"),
    Case::must(
        "unanswered.blank",
        "datetime",
        "A datagram of only white space is not answered.",
        blank,
    ),
    Case::must(
        "unanswered.quit",
        "datetime",
        "QUIT is not answered: over UDP there is nothing to be closed.",
        quit,
    ),
    Case::must(
        "unanswered.answers",
        "datetime",
        "What begins with the word of an answer, `OK`, `ERR`, `READY` or `EVENT`, is not answered; `OKAY` is.",
        answers,
    )
    .points(2)
    .cause("two servers that answer everything answer each other without end"),
    Case::must(
        "many",
        "datetime",
        "Thirty requests of one client are each answered by their own kind.",
        many,
    ),
    Case::must(
        "clients",
        "datetime",
        "Each request is answered to its own source.",
        clients,
    ),
    Case::must(
        "garbage",
        "over-udp",
        "Whatever a datagram has in it, the next one is answered.",
        garbage,
    )
    .points(2)
    .cause("an exception at one datagram must not end the loop over all of them"),
    Case::must(
        "restart",
        "over-udp",
        "The server keeps nothing: killed and started again, it answers the same client.",
        restart,
    )
    .seconds(1),
];

/// Numbers of the server's local time, as they are written.
type Numbers = [u32; 3];

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
fn date(socket: &mut Datagrams, request: &[u8]) -> Result<Numbers, Failure> {
    asked(
        socket,
        request,
        date_of,
        "OK and a date, as in `OK 2026-11-21`",
    )
}

/// The answer to a request for the time.
fn time(socket: &mut Datagrams, request: &[u8]) -> Result<Numbers, Failure> {
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
fn is_answered(socket: &mut Datagrams, request: &[u8]) -> Result<Vec<u8>, Failure> {
    socket.send(request)?;
    let answer = socket.receive("OK …")?;
    match answer.starts_with(b"OK ") {
        true => Ok(answer),
        false => socket.found(Expected::Described("OK …".into()), Came::Message(answer)),
    }
}

/// This is refused with this code, whatever the words behind it.
fn is_refused(socket: &mut Datagrams, request: &[u8], code: &str) -> Outcome {
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
fn unanswered(socket: &mut Datagrams, datagrams: &[&[u8]]) -> Outcome {
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

fn date_format(server: &Server) -> Outcome {
    date(&mut server.datagrams()?, b"SEND_DATE").map(drop)
}

fn time_format(server: &Server) -> Outcome {
    time(&mut server.datagrams()?, b"SEND_TIME").map(drop)
}

fn now() -> Duration {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap_or_default()
}

/// Days from 1970 to this date of the Gregorian calendar.
fn days([year, month, day]: Numbers) -> i64 {
    // Counted from March, so that a leap day is the last of its year.
    let (year, month, day) = (i64::from(year), i64::from(month), i64::from(day));
    let (year, month) = match month > 2 {
        true => (year, month - 3),
        false => (year - 1, month + 9),
    };
    let before = year * 365 + year / 4 - year / 100 + year / 400;
    before + (month * 153 + 2) / 5 + day - 1 - 719_468
}

fn date_now(server: &Server) -> Outcome {
    let mut socket = server.datagrams()?;
    let date = date(&mut socket, b"SEND_DATE")?;
    let today = i64::try_from(now().as_secs() / 86_400).unwrap_or(0);
    match (days(date) - today).abs() <= 1 {
        true => Ok(()),
        false => Err(Failure::because(
            "today's date, in any time zone",
            format!("{:04}-{:02}-{:02}", date[0], date[1], date[2]),
        )),
    }
}

fn time_now(server: &Server) -> Outcome {
    let mut socket = server.datagrams()?;
    let [hour, minute, second] = time(&mut socket, b"SEND_TIME")?;
    // Time zones differ by whole quarters of an hour.
    const QUARTER: i64 = 15 * 60;
    let theirs = i64::from(minute * 60 + second) % QUARTER;
    let ours = i64::try_from(now().as_secs()).unwrap_or(0) % QUARTER;
    let apart = (theirs - ours).rem_euclid(QUARTER);
    match apart.min(QUARTER - apart) <= 60 {
        true => Ok(()),
        false => Err(Failure::because(
            "the present minute, in any time zone",
            format!("{hour:02}:{minute:02}:{second:02}"),
        )),
    }
}

fn white_space(server: &Server) -> Outcome {
    let mut socket = server.datagrams()?;
    for request in [
        &b"SEND_DATE\n"[..],
        b"SEND_DATE\r\n",
        b" SEND_DATE",
        b"\t SEND_DATE \t\r\n\n",
        b"\x0cSEND_DATE",
    ] {
        is_answered(&mut socket, request)?;
    }
    is_answered(&mut socket, b"  SEND_TIME\r\n").map(drop)
}

fn whole(server: &Server) -> Outcome {
    let mut socket = server.datagrams()?;
    for request in [
        "SEND_DATES",
        "SEND_DAT",
        "send_date",
        "Send_Time",
        "SEND_DATE now",
        "SEND_DATE SEND_TIME",
        "SEND_DATE\nSEND_TIME",
        "WHAT_TIME",
        "SEND DATE",
        "7",
        "ЅEND_DATE",
    ] {
        is_refused(&mut socket, request.as_bytes(), "unknown-verb")?;
    }
    is_answered(&mut socket, b"SEND_DATE").map(drop)
}

fn not_utf8(server: &Server) -> Outcome {
    let mut socket = server.datagrams()?;
    for bytes in [&b"\xff"[..], b"\xc3SEND_DATE", b"\xed\xa0\x80"] {
        is_refused(&mut socket, bytes, "malformed")?;
        is_answered(&mut socket, b"SEND_DATE")?;
    }
    Ok(())
}

fn no_words(server: &Server) -> Outcome {
    let mut socket = server.datagrams()?;
    socket.asks(b"WHAT_TIME", b"ERR unknown-verb")?;
    socket.asks(b"x", b"ERR unknown-verb")
}

fn blank(server: &Server) -> Outcome {
    unanswered(&mut server.datagrams()?, &[b" ", b"\r\n", b"\t \x0c\n"])
}

fn quit(server: &Server) -> Outcome {
    unanswered(&mut server.datagrams()?, &[b"QUIT", b"QUIT\n"])
}

fn answers(server: &Server) -> Outcome {
    let mut socket = server.datagrams()?;
    unanswered(
        &mut socket,
        &[
            b"OK 07:44:16",
            b"OK 2026-11-21",
            b"OK",
            b"ERR unknown-verb",
            b"ERR malformed",
            b"READY datetime 1",
            b"EVENT said x",
            b" OK\n",
        ],
    )?;
    is_refused(&mut socket, b"OKAY", "unknown-verb")?;
    is_refused(&mut socket, b"ERROR 7", "unknown-verb")
}

fn many(server: &Server) -> Outcome {
    let mut socket = server.datagrams()?;
    let date = is_answered(&mut socket, b"SEND_DATE")?;
    for _ in 0..30 {
        if server.random.borrow_mut().random() {
            let answer = is_answered(&mut socket, b"SEND_DATE")?;
            is_date(&socket, answer, &date)?;
        } else if is_answered(&mut socket, b"SEND_TIME")? == date {
            let expected = Expected::Described("a time".into());
            return socket.found(expected, Came::Message(date));
        }
    }
    Ok(())
}

/// In whatever form, this is the date, which was that before.
fn is_date(socket: &Datagrams, answer: Vec<u8>, before: &[u8]) -> Outcome {
    // Midnight may have come.
    match answer == before || date_of(&answer).is_some() {
        true => Ok(()),
        false => socket.found(Expected::Message(before.into()), Came::Message(answer)),
    }
}

fn clients(server: &Server) -> Outcome {
    let mut first = server.datagrams()?;
    let mut second = server.datagrams()?;
    let date = is_answered(&mut first, b"SEND_DATE")?;
    for _ in 0..5 {
        first.send(b"SEND_DATE")?;
        is_answered(&mut second, b"SEND_TIME")?;
        let answer = first.receive("OK and a date")?;
        is_date(&first, answer, &date)?;
    }
    Ok(())
}

fn garbage(server: &Server) -> Outcome {
    let mut socket = server.datagrams()?;
    is_answered(&mut socket, b"SEND_DATE")?;
    let mut strangers = server.datagrams()?;
    for round in 0..12 {
        let bytes: Vec<u8> = {
            let mut random = server.random.borrow_mut();
            let length = random.random_range(0..if round == 0 { 60_000 } else { 1_400 });
            let mut byte = || match round % 2 {
                0 => random.random(),
                _ => b"SEND_DATIMOK \r\n\0\xc3{}%"[random.random_range(0..19)],
            };
            (0..length).map(|_| byte()).collect()
        };
        // It may be answered or not.
        strangers.send(&bytes)?;
    }
    is_answered(&mut socket, b"SEND_DATE")?;
    is_answered(&mut socket, b"SEND_TIME").map(drop)
}

fn restart(server: &Server) -> Outcome {
    let mut socket = server.datagrams()?;
    is_answered(&mut socket, b"SEND_DATE")?;
    server.crash_and_restart()?;
    is_answered(&mut socket, b"SEND_DATE")?;
    is_answered(&mut socket, b"SEND_TIME").map(drop)
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
