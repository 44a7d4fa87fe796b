//! Messages that are written in one go.

/// Messages that are written in one go.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Batch {
    /// Their bytes on the wire, framing included. Where the last is cut, its first bytes.
    pub bytes: Vec<u8>,
    /// The length of each, and whether all of it is a secret.
    messages: Vec<(usize, bool)>,
}

impl Batch {
    /// One message.
    pub fn of(bytes: Vec<u8>, is_secret: bool) -> Batch {
        let messages = vec![(bytes.len(), is_secret)];
        Batch { bytes, messages }
    }

    /// The next message has this many bytes. What is not said here is not recorded.
    pub fn add_message(&mut self, length: usize, is_secret: bool) {
        self.messages.push((length, is_secret));
    }

    /// Takes all messages out, and keeps at most so many bytes of memory for the next ones.
    pub fn clear(&mut self, kept: usize) {
        self.bytes.clear();
        self.bytes.shrink_to(kept);
        self.messages.clear();
    }

    /// The length of each message, and whether all of it is a secret.
    pub fn messages(&self) -> &[(usize, bool)] {
        &self.messages
    }
}
