//! `--history`, and `--room` with its options: a chat room of several servers.

use std::time::Duration;

use clap::Args;
use clap::error::ErrorKind;
use proto::frame::Framing;
use proto::mode::Mode;
use server::Config;
use server::config::RoomSettings;
use server::redis::{Address, Password};

use super::help::SERVICE;
use super::usage;

/// The shortest lease: a call to Redis may take most of it.
const MIN_LEASE: f64 = 3.0;

/// Where the password is, as for `redis-cli`.
const PASSWORD: &str = "REDISCLI_AUTH";

/// What the chat room remembers, and who else is in it.
#[derive(Debug, Args)]
#[command(next_help_heading = SERVICE)]
pub struct RoomArguments {
    /// Share the chat room with other servers, through this Redis: redis://host:port/database, or
    /// redis+sentinel://host:port,host:port/name/database
    ///
    /// A user may stand before the host, as in redis://user@host. The password is read from the
    /// environment, REDISCLI_AUTH. docs/room.md says what is promised when a server, or Redis, fails.
    #[arg(long, value_name = "URL", conflicts_with = "handout")]
    room: Option<Address>,

    /// How many of its last lines the chat room tells a newcomer
    #[arg(long, value_name = "LINES", default_value_t = 0, conflicts_with = "handout",
        value_parser = parse_history)]
    pub history: usize,

    /// How many replicas of the room's Redis must have a line before it counts as said
    #[arg(
        long,
        value_name = "COUNT",
        default_value_t = 0,
        requires = "room",
        hide_short_help = true
    )]
    room_replicas: u32,

    /// How long after a server was last there its members have left, in seconds
    #[arg(long, value_name = "SECONDS", requires = "room", hide_short_help = true,
        value_parser = parse_lease, default_value = "10")]
    room_lease: Duration,
}

impl RoomArguments {
    /// The room of several servers that these services have with this framing, if they are to.
    pub fn settings(
        &self,
        modes: &[Mode],
        framing: Framing,
    ) -> anyhow::Result<Option<RoomSettings>> {
        let Some(address) = self.room.clone() else {
            return Ok(None);
        };
        if !modes.contains(&Mode::Chat) {
            let words = "--room is for --mode chat";
            return Err(usage(ErrorKind::ArgumentConflict, words));
        }
        if framing == Framing::Len3 {
            let words = "--room needs a framing that carries every line of other servers: not len3";
            return Err(usage(ErrorKind::ArgumentConflict, words));
        }
        let password = std::env::var(PASSWORD).ok().filter(|it| !it.is_empty());
        if password.is_none() && address.user.is_some() {
            let words = format!("--room {address} names a user: set {PASSWORD} to the password");
            return Err(usage(ErrorKind::MissingRequiredArgument, &words));
        }
        Ok(Some(RoomSettings {
            address,
            password: password.map(Password::new),
            replicas: self.room_replicas,
            lease: self.room_lease,
        }))
    }
}

fn parse_history(text: &str) -> Result<usize, String> {
    let lines = text.parse().ok();
    let words = format!("a number of lines, at most {}", Config::MAX_HISTORY);
    lines
        .filter(|lines| *lines <= Config::MAX_HISTORY)
        .ok_or(words)
}

fn parse_lease(text: &str) -> Result<Duration, String> {
    let seconds: Option<f64> = text.parse().ok();
    let seconds = seconds.filter(|seconds| (MIN_LEASE..=3600.0).contains(seconds));
    let words = || format!("between {MIN_LEASE} and 3600 seconds");
    seconds.map(Duration::from_secs_f64).ok_or_else(words)
}
