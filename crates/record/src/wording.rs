//! An event in words, for the trace and the views.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::bytes::Bytes;
use super::event::{BY_HAND, CloseReason, Closer, DropCause, Event, EventKind, Message};

/// What happened. `show` makes text of the recording printable.
pub fn describe(event: &Event, show: &dyn Fn(&str) -> String) -> String {
    let said = |message: &Message| match &message.text {
        Some(text) => show(text),
        None => message.bytes.escaped(),
    };
    let fault = |what: &str, message: &Message| format!("fault: {what}: {}", said(message));
    match &event.kind {
        EventKind::Connected => match &event.channel {
            Some(channel) => format!("connected, {}", channel.peer),
            None => "connected".to_owned(),
        },
        EventKind::Sent(message) if message.partial => format!("only in part: {}", said(message)),
        EventKind::Sent(message) | EventKind::Received(message) => said(message),
        EventKind::Unreadable { bytes, words, .. } => {
            let (length, words) = (bytes.0.len(), show(words));
            format!("unreadable, {length} bytes, {words}: {}", bytes.escaped())
        }
        EventKind::HalfClosed { by: Closer::Us } => "we send no more".to_owned(),
        EventKind::HalfClosed { by: Closer::Peer } => "the other end sends no more".to_owned(),
        EventKind::Closed { by, how, words } => match words {
            Some(words) => format!("{}: {}", closed(*by, *how), show(words)),
            None => closed(*by, *how),
        },
        EventKind::Read {
            got,
            asked,
            have,
            need,
        } => read(*got, *asked, *have, *need),
        EventKind::Dropped { cause, message } => match cause {
            DropCause::Drop => fault("dropped", message),
            DropCause::Duplicate => fault("dropped, the answer to a copy", message),
        },
        EventKind::Duplicated(message) => fault("duplicated", message),
        EventKind::Delayed { until, message } => {
            let late = duration(until.saturating_sub(event.t));
            fault(&format!("delayed by {late}"), message)
        }
        EventKind::Refused(message) => fault("refused", message),
        EventKind::Cut { sent, message } => {
            let length = message.bytes.0.len();
            fault(&format!("cut after {sent} of {length} bytes"), message)
        }
        EventKind::Reordered(message) => fault("held back", message),
        EventKind::Split { size, message } => {
            fault(&format!("split into {size} bytes each"), message)
        }
        EventKind::Glued(message) => fault("held back, to be glued to the next", message),
        EventKind::Reset(message) => fault("reset instead of", message),
        EventKind::Corrupted { bit, message } => {
            let flipped = flipped(&message.bytes, *bit);
            fault(&format!("bit {bit} flipped, {flipped}"), message)
        }
        EventKind::Paused { stopped } => format!("the program stops for {}", duration(*stopped)),
        EventKind::TimedOut { waited, words } => {
            format!("{} for {}", show(words), duration(*waited))
        }
        EventKind::Resent { attempt, text } => format!("{}: {}", nth_attempt(*attempt), show(text)),
        EventKind::Failed { words } => show(words),
        EventKind::Note(note) => {
            let id = note.about.as_ref().map(|id| format!(" {}", show(id)));
            note.words(event.side, show) + &id.unwrap_or_default()
        }
        EventKind::Faults { fault, .. } if fault.is_empty() => "no faults from here on".to_owned(),
        EventKind::Faults { fault, seed } => {
            format!("faults from here on: {} --seed {seed}", show(fault))
        }
        EventKind::Crashed { at } if at == BY_HAND => "crashes by hand".to_owned(),
        EventKind::Crashed { at } => format!("crashes at {}", show(at)),
        EventKind::Lost { count } => format!("{count} events could not be recorded"),
        EventKind::Ended => "ended".to_owned(),
    }
}

fn closed(by: Closer, how: CloseReason) -> String {
    let by = match (how, by) {
        (CloseReason::Abort, _) => " by us, at once",
        (CloseReason::End | CloseReason::Reset, Closer::Us) => " by us",
        (CloseReason::End | CloseReason::Reset, Closer::Peer) => " by the other end",
        (CloseReason::Timeout | CloseReason::Cut | CloseReason::Broken, _) => "",
    };
    format!("{}{by}", ending(how))
}

/// How a connection ended.
pub fn ending(how: CloseReason) -> &'static str {
    match how {
        CloseReason::End | CloseReason::Abort => "closed",
        CloseReason::Reset => "reset",
        CloseReason::Timeout => "given up: too slow",
        CloseReason::Cut => "cut by a fault",
        CloseReason::Broken => "broken",
    }
}

fn read(got: usize, asked: usize, have: usize, need: Option<usize>) -> String {
    let bytes = if got == 1 { "byte" } else { "bytes" };
    match (got, need) {
        (0, _) => "read 0 bytes: the other end sends no more".to_owned(),
        (_, Some(need)) if have > need => {
            let more = have - need;
            format!("read {got} {bytes}: the message of {need}, and {more} more")
        }
        (_, Some(need)) if got == have => format!("read {got} of {need} bytes"),
        (_, Some(need)) => format!("read {got} {bytes}, {have} of {need} are here"),
        (_, None) if got == have => format!("read {got} {bytes} of at most {asked}"),
        (_, None) => format!("read {got} {bytes}, {have} are here"),
    }
}

/// What the flip of this bit made of its byte: `9 became 1`.
pub fn flipped(bytes: &Bytes, bit: usize) -> String {
    let Some(now) = bytes.0.get(bit / 8) else {
        return "a bit flipped".to_owned();
    };
    let before = (now ^ (1 << (bit % 8))).escape_ascii();
    format!("{before} became {}", now.escape_ascii())
}

/// `2nd attempt`, and so on.
pub fn nth_attempt(number: u32) -> String {
    let ending = match (number % 10, number % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{number}{ending} attempt")
}

/// Nanoseconds, as `500 ms`.
pub fn duration(nanoseconds: u64) -> String {
    let (unit, name) = match nanoseconds {
        0..1_000 => return format!("{nanoseconds} ns"),
        1_000..1_000_000 => (1e3, "µs"),
        1_000_000..1_000_000_000 => (1e6, "ms"),
        _ => (1e9, "s"),
    };
    let number = format!("{:.2}", nanoseconds as f64 / unit);
    let number = number.trim_end_matches('0').trim_end_matches('.');
    format!("{number} {name}")
}

/// The text, or as much of it as fits this many columns, `…` included.
pub fn cut(text: &str, columns: usize) -> String {
    if text.width() <= columns {
        return text.to_owned();
    }
    let mut used = 1;
    let fits = |c: &char| {
        used += c.width().unwrap_or(0);
        used <= columns
    };
    let kept: String = text.chars().take_while(fits).collect();
    match columns {
        0 => kept,
        _ => kept + "…",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_text_is_no_wider_than_its_columns() {
        let texts = [10, 9, 8, 5, 0].map(|columns| cut("日本語です", columns));
        assert_eq!(texts, ["日本語です", "日本語で…", "日本語…", "日本…", ""]);
    }

    #[test]
    fn durations_have_the_unit_that_fits() {
        let shown = [7, 1_500, 500_000_000, 2_500_000_000].map(duration);
        assert_eq!(shown, ["7 ns", "1.5 µs", "500 ms", "2.5 s"]);
    }

    #[test]
    fn attempts_are_ordinal_numbers() {
        let numbers = [1, 2, 3, 4, 11, 12, 13, 21, 22, 102, 112];
        let ordinals = "1st 2nd 3rd 4th 11th 12th 13th 21st 22nd 102nd 112th";
        for (number, ordinal) in numbers.into_iter().zip(ordinals.split(' ')) {
            assert_eq!(nth_attempt(number), format!("{ordinal} attempt"));
        }
    }
}
