//! The command that starts a judged client.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use proto::mode::Transport;

use super::by_hand::Hand;
use crate::process::Process;
use crate::program::{ProgramCommand, StartError};

/// The command that starts a judged client. In each word `{host}`, `{port}` and `{state}`, a directory
/// of its own for each case, are replaced, and `{card}`, `{pin}` and `{name}`. A word `{words}` is
/// replaced by those of the request. Without the last four, what they stand for is typed.
#[derive(Debug, Clone)]
pub struct ClientCommand {
    /// The client; without words where somebody starts it by hand.
    pub program: ProgramCommand,
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
        let copy = self.program.copy()?;
        let words = self.program.words.iter();
        let words = words.map(|word| self.program.located(word.clone(), copy.as_ref()));
        let words: Vec<String> = words.collect();
        let program = words.first().cloned().unwrap_or_default();
        let mut command = Command::new(&program);
        command.args(&words[1..]).stdin(Stdio::null());
        self.program.place(&mut command, copy.as_ref());
        let started = Process::start(command, Some(self.program.memory)).map(drop);
        started.map_err(|error| StartError::None { program, error })
    }
}
