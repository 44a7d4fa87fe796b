//! A `labserver` that this program starts for itself and ends again, so that a measurement needs no
//! second terminal.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use proto::frame::Framing;
use proto::mode::Mode;

use crate::failure::Failure;
use crate::peer::Peer;

/// For the server to say where it listens.
const START_TIMEOUT: Duration = Duration::from_secs(30);

/// Lines of the server's log that are kept, to say why it ended.
const MAX_LOG_LINES: usize = 8;

/// A running `labserver`, on a port of 127.0.0.1 that was free. It is ended when dropped, and ends
/// itself when this process is gone, however that ended: it reads a standard input whose other end
/// only this process holds.
#[derive(Debug)]
pub struct OwnServer {
    child: Child,
    /// Where it listens, as `127.0.0.1:40000`.
    pub address: String,
}

/// Where `labserver` is: the program named, or the one beside this program, or on the path.
pub fn find_labserver(named: Option<&Path>) -> Result<PathBuf, Failure> {
    if let Some(named) = named {
        return Ok(named.to_owned());
    }
    let file = format!("labserver{}", std::env::consts::EXE_SUFFIX);
    let own = std::env::current_exe().ok();
    let beside = own.as_deref().and_then(Path::parent).map(Path::to_owned);
    let path = std::env::var_os("PATH").unwrap_or_default();
    beside
        .into_iter()
        .chain(std::env::split_paths(&path))
        .map(|directory| directory.join(&file))
        .find(|program| program.is_file())
        .ok_or_else(|| {
            Failure::Usage(
                "there is no labserver beside this program or on the path: build it with `cargo \
                 build --release`, name it with --labserver PATH, or measure a server that runs \
                 with --server HOST:PORT"
                    .into(),
            )
        })
}

impl OwnServer {
    /// Starts this program as this server, with these options besides, on a free port, and waits
    /// until it listens.
    pub fn start(
        program: &Path,
        peer: Peer,
        framing: Framing,
        options: &[OsString],
    ) -> Result<OwnServer, Failure> {
        let cannot =
            |why: String| Failure::Resource(format!("cannot start {}: {why}", program.display()));
        let mut command = Command::new(program);
        command.args(["--port", "0", "-q", "--until-eof"]);
        match peer {
            Peer::Mode(mode) => command.args(["--mode", mode.name(), "--wire", framing.name()]),
            Peer::Handout(handout) => command.args(["--handout", handout.name()]),
        };
        if peer.service() == Mode::Datetime {
            // All datagrams come from one source.
            command.args(["--udp-rate", "0"]);
        }
        if peer.service() == Mode::Chat {
            // What is measured is the room, and not what it lets one member say.
            command.args(["--chat-rate", "0"]);
        }
        command
            .args(options)
            // Its other end stays in `child`, and the system closes it with this process.
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        // Ctrl-C at a terminal goes to every process of the group: the server would end while it is
        // still needed to finish what is being measured.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut child = command.spawn().map_err(|error| cannot(error.to_string()))?;
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        // From here on, whatever fails ends the server too.
        let mut server = OwnServer {
            child,
            address: String::new(),
        };
        let log = stderr.map(log_tail);
        let Some(stdout) = stdout else {
            return Err(cannot("its output is lost".into()));
        };
        match listening(stdout, peer.service()) {
            Ok(address) => {
                server.address = address;
                Ok(server)
            }
            Err(why) => {
                let had_ended = why == RecvTimeoutError::Disconnected;
                server.end();
                let said = log.and_then(|log| log.join().ok()).unwrap_or_default();
                Err(cannot(match (said.as_str(), had_ended) {
                    ("", true) => "it ended and said nothing: is it a labserver?".into(),
                    ("", false) => format!(
                        "it did not say within {} s where it listens",
                        START_TIMEOUT.as_secs()
                    ),
                    (said, _) => said.to_owned(),
                }))
            }
        }
    }

    /// Ends it now. What it has committed is on disk.
    fn end(&mut self) {
        // It may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for OwnServer {
    fn drop(&mut self) {
        self.end();
    }
}

/// The address of the first line that says where the mode listens. Without one, whether the output
/// ended or the time was up.
fn listening(stdout: impl Read + Send + 'static, mode: Mode) -> Result<String, RecvTimeoutError> {
    let transport = mode.transports()[0];
    let ready = format!("listening {} {} ", mode.name(), transport.name());
    let (sender, receiver) = channel();
    thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            if let Some(address) = line.strip_prefix(&ready) {
                // The receiver may have timed out.
                let _ = sender.send(address.to_owned());
            }
        }
    });
    receiver.recv_timeout(START_TIMEOUT)
}

/// Reads a log to its end, so that its writer never waits, and keeps the last lines.
fn log_tail(log: impl Read + Send + 'static) -> JoinHandle<String> {
    thread::spawn(move || {
        let mut kept = VecDeque::new();
        for line in BufReader::new(log).lines().map_while(Result::ok) {
            if kept.len() == MAX_LOG_LINES {
                kept.pop_front();
            }
            kept.push_back(line);
        }
        Vec::from(kept).join("\n")
    })
}
