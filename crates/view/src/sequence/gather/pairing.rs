//! Which `sent` of one side is which `received` of the other.

use std::collections::{HashMap, HashSet, VecDeque};

use proto::mode::Transport;
use proto::side::Direction;
use record::{Event, EventKind};

use super::{Action, Gatherer, Half, clocks};
use crate::sequence::{Arrow, Delivery, LossPoint, Moment};

/// How many messages the other recording may lack before the two are put in step again.
const MOST_MISSING: usize = 64;

/// Makes one arrow of the two that each message has, where both sides are recorded.
pub(super) fn pair(gatherer: &mut Gatherer<'_, '_>) {
    let halves = std::mem::take(&mut gatherer.halves);
    let datagrams = datagrams(gatherer);
    // What was received, by what was sent; and what is to be forgotten.
    let mut pairs: Vec<(usize, usize)> = Vec::new();
    let mut pieces: HashSet<usize> = HashSet::new();
    for ((conversation, _), half) in &halves {
        let ends = &gatherer.loaded.conversations[*conversation];
        if ends.client.is_none() || ends.server.is_none() {
            continue;
        }
        if datagrams.contains(conversation) {
            by_bytes(&gatherer.arrows, half, &mut pairs);
        } else {
            in_turn(&gatherer.arrows, half, &mut pairs, &mut pieces);
        }
    }
    let mut merged: HashMap<usize, usize> = HashMap::with_capacity(pairs.len());
    for (sent, received) in pairs {
        merge(&mut gatherer.arrows, sent, received);
        merged.insert(received, sent);
    }
    for entry in gatherer.actions.iter_mut().flatten() {
        if let Action::Receives(arrow) = &mut entry.action {
            if let Some(sent) = merged.get(arrow) {
                *arrow = *sent;
            } else if pieces.contains(arrow) {
                entry.action = Action::Nothing;
            }
        }
    }
    clocks::correct(gatherer);
    for ((conversation, direction), half) in &halves {
        unreceived(gatherer, *conversation, *direction, half);
    }
}

fn datagrams(gatherer: &Gatherer<'_, '_>) -> HashSet<usize> {
    let conversation_of = gatherer.loaded.conversation_of.iter().flatten();
    let datagrams = conversation_of.filter(|(channel, _)| channel.transport == Transport::Udp);
    datagrams.map(|(_, conversation)| *conversation).collect()
}

fn merge(arrows: &mut [Arrow<'_>], sent: usize, received: usize) {
    let Arrow {
        received: at,
        marks,
        delivery,
        ..
    } = arrows[received];
    let arrow = &mut arrows[sent];
    arrow.received = at;
    arrow.marks.is_handled_twice |= marks.is_handled_twice;
    arrow.marks.is_refused |= marks.is_refused;
    arrow.marks.is_broken |= marks.is_broken;
    arrow.delivery = match delivery {
        Delivery::Lost(..) => delivery,
        _ => Delivery::Arrived,
    };
}

/// A datagram arrives or not, and may overtake others: the same bytes are the same datagram.
fn by_bytes(arrows: &[Arrow<'_>], half: &Half, pairs: &mut Vec<(usize, usize)>) {
    let mut waiting: HashMap<&[u8], VecDeque<usize>> = HashMap::new();
    for sent in &half.sent {
        let bytes = &arrows[*sent].bytes.0[..];
        waiting.entry(bytes).or_default().push_back(*sent);
    }
    for received in &half.received {
        let waiting = waiting.get_mut(&arrows[*received].bytes.0[..]);
        if let Some(sent) = waiting.and_then(VecDeque::pop_front) {
            pairs.push((sent, *received));
        }
    }
}

/// A stream keeps the order. What came in other pieces than it was sent in has arrived with the
/// piece that holds its last byte.
fn in_turn(
    arrows: &[Arrow<'_>],
    half: &Half,
    pairs: &mut Vec<(usize, usize)>,
    pieces: &mut HashSet<usize>,
) {
    let mut sent = half.sent.iter().copied().peekable();
    // Bytes of the next message that have come already.
    let mut have = 0;
    for received in &half.received {
        if have == 0 {
            let mut ahead = sent.clone().take(MOST_MISSING);
            if let Some(missing) = ahead.position(|sent| are_same(arrows, sent, *received)) {
                let found = sent.nth(missing);
                pairs.extend(found.map(|sent| (sent, *received)));
                continue;
            }
        }
        if sent.peek().is_none() {
            continue;
        }
        have += arrows[*received].bytes.0.len();
        let mut is_piece = true;
        while let Some(next) = sent.next_if(|next| arrows[*next].bytes.0.len() <= have) {
            have -= arrows[next].bytes.0.len();
            pairs.push((next, *received));
            is_piece = false;
        }
        if is_piece {
            pieces.insert(*received);
        }
    }
}

fn are_same(arrows: &[Arrow<'_>], one: usize, other: usize) -> bool {
    let (one, other) = (&arrows[one], &arrows[other]);
    one.bytes == other.bytes
        || ((one.is_masked || other.is_masked) && one.bytes.0.len() == other.bytes.0.len())
}

/// Says what became of what the other side did not receive.
fn unreceived(
    gatherer: &mut Gatherer<'_, '_>,
    conversation: usize,
    direction: Direction,
    half: &Half,
) {
    let ends = &gatherer.loaded.conversations[conversation];
    let (client, server) = gatherer.columns.of_conversation[conversation];
    let (receiver, run, sender) = match direction {
        Direction::ToServer => (server, ends.server, ends.client),
        Direction::ToClient => (client, ends.client, ends.server),
    };
    if sender.is_none() || !gatherer.columns.lifelines[receiver].is_recorded {
        return;
    }
    // A recording that breaks off says nothing of what came later.
    let seen: Moment = match run {
        Some(run) if !is_whole(gatherer, run) => {
            let last = gatherer.actions[receiver].last();
            last.map_or(0, |entry| entry.at)
        }
        _ => Moment::MAX,
    };
    let is_received = |arrow: &usize| gatherer.arrows[*arrow].received.is_some();
    let last = half.sent.iter().rposition(is_received);
    for (index, arrow) in half.sent.iter().enumerate() {
        let arrow = &mut gatherer.arrows[*arrow];
        if arrow.received.is_none() && arrow.delivery == Delivery::Assumed {
            let is_gap = last.is_some_and(|last| index < last) && run.is_some();
            arrow.delivery = match arrow.sent {
                Some(at) if at > seen => Delivery::Unseen,
                _ if is_gap && gatherer.has_gaps => Delivery::Unseen,
                _ => Delivery::Lost(LossPoint::Way, "never received"),
            };
        }
    }
}

fn is_whole(gatherer: &Gatherer<'_, '_>, run: usize) -> bool {
    let runs = &gatherer.loaded.runs;
    let last = runs[run].events.last();
    let says_so =
        |event: &Event| matches!(event.kind, EventKind::Ended | EventKind::Crashed { .. });
    // It was started again, so it ended.
    let file = gatherer.loaded.files[run];
    last.is_some_and(says_so) || gatherer.loaded.files[run + 1..].contains(&file)
}
