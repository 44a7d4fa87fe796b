//! `labserver doctor`: the arguments, and what is printed.

use std::net::IpAddr;
use std::process::ExitCode;

use clap::Args;
use commandline::finding;
use proto::mode::Mode;
use server::doctor::examine;
use server::{Config, Role};

use super::help::NETWORK;
use super::parse_address;

/// Connections that each of a class has at once: both halves, a second try, a forgotten one.
const CONNECTIONS_EACH: usize = 5;

const EXIT_STATUS: &str = "\
Exit status:
  0  a server can run like this
  1  it cannot";

/// The settings of the server that is to run.
#[derive(Debug, Args)]
#[command(after_help = EXIT_STATUS)]
pub struct DoctorArguments {
    /// The address it is to listen on; 0.0.0.0 is every interface
    #[arg(help_heading = NETWORK, long, value_name = "ADDRESS", default_value = "0.0.0.0",
        value_parser = parse_address)]
    bind: IpAddr,

    /// What the ports of the services are counted from [default: 9000, so that atm has 9005]
    #[arg(help_heading = NETWORK, long, value_name = "PORT",
        value_parser = clap::value_parser!(u16).range(1..))]
    port: Option<u16>,

    /// How many students there are: each has five connections
    #[arg(long, value_name = "COUNT", default_value_t = 60,
        value_parser = clap::value_parser!(u16).range(1..=10_000))]
    students: u16,

    /// Print a JSON object a line
    #[arg(long)]
    json: bool,
}

impl DoctorArguments {
    /// Looks, and prints what was seen.
    pub fn run(&self, print: fn(&[u8]) -> anyhow::Result<()>) -> anyhow::Result<ExitCode> {
        let findings = examine(&Config {
            role: Role::Services(Mode::ALL.to_vec()),
            bind: self.bind,
            port: self.port,
            connections: usize::from(self.students) * CONNECTIONS_EACH,
            ..Config::default()
        });
        print(finding::lines(&findings, self.json).as_bytes())?;
        Ok(match finding::any_is_bad(&findings) {
            true => ExitCode::FAILURE,
            false => ExitCode::SUCCESS,
        })
    }
}
