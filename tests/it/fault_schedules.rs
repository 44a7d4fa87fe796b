//! Every number and schedule in `docs/faults.md`, computed by the programs' own code and by the
//! example in Python.

use proto::mode::Transport;
use proto::side::Side;
use testkit::process::Program;
use testkit::{python, require_python};
use wire::fault::generator::{SplitMix64, Xoshiro256PlusPlus};
use wire::fault::{Exchange, FaultPlan, FaultScope, Flip};

const PYTHON: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/examples/python/fault_schedule.py"
);

/// Runs that program once for each line of the input, with the line's words as its arguments.
const EACH_LINE: &str = "
import runpy, sys
file = sys.argv[1]
for line in sys.stdin:
    sys.argv = [file, *line.split()]
    runpy.run_path(file, run_name='__main__')";

const FAULTS: &str = include_str!("../../docs/faults.md");

/// The fenced blocks whose first word is this: the other words, and the lines.
fn blocks(kind: &str) -> Vec<(Vec<&'static str>, Vec<&'static str>)> {
    let mut found = Vec::new();
    let mut lines = FAULTS.lines();
    while let Some(line) = lines.next() {
        let Some(head) = line.strip_prefix("```") else {
            continue;
        };
        let content: Vec<_> = lines.by_ref().take_while(|line| *line != "```").collect();
        let mut words = head.split(' ');
        if words.next() == Some(kind) {
            found.push((words.collect(), content));
        }
    }
    assert!(!found.is_empty(), "no block {kind}");
    found
}

fn number(text: &str) -> u64 {
    text.parse().unwrap()
}

fn plan_and_channel(words: &[&str]) -> (FaultPlan, FaultScope) {
    let [side, transport, connection, seed, spec] = words else {
        panic!("{words:?}");
    };
    let channel = FaultScope {
        side: match *side {
            "client" => Side::Client,
            _ => Side::Server,
        },
        transport: match *transport {
            "tcp" => Transport::Tcp,
            _ => Transport::Udp,
        },
        number: number(connection),
        exchange: Exchange::Answered,
    };
    (FaultPlan::new(spec.parse().unwrap(), number(seed)), channel)
}

fn schedule(words: &[&str], count: usize) -> Vec<String> {
    let (plan, channel) = plan_and_channel(words);
    let mut faults = plan.faults(channel);
    let line = |n| {
        let (request, reply) = (
            faults.requests.next_decision(),
            faults.replies.next_decision(),
        );
        format!("{n} request {request}, reply {reply}")
    };
    (1..=count).map(line).collect()
}

#[test]
fn the_generators_give_the_numbers_of_the_document() {
    for (words, numbers) in blocks("splitmix64") {
        let mut generator = SplitMix64::new(number(words[0]));
        for expected in numbers {
            assert_eq!(generator.next_u64(), number(expected));
        }
    }
    for (words, numbers) in blocks("xoshiro256++") {
        let mut generator = Xoshiro256PlusPlus::from_seed(number(words[0]));
        for expected in numbers {
            assert_eq!(generator.next_u64(), number(expected));
        }
    }
    for (words, numbers) in blocks("stream") {
        let words: Vec<_> = words.into_iter().map(number).collect();
        let mut generator = Xoshiro256PlusPlus::stream(words[0], words[1], words[2]);
        for expected in numbers {
            assert_eq!(generator.next_u64(), number(expected));
        }
    }
}

#[test]
fn the_schedules_are_those_of_the_document() {
    for (words, lines) in blocks("schedule") {
        assert_eq!(lines.len(), 20);
        assert_eq!(schedule(&words, 20), lines, "{words:?}");
    }
}

/// The blocks `corrupt NUMBER MESSAGE`, and what becomes of the message.
fn corruptions() -> Vec<(u64, String, &'static str)> {
    let blocks = blocks("corrupt").into_iter();
    blocks
        .map(|(words, lines)| (number(words[0]), words[1..].join(" "), lines[0]))
        .collect()
}

#[test]
fn the_bit_that_is_flipped_is_that_of_the_document() {
    for (number, message, expected) in corruptions() {
        let mut bytes = message.into_bytes();
        let bit = Flip(number).bit(bytes.len()).unwrap();
        bytes[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(String::from_utf8(bytes).unwrap(), expected);
    }
}

#[test]
fn another_language_flips_the_same_bit() {
    require_python!();
    for (number, message, expected) in corruptions() {
        let number = number.to_string();
        let corrupt =
            Program::new(python::interpreter()).with(&[PYTHON, "corrupt", &number, &message]);
        assert_eq!(corrupt.run().stdout.trim_end(), expected);
    }
}

#[test]
fn another_language_computes_the_same_schedules() {
    require_python!();
    let many = "drop-request=1.5%,drop-reply=#2-4,duplicate=33.333333%,delay=1us..3600s@50%,\
        error=100%,cut=0%,reorder=0.000001%";
    let besides = "delay=exponential:3600s@50%,split=65535@50%,glue=50%,reset=10%,corrupt=50%,\
        pause=1us@50%,cut=10%,duplicate=10%,reorder=50%";
    let normal = "delay=normal:1ms+-3600s,split=1,corrupt=#3-400,pause=0ms@#1,glue=#2";
    let others = [
        "client tcp 9 18446744073709551615",
        "server udp 0 0",
        "server tcp 1 1",
    ];
    let others = others.into_iter().flat_map(|words| {
        let of = |spec| words.split(' ').chain([spec]).collect();
        [many, besides, normal].map(of)
    });
    let documented = blocks("schedule").into_iter().map(|(words, _)| words);
    let all: Vec<Vec<&str>> = documented.chain(others).collect();
    let input: String = all.iter().map(|words| words.join(" ") + " 500\n").collect();
    let computed = Program::new(python::interpreter())
        .with(&["-c", EACH_LINE, PYTHON])
        .run_with(input);
    let computed: Vec<&str> = computed.stdout.lines().collect();
    let expected: Vec<String> = all.iter().flat_map(|words| schedule(words, 500)).collect();
    assert_eq!(computed, expected);
}
