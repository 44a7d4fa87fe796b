//! Somebody at a terminal: presses keys and reads the screen.

use std::io::{Read, Write};
use std::process::Command;
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use expectrl::process::Process;
use expectrl::process::unix::{PtyStream, UnixProcess, WaitStatus};
use tempfile::TempDir;

/// Far longer than anything here takes: a test that meets it has failed.
const PATIENCE: Duration = Duration::from_secs(30);

pub const UP: &str = "\x1b[A";
pub const LEFT: &str = "\x1b[D";
pub const BACKSPACE: &str = "\x7f";
pub const CTRL_A: &str = "\x01";
pub const CTRL_C: &str = "\x03";
pub const CTRL_D: &str = "\x04";
pub const CTRL_U: &str = "\x15";

/// The client's parent: a terminal that echoes, as people have them. What is left of that when the
/// client has ended is shown last. Ctrl-C in a line that nobody edits goes to both; a shell that
/// people use does not end by it.
const SHELL: &str = "trap : INT; stty sane; \"$0\" \"$@\"; status=$?; echo; stty -a; exit $status";

/// A person who has started a client.
pub struct Person {
    process: UnixProcess,
    keyboard: PtyStream,
    screen: Arc<(Mutex<Screen>, Condvar)>,
    /// How much of the screen's text was read.
    read: usize,
    _home: TempDir,
}

#[derive(Default)]
struct Screen {
    text: String,
    /// Bytes of a character that has not been shown to its end.
    rest: Vec<u8>,
    ended: bool,
}

/// Starts a client of this server.
pub fn start(arguments: &[&str], server: &str) -> Person {
    start_in(SHELL, arguments, server)
}

/// Starts a client in another shell line than usual.
pub fn start_in(shell: &str, arguments: &[&str], server: &str) -> Person {
    let home = tempfile::tempdir().unwrap();
    let mut command = Command::new("sh");
    command
        .args(["-c", shell, env!("CARGO_BIN_EXE_labclient")])
        .args(arguments)
        .args(["--server", server])
        .env("HOME", home.path())
        .env("XDG_STATE_HOME", home.path())
        .env("USER", "student")
        .env("TERM", "xterm")
        .env_remove("LABCLIENT_PIN")
        .env_remove("LABCLIENT_SERVER")
        .current_dir(home.path());
    let mut process = UnixProcess::spawn_command(command).unwrap();
    let (keyboard, shown) = (
        process.open_stream().unwrap(),
        process.open_stream().unwrap(),
    );
    let screen = Arc::default();
    let watched = Arc::clone(&screen);
    thread::spawn(move || watch(shown, &watched));
    Person {
        process,
        keyboard,
        screen,
        read: 0,
        _home: home,
    }
}

fn watch(mut shown: PtyStream, (screen, more): &(Mutex<Screen>, Condvar)) {
    let mut piece = [0; 1024];
    loop {
        // A terminal that nobody has open any more is an error on Linux, the end elsewhere.
        let length = shown.read(&mut piece).unwrap_or(0);
        let Ok(mut screen) = screen.lock() else {
            return;
        };
        screen.show(&piece[..length]);
        screen.ended = length == 0;
        more.notify_all();
        if screen.ended {
            return;
        }
    }
}

impl Screen {
    fn show(&mut self, piece: &[u8]) {
        self.rest.extend(piece);
        let whole = match str::from_utf8(&self.rest) {
            Ok(text) => text.len(),
            Err(error) => error.valid_up_to(),
        };
        let rest = self.rest.split_off(whole);
        self.text.push_str(&String::from_utf8_lossy(&self.rest));
        self.rest = rest;
    }
}

impl Person {
    /// Waits until these words are shown, after what was seen before.
    #[track_caller]
    pub fn sees(&mut self, words: &str) {
        let from = self.read;
        let found = self.watch(|screen| {
            let found = screen.text[from..].find(words);
            found.map(Some).or(screen.ended.then_some(None))
        });
        let Some(at) = found else {
            panic!("never saw {words:?} in {:?}", self.has_seen());
        };
        self.read = from + at + words.len();
    }

    /// Presses these keys.
    pub fn types(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).unwrap();
        self.keyboard.flush().unwrap();
    }

    /// Types a line and presses Enter.
    pub fn enters(&mut self, line: &str) {
        self.types(line);
        self.types("\r");
    }

    /// Waits until the client has ended with this status, and has left the terminal as it was.
    #[track_caller]
    pub fn returns_to_the_shell(self, status: i32) -> String {
        let shown = self.watch(|screen| screen.ended.then(|| screen.text.clone()));
        let ended = self.process.wait().unwrap();
        assert_eq!(
            ended,
            WaitStatus::Exited(ended.pid().unwrap(), status),
            "{shown:?}"
        );
        let settings: Vec<_> = shown.split([' ', ';', '\r', '\n']).collect();
        for setting in ["echo", "icanon", "isig", "icrnl", "opost"] {
            assert!(settings.contains(&setting), "{setting} is off: {shown:?}");
        }
        shown
    }

    /// All that was ever on the screen.
    pub fn has_seen(&self) -> String {
        self.screen.0.lock().unwrap().text.clone()
    }

    #[track_caller]
    fn watch<T>(&self, look: impl Fn(&Screen) -> Option<T>) -> T {
        let (screen, more) = &*self.screen;
        let by = Instant::now() + PATIENCE;
        let mut screen = screen.lock().unwrap();
        loop {
            if let Some(found) = look(&screen) {
                return found;
            }
            let left = by.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "still waiting at {:?}", screen.text);
            screen = more.wait_timeout(screen, left).unwrap().0;
        }
    }
}
