//! What was counted, as a table or as JSON.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde_json::{Value, json};

use super::latencies::percentiles;
use super::load::Load;
use super::tally::Tally;

/// What is measured, in the words of a report.
#[derive(Debug)]
pub struct Description {
    /// The name of the mode.
    pub mode: &'static str,
    /// What is answered, for the plural.
    pub answers: &'static str,
    /// The address of the server.
    pub server: String,
    /// Whether the server was started for this.
    pub is_own_server: bool,
}

impl Description {
    /// What was done, where.
    pub fn heading(&self, load: &Load, tally: &Tally) -> String {
        let way = match load.rate {
            Some(rate) => format!("open loop, {rate} per s, from the moment each was due"),
            None => "closed loop, from sending".into(),
        };
        let server = match self.is_own_server {
            true => "a labserver of its own",
            false => self.server.as_str(),
        };
        let interrupted = tally.was_interrupted;
        let part = if interrupted { ", interrupted" } else { "" };
        let many = if load.connections == 1 { "" } else { "s" };
        format!(
            "{}: {} connection{many}, {server}{part}\n{way}\n",
            self.mode, load.connections
        )
    }

    /// The table.
    pub fn text(&self, load: &Load, tally: &Tally) -> String {
        let mut text = self.heading(load, tally);
        let _ = writeln!(
            text,
            "{:<12}{} in {:.2} s: {:.0} per s",
            self.answers,
            tally.latency.len(),
            tally.elapsed.as_secs_f64(),
            tally.throughput()
        );
        text += &errors(&tally.errors);
        if let Some(silence) = tally.fell_silent {
            let seconds = silence.as_secs();
            let _ = writeln!(text, "ended early: no request was answered for {seconds} s");
        }
        let rows = [
            ("latency", &tally.latency),
            ("connecting", &tally.connecting),
        ];
        text += &percentiles(&rows);
        text += &tally.latency.bars();
        text
    }

    /// The same as one object.
    pub fn json(&self, load: &Load, tally: &Tally) -> Value {
        json!({
            "ok": true,
            "mode": self.mode,
            "server": self.server,
            "own_server": self.is_own_server,
            "connections": load.connections,
            "loop": if load.rate.is_some() { "open" } else { "closed" },
            "rate_per_s": load.rate,
            "complete": !tally.was_interrupted && tally.fell_silent.is_none(),
            "elapsed_s": tally.elapsed.as_secs_f64(),
            "answered": tally.latency.len(),
            "throughput_per_s": tally.throughput(),
            "errors": tally.errors,
            "latency_ms": tally.latency.json(),
            "connecting_ms": tally.connecting.json(),
        })
    }
}

/// The errors by label, a line each.
pub fn errors(errors: &BTreeMap<String, u64>) -> String {
    if errors.is_empty() {
        return "errors      none\n".into();
    }
    let line = |(label, count): (&String, &u64)| format!("errors      {count} {label}\n");
    errors.iter().map(line).collect()
}
