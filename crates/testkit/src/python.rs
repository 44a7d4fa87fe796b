//! The programs of `examples/python`: a student's half of a lab.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use crate::process::Program;
use crate::requirement;

const EXAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/python/");

/// Ends a test that has nothing to run because there is no Python.
#[macro_export]
macro_rules! require_python {
    () => {
        if !$crate::python::is_there() {
            return;
        }
    };
}

/// Whether there is a Python that can run the examples, of version 3.10 or newer; see
/// [`requirement::is_met`].
#[track_caller]
pub fn is_there() -> bool {
    requirement::is_met("python", INTERPRETER.is_some())
}

/// The interpreter itself, where it is new enough: the `python3` of the search path may be a script
/// that looks for one, for longer than it takes to start.
static INTERPRETER: LazyLock<Option<PathBuf>> = LazyLock::new(|| {
    let words = "import sys; print(sys.executable); sys.exit(sys.version_info < (3, 10))";
    let output = Command::new("python3").args(["-c", words]).output().ok()?;
    let path = String::from_utf8(output.stdout).ok()?;
    let is_new_enough = output.status.success();
    is_new_enough.then(|| PathBuf::from(path.trim_end()))
});

/// The interpreter, once [it is there](is_there).
pub fn interpreter() -> &'static Path {
    INTERPRETER.as_deref().unwrap()
}

/// One of the programs, in a home directory of its own.
pub fn program(file: &str, arguments: &[&str]) -> Program {
    script(Program::new(interpreter()), file, arguments)
}

/// One of the programs, in this home directory.
pub fn program_at_home(home: &Path, file: &str, arguments: &[&str]) -> Program {
    script(Program::at_home(interpreter(), home), file, arguments)
}

fn script(python: Program, file: &str, arguments: &[&str]) -> Program {
    let environment = [
        ("PYTHONDONTWRITEBYTECODE", "1"),
        ("PYTHONIOENCODING", "utf-8"),
    ];
    python
        .with(&[&format!("{EXAMPLES}{file}")])
        .with(arguments)
        .adjust(|command| command.envs(environment))
}
