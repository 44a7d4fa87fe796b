//! The trace: events on standard error, while they happen.

use std::collections::HashMap;
use std::env;
use std::io::{self, IsTerminal, Write};

use anstyle::{AnsiColor, Style};
use proto::mode::PROXY;
use proto::named;
use proto::printable::printable;
use terminal::is_coloured;
use terminal_size::{Width, terminal_size_of};

use proto::side::{Direction, Side};

use super::event::{Channel, Closer, Event, EventKind, FramingName};
use super::wording::{cut, describe};

/// Columns of a line where there is no terminal.
const WIDTH: usize = 120;

/// Columns that a line has at least, however narrow the terminal is.
const LEAST_WIDTH: usize = 40;

/// Columns of a row of a dump besides its bytes, of which each has four.
const DUMP_MARGIN: usize = 7;

named! {
    /// How much is shown.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
    pub enum Trace by name {
        /// The messages.
        #[default]
        Messages => "messages",
        /// Their bytes too.
        Hex => "hex",
    }
}

/// Where the trace is shown.
pub struct TraceWriter {
    trace: Trace,
    /// `None` is as wide as the terminal is at the moment.
    width: Option<usize>,
    is_coloured: bool,
    out: Box<dyn Write + Send>,
    /// The read that made the next message of each connection: it is shown below the message.
    reads: HashMap<Channel, Event>,
}

const DIM: Style = Style::new().dimmed();
const RED: Style = AnsiColor::Red.on_default();
const YELLOW: Style = AnsiColor::Yellow.on_default();

impl TraceWriter {
    /// Standard error: in colour [where it may be](is_coloured), and as wide as `COLUMNS` says, or
    /// else the terminal.
    pub fn on_stderr(trace: Trace) -> TraceWriter {
        let columns = env::var("COLUMNS").ok().and_then(|text| text.parse().ok());
        TraceWriter {
            trace,
            width: columns.or((!io::stderr().is_terminal()).then_some(WIDTH)),
            is_coloured: is_coloured(&io::stderr()),
            out: Box::new(io::stderr()),
            reads: HashMap::new(),
        }
    }

    /// Shows one event, in one write, so that what others say stands between events. A read that
    /// made a message waits for it, and is shown below it; one that did not is shown at once,
    /// because nothing may ever follow.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn show(&mut self, event: &Event) -> io::Result<()> {
        let mut lines = Vec::new();
        match (&event.channel, &event.kind) {
            (Some(channel), EventKind::Read { .. }) if is_whole(channel, &event.kind) => {
                let before = self.reads.insert(channel.clone(), event.clone());
                before.map_or(Ok(()), |read| self.draw(&read, true, &mut lines))?;
            }
            (Some(channel), kind) => {
                self.draw(event, false, &mut lines)?;
                // What is sent meanwhile was not read.
                let is_read = match kind {
                    EventKind::Received(_)
                    | EventKind::Unreadable { .. }
                    | EventKind::Closed { .. } => true,
                    EventKind::HalfClosed { by } => *by == Closer::Peer,
                    _ => false,
                };
                let read = is_read.then(|| self.reads.remove(channel)).flatten();
                read.map_or(Ok(()), |read| self.draw(&read, true, &mut lines))?;
            }
            (None, _) => self.draw(event, false, &mut lines)?,
        }
        self.out.write_all(&lines)?;
        self.out.flush()
    }

    /// Below a message, whose connection it is need not be said again.
    fn draw(&self, event: &Event, is_below: bool, lines: &mut Vec<u8>) -> io::Result<()> {
        let place = match &event.channel {
            Some(channel) if !is_below => {
                let (service, number) = (&channel.service, channel.connection);
                match (&service[..], event.side) {
                    // Which of its two conversations it is.
                    (PROXY, Side::Server) => format!("{service}#{number} client"),
                    (PROXY, Side::Client) => format!("{service}#{number} server"),
                    (_, _) => format!("{service}#{number}"),
                }
            }
            _ => String::new(),
        };
        let (seconds, micros) = (event.t / 1_000_000_000, event.t / 1_000 % 1_000_000);
        let margin = format!("{seconds:>4}.{micros:06} {place:<8} ");
        let (mark, style) = mark(&event.kind);
        let width = self.width();
        let room = width.saturating_sub(margin.len() + mark.chars().count());
        let words = cut(&describe(event, &printable), room);
        self.line(lines, style, &format!("{margin}{mark}{words}"))?;
        if let (Trace::Hex, Some((_, bytes))) = (self.trace, event.kind.crossed()) {
            let per_row = match width {
                71.. => 16,
                _ => 8,
            };
            let indent = width.saturating_sub(DUMP_MARGIN + 4 * per_row);
            let indent = " ".repeat(indent.min(margin.len() + 2));
            for (row, piece) in bytes.0.chunks(per_row).enumerate() {
                let row = format!("{indent}{}", dump(row * per_row, piece, per_row));
                self.line(lines, DIM, &row)?;
            }
        }
        Ok(())
    }

    fn width(&self) -> usize {
        let width = self.width.unwrap_or_else(|| {
            let size = terminal_size_of(io::stderr());
            size.map_or(WIDTH, |(Width(columns), _)| usize::from(columns))
        });
        width.max(LEAST_WIDTH)
    }

    fn line(&self, lines: &mut Vec<u8>, style: Style, text: &str) -> io::Result<()> {
        let style = if self.is_coloured {
            style
        } else {
            Style::new()
        };
        writeln!(lines, "{style}{text}{style:#}")
    }
}

/// The mark before an event, and its style.
fn mark(kind: &EventKind) -> (&'static str, Style) {
    let way = |direction| match direction {
        Direction::ToServer => AnsiColor::Cyan.on_default(),
        Direction::ToClient => AnsiColor::Green.on_default(),
    };
    match kind {
        EventKind::Sent(message) => ("→ ", way(message.direction)),
        EventKind::Received(message) => ("← ", way(message.direction)),
        EventKind::Unreadable { .. } => ("← ", RED),
        EventKind::Connected
        | EventKind::HalfClosed { .. }
        | EventKind::Closed { .. }
        | EventKind::Ended => ("* ", Style::new()),
        EventKind::Read { .. } => ("    ", DIM),
        EventKind::Note(_) => ("- ", Style::new()),
        EventKind::Paused { .. } | EventKind::TimedOut { .. } | EventKind::Resent { .. } => {
            ("! ", YELLOW)
        }
        EventKind::Failed { .. } | EventKind::Crashed { .. } | EventKind::Lost { .. } => {
            ("! ", RED)
        }
        // What a fault did to a message.
        _ => ("x ", YELLOW),
    }
}

/// Whether a read found the end of the stream or made a message, which is shown right after it.
fn is_whole(channel: &Channel, kind: &EventKind) -> bool {
    match kind {
        EventKind::Read { got: 0, .. } => true,
        EventKind::Read {
            have,
            need: Some(need),
            ..
        } => have >= need,
        _ => matches!(channel.framing, FramingName::Raw | FramingName::Stream),
    }
}

/// A row of at most so many bytes: where they stand, in hexadecimal, and as characters.
fn dump(offset: usize, piece: &[u8], per_row: usize) -> String {
    let mut hex = String::new();
    for byte in piece {
        hex += &format!("{byte:02x} ");
    }
    let show = |byte: &u8| match byte {
        0x20..=0x7e => char::from(*byte),
        _ => '.',
    };
    let characters: String = piece.iter().map(show).collect();
    format!("{offset:04x}  {hex:<0$} {characters}", 3 * per_row)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Line, Lines};
    use std::io::Seek;

    const CLIENT: &str = include_str!("../tests/recordings/atm-drop-reply.client.jsonl");
    const TORN: &str = include_str!("../tests/recordings/torn.server.jsonl");

    fn shown(recording: &str, trace: Trace, is_coloured: bool) -> String {
        shown_at(70, recording, trace, is_coloured)
    }

    fn shown_at(width: usize, recording: &str, trace: Trace, is_coloured: bool) -> String {
        let mut file = tempfile::tempfile().unwrap();
        let mut screen = TraceWriter {
            trace,
            width: Some(width),
            is_coloured,
            out: Box::new(file.try_clone().unwrap()),
            reads: HashMap::new(),
        };
        for line in Lines::new(recording.as_bytes()) {
            if let Line::Event(event) = line.unwrap() {
                screen.show(&event).unwrap();
            }
        }
        file.rewind().unwrap();
        io::read_to_string(file).unwrap()
    }

    #[test]
    fn a_read_that_made_no_message_is_shown_at_once_and_the_one_that_did_below_the_message() {
        assert_eq!(
            shown(TORN, Trace::Messages, false),
            "   0.002000 text#0   * connected, 127.0.0.1:53100\n   \
                0.002050 text#0   → READY text 1\n   \
                0.004000 text#0       read 6 bytes of at most 16384\n   \
                0.009010 text#0   ← LOWER ÉAB\n   \
                0.009000              read 7 bytes, 13 of 13 are here\n   \
                0.009100 text#0   → OK éab\n   \
                0.009110          ! crashes at after-reply\n"
        );
    }

    #[test]
    fn hexadecimal_is_the_bytes_on_the_wire() {
        let shown = shown_at(80, TORN, Trace::Hex, false);
        let row = "\n         0000  4f 4b 20 c3 a9 61 62 0a                          OK ..ab.\n";
        assert!(shown.contains(row), "{shown}");
    }

    #[test]
    fn no_line_is_wider_than_the_terminal() {
        for width in [40, 60, 70, 71, 80, 93, 94, 200] {
            for trace in [Trace::Messages, Trace::Hex] {
                let shown = shown_at(width, CLIENT, trace, false);
                let widest = shown.lines().map(|line| line.chars().count()).max();
                assert!(widest <= Some(width), "{width}: {shown}");
            }
        }
    }

    #[test]
    fn lines_are_cut_and_coloured_on_a_terminal_alone() {
        let plain = shown(CLIENT, Trace::Messages, false);
        assert!(plain.contains("…\n") && !plain.contains('\x1b'));
        let coloured = shown(CLIENT, Trace::Messages, true);
        assert!(coloured.contains("\x1b[36m   "), "{coloured}");
    }
}
