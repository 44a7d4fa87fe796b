//! What a TCP stream does without waiting, although its reads and writes otherwise wait. Where there
//! is nothing to be done at once, the error is [`WouldBlock`](io::ErrorKind::WouldBlock).

use std::io;
use std::net::TcpStream;

/// Writes as many of these bytes as the operating system takes at once.
///
/// # Errors
/// When it takes none, or the connection broke.
#[cfg(unix)]
pub fn write(stream: &TcpStream, bytes: &[u8]) -> io::Result<usize> {
    use rustix::net::{SendFlags, send};
    // A broken connection is an error and no signal. Where the flag is missing, std has set an option.
    #[cfg(target_os = "linux")]
    let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
    #[cfg(not(target_os = "linux"))]
    let flags = SendFlags::DONTWAIT;
    Ok(send(stream, bytes, flags)?)
}

/// Elsewhere no write is known not to wait.
#[cfg(not(unix))]
pub fn write(_stream: &TcpStream, _bytes: &[u8]) -> io::Result<usize> {
    Err(io::ErrorKind::WouldBlock.into())
}

/// Reads bytes that came, and leaves them to be read again; none at the end of the stream.
///
/// # Errors
/// When nothing came, or the connection broke.
#[cfg(unix)]
pub fn peek(stream: &TcpStream, piece: &mut [u8]) -> io::Result<usize> {
    use rustix::net::{RecvFlags, recv};
    let (length, _) = recv(stream, piece, RecvFlags::DONTWAIT | RecvFlags::PEEK)?;
    Ok(length)
}

/// Elsewhere the whole socket does not wait for a moment.
#[cfg(not(unix))]
pub fn peek(stream: &TcpStream, piece: &mut [u8]) -> io::Result<usize> {
    stream.set_nonblocking(true)?;
    let peeked = stream.peek(piece);
    stream.set_nonblocking(false)?;
    peeked
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::ErrorKind::WouldBlock;
    use std::io::{Read, Write};
    use std::net::{Shutdown, TcpListener};

    fn pair() -> [TcpStream; 2] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let one = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        [one, listener.accept().unwrap().0]
    }

    #[test]
    #[cfg(unix)]
    fn as_much_is_written_as_the_operating_system_takes_and_then_nothing() {
        let [stream, mut peer] = pair();
        let mut taken = 0;
        let error = loop {
            match write(&stream, &[b'x'; 100_000]) {
                Ok(length) => taken += length,
                Err(error) => break error,
            }
        };
        assert_eq!(error.kind(), WouldBlock);
        stream.shutdown(Shutdown::Write).unwrap();
        let mut read = Vec::new();
        assert_eq!(peer.read_to_end(&mut read).unwrap(), taken);
    }

    #[test]
    fn what_came_is_seen_without_a_wait_and_is_still_there() {
        let [stream, mut peer] = pair();
        assert_eq!(peek(&stream, &mut [0]).unwrap_err().kind(), WouldBlock);
        peer.write_all(b"x").unwrap();
        drop(peer);
        let read = |length: io::Result<usize>| length.ok().filter(|length| *length > 0);
        while read(peek(&stream, &mut [0])).is_none() {}
        assert_eq!(io::read_to_string(&stream).unwrap(), "x");
        assert_eq!(peek(&stream, &mut [0]).unwrap(), 0);
    }
}
