//! The program under test.

use std::path::Path;

use testkit::process::Program;

const LABCLIENT: &str = env!("CARGO_BIN_EXE_labclient");

/// `labclient` with these arguments.
pub fn labclient(arguments: &[&str]) -> Program {
    Program::new(LABCLIENT).with(arguments)
}

/// `labclient` with these arguments, in a home directory that others use too.
pub fn labclient_at_home(home: &Path, arguments: &[&str]) -> Program {
    Program::at_home(LABCLIENT, home).with(arguments)
}
