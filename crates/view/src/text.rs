//! A plain list: a line for each event, in columns.

use std::io::{self, Write};

use proto::side::{Direction, Side};
use record::{By, Cause, Event, How, Message, What};

use super::load::Loaded;
use super::sequence::{Moment, Selection, Sequence};
use super::wording::{self, Ids};

/// Writes the list.
///
/// # Errors
/// When it cannot be written.
pub fn write(
    loaded: &Loaded,
    ids: &Ids,
    selection: Selection,
    out: &mut impl Write,
) -> io::Result<()> {
    let began = Sequence::began(loaded);
    let mut events: Vec<(Moment, usize, &Event)> = Vec::new();
    for (index, run) in loaded.runs.iter().enumerate() {
        let moments = run.events.iter().map(|event| {
            let at = Sequence::moment(began, loaded.started[index], event.t);
            (at, index, event)
        });
        events.extend(moments);
    }
    events.retain(|(at, _, event)| {
        selection.holds(*at) && (selection.reads || !matches!(event.what, What::Read { .. }))
    });
    // Stable: of the same moment, each run keeps its order.
    events.sort_by_key(|(at, ..)| *at);
    let has_many = loaded.runs.len() > 1;
    for (at, run, event) in events {
        let header = &loaded.runs[run].header;
        write!(out, "{:>12}", wording::seconds(at))?;
        if has_many {
            write!(
                out,
                "  {:<16}",
                format!("{}/{}", header.program, header.pid)
            )?;
        }
        let channel = event.channel.as_ref();
        let place = channel.map_or_else(String::new, |channel| {
            format!("{}#{}", channel.service, channel.connection)
        });
        let (sign, words) = described(event.side, &event.what, ids);
        let line = format!("  {place:<10}  {:<11} {sign} {words}", name(&event.what));
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

fn name(what: &What) -> &'static str {
    match what {
        What::Connected => "connected",
        What::Sent(_) => "sent",
        What::Received(_) => "received",
        What::Unreadable { .. } => "unreadable",
        What::HalfClosed { .. } => "half-closed",
        What::Closed { .. } => "closed",
        What::Read { .. } => "read",
        What::Dropped { .. } => "dropped",
        What::Duplicated(_) => "duplicated",
        What::Delayed { .. } => "delayed",
        What::Refused(_) => "refused",
        What::Cut { .. } => "cut",
        What::Reordered(_) => "reordered",
        What::Split { .. } => "split",
        What::Glued(_) => "glued",
        What::Reset(_) => "reset",
        What::Corrupted { .. } => "corrupted",
        What::Paused { .. } => "paused",
        What::TimedOut { .. } => "timed-out",
        What::Resent { .. } => "resent",
        What::Failed { .. } => "failed",
        What::Note { .. } => "note",
        What::Crashed { .. } => "crashed",
        What::Lost { .. } => "lost",
        What::Ended => "ended",
    }
}

/// An arrow away from the program or to it, and what there is to say.
fn described(side: Side, what: &What, ids: &Ids) -> (char, String) {
    let arrow = |message: &Message| match message.direction == Direction::sent_by(side) {
        true => '→',
        false => '←',
    };
    let by = |by: &By| match by {
        By::Us => "by this side",
        By::Peer => "by the other side",
    };
    match what {
        What::Connected | What::Ended => (' ', String::new()),
        What::Sent(message) | What::Received(message) => {
            let partial = if message.partial { "  (cut off)" } else { "" };
            (arrow(message), format!("{}{partial}", said(message, ids)))
        }
        What::Unreadable {
            direction,
            bytes,
            words,
        } => {
            let sign = if *direction == Direction::sent_by(side) {
                '→'
            } else {
                '←'
            };
            let words = ids.shorten(words);
            (sign, format!("{}  ({words})", wording::escaped(bytes)))
        }
        What::HalfClosed { by: who } => (' ', by(who).into()),
        What::Closed {
            by: who,
            how,
            words,
        } => {
            let more = words
                .as_deref()
                .map(|words| format!(": {}", ids.shorten(words)));
            let how = match how {
                How::End => "end",
                How::Abort => "abort",
                How::Reset => "reset",
                How::Timeout => "timeout",
                How::Cut => "cut",
                How::Broken => "broken",
            };
            (
                ' ',
                format!("{}, {how}{}", by(who), more.unwrap_or_default()),
            )
        }
        What::Read {
            got,
            asked,
            have,
            need,
        } => {
            let need = need.map(|need| format!(" of {need}")).unwrap_or_default();
            (' ', format!("{got} of {asked} bytes; {have}{need} here"))
        }
        What::Dropped { cause, message } => {
            let cause = match cause {
                Cause::Drop => "",
                Cause::Duplicate => "  (an answer to a doubled request)",
            };
            (arrow(message), format!("{}{cause}", said(message, ids)))
        }
        What::Duplicated(message)
        | What::Refused(message)
        | What::Reordered(message)
        | What::Glued(message)
        | What::Reset(message) => (arrow(message), said(message, ids)),
        What::Split { size, message } => {
            let said = said(message, ids);
            (arrow(message), format!("{said}  ({size} bytes each)"))
        }
        What::Corrupted { bit, message } => {
            let flipped = wording::flipped(&message.bytes, *bit);
            (
                arrow(message),
                format!("{}  ({flipped})", said(message, ids)),
            )
        }
        What::Paused { stopped } => (' ', format!("for {}", wording::duration(*stopped))),
        What::Delayed { until, message } => {
            let until = wording::seconds(Moment::try_from(*until).unwrap_or(Moment::MAX));
            let said = said(message, ids);
            (
                arrow(message),
                format!("{said}  (until {until} of its run)"),
            )
        }
        What::Cut { sent, message } => {
            let of = message.bytes.0.len();
            (
                arrow(message),
                format!("{}  ({sent} of {of} bytes)", said(message, ids)),
            )
        }
        What::TimedOut { waited, words } => {
            let waited = wording::duration(*waited);
            (' ', format!("{} for {waited}", ids.shorten(words)))
        }
        What::Resent { attempt, text } => (
            ' ',
            format!("{}: {}", wording::attempt(*attempt), ids.shorten(text)),
        ),
        What::Failed { words } => (' ', ids.shorten(words)),
        What::Note {
            about,
            what,
            amount,
            words,
        } => {
            let parts = [Some(what), about.as_ref(), amount.as_ref(), words.as_ref()];
            let parts: Vec<String> = parts
                .into_iter()
                .flatten()
                .map(|p| ids.shorten(p))
                .collect();
            (' ', parts.join(" "))
        }
        What::Crashed { at } => (' ', ids.shorten(at)),
        What::Lost { count } => (' ', format!("{count} events")),
    }
}

fn said(message: &Message, ids: &Ids) -> String {
    match &message.text {
        Some(text) => ids.shorten(text),
        None => wording::escaped(&message.bytes),
    }
}
