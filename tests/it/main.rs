//! Client and server talking over loopback: in one process, and as the real programs, which only
//! this package has both of.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod atm;
mod bad_input;
#[path = "../../examples/chaos/books.rs"]
mod books;
mod chat;
#[cfg(target_os = "linux")]
mod check;
#[cfg(target_os = "linux")]
mod class;
mod cluster_commands;
mod crash_points;
mod datetime;
mod doctor;
mod echo;
mod every_service;
mod exchanges;
mod fault_schedules;
mod faults;
#[path = "../../examples/speed/floor.rs"]
#[allow(dead_code, reason = "only the example starts it as a program")]
mod floor;
mod handout;
mod import_cycles;
mod measure;
#[path = "../../examples/speed/pages.rs"]
mod pages;
#[cfg(target_os = "linux")]
mod postgres;
#[path = "../../examples/chaos/programs.rs"]
#[allow(dead_code, reason = "only the example disturbs a cluster")]
mod programs;
mod protocol_examples;
mod proxy;
#[path = "../../examples/speed/questions.rs"]
mod questions;
mod requests;
#[cfg(target_os = "linux")]
mod room;
mod scale;
mod script;
mod semantics;
mod servers;
mod speed;
#[cfg(target_os = "linux")]
mod system_calls;
#[cfg(unix)]
mod wireshark;
mod zoo;

use std::net::SocketAddr;

use client::session::Target;
use proto::frame::Framing;
use proto::mode::Mode;

/// The real programs, built once.
fn programs() -> &'static programs::Programs {
    static PROGRAMS: std::sync::OnceLock<programs::Programs> = std::sync::OnceLock::new();
    PROGRAMS.get_or_init(|| programs::Programs::build().unwrap())
}

/// One of them, in this home directory.
fn program(name: &str, home: &std::path::Path) -> testkit::process::Program {
    testkit::process::Program::at_home(programs().command(name).get_program(), home)
}

/// How a client reaches this server, without faults or a recording.
fn target(mode: Mode, server: SocketAddr) -> Target {
    Target {
        peer: mode.into(),
        server: server.to_string(),
        others: Vec::new(),
        framing: Framing::Netstring,
        timeout: std::time::Duration::from_secs(10),
        faults: None,
        recorder: None,
    }
}
