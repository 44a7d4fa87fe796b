//! `--to` and `--udp`.

use anyhow::Context;
use clap::Args;
use clap::error::ErrorKind;
use proto::mode::Transport;
use server::config::ProxySettings;
use wire::connect::resolve;

use super::help::NETWORK;
use super::usage;

/// What a proxy is to relay.
#[derive(Debug, Args)]
#[command(next_help_heading = NETWORK)]
pub struct ProxyArguments {
    /// Where proxy mode relays to: it stands between any two programs, and says nothing of its own
    #[arg(long, value_name = "HOST:PORT", value_parser = parse_host_and_port)]
    to: Option<String>,

    /// Relay datagrams instead of TCP connections, in proxy mode
    #[arg(long, requires = "to")]
    udp: bool,
}

impl ProxyArguments {
    /// What the proxy is to do, if one is to run.
    pub fn settings(&self, is_proxy: bool) -> anyhow::Result<Option<ProxySettings>> {
        let to = match (&self.to, is_proxy) {
            (Some(to), true) => to,
            (None, true) => {
                let words = "--mode proxy needs a server to relay to: add --to HOST:PORT";
                return Err(usage(ErrorKind::MissingRequiredArgument, words));
            }
            (Some(_), false) => {
                let words = "--to is for --mode proxy";
                return Err(usage(ErrorKind::ArgumentConflict, words));
            }
            (None, false) => return Ok(None),
        };
        let transport = match self.udp {
            true => Transport::Udp,
            false => Transport::Tcp,
        };
        let to = resolve(to).with_context(|| format!("--to {to}"))?;
        Ok(Some(ProxySettings { to, transport }))
    }
}

fn parse_host_and_port(text: &str) -> Result<String, String> {
    match text.rsplit_once(':') {
        Some((host, port)) if !host.is_empty() && port.parse::<u16>().is_ok_and(|it| it > 0) => {
            Ok(text.to_owned())
        }
        _ => Err("a name or an address and a port, as in localhost:9005".into()),
    }
}
