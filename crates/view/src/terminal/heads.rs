//! Where the lifelines stand, and who they are: what stands above them.

use std::collections::HashSet;
use std::net::{IpAddr, SocketAddr};

use super::row::width_of;
use crate::sequence::Lifeline;

/// The columns of the time, and the space after it.
const TIME: usize = 12;

/// Between two lifelines: less, and what is said stands to the right of them all.
const LEAST_GAP: usize = 30;

/// How close lifelines stand at the closest, where what is said stands to their right.
const CLOSEST: usize = 2;

/// How far apart they need not stand more, unless that makes room for whole heads.
const WIDE_ENOUGH: usize = 10;

/// The heads of all lifelines.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Heads {
    /// Where the lines of the heads say only a letter: who it is.
    pub(super) legend: Vec<String>,
    /// From top to bottom: of each lifeline, where it begins and what it says.
    pub(super) lines: Vec<Line>,
}

/// Where the lifelines stand; and where what is said does, if not between them.
pub(super) fn places(lifelines: &[Lifeline], width: usize) -> (Vec<usize>, Option<usize>) {
    let count = lifelines.len();
    let half = |life: Option<&Lifeline>| life.map_or(0, |life| widest(life).div_ceil(2));
    let left = TIME + half(lifelines.first()).min(width / 8).saturating_sub(2);
    let right = width.saturating_sub(half(lifelines.last()).min(width / 8) + 1);
    if count < 2 {
        return (vec![left; count], None);
    }
    let gap = right.saturating_sub(left) / (count - 1);
    if gap >= LEAST_GAP || (count == 2 && gap >= 16) {
        let place = |index| left + index * (right - left) / (count - 1);
        return ((0..count).map(place).collect(), None);
    }
    // Two fifths of the width at least are for what is said.
    let gap = (width * 3 / 5).saturating_sub(left) / (count - 1);
    let of_whole_heads = lifelines.iter().map(widest).max().unwrap_or(0) + 2;
    let gap = match gap >= of_whole_heads {
        true => of_whole_heads,
        false => gap.clamp(CLOSEST, WIDE_ENOUGH),
    };
    let places: Vec<usize> = (0..count).map(|index| left + index * gap).collect();
    let margin = places[count - 1] + gap.min(8) / 2 + 2;
    (places, Some(margin))
}

/// What stands above lifelines at these places. Nothing is cut, for names differ at either end:
/// where they do not fit, of an address its port stands there and of a process nothing; and where
/// that does not fit either, or is not distinct, a letter, with a legend.
pub(super) fn heads(lifelines: &[Lifeline], places: &[usize], width: usize) -> Heads {
    let short: Vec<Lifeline> = lifelines.iter().cloned().map(shortened).collect();
    let lines = above(lifelines, places, width).or_else(|| {
        let is_enough = are_distinct(&short) && are_of_one_host(lifelines);
        above(&short, places, width).filter(|_| is_enough)
    });
    if let Some(lines) = lines {
        let legend = Vec::new();
        return Heads { legend, lines };
    }
    let letters = (0..lifelines.len()).map(letter);
    let legend = lifelines.iter().zip(letters.clone());
    let legend = legend.map(|(life, letter)| format!("{letter}  {}, {}", life.name, life.detail));
    Heads {
        legend: legend.collect(),
        lines: vec![places.iter().copied().zip(letters).collect()],
    }
}

type Line = Vec<(usize, String)>;

/// The names, and below them the details; `None` when two of a line would touch.
fn above(lifelines: &[Lifeline], places: &[usize], width: usize) -> Option<Vec<Line>> {
    let line = |text: fn(&Lifeline) -> &String| {
        let texts = lifelines.iter().map(text).cloned();
        side_by_side(texts.zip(places), width)
    };
    Some(vec![line(|life| &life.name)?, line(|life| &life.detail)?])
}

/// Each text in the middle above its lifeline, or as near to it as the line allows.
fn side_by_side<'a>(
    texts: impl Iterator<Item = (String, &'a usize)>,
    width: usize,
) -> Option<Line> {
    let mut free_from = 0;
    let mut placed = Vec::new();
    for (text, place) in texts {
        let length = width_of(&text);
        let last = width.checked_sub(length)?;
        let from = place.saturating_sub(length / 2).max(TIME - 2).min(last);
        if from < free_from {
            return None;
        }
        free_from = from + length + 1;
        placed.push((from, text));
    }
    Some(placed)
}

/// What distinguishes the lifeline from others: the port of an address, and of a process that
/// has a name only that.
fn shortened(mut life: Lifeline) -> Lifeline {
    for text in [&mut life.name, &mut life.detail] {
        if let Ok(address) = text.parse::<SocketAddr>() {
            *text = format!(":{}", address.port());
        } else if let Some((name, _)) = text.rsplit_once("process ") {
            *text = name.trim_end_matches(" · ").to_owned();
        }
    }
    life
}

fn are_distinct(lifelines: &[Lifeline]) -> bool {
    let names = lifelines.iter().map(|life| (&life.name, &life.detail));
    names.collect::<HashSet<_>>().len() == lifelines.len()
}

fn are_of_one_host(lifelines: &[Lifeline]) -> bool {
    let names = lifelines.iter().flat_map(|life| [&life.name, &life.detail]);
    let addresses = names.filter_map(|name| name.parse::<SocketAddr>().ok());
    let hosts: HashSet<IpAddr> = addresses.map(|address| address.ip()).collect();
    hosts.len() <= 1
}

fn widest(life: &Lifeline) -> usize {
    width_of(&life.name).max(width_of(&life.detail))
}

/// `A` to `Z`, then `AA` to `ZZ`.
fn letter(index: usize) -> String {
    let letter = char::from(b'A' + (index % 26) as u8);
    String::from(letter).repeat(index / 26 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proto::side::Side;

    fn life((name, detail): (&str, &str)) -> Lifeline {
        Lifeline {
            name: name.into(),
            detail: detail.into(),
            side: Side::Client,
            is_recorded: false,
        }
    }

    /// Three clients, a proxy, a server.
    fn proxied() -> [Lifeline; 5] {
        [
            ("127.0.0.1:41900", "client"),
            ("127.0.0.1:41904", "client"),
            ("127.0.0.1:41908", "client"),
            ("proxy", "process 18967"),
            ("server", "127.0.0.1:23106"),
        ]
        .map(life)
    }

    fn machines() -> [Lifeline; 3] {
        [
            ("labclient", "ATM-1 · process 1587"),
            ("labclient", "ATM-2 · process 1588"),
            ("labserver", "process 1576"),
        ]
        .map(life)
    }

    fn drawn(lifelines: &[Lifeline], width: usize) -> Heads {
        heads(lifelines, &places(lifelines, width).0, width)
    }

    fn first_line(heads: &Heads) -> Vec<&str> {
        heads.lines[0].iter().map(|(_, text)| &text[..]).collect()
    }

    #[test]
    fn clients_of_a_proxy_are_distinguished_by_their_ports_at_every_width() {
        let lifelines = proxied();
        let narrow = drawn(&lifelines, 40);
        assert_eq!(first_line(&narrow), ["A", "B", "C", "D", "E"]);
        assert_eq!(narrow.legend[2], "C  127.0.0.1:41908, client");
        for width in [80, 100, 140] {
            let heads = drawn(&lifelines, width);
            let expected = [":41900", ":41904", ":41908", "proxy", "server"];
            assert_eq!(first_line(&heads), expected, "{width}");
            assert_eq!(heads.legend, [""; 0]);
        }
        for width in [160, 200] {
            assert_eq!(first_line(&drawn(&lifelines, width))[2], "127.0.0.1:41908");
        }
    }

    #[test]
    fn heads_never_touch_and_stand_within_the_line() {
        let named = machines();
        let many: Vec<Lifeline> = vec![life(("Adarsh", "127.0.0.1")); 12];
        for lifelines in [&named[..2], &named, &proxied(), &many, &named[..1]] {
            for width in 40..240 {
                for line in drawn(lifelines, width).lines {
                    let mut free_from = 0;
                    for (from, text) in line {
                        assert!(from >= free_from, "{text} at {width}");
                        free_from = from + width_of(&text) + 1;
                        assert!(free_from <= width + 1, "{text} at {width}");
                    }
                }
            }
        }
    }

    #[test]
    fn two_machines_are_distinguished_by_their_names_and_two_processes_by_a_legend() {
        let heads = drawn(&machines(), 80);
        let details: Vec<&str> = heads.lines[1].iter().map(|(_, text)| &text[..]).collect();
        assert_eq!(details, ["ATM-1", "ATM-2", ""]);
        let processes = [
            ("labclient", "process 1587"),
            ("labclient", "process 1588"),
            ("labserver", "process 1576"),
        ];
        let heads = drawn(&processes.map(life), 60);
        assert_eq!(heads.legend[1], "B  labclient, process 1588");
    }

    #[test]
    fn ports_of_different_hosts_do_not_stand_alone() {
        let mut lifelines = proxied();
        lifelines[1] = life(("10.0.0.7:41904", "client"));
        let heads = drawn(&lifelines, 80);
        assert_eq!(heads.legend[1], "B  10.0.0.7:41904, client");
    }

    #[test]
    fn more_lifelines_than_letters_have_two() {
        let letters = [0, 25, 26, 51, 52].map(letter);
        assert_eq!(letters, ["A", "Z", "AA", "ZZ", "AAA"]);
    }
}
