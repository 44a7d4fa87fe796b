//! One connection to a Redis that can be written.

use std::io::{self, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use super::{Address, Failure, Password, Reply};

/// How long connecting may take, and then each answer about what was connected to.
const CONNECT: Duration = Duration::from_secs(1);

/// The oldest version that can be used: before it, an entry's number in a stream is not chosen by
/// Redis.
const OLDEST: u32 = 7;

/// A connection.
#[derive(Debug)]
pub struct Connection {
    reader: BufReader<Timed>,
}

/// Commands, to be sent together.
#[derive(Debug, Default)]
pub struct Command {
    bytes: Vec<u8>,
}

/// A stream whose reads and writes end at a deadline.
#[derive(Debug)]
struct Timed {
    stream: TcpStream,
    by: Instant,
}

impl Command {
    /// Adds a command with its arguments.
    pub fn add(&mut self, arguments: &[&str]) {
        self.bytes
            .extend_from_slice(format!("*{}\r\n", arguments.len()).as_bytes());
        for argument in arguments {
            self.bytes
                .extend_from_slice(format!("${}\r\n{argument}\r\n", argument.len()).as_bytes());
        }
    }
}

impl Connection {
    /// Connects to the Redis at this address, the one that can be written where Sentinels know
    /// which that is.
    ///
    /// # Errors
    /// When there is none, it is no Redis, refuses the password, is a replica or too old.
    pub fn open(address: &Address, password: Option<&Password>) -> Result<Connection, Failure> {
        let Some(name) = &address.master else {
            return Connection::log_in(&address.servers[0], address, password);
        };
        let mut first = None;
        for sentinel in &address.servers {
            match ask_sentinel(sentinel, name) {
                Ok(server) => return Connection::log_in(&server, address, password),
                Err(failure) => first = first.or(Some((sentinel, failure))),
            }
        }
        let words = first.map(|(sentinel, failure)| format!("Sentinel {sentinel}: {failure}"));
        Err(Failure::Unsuitable(words.unwrap_or_default()))
    }

    fn log_in(
        server: &str,
        address: &Address,
        password: Option<&Password>,
    ) -> Result<Connection, Failure> {
        let mut connection = Connection::connect(server)?;
        if let Some(password) = password {
            let password = password.reveal();
            let with_user = address.user.as_deref().map(|user| ["AUTH", user, password]);
            let command: &[&str] = match &with_user {
                Some(command) => command,
                None => &["AUTH", password],
            };
            connection.call(command, CONNECT)?;
        }
        if address.database > 0 {
            connection.call(&["SELECT", &address.database.to_string()], CONNECT)?;
        }
        let info = connection.call(&["INFO"], CONNECT)?;
        let Some(info) = info.text() else {
            return Err(Failure::unexpected(&info));
        };
        check(info).map_err(|words| Failure::Unsuitable(format!("{server}: {words}")))?;
        Ok(connection)
    }

    fn connect(server: &str) -> Result<Connection, Failure> {
        let stream = wire::connect::connect(server, CONNECT)?;
        stream.set_nodelay(true)?;
        let by = Instant::now();
        Ok(Connection {
            reader: BufReader::new(Timed { stream, by }),
        })
    }

    /// Sends one command, and receives its answer.
    ///
    /// # Errors
    /// When it does not come within this time, or is an error.
    pub fn call(&mut self, command: &[&str], within: Duration) -> Result<Reply, Failure> {
        let mut commands = Command::default();
        commands.add(command);
        self.send(&commands, within)?;
        self.receive()?.accepted()
    }

    /// Sends commands, all of whose answers must come within this time.
    ///
    /// # Errors
    /// When they cannot be sent.
    pub fn send(&mut self, commands: &Command, within: Duration) -> Result<(), Failure> {
        let timed = self.reader.get_mut();
        timed.by = Instant::now() + within;
        Ok(timed.write_all(&commands.bytes)?)
    }

    /// Receives the next answer, which may be an error of Redis.
    ///
    /// # Errors
    /// When it does not come in time, or what comes is none.
    pub fn receive(&mut self) -> Result<Reply, Failure> {
        Reply::read(&mut self.reader)
    }
}

/// Where the Redis of this name is that can be written.
fn ask_sentinel(sentinel: &str, name: &str) -> Result<String, Failure> {
    let mut connection = Connection::connect(sentinel)?;
    let command = ["SENTINEL", "get-master-addr-by-name", name];
    let reply = connection.call(&command, CONNECT)?;
    let part = |part: &Reply| part.text().map(str::to_owned);
    let parts: Option<Vec<String>> = reply.list().and_then(|it| it.iter().map(part).collect());
    match parts.as_deref() {
        Some([host, port]) if host.contains(':') => Ok(format!("[{host}]:{port}")),
        Some([host, port]) => Ok(format!("{host}:{port}")),
        Some([]) => Err(Failure::Unsuitable(format!("it knows no {name:?}"))),
        _ => Err(Failure::unexpected(&reply)),
    }
}

/// Whether a Redis that says this about itself can be used.
fn check(info: &str) -> Result<(), String> {
    let field = |name: &str| {
        let found = info.lines().find_map(|line| line.strip_prefix(name));
        found.unwrap_or_default()
    };
    let version = field("redis_version:");
    let major: Option<u32> = version.split('.').next().and_then(|it| it.parse().ok());
    match (field("role:"), major) {
        (_, None) => Err("it does not say which version of Redis it is".into()),
        (_, Some(major)) if major < OLDEST => Err(format!(
            "Redis {version} is too old: the room needs {OLDEST}.0 or newer"
        )),
        ("master", _) => Ok(()),
        (role, _) => Err(format!(
            "a Redis that is {role:?} cannot be written: name the master, or its Sentinels"
        )),
    }
}

impl Timed {
    fn left(&self) -> io::Result<Option<Duration>> {
        let left = self.by.saturating_duration_since(Instant::now());
        match left.is_zero() {
            true => Err(io::ErrorKind::TimedOut.into()),
            false => Ok(Some(left)),
        }
    }
}

impl Read for Timed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.set_read_timeout(self.left()?)?;
        self.stream.read(buffer)
    }
}

impl Write for Timed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.set_write_timeout(self.left()?)?;
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;
    use std::thread;

    /// A server that answers every connection with these bytes, and then leaves it open.
    fn server(answer: &'static [u8]) -> Address {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            let mut open = Vec::new();
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let _ = stream.read(&mut [0; 1024]);
                let _ = stream.write_all(answer);
                open.push(stream);
            }
        });
        format!("redis://{address}").parse().unwrap()
    }

    fn failure(answer: &'static [u8]) -> String {
        let opened = Connection::open(&server(answer), None);
        opened.unwrap_err().to_string()
    }

    #[test]
    fn what_is_no_redis_or_not_one_to_use_is_said() {
        for (answer, words) in [
            (
                &b"HTTP/1.1 400 Bad Request\r\n\r\n"[..],
                "that is no Redis: it answered \"HTTP/1.1",
            ),
            (
                b"-NOAUTH Authentication required.\r\n",
                "wants a password: set REDISCLI_AUTH",
            ),
            (b"-LOADING Redis is loading\r\n", "still loading"),
            (
                b"-ERR unknown command\r\n",
                "Redis refused: \"ERR unknown command\"",
            ),
            (b"+PONG\r\n", "does not say which version"),
            (b":1\r\n", "that is no Redis"),
            (
                b"$41\r\nredis_version:6.2.14\r\nrole:master\r\nabcdef\r\n",
                "6.2.14 is too old",
            ),
            (
                b"$38\r\nredis_version:7.0.15\r\nrole:slave\r\nabcd\r\n",
                "\"slave\" cannot be written",
            ),
        ] {
            let failure = failure(answer);
            assert!(failure.contains(words), "{failure}");
        }
    }

    #[test]
    fn who_sends_a_byte_now_and_then_meets_the_deadline_of_the_call() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = listener.local_addr().unwrap().to_string();
        thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let _ = stream.write_all(b"+");
            while stream.write_all(b"x").is_ok() {
                thread::sleep(Duration::from_millis(5));
            }
        });
        let mut connection = Connection::connect(&server).unwrap();
        let called = connection.call(&["PING"], Duration::from_millis(100));
        assert!(matches!(called, Err(Failure::TimedOut)), "{called:?}");
    }

    #[test]
    fn the_first_sentinel_that_knows_the_name_says_where_it_is() {
        let asked = |answer: &'static [u8]| ask_sentinel(&server(answer).servers[0], "room");
        let answer = b"*2\r\n$9\r\n127.0.0.1\r\n$4\r\n6379\r\n";
        assert_eq!(asked(answer).unwrap(), "127.0.0.1:6379");
        let answer = b"*2\r\n$3\r\n::1\r\n$4\r\n6379\r\n";
        assert_eq!(asked(answer).unwrap(), "[::1]:6379");
        let unknown = asked(b"*-1\r\n").unwrap_err();
        assert_eq!(unknown.to_string(), "it knows no \"room\"");
        assert!(matches!(asked(b"+OK\r\n"), Err(Failure::NotRedis(_))));
    }
}
