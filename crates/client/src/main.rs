//! `labclient`: arguments, run the mode, exit status.
#![forbid(unsafe_code)]

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;
use client::app;
use client::cli::{Arguments, asks_for_json};
use client::failure::Failure;
use client::output::Output;
use commandline::usage;

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return not_understood(&error),
    };
    match app::run(&arguments) {
        Ok(status) => status.into(),
        Err(failure) => {
            // Where it cannot be printed, the exit status still says so.
            let _ = arguments.options.output().failure(&failure);
            if let Some(words) = failure.with_evidence() {
                let _ = writeln!(io::stderr(), "labclient: {words}");
            }
            failure.status().into()
        }
    }
}

/// The help that was asked for, or why the command line makes no sense.
fn not_understood(error: &clap::Error) -> ExitCode {
    if error.use_stderr() {
        let output = Output {
            json: asks_for_json(std::env::args_os()),
        };
        let words = error.to_string();
        let words = words.strip_prefix("error: ").unwrap_or(&words);
        let what = words.split("\n\n").next().unwrap_or_default();
        let in_one_line: Vec<&str> = what.split_whitespace().collect();
        let _ = output.failure(&Failure::Usage(in_one_line.join(" ")));
    }
    usage::report(error)
}
