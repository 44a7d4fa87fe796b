//! The rows of requests: text, echo, datetime, and a connection for each request.

use std::time::Duration;

use anyhow::Result;

use crate::floor::Floor;
use crate::load::{self, Client, Exchange};
use crate::pinning::on_one_core;
use crate::questions::{LOWER, Question, SIXTEEN, TEXT_READY, Time};
use crate::rows::{FLOOR, FLOOR_READY};
use crate::run::{OURS, Run, Side};
use crate::servers::Listening;

/// How long a side is measured in a round.
const PERIOD: Duration = Duration::from_millis(350);

/// Text over kept connections.
pub fn text(run: &mut Run) -> Result<()> {
    for (row, connections) in [
        ("text-1", 1),
        ("text-16", 16),
        ("text-64", 64),
        ("text-256", 256),
    ] {
        kept_row(run, row, connections, |run| {
            let ours = Listening::labserver(&run.programs, "tcp", ["--mode", "text"])?;
            let floor = Listening::floor(Floor::Text)?;
            let of_ours = clients(connections, || {
                let stream = load::connect_and_read(ours.address, TEXT_READY)?;
                Ok(Client::new(stream, LOWER))
            })?;
            let of_floor = clients(connections, || {
                Ok(Client::new(load::connect(floor.address)?, LOWER))
            })?;
            compare(run, row, of_ours, of_floor)
        })?;
    }
    Ok(())
}

/// Echo of sixteen bytes over kept connections.
pub fn echo(run: &mut Run) -> Result<()> {
    for (row, connections) in [("echo-1", 1), ("echo-64", 64)] {
        kept_row(run, row, connections, |run| {
            let ours = Listening::labserver(&run.programs, "tcp", ["--mode", "echo"])?;
            let floor = Listening::floor(Floor::Echo)?;
            let of = |address| {
                clients(connections, || {
                    Ok(Client::new(load::connect(address)?, SIXTEEN))
                })
            };
            compare(run, row, of(ours.address)?, of(floor.address)?)
        })?;
    }
    Ok(())
}

/// The time of day in datagrams.
pub fn datetime(run: &mut Run) -> Result<()> {
    for (row, sockets) in [("datetime-1", 1), ("datetime-16", 16)] {
        kept_row(run, row, sockets, |run| {
            let arguments = ["--mode", "datetime", "--udp-rate", "0"];
            let ours = Listening::labserver(&run.programs, "udp", arguments)?;
            let floor = Listening::floor(Floor::Datetime)?;
            let of = |address| {
                clients(sockets, || {
                    Ok(Client::new(load::datagram_socket(address)?, Time))
                })
            };
            compare(run, row, of(ours.address)?, of(floor.address)?)
        })?;
    }
    Ok(())
}

/// Text, with a new connection for each request.
pub fn connect(run: &mut Run) -> Result<()> {
    for (row, at_once) in [("connect-4", 4), ("connect-16", 16)] {
        if !run.wants(row) {
            continue;
        }
        let ours = Listening::labserver(&run.programs, "tcp", ["--mode", "text"])?;
        let floor = Listening::floor(Floor::Connect)?;
        let ready = Listening::floor(Floor::Ready)?;
        let measure = |address, greeting| {
            move || {
                let figures = load::new_connections(address, greeting, LOWER, at_once, PERIOD)?;
                Ok(vec![figures.rate])
            }
        };
        run.compare(
            row,
            vec![
                Side::new(OURS, measure(ours.address, TEXT_READY)),
                Side::new(FLOOR, measure(floor.address, b"")),
                Side::new(FLOOR_READY, measure(ready.address, TEXT_READY)),
            ],
        )?;
    }
    Ok(())
}

/// Measures a row if it is wanted; one connection with both of its ends on one core.
fn kept_row(
    run: &mut Run,
    row: &str,
    connections: usize,
    measure: impl FnOnce(&mut Run) -> Result<()> + Send,
) -> Result<()> {
    match (run.wants(row), connections) {
        (false, _) => Ok(()),
        (true, 1) => on_one_core(|| measure(run)),
        (true, _) => measure(run),
    }
}

fn clients<C>(count: usize, client: impl Fn() -> Result<C>) -> Result<Vec<C>> {
    (0..count).map(|_| client()).collect()
}

fn compare<S: Exchange + Send, Q: Question + Send>(
    run: &mut Run,
    row: &'static str,
    mut ours: Vec<Client<S, Q>>,
    mut floor: Vec<Client<S, Q>>,
) -> Result<()> {
    let sides = [(OURS, &mut ours), (FLOOR, &mut floor)];
    let sides = sides.map(|(name, clients)| {
        Side::new(name, move || Ok(vec![load::kept(clients, PERIOD)?.rate]))
    });
    run.compare(row, Vec::from(sides))
}
