//! The life of a TCP connection, packet by packet: how it is made, what crosses it, how it ends.

use etherparse::TcpHeader;
use proto::side::{Direction, Side};
use record::{CloseReason, Closer, Event, EventKind};

use super::packet::{Ends, MSS, Pair, header, tcp};
use super::views::View;

/// A TCP connection on its way into the file.
#[derive(Debug)]
pub(super) struct Stream {
    ends: Pair,
    /// The side that recorded it.
    side: Side,
    /// Of what goes to the server, and of what goes to the client.
    to_server: Half,
    to_client: Half,
    is_reset: bool,
    /// The packets that are made and not taken yet.
    packets: Vec<Vec<u8>>,
}

/// One direction.
#[derive(Debug)]
struct Half {
    /// The number of the next byte.
    next: u32,
    /// How many events with bytes are still to come.
    events_left: usize,
    /// Whether the end is due as soon as these have been sent.
    end_is_due: bool,
    has_ended: bool,
}

impl Stream {
    /// A connection before its first event.
    pub fn new(view: &View) -> Stream {
        // RFC 9293 draws the first number from a clock of 4 microseconds, so that two connections
        // between the same ports can be distinguished.
        let clock = view.times.first().map_or(0, |time| time / 4_000) as u32;
        let half = |direction, first| {
            let crossing =
                |event: &&&Event| matches!(event.kind.crossed(), Some((d, _)) if d == direction);
            Half {
                next: first,
                events_left: view.events.iter().filter(crossing).count(),
                end_is_due: false,
                has_ended: false,
            }
        };
        Stream {
            ends: view.ends,
            side: view.side,
            to_server: half(Direction::ToServer, clock),
            to_client: half(Direction::ToClient, clock.wrapping_add(1 << 31)),
            is_reset: false,
            packets: Vec::new(),
        }
    }

    /// The packets of one event.
    pub fn step(&mut self, event: &Event) -> Vec<Vec<u8>> {
        if let Some((direction, bytes)) = event.kind.crossed() {
            self.half(direction).events_left -= 1;
            self.send(direction, &bytes.0);
            if self.half(direction).end_is_due {
                self.end(direction);
            }
        }
        match &event.kind {
            EventKind::Connected => self.connect(),
            EventKind::HalfClosed { by } => self.end(self.direction_from(*by)),
            EventKind::Closed { by, how, .. } => match how {
                CloseReason::Reset => self.reset(self.direction_from(*by)),
                CloseReason::End => {
                    self.end(self.direction_from(*by));
                    self.end(other(self.direction_from(*by)));
                }
                // A socket that is closed ends its stream. What the other end did then is not in
                // this recording.
                CloseReason::Abort
                | CloseReason::Timeout
                | CloseReason::Cut
                | CloseReason::Broken => {
                    self.end(Direction::sent_by(self.side));
                }
            },
            _ => {}
        }
        std::mem::take(&mut self.packets)
    }

    fn connect(&mut self) {
        for direction in [Direction::ToServer, Direction::ToClient] {
            let mut syn = self.header(direction);
            syn.syn = true;
            if direction == Direction::ToServer {
                (syn.ack, syn.acknowledgment_number) = (false, 0);
            }
            self.packet(direction, syn, b"");
            self.half(direction).pass(1);
        }
        self.acknowledge(Direction::ToClient);
    }

    fn send(&mut self, direction: Direction, bytes: &[u8]) {
        if self.is_reset || self.half(direction).has_ended {
            return;
        }
        let mut pieces = bytes.chunks(usize::from(MSS)).peekable();
        while let Some(piece) = pieces.next() {
            let header = TcpHeader {
                psh: pieces.peek().is_none(),
                ..self.header(direction)
            };
            self.packet(direction, header, piece);
            self.half(direction).pass(piece.len());
            self.acknowledge(direction);
        }
    }

    /// Ends one direction, once, and after all its bytes.
    fn end(&mut self, direction: Direction) {
        let half = self.half(direction);
        half.end_is_due = true;
        if half.events_left > 0 || half.has_ended || self.is_reset {
            return;
        }
        let fin = TcpHeader {
            fin: true,
            ..self.header(direction)
        };
        self.packet(direction, fin, b"");
        let half = self.half(direction);
        half.has_ended = true;
        half.pass(1);
        self.acknowledge(direction);
    }

    fn reset(&mut self, direction: Direction) {
        let reset = TcpHeader {
            rst: true,
            window_size: 0,
            ..self.header(direction)
        };
        self.packet(direction, reset, b"");
        self.is_reset = true;
    }

    /// Acknowledges all that went this way.
    fn acknowledge(&mut self, direction: Direction) {
        let back = other(direction);
        let header = self.header(back);
        self.packet(back, header, b"");
    }

    /// The header of the next segment of this direction.
    fn header(&mut self, direction: Direction) -> TcpHeader {
        let sequence = self.half(direction).next;
        TcpHeader {
            acknowledgment_number: self.half(other(direction)).next,
            ack: true,
            ..header(Ends::of(self.ends, direction), sequence)
        }
    }

    fn packet(&mut self, direction: Direction, header: TcpHeader, bytes: &[u8]) {
        self.packets
            .extend(tcp(Ends::of(self.ends, direction), header, bytes));
    }

    fn half(&mut self, direction: Direction) -> &mut Half {
        match direction {
            Direction::ToServer => &mut self.to_server,
            Direction::ToClient => &mut self.to_client,
        }
    }

    fn direction_from(&self, by: Closer) -> Direction {
        match by {
            Closer::Us => Direction::sent_by(self.side),
            Closer::Peer => Direction::received_by(self.side),
        }
    }
}

impl Half {
    /// Counts so many bytes; the beginning and the end of a stream count as one each.
    fn pass(&mut self, bytes: usize) {
        self.next = self.next.wrapping_add(bytes as u32);
    }
}

fn other(direction: Direction) -> Direction {
    match direction {
        Direction::ToServer => Direction::ToClient,
        Direction::ToClient => Direction::ToServer,
    }
}
