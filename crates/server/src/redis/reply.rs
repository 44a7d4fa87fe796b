//! What Redis answers, in RESP2: a kind, then a line, or a length and so much of what it says.

use std::io::{BufRead, Read};

use super::Failure;

/// The longest line, bytes: an error has some hundred.
const MAX_LINE: u64 = 64 * 1024;

/// The longest text, bytes: a line of a room has 900, and what `INFO` says some thousand.
const MAX_TEXT: u64 = 1024 * 1024;

/// The longest list. It is not allocated before its parts have come.
const MAX_ITEMS: u64 = 1_000_000;

/// How deep lists are in each other: the entries of streams in five.
const MAX_DEPTH: u32 = 8;

/// An answer, or a part of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// A text.
    Text(Vec<u8>),
    /// An error: its code and words.
    Error(String),
    /// A number.
    Integer(i64),
    /// A list.
    List(Vec<Reply>),
    /// Nothing.
    Nil,
}

impl Reply {
    /// Reads one.
    ///
    /// # Errors
    /// When it is none, exceeds a limit, or does not come.
    pub fn read(from: &mut impl BufRead) -> Result<Reply, Failure> {
        Reply::read_at(from, 0)
    }

    fn read_at(from: &mut impl BufRead, depth: u32) -> Result<Reply, Failure> {
        let line = read_line(from)?;
        let Some((kind, rest)) = line.split_first() else {
            return Err(Failure::not_redis(&line));
        };
        let rest = str::from_utf8(rest).map_err(|_| Failure::not_redis(&line))?;
        let number = || rest.parse::<i64>().map_err(|_| Failure::not_redis(&line));
        let length = |most| match number()? {
            -1 => Ok(None),
            length => match u64::try_from(length) {
                Ok(length) if length <= most => Ok(Some(length)),
                _ => Err(Failure::not_redis(&line)),
            },
        };
        Ok(match kind {
            b'+' => Reply::Text(rest.into()),
            b'-' => Reply::Error(rest.into()),
            b':' => Reply::Integer(number()?),
            b'$' => match length(MAX_TEXT)? {
                None => Reply::Nil,
                Some(length) => Reply::Text(read_text(from, length)?),
            },
            b'*' => match length(MAX_ITEMS)? {
                None => Reply::Nil,
                Some(_) if depth == MAX_DEPTH => return Err(Failure::not_redis(&line)),
                Some(length) => {
                    let mut items = Vec::new();
                    for _ in 0..length {
                        items.push(Reply::read_at(from, depth + 1)?);
                    }
                    Reply::List(items)
                }
            },
            _ => return Err(Failure::not_redis(&line)),
        })
    }

    /// An answer that is no error.
    ///
    /// # Errors
    /// When it is one.
    pub fn accepted(self) -> Result<Reply, Failure> {
        match self {
            Reply::Error(words) => Err(Failure::Refused(words)),
            reply => Ok(reply),
        }
    }

    /// The text, if it is one.
    pub fn text(&self) -> Option<&str> {
        match self {
            Reply::Text(text) => str::from_utf8(text).ok(),
            _ => None,
        }
    }

    /// The list, if it is one; nothing counts as an empty one.
    pub fn list(&self) -> Option<&[Reply]> {
        match self {
            Reply::List(items) => Some(items),
            Reply::Nil => Some(&[]),
            _ => None,
        }
    }
}

/// A line without its end.
fn read_line(from: &mut impl BufRead) -> Result<Vec<u8>, Failure> {
    let mut line = Vec::new();
    from.take(MAX_LINE).read_until(b'\n', &mut line)?;
    if line.is_empty() {
        return Err(Failure::Lost(std::io::ErrorKind::UnexpectedEof.into()));
    }
    match line.strip_suffix(b"\r\n") {
        Some(whole) => Ok(whole.into()),
        None => Err(Failure::not_redis(&line)),
    }
}

fn read_text(from: &mut impl BufRead, length: u64) -> Result<Vec<u8>, Failure> {
    let mut text = Vec::new();
    let end = length + 2;
    if from.take(end).read_to_end(&mut text)? as u64 != end {
        return Err(Failure::Lost(std::io::ErrorKind::UnexpectedEof.into()));
    }
    match text.strip_suffix(b"\r\n") {
        Some(whole) => Ok(whole.into()),
        None => Err(Failure::not_redis(&text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(mut bytes: &[u8]) -> Result<Reply, Failure> {
        let reply = Reply::read(&mut bytes)?;
        assert!(bytes.is_empty(), "{bytes:?} is left");
        Ok(reply)
    }

    fn text(text: &str) -> Reply {
        Reply::Text(text.into())
    }

    #[test]
    fn every_kind_of_answer_is_read() {
        for (bytes, reply) in [
            ("+OK\r\n", text("OK")),
            ("-ERR no\r\n", Reply::Error("ERR no".into())),
            (":-12\r\n", Reply::Integer(-12)),
            ("$4\r\na\r\nb\r\n", text("a\r\nb")),
            ("$0\r\n\r\n", text("")),
            ("$-1\r\n", Reply::Nil),
            ("*-1\r\n", Reply::Nil),
            ("*0\r\n", Reply::List(vec![])),
            (
                "*2\r\n*1\r\n:1\r\n$1\r\na\r\n",
                Reply::List(vec![Reply::List(vec![Reply::Integer(1)]), text("a")]),
            ),
        ] {
            assert_eq!(read(bytes.as_bytes()).unwrap(), reply, "{bytes:?}");
        }
    }

    #[test]
    fn what_is_no_answer_of_redis_is_refused() {
        let deep = "*1\r\n".repeat(100);
        for bytes in [
            "\r\n",
            "HTTP/1.1 400 Bad Request\r\n",
            "+OK\n",
            ":1x\r\n",
            "$-2\r\n",
            "$9999999999\r\n",
            "*9999999999\r\n",
            "$1\r\nab\r\n",
            &deep,
        ] {
            let failure = read(bytes.as_bytes()).unwrap_err();
            assert!(matches!(failure, Failure::NotRedis(_)), "{failure:?}");
        }
        let long = [b'+'; 100_000];
        assert!(matches!(read(&long), Err(Failure::NotRedis(_))));
        assert!(matches!(read(b"+\xff\r\n"), Err(Failure::NotRedis(_))));
    }

    #[test]
    fn an_answer_that_ends_early_is_a_broken_connection() {
        for bytes in ["", "$5\r\nab", "*2\r\n:1\r\n"] {
            let failure = read(bytes.as_bytes()).unwrap_err();
            assert!(
                matches!(failure, Failure::Lost(_)),
                "{bytes:?}: {failure:?}"
            );
        }
    }
}
