//! What is said of a transaction that is open, or whose receipt was not printed.

use proto::atm::machine::Outcome;

/// Why it is not known what Ctrl-C broke off.
pub const INTERRUPTED: &str = "interrupted";

/// What was done, where that could not be printed.
pub fn untold(done: &str, why: &str) -> String {
    format!("{done}; the receipt was not printed ({why})")
}

/// An outcome in words, with the id of its transaction.
pub fn named(outcome: &Outcome) -> String {
    format!("{}: {outcome}", outcome.id())
}

/// That a transaction is open: why, and what settles it.
pub fn unsettled(open: Option<&Outcome>, settled_by: &str, why: Option<&str>) -> String {
    let why = why.map_or(String::new(), |why| format!(" ({why})"));
    let what = open.map_or_else(|| "a transaction is still open".to_owned(), named);
    format!("{what}{why}: {settled_by}")
}
