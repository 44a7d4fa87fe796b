//! tshark, as a process.

use std::collections::BTreeMap;
use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The dissector under test.
const DISSECTOR: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/examples/wireshark/socketlab.lua"
);

/// All that counts as a complaint. That a connection closes is worth a note to tshark.
const COMPLAINTS: &str = "_ws.malformed || _ws.lua.error || tcp.analysis.flags || \
    tcp.checksum.status == 0 || udp.checksum.status == 0 || ip.checksum.status == 0 || \
    _ws.expert.severity >= \"Warning\"";

/// Both directions of a stream: the first end's bytes, and the other's.
pub type Bytes = [Vec<u8>; 2];

/// The client's end and the server's.
pub type Ends = (SocketAddr, SocketAddr);

/// An installed tshark.
pub struct Tshark;

/// The tshark of this machine; without one, says that this test is skipped.
pub fn tshark() -> Option<Tshark> {
    if Command::new("tshark")
        .arg("--version")
        .output()
        .is_ok_and(|ran| ran.status.success())
    {
        return Some(Tshark);
    }
    assert!(
        std::env::var_os("SOCKETLAB_REQUIRE_TSHARK").is_none(),
        "SOCKETLAB_REQUIRE_TSHARK is set, and there is no tshark: install it"
    );
    // Not with a macro, whose output a test that passes does not show.
    let notice = "\nSKIPPED: tshark is not installed, so no capture was checked\n";
    std::io::stderr().write_all(notice.as_bytes()).unwrap();
    None
}

impl Tshark {
    /// As it comes.
    pub const PLAIN: &[&str] = &[];
    /// With our dissector.
    pub const DISSECTING: &[&str] = &[
        "-X",
        concat!(
            "lua_script:",
            env!("CARGO_MANIFEST_DIR"),
            "/examples/wireshark/socketlab.lua"
        ),
    ];

    /// Checks that nothing in this capture is worth a complaint.
    pub fn finds_nothing_wrong(&self, capture: &Path, how: &[&str]) {
        let mut arguments = how.to_vec();
        arguments.extend(["-Y", COMPLAINTS]);
        assert_eq!(run(capture, &arguments), "", "{}", capture.display());
    }

    /// Checks that the dissector gets through this capture.
    pub fn survives(&self, capture: &Path, seed: u64) {
        let mut arguments = Self::DISSECTING.to_vec();
        arguments.extend(["-2", "-Y", "_ws.lua.error || _ws.lua.proto.error"]);
        assert_eq!(run(capture, &arguments), "", "seed {seed}");
    }

    /// These fields of the packets that the filter finds, as our dissector shows them.
    pub fn fields(&self, capture: &Path, filter: &str, fields: &[&str]) -> Vec<Vec<String>> {
        let mut arguments = Self::DISSECTING.to_vec();
        // In two passes, so that what comes later is known.
        arguments.extend(["-2", "-Y", filter, "-T", "fields", "-E", "separator=/t"]);
        arguments.extend(fields.iter().flat_map(|field| ["-e", field]));
        let lines = run(capture, &arguments);
        let row = |line: &str| line.split('\t').map(str::to_owned).collect();
        lines.lines().map(row).collect()
    }

    /// The bytes of every TCP stream and every pair of UDP ends, as "follow stream" shows them.
    pub fn streams(&self, capture: &Path) -> BTreeMap<Ends, Bytes> {
        let mut streams = BTreeMap::new();
        for transport in ["tcp", "udp"] {
            let field = format!("{transport}.stream");
            let numbers = run(capture, &["-T", "fields", "-e", &field]);
            let last = numbers
                .lines()
                .filter_map(|line| line.parse::<usize>().ok())
                .max();
            let taps: Vec<String> = (0..last.map_or(0, |last| last + 1))
                .map(|number| format!("follow,{transport},raw,{number}"))
                .collect();
            if taps.is_empty() {
                continue;
            }
            let mut arguments = vec!["-q"];
            arguments.extend(taps.iter().flat_map(|tap| ["-z", tap]));
            let shown = run(capture, &arguments);
            streams.extend(shown.split("Follow: ").skip(1).map(followed));
        }
        streams
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
    assert!(PathBuf::from(DISSECTOR).exists());
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
