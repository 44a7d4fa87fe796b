//! The memory for the bytes of one read.

use std::io;
#[cfg(unix)]
use std::mem::MaybeUninit;
use std::net::TcpStream;

use proto::frame::Decoder;

#[cfg(unix)]
type Byte = MaybeUninit<u8>;
#[cfg(not(unix))]
type Byte = u8;

/// The memory for the bytes of one read. It is on the stack, and where the operating system fills it
/// as it is, only what is received of it is touched: with many connections, little else costs as much
/// as memory that is not in the cache.
pub struct Piece([Byte; Decoder::MAX_PIECE]);

#[cfg(unix)]
impl Piece {
    /// Nothing was read.
    pub fn new() -> Piece {
        Piece([MaybeUninit::uninit(); Decoder::MAX_PIECE])
    }

    /// Reads once, at most so many bytes; none is the end of the stream.
    pub fn read(&mut self, stream: &TcpStream, most: usize) -> io::Result<&[u8]> {
        use rustix::net::{RecvFlags, recv};
        let most = most.min(self.0.len());
        let ((bytes, _), _) = recv(stream, &mut self.0[..most], RecvFlags::empty())?;
        Ok(bytes)
    }
}

#[cfg(not(unix))]
impl Piece {
    /// Nothing was read.
    pub fn new() -> Piece {
        Piece([0; Decoder::MAX_PIECE])
    }

    /// Reads once, at most so many bytes; none is the end of the stream.
    pub fn read(&mut self, mut stream: &TcpStream, most: usize) -> io::Result<&[u8]> {
        let most = most.min(self.0.len());
        let length = io::Read::read(&mut stream, &mut self.0[..most])?;
        Ok(&self.0[..length])
    }
}
