//! A program at a pseudo-terminal: keys are pressed, and the screen is read.

use std::io::{Read, Write};
use std::process::Stdio;
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Instant;

use expectrl::process::Process;
use expectrl::process::unix::{PtyStream, UnixProcess, WaitStatus};
use tempfile::TempDir;

use crate::TEST_TIMEOUT;
use crate::process::Program;

/// What a user's environment says of colours at a terminal, and whether there are any.
pub const COLOURS: [(&[(&str, &str)], bool); 8] = [
    (&[], true),
    (&[("NO_COLOR", "1")], false),
    (&[("TERM", "dumb")], false),
    (&[("TERM", "dumb"), ("CI", "true")], false),
    (&[("CLICOLOR", "0")], false),
    (&[("TERM", "dumb"), ("CLICOLOR_FORCE", "1")], true),
    (&[("CLICOLOR", "0"), ("CLICOLOR_FORCE", "0")], false),
    (&[("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1")], false),
];

/// What the keys send.
pub mod key {
    /// The arrow up.
    pub const UP: &str = "\x1b[A";
    /// The arrow to the left.
    pub const LEFT: &str = "\x1b[D";
    /// Deletes the character to the left.
    pub const BACKSPACE: &str = "\x7f";
    /// To the start of the line.
    pub const CTRL_A: &str = "\x01";
    /// Interrupts.
    pub const CTRL_C: &str = "\x03";
    /// Ends the input.
    pub const CTRL_D: &str = "\x04";
    /// Deletes to the start of the line.
    pub const CTRL_U: &str = "\x15";
}

/// The script of a shell that starts the program at a terminal that echoes, and shows at the end
/// which settings of the terminal are left. Ctrl-C in a line that is not being edited goes to both; an
/// interactive shell does not end by it.
pub const INTERACTIVE_SHELL: &str =
    "trap : INT; stty sane; \"$0\" \"$@\"; status=$?; echo; stty -a; exit $status";

/// A program that runs at a pseudo-terminal.
pub struct Terminal {
    process: UnixProcess,
    keyboard: PtyStream,
    screen: Arc<(Mutex<Screen>, Condvar)>,
    /// How much of the screen's text was expected.
    read: usize,
    _home: Option<TempDir>,
}

#[derive(Default)]
struct Screen {
    text: String,
    /// Bytes of a character that has not come to its end.
    rest: Vec<u8>,
    ended: bool,
}

fn watch(mut shown: PtyStream, (screen, more): &(Mutex<Screen>, Condvar)) {
    let mut piece = [0; 1024];
    loop {
        // A terminal that no process has open any more is an error on Linux, the end elsewhere.
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

impl Terminal {
    /// Starts the program there; the terminal is an xterm, unless `TERM` is set.
    pub fn start(program: Program) -> Terminal {
        let (mut command, home) = program.into_parts();
        if command.get_envs().all(|(name, _)| name != "TERM") {
            command.env("TERM", "xterm");
        }
        // All three are the terminal.
        command.stdin(Stdio::inherit());
        command.stdout(Stdio::inherit()).stderr(Stdio::inherit());
        let mut process = UnixProcess::spawn_command(command).unwrap();
        let (keyboard, shown) = (
            process.open_stream().unwrap(),
            process.open_stream().unwrap(),
        );
        let screen = Arc::default();
        let watched = Arc::clone(&screen);
        thread::spawn(move || watch(shown, &watched));
        Terminal {
            process,
            keyboard,
            screen,
            read: 0,
            _home: home,
        }
    }

    /// Waits until these words are shown, after what was expected before.
    #[track_caller]
    pub fn expect(&mut self, words: &str) {
        let from = self.read;
        let found = self.watch(|screen| {
            let found = screen.text[from..].find(words);
            found.map(Some).or(screen.ended.then_some(None))
        });
        let Some(at) = found else {
            panic!("never shown: {words:?} in {:?}", self.text());
        };
        self.read = from + at + words.len();
    }

    /// Presses these keys.
    #[track_caller]
    pub fn press(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).unwrap();
        self.keyboard.flush().unwrap();
    }

    /// Types a line and presses Enter.
    #[track_caller]
    pub fn enter(&mut self, line: &str) {
        self.press(line);
        self.press("\r");
    }

    /// Waits until these words are shown, and then types a line and presses Enter.
    #[track_caller]
    pub fn answer(&mut self, words: &str, line: &str) {
        self.expect(words);
        self.enter(line);
    }

    /// Waits until the program has ended with this status, and gives all that was shown.
    #[track_caller]
    pub fn end(self, status: i32) -> String {
        let shown = self.watch(|screen| screen.ended.then(|| screen.text.clone()));
        let ended = self.process.wait().unwrap();
        let exited = WaitStatus::Exited(ended.pid().unwrap(), status);
        assert_eq!(ended, exited, "{shown:?}");
        shown
    }

    /// The same of a program in an [`INTERACTIVE_SHELL`], which must have left the terminal's settings
    /// as they were.
    #[track_caller]
    pub fn end_restored(self, status: i32) -> String {
        let shown = self.end(status);
        let settings: Vec<_> = shown.split([' ', ';', '\r', '\n']).collect();
        for setting in ["echo", "icanon", "isig", "icrnl", "opost"] {
            assert!(settings.contains(&setting), "{setting} is off: {shown:?}");
        }
        shown
    }

    /// All that was shown.
    pub fn text(&self) -> String {
        self.screen.0.lock().unwrap().text.clone()
    }

    #[track_caller]
    fn watch<T>(&self, look: impl Fn(&Screen) -> Option<T>) -> T {
        let (screen, more) = &*self.screen;
        let deadline = Instant::now() + TEST_TIMEOUT;
        let mut screen = screen.lock().unwrap();
        loop {
            if let Some(found) = look(&screen) {
                return found;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "still waiting at {:?}", screen.text);
            screen = more.wait_timeout(screen, left).unwrap().0;
        }
    }
}
