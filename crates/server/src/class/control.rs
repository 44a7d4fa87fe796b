//! What is asked of a running class: a question and its answer, each a line of JSON, over a socket in
//! the class's directory that only its owner can open.

use std::fs::{self, Permissions};
use std::io::{self, ErrorKind, Read, Write};
use std::net::Shutdown;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Bytes of a question, at most: the names of all groups fit.
const MAX_QUESTION: usize = 64 * 1024;

/// Bytes of an answer, at most: some 300 for each group.
const MAX_ANSWER: usize = 1024 * 1024;

/// How long a question may take to come, and its answer to be taken.
const QUESTION_TIMEOUT: Duration = Duration::from_secs(5);

/// How long an answer may take: that of all groups being reset, and one of them not starting.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);

/// Questions that are answered at once; more are not taken.
const MAX_AT_ONCE: usize = 8;

/// A question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Question {
    /// How all groups are.
    Status,
    /// These groups are to be reset.
    Reset(Vec<String>),
}

/// Its answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// How they are, in the order of the class's file.
    Status(Vec<GroupStatus>),
    /// Of each group that was to be reset, what came of it.
    Reset(Vec<ResetOutcome>),
    /// The question is not answered: why.
    Refused(String),
}

/// How a group is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupStatus {
    /// Its name.
    pub name: String,
    /// What its ports are counted from.
    pub port: u16,
    /// Whether it runs.
    pub state: State,
    /// The number of its process.
    pub process: Option<u32>,
    /// Since when it is in this state.
    pub since: Option<Timestamp>,
    /// How often it was started again after it had ended by itself.
    pub restarts: u64,
}

/// Whether a group runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// It does not.
    Stopped,
    /// Its process does not listen yet.
    Starting,
    /// It does.
    Running,
    /// Its process ended, and will be started again after a pause.
    Waiting,
}

impl State {
    /// One word.
    pub fn name(self) -> &'static str {
        match self {
            State::Stopped => "stopped",
            State::Starting => "starting",
            State::Running => "running",
            State::Waiting => "waiting",
        }
    }
}

/// What came of a reset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResetOutcome {
    /// The group.
    pub name: String,
    /// Where its files are now; `None` when it had none.
    pub archived: Option<PathBuf>,
    /// Why it was not reset.
    pub failed: Option<String>,
}

/// Binds the socket. The one of a class that was killed is removed: who calls this has the class's
/// lock.
///
/// # Errors
/// When it cannot be bound.
pub fn bind(path: &Path) -> anyhow::Result<UnixListener> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            return Err(error).with_context(|| format!("cannot remove {}", path.display()));
        }
        Ok(()) | Err(_) => {}
    }
    let listener = UnixListener::bind(path).map_err(|error| match error.kind() {
        ErrorKind::InvalidInput => anyhow::anyhow!(
            "the path {} is too long for a socket: give the class a `directory` with a shorter one",
            path.display()
        ),
        _ => anyhow::anyhow!("cannot listen on {}: {error}", path.display()),
    })?;
    // Its directory is closed to others, so that none comes in between.
    fs::set_permissions(path, Permissions::from_mode(0o600))
        .with_context(|| format!("cannot close {} to others", path.display()))?;
    Ok(listener)
}

/// Answers questions for as long as the process runs.
pub fn serve(listener: &UnixListener, answer: impl Fn(Question) -> Answer + Send + Sync + 'static) {
    let answer = Arc::new(answer);
    let at_once = Arc::new(AtomicUsize::new(0));
    for stream in listener.incoming() {
        let stream = match stream {
            Ok(stream) => stream,
            Err(error) => {
                tracing::warn!(%error, "cannot accept a question about the class");
                thread::sleep(Duration::from_millis(100));
                continue;
            }
        };
        if at_once.fetch_add(1, Ordering::Relaxed) >= MAX_AT_ONCE {
            at_once.fetch_sub(1, Ordering::Relaxed);
            continue;
        }
        let (answer, these) = (Arc::clone(&answer), Arc::clone(&at_once));
        let converse = move || {
            if let Err(error) = converse(&stream, &*answer) {
                tracing::debug!(%error, "a question about the class was not answered");
            }
            these.fetch_sub(1, Ordering::Relaxed);
        };
        if thread::Builder::new()
            .name("control".into())
            .spawn(converse)
            .is_err()
        {
            at_once.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

fn converse(stream: &UnixStream, answer: &dyn Fn(Question) -> Answer) -> io::Result<()> {
    let question = read_line(stream, MAX_QUESTION, QUESTION_TIMEOUT)?;
    let answer = match serde_json::from_slice(&question) {
        Ok(question) => answer(question),
        Err(error) => Answer::Refused(format!("this is no question: {error}")),
    };
    write_line(stream, &answer, QUESTION_TIMEOUT)
}

/// Asks a running class; `None` when it does not run.
///
/// # Errors
/// When it runs and does not answer.
pub fn ask(path: &Path, question: &Question) -> anyhow::Result<Option<Answer>> {
    let stream = match UnixStream::connect(path) {
        Ok(stream) => stream,
        Err(error)
            if matches!(
                error.kind(),
                ErrorKind::NotFound | ErrorKind::ConnectionRefused
            ) =>
        {
            return Ok(None);
        }
        Err(error) => return Err(error).with_context(|| format!("cannot ask {}", path.display())),
    };
    let no_answer = || format!("the class that runs does not answer on {}", path.display());
    write_line(&stream, question, QUESTION_TIMEOUT).with_context(no_answer)?;
    stream.shutdown(Shutdown::Write).with_context(no_answer)?;
    let line = read_line(&stream, MAX_ANSWER, ANSWER_TIMEOUT).with_context(no_answer)?;
    let answer = serde_json::from_slice(&line).with_context(no_answer)?;
    if let Answer::Refused(words) = answer {
        bail!("{words}");
    }
    Ok(Some(answer))
}

fn write_line(mut stream: &UnixStream, line: &impl Serialize, timeout: Duration) -> io::Result<()> {
    let mut bytes = serde_json::to_vec(line)?;
    bytes.push(b'\n');
    stream.set_write_timeout(Some(timeout))?;
    stream.write_all(&bytes)
}

/// A line of at most so many bytes, which has come within this time.
fn read_line(mut stream: &UnixStream, most: usize, timeout: Duration) -> io::Result<Vec<u8>> {
    let by = Instant::now() + timeout;
    let (mut line, mut some) = (Vec::new(), [0; 4096]);
    loop {
        let left = by.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(ErrorKind::TimedOut.into());
        }
        stream.set_read_timeout(Some(left))?;
        let read = stream.read(&mut some)?;
        let some = &some[..read];
        if let Some(end) = some.iter().position(|byte| *byte == b'\n') {
            line.extend(&some[..end]);
            return Ok(line);
        }
        line.extend(some);
        if read == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        if line.len() > most {
            return Err(io::Error::other("a line that is too long"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status() -> GroupStatus {
        GroupStatus {
            name: "a".into(),
            port: 9_100,
            state: State::Running,
            process: Some(7),
            since: Some(Timestamp::UNIX_EPOCH),
            restarts: 0,
        }
    }

    /// A socket that answers each question with a status.
    fn served() -> (tempfile::TempDir, PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("control.sock");
        let listener = bind(&path).unwrap();
        thread::spawn(move || serve(&listener, |_| Answer::Status(vec![status()])));
        (directory, path)
    }

    #[test]
    fn a_question_is_answered_over_a_socket_of_its_owner_alone() {
        let (_directory, path) = served();
        let answer = ask(&path, &Question::Status).unwrap();
        assert_eq!(answer, Some(Answer::Status(vec![status()])));
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn bad_questions_are_refused_and_the_next_is_answered() {
        let (_directory, path) = served();
        for question in [&b"status\n"[..], b"{\"melt\":1}\n", b"\xff\n", b"[[[[\n"] {
            let mut stream = UnixStream::connect(&path).unwrap();
            stream.write_all(question).unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).unwrap();
            assert!(
                answer.starts_with("{\"refused\":\"this is no question"),
                "{answer}"
            );
        }
        let mut endless = UnixStream::connect(&path).unwrap();
        // The other end gives up before all of it was written.
        let _ = endless.write_all(&vec![b'x'; 2 * MAX_QUESTION]);
        assert_eq!(endless.read(&mut [0; 8]).unwrap_or(0), 0);
        assert!(ask(&path, &Question::Reset(Vec::new())).unwrap().is_some());
    }

    #[test]
    fn a_class_that_does_not_run_is_told_from_one_that_does_not_answer() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("control.sock");
        assert_eq!(ask(&path, &Question::Status).unwrap(), None);
        drop(bind(&path).unwrap());
        assert_eq!(
            ask(&path, &Question::Status).unwrap(),
            None,
            "it was killed"
        );
        let listener = bind(&path).unwrap();
        thread::spawn(move || drop(listener.accept()));
        let error = ask(&path, &Question::Status).unwrap_err();
        assert!(error.to_string().contains("does not answer"), "{error}");
        let long = directory.path().join("x".repeat(120));
        let words = bind(&long).unwrap_err().to_string();
        assert!(words.contains("too long for a socket"), "{words}");
    }
}
