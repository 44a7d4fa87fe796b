//! tshark, as a process.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::sync::LazyLock;

use testkit::requirement;

/// All that counts as a complaint. That a connection closes is worth a note to tshark.
const COMPLAINTS: &str = "_ws.malformed || _ws.lua.error || tcp.analysis.flags || \
    tcp.checksum.status == 0 || udp.checksum.status == 0 || ip.checksum.status == 0 || \
    _ws.expert.severity >= \"Warning\"";

/// Both directions of a stream: the first end's bytes, and the other's.
pub type Bytes = [Vec<u8>; 2];

/// The client's end and the server's.
pub type Ends = (SocketAddr, SocketAddr);

/// Fields of a packet by their names, empty where it has none.
pub type Packet = BTreeMap<&'static str, String>;

/// The header of a file of packets in the classic format.
const PCAP_HEADER: usize = 24;

/// An installed tshark.
pub struct Tshark;

/// The tshark of this machine; without one, says that this test is skipped.
pub fn tshark() -> Option<Tshark> {
    static IS_THERE: LazyLock<bool> = LazyLock::new(|| requirement::is_installed("tshark"));
    requirement::is_met("tshark", *IS_THERE).then_some(Tshark)
}

impl Tshark {
    /// With our dissector.
    const DISSECTING: &[&str] = &[
        "-X",
        concat!(
            "lua_script:",
            env!("CARGO_MANIFEST_DIR"),
            "/examples/wireshark/socketlab.lua"
        ),
    ];

    /// Checks that neither tshark nor our dissector has a complaint about these captures, which have no
    /// stream in common.
    pub fn finds_nothing_wrong(&self, captures: &[&Path]) {
        let first = captures[0];
        let mut all = fs::read(first).unwrap();
        for other in &captures[1..] {
            all.extend(&fs::read(other).unwrap()[PCAP_HEADER..]);
        }
        let capture = first.with_extension("all.pcap");
        fs::write(&capture, all).unwrap();
        let arguments = [Self::DISSECTING, &["-Y", COMPLAINTS]].concat();
        assert_eq!(run(&capture, &arguments), "", "{}", capture.display());
    }

    /// Checks that the dissector gets through this capture.
    pub fn survives(&self, capture: &Path, seed: u64) {
        let mut arguments = Self::DISSECTING.to_vec();
        arguments.extend(["-2", "-Y", "_ws.lua.error || _ws.lua.proto.error"]);
        assert_eq!(run(capture, &arguments), "", "seed {seed}");
    }

    /// These fields of the packets that the filter finds, as our dissector shows them.
    pub fn packets(&self, capture: &Path, filter: &str, fields: &[&'static str]) -> Vec<Packet> {
        let mut arguments = Self::DISSECTING.to_vec();
        // In two passes, so that what comes later is known.
        arguments.extend(["-2", "-Y", filter, "-T", "fields", "-E", "separator=/t"]);
        arguments.extend(fields.iter().flat_map(|field| ["-e", field]));
        let values = |line: &str| line.split('\t').map(str::to_owned).collect::<Vec<_>>();
        let packet = |line: &str| fields.iter().copied().zip(values(line)).collect();
        run(capture, &arguments).lines().map(packet).collect()
    }

    /// The bytes of the TCP stream or pair of UDP ends of each of these packets, as "follow stream" shows
    /// them. The packets have the fields `tcp.stream` and `udp.stream`.
    pub fn streams(&self, capture: &Path, packets: &[Packet]) -> BTreeMap<Ends, Bytes> {
        let mut taps = BTreeSet::new();
        for packet in packets {
            for transport in ["tcp", "udp"] {
                let number = &packet[&*format!("{transport}.stream")];
                if !number.is_empty() {
                    taps.insert(format!("follow,{transport},raw,{number}"));
                }
            }
        }
        let mut arguments = vec!["-q"];
        arguments.extend(taps.iter().flat_map(|tap| ["-z", tap]));
        let followed_streams = run(capture, &arguments);
        followed_streams
            .split("Follow: ")
            .skip(1)
            .map(followed)
            .collect()
    }
}

/// One stream: a heading with both ends, and a line in hexadecimal for each piece, that of the
/// second end after a tab.
fn followed(shown: &str) -> (Ends, Bytes) {
    let end = |name: &str| {
        let line = shown.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap().trim().parse().unwrap()
    };
    let ends = (end("Node 0:"), end("Node 1:"));
    let mut bytes = Bytes::default();
    for line in shown
        .lines()
        .skip_while(|line| !line.starts_with("Node 1:"))
        .skip(1)
    {
        let digits = line.trim();
        if !digits.chars().all(|digit| digit.is_ascii_hexdigit()) {
            break;
        }
        let side = &mut bytes[usize::from(line.starts_with('\t'))];
        let digit = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).unwrap();
        side.extend((0..digits.len()).step_by(2).map(digit));
    }
    (ends, bytes)
}

/// Runs tshark on a capture; what it prints, without an error of its own or of a script.
fn run(capture: &Path, arguments: &[&str]) -> String {
    let checks = [
        "tcp.check_checksum:TRUE",
        "ip.check_checksum:TRUE",
        "udp.check_checksum:TRUE",
    ];
    let ran = Command::new("tshark")
        .arg("-r")
        .arg(capture)
        .args(checks.iter().flat_map(|check| ["-o", check]))
        .args(arguments)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{arguments:?}: {said}");
    let complaints = said
        .lines()
        .filter(|line| !line.starts_with("Running as user"));
    assert_eq!(complaints.collect::<Vec<_>>(), [""; 0], "{arguments:?}");
    String::from_utf8(ran.stdout).unwrap()
}
