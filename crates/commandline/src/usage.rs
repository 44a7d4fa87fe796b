//! What is said where a command line asks for help or makes no sense.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Error;
use terminal::is_coloured;

/// Prints the help that was asked for, or why the command line makes no sense, and gives the exit
/// status for it. What cannot be printed is dropped: the exit status still says it.
pub fn report(error: &Error) -> ExitCode {
    let _ = match error.use_stderr() {
        true => print(error, is_coloured(&io::stderr()), &mut io::stderr()),
        false => print(error, is_coloured(&io::stdout()), &mut io::stdout()),
    };
    u8::try_from(error.exit_code()).map_or(ExitCode::FAILURE, ExitCode::from)
}

fn print(error: &Error, is_coloured: bool, out: &mut impl Write) -> io::Result<()> {
    let words = error.render();
    match is_coloured {
        true => write!(out, "{}", words.ansi())?,
        false => write!(out, "{words}")?,
    }
    out.flush()
}

#[cfg(test)]
mod tests {
    use clap::Command;

    use super::*;

    #[test]
    fn a_complaint_is_coloured_where_it_may_be_and_nowhere_else() {
        let error = Command::new("prog").try_get_matches_from(["prog", "--no"]);
        let error = error.unwrap_err();
        let shown = |is_coloured| {
            let mut shown = Vec::new();
            print(&error, is_coloured, &mut shown).unwrap();
            String::from_utf8(shown).unwrap()
        };
        assert!(shown(true).contains("\x1b["), "{:?}", shown(true));
        assert!(shown(false).starts_with("error: unexpected argument '--no' found\n"));
    }
}
