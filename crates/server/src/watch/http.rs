//! As much of HTTP/1.1 (RFC 9112) as one page needs: a request, one response, and the connection
//! ends. The parser of request heads is `httparse`.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use wire::deadline::Waiter;

/// The longest head of a request, in bytes.
const LONGEST_HEAD: usize = 16 * 1024;

/// Most header fields of a request.
const MOST_FIELDS: usize = 64;

/// The longest body of a request, in bytes: faults are short.
const LONGEST_BODY: usize = 4 * 1024;

/// How long a request may take to come.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);

/// How long the end of a request that was refused may take.
const END_TIMEOUT: Duration = Duration::from_secs(1);

/// How long one write to a browser that does not read may take.
pub const WRITE_TIMEOUT: Duration = Duration::from_secs(10);

/// A request.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Request {
    /// `GET`, `POST`, …
    pub method: String,
    /// What is asked for, without its query.
    pub path: String,
    query: String,
    fields: Vec<(String, String)>,
    /// What was sent after the head.
    pub body: Vec<u8>,
}

/// Why there is no request.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// The connection ended or broke; an end before the first byte is no error to anybody.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// It did not come in time.
    #[error("the request did not come within {} s", REQUEST_TIMEOUT.as_secs())]
    TooSlow,
    /// It is longer than any that the page sends.
    #[error("the request is too long")]
    TooLong,
    /// It is no HTTP.
    #[error("not HTTP: {0}")]
    Malformed(String),
}

impl RequestError {
    /// The status to answer with, if there is anybody to answer.
    pub fn status(&self) -> Option<Status> {
        match self {
            RequestError::Io(_) => None,
            RequestError::TooSlow => Some(Status(408, "Request Timeout")),
            RequestError::TooLong => Some(Status(413, "Content Too Large")),
            RequestError::Malformed(_) => Some(Status::BAD_REQUEST),
        }
    }
}

/// A status and its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Status(pub u16, pub &'static str);

impl Status {
    /// All is well.
    pub const OK: Status = Status(200, "OK");
    /// The request makes no sense.
    pub const BAD_REQUEST: Status = Status(400, "Bad Request");
    /// A token is missing or wrong.
    pub const UNAUTHORIZED: Status = Status(401, "Unauthorized");
    /// It is not allowed at all.
    pub const FORBIDDEN: Status = Status(403, "Forbidden");
    /// There is no such thing.
    pub const NOT_FOUND: Status = Status(404, "Not Found");
    /// There is such a thing, to be asked for in another way.
    pub const METHOD_NOT_ALLOWED: Status = Status(405, "Method Not Allowed");
    /// It cannot be done now.
    pub const UNAVAILABLE: Status = Status(503, "Service Unavailable");
}

impl Request {
    /// Receives a request.
    ///
    /// # Errors
    /// See [`RequestError`].
    pub fn receive(stream: &TcpStream) -> Result<Request, RequestError> {
        let by = Instant::now() + REQUEST_TIMEOUT;
        let mut waiter = Waiter::default();
        let mut read = |buffer: &mut [u8]| {
            loop {
                let wait = by.saturating_duration_since(Instant::now());
                if wait.is_zero() {
                    return Err(RequestError::TooSlow);
                }
                if !waiter.may_read(stream, Some(wait))? {
                    continue;
                }
                match (&*stream).read(buffer) {
                    Ok(0) => return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
                    Err(error)
                        if matches!(
                            error.kind(),
                            io::ErrorKind::WouldBlock
                                | io::ErrorKind::TimedOut
                                | io::ErrorKind::Interrupted
                        ) => {}
                    read => return Ok(read?),
                }
            }
        };
        let mut bytes = Vec::new();
        let mut buffer = [0; 2048];
        let (mut request, length, head) = loop {
            let got = read(&mut buffer)?;
            bytes.extend(&buffer[..got]);
            if let Some(parsed) = Request::parse(&bytes)? {
                break parsed;
            }
            if bytes.len() > LONGEST_HEAD {
                return Err(RequestError::TooLong);
            }
        };
        while bytes.len() < head + length {
            let got = read(&mut buffer)?;
            bytes.extend(&buffer[..got]);
        }
        request.body = bytes[head..head + length].to_vec();
        Ok(request)
    }

    /// The request with this head, the length of its body, and that of the head; `None` while the
    /// head is not whole.
    fn parse(bytes: &[u8]) -> Result<Option<(Request, usize, usize)>, RequestError> {
        let mut fields = [httparse::EMPTY_HEADER; MOST_FIELDS];
        let mut parsed = httparse::Request::new(&mut fields);
        let head = match parsed.parse(bytes) {
            Ok(httparse::Status::Complete(head)) => head,
            Ok(httparse::Status::Partial) => return Ok(None),
            Err(httparse::Error::TooManyHeaders) => return Err(RequestError::TooLong),
            Err(error) => return Err(RequestError::Malformed(error.to_string())),
        };
        let target = parsed.path.unwrap_or_default();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
        let fields = parsed.headers.iter();
        let fields = fields.map(|field| (field.name.to_ascii_lowercase(), text(field.value)));
        let request = Request {
            method: parsed.method.unwrap_or_default().to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
            fields: fields.collect(),
            body: Vec::new(),
        };
        if request.field("transfer-encoding").is_some() {
            return Err(RequestError::Malformed("a body of unknown length".into()));
        }
        let length = match request.field("content-length") {
            None => 0,
            Some(length) => length.parse().map_err(|_| {
                RequestError::Malformed(format!("a body of {} bytes", length.escape_default()))
            })?,
        };
        if length > LONGEST_BODY || head > LONGEST_HEAD {
            return Err(RequestError::TooLong);
        }
        Ok(Some((request, length, head)))
    }

    /// A request of this head.
    #[cfg(test)]
    pub fn parsed(head: &str) -> Request {
        Request::parse(head.as_bytes()).unwrap().unwrap().0
    }

    /// A header field, by its name in lower case.
    pub fn field(&self, name: &str) -> Option<&str> {
        let mut fields = self.fields.iter();
        let found = fields.find(|(field, _)| field == name);
        found.map(|(_, value)| value.as_str())
    }

    /// A parameter of the query. None that the page sends needs decoding.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        let mut pairs = self
            .query
            .split('&')
            .filter_map(|pair| pair.split_once('='));
        pairs.find(|(key, _)| *key == name).map(|(_, value)| value)
    }

    /// The token that is shown: `Authorization: Bearer TOKEN` (RFC 6750), or in the query, because an
    /// `EventSource` sends no header fields.
    pub fn token(&self) -> Option<&str> {
        let bearer = self.field("authorization");
        let bearer = bearer.and_then(|value| value.strip_prefix("Bearer "));
        bearer.or_else(|| self.parameter("token"))
    }
}

/// Ends a connection whose request was not read to its end: were it closed at once, the system would
/// reset it, and the answer might never be seen.
pub fn end_unread(stream: &TcpStream) {
    let by = Instant::now() + END_TIMEOUT;
    let _ = stream.shutdown(Shutdown::Write);
    let _ = stream.set_read_timeout(Some(END_TIMEOUT));
    let mut stream = stream;
    while Instant::now() < by && matches!(stream.read(&mut [0; 4096]), Ok(1..)) {}
}

/// The head of a response. Nothing of it is to be kept by anybody, or shown inside another page.
fn head(status: Status, fields: &[(&str, &str)]) -> String {
    let Status(code, name) = status;
    let mut head = format!(
        "HTTP/1.1 {code} {name}\r\nConnection: close\r\nCache-Control: no-store\r\n\
         X-Content-Type-Options: nosniff\r\nX-Frame-Options: DENY\r\nReferrer-Policy: no-referrer\r\n"
    );
    for (field, value) in fields {
        head += &format!("{field}: {value}\r\n");
    }
    head
}

/// Sends the head of a response whose body ends with the connection.
///
/// # Errors
/// When it cannot be sent.
pub fn send_head(stream: &TcpStream, status: Status, fields: &[(&str, &str)]) -> io::Result<()> {
    let head = head(status, fields) + "\r\n";
    let mut stream = stream;
    stream.write_all(head.as_bytes())
}

/// Sends a whole response.
///
/// # Errors
/// When it cannot be sent.
pub fn send(
    stream: &TcpStream,
    status: Status,
    fields: &[(&str, &str)],
    body: &[u8],
) -> io::Result<()> {
    let length = body.len();
    let head = head(status, fields) + &format!("Content-Length: {length}\r\n\r\n");
    let mut stream = stream;
    stream.write_all(&[head.as_bytes(), body].concat())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    fn received(sent: &[u8]) -> Result<Request, RequestError> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (server, _) = listener.accept().unwrap();
        std::thread::scope(|scope| {
            scope.spawn(move || {
                // One that has heard enough closes.
                let _ = client.write_all(sent);
                let _ = client.shutdown(Shutdown::Write);
                let _ = client.read(&mut [0; 1]);
            });
            let request = Request::receive(&server);
            drop(server);
            request
        })
    }

    const POST: &str = "POST /faults?token=ab&x=1 HTTP/1.1\r\nHost: localhost:8080\r\n\
        AUTHORIZATION: Bearer cafe\r\nContent-Length: 13\r\n\r\ndrop-reply=#1";

    #[test]
    fn a_request_has_a_path_a_query_fields_and_a_body() {
        let request = received(POST.as_bytes()).unwrap();
        assert_eq!((&*request.method, &*request.path), ("POST", "/faults"));
        assert_eq!(request.field("host"), Some("localhost:8080"));
        assert_eq!(request.token(), Some("cafe"));
        assert_eq!(request.parameter("token"), Some("ab"));
        assert_eq!(request.parameter("y"), None);
        assert_eq!(request.body, b"drop-reply=#1");
    }

    #[test]
    fn a_request_that_ends_anywhere_before_its_end_is_none() {
        for end in 0..POST.len() {
            let error = received(&POST.as_bytes()[..end]).unwrap_err();
            assert!(matches!(error, RequestError::Io(_)), "{end}: {error}");
        }
    }

    #[test]
    fn a_head_or_a_body_without_end_is_refused() {
        let field = format!("X-A: {}\r\n", "x".repeat(1000));
        let long = format!("GET / HTTP/1.1\r\n{}\r\n", field.repeat(20));
        let many = format!(
            "GET / HTTP/1.1\r\n{}\r\n",
            "A: b\r\n".repeat(MOST_FIELDS + 1)
        );
        let body = "POST / HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n";
        for sent in [long.as_str(), &many, body] {
            let error = received(sent.as_bytes()).unwrap_err();
            assert_eq!(
                error.status(),
                Some(Status(413, "Content Too Large")),
                "{error}"
            );
        }
    }

    #[test]
    fn what_is_no_http_is_refused() {
        for sent in [
            "8:PRIME 97,\r\n\r\n",
            "GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
        ] {
            let error = received(sent.as_bytes()).unwrap_err();
            assert_eq!(error.status(), Some(Status::BAD_REQUEST), "{sent}: {error}");
        }
    }
}
