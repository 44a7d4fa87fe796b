//! Bytes as they are shown: one line, whatever they are.

/// As [`escaped`], without the secrets in them.
pub fn shown(bytes: &[u8]) -> String {
    let mut bytes = bytes.to_vec();
    for secret in proto::atm::secrets(&bytes) {
        bytes[secret].fill(b'*');
    }
    escaped(&bytes)
}

/// These bytes printable: each is a character, or an escape sequence.
pub fn escaped(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in bytes {
        match byte {
            b' '..=b'~' if *byte != b'\\' => text.push(char::from(*byte)),
            byte => text.extend(byte.escape_ascii().map(char::from)),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_shown_and_a_pin_is_not() {
        assert_eq!(
            escaped(b"a \"b\" \\ \r\n\0\xff"),
            r#"a "b" \\ \r\n\x00\xff"#
        );
        assert_eq!(shown(b"PASSWD 1234\n"), r"PASSWD ****\n");
    }
}
