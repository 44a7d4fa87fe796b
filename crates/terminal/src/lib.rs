//! What a terminal can show, and its owner wants to see: colours, and lines that are drawn again.
//!
//! The environment decides: [`NO_COLOR`](https://no-color.org), then
//! [`CLICOLOR_FORCE` and `CLICOLOR`](https://bixense.com/clicolors), then `TERM`.
#![forbid(unsafe_code)]

use std::env;
use std::ffi::OsString;
use std::io::IsTerminal;

/// Whether what is written to this stream is coloured. `NO_COLOR` with any value forbids it, even where
/// `CLICOLOR_FORCE` asks for it, which does so for a file or a pipe as well; 0 is no such request. Else
/// it is coloured on a terminal whose `TERM` is not `dumb`, unless `CLICOLOR` is 0.
pub fn is_coloured(stream: &impl IsTerminal) -> bool {
    is_coloured_by(stream.is_terminal(), value)
}

/// Whether a line on this stream can be drawn again in its place, as a progress bar is: not on a dumb
/// terminal, which shows the control characters or takes them for nothing.
pub fn can_redraw(stream: &impl IsTerminal) -> bool {
    stream.is_terminal() && !is_dumb(value)
}

/// A variable of the environment; an empty one counts as none.
fn value(name: &str) -> Option<OsString> {
    env::var_os(name).filter(|value| !value.is_empty())
}

fn is_coloured_by(is_terminal: bool, value: impl Fn(&str) -> Option<OsString>) -> bool {
    if value("NO_COLOR").is_some() {
        return false;
    }
    let is_forced = value("CLICOLOR_FORCE").is_some_and(|value| value != "0");
    let is_wanted = value("CLICOLOR").is_none_or(|value| value != "0");
    is_forced || is_terminal && is_wanted && !is_dumb(value)
}

/// A terminal that does not say what it is can be trusted with nothing, except on Windows, where none
/// does.
fn is_dumb(value: impl Fn(&str) -> Option<OsString>) -> bool {
    value("TERM").map_or(!cfg!(windows), |terminal| terminal == "dumb")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lookup(environment: &[(&str, &str)]) -> impl Fn(&str) -> Option<OsString> {
        |name| {
            let found = environment.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| value.into())
        }
    }

    #[test]
    fn the_environment_decides_in_the_order_of_the_conventions() {
        for (environment, on_terminal, in_pipe) in [
            (&[("TERM", "xterm")][..], true, false),
            (&[("TERM", "dumb")], false, false),
            #[cfg(unix)]
            (&[], false, false),
            (&[("TERM", "xterm"), ("NO_COLOR", "1")], false, false),
            (&[("TERM", "xterm"), ("NO_COLOR", "0")], false, false),
            (&[("TERM", "xterm"), ("CLICOLOR", "0")], false, false),
            (&[("TERM", "xterm"), ("CLICOLOR", "1")], true, false),
            (&[("TERM", "dumb"), ("CLICOLOR", "1")], false, false),
            (&[("TERM", "dumb"), ("CI", "true")], false, false),
            (&[("TERM", "dumb"), ("CLICOLOR_FORCE", "1")], true, true),
            (&[("TERM", "xterm"), ("CLICOLOR_FORCE", "0")], true, false),
            (&[("CLICOLOR", "0"), ("CLICOLOR_FORCE", "1")], true, true),
            (&[("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1")], false, false),
        ] {
            let coloured = |is_terminal| is_coloured_by(is_terminal, lookup(environment));
            let found = (coloured(true), coloured(false));
            assert_eq!(found, (on_terminal, in_pipe), "{environment:?}");
        }
    }
}
