//! Where a PIN comes from: a file, the environment, or the customer; never the command line, which
//! every user of the machine can read.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use proto::atm::Pin;
use proto::refusal::Refusal;

use crate::failure::{Failure, refusal_text};
use crate::input::Input;
use crate::output::say;

/// The variable that holds the PIN for scripts.
const VARIABLE: &str = "LABCLIENT_PIN";

/// Longest first line read from a PIN file, in bytes.
const MAX_LINE: u64 = 256;

/// The PIN from the file if one is named, else from the environment; `None` where neither has one.
pub fn given(file: Option<&Path>) -> Result<Option<Pin>, Failure> {
    let text = match (file, std::env::var(VARIABLE)) {
        (Some(file), _) => first_line(file).map_err(|error| {
            Failure::Usage(format!(
                "cannot read the PIN from {}: {error}",
                file.display()
            ))
        })?,
        (None, Ok(pin)) => pin,
        (None, Err(_)) => return Ok(None),
    };
    let pin = text.parse();
    pin.map(Some)
        .map_err(|refusal: Refusal| Failure::Usage(refusal.words))
}

/// Whether there is a customer to be asked, who would not see what is typed.
pub fn check_it_can_be_asked_for(input: &Input) -> Result<(), Failure> {
    let why = match (input.is_terminal(), input.can_hide()) {
        (true, true) => return Ok(()),
        (true, false) => "this terminal would show the PIN",
        (false, _) => "a PIN is needed",
    };
    let words = format!("{why}: set {VARIABLE} or give --pin-file FILE");
    Err(Failure::Usage(words))
}

/// Asks the customer, until what is typed is a PIN. It is not shown.
pub fn ask(input: &mut Input) -> Result<Pin, Failure> {
    check_it_can_be_asked_for(input)?;
    loop {
        let text = input.hidden_line("PIN: ")?.ok_or(Failure::Interrupted)?;
        match text.trim().parse() {
            Ok(pin) => return Ok(pin),
            Err(refusal) => say(&refusal_text(&refusal)),
        }
    }
}

fn first_line(file: &Path) -> io::Result<String> {
    let mut line = String::new();
    BufReader::new(File::open(file)?.take(MAX_LINE)).read_line(&mut line)?;
    Ok(line.trim_end().to_owned())
}
