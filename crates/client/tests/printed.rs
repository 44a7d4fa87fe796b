//! Servers that say what is printed in a hand-out, and check what they are asked.

use std::fmt::{self, Display};
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::thread::{self, JoinHandle};

use testkit::peer::with_timeouts;
use testkit::process::Ended;

use crate::bare_servers::stop_listening;
use crate::labclient::labclient;

/// A server for as many connections as were planned, one after the other.
pub struct Printed {
    address: SocketAddr,
    thread: JoinHandle<()>,
}

/// A server that goes through these conversations, one for each connection. While it is at the last
/// one nothing listens there any more.
///
/// A line `C: TEXT` is exactly these bytes of the client, `S: TEXT` one write of the server; a `\n`
/// in either is a line feed. At its
/// end the client closes, or, after a line `S closes`, the server; nothing more may come.
pub fn printed(conversations: &[&str]) -> Printed {
    printed_in(conversations, |mut stream, text| {
        stream.write_all(text).unwrap()
    })
}

/// The same, each byte in a write of its own.
pub fn printed_bytewise(conversations: &[&str]) -> Printed {
    printed_in(conversations, send_bytewise)
}

fn printed_in(conversations: &[&str], send: fn(&TcpStream, &[u8])) -> Printed {
    let conversations: Vec<_> = conversations.iter().map(|it| it.to_string()).collect();
    let mut conversations = conversations.into_iter().peekable();
    serving(move |listener| {
        let mut listener = Some(listener);
        while let Some(conversation) = conversations.next() {
            let stream = accept(listener.as_ref().unwrap());
            if let Some(listener) = listener.take_if(|_| conversations.peek().is_none()) {
                stop_listening(listener);
            }
            for line in conversation.lines() {
                let line = line.replace("\\n", "\n");
                match line.split_once(": ") {
                    Some(("C", text)) => expect(&stream, text),
                    Some(("S", text)) => send(&stream, text.as_bytes()),
                    _ if line == "S closes" => stream.shutdown(Shutdown::Write).unwrap(),
                    _ => panic!("neither C: nor S: in {line:?}"),
                }
            }
            expect_end(&stream);
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

/// Reads as many bytes as there should be, and compares.
pub fn expect(mut stream: &TcpStream, text: &str) {
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

/// Sends this, each byte in a write of its own.
pub fn send_bytewise(mut stream: &TcpStream, bytes: &[u8]) {
    for byte in bytes {
        stream.write_all(&[*byte]).unwrap();
    }
}

/// Reads to the end, and there must be nothing. A reset is an end too.
pub fn expect_end(mut stream: &TcpStream) {
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest);
    assert_eq!(String::from_utf8_lossy(&rest), "");
}
