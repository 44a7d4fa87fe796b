//! The services: their names, ports and transports. Both programs choose by [`Mode`].

use serde::{Deserialize, Serialize};

/// A service of the labs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mode {
    /// The bank, for cash machines.
    Atm,
    /// Lower case, prime, palindrome.
    Text,
    /// The calculator.
    Calc,
    /// The chat room.
    Chat,
    /// Echo (RFC 862), over TCP and UDP.
    Echo,
    /// Date and time, over UDP.
    Datetime,
    /// An exchange played from a file.
    Script,
}

/// The name of the proxy, which is no service of its own: on the command line, on the ready line and
/// in recordings.
pub const PROXY: &str = "proxy";

/// The transport of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    /// A byte stream, cut into messages by a framing.
    Tcp,
    /// Datagrams, each a message.
    Udp,
}

// In the order of their ports.
named!(
    Mode,
    name,
    Atm => "atm",
    Text => "text",
    Calc => "calc",
    Chat => "chat",
    Echo => "echo",
    Datetime => "datetime",
    Script => "script",
);

impl Mode {
    /// Where the default ports are counted from: atm is 5 above it, text 6, and so on.
    pub const BASE_PORT: u16 = 9000;

    /// The default port of both programs.
    pub fn default_port(self) -> u16 {
        match self {
            Mode::Atm => 9005,
            Mode::Text => 9006,
            Mode::Calc => 9007,
            Mode::Chat => 9008,
            Mode::Echo => 9009,
            Mode::Datetime => 9010,
            Mode::Script => 9011,
        }
    }

    /// The transports that the service listens on. A script specifies one of the two.
    pub fn transports(self) -> &'static [Transport] {
        match self {
            Mode::Atm | Mode::Text | Mode::Calc | Mode::Chat => &[Transport::Tcp],
            Mode::Echo | Mode::Script => &[Transport::Tcp, Transport::Udp],
            Mode::Datetime => &[Transport::Udp],
        }
    }
}

impl Transport {
    /// The word on the ready line: `tcp` or `udp`.
    pub fn name(self) -> &'static str {
        match self {
            Transport::Tcp => "tcp",
            Transport::Udp => "udp",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeSet;

    #[test]
    fn names_and_ports_are_distinct_and_names_parse_back() {
        let names: BTreeSet<_> = Mode::ALL.iter().map(|mode| mode.name()).collect();
        let ports: BTreeSet<_> = Mode::ALL.iter().map(|mode| mode.default_port()).collect();
        assert_eq!((names.len(), ports.len()), (7, 7));
        assert_eq!((ports.first(), ports.last()), (Some(&9005), Some(&9011)));
        for mode in Mode::ALL {
            assert_eq!(Mode::parse(mode.name()), Some(mode));
        }
        assert_eq!(Mode::parse("ATM"), None);
    }
}
