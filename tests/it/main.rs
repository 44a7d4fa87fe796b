//! Client and server talking over loopback, in one process.

mod atm;
mod bad_input;
mod chat;
mod datetime;
mod echo;
mod every_service;
mod fault_schedules;
mod faults;
mod handout;
mod import_cycles;
mod protocol_examples;
mod proxy;
mod requests;
mod script;
mod semantics;
mod support;
