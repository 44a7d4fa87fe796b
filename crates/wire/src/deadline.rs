//! Waits for a socket that end when they should.
//!
//! A socket's timeout counts in ticks of the kernel's clock, often 4 ms, and one tick more to be
//! sure: a read that may wait 5 ms waits 12. `poll` counts in nanoseconds. Short waits are made with
//! it, each instead of the system call that would set the timeout; for long ones the ticks do not
//! matter.
//!
//! The timeout of a socket counts from each read anew, a deadline does not, so every message would
//! need a timeout of its own. It is set somewhat shorter than the wait instead, and left as it is
//! for as long as it is neither longer than the wait nor much shorter: a read that ends before the
//! deadline is repeated with the time that is left.

use std::io;
use std::time::Duration;

use socket2::SockRef;

#[cfg(unix)]
use std::os::fd::AsFd as Socket;
#[cfg(windows)]
use std::os::windows::io::AsSocket as Socket;

/// Waits shorter than this are made with `poll`: some ticks of the slowest clock, 10 ms.
pub const SHORT: Duration = Duration::from_millis(20);

/// How the reads of one socket wait. Its read timeout is set here alone.
#[derive(Debug, Default)]
pub struct Waiter {
    /// The timeout of the socket, once it was set here.
    timeout: Option<Option<Duration>>,
}

impl Waiter {
    /// Waits, or prepares the socket such that the next read waits: for so long or less, or without
    /// limit. When this is false, nothing came yet, and nothing is to be read: the caller looks at the
    /// clock again. A read after it may end with nothing before so long has passed.
    ///
    /// # Errors
    /// When the socket cannot be waited for.
    pub fn may_read(&mut self, socket: &impl Socket, wait: Option<Duration>) -> io::Result<bool> {
        let wait = match wait {
            Some(wait) if wait < SHORT => {
                if !is_readable(socket, wait)? {
                    return Ok(false);
                }
                // What can be read is read at once; a datagram that turns out to be damaged is not.
                Some(SHORT)
            }
            wait => wait,
        };
        if !self.timeout.is_some_and(|timeout| fits(timeout, wait)) {
            let timeout = wait.map(|wait| wait - wait / 8);
            SockRef::from(socket).set_read_timeout(timeout)?;
            self.timeout = Some(timeout);
        }
        Ok(true)
    }
}

/// Whether a socket with this timeout can wait for so long: it ends no wait too late, and does not
/// end one again and again.
fn fits(timeout: Option<Duration>, wait: Option<Duration>) -> bool {
    match (timeout, wait) {
        (Some(timeout), Some(wait)) => (wait / 2..=wait).contains(&timeout),
        (timeout, wait) => timeout == wait,
    }
}

/// Whether there is something to read, or an end or an error to learn of, within so long.
#[cfg(unix)]
fn is_readable(socket: &impl Socket, wait: Duration) -> io::Result<bool> {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    use rustix::io::Errno;
    // Shorter than a second.
    let wait = Timespec {
        tv_sec: 0,
        tv_nsec: wait.subsec_nanos().into(),
    };
    match poll(&mut [PollFd::new(socket, PollFlags::IN)], Some(&wait)) {
        Ok(ready) => Ok(ready > 0),
        Err(Errno::INTR) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Elsewhere a timeout is as good as it gets.
#[cfg(not(unix))]
fn is_readable(_socket: &impl Socket, _wait: Duration) -> io::Result<bool> {
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::UdpSocket;

    fn sockets() -> [UdpSocket; 2] {
        let [sender, receiver] = [(); 2].map(|()| UdpSocket::bind("127.0.0.1:0").unwrap());
        sender.connect(receiver.local_addr().unwrap()).unwrap();
        [sender, receiver]
    }

    #[test]
    fn a_short_wait_sets_the_timeout_of_the_socket_only_when_something_came() {
        let [sender, receiver] = sockets();
        let mut waiter = Waiter::default();
        let short = Some(Duration::from_micros(300));
        assert!(!waiter.may_read(&receiver, short).unwrap());
        assert_eq!(receiver.read_timeout().unwrap(), None);
        sender.send(b"x").unwrap();
        while !waiter.may_read(&receiver, Some(SHORT / 2)).unwrap() {}
        let timeout = receiver.read_timeout().unwrap().unwrap();
        assert!(timeout <= SHORT, "{timeout:?}");
        receiver.recv(&mut [0; 8]).unwrap();
    }

    #[test]
    fn the_timeout_of_the_socket_is_set_when_it_is_longer_than_the_wait_or_much_shorter() {
        let [_sender, receiver] = sockets();
        let mut waiter = Waiter::default();
        let mut is_set_for = |wait: Option<Duration>| {
            let untouched = Some(Duration::from_secs(123_456));
            receiver.set_read_timeout(untouched).unwrap();
            assert!(waiter.may_read(&receiver, wait).unwrap());
            let timeout = receiver.read_timeout().unwrap();
            if timeout == untouched {
                return false;
            }
            assert!(timeout.is_some() == wait.is_some() && timeout <= wait);
            true
        };
        let seconds = |seconds| Some(Duration::from_secs(seconds));
        assert!(is_set_for(seconds(600)));
        assert!(!is_set_for(seconds(599)));
        assert!(!is_set_for(seconds(600)));
        assert!(!is_set_for(seconds(900)));
        assert!(is_set_for(seconds(500)));
        assert!(is_set_for(seconds(10)));
        assert!(!is_set_for(seconds(9)));
        assert!(is_set_for(seconds(600)));
        assert!(is_set_for(None));
        assert!(!is_set_for(None));
        assert!(is_set_for(seconds(10)));
    }

    #[test]
    fn an_end_of_stream_is_something_to_read() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let stream = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        drop(listener.accept().unwrap());
        let mut waiter = Waiter::default();
        while !waiter.may_read(&stream, Some(SHORT / 2)).unwrap() {}
    }
}
