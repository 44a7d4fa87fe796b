//! A folder of submissions, each judged like a program alone, a line each.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use proto::printable::printable;
use serde_json::json;

use super::{Check, CheckError, Subject, files};
use crate::case::Level;
use crate::interruption::interruption;
use crate::progress::Progress;
use crate::report::{Report, json as object, terminal};
use crate::run::{Judged, Plan, judge};

/// The longest name that stands beside others in a column.
const LONGEST_NAME: usize = 24;

/// One program that was handed in.
struct Submission {
    name: String,
    directory: PathBuf,
}

/// What came of one: its report, or why it did not start.
type Outcome = Result<Report, String>;

/// Judges all submissions in this folder, some at once; whether all that counts holds for each.
pub fn run(check: &Check<'_>, folder: &Path) -> Result<bool, CheckError> {
    let submissions = submissions(folder)?;
    let is_interrupted = interruption()?;
    let next = AtomicUsize::new(0);
    let outcomes: Mutex<Vec<Option<Outcome>>> =
        Mutex::new(submissions.iter().map(|_| None).collect());
    let progress = Progress::new(submissions.len());
    thread::scope(|scope| {
        for _ in 0..check.choice.submissions_at_once().min(submissions.len()) {
            scope.spawn(|| {
                while !is_interrupted.load(Ordering::Relaxed) {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let Some(submission) = submissions.get(number) else {
                        break;
                    };
                    let outcome = judge_one(check, submission, &is_interrupted);
                    let mut all = outcomes.lock().unwrap_or_else(PoisonError::into_inner);
                    all[number] = Some(outcome);
                    let name = printable(&submission.name);
                    progress.show(&format!("submissions judged ({name})"));
                }
            });
        }
    });
    progress.clear();
    let outcomes = outcomes
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner);
    show(check, &submissions, outcomes)
}

/// The folders in this one, by name. What begins with a dot is not handed in.
fn submissions(folder: &Path) -> Result<Vec<Submission>, CheckError> {
    let cannot =
        |error: io::Error| CheckError::Usage(format!("cannot read {}: {error}", folder.display()));
    let folder = folder.canonicalize().map_err(cannot)?;
    let mut submissions = Vec::new();
    for entry in folder.read_dir().map_err(cannot)? {
        let directory = entry.map_err(cannot)?.path();
        let name = directory
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if directory.is_dir() && !name.starts_with('.') {
            submissions.push(Submission { name, directory });
        }
    }
    if submissions.is_empty() {
        return Err(CheckError::Usage(format!(
            "{} has no folders: each submission is a folder of its own",
            folder.display()
        )));
    }
    submissions.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(submissions)
}

fn judge_one(check: &Check<'_>, submission: &Submission, is_interrupted: &AtomicBool) -> Outcome {
    let out = check.plan.out.as_ref();
    let out = out.map(|out| out.join(&submission.name));
    if let Some(out) = &out {
        std::fs::create_dir_all(out).map_err(|error| error.to_string())?;
    }
    let plan = Plan {
        // One case of each at a time, so that a slow program takes no time from the others.
        jobs: 1,
        out,
        ..check.plan.clone()
    };
    let judged = in_folder(&check.judged, &submission.directory);
    let judgements = judge(&plan, &judged, &check.cases, is_interrupted, &|_| {});
    let judgements = judgements.map_err(|error| error.to_string())?;
    let subject = Subject {
        name: submission.name.clone(),
        ..check.subject.clone()
    };
    let planned = check.cases.len();
    Ok(check.choice.report(plan, subject, judgements, planned))
}

/// What is judged, as it runs in this folder.
fn in_folder(judged: &Judged, folder: &Path) -> Judged {
    let mut judged = judged.clone();
    let program = match &mut judged {
        Judged::Started(command) => command,
        Judged::Client(command) => &mut command.program,
        Judged::Running(_) => return judged,
    };
    let path = folder.display().to_string();
    for word in &mut program.words {
        *word = word.replace("{submission}", &path);
    }
    program.directory = Some(folder.to_owned());
    judged
}

/// A line for each submission, or an object with `--json`; the notes go to the files.
fn show(
    check: &Check<'_>,
    submissions: &[Submission],
    outcomes: Vec<Option<Outcome>>,
) -> Result<bool, CheckError> {
    let names = submissions.iter().map(|it| printable(&it.name));
    let names: Vec<String> = names.collect();
    let width = names.iter().map(|name| name.chars().count()).max();
    let width = width.unwrap_or_default().min(LONGEST_NAME);
    let mut reports = Vec::new();
    let mut all_hold = true;
    for (name, outcome) in names.iter().zip(outcomes) {
        let (line, object) = match &outcome {
            None => (
                format!("{name:<width$}  not judged: interrupted"),
                json!({ "subject": name, "interrupted": true }),
            ),
            Some(Err(why)) => (
                format!(
                    "{name:<width$}  did not start: {}",
                    printable(first_line(why))
                ),
                json!({ "subject": name, "did_not_start": why }),
            ),
            Some(Ok(report)) => (line(name, width, report), object::object(report)),
        };
        let line = if check.is_json {
            object.to_string()
        } else {
            line
        };
        writeln!(io::stdout(), "{line}").map_err(CheckError::Print)?;
        let Some(Ok(report)) = outcome else {
            all_hold = false;
            continue;
        };
        all_hold &= report.holds();
        if let Some(out) = &report.plan.out {
            files::write(&out.join("report.txt"), |file| {
                terminal::write(&report, file)
            })?;
        }
        reports.push(report);
    }
    check.choice.files.write(&reports)?;
    Ok(all_hold)
}

/// `anna  must 30/31 (39/40 points)  should 2/2 (2/2 points)  text.prime.squares`
fn line(name: &str, width: usize, report: &Report) -> String {
    let shown = |level: Level| {
        let tally = report.tally(level);
        match tally.held + tally.broken + tally.undecided {
            0 => String::new(),
            all => format!(
                "  {level} {}/{all} ({}/{} points)",
                tally.held, tally.points, tally.possible
            ),
        }
    };
    let broken = report.judgements.iter().filter(|it| it.outcome.is_err());
    let broken: Vec<&str> = broken.map(|it| it.id.as_str()).collect();
    let line = format!(
        "{name:<width$}{}{}  {}",
        shown(Level::Must),
        shown(Level::Should),
        broken.join(" ")
    );
    line.trim_end().to_owned()
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}
