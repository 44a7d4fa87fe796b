//! The rows of what an idle server costs: memory for each connection, and wake-ups.

use std::net::TcpStream;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use anyhow::Result;

use crate::floor::Floor;
use crate::load::{self, Client};
use crate::questions::{Fixed, LOWER, TEXT_READY};
use crate::rows::FLOOR;
use crate::run::{OURS, Run, Side};
use crate::servers::Listening;

/// The connections that are opened.
const CONNECTIONS: usize = 1_000;

/// How long an idle server is observed.
const PERIOD: Duration = Duration::from_millis(500);

/// The time in which a server comes to rest after its start.
const REST: Duration = Duration::from_millis(300);

/// The resident memory of a text server for each connection that has made one request.
pub fn memory(run: &mut Run) -> Result<()> {
    let programs = Arc::clone(&run.programs);
    let ours = || {
        let server = Listening::labserver(&programs, "tcp", ["--mode", "text"])?;
        of_each_connection(&server, TEXT_READY)
    };
    let floor = || of_each_connection(&Listening::floor(Floor::Text)?, b"");
    run.compare(
        "memory",
        vec![Side::new(OURS, ours), Side::new(FLOOR, floor)],
    )
}

fn of_each_connection(server: &Listening, greeting: &[u8]) -> Result<Vec<f64>> {
    // The first connection pays for what all share.
    let first = open(server, greeting)?;
    let before = server.memory()?;
    let mut connections = Vec::new();
    for _ in 0..CONNECTIONS {
        connections.push(open(server, greeting)?);
    }
    let after = server.memory()?;
    drop((first, connections));
    Ok(vec![(after - before) / CONNECTIONS as f64])
}

/// A connection that has been answered once.
fn open(server: &Listening, greeting: &[u8]) -> Result<Client<TcpStream, Fixed>> {
    let stream = load::connect_and_read(server.address, greeting)?;
    let mut client = Client::new(stream, LOWER);
    client.exchange()?;
    Ok(client)
}

/// How often the threads of a server with all services wake up while nothing is asked of it.
pub fn wake_ups(run: &mut Run) -> Result<()> {
    let arguments = ["--mode", "all", "--ledger", "memory"];
    let server = Listening::labserver(&run.programs, "udp", arguments)?;
    thread::sleep(REST);
    let ours = || {
        let before = server.sleeps()?;
        thread::sleep(PERIOD);
        Ok(vec![(server.sleeps()? - before) / PERIOD.as_secs_f64()])
    };
    run.compare("idle", vec![Side::new(OURS, ours)])
}
