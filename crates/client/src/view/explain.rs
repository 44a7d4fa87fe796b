//! What became of each transaction.

use std::io::{self, Write};

use wire::record::Run;

/// Writes what became of each transaction in these runs.
///
/// # Errors
/// When it cannot be written.
pub fn write(_runs: &[Run], _out: &mut impl Write) -> io::Result<()> {
    Err(io::Error::other("this is being written"))
}
