//! `--max-connections`, the timeouts and the rates.

use std::time::Duration;

use clap::Args;
use server::Config;
use wire::limits::Limits;

/// Beyond it, a rate is no limit.
const MAX_CHAT_RATE: i64 = 1_000_000;

/// What one peer, and all of them, may take.
#[derive(Debug, Args)]
#[command(next_help_heading = "Limits")]
pub struct LimitArguments {
    /// Most connections at once
    #[arg(long, value_name = "COUNT", value_parser = parse_count,
        default_value_t = Config::CONNECTIONS)]
    pub max_connections: usize,

    /// Longest silence of a connection, in seconds
    #[arg(long, value_name = "SECONDS", value_parser = parse_seconds, default_value = "600")]
    pub idle_timeout: Duration,

    /// Longest time from the first byte of a message to its last, in seconds
    #[arg(long, value_name = "SECONDS", value_parser = parse_seconds, default_value = "10")]
    frame_timeout: Duration,

    /// Longest time to log in, in seconds
    #[arg(long, value_name = "SECONDS", value_parser = parse_seconds, default_value = "60")]
    pub login_timeout: Duration,

    /// How long one primality test may compute, in seconds
    #[arg(long, value_name = "SECONDS", value_parser = parse_seconds, default_value = "2",
        hide_short_help = true)]
    pub prime_budget: Duration,

    /// Answers per second to one source of datagrams; 0 sets no limit
    #[arg(
        long,
        value_name = "COUNT",
        default_value_t = 1_000,
        hide_short_help = true
    )]
    pub udp_rate: u32,

    /// Lines and other requests per second of one connection to the chat room, after a burst of 20;
    /// 0 sets no limit
    #[arg(long, value_name = "LINES_PER_SECOND", default_value_t = Config::CHAT_RATE,
        value_parser = clap::value_parser!(u32).range(..=MAX_CHAT_RATE), hide_short_help = true)]
    pub chat_rate: u32,
}

impl LimitArguments {
    /// Those of one connection.
    pub fn of_a_connection(&self) -> Limits {
        Limits {
            frame: self.frame_timeout,
            idle: Some(self.idle_timeout),
            ..Limits::SERVER
        }
    }
}

fn parse_count(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(count) if count > 0 => Ok(count),
        Ok(_) | Err(_) => Err("a number, at least 1".into()),
    }
}

fn parse_seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "a number of seconds".to_owned())?;
    if !(0.001..=1e6).contains(&seconds) {
        return Err("between 0.001 and 1000000 seconds".into());
    }
    Ok(Duration::from_secs_f64(seconds))
}
