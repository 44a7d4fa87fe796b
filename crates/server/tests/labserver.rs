//! The program under test, and where it keeps its files.

use std::path::Path;

use tempfile::TempDir;
use testkit::process::{Ended, Process, Program};

const LABSERVER: &str = env!("CARGO_BIN_EXE_labserver");

/// The hand-out's first account, which every new ledger has.
pub const CARD: &str = "123456789";
pub const PIN: &str = "1234";

/// A home directory that no other test sees: where ledgers are kept.
pub struct Home(TempDir);

impl Home {
    pub fn new() -> Home {
        Home(tempfile::tempdir().unwrap())
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// `labserver` with these arguments, not started yet.
    pub fn program(&self, arguments: &[&str]) -> Program {
        without_input(Program::at_home(LABSERVER, self.path())).with(arguments)
    }

    /// Starts a server, and waits until it is ready.
    pub fn start(&self, arguments: &[&str]) -> Process {
        when_ready(self.program(arguments))
    }

    /// Runs a `labserver` that is expected to end by itself.
    pub fn run(&self, arguments: &[&str]) -> Ended {
        self.program(arguments).run()
    }

    /// Runs it, and gives its answer, which must be a success.
    pub fn answer(&self, arguments: &[&str]) -> String {
        let ended = self.run(arguments);
        assert_eq!(ended.status, Some(0), "{arguments:?}: {ended:?}");
        ended.stdout
    }
}

/// Starts a server with a home of its own, and waits until it is ready.
pub fn start(arguments: &[&str]) -> Process {
    when_ready(without_input(Program::new(LABSERVER)).with(arguments))
}

/// Runs a `labserver` that is expected to end by itself, with a home of its own.
pub fn run(arguments: &[&str]) -> Ended {
    Home::new().run(arguments)
}

/// Its standard input is the null device.
fn without_input(program: Program) -> Program {
    program.adjust(|command| command.stdin(std::process::Stdio::null()))
}

fn when_ready(program: Program) -> Process {
    let server = program.start();
    server.stdout.find(|line| line.starts_with("listening "));
    server
}
