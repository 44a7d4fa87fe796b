//! The printed servers over TCP: what they say when, and what they must be told.

use std::fmt::{self, Display};
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::thread::{self, JoinHandle};

use testkit::peer::with_timeouts;
use testkit::process::Ended;

use crate::labclient::labclient;

/// One step of a printed server.
#[derive(Debug, Clone, Copy)]
pub enum Step {
    /// Exactly these bytes come.
    Hears(&'static str),
    /// It says this, in one write.
    Says(&'static str),
    /// It says this, each byte in a write of its own.
    Drips(&'static str),
    /// It closes, and hears nothing more.
    Closes,
    /// The client closes, having said nothing more.
    HearsTheEnd,
}

/// A server for as many connections as were planned, one after the other.
pub struct Printed {
    address: SocketAddr,
    thread: JoinHandle<()>,
}

/// A server that goes through these steps, a list for each connection. While it is at the last one
/// nothing listens there any more.
pub fn printed(connections: Vec<Vec<Step>>) -> Printed {
    serving(move |listener| {
        let mut listener = Some(listener);
        let mut connections = connections.into_iter().peekable();
        while let Some(steps) = connections.next() {
            let stream = accept(listener.as_ref().unwrap());
            listener = listener.filter(|_| connections.peek().is_some());
            for step in steps {
                play(&stream, step);
            }
        }
    })
}

/// A server that does this with its listener.
pub fn serving(serve: impl FnOnce(TcpListener) + Send + 'static) -> Printed {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let thread = thread::spawn(move || serve(listener));
    Printed { address, thread }
}

impl Display for Printed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.address.fmt(f)
    }
}

impl Printed {
    /// Runs `labclient` with these arguments and this input at this server, to the end of both.
    #[track_caller]
    pub fn run(self, arguments: &[&str], input: impl AsRef<[u8]>) -> Ended {
        let ended = labclient(arguments).at(self.address).run_with(input);
        self.finish();
        ended
    }

    /// Waits until it has gone through all its steps.
    #[track_caller]
    pub fn finish(self) {
        if let Err(panic) = self.thread.join() {
            std::panic::resume_unwind(panic);
        }
    }
}

/// The next connection.
pub fn accept(listener: &TcpListener) -> TcpStream {
    let (stream, _) = listener.accept().unwrap();
    let stream = with_timeouts(stream);
    stream.set_nodelay(true).unwrap();
    stream
}

fn play(mut stream: &TcpStream, step: Step) {
    match step {
        Step::Hears(text) => hears(stream, text),
        Step::Says(text) => stream.write_all(text.as_bytes()).unwrap(),
        Step::Drips(text) => drips(stream, text.as_bytes()),
        Step::Closes => {
            stream.shutdown(Shutdown::Write).unwrap();
            hears_the_end(stream);
        }
        Step::HearsTheEnd => hears_the_end(stream),
    }
}

/// Reads as many bytes as there should be, and compares.
pub fn hears(mut stream: &TcpStream, text: &str) {
    let mut bytes = vec![0; text.len()];
    let mut length = 0;
    while length < bytes.len() {
        match stream.read(&mut bytes[length..]).unwrap() {
            0 => break,
            more => length += more,
        }
    }
    assert_eq!(String::from_utf8_lossy(&bytes[..length]), text);
}

/// Says this, each byte in a write of its own.
pub fn drips(mut stream: &TcpStream, bytes: &[u8]) {
    for byte in bytes {
        stream.write_all(&[*byte]).unwrap();
    }
}

/// Reads to the end, and there must be nothing. A reset is an end too.
pub fn hears_the_end(mut stream: &TcpStream) {
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest);
    assert_eq!(String::from_utf8_lossy(&rest), "");
}
