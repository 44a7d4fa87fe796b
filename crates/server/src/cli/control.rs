//! `labserver status` and `labserver control`: the live page from a shell.

use std::fmt::Write;
use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, Subcommand};
use proto::mode::Transport;
use proto::printable::printable;
use server::watch::client::Key;
use server::watch::status::{Bank, Status};

/// Which server is meant.
#[derive(Debug, Args)]
pub struct Which {
    /// The port of the server's page, as it was given with --watch; not needed where only one of
    /// your servers has a page
    #[arg(long, value_name = "PORT", global = true)]
    page: Option<u16>,
}

/// What `labserver control` does.
#[derive(Debug, Subcommand)]
pub enum Control {
    /// Inject these faults from the next message on, instead of those before: messages are counted
    /// from 1 again
    Faults {
        /// As --fault takes them: drop-reply=#1 loses the next answer
        #[arg(value_name = "FAULTS")]
        faults: String,
    },
    /// Inject no faults any more
    Reset,
    /// Make the server crash now, if it was started with --allow-crash
    Crash,
}

/// Where servers leave the keys of their pages.
pub fn key_directory() -> anyhow::Result<PathBuf> {
    Ok(state::directory()?.join("pages"))
}

impl Which {
    fn key(&self) -> anyhow::Result<Key> {
        Key::find(&key_directory()?, self.page)
    }

    /// What the server does, in lines for people or as JSON.
    pub fn status(&self, is_json: bool) -> anyhow::Result<String> {
        let json = self.key()?.ask("GET", "/status", "")?;
        if is_json {
            return Ok(json + "\n");
        }
        let status: Status = serde_json::from_str(&json).context("a status of another version")?;
        Ok(shown(&status))
    }
}

impl Control {
    /// Does it, and says what was done.
    pub fn run(&self, which: &Which) -> anyhow::Result<String> {
        let key = which.key()?;
        let replaced = |faults: &str| -> anyhow::Result<String> {
            let answer = key.ask("POST", "/faults", faults)?;
            let answer: serde_json::Value = serde_json::from_str(&answer)?;
            let text = |name: &str| answer[name].as_str().unwrap_or_default().to_owned();
            let mut said = match text("fault") {
                none if none.is_empty() => "no faults from here on\n".to_owned(),
                fault => format!("from here on: --fault {fault} --seed {}\n", answer["seed"]),
            };
            for words in answer["warnings"].as_array().into_iter().flatten() {
                said += &format!("warning: {}\n", words.as_str().unwrap_or_default());
            }
            Ok(said)
        };
        match self {
            Control::Faults { faults } => replaced(faults),
            Control::Reset => replaced(""),
            Control::Crash => key.ask("POST", "/crash", ""),
        }
    }
}

/// The status in lines of at most 80 columns, where names allow it.
fn shown(status: &Status) -> String {
    let mut lines = String::new();
    let up = status.now.duration_since(status.started).as_secs();
    // Writing to a String cannot fail.
    let _ = writeln!(
        lines,
        "{}, process {}, {} of {} connections, up {}",
        status.role,
        status.pid,
        status.open,
        status.most,
        time(up.unsigned_abs()),
    );
    for service in &status.services {
        let transport = service.transport.name();
        let (name, address) = (&service.name, service.address);
        let (requests, replies) = (service.counts.requests, service.counts.replies);
        let open = match service.transport {
            Transport::Tcp => format!("{} open, ", service.open),
            Transport::Udp => String::new(),
        };
        let _ = writeln!(
            lines,
            "  {name:<9} {transport} {address:<21} {open}{requests} in, {replies} out"
        );
    }
    for it in &status.connections {
        let peer = it.peer.map_or("gone".to_owned(), |peer| peer.to_string());
        let name = it.name.as_ref().map(|name| format!(" {}", printable(name)));
        let name = name.unwrap_or_default();
        let (messages, open_for) = (it.messages, time(it.open_for as u64));
        let _ = write!(
            lines,
            "  {}#{} {peer}{name}, for {open_for}, {messages} messages",
            it.service, it.number
        );
        if let Some(refusal) = &it.last_refusal {
            let _ = write!(lines, ", refused: {}", printable(refusal));
        }
        lines.push('\n');
    }
    if let Some(room) = &status.room {
        let names = room.iter().map(|name| printable(name)).collect::<Vec<_>>();
        let _ = writeln!(lines, "room: {}", or_none(&names.join(", ")));
    }
    if let Some(bank) = &status.bank {
        let _ = writeln!(lines, "bank: {}", summary(bank));
    }
    let (struck, fault) = (status.struck, or_none(&status.fault).to_owned());
    let _ = writeln!(lines, "faults: {fault}; {struck} messages struck so far");
    for warning in &status.warnings {
        let _ = writeln!(lines, "warning: {}", printable(warning));
    }
    lines
}

fn summary(bank: &Bank) -> String {
    if let Some(error) = &bank.error {
        return format!("cannot be looked into: {error}");
    }
    let number = |name: &str| bank.audit[name].as_u64().unwrap_or(0);
    let violations = bank.audit["violations"].as_array().map_or(0, Vec::len);
    let verdict = match violations {
        0 => "sound".to_owned(),
        count => format!("{count} VIOLATIONS: see labserver ledger audit"),
    };
    let (accounts, unsettled) = (number("accounts"), number("unsettled"));
    format!("{accounts} accounts, {unsettled} unsettled, {verdict}")
}

fn or_none(text: &str) -> &str {
    match text.is_empty() {
        true => "none",
        false => text,
    }
}

/// Seconds, as `1 h 2 min`, `2 min 3 s` or `3 s`.
fn time(seconds: u64) -> String {
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_two_units_at_most() {
        let shown = [0, 59, 60, 3_599, 3_600, 90_061].map(time);
        let expected = [
            "0 s",
            "59 s",
            "1 min 0 s",
            "59 min 59 s",
            "1 h 0 min",
            "25 h 1 min",
        ];
        assert_eq!(shown, expected);
    }
}
