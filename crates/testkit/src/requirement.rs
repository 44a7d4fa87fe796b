//! Programs that a test needs, and that the computer may not have.

use std::env;
use std::io::Write;
use std::process::Command;
use std::thread;

/// Whether a program is installed that prints its version.
pub fn is_installed(program: &str) -> bool {
    let asked = Command::new(program).arg("--version").output();
    asked.is_ok_and(|ran| ran.status.success())
}

/// Whether a test may go on that needs this program. Where the program is missing, the test has
/// nothing to run, and that is reported where nothing captures it; with `SOCKETLAB_REQUIRE_` and the
/// program's name in the environment, the test has failed.
#[track_caller]
pub fn is_met(program: &str, is_there: bool) -> bool {
    if !is_there {
        let variable = format!("SOCKETLAB_REQUIRE_{}", program.to_uppercase());
        assert!(
            env::var_os(&variable).is_none(),
            "{variable} is set, and there is no {program}: install it"
        );
        let test = thread::current().name().unwrap_or_default().to_owned();
        let notice = format!("SKIPPED {test}: there is no {program}\n");
        // Not with a macro, whose output is captured.
        let _ = std::io::stderr().write_all(notice.as_bytes());
    }
    is_there
}
