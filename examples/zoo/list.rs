//! The list of the programs, `zoo.toml`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use check::case::Case;
use check::dialect::Dialect;
use check::suites::{client_cases, server_cases};
use proto::frame::Framing;
use proto::handout::Handout;
use proto::mode::{Mode, Transport};
use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use serde::Deserialize;

/// Where the programs are.
pub const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/zoo");

/// A program that does not even say READY fails everything: so many cases show it.
const MOST_FAILED: usize = 3;

/// What a case costs more that a program fails, in seconds, roughly: it may wait for an answer in vain.
const FAILING: u32 = 5;

/// The longest line that is written.
const WIDTH: usize = 110;

/// The programs.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Zoo {
    #[serde(rename = "program")]
    pub programs: Vec<Entry>,
}

/// One program.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    pub file: String,
    pub half: Half,
    /// The service,
    mode: Option<String>,
    /// or the hand-out.
    handout: Option<String>,
    /// What is wrong with it; nothing where it is only odd.
    pub mistake: Option<String>,
    /// The section of the protocol that it breaks.
    #[allow(dead_code, reason = "for the reader of the file")]
    rule: Option<String>,
    /// A client of echo that asks over UDP.
    #[serde(default)]
    pub udp: bool,
    /// The framings in which the mistake shows, where it does not show in all.
    #[serde(default)]
    wire: Vec<String>,
    /// The cases that it fails.
    #[serde(default)]
    pub fails: BTreeSet<String>,
    /// Those that it fails or not, by chance: it is killed sooner or later.
    #[serde(default)]
    pub may: BTreeSet<String>,
}

/// Which half of a lab a program is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Half {
    Server,
    Client,
}

impl Zoo {
    /// Reads the list.
    pub fn read() -> Result<Zoo> {
        let zoo: Zoo = toml::from_str(&std::fs::read_to_string(file())?).context("zoo.toml")?;
        for entry in &zoo.programs {
            entry.dialect()?;
        }
        Ok(zoo)
    }

    /// Writes these cases for these programs, and leaves the rest as it is.
    pub fn write(&self, failed: &BTreeMap<String, BTreeSet<String>>) -> Result<()> {
        let text = std::fs::read_to_string(file())?;
        Ok(std::fs::write(file(), rewritten(&text, failed))?)
    }
}

fn file() -> PathBuf {
    Path::new(FOLDER).join("zoo.toml")
}

impl Entry {
    /// What it speaks.
    pub fn dialect(&self) -> Result<Dialect> {
        let mode = self.mode.as_deref().and_then(Mode::parse);
        let handout = self.handout.as_deref().and_then(Handout::parse);
        match (mode, handout) {
            (Some(mode), None) => Ok(Dialect::Service(mode)),
            (None, Some(handout)) => Ok(Dialect::Handout(handout)),
            _ => bail!("{}: a mode or a hand-out is needed", self.file),
        }
    }

    /// The framings in which it is judged.
    pub fn wires(&self) -> Vec<&'static str> {
        if !self.has_framings() {
            return vec![Framing::Raw.name()];
        }
        let all = [Framing::Netstring, Framing::Len3, Framing::Line].map(Framing::name);
        match (self.wire.is_empty(), self.mistake.is_some()) {
            (false, _) => all.into_iter().filter(|it| self.shows_in(it)).collect(),
            // A mistake that shows in any framing need not be shown in all.
            (true, true) => vec![Framing::Line.name()],
            (true, false) => all.to_vec(),
        }
    }

    fn shows_in(&self, wire: &str) -> bool {
        self.wire.iter().any(|it| it == wire)
    }

    /// Whether its messages can be framed in one way or another.
    pub fn has_framings(&self) -> bool {
        self.dialect().is_ok_and(|dialect| dialect.has_framings())
    }

    /// The cases by which it can be judged in this framing, each with its id.
    fn cases(&self, wire: &str) -> Vec<(String, Case)> {
        let Ok(dialect) = self.dialect() else {
            return Vec::new();
        };
        let transport = match self.udp {
            true => Transport::Udp,
            false => dialect.transports()[0],
        };
        let cases = match self.half {
            Half::Server => server_cases(&dialect),
            Half::Client => client_cases(&dialect, transport),
        };
        let is_judged = |case: &Case| case.framings.iter().any(|it| it.name() == wire);
        let judged = cases.into_iter().filter(is_judged);
        judged.map(|case| (case.id(&dialect), case)).collect()
    }

    /// The ids of the cases that it should fail in this framing, [`MOST_FAILED`] at most, and of so many
    /// others. Which these are follows from the seed.
    pub fn sample(&self, wire: &str, seed: u64, count: usize) -> Vec<String> {
        let ids = self.cases(wire).into_iter().map(|(id, _)| id);
        let (failed, others): (Vec<String>, Vec<String>) =
            ids.partition(|id| self.fails.contains(id));
        let seed = self
            .file
            .bytes()
            .fold(seed, |seed, byte| seed.rotate_left(8) ^ u64::from(byte));
        let mut random = StdRng::seed_from_u64(seed);
        let failed = failed.sample(&mut random, MOST_FAILED);
        failed
            .chain(others.sample(&mut random, count))
            .cloned()
            .collect()
    }

    /// How long it takes to judge it by these cases, or by all, in seconds, roughly.
    pub fn seconds(&self, wire: &str, only: Option<&[String]>) -> u32 {
        let cases = self.cases(wire).into_iter();
        let chosen = cases.filter(|(id, _)| only.is_none_or(|only| only.contains(id)));
        let each = chosen.map(|(id, case)| match self.fails.contains(&id) {
            true => case.seconds + 1 + FAILING,
            false => case.seconds + 1,
        });
        each.sum()
    }
}

/// The list with these cases for these programs, and otherwise as it is.
fn rewritten(text: &str, failed: &BTreeMap<String, BTreeSet<String>>) -> String {
    let mut written = String::new();
    let mut program = "";
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some(file) = line.strip_prefix("file = \"") {
            program = file.trim_end_matches('"');
        }
        let ids = failed.get(program).filter(|_| line.starts_with("fails = "));
        let Some(ids) = ids else {
            let _ = writeln!(written, "{line}");
            continue;
        };
        if !line.ends_with(']') {
            // The old list, of several lines.
            lines
                .by_ref()
                .take_while(|line| *line != "]")
                .for_each(drop);
        }
        let ids: Vec<String> = ids.iter().map(|id| format!("\"{id}\"")).collect();
        let line = format!("fails = [{}]", ids.join(", "));
        let _ = match line.len() <= WIDTH {
            true => writeln!(written, "{line}"),
            false => writeln!(written, "fails = [\n    {},\n]", ids.join(",\n    ")),
        };
    }
    written
}
