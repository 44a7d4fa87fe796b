//! `labclient doctor`: what is in the way to a server, and what to do about it.

mod clock;
mod diagnosis;
mod probe;

use std::io::{self, Write};
use std::net::{IpAddr, SocketAddr};
use std::thread;
use std::time::Duration;

use clap::Args;
use commandline::finding::{self, Finding};
use proto::frame::Framing;
use proto::mode::Mode;
use wire::connect::{ConnectError, resolve};

use self::diagnosis::{Looked, Place};
use crate::failure::{Failure, Status};
use crate::options::{Options, ServerName};

/// How long to wait for a connection, for what a server says first, and for a datagram, where
/// `--timeout` is not given: long against a round trip around the world.
const TIMEOUT: Duration = Duration::from_secs(3);

/// Addresses of a name that are tried: each has a thread for each port.
const MOST_ADDRESSES: usize = 4;

const ABOUT: &str = "\
Examples:
  labclient doctor                      a server on this computer
  labclient doctor 192.0.2.7            each port of the labs, 9005 to 9011
  labclient doctor 192.0.2.7:9105       that port alone

Exit status:
  0  nothing is in the way
  1  something is
  2  usage
  6  this computer failed";

/// Where to look.
#[derive(Debug, Args)]
#[command(after_help = ABOUT)]
pub struct Arguments {
    /// The server; with a port, that one alone [default: as for --server]
    #[arg(value_name = "HOST[:PORT]", conflicts_with = "server")]
    place: Option<String>,
}

/// Looks, and prints what was seen.
///
/// # Errors
/// When there is no thread for it, or it cannot be printed.
pub fn run(arguments: &Arguments, options: &Options) -> Result<Status, Failure> {
    let name = match &arguments.place {
        Some(place) => ServerName::parse(place).map_err(Failure::Usage)?,
        None => options.server_name()?,
    };
    let framing = options.wire.unwrap_or_default();
    let findings = examine(&name, framing, options.timeout.unwrap_or(TIMEOUT))?;
    let lines = finding::lines(&findings, options.output().json);
    io::stdout()
        .write_all(lines.as_bytes())
        .map_err(|error| Failure::cannot_print(&error))?;
    Ok(match finding::any_is_bad(&findings) {
        true => Status::Refused,
        false => Status::Done,
    })
}

fn examine(
    name: &ServerName,
    framing: Framing,
    timeout: Duration,
) -> Result<Vec<Finding>, Failure> {
    let addresses = match addresses(name) {
        Ok(addresses) => addresses,
        Err(error) => return Ok(vec![diagnosis::unresolved(&name.host, &error)]),
    };
    let mut findings = Vec::from_iter(diagnosis::resolved(&name.host, &addresses));
    let places = places(name.port);
    let looked = look(&addresses, &places, framing, timeout)
        .map_err(|error| Failure::Resource(format!("no thread to look at a port with: {error}")))?;
    findings.extend(diagnosis::ports(&name.host, &looked));
    findings.extend(looked.iter().find_map(|it| it.clock()).map(clock::judge));
    Ok(findings)
}

/// The addresses of a name, each once.
fn addresses(name: &ServerName) -> Result<Vec<IpAddr>, ConnectError> {
    let mut addresses: Vec<IpAddr> = Vec::new();
    for address in resolve(&name.address(0))? {
        if !addresses.contains(&address.ip()) && addresses.len() < MOST_ADDRESSES {
            addresses.push(address.ip());
        }
    }
    Ok(addresses)
}

/// Where services are to be: on one port, or each on its own.
fn places(port: Option<u16>) -> Vec<Place> {
    let usual = Mode::ALL.into_iter().map(|mode| Place {
        port: mode.default_port(),
        mode: Some(mode),
    });
    match port {
        None => usual.collect(),
        Some(port) => {
            let other = Place { port, mode: None };
            vec![
                usual
                    .into_iter()
                    .find(|it| it.port == port)
                    .unwrap_or(other),
            ]
        }
    }
}

/// Looks at each place at each address, all at once.
fn look(
    addresses: &[IpAddr],
    places: &[Place],
    framing: Framing,
    timeout: Duration,
) -> io::Result<Vec<Looked>> {
    thread::scope(|scope| {
        let mut started = Vec::new();
        for &address in addresses {
            for &place in places {
                let at = SocketAddr::new(address, place.port);
                let look = move || Looked {
                    address,
                    place,
                    seen: probe::look(at, place.mode, framing, timeout),
                };
                started.push(thread::Builder::new().spawn_scoped(scope, look)?);
            }
        }
        let looked = started.into_iter().map(|thread| thread.join());
        let panicked = |_| io::Error::other("it panicked");
        looked.map(|it| it.map_err(panicked)).collect()
    })
}
