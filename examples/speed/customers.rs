//! Customers of the bank: their accounts, and connections that are logged in.

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use anyhow::{Result, ensure};
use uuid::Uuid;

use crate::load;
use crate::questions::{frame, unframe};

/// What `labserver --mode atm` sends first.
const READY: &[u8] = b"11:READY atm 1,";

/// A file of so many accounts.
pub fn accounts_file(count: usize) -> String {
    let mut file = String::new();
    for number in 0..count {
        // Writing to a string does not fail.
        let _ = writeln!(
            file,
            "[[account]]\ncard = \"{}\"\npin = \"1234\"\nholder = \"Holder {number}\"\n\
             balance = \"9000000000.00\"\n",
            card(number)
        );
    }
    file
}

/// The card of this customer.
pub fn card(number: usize) -> String {
    format!("555555{number:04}")
}

/// A connection that is logged in to its account.
pub fn log_in(bank: SocketAddr, number: usize) -> Result<TcpStream> {
    let mut stream = load::connect_and_read(bank, READY)?;
    let id = format!("LOGIN_{}", Uuid::now_v7());
    let mut request = Vec::new();
    let message = format!("VERIFY_CARD_AND_PASSWORD {id} {} 1234", card(number));
    frame(&mut request, &message);
    stream.write_all(&request)?;
    let mut received = Vec::new();
    let answer = loop {
        if let Some(answer) = unframe(&received) {
            break answer.unwrap_or_default();
        }
        let mut buffer = [0; 256];
        let read = stream.read(&mut buffer)?;
        ensure!(read > 0, "the bank closes instead of an answer");
        received.extend_from_slice(&buffer[..read]);
    };
    let answer = String::from_utf8_lossy(answer);
    let right = format!("OK {id} welcome Holder {number}");
    ensure!(answer == right, "a log-in is answered with {answer:?}");
    Ok(stream)
}
