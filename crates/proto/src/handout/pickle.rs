//! The pickled answers of the cash machine: four dictionaries, and nothing else.
//!
//! Unpickling executes a program from the peer, so there is no unpickler here. The printed server
//! sends only four shapes, in which only an id and two numbers vary; [`PickledAnswer::parse`] reads
//! those, opcode by opcode, and refuses everything else.
//!
//! The bytes are those of `pickle.dumps(…, protocol=4)`, which `pickle.loads` accepts since Python
//! 3.4.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::str::FromStr;

use crate::atm::{Kind, TransactionId};
use crate::printable::quoted;

/// Longest answer, in bytes: a withdrawal's.
pub const MAX_SIZE: usize = 119;

/// The printed bank's answer to a withdrawal or a deposit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum PickledAnswer {
    /// `status`, `OK`, with `tid`, `withdraw` or `deposit` by the kind of the id, and `balance`.
    Moved {
        /// The transaction.
        tid: TransactionId,
        /// The amount.
        amount: f64,
        /// The balance after it.
        balance: f64,
    },
    /// `status`, `ERROR`, with the `message` `NO_BLNC`: more than the balance.
    NoBalance,
    /// `status`, `ERROR`, with the `message` `INVALID_IN`: not an amount.
    InvalidInput,
}

/// Why bytes are not one of the four answers.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PickleError {
    /// They end too soon; the rest may still be in flight.
    #[error("the pickle ends after {0} bytes, too soon")]
    Truncated(usize),
    /// Other bytes than these at this place.
    #[error("byte {at} of the pickle is not {expected}")]
    Unexpected {
        /// The offset, from 0.
        at: usize,
        /// What must be there.
        expected: &'static str,
    },
    /// The length in the frame's header is not that of what follows.
    #[error("the pickle says {said} bytes follow its header, and {follow} do")]
    WrongLength {
        /// The length in the header.
        said: u64,
        /// The number of bytes that follow.
        follow: usize,
    },
    /// A text that the printed bank does not send at its place.
    #[error("the {key} of the pickle is {value}")]
    WrongValue {
        /// The key.
        key: &'static str,
        /// Its value, quoted.
        value: String,
    },
}

/// `PROTO 4`, `FRAME`; the length follows.
const HEADER: &[u8] = b"\x80\x04\x95";
/// Before the first key: `EMPTY_DICT`, `MEMOIZE`, `MARK`.
const BEGIN: &[u8] = b"}\x94(";
/// `SHORT_BINUNICODE`: a length of one byte and a text follow.
const TEXT: u8 = b'\x8c';
/// `MEMOIZE`, after each text.
const MEMOIZE: u8 = b'\x94';
/// `BINFLOAT`: eight bytes follow, the most significant first.
const FLOAT: u8 = b'G';
/// After the last value: `SETITEMS`, `STOP`.
const END: &[u8] = b"u.";

impl PickledAnswer {
    /// The bytes that the printed bank sends.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut body = Vec::with_capacity(MAX_SIZE);
        body.extend_from_slice(BEGIN);
        match self {
            PickledAnswer::Moved {
                tid,
                amount,
                balance,
            } => {
                for text in ["status", "OK", "tid", &tid.to_string(), verb(tid.kind)] {
                    put_text(&mut body, text);
                }
                put_float(&mut body, *amount);
                put_text(&mut body, "balance");
                put_float(&mut body, *balance);
            }
            PickledAnswer::NoBalance => put_error(&mut body, "NO_BLNC"),
            PickledAnswer::InvalidInput => put_error(&mut body, "INVALID_IN"),
        }
        body.extend_from_slice(END);
        let mut bytes = HEADER.to_vec();
        bytes.extend_from_slice(&(body.len() as u64).to_le_bytes());
        bytes.append(&mut body);
        bytes
    }

    /// Reads what [`to_bytes`](PickledAnswer::to_bytes) writes. Numbers may be any double:
    /// infinite, negative, not a number.
    ///
    /// # Errors
    /// When the bytes are anything else.
    pub fn parse(bytes: &[u8]) -> Result<PickledAnswer, PickleError> {
        let mut rest = Cursor { bytes, at: 0 };
        rest.expect(HEADER, "the header of protocol 4")?;
        let said = u64::from_le_bytes(rest.array()?);
        let follow = bytes.len() - rest.at;
        match usize::try_from(said) {
            Ok(said) if said == follow => {}
            // None of the four is longer, so there is no rest to wait for.
            Ok(said) if said > follow && said <= MAX_SIZE - rest.at => {
                return Err(PickleError::Truncated(bytes.len()));
            }
            _ => return Err(PickleError::WrongLength { said, follow }),
        }
        rest.expect(BEGIN, "the beginning of a dictionary")?;
        let outcome = rest.outcome()?;
        rest.expect(END, "the end of the dictionary")?;
        match rest.at == bytes.len() {
            true => Ok(outcome),
            false => Err(rest.unexpected("the end")),
        }
    }
}

fn put_text(bytes: &mut Vec<u8>, text: &str) {
    // No text here is longer than an id of 41 bytes.
    bytes.extend_from_slice(&[TEXT, text.len() as u8]);
    bytes.extend_from_slice(text.as_bytes());
    bytes.push(MEMOIZE);
}

fn put_float(bytes: &mut Vec<u8>, number: f64) {
    bytes.push(FLOAT);
    bytes.extend_from_slice(&number.to_be_bytes());
}

/// The key of the amount.
fn verb(kind: Kind) -> &'static str {
    match kind {
        Kind::Withdrawal => "withdraw",
        Kind::Deposit => "deposit",
    }
}

fn put_error(bytes: &mut Vec<u8>, message: &str) {
    for text in ["status", "ERROR", "message", message] {
        put_text(bytes, text);
    }
}

/// The bytes, and the number of those read.
struct Cursor<'b> {
    bytes: &'b [u8],
    at: usize,
}

impl<'b> Cursor<'b> {
    fn outcome(&mut self) -> Result<PickledAnswer, PickleError> {
        self.key("status")?;
        match self.text("a status")? {
            "OK" => {}
            "ERROR" => {
                self.key("message")?;
                return match self.text("a message")? {
                    "NO_BLNC" => Ok(PickledAnswer::NoBalance),
                    "INVALID_IN" => Ok(PickledAnswer::InvalidInput),
                    other => Err(wrong("message", other)),
                };
            }
            other => return Err(wrong("status", other)),
        }
        self.key("tid")?;
        let text = self.text("an id")?;
        let tid = TransactionId::from_str(text).map_err(|_| wrong("tid", text))?;
        self.key(verb(tid.kind))?;
        let amount = self.float()?;
        self.key("balance")?;
        let balance = self.float()?;
        Ok(PickledAnswer::Moved {
            tid,
            amount,
            balance,
        })
    }

    fn key(&mut self, key: &'static str) -> Result<(), PickleError> {
        let at = self.at;
        match self.text(key)? {
            found if found == key => Ok(()),
            _ => Err(PickleError::Unexpected { at, expected: key }),
        }
    }

    fn text(&mut self, expected: &'static str) -> Result<&'b str, PickleError> {
        let at = self.at;
        self.expect(&[TEXT], expected)?;
        let [length] = self.array()?;
        let text = str::from_utf8(self.take(usize::from(length))?)
            .map_err(|_| PickleError::Unexpected { at, expected })?;
        self.expect(&[MEMOIZE], "the end of a text")?;
        Ok(text)
    }

    fn float(&mut self) -> Result<f64, PickleError> {
        self.expect(&[FLOAT], "a number")?;
        Ok(f64::from_be_bytes(self.array()?))
    }

    fn expect(&mut self, bytes: &[u8], expected: &'static str) -> Result<(), PickleError> {
        for byte in bytes {
            match self.bytes.get(self.at) {
                Some(found) if found == byte => self.at += 1,
                Some(_) => return Err(self.unexpected(expected)),
                None => return Err(PickleError::Truncated(self.bytes.len())),
            }
        }
        Ok(())
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], PickleError> {
        let truncated = PickleError::Truncated(self.bytes.len());
        self.take(N)?.try_into().map_err(|_| truncated)
    }

    fn take(&mut self, length: usize) -> Result<&'b [u8], PickleError> {
        let taken = self.bytes.get(self.at..self.at + length);
        let taken = taken.ok_or(PickleError::Truncated(self.bytes.len()))?;
        self.at += length;
        Ok(taken)
    }

    fn unexpected(&self, expected: &'static str) -> PickleError {
        PickleError::Unexpected {
            at: self.at,
            expected,
        }
    }
}

fn wrong(key: &'static str, value: &str) -> PickleError {
    PickleError::WrongValue {
        key,
        value: quoted(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use uuid::Uuid;

    /// The four, as CPython pickles them with `pickle.dumps(…, protocol=4)`.
    fn golden() -> [(PickledAnswer, &'static [u8]); 4] {
        let withdrawn = PickledAnswer::Moved {
            tid: "WITH_00000000-0000-4000-8000-000000000001".parse().unwrap(),
            amount: 3402.0,
            balance: 496_598.0,
        };
        let deposited = PickledAnswer::Moved {
            tid: "DEP_00000000-0000-4000-8000-000000000002".parse().unwrap(),
            amount: 3604.0,
            balance: 503_604.0,
        };
        [
            (
                withdrawn,
                b"\x80\x04\x95l\x00\x00\x00\x00\x00\x00\x00}\x94(\x8c\x06status\x94\x8c\x02OK\x94\
                  \x8c\x03tid\x94\x8c)WITH_00000000-0000-4000-8000-000000000001\x94\
                  \x8c\x08withdraw\x94G@\xaa\x94\x00\x00\x00\x00\x00\
                  \x8c\x07balance\x94GA\x1eOX\x00\x00\x00\x00u.",
            ),
            (
                deposited,
                b"\x80\x04\x95j\x00\x00\x00\x00\x00\x00\x00}\x94(\x8c\x06status\x94\x8c\x02OK\x94\
                  \x8c\x03tid\x94\x8c(DEP_00000000-0000-4000-8000-000000000002\x94\
                  \x8c\x07deposit\x94G@\xac(\x00\x00\x00\x00\x00\
                  \x8c\x07balance\x94GA\x1e\xbc\xd0\x00\x00\x00\x00u.",
            ),
            (
                PickledAnswer::NoBalance,
                b"\x80\x04\x95*\x00\x00\x00\x00\x00\x00\x00}\x94(\x8c\x06status\x94\x8c\x05ERROR\
                  \x94\x8c\x07message\x94\x8c\x07NO_BLNC\x94u.",
            ),
            (
                PickledAnswer::InvalidInput,
                b"\x80\x04\x95-\x00\x00\x00\x00\x00\x00\x00}\x94(\x8c\x06status\x94\x8c\x05ERROR\
                  \x94\x8c\x07message\x94\x8c\nINVALID_IN\x94u.",
            ),
        ]
    }

    #[test]
    fn the_four_answers_are_the_bytes_that_python_pickles() {
        let lengths = golden().map(|(_, bytes)| bytes.len());
        assert_eq!(lengths, [119, 117, 53, 56]);
        assert_eq!(lengths[0], MAX_SIZE);
        for (outcome, bytes) in golden() {
            assert_eq!(outcome.to_bytes(), bytes);
            assert_eq!(PickledAnswer::parse(bytes), Ok(outcome));
        }
    }

    #[test]
    fn a_pickle_that_was_cut_is_truncated_wherever_that_was() {
        for (_, bytes) in golden() {
            for length in 0..bytes.len() {
                let cut = PickledAnswer::parse(&bytes[..length]);
                assert_eq!(cut, Err(PickleError::Truncated(length)), "{length}");
            }
        }
    }

    #[test]
    fn a_pickle_with_something_after_it_is_refused() {
        for (_, bytes) in golden() {
            assert!(PickledAnswer::parse(&[bytes, b"\nSelect one"].concat()).is_err());
        }
    }

    #[test]
    fn other_pickles_are_refused() {
        let system = b"\x80\x04\x95\x1d\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix\x94\x8c\x06system\
                       \x94\x93\x94\x8c\x02id\x94\x85\x94R\x94.";
        let (_, withdrawn) = golden()[0];
        let replaced = |from: &[u8], to: &[u8]| {
            let at = withdrawn.windows(from.len()).position(|w| w == from);
            let mut bytes = withdrawn.to_vec();
            bytes[at.unwrap()..][..to.len()].copy_from_slice(to);
            bytes
        };
        for bytes in [
            system.to_vec(),
            b"\x80\x03}q\x00(X\x06\x00\x00\x00statusq\x01u.".to_vec(),
            b"cos\nsystem\n(S'id'\ntR.".to_vec(),
            replaced(b"OK", b"KO"),
            replaced(b"balance", b"balanse"),
            replaced(b"WITH_", b"DEPO_"),
            replaced(b"WITH_0", b"WITH_g"),
            replaced(b"\x04", b"\x05"),
            replaced(b"l\0", b"m\0"),
            replaced(b"l\0\0\0\0\0\0\0", b"\xff\xff\xff\xff\xff\xff\xff\xff"),
            replaced(b"G@", b"X@"),
            replaced(b"OK", b"\xff\xfe"),
        ] {
            let refused = PickledAnswer::parse(&bytes);
            assert!(refused.is_err(), "{bytes:?}");
        }
    }

    proptest! {
        #[test]
        fn every_answer_is_read_back(
            number in any::<u128>(), amount in proptest::num::f64::ANY, balance: f64,
        ) {
            let uuid = Uuid::from_u128(number);
            for tid in [TransactionId::withdrawal(uuid), TransactionId::deposit(uuid)] {
                let bytes = PickledAnswer::Moved { tid, amount, balance }.to_bytes();
                let read = PickledAnswer::parse(&bytes).unwrap();
                // Compares the bytes, because a NaN does not equal itself.
                prop_assert_eq!(read.to_bytes(), bytes);
            }
        }

        #[test]
        fn random_bytes_are_refused_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(PickledAnswer::parse(&bytes).is_err());
        }

        #[test]
        fn a_byte_that_was_changed_is_noticed_or_is_part_of_an_id_or_a_number(
            which in 0..4usize, at in 0..119usize, to: u8,
        ) {
            let mut bytes = golden()[which].1.to_vec();
            if let Some(byte) = bytes.get_mut(at) {
                *byte = to;
            }
            if let Ok(read) = PickledAnswer::parse(&bytes) {
                prop_assert_eq!(read.to_bytes(), bytes);
            }
        }
    }
}
