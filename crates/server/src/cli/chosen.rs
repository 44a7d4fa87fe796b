//! `--mode` and `--bind`: which services run, and where.

use std::net::{IpAddr, ToSocketAddrs};

use clap::Args;
use clap::error::ErrorKind;
use proto::mode::Mode;
use proto::mode::PROXY;

use super::help::SERVICE;
use super::{one_of, usage};

/// Which services run.
#[derive(Debug, Args)]
#[command(next_help_heading = SERVICE)]
pub struct Chosen {
    /// The service to run, several with commas between, or all of them
    #[arg(long, value_parser = one_of(names(), parse), hide_possible_values = true,
        value_delimiter = ',', value_name = "atm|text|calc|chat|echo|datetime|script|all|proxy")]
    mode: Vec<Modes>,

    /// The services to run, as with --mode
    #[arg(value_parser = one_of(names(), parse), hide_possible_values = true,
        value_delimiter = ',', value_name = "MODE", conflicts_with = "mode", help_heading = None)]
    named: Vec<Modes>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Modes {
    One(Mode),
    All,
    Proxy,
}

impl Chosen {
    /// The services that are asked for, each once; none with a proxy.
    pub fn modes(&self) -> anyhow::Result<Vec<Mode>> {
        match self.all().count() {
            0 => {
                let modes = names().collect::<Vec<_>>().join("|");
                let words = format!("say which service to run: --mode {modes}, or --handout NAME");
                Err(usage(ErrorKind::MissingRequiredArgument, &words))
            }
            2.. if self.is_proxy() => {
                let words = "a proxy runs alone: start the services with another labserver";
                Err(usage(ErrorKind::ArgumentConflict, words))
            }
            _ => {
                let is_chosen = |mode: &Mode| {
                    let mut all = self.all();
                    all.any(|chosen| chosen == Modes::All || chosen == Modes::One(*mode))
                };
                Ok(Mode::ALL.into_iter().filter(is_chosen).collect())
            }
        }
    }

    /// Whether a proxy is asked for.
    pub fn is_proxy(&self) -> bool {
        self.all().any(|chosen| chosen == Modes::Proxy)
    }

    fn all(&self) -> impl Iterator<Item = Modes> {
        self.mode.iter().chain(&self.named).copied()
    }
}

fn names() -> impl Iterator<Item = &'static str> {
    let names = Mode::ALL.into_iter().map(Mode::name);
    names.chain(["all", PROXY])
}

fn parse(name: &str) -> Option<Modes> {
    match name {
        "all" => Some(Modes::All),
        PROXY => Some(Modes::Proxy),
        _ => Mode::parse(name).map(Modes::One),
    }
}

/// An address, or that of a name; of several the first over IPv4, which every client tries.
pub fn parse_address(text: &str) -> Result<IpAddr, String> {
    let text = text.trim_start_matches('[').trim_end_matches(']');
    if let Ok(address) = text.parse() {
        return Ok(address);
    }
    let port = text.rsplit_once(':').map(|(_, port)| port.parse::<u16>());
    if port.is_some_and(|port| port.is_ok()) {
        return Err("an address alone: the port is for --port".into());
    }
    let found = (text, 0).to_socket_addrs().into_iter().flatten();
    let found = found.map(|address| address.ip());
    found.min_by_key(IpAddr::is_ipv6).ok_or_else(|| {
        "an address of this machine or its name: 127.0.0.1 for this machine alone, 0.0.0.0 for \
         others too"
            .into()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_help_has_every_mode_and_its_port() {
        let mut command = super::super::Arguments::command().term_width(0);
        let help = command.render_long_help().to_string();
        assert!(help.contains(&names().collect::<Vec<_>>().join("|")));
        for mode in Mode::ALL {
            let port = format!("{} {}", mode.name(), mode.default_port());
            assert!(help.contains(&port), "{port}");
        }
    }
}
