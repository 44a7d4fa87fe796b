//! A program of `examples/python`, as a process that is always ended.

use std::io::Write;
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;

use crate::labserver::Ended;
use crate::lines::Lines;

const EXAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/python/");

/// Whether there is a Python that can run the examples. Where there is none, a test has nothing to
/// run, and that is said where nobody captures it; with SOCKETLAB_REQUIRE_PYTHON it has failed.
pub fn python() -> bool {
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

/// One that runs. Killed when dropped.
pub struct Program {
    child: Child,
    pub stdout: Lines,
    pub stderr: Lines,
}

/// Starts one.
pub fn program(file: &str, arguments: &[&str]) -> Program {
    let mut command = Command::new("python3");
    command
        .arg(format!("{EXAMPLES}{file}"))
        .args(arguments)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("PYTHONIOENCODING", "utf-8")
        .env("LABCLIENT_PIN", crate::customer::PIN)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    Program {
        stdout: Lines::of(child.stdout.take().unwrap()),
        stderr: Lines::of(child.stderr.take().unwrap()),
        child,
    }
}

impl Program {
    /// Writes to its standard input. What it writes meanwhile is read, so neither waits.
    pub fn say(&mut self, input: &str) {
        let stdin = self.child.stdin.as_mut().unwrap();
        // One that has ended need not have read all of it.
        let _ = stdin.write_all(input.as_bytes());
    }

    /// Writes this, ends its input, and waits until it has ended.
    pub fn end_after(mut self, input: &str) -> Ended {
        self.say(input);
        self.child.stdin = None;
        // It has ended, or is about to, once it has closed both outputs.
        let (stdout, stderr) = (self.stdout.to_the_end(), self.stderr.to_the_end());
        let status = self.child.wait().unwrap().code();
        Ended {
            status,
            stdout,
            stderr,
        }
    }

    /// Ends it as a power failure does.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Ended {
    /// It ended well, having printed this.
    #[track_caller]
    pub fn printed(&self, stdout: &str) {
        let ended = (self.status, self.stdout.as_str());
        assert_eq!(ended, (Some(0), stdout), "{}", self.stderr);
    }
}
