//! `--watch` and `--allow-crash`.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use clap::Args;
use server::log::Warnings;
use server::watch::Settings;

use super::chosen::parse_address;

/// Whether there is a live page, and where.
#[derive(Debug, Args)]
#[command(next_help_heading = super::help::PAGE)]
pub struct WatchArguments {
    /// Serve a live page: a browser draws what happens while it happens, and makes it fail; on this
    /// computer alone, unless an address is given
    ///
    /// Its address is printed at the start, with the token that lets one press its buttons. On an
    /// address that others reach, to watch needs a token too. `labserver status` and `labserver
    /// control` do the same from a shell.
    #[arg(long, value_name = "[ADDRESS:]PORT", value_parser = parse)]
    watch: Option<SocketAddr>,

    /// Let the page make the server crash, as kill -9 does
    #[arg(long, requires = "watch", hide_short_help = true)]
    allow_crash: bool,
}

impl WatchArguments {
    /// The page that is to be served, if one is, with these warnings.
    pub fn settings(&self, warnings: Warnings) -> Option<Settings> {
        Some(Settings {
            address: self.watch?,
            keys: super::control::key_directory().ok(),
            may_crash: self.allow_crash,
            feed: Arc::default(),
            warnings,
        })
    }
}

fn parse(text: &str) -> Result<SocketAddr, String> {
    let (ip, port) = match text.rsplit_once(':') {
        Some((address, port)) => (parse_address(address)?, port),
        None => (IpAddr::V4(Ipv4Addr::LOCALHOST), text),
    };
    let words = "a port, as 8080, or an address and a port, as 0.0.0.0:8080";
    let port = port.parse().map_err(|_| words)?;
    Ok(SocketAddr::new(ip, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_alone_is_on_this_computer() {
        for (text, address) in [
            ("8080", "127.0.0.1:8080"),
            ("0.0.0.0:0", "0.0.0.0:0"),
            ("[::]:81", "[::]:81"),
            ("localhost:81", "127.0.0.1:81"),
        ] {
            assert_eq!(parse(text), Ok(address.parse().unwrap()), "{text}");
        }
        for text in ["", "x", "70000", "127.0.0.1", "127.0.0.1:", ":80x"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
