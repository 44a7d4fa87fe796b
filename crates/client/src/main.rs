//! `labclient`: arguments, run the mode, exit status.
#![forbid(unsafe_code)]

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;
use client::cli::Arguments;
use client::failure::Failure;
use client::modes;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match modes::run(&arguments) {
        Ok(status) => status.into(),
        Err(failure) => {
            if let Failure::Refused(refusal) = &failure
                && arguments.output().json
            {
                // A refusal is an answer. If nobody reads it, the exit status still says so.
                let _ = arguments.output().refusal(refusal);
            }
            if let Some(words) = failure.words() {
                let _ = writeln!(io::stderr(), "labclient: {words}");
            }
            failure.status().into()
        }
    }
}
