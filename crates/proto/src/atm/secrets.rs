//! Where the PINs and keys of a message are, so that whoever keeps the message need not keep them.

use alloc::vec::Vec;
use core::ops::Range;

use super::{CONFIRM, CREATE, DEPOSIT, LOG_IN, ROLLBACK, WITHDRAW};

/// The places of all PINs and keys in these bytes, wherever a verb with a PIN stands in them: in a message,
/// in the first part of one, or in several that are glued together.
///
/// A log-in has its PIN behind an id and a card; in the wordings of the hand-outs there is no id.
/// What is in doubt is taken for a PIN: whoever writes the verb in lower case, forgets the card or
/// puts commas between the words has shown it as well.
pub fn secrets(message: &[u8]) -> Vec<Range<usize>> {
    let mut secrets = Vec::new();
    for (verb, id, most) in [
        (LOG_IN, &b"LOGIN_"[..], usize::MAX),
        (CREATE, &b"ACC_"[..], 1),
    ] {
        let mut from = 0;
        while let Some(found) = find(&message[from..], verb.as_bytes()) {
            from += found + verb.len();
            let words = words(message, from);
            let begins_with_id = |word: &[u8]| {
                let start = word.get(..id.len());
                start.is_some_and(|start| start.eq_ignore_ascii_case(id))
            };
            let has_id = words
                .first()
                .is_some_and(|word| begins_with_id(&message[word.clone()]));
            // With an id and one more word, that may be the PIN. Without an id that we know, the
            // card may stand where the PIN should.
            let (first, most) = match words.len() {
                3.. if has_id => (2, most),
                _ => (1, most.max(2)),
            };
            secrets.extend(words.into_iter().skip(first).take(most));
        }
    }
    // Without an id it is not our wording, and has no key.
    for (verb, key) in [(WITHDRAW, 2), (DEPOSIT, 2), (CONFIRM, 1), (ROLLBACK, 1)] {
        let mut from = 0;
        while let Some(found) = find(&message[from..], verb.as_bytes()) {
            from += found + verb.len();
            let words = words(message, from);
            let id = words.first().and_then(|word| message.get(word.clone()));
            if id.is_some_and(|id| id.starts_with(b"WITH_") || id.starts_with(b"DEP_")) {
                secrets.extend(words.into_iter().skip(key));
            }
        }
    }
    secrets
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes
        .windows(wanted.len())
        .position(|window| window.eq_ignore_ascii_case(wanted))
}

/// The words from here to the end of the line, between blanks, and between whatever sign stands
/// here instead of one.
fn words(message: &[u8], from: usize) -> Vec<Range<usize>> {
    let mut words = Vec::new();
    let mut start = from;
    let separator = message.get(from).filter(|byte| byte.is_ascii_punctuation());
    let ends = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n') || Some(byte) == separator;
    while start < message.len() && message[start] != b'\n' {
        let rest = &message[start..];
        let length = rest.iter().position(ends).unwrap_or(rest.len());
        if length > 0 {
            words.push(start..start + length);
        }
        start += length;
        if message.get(start).is_some_and(|byte| *byte != b'\n') {
            start += 1;
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::atm::Request;
    use alloc::string::{String, ToString};

    const ID: &str = "018f4e6c-52d8-7cc3-9a0e-6f2b8d1c4a51";

    fn masked(message: &str) -> String {
        let mut bytes = message.as_bytes().to_vec();
        for secret in secrets(message.as_bytes()) {
            bytes[secret].fill(b'*');
        }
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn the_pin_of_every_request_that_has_one_is_found() {
        for (request, expected) in [
            (
                alloc::format!("VERIFY_CARD_AND_PASSWORD LOGIN_{ID} 123456789 1234"),
                alloc::format!("VERIFY_CARD_AND_PASSWORD LOGIN_{ID} 123456789 ****"),
            ),
            (
                alloc::format!("CREATE_ACCOUNT ACC_{ID} 555555 4321 12.50 Ann 4321 Lee"),
                alloc::format!("CREATE_ACCOUNT ACC_{ID} 555555 **** 12.50 Ann 4321 Lee"),
            ),
        ] {
            assert_eq!(masked(&request), expected);
            assert_eq!(request.parse::<Request>().unwrap().to_string(), request);
        }
        for message in ["BALANCE_INQUIRY", "QUIT", "OK welcome Joty", ""] {
            assert_eq!(masked(message), message);
        }
    }

    #[test]
    fn the_key_of_a_transaction_is_found_and_nothing_else_of_it() {
        let key = "0123456789abcdef0123456789abcdef";
        let stars = "*".repeat(32);
        for message in [
            alloc::format!("WITHDRAW WITH_{ID} 500.00 KEY"),
            alloc::format!("DEPOSIT DEP_{ID} 500.00 KEY"),
            alloc::format!("CONFIRM WITH_{ID} KEY"),
            alloc::format!("ROLLBACK DEP_{ID} KEY\nWITHDRAW WITH_{ID} 1 KEY"),
        ] {
            let (said, hidden) = (message.replace("KEY", key), message.replace("KEY", &stars));
            assert_eq!(masked(&said), hidden);
        }
        let cut = alloc::format!("CONFIRM WITH_{ID} 0123");
        assert!(masked(&cut).ends_with(" ****"));
        for message in [
            alloc::format!("WITHDRAW WITH_{ID} 500.00"),
            alloc::format!("OK WITH_{ID} held 500.00, available 9500.00"),
            alloc::format!("ERR mismatch WITH_{ID} other content"),
            "WITHDRAW 123456789 500".into(),
        ] {
            assert_eq!(masked(&message), message);
        }
    }

    #[test]
    fn so_it_is_without_an_id_in_parts_and_in_what_is_glued_together() {
        for (message, expected) in [
            (
                "VERIFY_CARD_AND_PASSWORD 123456789 1234",
                "VERIFY_CARD_AND_PASSWORD 123456789 ****",
            ),
            (
                "VERIFY_CARD_AND_PASSWORD LOGIN_x 1 12",
                "VERIFY_CARD_AND_PASSWORD LOGIN_x 1 **",
            ),
            (
                "VERIFY_CARD_AND_PASSWORD LOGIN_x 1 1234 5678",
                "VERIFY_CARD_AND_PASSWORD LOGIN_x 1 **** ****",
            ),
            (
                "VERIFY_CARD_AND_PASSWORD 1  1234\r\nVERIFY_CARD_AND_PASSWORD 2 5678\n77 88",
                "VERIFY_CARD_AND_PASSWORD 1  ****\r\nVERIFY_CARD_AND_PASSWORD 2 ****\n77 88",
            ),
            (
                "CREATE_ACCOUNT 555555 4321 12.50 Ann",
                "CREATE_ACCOUNT 555555 **** ***** Ann",
            ),
            (
                "verify_card_and_password login_x 1 1234",
                "verify_card_and_password login_x 1 ****",
            ),
            (
                "VERIFY_CARD_AND_PASSWORD LOGIN_x 1234",
                "VERIFY_CARD_AND_PASSWORD LOGIN_x ****",
            ),
            (
                "VERIFY_CARD_AND_PASSWORD,LOGIN_x,1,1234",
                "VERIFY_CARD_AND_PASSWORD,LOGIN_x,1,****",
            ),
            ("VERIFY_CARD_AND_PASSWORD ", "VERIFY_CARD_AND_PASSWORD "),
            ("VERIFY_CARD_AND_PASSWORD", "VERIFY_CARD_AND_PASSWORD"),
        ] {
            assert_eq!(masked(message), expected);
        }
    }

    proptest::proptest! {
        #[test]
        fn the_places_are_within_the_message(
            message in "(VERIFY_CARD_AND_PASSWORD|create_account|[ ,\n]|LOGIN_|1234){0,9}"
        ) {
            for secret in secrets(message.as_bytes()) {
                proptest::prop_assert!(message.get(secret).is_some());
            }
        }
    }
}
