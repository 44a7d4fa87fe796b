//! A folder of submissions, each judged like a program alone, a line each.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use ::check::case::{Case, Level};
use ::check::command::{Subject, interruption};
use ::check::program::ProgramCommand;
use ::check::progress::Progress;
use ::check::report::{Report, Tally, json, terminal};
use ::check::run::{Judged, Plan, judge};
use proto::printable::printable;

use super::{Arguments, files};
use crate::failure::{Failure, Status};
use crate::options::Options;

/// One program that was handed in.
struct Submission {
    name: String,
    directory: PathBuf,
}

/// What came of one: its report, or why it did not start.
type Outcome = Result<Report, String>;

/// Judges all submissions in this folder, some at once.
pub fn run(
    arguments: &Arguments,
    options: &Options,
    plan: &Plan,
    cases: &[Case],
    folder: &Path,
) -> Result<Status, Failure> {
    let submissions = submissions(folder)?;
    let is_interrupted = interruption();
    let is_interrupted = is_interrupted.map_err(|error| Failure::Resource(error.to_string()))?;
    let next = AtomicUsize::new(0);
    let outcomes: Mutex<Vec<Option<Outcome>>> =
        Mutex::new(submissions.iter().map(|_| None).collect());
    let progress = Progress::new(submissions.len());
    // One case of each at a time, so that a slow program takes no time from the others.
    let each = Plan {
        jobs: 1,
        ..plan.clone()
    };
    thread::scope(|scope| {
        for _ in 0..plan.jobs.min(submissions.len()) {
            scope.spawn(|| {
                while !is_interrupted.load(Ordering::Relaxed) {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let Some(submission) = submissions.get(number) else {
                        break;
                    };
                    let outcome = judge_one(arguments, &each, cases, submission, &is_interrupted);
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
    show(arguments, options, &submissions, outcomes)
}

/// The folders in this one, by name. What begins with a dot is not handed in.
fn submissions(folder: &Path) -> Result<Vec<Submission>, Failure> {
    let cannot = |error| Failure::Usage(format!("cannot read {}: {error}", folder.display()));
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
        return Err(Failure::Usage(format!(
            "{} has no folders: each submission is a folder of its own",
            folder.display()
        )));
    }
    submissions.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(submissions)
}

fn judge_one(
    arguments: &Arguments,
    plan: &Plan,
    cases: &[Case],
    submission: &Submission,
    is_interrupted: &AtomicBool,
) -> Outcome {
    let path = submission.directory.display().to_string();
    let words = arguments.command.iter();
    let command = ProgramCommand {
        words: words
            .map(|word| word.replace("{submission}", &path))
            .collect(),
        directory: Some(submission.directory.clone()),
        keeps_files: arguments.keeps_files(&plan.dialect),
        memory: arguments.choice.memory(),
    };
    let out = plan.out.as_ref().map(|out| out.join(&submission.name));
    if let Some(out) = &out {
        std::fs::create_dir_all(out).map_err(|error| error.to_string())?;
    }
    let plan = Plan {
        out,
        ..plan.clone()
    };
    let judgements = judge(
        &plan,
        &Judged::Started(command),
        cases,
        is_interrupted,
        &|_| {},
    );
    let judgements = judgements.map_err(|error| error.to_string())?;
    let subject = Subject {
        name: submission.name.clone(),
        ..arguments.subject(&plan)
    };
    let planned = cases.len();
    Ok(arguments.choice.report(plan, subject, judgements, planned))
}

/// A line for each submission, or an object with `--json`; the notes go to the files.
fn show(
    arguments: &Arguments,
    options: &Options,
    submissions: &[Submission],
    outcomes: Vec<Option<Outcome>>,
) -> Result<Status, Failure> {
    let output = options.output();
    let mut reports = Vec::new();
    let mut all_hold = true;
    for (submission, outcome) in submissions.iter().zip(outcomes) {
        let name = printable(&submission.name);
        let report = match outcome {
            None => {
                all_hold = false;
                output.line(&format!("{name:<30} not judged: interrupted"))?;
                continue;
            }
            Some(Err(why)) => {
                all_hold = false;
                match output.json {
                    true => output.line(
                        &serde_json::json!({ "subject": name, "did_not_start": why }).to_string(),
                    )?,
                    false => output.line(&format!(
                        "{name:<30} did not start: {}",
                        printable(first_line(&why))
                    ))?,
                }
                continue;
            }
            Some(Ok(report)) => report,
        };
        all_hold &= report.holds();
        match output.json {
            true => output.line(&json::object(&report).to_string())?,
            false => output.line(&line(&name, &report))?,
        }
        if let Some(out) = &report.plan.out {
            files::write(&out.join("report.txt"), |file| {
                terminal::write(&report, file)
            })?;
        }
        reports.push(report);
    }
    arguments.files.write(&reports)?;
    Ok(match all_hold {
        true => Status::Done,
        false => Status::Refused,
    })
}

/// `anna   must 30/31 (39/40 points)   should 2/2   text.prime.squares`
fn line(name: &str, report: &Report) -> String {
    let shown = |level: Level| {
        let Tally {
            held,
            broken,
            undecided,
            points,
            possible,
        } = report.tally(level);
        match held + broken + undecided {
            0 => String::new(),
            all => format!("  {level} {held}/{all} ({points}/{possible} points)"),
        }
    };
    let broken = report.judgements.iter().filter(|it| it.outcome.is_err());
    let broken: Vec<&str> = broken.map(|it| it.id.as_str()).collect();
    let line = format!(
        "{name:<30}{}{}  {}",
        shown(Level::Must),
        shown(Level::Should),
        broken.join(" ")
    );
    line.trim_end().to_owned()
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}
