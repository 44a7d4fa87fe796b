//! A judged client, as one case sees it.

mod by_hand;
mod command;
mod own_server;
mod recorded;
mod running;

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
use tempfile::TempDir;

use crate::dialect::Dialect;
use crate::peer::Peer;
use crate::process::Process;
use crate::program::ProgramCommand;
use crate::server::Server;
use crate::verdict::Failure;

pub use by_hand::{Hand, SEEN_BY_HAND};
pub use command::ClientCommand;
pub use own_server::OwnServer;
pub use recorded::Recorded;
pub use running::{Finished, Running, quoted};

/// How long a client may take to end, when nothing keeps it.
const END_TIMEOUT: Duration = Duration::from_secs(25);

/// How long somebody may take to do what they are told to.
const HAND_TIMEOUT: Duration = Duration::from_secs(300);

/// The card and the PIN of the account that a judged cash machine uses; the bank opens it.
pub const CARD: &str = "123456789";

/// The PIN of [`CARD`].
pub const PIN: &str = "1234";

/// The name under which a judged client joins or calculates.
pub const NAME: &str = "Adarsh";

/// A judged client during one case.
pub struct Client {
    /// What it speaks.
    pub dialect: Dialect,
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
    directory: TempDir,
    /// The copy of its own directory that it runs in.
    copy: Option<TempDir>,
    /// How many servers had recordings of their own.
    servers: Cell<u32>,
    /// The end of what it printed last.
    said: RefCell<String>,
    /// Whether this computer was too slow for the case.
    is_disturbed: Cell<bool>,
}

impl Client {
    pub(crate) fn new(
        dialect: &Dialect,
        framing: Framing,
        command: &ClientCommand,
        by: Instant,
        random: StdRng,
    ) -> io::Result<Client> {
        Ok(Client {
            dialect: dialect.clone(),
            mode: dialect.mode(),
            framing,
            by,
            random: RefCell::new(random),
            command: command.clone(),
            directory: tempfile::tempdir()?,
            copy: command.program.copy()?,
            servers: Cell::new(0),
            said: RefCell::default(),
            is_disturbed: Cell::new(false),
        })
    }

    /// It did something else than in the undisturbed run, where nothing had disturbed it yet but this
    /// computer. What follows says nothing about it: the case begins anew, with another client.
    pub(crate) fn disturbed(&self) -> Failure {
        self.is_disturbed.set(true);
        Failure::Undecided(
            "the client asked again though nothing was lost: is this computer too slow?".into(),
        )
    }

    /// Whether the case must begin anew.
    pub(crate) fn is_disturbed(&self) -> bool {
        self.is_disturbed.get()
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

    /// Our server of what it speaks, with these options besides, on a free port; or a proxy before the
    /// one that it is given instead.
    pub fn server(&self, options: &[&str]) -> Result<OwnServer, Failure> {
        if let Some(command) = &self.command.server {
            return self.proxy(command, options);
        }
        let role = match &self.dialect {
            Dialect::Service(mode) => vec!["--mode", mode.name()],
            Dialect::Script(name, _) => vec!["--mode", "script", "--script", name],
            Dialect::Handout(handout) => vec!["--handout", handout.name()],
        };
        self.server_of(&role, options)
    }

    fn proxy(&self, command: &ProgramCommand, options: &[&str]) -> Result<OwnServer, Failure> {
        let (transports, udp): (&[Transport], &[&str]) = match self.command.transport {
            Transport::Tcp => (&[Transport::Tcp], &[]),
            Transport::Udp => (&[Transport::Udp], &["--udp"]),
        };
        let started = command.serve(transports);
        let program = started
            .map_err(|error| Failure::Undecided(format!("the server did not start: {error}")))?;
        let to = program.address().to_string();
        let role = [&["--mode", "proxy", "--to", &to], udp].concat();
        let proxy = self.server_of(&role, options)?;
        Ok(proxy.before(program))
    }

    /// Our server of another role, on a free port.
    pub fn server_of(&self, role: &[&str], options: &[&str]) -> Result<OwnServer, Failure> {
        let number = self.servers.replace(self.servers.get() + 1);
        let recording = self.recording(number);
        let role = [role, options].concat();
        let start = |port| {
            let recording = recording.clone();
            OwnServer::start(&self.command.labserver, &role, self, recording, port)
        };
        match self.command.hand {
            // Who types the port each time would rather not have a new one.
            Some(_) => start(self.usual_port()).or_else(|_| start(0)),
            None => start(0),
        }
    }

    /// The port of what it speaks, which may be taken.
    fn usual_port(&self) -> u16 {
        match self.dialect {
            Dialect::Handout(handout) => handout.port(),
            Dialect::Service(_) | Dialect::Script(..) => self.mode.default_port(),
        }
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
            most_bytes: None,
            trace: None,
            follower: None,
        });
        let recorder = recorder.map_err(|error| Failure::Undecided(error.to_string()))?;
        let recorder =
            recorder.ok_or_else(|| Failure::Undecided("nothing is recorded".to_owned()))?;
        let server = Server {
            address: server.address,
            dialect: self.dialect.clone(),
            framing: self.framing,
            patience: match self.command.hand {
                Some(_) => HAND_TIMEOUT,
                None => END_TIMEOUT,
            },
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
        if let Some(hand) = &self.command.hand {
            hand.ask_to_start(server.address);
            let first = self.typed_first(pin).into_iter();
            let first = first.map(|(place, text)| match place {
                "{card}" => format!("{text}    (the card)"),
                "{pin}" => format!("{text}    (the PIN)"),
                _ => format!("{text}    (the name)"),
            });
            let lines: Vec<String> = first
                .chain(self.lines(requests).lines().map(str::to_owned))
                .collect();
            hand.ask_to_type(lines.iter().map(String::as_str));
            hand.waits(|| server.has_served(requests.len()))?;
            return Ok(Finished::by_hand(hand.clone()));
        }
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

    /// Who has started it by hand, if it was.
    pub fn hand(&self) -> Option<&Hand> {
        self.command.hand.as_ref()
    }

    /// Whether a request is given on the command line.
    pub fn takes_words(&self) -> bool {
        self.has("{words}")
    }

    /// Whether the command has this placeholder.
    pub fn has(&self, placeholder: &str) -> bool {
        let mut words = self.command.program.words.iter();
        words.any(|word| word.contains(placeholder))
    }

    /// What is typed for these requests, with what ends a session of this service.
    fn lines(&self, requests: &[&str]) -> String {
        let last = match self.dialect {
            Dialect::Service(Mode::Calc) => Some("q"),
            Dialect::Service(Mode::Chat) => Some("quit"),
            _ => None,
        };
        let lines = requests.iter().copied().chain(last);
        lines.map(|line| format!("{line}\n")).collect()
    }

    /// Starts it at this server with one request, which is typed only where it is typed later.
    pub fn start(&self, server: &OwnServer, request: &str) -> Result<Running<'_>, Failure> {
        let mut running = self.start_with(server, request, PIN)?;
        if !self.takes_words() && !request.is_empty() {
            running.type_in(&format!("{request}\n"));
        }
        Ok(running)
    }

    fn start_with(
        &self,
        server: &OwnServer,
        request: &str,
        pin: &str,
    ) -> Result<Running<'_>, Failure> {
        if let Some(hand) = &self.command.hand {
            hand.ask_to_start(server.address);
            hand.ask_to_type(self.typed_first(pin).into_iter().map(|(_, text)| text));
            return Ok(Running::by_hand(self, hand.clone()));
        }
        let state = self.path("state");
        let made = std::fs::create_dir_all(&state);
        made.map_err(|error| Failure::Undecided(format!("this computer failed: {error}")))?;
        let address = server.address;
        let mut words = Vec::new();
        for word in &self.command.program.words {
            if word == "{words}" {
                // A verb and the rest, whose blanks count.
                let is_whole = matches!(self.mode, Mode::Calc | Mode::Echo | Mode::Chat);
                match request.split_once(' ').filter(|_| !is_whole) {
                    Some((verb, rest)) => words.extend([verb.to_owned(), rest.to_owned()]),
                    None => words.push(request.to_owned()),
                }
                continue;
            }
            let word = word
                .replace("{host}", &address.ip().to_string())
                .replace("{port}", &address.port().to_string())
                .replace("{state}", &state.display().to_string())
                .replace("{card}", CARD)
                .replace("{pin}", pin)
                .replace("{name}", NAME);
            words.push(self.command.program.located(word, self.copy.as_ref()));
        }
        let mut process = self.process(&words, &state, pin)?;
        for (placeholder, typed) in self.typed_first(pin) {
            if !self.has(placeholder) {
                process.type_in(&format!("{typed}\n"));
            }
        }
        Ok(Running::process(self, process))
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
        self.command.program.place(&mut command, self.copy.as_ref());
        let started = Process::start(command, Some(self.command.program.memory));
        started.map_err(|error| Failure::Undecided(format!("cannot start {file}: {error}")))
    }

    /// What a client is told before its requests: what stands for it in the command, and the text.
    fn typed_first<'t>(&self, pin: &'t str) -> Vec<(&'static str, &'t str)> {
        match self.dialect {
            Dialect::Service(Mode::Atm) => vec![("{card}", CARD), ("{pin}", pin)],
            Dialect::Service(Mode::Calc | Mode::Chat) => vec![("{name}", NAME)],
            // What a hand-out's client asks for is typed with its requests.
            _ => Vec::new(),
        }
    }
}

impl Client {
    /// When a run that began then is not waited for any more.
    fn gives_up(&self, began: Instant) -> Instant {
        match self.dialect {
            // A cash machine goes on asking for as long as it takes.
            Dialect::Service(Mode::Atm) => self.by,
            _ => self.by.min(began + END_TIMEOUT),
        }
    }
}
