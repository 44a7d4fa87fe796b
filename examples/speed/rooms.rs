//! The rows of the chat room.

use std::time::Duration;

use anyhow::{Context, Result};

use crate::floor::Floor;
use crate::redis::Redis;
use crate::room::{Dialect, Pace, Room};
use crate::rows::{FLOOR, REDIS};
use crate::run::{OURS, Run, Side};
use crate::servers::Listening;

/// How long a side is measured in a round.
const PERIOD: Duration = Duration::from_millis(400);

/// The most speakers of a row.
const SPEAKERS: usize = 8;

/// A row: its name, its speakers, and how they speak.
type Cell = (&'static str, usize, Pace);

/// The room with a thousand members.
pub fn thousand(run: &mut Run) -> Result<()> {
    let cells = [
        ("room-1000-16", 1, Pace::UnderWay(16)),
        ("room-1000-8", SPEAKERS, Pace::UnderWay(8)),
        ("room-1000-paced", 1, Pace::EachSecond(20.0)),
    ];
    measure(run, 1_000, &cells)
}

/// The room with a hundred members.
pub fn hundred(run: &mut Run) -> Result<()> {
    let cells = [
        ("room-100-16", 1, Pace::UnderWay(16)),
        ("room-100-8", SPEAKERS, Pace::UnderWay(8)),
        ("room-100-paced", 1, Pace::EachSecond(20.0)),
    ];
    measure(run, 100, &cells)
}

fn measure(run: &mut Run, members: usize, cells: &[Cell]) -> Result<()> {
    let ours = chat(run)?;
    let floor = Listening::floor(Floor::Room)?;
    let redis = Redis::start(run)?;
    let mut rooms = vec![
        (OURS, join(ours.address, Dialect::Chat, members)?),
        (FLOOR, join(floor.address, Dialect::Bare, members)?),
    ];
    if let Some(redis) = &redis {
        rooms.push((REDIS, join(redis.address, Dialect::Redis, members)?));
    }
    for (row, speakers, pace) in cells {
        if !run.wants(row) {
            continue;
        }
        let sides = rooms.iter_mut().map(|(name, room)| {
            Side::new(name, || {
                let delivered = room.measure(*speakers, *pace, PERIOD)?;
                Ok(match pace {
                    Pace::UnderWay(_) => vec![delivered.rate],
                    Pace::EachSecond(_) => vec![delivered.median, delivered.p99],
                })
            })
        });
        let sides = sides.collect();
        run.compare(row, sides)?;
    }
    Ok(())
}

fn join(address: std::net::SocketAddr, dialect: Dialect, members: usize) -> Result<Room> {
    Room::join(address, dialect, members, SPEAKERS).with_context(|| format!("{dialect:?}"))
}

/// `labserver` with a chat room that does not limit how much is said.
fn chat(run: &mut Run) -> Result<Listening> {
    Listening::labserver(&run.programs, "tcp", ["--mode", "chat", "--chat-rate", "0"])
}
