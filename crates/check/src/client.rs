//! A judged client, as one case sees it.

mod own_server;
mod recorded;

use std::cell::{Cell, RefCell};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use proto::frame::Framing;
use proto::mode::{Mode, Transport};
use proto::side::Side;
use rand::SeedableRng;
use rand::rngs::StdRng;
use record::Recorder;
use record::recorder::Settings;

use crate::dialect::Dialect;
use crate::peer::Peer;
use crate::process::{Process, how};
use crate::program::StartError;
use crate::server::Server;
use crate::verdict::Failure;

pub use own_server::OwnServer;
pub use recorded::Recorded;

/// How long a client may take to end, when nothing keeps it.
const END_TIMEOUT: Duration = Duration::from_secs(25);

/// The card and the PIN of the account that a judged cash machine uses; the bank opens it.
pub const CARD: &str = "123456789";

/// The PIN of [`CARD`].
pub const PIN: &str = "1234";

/// The name under which a judged client joins or calculates.
pub const NAME: &str = "Adarsh";

/// The command that starts a judged client. In each word `{host}`, `{port}` and `{state}`, a directory
/// of its own for each case, are replaced, and `{card}`, `{pin}` and `{name}`. A word `{words}` is
/// replaced by those of the request. Without the last four, what they stand for is typed.
#[derive(Debug, Clone)]
pub struct ClientCommand {
    /// The program and its arguments.
    pub words: Vec<String>,
    /// Where it runs; here, if nowhere else.
    pub directory: Option<PathBuf>,
    /// Bytes of memory that each of its processes may have.
    pub memory: u64,
    /// The `labserver` that it is given.
    pub labserver: PathBuf,
    /// Over which transport it asks, where the service has two.
    pub transport: Transport,
}

/// A judged client during one case.
pub struct Client {
    /// The service.
    pub mode: Mode,
    /// How bytes are cut into messages.
    pub framing: Framing,
    /// When the case is given up.
    pub by: Instant,
    /// What varies from run to run.
    pub random: RefCell<StdRng>,
    command: ClientCommand,
    /// Where the client, our server and the recordings keep their files.
    directory: tempfile::TempDir,
    /// How many servers had recordings of their own.
    servers: Cell<u32>,
    /// The end of what it printed last.
    said: RefCell<String>,
}

/// What a client did that has ended by itself.
#[derive(Debug, Default)]
pub struct Finished {
    /// What it printed on standard output.
    pub printed: String,
    /// What it printed on standard error.
    pub complained: String,
    /// Its exit status, in words.
    pub status: String,
    /// Whether its exit status is that of a success.
    pub is_success: bool,
}

/// A client that runs.
pub struct Running<'c> {
    client: &'c Client,
    process: Process,
}

impl ClientCommand {
    /// Whether it can be started at all: it is, and ended at once.
    ///
    /// # Errors
    /// When it cannot.
    pub fn starts(&self) -> Result<(), StartError> {
        let program = self.words.first().cloned().unwrap_or_default();
        let mut command = Command::new(&program);
        command.args(&self.words[1..]).stdin(Stdio::null());
        if let Some(directory) = &self.directory {
            command.current_dir(directory);
        }
        let started = Process::start(command, Some(self.memory));
        let started = started.map(drop);
        started.map_err(|error| StartError::None { program, error })
    }
}

impl Client {
    pub(crate) fn new(
        mode: Mode,
        framing: Framing,
        command: &ClientCommand,
        by: Instant,
        random: StdRng,
    ) -> io::Result<Client> {
        Ok(Client {
            mode,
            framing,
            by,
            random: RefCell::new(random),
            command: command.clone(),
            directory: tempfile::tempdir()?,
            servers: Cell::new(0),
            said: RefCell::default(),
        })
    }

    /// The end of what it printed last.
    pub(crate) fn said(&self) -> String {
        self.said.borrow().clone()
    }

    /// What the server of the last run recorded.
    pub(crate) fn last_recording(&self) -> Option<PathBuf> {
        let number = self.servers.get().checked_sub(1)?;
        Some(self.recording(number))
    }

    fn recording(&self, number: u32) -> PathBuf {
        self.path(&format!("recording-{number}.jsonl"))
    }

    /// Our server of the mode, with these options besides, on a free port.
    pub fn server(&self, options: &[&str]) -> Result<OwnServer, Failure> {
        self.server_of(&["--mode", self.mode.name()], options)
    }

    /// Our server of another role, on a free port.
    pub fn server_of(&self, role: &[&str], options: &[&str]) -> Result<OwnServer, Failure> {
        let number = self.servers.replace(self.servers.get() + 1);
        let recording = self.recording(number);
        let role = [role, options].concat();
        OwnServer::start(&self.command.labserver, &role, self, recording, 0)
    }

    /// A connection of our own to this server, beside the client's.
    pub fn peer(&self, server: &OwnServer) -> Result<Peer, Failure> {
        let recorder = Recorder::start(Settings {
            program: "labserver",
            release: env!("CARGO_PKG_VERSION"),
            side: Side::Client,
            arguments: vec!["check".into()],
            faults: None,
            secrets: record::Secrets::Kept,
            file: Some(self.path("peer.jsonl")),
            trace: None,
        });
        let recorder = recorder.map_err(|error| Failure::Undecided(error.to_string()))?;
        let recorder =
            recorder.ok_or_else(|| Failure::Undecided("nothing is recorded".to_owned()))?;
        let server = Server {
            address: server.address,
            dialect: Dialect::Service(self.mode),
            framing: self.framing,
            patience: END_TIMEOUT,
            by: self.by,
            random: RefCell::new(StdRng::seed_from_u64(0)),
            recorder,
            connections: Cell::new(0),
            program: None,
            is_used_up: Cell::new(false),
        };
        server.connect()
    }

    /// Kills this server, and starts it again in its place, without faults.
    pub fn restart(&self, server: &mut OwnServer) -> Result<(), Failure> {
        let role = ["--mode", self.mode.name()];
        let (port, recording) = server.place();
        server.kill();
        *server = OwnServer::start(&self.command.labserver, &role, self, recording, port)?;
        Ok(())
    }

    /// Our server's program with these arguments, about the bank of this case.
    pub fn labserver(&self, arguments: &[&str]) -> Result<Process, Failure> {
        let mut command = Command::new(&self.command.labserver);
        command
            .args(arguments)
            .arg("--ledger")
            .arg(self.path("bank.db"))
            .stdin(Stdio::null());
        let started = Process::start(command, None);
        started.map_err(|error| Failure::Undecided(format!("no labserver: {error}")))
    }

    /// A file or directory of this case.
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Runs it at this server with these requests, to its end.
    pub fn ask(&self, server: &OwnServer, requests: &[&str]) -> Result<Finished, Failure> {
        self.ask_with(server, requests, PIN)
    }

    /// The same with another PIN.
    pub fn ask_with(
        &self,
        server: &OwnServer,
        requests: &[&str],
        pin: &str,
    ) -> Result<Finished, Failure> {
        if !self.takes_words() {
            let mut running = self.start_with(server, "", pin)?;
            running.type_last(&self.lines(requests));
            return running.finish();
        }
        // One run a request, as each is a command line.
        let mut all = Finished {
            is_success: true,
            ..Finished::default()
        };
        for request in requests {
            let one = self.start_with(server, request, pin)?.finish()?;
            all.printed += &one.printed;
            all.complained += &one.complained;
            all.status = one.status;
            all.is_success &= one.is_success;
        }
        Ok(all)
    }

    /// Whether a request is given on the command line.
    pub fn takes_words(&self) -> bool {
        self.has("{words}")
    }

    /// Whether the command has this placeholder.
    pub fn has(&self, placeholder: &str) -> bool {
        let mut words = self.command.words.iter();
        words.any(|word| word.contains(placeholder))
    }

    /// What is typed for these requests, with what ends a session of this service.
    fn lines(&self, requests: &[&str]) -> String {
        let last = match self.mode {
            Mode::Calc => Some("q"),
            Mode::Chat => Some("quit"),
            _ => None,
        };
        let lines = requests.iter().copied().chain(last);
        lines.map(|line| format!("{line}\n")).collect()
    }

    /// Starts it at this server with one request, which is typed only where it is typed later.
    pub fn start(&self, server: &OwnServer, request: &str) -> Result<Running<'_>, Failure> {
        let mut running = self.start_with(server, request, PIN)?;
        if !self.takes_words() && !request.is_empty() {
            running.process.type_in(&format!("{request}\n"));
        }
        Ok(running)
    }

    fn start_with(
        &self,
        server: &OwnServer,
        request: &str,
        pin: &str,
    ) -> Result<Running<'_>, Failure> {
        let state = self.path("state");
        let made = std::fs::create_dir_all(&state);
        made.map_err(|error| Failure::Undecided(format!("this computer failed: {error}")))?;
        let address = server.address;
        let mut words = Vec::new();
        for word in &self.command.words {
            if word == "{words}" {
                // A verb and the rest, whose blanks count.
                let is_whole = matches!(self.mode, Mode::Calc | Mode::Echo | Mode::Chat);
                match request.split_once(' ').filter(|_| !is_whole) {
                    Some((verb, rest)) => words.extend([verb.to_owned(), rest.to_owned()]),
                    None => words.push(request.to_owned()),
                }
                continue;
            }
            words.push(
                word.replace("{host}", &address.ip().to_string())
                    .replace("{port}", &address.port().to_string())
                    .replace("{state}", &state.display().to_string())
                    .replace("{card}", CARD)
                    .replace("{pin}", pin)
                    .replace("{name}", NAME),
            );
        }
        let mut process = self.process(&words, &state, pin)?;
        for (placeholder, typed) in self.typed_first(pin) {
            if !self.has(placeholder) {
                process.type_in(&format!("{typed}\n"));
            }
        }
        Ok(Running {
            client: self,
            process,
        })
    }

    fn process(&self, words: &[String], state: &Path, pin: &str) -> Result<Process, Failure> {
        let Some((file, arguments)) = words.split_first() else {
            return Err(Failure::Undecided("there is no command".into()));
        };
        let mut command = Command::new(file);
        command
            .args(arguments)
            .env("XDG_STATE_HOME", state)
            // Letters are UTF-8 wherever this runs.
            .env("LC_ALL", "C.UTF-8")
            .env_remove("LABCLIENT_PIN")
            .stdin(Stdio::piped());
        if self.takes_words() || self.has("{pin}") {
            command.env("LABCLIENT_PIN", pin);
        }
        if let Some(directory) = &self.command.directory {
            command.current_dir(directory);
        }
        let started = Process::start(command, Some(self.command.memory));
        started.map_err(|error| Failure::Undecided(format!("cannot start {file}: {error}")))
    }

    /// What a client is told before its requests: what stands for it in the command, and the text.
    fn typed_first<'t>(&self, pin: &'t str) -> Vec<(&'static str, &'t str)> {
        match self.mode {
            Mode::Atm => vec![("{card}", CARD), ("{pin}", pin)],
            Mode::Calc | Mode::Chat => vec![("{name}", NAME)],
            _ => Vec::new(),
        }
    }
}

impl Running<'_> {
    /// Types this.
    pub fn type_in(&mut self, text: &str) {
        self.process.type_in(text);
    }

    /// Types this and ends the input.
    pub fn type_last(&mut self, text: &str) {
        self.process.type_last(text.to_owned());
    }

    /// What it has printed so far, on both outputs.
    pub fn output(&self) -> String {
        self.process.printed() + &self.process.complained()
    }

    /// Whether it has ended by itself.
    pub fn has_ended(&mut self) -> bool {
        !matches!(self.process.ended(), Ok(None))
    }

    /// Ends its input, and waits until it has ended by itself.
    pub fn finish(mut self) -> Result<Finished, Failure> {
        self.process.type_last(String::new());
        self.wait()
    }

    /// Waits until it has ended by itself, while its input stays open.
    pub fn wait(mut self) -> Result<Finished, Failure> {
        let began = Instant::now();
        let status = self.process.wait(self.client.gives_up(began));
        if status.is_some() {
            self.process.wait_for_output();
        }
        self.client.said.replace(self.process.said());
        let Some(status) = status else {
            let waited = began.elapsed().as_secs_f32();
            if Instant::now() >= self.client.by {
                let words = "the case took longer than it may (--time-limit)";
                return Err(Failure::Undecided(words.into()));
            }
            return Err(Failure::because(
                "a client that ends by itself",
                format!("it still runs after {waited:.0} s"),
            ));
        };
        Ok(Finished {
            printed: self.process.printed(),
            complained: self.process.complained(),
            status: how(status),
            is_success: status.success(),
        })
    }

    /// Kills it, as the loss of power would; what it had printed.
    pub fn kill(mut self) -> String {
        self.process.kill();
        self.process.wait_for_output();
        self.client.said.replace(self.process.said());
        self.output()
    }
}

impl Client {
    /// When a run that began then is not waited for any more.
    fn gives_up(&self, began: Instant) -> Instant {
        match self.mode {
            // A cash machine goes on asking for as long as it takes.
            Mode::Atm => self.by,
            _ => self.by.min(began + END_TIMEOUT),
        }
    }
}

impl Finished {
    /// All that it printed.
    pub fn output(&self) -> String {
        format!("{}{}", self.printed, self.complained)
    }

    /// It must have printed this somewhere.
    pub fn shows(&self, text: &str) -> Result<(), Failure> {
        match self.output().contains(text) {
            true => Ok(()),
            false => Err(Failure::because(
                format!("{text} in what it prints"),
                format!("{}; {}", quoted(&self.output()), self.status),
            )),
        }
    }
}

/// What a program printed, to be shown in a finding.
pub fn quoted(output: &str) -> String {
    match output.trim_end() {
        "" => "it printed nothing".into(),
        text => format!("it printed {}", proto::printable::quoted(text)),
    }
}
