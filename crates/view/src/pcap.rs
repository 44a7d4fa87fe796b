//! A recording as a capture file that Wireshark, tshark and tcpdump read.
//!
//! A recording has messages and no packets, so the packets are made up: IPv4 or IPv6, TCP or UDP,
//! with right checksums and sequence numbers, each with the moment at which its message was sent
//! or received. The bytes are exactly those that crossed the wire; what a fault lost on the way is
//! not among them. Nothing is delayed, lost or out of order, because a stream has none of that.
//!
//! The file is a pcap with nanoseconds and without a link layer (`LINKTYPE_RAW`).
//!
//! * `views`: which side's record of a connection is taken, when both sides recorded it;
//! * `stream`: the life of a TCP connection, packet by packet;
//! * `packet`: the packets of a connection, with their headers.

mod packet;
mod stream;
mod views;

use std::io::{self, Write};

use proto::mode::Transport;
use record::{Event, Run};

use self::packet::{Ends, udp};
use self::stream::Stream;
use self::views::{View, choose};

/// The mark of a file whose timestamps are nanoseconds, and the version of the format.
const MAGIC: u32 = 0xa1b2_3c4d;
const MAJOR: u16 = 2;
const MINOR: u16 = 4;

/// No packet is longer: it is what the length field of either IP version can say.
const LONGEST: u32 = 40 + 65_535;

/// Each packet begins with its IP header.
const LINKTYPE_RAW: u32 = 101;

const SECOND: u64 = 1_000_000_000;

/// Writes the packets of these runs. Runs of both sides may be given: each connection is written
/// once.
///
/// # Errors
/// When they cannot be written.
pub fn write(runs: &[Run], out: &mut impl Write) -> io::Result<()> {
    begin(out)?;
    let mut flows: Vec<Flow> = choose(runs).into_iter().map(Flow::new).collect();
    let mut steps: Vec<(u64, usize, usize)> = Vec::new();
    for (number, flow) in flows.iter().enumerate() {
        let times = flow.view.times.iter().enumerate();
        steps.extend(times.map(|(event, time)| (*time, number, event)));
    }
    steps.sort_unstable();
    for (time, number, event) in steps {
        let flow = &mut flows[number];
        for packet in flow.step(flow.view.events[event]) {
            add(time, &packet, out)?;
        }
    }
    Ok(())
}

/// A connection, or the datagrams between two ends, on its way into the file.
struct Flow<'a> {
    view: View<'a>,
    /// `None` for datagrams.
    stream: Option<Stream>,
}

impl Flow<'_> {
    fn new(view: View) -> Flow {
        let stream = (view.transport == Transport::Tcp).then(|| Stream::new(&view));
        Flow { view, stream }
    }

    /// The packets of one event.
    fn step(&mut self, event: &Event) -> Vec<Vec<u8>> {
        if let Some(stream) = &mut self.stream {
            return stream.step(event);
        }
        let datagram = event.kind.crossed().and_then(|(direction, bytes)| {
            let ends = Ends::of(self.view.ends, direction);
            udp(ends, &bytes.0)
        });
        datagram.into_iter().collect()
    }
}

/// Writes what a capture file begins with.
fn begin(out: &mut impl Write) -> io::Result<()> {
    out.write_all(&MAGIC.to_le_bytes())?;
    out.write_all(&MAJOR.to_le_bytes())?;
    out.write_all(&MINOR.to_le_bytes())?;
    // The time zone and the accuracy, which are 0 by convention.
    out.write_all(&[0; 8])?;
    out.write_all(&LONGEST.to_le_bytes())?;
    out.write_all(&LINKTYPE_RAW.to_le_bytes())
}

/// Adds a packet. `time` is in nanoseconds since 1970.
fn add(time: u64, packet: &[u8], out: &mut impl Write) -> io::Result<()> {
    let seconds = u32::try_from(time / SECOND).unwrap_or(u32::MAX);
    let nanoseconds = (time % SECOND) as u32;
    let length = packet.len() as u32;
    // As much as was captured, and as much as there was.
    for field in [seconds, nanoseconds, length, length] {
        out.write_all(&field.to_le_bytes())?;
    }
    out.write_all(packet)
}

#[cfg(test)]
mod tests;
