//! An answer beside the recorded one, with a caret under the first byte that differs.

use super::answer::{Answer, first_difference};
use super::bytes::escaped;

/// Bytes that are shown before the first one that differs, and from it on.
const BEFORE: usize = 40;
const AFTER: usize = 40;

/// The lines that show both, for a wait of so many seconds.
pub fn compared(expected: &Answer, came: &Answer, waited: f32) -> Vec<String> {
    let (Answer::Message(recorded), Answer::Message(message)) = (expected, came) else {
        let came = match came {
            Answer::Silence => format!("(nothing in {waited} s)"),
            came => came.in_words(),
        };
        return vec![
            format!("! expected  {}", expected.in_words()),
            format!("  came      {came}"),
        ];
    };
    let at = first_difference(recorded, message).unwrap_or_default();
    let from = at.saturating_sub(BEFORE);
    let excerpt = |bytes: &[u8]| {
        let end = bytes.len().min(at + AFTER);
        let (start, rest) = (&bytes[from..at], &bytes[at..end]);
        let dots = |is_cut: bool| if is_cut { "…" } else { "" };
        let start = format!("{}{}", dots(from > 0), escaped(start));
        let text = format!("{start}{}{}", escaped(rest), dots(end < bytes.len()));
        (start.chars().count(), text)
    };
    let (_, recorded) = excerpt(recorded);
    let (width, message) = excerpt(message);
    vec![
        format!("! expected  {recorded}"),
        format!("  came      {message}"),
        format!("            {}^ byte {at}", " ".repeat(width)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(expected: &str, came: &str) -> Vec<String> {
        let [expected, came] = [expected, came].map(|it| Answer::Message(it.as_bytes().to_vec()));
        compared(&expected, &came, 10.0)
    }

    #[test]
    fn the_caret_is_under_the_first_byte_that_differs() {
        assert_eq!(
            messages("AMOUNT:10000", "AMOUNT:9500"),
            [
                "! expected  AMOUNT:10000",
                "  came      AMOUNT:9500",
                "                   ^ byte 7",
            ]
        );
        assert_eq!(
            messages("OK", "OK\r"),
            [
                "! expected  OK",
                "  came      OK\\r",
                "              ^ byte 2",
            ]
        );
        // An escape sequence is wider than its byte, a letter with an accent two bytes.
        assert_eq!(
            messages("é\u{1b}A", "é\u{1b}B"),
            [
                "! expected  \\xc3\\xa9\\x1bA",
                "  came      \\xc3\\xa9\\x1bB",
                "                        ^ byte 3",
            ]
        );
    }

    #[test]
    fn of_long_messages_the_place_that_differs_is_shown() {
        let (a, b) = ("a".repeat(100), "b".repeat(100));
        let lines = messages(&format!("{a}x{b}"), &format!("{a}y{b}"));
        let (a, b) = (&a[..40], &b[..39]);
        assert_eq!(lines[0], format!("! expected  …{a}x{b}…"));
        assert_eq!(lines[1], format!("  came      …{a}y{b}…"));
        assert_eq!(lines[2], format!("{}^ byte 100", " ".repeat(12 + 41)));
    }

    #[test]
    fn what_is_no_message_is_named() {
        let message = Answer::Message(b"OK".to_vec());
        for (came, words) in [
            (Answer::Silence, "(nothing in 0.5 s)"),
            (Answer::Ended, "(the server closes)"),
            (Answer::Unreadable, "(bytes that are no message)"),
            (Answer::Broken("reset".into()), "(reset)"),
        ] {
            let lines = compared(&message, &came, 0.5);
            assert_eq!(lines[1], format!("  came      {words}"));
        }
    }
}
