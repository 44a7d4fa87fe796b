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
        let mut hidden = bytes.to_owned();
        for secret in &self.0 {
            let length = secret.len();
            for start in 0..bytes.len() {
                let rest = &bytes[start..];
                if rest.starts_with(secret) || secret.starts_with(rest) {
                    hidden[start..(start + length).min(bytes.len())].fill(b'*');
                }
            }
        }
        hidden
    }

    /// As [`SentSecrets::hide`], for a text.
    pub fn hide_text(&self, text: &str) -> String {
        String::from_utf8_lossy(&self.hide(text.as_bytes())).into_owned()
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
        assert_eq!(secrets.hide_text("OK 2468 2468, 246"), "OK **** ****, ***");
        assert_eq!(secrets.hide_text("OK 2"), "OK *");
        assert_eq!(SentSecrets::default().hide_text("2468"), "2468");
    }
}
