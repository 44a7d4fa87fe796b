//! The smallest complete conversation: connect, receive `READY`, send a request, receive the answer,
//! and quit.
//!
//! `cargo run --example one_question` starts its own server on a free port. For another server,
//! connect to its address instead.

use std::error::Error;
use std::io::{self, Write};
use std::net::TcpStream;
use std::thread;

use proto::frame::Framing;
use proto::mode::Mode;
use wire::connection::Connection;
use wire::limits::Limits;

fn main() -> Result<(), Box<dyn Error>> {
    let server = server::Server::bind(server::Config {
        role: server::Role::Services(vec![Mode::Text]),
        port: Some(0),
        ..server::Config::default()
    })?;
    let (_, _, address) = server.addresses()[0];
    thread::spawn(move || server.run());

    let stream = TcpStream::connect(address)?;
    let mut connection = Connection::new(stream, Framing::Netstring, Limits::CLIENT)?;
    receive(&mut connection)?;
    for request in ["PRIME 97", "QUIT"] {
        writeln!(io::stdout(), "C: {request}")?;
        connection.writer.send(request.as_bytes())?;
        receive(&mut connection)?;
    }
    connection.close();
    Ok(())
}

fn receive(connection: &mut Connection) -> Result<(), Box<dyn Error>> {
    let message = connection.reader.receive(None)?;
    let message = message.ok_or("the server closed")?;
    writeln!(io::stdout(), "S: {}", String::from_utf8(message)?)?;
    Ok(())
}
