//! Date and time, over UDP.

mod answers;

use rand::RngExt;

use self::answers::{date, days, is_answered, is_date, is_refused, now, time, unanswered};
use crate::case::Case;
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

fn date_format(server: &Server) -> Outcome {
    date(&mut server.datagrams()?, b"SEND_DATE").map(drop)
}

fn time_format(server: &Server) -> Outcome {
    time(&mut server.datagrams()?, b"SEND_TIME").map(drop)
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
