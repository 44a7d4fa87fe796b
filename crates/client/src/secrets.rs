//! Where the secrets of a conversation are, and which were sent.

use record::Mask;

pub const SECRETS: Option<Mask> = Some(proto::atm::secrets);

/// The secrets that were sent over a connection, which no message to a person may repeat.
#[derive(Debug, Default)]
pub struct SentSecrets(Vec<Vec<u8>>);

impl SentSecrets {
    /// Takes note of the secrets in a request.
    pub fn learn(&mut self, request: &[u8]) {
        for place in proto::atm::secrets(request) {
            self.learn_all(&request[place]);
        }
    }

    /// Takes note of a message that is a secret and nothing else.
    pub fn learn_all(&mut self, secret: &[u8]) {
        if !secret.is_empty() && !self.0.iter().any(|known| known == secret) {
            self.0.push(secret.to_owned());
        }
    }

    /// The bytes with a `*` for each byte of a secret; the beginning of one at their end, where they
    /// may have been cut, is hidden too.
    pub fn hide(&self, bytes: &[u8]) -> Vec<u8> {
        let mut hidden = self.hide_whole(bytes);
        for secret in &self.0 {
            let cut = (0..bytes.len()).find(|start| secret.starts_with(&bytes[*start..]));
            hidden[cut.unwrap_or(bytes.len())..].fill(b'*');
        }
        hidden
    }

    /// As [`SentSecrets::hide`], for a text that has not been cut.
    pub fn hide_text(&self, text: &str) -> String {
        String::from_utf8_lossy(&self.hide_whole(text.as_bytes())).into_owned()
    }

    fn hide_whole(&self, bytes: &[u8]) -> Vec<u8> {
        let mut hidden = bytes.to_owned();
        for secret in &self.0 {
            for start in 0..bytes.len() {
                if bytes[start..].starts_with(secret) {
                    hidden[start..start + secret.len()].fill(b'*');
                }
            }
        }
        hidden
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_that_was_sent_is_never_shown_nor_its_beginning() {
        let mut secrets = SentSecrets::default();
        let log_in = "VERIFY_CARD_AND_PASSWORD LOGIN_0190e5a8-7c00-7000-8000-000000000001 \
                      123456789 2468";
        secrets.learn(log_in.as_bytes());
        let hidden = secrets.hide_text(log_in);
        assert_eq!(hidden, log_in.replace("2468", "****"));
        assert_eq!(secrets.hide(b"OK 2468 2468, 246"), b"OK **** ****, ***");
        assert_eq!(secrets.hide(b"OK 2"), b"OK *");
        assert_eq!(SentSecrets::default().hide(b"2468"), b"2468");
    }

    #[test]
    fn the_last_letter_of_a_whole_text_is_not_taken_for_the_beginning_of_a_secret() {
        let mut secrets = SentSecrets::default();
        secrets.learn_all(b"e0c1");
        assert_eq!(secrets.hide_text("e0c1 available"), "**** available");
    }
}
