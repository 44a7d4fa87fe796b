//! Scripted exchanges: each side of ours against bare sockets, byte for byte.

mod client_side;
mod server_side;
