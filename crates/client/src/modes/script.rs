//! A scripted exchange: the client's part of it, and whether the server kept to its own.

mod play;

use std::fs::File;
use std::io::Read;

use clap::Args;
use proto::frame::Framing;
use proto::mode::Transport;
use proto::printable::printable;
use proto::script::{self, MAX_SIZE, SHIPPED, Script, Shipped};
use record::Recorder;
use serde_json::json;

use crate::failure::{Failure, Status};
use crate::input::Input;
use crate::output::{Output, say};
use crate::session::Target;

pub use self::play::{ScriptUi, play};

/// What the command line says.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The exchange to play: the name of one, or a file; `list` shows the names
    #[arg(value_name = "NAME|FILE", default_value = script::DEFAULT)]
    script: String,
}

impl Arguments {
    /// How the service of the script is reached; `None` where only the names of the scripts are asked
    /// for.
    pub(crate) fn transport(&self) -> Result<Option<Transport>, Failure> {
        match &self.script[..] {
            "list" => Ok(None),
            script => Ok(Some(load(script)?.transport())),
        }
    }
}

/// Plays the script that the arguments name, or lists those that are shipped. Its framing is the
/// script's own, unless another is given.
pub(crate) fn run(
    arguments: &Arguments,
    framing: Option<Framing>,
    mut target: Target,
    output: Output,
) -> Result<Status, Failure> {
    if arguments.script == "list" {
        return list(output);
    }
    let mut script = load(&arguments.script)?;
    if let Some(framing) = framing {
        script = script
            .in_framing(framing)
            .map_err(|error| Failure::Usage(format!("--wire {framing}: {error}")))?;
    }
    target.framing = script.framing();
    let mut console = Console {
        input: None,
        recorder: target.recorder.clone(),
        output,
    };
    play(&script, &target, &mut console)
}

/// A person at a terminal, or a pipe.
struct Console {
    /// Opened when the script first asks.
    input: Option<Input>,
    recorder: Option<Recorder>,
    output: Output,
}

impl ScriptUi for Console {
    fn ask(&mut self, prompt: &str) -> Result<Option<String>, Failure> {
        match &mut self.input {
            Some(input) => input.line(prompt),
            input => input
                .insert(Input::open(self.recorder.as_ref())?)
                .line(prompt),
        }
    }

    fn show(&mut self, message: &[u8]) -> Result<(), Failure> {
        let text = String::from_utf8_lossy(message);
        let line = format!("S: {}", printable(&text));
        self.output.answer(&line, json!({"received": text}))
    }

    fn refused(&mut self, failure: &Failure) -> Result<(), Failure> {
        say(&failure.words().unwrap_or_default());
        self.output.failure(failure)
    }

    fn said(&mut self, message: &str) -> Result<(), Failure> {
        let line = format!("C: {}", printable(message));
        self.output.answer(&line, json!({"sent": message}))
    }

    fn said_what_was_asked(&mut self, line: &str) -> Result<(), Failure> {
        // A person sees it where they typed it.
        match &self.input {
            Some(input) if input.is_terminal() && !self.output.json => Ok(()),
            Some(_) | None => self.said(line),
        }
    }
}

fn list(output: Output) -> Result<Status, Failure> {
    for shipped in SHIPPED {
        let script = parse(shipped.name, shipped.source)?;
        let (name, title) = (shipped.name, script.title());
        let transport = script.transport().name();
        let members = json!({"name": name, "transport": transport, "title": title});
        output.answer(&format!("{name:<13} {transport} {title}"), members)?;
    }
    Ok(Status::Done)
}

/// Finds a script by its name, or reads it from a file.
pub(crate) fn load(name_or_file: &str) -> Result<Script, Failure> {
    if let Some(shipped) = Shipped::find(name_or_file) {
        return parse(shipped.name, shipped.source);
    }
    let cannot = |error| {
        Failure::Usage(format!(
            "cannot read the script {name_or_file:?}: {error}; `labclient script list` shows \
             those that come with it"
        ))
    };
    let file = File::open(name_or_file).map_err(cannot)?;
    let mut source = String::new();
    // One byte more than may be, so that a script too long is noticed and not cut.
    file.take(MAX_SIZE as u64 + 1)
        .read_to_string(&mut source)
        .map_err(cannot)?;
    parse(name_or_file, &source)
}

fn parse(name: &str, source: &str) -> Result<Script, Failure> {
    source
        .parse()
        .map_err(|error| Failure::Usage(format!("{name}: {error}")))
}
