//! Packets for Wireshark.

use std::io::{self, Write};

use wire::record::Run;

/// Writes the packets of these runs.
///
/// # Errors
/// When they cannot be written.
pub fn write(_runs: &[Run], _out: &mut impl Write) -> io::Result<()> {
    Err(io::Error::other("this is being written"))
}
