//! The rows of the table: what is measured, and what is wanted of it.

/// The name of the bare server's side.
pub const FLOOR: &str = "floor";
/// The name of the side of the bare server that sends `READY` first.
pub const FLOOR_READY: &str = "floor, READY";
/// The name of Redis's side.
pub const REDIS: &str = "Redis";
/// The name of PostgreSQL's side.
pub const POSTGRES: &str = "PostgreSQL";
/// The name of the disk's side: one page written and synced, again and again.
pub const SYNC: &str = "sync alone";
/// The name of the side that only hashes PINs.
pub const HASHES: &str = "hashing alone";

/// A row that can be chosen with `--only`.
#[derive(Debug, PartialEq, Eq)]
pub struct Row {
    /// Its name on the command line.
    pub name: &'static str,
    /// What is measured.
    pub work: &'static str,
    /// The figures of each side.
    pub measures: &'static [Measure],
}

/// A figure.
#[derive(Debug, PartialEq)]
pub struct Measure {
    /// What is added to the row's work, if the row has several.
    pub name: &'static str,
    /// Its unit.
    pub unit: Unit,
    /// What is wanted of it.
    pub wanted: &'static [Wanted],
}

impl Eq for Measure {}

/// The unit of a figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// More is better.
    EachSecond,
    /// Less is better.
    Milliseconds,
    /// Less is better.
    KiB,
}

/// A figure that is wanted, as a multiple of another side's or by itself.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Wanted {
    /// At least this multiple of that side's.
    AtLeast(f64, &'static str),
    /// At most this multiple of that side's.
    AtMost(f64, &'static str),
    /// At most this, whatever the others do.
    Below(f64),
}

/// A row with one figure.
const fn row(name: &'static str, work: &'static str, measures: &'static [Measure]) -> Row {
    Row {
        name,
        work,
        measures,
    }
}

const fn measure(unit: Unit, wanted: &'static [Wanted]) -> Measure {
    Measure {
        name: "",
        unit,
        wanted,
    }
}

const DELIVERIES: &[Measure] = &[measure(Unit::EachSecond, &[Wanted::AtLeast(1.2, REDIS)])];

const DELIVERY_TIMES: &[Measure] = &[
    Measure {
        name: "median",
        unit: Unit::Milliseconds,
        wanted: &[Wanted::AtMost(1.0, REDIS)],
    },
    Measure {
        name: "p99",
        unit: Unit::Milliseconds,
        wanted: &[Wanted::AtMost(1.0, REDIS)],
    },
];

const NEARLY_BARE: &[Measure] = &[measure(Unit::EachSecond, &[Wanted::AtLeast(0.95, FLOOR)])];
const NINE_TENTHS: &[Measure] = &[measure(Unit::EachSecond, &[Wanted::AtLeast(0.9, FLOOR)])];
const WITH_READY: &[Measure] = &[measure(Unit::EachSecond, &[Wanted::AtLeast(0.85, FLOOR)])];

/// All rows, in the order of the table.
pub static ROWS: &[Row] = &[
    row(
        "room-1000-16",
        "room of 1,000, 1 speaker, 16 lines under way",
        DELIVERIES,
    ),
    row(
        "room-1000-8",
        "room of 1,000, 8 speakers, 8 lines",
        DELIVERIES,
    ),
    row(
        "room-1000-paced",
        "room of 1,000, 20 lines/s",
        DELIVERY_TIMES,
    ),
    row(
        "room-100-16",
        "room of 100, 1 speaker, 16 lines under way",
        DELIVERIES,
    ),
    row("room-100-8", "room of 100, 8 speakers, 8 lines", DELIVERIES),
    row("room-100-paced", "room of 100, 20 lines/s", DELIVERY_TIMES),
    row("text-1", "text, 1 connection, one core", NEARLY_BARE),
    row("text-16", "text, 16 connections", NEARLY_BARE),
    row("text-64", "text, 64 connections", NEARLY_BARE),
    row("text-256", "text, 256 connections", NEARLY_BARE),
    row("echo-1", "echo, 1 connection, one core", NEARLY_BARE),
    row("echo-64", "echo, 64 connections", NEARLY_BARE),
    row(
        "datetime-1",
        "datetime over UDP, 1 client, one core",
        NEARLY_BARE,
    ),
    row("datetime-16", "datetime over UDP, 16 clients", NINE_TENTHS),
    row(
        "connect-4",
        "a connection each request, 4 at once",
        WITH_READY,
    ),
    row(
        "connect-16",
        "a connection each request, 16 at once",
        WITH_READY,
    ),
    row(
        "withdraw-1",
        "durable withdrawal, 1 connection, median",
        &[measure(
            Unit::Milliseconds,
            &[Wanted::AtMost(0.6, POSTGRES)],
        )],
    ),
    row(
        "withdraw-16",
        "durable withdrawal, 16 connections",
        &[measure(Unit::EachSecond, &[Wanted::AtLeast(1.6, POSTGRES)])],
    ),
    row(
        "withdraw-64",
        "durable withdrawal, 64 connections",
        &[measure(Unit::EachSecond, &[Wanted::AtLeast(2.3, POSTGRES)])],
    ),
    row(
        "memory",
        "memory of an idle connection, text",
        &[measure(Unit::KiB, &[Wanted::Below(18.0)])],
    ),
    row(
        "idle",
        "wake-ups of an idle server, all services",
        &[measure(Unit::EachSecond, &[Wanted::Below(0.0)])],
    ),
    row(
        "accounts",
        "accounts opened from a file",
        &[measure(Unit::EachSecond, &[])],
    ),
    row(
        "accounts-again",
        "start where they all are open",
        &[measure(Unit::Milliseconds, &[])],
    ),
];

/// The row of this name.
pub fn named(name: &str) -> Option<&'static Row> {
    ROWS.iter().find(|row| row.name == name)
}

/// The rows that this name chooses: the one of that name, and those whose names go on after it with
/// a hyphen.
pub fn chosen(name: &str) -> impl Iterator<Item = &'static Row> {
    ROWS.iter().filter(move |row| {
        let rest = row.name.strip_prefix(name);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
    })
}
