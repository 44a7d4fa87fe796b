//! The command that starts a judged client.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use proto::mode::Transport;
use tempfile::TempDir;

use super::by_hand::Hand;
use crate::directory;
use crate::process::Process;
use crate::program::{ProgramCommand, StartError};

/// The command that starts a judged client. In each word `{host}`, `{port}` and `{state}`, a directory
/// of its own for each case, are replaced, and `{card}`, `{pin}` and `{name}`. A word `{words}` is
/// replaced by those of the request. Without the last four, what they stand for is typed.
#[derive(Debug, Clone)]
pub struct ClientCommand {
    /// The program and its arguments; none where somebody starts it by hand.
    pub words: Vec<String>,
    /// Where it runs; here, if nowhere else.
    pub directory: Option<PathBuf>,
    /// Whether it may keep files there: it runs in a copy, made for each case, unless there is too much
    /// to copy.
    pub keeps_files: bool,
    /// Bytes of memory that each of its processes may have.
    pub memory: u64,
    /// The `labserver` that it is given.
    pub labserver: PathBuf,
    /// Over which transport it asks, where the service has two.
    pub transport: Transport,
    /// The server that it is given in place of ours; what is said goes through a proxy of ours.
    pub server: Option<ProgramCommand>,
    /// Who starts it by hand.
    pub hand: Option<Hand>,
}

impl ClientCommand {
    /// Whether it can be started at all: it is, and ended at once.
    ///
    /// # Errors
    /// When it cannot.
    pub fn starts(&self) -> Result<(), StartError> {
        if self.hand.is_some() {
            return Ok(());
        }
        let copy = self.copy()?;
        let words = self.words.iter();
        let words = words.map(|word| self.located(word.clone(), copy.as_ref()));
        let words: Vec<String> = words.collect();
        let program = words.first().cloned().unwrap_or_default();
        let mut command = Command::new(&program);
        command.args(&words[1..]).stdin(Stdio::null());
        self.place(&mut command, copy.as_ref());
        let started = Process::start(command, Some(self.memory)).map(drop);
        started.map_err(|error| StartError::None { program, error })
    }

    /// Whether the clients have the directory that they keep files in in common: only one of them may
    /// run then.
    pub fn share_files(&self) -> bool {
        self.keeps_files && !directory::is_small(self.directory())
    }

    /// A copy of the directory, if it runs in one.
    pub(super) fn copy(&self) -> io::Result<Option<TempDir>> {
        match self.keeps_files {
            true => directory::copy(self.directory()),
            false => Ok(None),
        }
    }

    fn directory(&self) -> &Path {
        self.directory.as_deref().unwrap_or(Path::new("."))
    }

    /// A word of the command as it is in the copy.
    pub(super) fn located(&self, word: String, copy: Option<&TempDir>) -> String {
        match copy {
            Some(copy) => directory::outside_the_copy(word, copy.path(), self.directory()),
            None => word,
        }
    }

    /// Has it run where it is to.
    pub(super) fn place(&self, command: &mut Command, copy: Option<&TempDir>) {
        if let Some(copy) = copy {
            command.current_dir(copy.path());
        } else if let Some(directory) = &self.directory {
            command.current_dir(directory);
        }
    }
}
