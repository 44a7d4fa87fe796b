//! Headers and checksums: IPv4 (RFC 791), IPv6 (RFC 8200), UDP (RFC 768), TCP (RFC 9293).

use std::net::{IpAddr, SocketAddr};

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

/// What a TCP segment says besides its bytes.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Segment {
    pub sequence: u32,
    /// Nothing is acknowledged by the first segment of all.
    pub acknowledged: Option<u32>,
    pub syn: bool,
    pub fin: bool,
    pub reset: bool,
    pub push: bool,
}

/// The most bytes that a segment carries: with its headers they fit a packet of either IP version,
/// and nearly every message of ours is one segment, as it is on the loopback interface.
pub(super) const MSS: u16 = 65_475;

/// The window that each side offers, in units of 2^14 bytes: as much as TCP can say, since how
/// full the buffers were is not in a recording.
const WINDOW: u16 = 65_535;
const WINDOW_SHIFT: u8 = 14;

const TCP: u8 = 6;
const UDP: u8 = 17;

const HOPS: u8 = 64;

/// The most that an IP packet carries, where 20 bytes of it are a header, as in IPv4.
const LONGEST: usize = 65_535;

/// A TCP segment in its packet.
pub(super) fn tcp(ends: Ends, segment: Segment, bytes: &[u8]) -> Option<Vec<u8>> {
    let mut options = Vec::new();
    if segment.syn {
        options.extend([2, 4]);
        options.extend(MSS.to_be_bytes());
        // The window's unit, after one byte that aligns it.
        options.extend([1, 3, 3, WINDOW_SHIFT]);
    }
    let words = 5 + options.len() as u8 / 4;
    let flags = [
        segment.fin,
        segment.syn,
        segment.reset,
        segment.push,
        segment.acknowledged.is_some(),
    ];
    let flags = flags
        .iter()
        .enumerate()
        .fold(0, |all, (bit, flag)| all | u8::from(*flag) << bit);
    // A reset offers nothing.
    let window = if segment.reset { 0 } else { WINDOW };
    let mut data = Vec::with_capacity(20 + options.len() + bytes.len());
    data.extend(ends.from.port().to_be_bytes());
    data.extend(ends.to.port().to_be_bytes());
    data.extend(segment.sequence.to_be_bytes());
    data.extend(segment.acknowledged.unwrap_or(0).to_be_bytes());
    data.extend([words << 4, flags]);
    data.extend(window.to_be_bytes());
    // The checksum, which is filled in, and no urgent bytes.
    data.extend([0; 4]);
    data.extend(options);
    data.extend_from_slice(bytes);
    let sum = checksum(ends, TCP, &data);
    data[16..18].copy_from_slice(&sum.to_be_bytes());
    ip(ends, TCP, &data)
}

/// A datagram in its packet; `None` when it is longer than any can be.
pub(super) fn udp(ends: Ends, bytes: &[u8]) -> Option<Vec<u8>> {
    let length = u16::try_from(8 + bytes.len()).ok()?;
    let mut data = Vec::with_capacity(8 + bytes.len());
    data.extend(ends.from.port().to_be_bytes());
    data.extend(ends.to.port().to_be_bytes());
    data.extend(length.to_be_bytes());
    data.extend([0; 2]);
    data.extend_from_slice(bytes);
    // Zero would say that there is no checksum.
    let sum = match checksum(ends, UDP, &data) {
        0 => 0xffff,
        sum => sum,
    };
    data[6..8].copy_from_slice(&sum.to_be_bytes());
    ip(ends, UDP, &data)
}

fn ip(ends: Ends, protocol: u8, data: &[u8]) -> Option<Vec<u8>> {
    let mut packet = Vec::with_capacity(40 + data.len());
    match (ends.from.ip(), ends.to.ip()) {
        (IpAddr::V4(from), IpAddr::V4(to)) => {
            let length = u16::try_from(20 + data.len()).ok()?;
            packet.extend([0x45, 0]);
            packet.extend(length.to_be_bytes());
            // Not a fragment, and not to be made one; so no identification is needed (RFC 6864).
            packet.extend([0, 0, 0x40, 0, HOPS, protocol, 0, 0]);
            packet.extend(from.octets());
            packet.extend(to.octets());
            let sum = !folded(sum(0, &packet));
            packet[10..12].copy_from_slice(&sum.to_be_bytes());
        }
        (from, to) => {
            let length = u16::try_from(data.len()).ok()?;
            packet.extend([0x60, 0, 0, 0]);
            packet.extend(length.to_be_bytes());
            packet.extend([protocol, HOPS]);
            packet.extend(octets(from));
            packet.extend(octets(to));
        }
    }
    packet.extend_from_slice(data);
    (packet.len() <= 40 + LONGEST).then_some(packet)
}

fn octets(address: IpAddr) -> [u8; 16] {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().octets(),
        IpAddr::V6(address) => address.octets(),
    }
}

/// The checksum of TCP and UDP: over the data, the addresses, the protocol and the length. Adding
/// up is the same whatever the order and whether a length has two bytes or four.
fn checksum(ends: Ends, protocol: u8, data: &[u8]) -> u16 {
    let mut total = sum(u64::from(protocol) + data.len() as u64, data);
    for address in [ends.from.ip(), ends.to.ip()] {
        total = match (address, ends.from.is_ipv4() && ends.to.is_ipv4()) {
            (IpAddr::V4(address), true) => sum(total, &address.octets()),
            (address, _) => sum(total, &octets(address)),
        };
    }
    !folded(total)
}

/// Adds 16-bit numbers; an odd last byte is followed by a zero.
fn sum(start: u64, bytes: &[u8]) -> u64 {
    bytes.chunks(2).fold(start, |total, pair| {
        let low = pair.get(1).copied().unwrap_or(0);
        total + u64::from(u16::from_be_bytes([pair[0], low]))
    })
}

/// The sum in ones' complement, in 16 bits.
fn folded(mut total: u64) -> u16 {
    while total > 0xffff {
        total = (total & 0xffff) + (total >> 16);
    }
    total as u16
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
        let expected = [
            "4500002500004000",
            "40113cc6",
            "7f0000017f000001",
            "9cb023320011b2bb",
            "53454e445f54494d45",
        ];
        assert_eq!(hex(&packet), expected.concat());
        let packet = udp(ends("[::1]:40112", "[::1]:9010"), b"SEND_TIME").unwrap();
        let loopback = "00000000000000000000000000000001";
        let expected = [
            "6000000000111140",
            loopback,
            loopback,
            "9cb023320011b0bc",
            "53454e445f54494d45",
        ];
        assert_eq!(hex(&packet), expected.concat());
    }

    #[test]
    fn a_first_segment_offers_a_segment_size_and_a_window_scale() {
        let segment = Segment {
            sequence: 0x0102_0304,
            syn: true,
            ..Segment::default()
        };
        let packet = tcp(ends("127.0.0.1:53011", "127.0.0.1:9005"), segment, b"").unwrap();
        let expected = [
            "450000300000400040063cc6",
            "7f0000017f000001",
            "cf13232d",
            "0102030400000000",
            "7002ffff",
            "95b80000",
            "0204ffc30103030e",
        ];
        assert_eq!(hex(&packet), expected.concat());
    }

    /// What a receiver does: with its checksum in it, all of it adds up to nothing.
    #[test]
    fn every_checksum_is_what_a_receiver_computes() {
        let all = ends("127.0.0.1:53011", "192.0.2.1:9005");
        let six = ends("[2001:db8::1]:53011", "[2001:db8::2]:9005");
        for length in [0, 1, 2, 3, 255, 1460, 65_475] {
            let bytes: Vec<u8> = (0..length).map(|index: u32| (index * 7) as u8).collect();
            let segment = Segment {
                sequence: 0xffff_fff0,
                acknowledged: Some(77),
                push: true,
                ..Segment::default()
            };
            for (ends, header) in [(all, 20), (six, 40)] {
                let packet = tcp(ends, segment, &bytes).unwrap();
                assert_eq!(checksum(ends, TCP, &packet[header..]), 0, "{length}");
                let packet = udp(ends, &bytes).unwrap();
                assert_eq!(checksum(ends, UDP, &packet[header..]), 0, "{length}");
            }
            let packet = udp(all, &bytes).unwrap();
            assert_eq!(folded(sum(0, &packet[..20])), 0xffff);
        }
    }

    #[test]
    fn a_datagram_whose_sum_is_zero_says_so_in_ones() {
        let ends = ends("127.0.0.1:40112", "127.0.0.1:9010");
        // Two bytes that make up what is missing to zero.
        let missing = checksum(ends, UDP, &{
            let packet = udp(ends, &[0, 0]).unwrap();
            let mut data = packet[20..].to_vec();
            data[6..8].fill(0);
            data
        });
        let packet = udp(ends, &missing.to_be_bytes()).unwrap();
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
