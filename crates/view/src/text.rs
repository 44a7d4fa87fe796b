//! A plain list: a line for each event, in columns.

use std::io::{self, Write};

use proto::side::Direction;
use record::wording::describe;
use record::{Event, EventKind};

use super::ids::Ids;
use super::load::Recordings;
use super::sequence::{Moment, Selection, Sequence};
use super::wording;

/// Writes the list.
///
/// # Errors
/// When it cannot be written.
pub fn write(
    loaded: &Recordings,
    ids: &Ids,
    selection: Selection,
    out: &mut impl Write,
) -> io::Result<()> {
    let began = Sequence::began(loaded);
    let mut events: Vec<(Moment, usize, &Event)> = Vec::new();
    for (index, run) in loaded.runs.iter().enumerate() {
        let moment = |event: &Event| Sequence::moment(began, loaded.started[index], event.t);
        events.extend(run.events.iter().map(|event| (moment(event), index, event)));
    }
    events.retain(|(at, _, event)| {
        selection.holds(*at) && (selection.reads || !matches!(event.kind, EventKind::Read { .. }))
    });
    // Stable: of the same moment, each run keeps its order.
    events.sort_by_key(|(at, ..)| *at);
    let has_many = loaded.runs.len() > 1;
    for (at, run, event) in events {
        let header = &loaded.runs[run].header;
        write!(out, "{:>12}", wording::seconds(at))?;
        if has_many {
            let program = format!("{}/{}", header.program, header.pid);
            write!(out, "  {program:<16}")?;
        }
        let channel = event.channel.as_ref();
        let place = channel.map_or_else(String::new, |channel| {
            format!("{}#{}", channel.service, channel.connection)
        });
        let arrow = arrow(event);
        let words = describe(event, &|text| ids.shorten(text));
        let line = format!("  {place:<10}  {:<11} {arrow} {words}", name(&event.kind));
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

fn name(kind: &EventKind) -> &'static str {
    match kind {
        EventKind::Connected => "connected",
        EventKind::Sent(_) => "sent",
        EventKind::Received(_) => "received",
        EventKind::Unreadable { .. } => "unreadable",
        EventKind::HalfClosed { .. } => "half-closed",
        EventKind::Closed { .. } => "closed",
        EventKind::Read { .. } => "read",
        EventKind::Dropped { .. } => "dropped",
        EventKind::Duplicated(_) => "duplicated",
        EventKind::Delayed { .. } => "delayed",
        EventKind::Refused(_) => "refused",
        EventKind::Cut { .. } => "cut",
        EventKind::Reordered(_) => "reordered",
        EventKind::Split { .. } => "split",
        EventKind::Glued(_) => "glued",
        EventKind::Reset(_) => "reset",
        EventKind::Corrupted { .. } => "corrupted",
        EventKind::Paused { .. } => "paused",
        EventKind::TimedOut { .. } => "timed-out",
        EventKind::Resent { .. } => "resent",
        EventKind::Failed { .. } => "failed",
        EventKind::Note(_) => "note",
        EventKind::Faults { .. } => "faults",
        EventKind::Crashed { .. } => "crashed",
        EventKind::Lost { .. } => "lost",
        EventKind::Ended => "ended",
    }
}

/// Which way the message goes, seen from the program.
fn arrow(event: &Event) -> char {
    let crossed = event.kind.crossed().map(|(direction, _)| direction);
    let message = event.kind.message().map(|message| message.direction);
    match crossed.or(message) {
        None => ' ',
        Some(direction) if direction == Direction::sent_by(event.side) => '→',
        Some(_) => '←',
    }
}
