//! The programs of `examples/python`: a student's half of a lab.

use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::sync::LazyLock;

use crate::process::Program;

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

/// Whether there is a Python that can run the examples. Where there is none, a test has nothing to
/// run, and that is reported where nothing captures it; with SOCKETLAB_REQUIRE_PYTHON it has failed.
pub fn is_there() -> bool {
    static IS_THERE: LazyLock<bool> = LazyLock::new(|| {
        let mut python = Command::new("python3");
        python.args(["-c", "import sys; sys.exit(sys.version_info < (3, 10))"]);
        python.status().is_ok_and(|status| status.success())
    });
    if !*IS_THERE {
        let is_required = std::env::var_os("SOCKETLAB_REQUIRE_PYTHON").is_some();
        assert!(!is_required, "no python3 of version 3.10 or newer");
        let test = std::thread::current().name().unwrap_or_default().to_owned();
        // Not with a macro, whose output is captured.
        let notice = format!("SKIPPED {test}: no python3 of version 3.10 or newer\n");
        let _ = std::io::stderr().write_all(notice.as_bytes());
    }
    *IS_THERE
}

/// One of the programs, in a home directory of its own.
pub fn program(file: &str, arguments: &[&str]) -> Program {
    script(Program::new("python3"), file, arguments)
}

/// One of the programs, in this home directory.
pub fn program_at_home(home: &Path, file: &str, arguments: &[&str]) -> Program {
    script(Program::at_home("python3", home), file, arguments)
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
