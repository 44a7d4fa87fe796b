//! Packets: TCP and UDP over IPv4 and IPv6.

use std::net::{IpAddr, SocketAddr};

use etherparse::TcpOptionElement::{MaximumSegmentSize, Noop, WindowScale};
use etherparse::{IpHeaders, PacketBuilder, PacketBuilderStep, TcpHeader};
use proto::side::Direction;

/// The two ends of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Pair {
    pub client: SocketAddr,
    pub server: SocketAddr,
}

/// Where a packet comes from and goes to, both of the same IP version.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ends {
    pub from: SocketAddr,
    pub to: SocketAddr,
}

impl Ends {
    /// The ends of what goes this way.
    pub fn of(pair: Pair, direction: Direction) -> Ends {
        let Pair { client, server } = pair;
        let (from, to) = match direction {
            Direction::ToServer => (client, server),
            Direction::ToClient => (server, client),
        };
        Ends { from, to }
    }
}

/// The most bytes that a segment carries: with its headers they fit a packet of either IP version,
/// and nearly every message of ours is one segment, as it is on the loopback interface.
pub(super) const MSS: u16 = 65_475;

/// The window that each side offers, in units of 2^14 bytes: as much as TCP can say, since how
/// full the buffers were is not in a recording.
const WINDOW: u16 = 65_535;
const WINDOW_SHIFT: u8 = 14;

const HOPS: u8 = 64;

/// The header of a segment that goes this way.
pub(super) fn header(ends: Ends, sequence: u32) -> TcpHeader {
    TcpHeader::new(ends.from.port(), ends.to.port(), sequence, WINDOW)
}

/// A TCP segment in its packet.
pub(super) fn tcp(ends: Ends, mut header: TcpHeader, bytes: &[u8]) -> Option<Vec<u8>> {
    if header.syn {
        let options = [MaximumSegmentSize(MSS), Noop, WindowScale(WINDOW_SHIFT)];
        header.set_options(&options).ok()?;
    }
    let mut packet = Vec::with_capacity(60 + bytes.len());
    let builder = ip(ends).tcp_header(header);
    builder.write_to_vec(&mut packet, bytes).ok()?;
    Some(packet)
}

/// A datagram in its packet; `None` when it is longer than any can be.
pub(super) fn udp(ends: Ends, bytes: &[u8]) -> Option<Vec<u8>> {
    let mut packet = Vec::with_capacity(48 + bytes.len());
    let builder = ip(ends).udp(ends.from.port(), ends.to.port());
    builder.write_to_vec(&mut packet, bytes).ok()?;
    Some(packet)
}

fn ip(ends: Ends) -> PacketBuilderStep<IpHeaders> {
    let octets = |address| match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().octets(),
        IpAddr::V6(address) => address.octets(),
    };
    match (ends.from.ip(), ends.to.ip()) {
        (IpAddr::V4(from), IpAddr::V4(to)) => PacketBuilder::ipv4(from.octets(), to.octets(), HOPS),
        (from, to) => PacketBuilder::ipv6(octets(from), octets(to), HOPS),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ends(from: &str, to: &str) -> Ends {
        Ends {
            from: from.parse().unwrap(),
            to: to.parse().unwrap(),
        }
    }

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn a_datagram_has_exact_headers_over_ipv4_and_ipv6() {
        let packet = udp(ends("127.0.0.1:40112", "127.0.0.1:9010"), b"SEND_TIME").unwrap();
        let expected = "450000250000400040113cc67f0000017f0000019cb023320011b2bb53454e445f54494d45";
        assert_eq!(hex(&packet), expected);
        let packet = udp(ends("[::1]:40112", "[::1]:9010"), b"SEND_TIME").unwrap();
        let loopback = "00000000000000000000000000000001";
        let data = "9cb023320011b0bc53454e445f54494d45";
        let expected = ["6000000000111140", loopback, loopback, data];
        assert_eq!(hex(&packet), expected.concat());
    }

    #[test]
    fn a_first_segment_offers_a_segment_size_and_a_window_scale() {
        let ends = ends("127.0.0.1:53011", "127.0.0.1:9005");
        let syn = TcpHeader {
            syn: true,
            ..header(ends, 0x0102_0304)
        };
        let packet = tcp(ends, syn, b"").unwrap();
        let ip = "450000300000400040063cc67f0000017f000001";
        let tcp = "cf13232d01020304000000007002ffff95b800000204ffc30103030e";
        assert_eq!(hex(&packet), format!("{ip}{tcp}"));
    }

    #[test]
    fn a_datagram_whose_sum_is_zero_says_so_in_ones() {
        let ends = ends("127.0.0.1:40112", "127.0.0.1:9010");
        // The checksum over zeros is what is missing to zero.
        let zeros = udp(ends, &[0, 0]).unwrap();
        let packet = udp(ends, &zeros[26..28]).unwrap();
        assert_eq!(packet[26..28], [0xff, 0xff]);
    }

    #[test]
    fn the_longest_datagram_fits_and_a_longer_one_is_none() {
        let four = ends("127.0.0.1:1", "127.0.0.1:2");
        let packet = udp(four, &vec![b'x'; 65_507]).unwrap();
        assert_eq!(packet.len(), 65_535);
        assert_eq!(packet[2..4], [0xff, 0xff]);
        assert!(udp(four, &vec![b'x'; 65_508]).is_none());
        let six = ends("[::1]:1", "[::1]:2");
        assert_eq!(udp(six, &vec![b'x'; 65_527]).unwrap().len(), 40 + 65_535);
        assert!(udp(six, &vec![b'x'; 65_528]).is_none());
    }
}
