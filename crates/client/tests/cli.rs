//! `labclient` as a shell sees it: arguments, standard input, both outputs, and the exit status.
//!
//! What only one mode has is tested beside: `datetime.rs`, `script.rs`.

mod addresses;
mod answers;
mod broken_servers;
mod command_line;
mod disk;
mod lost_servers;
mod machine_objects;
mod outputs;
mod pin;
mod pipes;
mod proxies;
mod python;
mod refusals;
mod several_servers;
mod unknown_outcomes;
#[cfg(unix)]
mod untold;
