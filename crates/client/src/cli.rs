//! The command line of `labclient`.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Parser, Subcommand};
use clap_complete::Shell;
use proto::mode::{Mode, Transport};
use proto::side::Side;
use wire::fault::{Applicability, Exchange, FaultPlan};

use crate::bench;
use crate::check;
use crate::doctor;
use crate::experiment;
use crate::failure::Failure;
use crate::modes::{atm, calc, chat, datetime, echo, handout, script, text};
use crate::options::Options;
use crate::replay;
use crate::view;

/// Help is wrapped to the terminal, and to this where that is wider or there is none.
const MAX_WIDTH: usize = 80;

const EXAMPLES: &str = "\
Examples:
  labclient text lower \"HELLO World\"      hello world
  labclient calc 12 + 42                  54
  labserver --mode atm                    the bank
  labclient atm                           in another terminal: the cash
                                          machine; card 123456789, PIN 1234
  printf 'prime 97\\nprime 98\\n' | labclient text
  labclient experiment atm                latency against lost messages

Without its arguments a mode asks: a person with a menu, a pipe line by line, an
answer for each.

Exit status:
  0  done
  1  the service said no, a rule does not hold (check), an answer differs
     (replay), or something is in the way (doctor)
  2  usage
  3  the server is not reachable, was lost, or did not start
  4  the outcome is not known yet, or could not be printed
  5  the server broke the protocol, or did not say what a script says
  6  this computer failed: a file, a thread, the terminal, standard output";

/// What follows where there is room for it.
const PARTICULARS: &str = "\
Files:
  ~/.local/state/socketlab/atm          journal and drawer of each cash
                                        machine, or in
                                        $XDG_STATE_HOME/socketlab/atm

Environment:
  LABCLIENT_SERVER                      the server, where --server is none
  LABCLIENT_PIN                         the PIN of a card
  NO_COLOR, CLICOLOR, CLICOLOR_FORCE    whether there are colours
  TERM                                  dumb has none, and no line editing";

/// The client of the socket-programming labs.
#[derive(Debug, Parser)]
#[command(name = "labclient", version, after_help = EXAMPLES,
    after_long_help = format!("{EXAMPLES}\n\n{PARTICULARS}"), max_term_width = MAX_WIDTH)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,

    /// The options of all of them.
    #[command(flatten)]
    pub options: Options,
}

/// A mode, and what to ask in it.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// The cash machine: balance, withdraw, deposit
    Atm(atm::Arguments),
    /// Lower case, prime, palindrome
    Text {
        /// One request; without it, a menu or a pipe's lines
        #[command(subcommand)]
        request: Option<text::Command>,
    },
    /// Add, subtract, multiply, divide
    Calc(calc::Arguments),
    /// The chat room: lines that are typed or piped in are said, `quit` leaves
    Chat(chat::Arguments),
    /// Date and time, over UDP; --wire makes no difference
    Datetime {
        /// What to ask; without it, a menu or a pipe's lines
        #[command(subcommand)]
        command: Option<datetime::Command>,
    },
    /// Have a text sent back
    Echo(echo::Arguments),
    /// Play the client's part of a scripted exchange
    Script(script::Arguments),
    /// Measure latency and attempts against the rate of lost messages, with plots; starts the
    /// server it needs
    Experiment(experiment::Arguments),
    /// Measure requests a second and latency; starts the server it needs
    Bench(bench::Arguments),
    /// Be the client of one of the hand-outs' printed programs, byte for byte: its server cannot
    /// tell the two apart
    Handout(handout::Arguments),
    /// Judge a server, in any language, by the rules of the protocol
    Check(check::Arguments),
    /// Say what is in the way to a server, and what to do about it
    Doctor(doctor::Arguments),
    /// Draw what a recording keeps: in the terminal, as a picture, a page, a capture
    View(view::Arguments),
    /// Send again what a recording's client sent, and show where the answers differ
    Replay(replay::Arguments),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Write the manual pages, of this program and of each of its commands
    Man {
        /// The directory
        directory: PathBuf,
    },
}

impl Arguments {
    /// The faults to inject, if any, and a line on standard error for each that strikes.
    pub(crate) fn faults(&self) -> Result<Option<FaultPlan>, Failure> {
        let draws = match &self.command {
            Command::Handout(handout) => handout.draws(),
            Command::Check(_) => true,
            _ => false,
        };
        if self.options.fault.is_none() {
            return match self.options.seed {
                Some(_) if !draws => Err(Failure::Usage(
                    "--seed repeats the faults of a run: give its --fault too".into(),
                )),
                Some(_) | None => Ok(None),
            };
        }
        match self.ground()? {
            Some(ground) => self.options.faults(ground),
            None => Err(Failure::Usage(
                "--fault is for the modes and hand-outs: leave it out here".into(),
            )),
        }
    }

    /// What is done, as far as it decides which faults can strike; `None` where nothing is said to
    /// any server.
    fn ground(&self) -> Result<Option<Applicability>, Failure> {
        let (mode, transport) = match &self.command {
            Command::Atm(_) => (Mode::Atm, Transport::Tcp),
            Command::Text { .. } => (Mode::Text, Transport::Tcp),
            Command::Calc(_) => (Mode::Calc, Transport::Tcp),
            Command::Chat(_) => (Mode::Chat, Transport::Tcp),
            Command::Datetime { .. } => (Mode::Datetime, Transport::Udp),
            Command::Echo(echo) => (Mode::Echo, echo.transport()),
            Command::Script(script) => match script.transport()? {
                Some(transport) => (Mode::Script, transport),
                None => return Ok(None),
            },
            Command::Handout(handout) => {
                let printed = |it| Applicability::printed(it, Side::Client, Exchange::Transparent);
                return Ok(handout.handout().map(printed));
            }
            Command::Experiment(_)
            | Command::Bench(_)
            | Command::Check(_)
            | Command::Doctor(_)
            | Command::View(_)
            | Command::Replay(_)
            | Command::Completions { .. }
            | Command::Man { .. } => return Ok(None),
        };
        Ok(Some(Applicability::client(mode, transport)))
    }
}

/// Whether a command line that could not be read has `--json` in it.
pub fn asks_for_json(words: impl Iterator<Item = OsString>) -> bool {
    let mut options = words.take_while(|word| word != "--");
    options.any(|word| word == "--json")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_page_of_the_help_is_wider_than_a_terminal() {
        use clap::CommandFactory;
        fn check(command: &mut clap::Command) {
            let help = command.render_long_help().to_string();
            for line in help.lines() {
                assert!(line.chars().count() <= MAX_WIDTH, "{line:?} in {help}");
            }
            command.get_subcommands_mut().for_each(check);
        }
        let mut command = Arguments::command();
        command.build();
        check(&mut command);
    }

    #[test]
    fn the_command_line_is_consistent() {
        use clap::CommandFactory;
        Arguments::command().debug_assert();
    }
}
