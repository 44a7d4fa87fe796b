//! x
use super::sequence::Sequence;
use std::io::{self, Write};
/// x
/// # Errors
/// x
pub fn write(_: &Sequence<'_>, _out: &mut impl Write) -> io::Result<()> {
    Ok(())
}
