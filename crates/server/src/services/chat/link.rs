//! Between a room and the Redis that it is on with other servers: one thread writes what members
//! here ask for, one reads what happened to members anywhere, each with a connection of its own.

mod lease;
mod reader;
mod writer;

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use anyhow::Context;
use uuid::Uuid;

use super::dialect::Dialect;
use super::room::{Room, Several};
use super::stream;
use crate::config::RoomSettings;
use crate::redis::{Connection, Failure};
use crate::threads::Threads;
use reader::Reader;
use writer::Writer;

/// The pause before Redis is tried again.
const RETRY: Duration = Duration::from_millis(250);

/// A room's link to its Redis. The room is left when this is dropped.
pub struct Link {
    several: Arc<Several>,
}

impl Link {
    /// Joins the room on this Redis, for members that speak this dialect, and hear so many of the
    /// last lines when they join.
    ///
    /// # Errors
    /// When Redis cannot be reached, or cannot be used.
    pub fn join(
        dialect: Dialect,
        history: usize,
        threads: Threads,
        settings: &RoomSettings,
    ) -> anyhow::Result<(Room, Link)> {
        let several = Arc::new(Several {
            server: Uuid::new_v4().simple().to_string().into(),
            queue: Default::default(),
            awaits_replicas: settings.replicas > 0,
        });
        let room = Room::of_several(dialect, history, threads, Arc::clone(&several));
        let mut reader = Reader::new(room.clone(), Arc::clone(&several), settings.clone());
        let mut connection = connect(settings)?;
        reader.begin(&mut connection, history)?;
        let writer = Writer::new(room.clone(), Arc::clone(&several), settings.clone());
        let link = Link { several };
        spawn("room-reader", move || reader.run(connection))?;
        spawn("room-writer", move || writer.run())?;
        Ok((room, link))
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.several.queue.stop();
    }
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> anyhow::Result<()> {
    let builder = thread::Builder::new().name(name.into());
    builder.spawn(run).context("no thread for the room")?;
    Ok(())
}

fn connect(settings: &RoomSettings) -> Result<Connection, Failure> {
    let mut connection = Connection::open(&settings.address, settings.password.as_ref())?;
    stream::prepare(&mut connection)?;
    Ok(connection)
}
