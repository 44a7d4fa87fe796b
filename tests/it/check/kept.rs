//! A server is kept for the next case as long as cases hold on it.

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};
use std::time::Duration;

use check::case::Case;
use check::dialect::Dialect;
use check::program::ProgramCommand;
use check::run::{Judged, Judgement, Plan, judge};
use check::server::Server;
use check::verdict::{Failure, Outcome};
use proto::frame::Framing;
use proto::mode::Mode;
use tempfile::TempDir;

use super::{checking, lines};
use crate::programs;

/// The command of our text server, which writes a line into a file at each start.
struct Counted {
    directory: TempDir,
    words: Vec<String>,
}

impl Counted {
    fn with(arguments: &str) -> Counted {
        let directory = tempfile::tempdir().unwrap();
        let labserver = programs().command("labserver");
        let labserver = labserver.get_program().to_str().unwrap();
        let starts = directory.path().join("starts");
        let script = format!(
            "echo >> {}; exec {labserver} --mode text --port $0 -q {arguments} \"$@\"",
            starts.display()
        );
        Counted {
            directory,
            words: ["sh", "-c", &script, "{port}"].map(str::to_owned).into(),
        }
    }

    fn starts(&self) -> usize {
        lines(&self.directory.path().join("starts"))
    }

    /// Where the recordings of failed cases are kept.
    fn out(&self) -> PathBuf {
        let out = self.directory.path().join("out");
        fs::create_dir_all(&out).unwrap();
        out
    }

    /// Judges one case after the other.
    fn judge(&self, cases: &[Case]) -> Vec<Judgement> {
        let plan = Plan {
            dialect: Dialect::Service(Mode::Text),
            framing: Framing::Line,
            seed: 1,
            jobs: 1,
            patience: Duration::from_secs(10),
            time_limit: Duration::from_secs(60),
            out: Some(self.out()),
        };
        let judged = Judged::Started(ProgramCommand {
            words: [&self.words[..], &["--wire", "line"].map(str::to_owned)].concat(),
            directory: None,
            keeps_files: false,
            memory: 1 << 31,
        });
        judge(&plan, &judged, cases, &AtomicBool::new(false), &|_| {}).unwrap()
    }

    /// Which of these cases hold.
    fn verdicts(&self, cases: &[Case]) -> Vec<bool> {
        let judgements = self.judge(cases);
        judgements.iter().map(|it| it.outcome.is_ok()).collect()
    }
}

const fn case(judge: fn(&Server) -> Outcome) -> Case {
    Case::must("some", "text", "Something holds.", judge)
}

const HOLDS: Case = case(|server| server.connect().map(drop));

const FAILS: Case = case(|_| Err(Failure::because("one thing", "another")));

const UNDECIDED: Case = case(|_| Err(Failure::Undecided("no reason".into())));

#[test]
fn cases_that_hold_are_judged_on_one_program() {
    let server = Counted::with("");
    assert_eq!(server.verdicts(&[HOLDS, HOLDS, HOLDS]), [true; 3]);
    assert_eq!(server.starts(), 1);
}

#[test]
fn after_a_case_that_does_not_hold_the_program_is_another() {
    let server = Counted::with("");
    assert_eq!(server.verdicts(&[FAILS, HOLDS]), [false, true]);
    assert_eq!(server.starts(), 2);
    // On one that has served a case it is judged twice.
    let server = Counted::with("");
    assert_eq!(server.verdicts(&[HOLDS, FAILS, HOLDS]), [true, false, true]);
    assert_eq!(server.starts(), 3);
    let server = Counted::with("");
    assert_eq!(server.verdicts(&[HOLDS, UNDECIDED]), [true, false]);
    assert_eq!(server.starts(), 2);
}

#[test]
fn what_does_not_hold_on_a_kept_program_is_judged_again_on_a_fresh_one_and_that_verdict_counts() {
    static FIRST: AtomicU16 = AtomicU16::new(0);
    const FIRST_CASE: Case = case(|server| {
        FIRST.store(server.address.port(), Ordering::Relaxed);
        Ok(())
    });
    const NOT_ON_THE_FIRST: Case = case(|server| {
        let mut peer = server.connect()?;
        match server.address.port() == FIRST.load(Ordering::Relaxed) {
            true => peer.asks("LOWER KEPT", "OK something else"),
            false => peer.asks("LOWER FRESH", "OK fresh"),
        }
    });
    let server = Counted::with("");
    let judgements = server.judge(&[FIRST_CASE, NOT_ON_THE_FIRST, HOLDS]);
    assert!(
        judgements.iter().all(|it| it.outcome.is_ok()),
        "{judgements:?}"
    );
    // The last one was judged on the second program.
    assert_eq!(server.starts(), 2);
    let kept = server.out().read_dir().unwrap().count();
    assert_eq!(kept, 0, "a recording of a case that holds");
}

#[test]
fn a_case_has_a_fresh_program_where_it_needs_one_and_another_is_not_kept_for_the_next() {
    const USES_UP: Case = case(|server| {
        server.use_up();
        Ok(())
    });
    let server = Counted::with("");
    assert_eq!(server.verdicts(&[HOLDS.fresh(), HOLDS]), [true; 2]);
    assert_eq!(server.starts(), 1);
    assert_eq!(server.verdicts(&[HOLDS, HOLDS.fresh(), HOLDS]), [true; 3]);
    assert_eq!(server.starts(), 1 + 2);
    assert_eq!(server.verdicts(&[USES_UP, HOLDS]), [true; 2]);
    assert_eq!(server.starts(), 1 + 2 + 2);
}

#[test]
fn a_program_that_has_ended_is_no_longer_kept() {
    const KILLS: Case = case(Server::crash);
    let server = Counted::with("");
    assert_eq!(server.verdicts(&[KILLS, HOLDS]), [true; 2]);
    assert_eq!(server.starts(), 2);
    const RESTARTS: Case = case(Server::crash_and_restart);
    assert_eq!(server.verdicts(&[RESTARTS, HOLDS]), [true; 2]);
    assert_eq!(server.starts(), 2 + 2);
}

#[test]
fn the_diagram_of_a_case_has_its_own_conversation_alone() {
    const SAYS: Case = case(|server| server.connect()?.asks("LOWER FIRST", "OK first"));
    const SAYS_WRONG: Case = case(|server| server.connect()?.asks("LOWER SECOND", "OK third"));
    let server = Counted::with("");
    let judgements = server.judge(&[SAYS, SAYS_WRONG]);
    let diagram = &judgements[1].diagram;
    assert_eq!(diagram.matches("LOWER SECOND").count(), 1, "{diagram}");
    assert!(!diagram.contains("FIRST"), "{diagram}");
}

#[test]
fn an_answer_that_only_a_server_in_use_loses_fails_no_case_and_costs_a_start() {
    // The two cases have 26 and 6 answers.
    let server = Counted::with("--fault drop-reply=#30");
    let words: Vec<_> = server.words.iter().map(String::as_str).collect();
    let check = "text --only prime.small --only prime.leading-zeros --jobs 1 --timeout 0.5";
    let ended = checking(check, &words).run();
    assert_eq!(ended.status, Some(0), "{}", ended.stdout);
    assert_eq!(server.starts(), 2);
}
