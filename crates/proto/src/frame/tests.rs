//! Every framing, in pieces of every size.

use super::*;
use alloc::string::ToString;
use alloc::vec;
use proptest::prelude::*;

/// Everything a decoder gives for these bytes in one piece, and its end.
fn decode_all(decoder: &mut Decoder, pieces: &[&[u8]]) -> Result<Vec<Vec<u8>>, DecodeError> {
    let mut messages = Vec::new();
    for piece in pieces {
        decoder.push(piece);
        while let Some(message) = decoder.next_message()? {
            messages.push(message);
        }
    }
    Ok(messages)
}

fn payload_of(framing: Framing) -> BoxedStrategy<Vec<u8>> {
    match framing {
        Framing::Line => "[^\r\n]{0,40}".prop_map(String::into_bytes).boxed(),
        Framing::Netstring | Framing::Len3 | Framing::Raw => {
            proptest::collection::vec(any::<u8>(), 0..40).boxed()
        }
    }
}

#[test]
fn the_longest_payload_fits_and_one_byte_more_does_not() {
    for framing in Framing::ALL {
        let mut bytes = Vec::new();
        let longest = vec![b'x'; framing.max_payload()];
        framing.encode(&longest, &mut bytes).unwrap();
        let messages = decode_all(&mut Decoder::new(framing), &[&bytes]).unwrap();
        assert_eq!(messages.concat(), longest, "{framing}");

        bytes.clear();
        let error = framing.encode(&[longest, b"x".to_vec()].concat(), &mut bytes);
        assert!(
            matches!(error, Err(EncodeError::TooLong { .. })),
            "{framing}"
        );
        assert_eq!(bytes, b"");
    }
}

#[test]
fn raw_gives_what_each_piece_held() {
    let mut decoder = Decoder::new(Framing::Raw);
    let messages = decode_all(&mut decoder, &[b"ab", b"c"]).unwrap();
    assert_eq!(messages, [b"ab".to_vec(), b"c".to_vec()]);
    assert_eq!(decoder.finish(), Ok(()));
    assert_eq!(
        Framing::Raw.encode(b"", &mut Vec::new()),
        Err(EncodeError::EmptyRaw)
    );
}

#[test]
fn raw_messages_of_a_known_length_come_whole_from_any_pieces() {
    for piece in 1..=7 {
        let mut decoder = Decoder::new(Framing::Raw);
        decoder.set_message_length(NonZeroUsize::new(3).unwrap());
        let pieces: Vec<&[u8]> = b"abcdefg".chunks(piece).collect();
        let messages = decode_all(&mut decoder, &pieces).unwrap();
        assert_eq!(messages, [b"abc".to_vec(), b"def".to_vec()]);
        assert_eq!(
            decoder.finish().unwrap_err().to_string(),
            "closed 1 bytes into a 3-byte message"
        );
    }
}

#[test]
fn every_cut_of_a_stream_gives_the_same_messages_and_is_noticed_at_its_end() {
    for framing in [Framing::Netstring, Framing::Len3, Framing::Line] {
        let mut bytes = Vec::new();
        let mut ends = vec![0];
        for payload in [&b"PRIME 97"[..], b"", b"QUIT"] {
            framing.encode(payload, &mut bytes).unwrap();
            ends.push(bytes.len());
        }
        for cut in 0..=bytes.len() {
            let mut decoder = Decoder::new(framing);
            let before = decode_all(&mut decoder, &[&bytes[..cut]]).unwrap();
            assert_eq!(
                before.len() + 1,
                ends.iter().filter(|end| **end <= cut).count()
            );
            assert_eq!(
                decoder.finish().is_ok(),
                ends.contains(&cut),
                "{framing} at {cut}"
            );
            let after = decode_all(&mut decoder, &[&bytes[cut..]]).unwrap();
            assert_eq!(before.len() + after.len(), 3, "{framing} cut at {cut}");
            assert_eq!(decoder.finish(), Ok(()));
        }
    }
}

#[test]
fn the_end_inside_a_message_says_how_far_it_came() {
    use Framing::{Len3, Line, Netstring};
    for (framing, bytes, words) in [
        (Netstring, "16:abc", "3 bytes into a 16-byte message"),
        (Netstring, "16", "2 bytes into the length of a message"),
        (
            Netstring,
            "3:abc",
            "before the comma that ends a 3-byte message",
        ),
        (Len3, "016abc", "3 bytes into a 16-byte message"),
        (Len3, "01", "2 bytes into the length of a message"),
        (Line, "abc", "3 bytes into a line"),
    ] {
        let mut decoder = Decoder::new(framing);
        assert_eq!(decode_all(&mut decoder, &[bytes.as_bytes()]), Ok(vec![]));
        let truncated = decoder.finish().unwrap_err().to_string();
        assert_eq!(truncated, format!("closed {words}"));
    }
}

proptest! {
    #[test]
    fn messages_survive_any_framing_and_any_pieces(
        (framing, payloads) in proptest::sample::select(&[
            Framing::Netstring, Framing::Len3, Framing::Line
        ][..]).prop_flat_map(|framing| {
            (Just(framing), proptest::collection::vec(payload_of(framing), 0..6))
        }),
        piece in 1usize..9,
    ) {
        let mut bytes = Vec::new();
        for payload in &payloads {
            framing.encode(payload, &mut bytes).unwrap();
        }
        let mut decoder = Decoder::new(framing);
        let pieces: Vec<&[u8]> = bytes.chunks(piece).collect();
        prop_assert_eq!(decode_all(&mut decoder, &pieces), Ok(payloads));
        prop_assert_eq!(decoder.finish(), Ok(()));
    }

    #[test]
    fn no_bytes_make_a_decoder_panic_or_hoard(
        framing in proptest::sample::select(&Framing::ALL[..]),
        pieces in proptest::collection::vec(
            proptest::collection::vec(any::<u8>(), 0..300), 0..20),
    ) {
        let mut decoder = Decoder::new(framing);
        'stream: for piece in &pieces {
            decoder.push(piece);
            loop {
                match decoder.next_message() {
                    Ok(Some(message)) => prop_assert!(message.len() <= framing.max_payload()),
                    Ok(None) => break,
                    Err(error) if error.is_fatal() => break 'stream,
                    Err(_) => {}
                }
            }
            let _ = decoder.finish();
            prop_assert!(decoder.unfinished().len() <= framing.max_payload() + 16 * 1024);
        }
    }
}
