//! The command line.

use std::path::PathBuf;

use clap::Parser;

use crate::floor::Floor;
use crate::rows::{self, ROWS, Row};

/// Measures labserver beside the least that a server with a thread a connection can do, beside Redis
/// and beside PostgreSQL, where they are installed; all take turns.
#[derive(Debug, Parser)]
#[command(name = "speed")]
pub struct Arguments {
    /// Measure only these rows: a name, or the beginning of some up to a hyphen, as in `text` or
    /// `room-100`; can be repeated. `--list` shows the names
    #[arg(long, value_name = "ROW", value_parser = parse_row)]
    only: Vec<String>,

    /// Measure each side of a row so many times
    #[arg(long, value_name = "COUNT", default_value_t = 5,
        value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..=1000))]
    pub rounds: usize,

    /// Print an object for each figure
    #[arg(long)]
    pub json: bool,

    /// Where the durable files of the banks are put: it should be on a disk [default: that of
    /// temporary files]
    #[arg(long = "in", value_name = "DIRECTORY")]
    pub directory: Option<PathBuf>,

    /// Print the names of the rows
    #[arg(long)]
    pub list: bool,

    /// Serve as the bare server of this name, until the end of standard input
    #[arg(long, value_name = "NAME", hide = true, value_parser = parse_floor)]
    pub floor: Option<Floor>,
}

impl Arguments {
    /// The rows to measure, in the order of the table.
    pub fn rows(&self) -> Vec<&'static Row> {
        let is_chosen = |row: &&'static Row| {
            let mut chosen = self.only.iter().flat_map(|name| rows::chosen(name));
            self.only.is_empty() || chosen.any(|chosen| chosen == *row)
        };
        ROWS.iter().filter(is_chosen).collect()
    }
}

fn parse_row(name: &str) -> Result<String, String> {
    match rows::chosen(name).next() {
        Some(_) => Ok(name.to_owned()),
        None => Err("no row is called that; --list shows the names".into()),
    }
}

fn parse_floor(name: &str) -> Result<Floor, String> {
    let floor = Floor::ALL.into_iter().find(|floor| floor.name() == name);
    floor.ok_or_else(|| "no bare server is called that".into())
}
