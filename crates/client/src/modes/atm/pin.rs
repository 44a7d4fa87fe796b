//! Where a PIN comes from: a file, the environment, or the customer; never the command line, which
//! every user of the machine can read.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use proto::atm::Pin;

use crate::failure::Failure;
use crate::input::Input;

/// The variable that holds the PIN for scripts.
const VARIABLE: &str = "LABCLIENT_PIN";

/// Longest first line read from a PIN file, in bytes.
const MAX_LINE: u64 = 256;

/// The PIN from the file if one is named, else from the environment, else from the customer.
///
/// # Errors
/// When there is none, or it is no PIN.
pub fn obtain(file: Option<&Path>, input: &mut Input) -> Result<Pin, Failure> {
    let text = match (file, std::env::var(VARIABLE)) {
        (Some(file), _) => first_line(file).map_err(|error| {
            Failure::Usage(format!(
                "cannot read the PIN from {}: {error}",
                file.display()
            ))
        })?,
        (None, Ok(pin)) => pin,
        (None, Err(_)) if input.is_terminal() => return ask(input),
        (None, Err(_)) => {
            let words = format!("a PIN is needed: set {VARIABLE} or give --pin-file FILE");
            return Err(Failure::Usage(words));
        }
    };
    text.parse()
        .map_err(|refusal: proto::refusal::Refusal| Failure::Usage(refusal.words))
}

/// Asks the customer, who does not see what is typed.
///
/// # Errors
/// When the terminal would show it, the customer gives none, or what is typed is no PIN.
pub fn ask(input: &mut Input) -> Result<Pin, Failure> {
    if !input.can_hide() {
        let words =
            format!("this terminal would show the PIN: set {VARIABLE} or give --pin-file FILE");
        return Err(Failure::Usage(words));
    }
    let text = input.hidden_line("PIN: ")?.ok_or(Failure::Interrupted)?;
    text.trim()
        .parse()
        .map_err(|refusal: proto::refusal::Refusal| Failure::Usage(refusal.words))
}

fn first_line(file: &Path) -> io::Result<String> {
    let mut line = String::new();
    BufReader::new(File::open(file)?.take(MAX_LINE)).read_line(&mut line)?;
    Ok(line.trim_end().to_owned())
}
