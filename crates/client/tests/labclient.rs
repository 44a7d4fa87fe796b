//! The program under test.

use std::fmt::Display;
use std::path::Path;

use testkit::process::{Ended, Program};

const LABCLIENT: &str = env!("CARGO_BIN_EXE_labclient");

/// `labclient` with these arguments.
pub fn labclient(arguments: &[&str]) -> Program {
    Program::new(LABCLIENT).with(arguments)
}

/// `labclient` with these arguments, in a home directory that others use too.
pub fn labclient_at_home(home: &Path, arguments: &[&str]) -> Program {
    Program::at_home(LABCLIENT, home).with(arguments)
}

/// `labclient` with these arguments and the PIN 1234, at this server.
pub fn at(server: impl Display, arguments: &[&str]) -> Program {
    labclient(arguments).pin("1234").at(server)
}

/// Runs it to its end without input.
#[track_caller]
pub fn run(server: impl Display, arguments: &[&str]) -> Ended {
    at(server, arguments).run()
}

/// Runs it to its end with this on its standard input.
#[track_caller]
pub fn pipe(server: impl Display, arguments: &[&str], input: impl AsRef<[u8]>) -> Ended {
    at(server, arguments).run_with(input)
}
