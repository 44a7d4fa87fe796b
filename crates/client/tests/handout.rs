//! `labclient handout` against the printed servers' bytes: bare sockets that say what the printed
//! programs say, and check every byte that they receive.

mod atm_login;
mod chat;
mod command_line;
mod datagrams;
mod dialogues;
mod faults;
mod lines;
mod own_servers;
mod random_errors;
