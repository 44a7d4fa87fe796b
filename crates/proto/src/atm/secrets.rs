//! Finds the PINs and keys in a message, so that logs and recordings can leave them out.

use alloc::string::String;
use alloc::vec::Vec;
use core::ops::Range;

use super::{BALANCE, CONFIRM, CREATE, DEPOSIT, LOG_IN, QUIT, ROLLBACK, TERMINAL, WITHDRAW};

/// Words that may follow a verb without being secrets: a refusal lists them all.
const VERBS: [&str; 9] = [
    LOG_IN, BALANCE, WITHDRAW, DEPOSIT, CONFIRM, ROLLBACK, CREATE, TERMINAL, QUIT,
];

/// The textbook's verb for a log-in, with nothing after it but the PIN.
const PASSWD: &str = "PASSWD";

/// The beginning of the answer to an unknown verb, before it quotes the verb.
const QUOTES_VERB: &str = "ERR unknown-verb unknown verb \"";

/// Characters that may separate two words instead of a blank, contrary to the grammar.
const SEPARATORS: &[u8] = b",;:|/=";

/// The ranges of all PINs and keys in these bytes, after any verb that takes one: in a message, in
/// the first part of one, or in several that are concatenated.
///
/// In a log-in the PIN follows an id and a card; in the hand-outs' wordings there is no id. In
/// doubt a word is taken for a PIN, as where the verb is in lower case, the card is missing, or
/// the words are separated by commas.
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
            // After an id a single word may be the PIN. Without a valid id, the card may be in
            // the place of the PIN.
            let (first, most) = match words.len() {
                3.. if has_id => (2, most),
                _ => (1, most.max(2)),
            };
            let is_secret = |word: &Range<usize>| {
                let word = &message[word.clone()];
                VERBS.iter().all(|verb| verb.as_bytes() != word)
            };
            let secret = words.into_iter().skip(first).take(most);
            secrets.extend(secret.filter(is_secret));
        }
    }
    let mut from = 0;
    while let Some(found) = find(&message[from..], PASSWD.as_bytes()) {
        from += found + PASSWD.len();
        secrets.extend(words(message, from));
    }
    // A message without an id is a hand-out's, and has no key.
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

/// As [`secrets`], for the bank's own protocol: none of its messages begins with a digit, so one
/// that does is a card or a PIN by itself, and so is what a refusal quotes of it.
pub fn secrets_in_bank_message(message: &[u8]) -> Vec<Range<usize>> {
    let quoted = message.strip_prefix(QUOTES_VERB.as_bytes());
    let start = message.len() - quoted.unwrap_or(message).len();
    let alone = &message[start..];
    if !alone.first().is_some_and(u8::is_ascii_digit) {
        return secrets(message);
    }
    let end = match quoted {
        Some(quoted) => quoted.iter().rposition(|byte| *byte == b'"'),
        None => Some(alone.trim_ascii_end().len()),
    };
    alloc::vec![start..start + end.unwrap_or(alone.len())]
}

/// These words, with a star for each digit of what they quote: a message that violates the bank's
/// grammar may have a card or a PIN anywhere.
pub fn without_quoted_digits(words: &str) -> String {
    let (Some(first), Some(last)) = (words.find('"'), words.rfind('"')) else {
        return words.into();
    };
    let (before, rest) = words.split_at(first);
    let (quoted, behind) = rest.split_at(last - first);
    [before, &quoted.replace(char::is_numeric, "*"), behind].concat()
}

/// Replaces by a star each digit after a verb with a PIN in a line of a log, up to the next
/// unescaped quotation mark, so that the quoted message need not be parsed.
pub fn mask_quoted(line: &mut [u8]) {
    for verb in [LOG_IN, CREATE] {
        let mut from = 0;
        while let Some(found) = find(&line[from..], verb.as_bytes()) {
            from += found + verb.len();
            let mut before = b' ';
            for byte in &mut line[from..] {
                match *byte {
                    b'"' if before != b'\\' => break,
                    digit if digit.is_ascii_digit() => *byte = b'*',
                    _ => {}
                }
                before = *byte;
            }
        }
    }
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes
        .windows(wanted.len())
        .position(|window| window.eq_ignore_ascii_case(wanted))
}

/// The words from here to the end of the line, separated by blanks, or by the separator that is
/// here or in the first word.
fn words(message: &[u8], from: usize) -> Vec<Range<usize>> {
    let mut words = Vec::new();
    let mut start = from;
    let here = message.get(from).filter(|byte| byte.is_ascii_punctuation());
    let separator = here.or_else(|| {
        let rest = message[from..].trim_ascii_start();
        let mut first = rest.iter().take_while(|byte| !byte.is_ascii_whitespace());
        first.find(|byte| SEPARATORS.contains(byte))
    });
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
    fn secrets_are_found_without_an_id_in_parts_and_in_concatenated_messages() {
        for (message, expected) in [
            ("VERIFY 123456789 1234", "VERIFY 123456789 ****"),
            ("VERIFY LOGIN_x 1 12", "VERIFY LOGIN_x 1 **"),
            ("VERIFY LOGIN_x 1 1234 5678", "VERIFY LOGIN_x 1 **** ****"),
            (
                "VERIFY 1  1234\r\nVERIFY 2 5678\n77 88",
                "VERIFY 1  ****\r\nVERIFY 2 ****\n77 88",
            ),
            (
                "CREATE 555555 4321 12.50 Ann",
                "CREATE 555555 **** ***** Ann",
            ),
            ("verify login_x 1 1234", "verify login_x 1 ****"),
            ("VERIFY LOGIN_x 1234", "VERIFY LOGIN_x ****"),
            ("VERIFY,LOGIN_x,1,1234", "VERIFY,LOGIN_x,1,****"),
            ("VERIFY LOGIN_x;1;1234", "VERIFY LOGIN_x;1;****"),
            ("VERIFY\t123456789|1234 now", "VERIFY\t123456789|**** ***"),
            ("VERIFY ", "VERIFY "),
            ("VERIFY", "VERIFY"),
        ] {
            let verbs = |text: &str| {
                let text = text.replace("VERIFY", "VERIFY_CARD_AND_PASSWORD");
                let text = text.replace("verify", "verify_card_and_password");
                text.replace("CREATE", "CREATE_ACCOUNT")
            };
            assert_eq!(masked(&verbs(message)), verbs(expected));
        }
    }

    #[test]
    fn all_that_follows_the_verb_of_the_textbook_is_a_pin() {
        for (message, expected) in [
            ("PASSWD 1234", "PASSWD ****"),
            ("passwd my pin\r\nBALANCE", "passwd ** ***\r\nBALANCE"),
            (
                "HELO Joty\nPASSWD 1234\nWITHDRAWL 500\n",
                "HELO Joty\nPASSWD ****\nWITHDRAWL 500\n",
            ),
            ("PASSWD", "PASSWD"),
        ] {
            assert_eq!(masked(message), expected);
        }
    }

    #[test]
    fn the_list_of_verbs_in_a_refusal_is_no_secret() {
        let refusal = "1234".parse::<Request>().unwrap_err();
        let answer = alloc::format!("ERR unknown-verb {}", refusal.words);
        assert_eq!(masked(&answer), answer);
        assert!(answer.starts_with(QUOTES_VERB));
    }

    #[test]
    fn a_message_without_a_verb_is_a_secret_to_the_bank() {
        for (message, expected) in [
            (&b"1234\r\n"[..], alloc::vec![0..4]),
            (b"123456789 1234", alloc::vec![0..14]),
            (
                b"ERR unknown-verb unknown verb \"1234\"; known",
                alloc::vec![31..35],
            ),
            (b"ERR unknown-verb unknown verb \"1234", alloc::vec![31..35]),
            (b"ERR unknown-verb unknown verb \"", Vec::new()),
            (b"QUIT", Vec::new()),
            (b"OK 1", Vec::new()),
            (b"", Vec::new()),
        ] {
            assert_eq!(secrets_in_bank_message(message), expected);
        }
    }

    #[test]
    fn digits_are_hidden_in_quotations_alone() {
        for (words, expected) in [
            ("a PIN has 4 to 12 digits", "a PIN has 4 to 12 digits"),
            (
                "unknown verb \"LOGIN,1,\"1234\"; 2 known",
                "unknown verb \"LOGIN,*,\"****\"; 2 known",
            ),
            ("\"\u{663}4", "\"\u{663}4"),
            ("not \"\u{663}4\"", "not \"**\""),
        ] {
            assert_eq!(without_quoted_digits(words), expected);
        }
    }

    #[test]
    fn what_follows_the_verb_is_hidden_up_to_the_end_of_the_quotation() {
        for (line, expected) in [
            (
                r#"id=7 refused="unknown \"verify_card_and_password,12,34\"; 5" seconds=0.1"#,
                r#"id=7 refused="unknown \"verify_card_and_password,**,**\"; *" seconds=0.1"#,
            ),
            (
                r#"{"refused":"CREATE_ACCOUNT 1 2","id":7}"#,
                r#"{"refused":"CREATE_ACCOUNT * *","id":7}"#,
            ),
            ("id=7 seconds=0.1", "id=7 seconds=0.1"),
        ] {
            let mut line = line.as_bytes().to_vec();
            mask_quoted(&mut line);
            assert_eq!(String::from_utf8(line).unwrap(), expected);
        }
    }

    proptest::proptest! {
        #[test]
        fn the_places_are_within_the_message(
            message in "(VERIFY_CARD_AND_PASSWORD|create_account|PASSWD|[ ,\n]|LOGIN_|1234){0,9}"
        ) {
            for secret in secrets(message.as_bytes()) {
                proptest::prop_assert!(message.get(secret).is_some());
            }
        }
    }
}
