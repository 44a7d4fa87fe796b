//! Sending bytes that were framed before: what many peers receive is framed once for all of them.

use super::{SendError, Writer, is_retryable, write_within};
use crate::at_once;
use crate::fault::pause::wait_while_stopped;

impl Writer {
    /// Whether bytes may be given to it that were framed before: nothing is recorded, and there are
    /// no faults, both of which need each message.
    pub fn takes_framed(&self) -> bool {
        self.faults.is_none() && self.tap.is_none()
    }

    /// Writes as many of these framed bytes as the operating system takes without waiting, and says
    /// how many. The rest is the caller's to write, before anything else.
    ///
    /// # Errors
    /// When the connection broke.
    pub fn write_framed_at_once(&mut self, bytes: &[u8]) -> Result<usize, SendError> {
        wait_while_stopped();
        let taken = match at_once::write(&self.stream, bytes) {
            Ok(taken) => taken,
            Err(error) if is_retryable(&error) => 0,
            Err(error) => return Err(error.into()),
        };
        self.traffic.bytes += taken as u64;
        Ok(taken)
    }

    /// Writes all of these framed bytes.
    ///
    /// # Errors
    /// When the peer takes them too slowly or the connection broke.
    pub fn write_framed(&mut self, bytes: &[u8]) -> Result<(), SendError> {
        wait_while_stopped();
        let mut written = 0;
        let sent = write_within(&self.stream, bytes, self.limits.write, &mut written);
        self.traffic.bytes += written as u64;
        sent
    }
}
