//! Crash points: named places where a process can be made to die, as if by `kill -9`.
//!
//! The place calls [`crash_if_due`]; the command line [arms](arm) one of them. One place in a
//! process is armed, from its start to its end, so it is a static: a ledger or a journal need not
//! carry a plan around to be tried.
//!
//! The list of places is complete: besides those of every connection, it has those of the bank's
//! ledger and of the cash machine, which call [`crash_if_due`] themselves.

use std::fmt;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use proto::named;
use proto::side::Side;
use record::event::BY_HAND;

named! {
    /// A point where the process can die.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub enum CrashPoint by name {
        /// The client, before it sends a request.
        BeforeSend => "before-send",
        /// The client, after it sent a request.
        AfterSend => "after-send",
        /// The server, when the effect of a request is decided and nothing is stored.
        BeforeCommit => "before-commit",
        /// The server, when the effect is stored and nothing is answered.
        AfterCommit => "after-commit",
        /// The server, after it sent an answer; the client, after it received one and before it makes
        /// anything of it.
        AfterReply => "after-reply",
        /// The cash machine, before the first note comes out.
        BeforeDispense => "before-dispense",
        /// The cash machine, when some notes are out.
        MidDispense => "mid-dispense",
        /// The cash machine, when all notes are out and nothing is confirmed.
        AfterDispense => "after-dispense",
    }
}

/// Where the process dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CrashAt {
    /// The point.
    pub point: CrashPoint,
    /// Which passage of it, counted from 1.
    pub passage: u64,
}

impl CrashPoint {
    /// Whether this program ever reaches it.
    pub fn is_in(self, side: Side) -> bool {
        use CrashPoint::{AfterCommit, AfterDispense, AfterReply, AfterSend};
        use CrashPoint::{BeforeCommit, BeforeDispense, BeforeSend, MidDispense};
        match self {
            BeforeCommit | AfterCommit => side == Side::Server,
            AfterReply => true,
            BeforeSend | AfterSend | BeforeDispense | MidDispense | AfterDispense => {
                side == Side::Client
            }
        }
    }
}

impl fmt::Display for CrashAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.passage {
            1 => self.point.fmt(f),
            passage => write!(f, "{}#{passage}", self.point),
        }
    }
}

/// The point that is armed, and how often it was passed.
static ARMED: OnceLock<(CrashAt, AtomicU64)> = OnceLock::new();

static CRASH_HOOK: OnceLock<CrashHook> = OnceLock::new();

type CrashHook = Box<dyn Fn(&str) + Send + Sync>;

/// From here on, this process dies at the place given. Only the first call counts.
pub fn arm(at: CrashAt) {
    let _ = ARMED.set((at, AtomicU64::new(0)));
}

/// Registers what is called just before the process dies on purpose, with the name of the crash point
/// or [`BY_HAND`]. Only the first call counts.
pub fn on_crash(hook: impl Fn(&str) + Send + Sync + 'static) {
    let _ = CRASH_HOOK.set(Box::new(hook));
}

/// Dies if this is the point, and the passage, that was [armed](arm). Otherwise it costs one load.
#[inline]
pub fn crash_if_due(point: CrashPoint) {
    if let Some((at, passages)) = ARMED.get()
        && at.point == point
        && passages.fetch_add(1, Ordering::Relaxed) + 1 == at.passage
    {
        die(point.name());
    }
}

/// Dies here, as at a crash point, because somebody asked for it.
pub fn crash_now() -> ! {
    die(BY_HAND)
}

fn die(at: &str) -> ! {
    if let Some(hook) = CRASH_HOOK.get() {
        hook(at);
    }
    kill_self()
}

/// The crash point before a message is sent.
pub fn before_send(side: Side) {
    if side == Side::Client {
        crash_if_due(CrashPoint::BeforeSend);
    }
}

/// The crash point after a message was sent.
pub fn after_send(side: Side) {
    crash_if_due(match side {
        Side::Client => CrashPoint::AfterSend,
        Side::Server => CrashPoint::AfterReply,
    });
}

/// The crash point after a message was received.
pub fn after_receive(side: Side) {
    if side == Side::Client {
        crash_if_due(CrashPoint::AfterReply);
    }
}

/// Ends the process with nothing unwound, flushed or closed by it. `SIGKILL` is what a test with
/// `kill -9` sends: unlike `abort` it leaves no core file and a shell says "Killed" (status 137).
fn kill_self() -> ! {
    #[cfg(unix)]
    let _ = signal_hook::low_level::raise(signal_hook::consts::SIGKILL);
    std::process::abort()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    /// Set in the process that is to die.
    const VICTIM: &str = "WIRE_CRASH_TEST";

    #[test]
    fn the_process_dies_at_the_place_and_the_passage_given_and_nowhere_else() {
        if std::env::var_os(VICTIM).is_some() {
            arm(CrashAt {
                point: CrashPoint::AfterCommit,
                passage: 2,
            });
            crash_if_due(CrashPoint::BeforeCommit);
            crash_if_due(CrashPoint::AfterCommit);
            crash_if_due(CrashPoint::BeforeCommit);
            eprintln!("alive");
            crash_if_due(CrashPoint::AfterCommit);
            eprintln!("survived");
            return;
        }
        let name = "fault::crash::tests::\
            the_process_dies_at_the_place_and_the_passage_given_and_nowhere_else";
        let mut program = Command::new(std::env::current_exe().unwrap());
        program
            .args(["--exact", name, "--nocapture"])
            .env(VICTIM, "");
        let died = program.output().unwrap();
        let said = String::from_utf8_lossy(&died.stderr);
        assert!(said.contains("alive"), "{said}");
        assert!(!said.contains("survived"), "{said}");
        #[cfg(unix)]
        {
            use std::os::unix::process::ExitStatusExt;
            assert_eq!(died.status.signal(), Some(9));
        }
    }
}
