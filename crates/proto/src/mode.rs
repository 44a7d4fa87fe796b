//! The services: their names, ports and transports. Both programs choose by [`Mode`].

use serde::{Deserialize, Serialize};

// In the order of their ports.
named! {
    /// A service of the labs.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum Mode by name {
        /// The bank, for cash machines.
        Atm => "atm",
        /// Lower case, prime, palindrome.
        Text => "text",
        /// The calculator.
        Calc => "calc",
        /// The chat room.
        Chat => "chat",
        /// Echo (RFC 862), over TCP and UDP.
        Echo => "echo",
        /// Date and time, over UDP.
        Datetime => "datetime",
        /// An exchange played from a file.
        Script => "script",
    }
}

/// The name of the proxy, which is no service of its own: on the command line, on the ready line
/// and in recordings.
pub const PROXY: &str = "proxy";

named! {
    /// The transport of a service.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
    #[serde(rename_all = "lowercase")]
    pub enum Transport by name {
        /// A byte stream, cut into messages by a framing.
        Tcp => "tcp",
        /// Datagrams, each a message.
        Udp => "udp",
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeSet;

    #[test]
    fn ports_are_distinct() {
        let ports: BTreeSet<_> = Mode::ALL.iter().map(|mode| mode.default_port()).collect();
        assert_eq!(ports.len(), 7);
        assert_eq!((ports.first(), ports.last()), (Some(&9005), Some(&9011)));
    }
}
