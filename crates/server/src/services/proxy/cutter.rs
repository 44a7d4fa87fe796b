//! Cuts a stream into its messages, and loses no byte of what makes none.
//!
//! A [`Decoder`] says where the messages are. What it refuses goes through a proxy all the same:
//! the proxy is not the one who is asked.

use proto::frame::{Decoder, Framing};

/// What one direction said, cut where its framing says.
#[derive(Debug)]
pub struct Cutter {
    /// `None` in raw framing, where a piece is a message, and once the framing was broken.
    decoder: Option<Decoder>,
    held: Vec<u8>,
    /// Bytes at the start of `held` that were given back.
    given: usize,
    /// Inside a line that is too long.
    is_in_long_line: bool,
    is_broken: bool,
    /// The message behind the end of a line that was too long.
    next: Option<Vec<u8>>,
}

/// Bytes of the stream, as they came.
#[derive(Debug, PartialEq, Eq)]
pub enum Cut {
    /// A whole message, framing included.
    Message(Vec<u8>),
    /// Bytes that make no message, and why.
    Loose(Vec<u8>, String),
}

impl Cut {
    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        match self {
            Cut::Message(bytes) | Cut::Loose(bytes, _) => bytes,
        }
    }
}

impl Cutter {
    /// Nothing came yet.
    pub fn new(framing: Framing) -> Cutter {
        Cutter {
            decoder: (framing != Framing::Raw).then(|| Decoder::new(framing)),
            held: Vec::new(),
            given: 0,
            is_in_long_line: false,
            is_broken: false,
            next: None,
        }
    }

    /// Takes what one read returned. Everything must be [taken out](Cutter::next_cut) before more
    /// is pushed: then at most one unfinished message and one piece are held.
    pub fn push(&mut self, piece: &[u8]) {
        self.held.drain(..self.given);
        self.given = 0;
        self.held.extend_from_slice(piece);
        if let Some(decoder) = &mut self.decoder {
            decoder.push(piece);
        }
    }

    /// The next bytes that are complete, or `None` until more come.
    pub fn next_cut(&mut self) -> Option<Cut> {
        if let Some(message) = self.next.take() {
            return Some(Cut::Message(message));
        }
        let Some(decoder) = &mut self.decoder else {
            let all = self.give(0);
            let is_broken = self.is_broken;
            return (!all.is_empty()).then(|| match is_broken {
                true => Cut::Loose(all, "the framing was broken before".into()),
                false => Cut::Message(all),
            });
        };
        let found = decoder.next_message();
        let left = decoder.unfinished().len();
        match found {
            Ok(found) => {
                let mut bytes = self.give(left);
                if !self.is_in_long_line {
                    return found.map(|_| Cut::Message(bytes));
                }
                if let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
                    self.is_in_long_line = false;
                    self.next = found.map(|_| bytes.split_off(end + 1));
                }
                let words = "the rest of a line that is too long";
                (!bytes.is_empty()).then(|| Cut::Loose(bytes, words.into()))
            }
            Err(error) if error.is_fatal() => Some(Cut::Loose(self.give_up(), error.to_string())),
            Err(error) => {
                let bytes = self.give(left);
                self.is_in_long_line = !bytes.ends_with(b"\n");
                Some(Cut::Loose(bytes, error.to_string()))
            }
        }
    }

    /// What came and was not given back.
    pub fn held(&self) -> &[u8] {
        &self.held[self.given..]
    }

    /// Whether a part of a message is held.
    pub fn is_inside_message(&self) -> bool {
        !self.held().is_empty()
    }

    /// What is held and makes no message, to be passed on as it is: from here on, nothing is a
    /// message any more.
    pub fn give_up(&mut self) -> Vec<u8> {
        self.decoder = None;
        self.is_broken = true;
        self.give(0)
    }

    /// All bytes but the last `left`.
    fn give(&mut self, left: usize) -> Vec<u8> {
        let end = self.held.len().saturating_sub(left);
        let bytes = self.held[self.given..end].to_vec();
        self.given = end;
        if left == 0 {
            // An idle connection keeps no memory of its largest message.
            self.held = Vec::new();
            self.given = 0;
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cuts(framing: Framing, pieces: &[&[u8]]) -> Vec<(bool, Vec<u8>)> {
        let mut cutter = Cutter::new(framing);
        let mut all = Vec::new();
        for piece in pieces {
            cutter.push(piece);
            while let Some(cut) = cutter.next_cut() {
                all.push(match cut {
                    Cut::Message(bytes) => (true, bytes),
                    Cut::Loose(bytes, words) => {
                        assert!(!words.is_empty());
                        (false, bytes)
                    }
                });
            }
        }
        all
    }

    fn message(bytes: &str) -> (bool, Vec<u8>) {
        (true, bytes.into())
    }

    fn loose(bytes: &str) -> (bool, Vec<u8>) {
        (false, bytes.into())
    }

    #[test]
    fn a_message_keeps_its_framing_to_the_last_carriage_return() {
        let given = cuts(Framing::Line, &[b"one\r", b"\ntwo\n\n", b"thr"]);
        assert_eq!(given, [message("one\r\n"), message("two\n"), message("\n")]);
        let given = cuts(Framing::Netstring, &[b"3:o", b"ne,3:two,0:,5:"]);
        assert_eq!(given, ["3:one,", "3:two,", "0:,"].map(message));
        let given = cuts(Framing::Len3, &[b"003one00", b"3two000"]);
        assert_eq!(given, ["003one", "003two", "000"].map(message));
    }

    #[test]
    fn in_raw_framing_what_one_read_returned_is_a_message_of_any_size() {
        let long = "x".repeat(5_000);
        let given = cuts(Framing::Raw, &[b"one", long.as_bytes(), b"2"]);
        assert_eq!(given, [message("one"), message(&long), message("2")]);
    }

    #[test]
    fn from_where_the_framing_is_broken_all_is_loose() {
        let given = cuts(Framing::Netstring, &[b"3:one,GET / ", b"3:two,"]);
        assert_eq!(given, [message("3:one,"), loose("GET / "), loose("3:two,")]);
    }

    #[test]
    fn only_a_line_that_is_too_long_is_loose() {
        let most = Framing::Line.max_payload();
        let (begin, rest) = ("x".repeat(most + 2), "y".repeat(10));
        let pieces = [begin.as_bytes(), rest.as_bytes(), b"end\nnext\nlast\n"];
        let long_line = [&begin, &rest, "end\n"].map(loose);
        let expected = [&long_line[..], &["next\n", "last\n"].map(message)].concat();
        assert_eq!(cuts(Framing::Line, &pieces), expected);
        let whole = format!("{begin}\nnext\n");
        assert_eq!(
            cuts(Framing::Line, &[whole.as_bytes()]),
            [loose(&format!("{begin}\n")), message("next\n")]
        );
    }

    #[test]
    fn what_is_held_can_be_had_at_any_time() {
        let mut cutter = Cutter::new(Framing::Netstring);
        cutter.push(b"8:PRI");
        assert_eq!(cutter.next_cut(), None);
        assert!(cutter.is_inside_message());
        assert_eq!(cutter.give_up(), b"8:PRI");
        cutter.push(b"ME 97,");
        assert!(matches!(cutter.next_cut(), Some(Cut::Loose(bytes, _)) if bytes == b"ME 97,"));
        assert!(!cutter.is_inside_message());
    }

    proptest! {
        #[test]
        fn no_byte_is_lost_or_added_or_moved(
            framing in prop::sample::select(Framing::ALL.to_vec()),
            pieces in prop::collection::vec(
                prop_oneof![
                    "[0-9:,\n\r a]{0,12}".prop_map(String::into_bytes),
                    prop::collection::vec(any::<u8>(), 0..40),
                    Just(b"3:abc,".to_vec()),
                    Just(b"003abc".to_vec()),
                    Just(vec![b'x'; 66_000]),
                ],
                0..12,
            ),
        ) {
            let mut cutter = Cutter::new(framing);
            let mut came = Vec::new();
            for piece in &pieces {
                cutter.push(piece);
                while let Some(Cut::Message(bytes) | Cut::Loose(bytes, _)) = cutter.next_cut() {
                    prop_assert!(!bytes.is_empty());
                    came.extend(bytes);
                }
                prop_assert!(!cutter.is_inside_message() || framing != Framing::Raw);
            }
            came.extend(cutter.give_up());
            prop_assert_eq!(came, pieces.concat());
        }
    }
}
