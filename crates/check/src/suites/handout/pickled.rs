//! The dictionaries that the printed bank pickles.

use proto::atm::Kind;
use proto::handout::float::repr;
use proto::handout::pickle::PickledAnswer;

use super::is_like;
use crate::peer::Peer;
use crate::verdict::{Came, Expected, Outcome};

/// Bytes before those that are counted.
const HEADER: usize = 11;

/// The next bytes must be this dictionary, as Python shows it, an id without its UUID; its numbers
/// may be others where they may differ.
pub fn hears(peer: &mut Peer, dictionary: &str, may_differ: bool) -> Outcome {
    let expected = format!("{dictionary}, pickled with protocol 4");
    let mut bytes = peer.take(HEADER, &expected)?;
    let count = bytes[3..].iter().rev().take(8);
    let count = count.fold(0_u64, |count, byte| count << 8 | u64::from(*byte));
    let rest = usize::try_from(count).unwrap_or(usize::MAX);
    let fits = bytes.starts_with(b"\x80\x04\x95") && rest <= proto::handout::pickle::MAX_SIZE;
    if fits {
        bytes.extend(peer.take(rest, &expected)?);
    }
    match PickledAnswer::parse(&bytes) {
        Ok(answer) => {
            let shown = shown(&answer);
            match shown == dictionary || may_differ && is_like(&shown, dictionary) {
                true => Ok(()),
                false => peer.found(Expected::Described(expected), Came::Described(shown)),
            }
        }
        Err(error) => peer.found(
            Expected::Described(expected),
            Came::Unreadable(bytes, error.to_string()),
        ),
    }
}

/// The dictionary as Python shows it, an id without its UUID.
fn shown(answer: &PickledAnswer) -> String {
    let failed = |message: &str| format!("{{'status': 'ERROR', 'message': '{message}'}}");
    match answer {
        PickledAnswer::Moved {
            tid,
            amount,
            balance,
        } => {
            let (id, what) = match tid.kind {
                Kind::Withdrawal => ("WITH", "withdraw"),
                Kind::Deposit => ("DEP", "deposit"),
            };
            let (amount, balance) = (repr(*amount), repr(*balance));
            format!("{{'status': 'OK', 'tid': '{id}_…', '{what}': {amount}, 'balance': {balance}}}")
        }
        PickledAnswer::NoBalance => failed("NO_BLNC"),
        PickledAnswer::InvalidInput => failed("INVALID_IN"),
    }
}
