//! `labclient` at a terminal: which keys are pressed, and what is shown.

mod cash_machine;
mod colours;
mod editing;
mod endings;
mod handouts;
mod menus;
mod other_terminals;
mod unanswered;

use std::fmt::Display;

use testkit::terminal::{INTERACTIVE_SHELL, Terminal};

use crate::labclient::labclient;

/// Starts a client of this server.
fn start(arguments: &[&str], server: impl Display) -> Terminal {
    start_in(INTERACTIVE_SHELL, arguments, server)
}

/// Starts a client in another shell line than usual.
fn start_in(shell: &str, arguments: &[&str], server: impl Display) -> Terminal {
    Terminal::start(labclient(arguments).at(server).through_shell(shell))
}
