//! Servers and clients, each judged alone, and every client with every server.

use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use proto::mode::Transport;
use proto::printable::printable;
use proto::side::Side;
use serde_json::{Value, json};

use super::words::{quoted, split};
use super::{CheckError, Choice, Ending, Subject};
use crate::case::{Case, Level};
use crate::client::ClientCommand;
use crate::clients::{client_cases, pair_case};
use crate::interruption::interruption;
use crate::program::ProgramCommand;
use crate::report::{Report, json as object, terminal};
use crate::run::{Judged, Plan};
use crate::suites::server_cases;
use crate::verdict::Failure;

/// The columns of the table: names, and what stands below that of a server.
const NAME: usize = 16;
const CELL: usize = 9;

/// A program that is judged alone and with others.
#[derive(Debug, Clone)]
pub struct Entrant {
    side: Side,
    name: String,
    words: Vec<String>,
}

/// Servers and clients that are to be judged.
#[derive(Debug)]
pub struct Matrix<'c> {
    /// The choice on the command line.
    pub choice: &'c Choice,
    /// How they are judged.
    pub plan: Plan,
    /// Servers and clients.
    pub entrants: Vec<Entrant>,
    /// The `labserver` that clients are given, and that stands between two programs.
    pub labserver: PathBuf,
    /// Whether the reports are a JSON object.
    pub is_json: bool,
}

/// What came of one program or of two: its report, or why it did not start.
type Outcome = Result<Report, String>;

impl Entrant {
    /// One from the command line, `NAME=COMMAND` or a command alone; its number is among those of its
    /// side.
    ///
    /// # Errors
    /// When it has no place for a port, in words.
    pub fn parse(side: Side, number: usize, text: &str) -> Result<Entrant, String> {
        let is_name = |name: &str| {
            let is_part = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
            !name.is_empty() && name.chars().all(is_part)
        };
        let (name, command) = match text.split_once('=') {
            Some((name, command)) if is_name(name) => (name.to_owned(), command),
            _ => (format!("{}{number}", letter(side)), text),
        };
        let words = split(command)?;
        match words.iter().any(|word| word.contains("{port}")) {
            true => Ok(Entrant { side, name, words }),
            false => Err(format!(
                "`{text}` must say where its port goes, as in `python3 program.py {{port}}`"
            )),
        }
    }
}

fn letter(side: Side) -> char {
    match side {
        Side::Server => 'S',
        Side::Client => 'C',
    }
}

impl Matrix<'_> {
    /// All cases of both sides, and that of two programs with each other.
    pub fn cases(plan: &Plan) -> Vec<Case> {
        let transport = plan.dialect.transports()[0];
        let pair = pair_case(&plan.dialect, transport);
        let mut cases = server_cases(&plan.dialect);
        cases.extend(client_cases(&plan.dialect, transport));
        let is_new = |pair: &Case| !cases.iter().any(|case| case.name == pair.name);
        let new = pair.filter(is_new);
        cases.extend(new);
        cases
    }

    /// Judges each alone by those of these cases that are for its side, and then every client with every
    /// server; prints what came of it and writes the files.
    ///
    /// # Errors
    /// When nothing could be judged, or the reports have no place to go.
    pub fn run(&self, cases: &[Case]) -> Result<Ending, CheckError> {
        self.choice.files.check()?;
        let is_interrupted = interruption()?;
        let mut alone = Vec::new();
        for entrant in &self.entrants {
            alone.push(self.alone(entrant, cases, &is_interrupted)?);
        }
        let pair = pair_case(&self.plan.dialect, self.transport());
        let pair = pair.filter(|pair| cases.iter().any(|case| case.name == pair.name));
        let mut pairs = Vec::new();
        for (client, of_client) in self.of(Side::Client, &alone) {
            for (server, of_server) in self.of(Side::Server, &alone) {
                let both_start = of_client.is_ok() && of_server.is_ok();
                pairs.push(match pair {
                    Some(pair) if both_start && !is_interrupted.load(Ordering::Relaxed) => {
                        Some(self.together(client, server, pair, &is_interrupted)?)
                    }
                    _ => None,
                });
            }
        }
        self.show(&alone, &pairs).map_err(CheckError::Print)?;
        let all_start = alone.iter().all(Result::is_ok);
        let was_planned = pair.is_none() || pairs.iter().all(Option::is_some);
        let alone = alone.into_iter().filter_map(Result::ok);
        let reports: Vec<Report> = alone.chain(pairs.into_iter().flatten()).collect();
        self.choice.files.write(&reports)?;
        Ok(match reports.iter().all(Report::holds) && was_planned {
            _ if !all_start => Ending::NotStarted,
            true => Ending::Holds,
            false => Ending::DoesNotHold,
        })
    }

    fn transport(&self) -> Transport {
        self.plan.dialect.transports()[0]
    }

    /// The programs of this side, and what came of each.
    fn of<'m, T>(
        &'m self,
        side: Side,
        alone: &'m [T],
    ) -> impl Iterator<Item = (&'m Entrant, &'m T)> {
        let all = self.entrants.iter().zip(alone);
        all.filter(move |(entrant, _)| entrant.side == side)
    }

    fn alone(
        &self,
        entrant: &Entrant,
        cases: &[Case],
        is_interrupted: &AtomicBool,
    ) -> Result<Outcome, CheckError> {
        let of_side = match entrant.side {
            Side::Server => server_cases(&self.plan.dialect),
            Side::Client => client_cases(&self.plan.dialect, self.transport()),
        };
        let is_of_side = |case: &&Case| of_side.iter().any(|it| it.name == case.name);
        let of_side: Vec<Case> = cases.iter().filter(is_of_side).copied().collect();
        let judged = match entrant.side {
            Side::Server => Judged::Started(self.program(entrant)),
            Side::Client => Judged::Client(self.client(entrant, None)),
        };
        let program = match entrant.side {
            Side::Server => "labclient",
            Side::Client => "labserver",
        };
        let subject = Subject {
            side: entrant.side,
            name: entrant.name.clone(),
            command: format!("{program} check {}", self.plan.arguments()),
            rest: format!(" -- {}", quoted(&entrant.words)),
        };
        let report = self.judge(&judged, &of_side, subject, &entrant.name, is_interrupted);
        match report {
            Ok(report) => Ok(Ok(report)),
            Err(CheckError::Start(error)) => Ok(Err(error.to_string())),
            Err(error) => Err(error),
        }
    }

    fn together(
        &self,
        client: &Entrant,
        server: &Entrant,
        pair: Case,
        is_interrupted: &AtomicBool,
    ) -> Result<Report, CheckError> {
        let judged = Judged::Client(self.client(client, Some(self.program(server))));
        let command = |entrant: &Entrant| {
            let command = format!("{}={}", entrant.name, quoted(&entrant.words));
            quoted(&[command])
        };
        let subject = Subject {
            side: Side::Client,
            name: format!("{} with {}", client.name, server.name),
            command: format!("labclient check --matrix {}", self.plan.arguments()),
            rest: format!(" --server {} --client {}", command(server), command(client)),
        };
        let folder = format!("{}-{}", client.name, server.name);
        self.judge(&judged, &[pair], subject, &folder, is_interrupted)
    }

    fn judge(
        &self,
        judged: &Judged,
        cases: &[Case],
        subject: Subject,
        folder: &str,
        is_interrupted: &AtomicBool,
    ) -> Result<Report, CheckError> {
        let plan = Plan {
            out: self.plan.out.as_ref().map(|out| out.join(folder)),
            jobs: self.choice.jobs(judged),
            ..self.plan.clone()
        };
        self.choice
            .judge(plan, judged, cases, subject, is_interrupted)
    }

    fn program(&self, entrant: &Entrant) -> ProgramCommand {
        self.choice.program(&self.plan.dialect, &entrant.words)
    }

    fn client(&self, entrant: &Entrant, server: Option<ProgramCommand>) -> ClientCommand {
        ClientCommand {
            program: self.program(entrant),
            labserver: self.labserver.clone(),
            transport: self.transport(),
            server,
            hand: None,
        }
    }

    fn show(&self, alone: &[Outcome], pairs: &[Option<Report>]) -> io::Result<()> {
        let mut out = BufWriter::new(io::stdout().lock());
        match self.is_json {
            true => writeln!(out, "{}", self.object(alone, pairs))?,
            false => {
                let reports = alone.iter().filter_map(|it| it.as_ref().ok());
                for report in reports.chain(pairs.iter().flatten()) {
                    if !report.judgements.iter().all(|it| it.outcome.is_ok()) {
                        terminal::write(report, &mut out)?;
                        writeln!(out)?;
                    }
                }
                self.table(alone, pairs, &mut out)?;
            }
        }
        out.flush()
    }

    fn object(&self, alone: &[Outcome], pairs: &[Option<Report>]) -> Value {
        let of_side = |side: Side| -> Vec<Value> {
            let all = self.of(side, alone);
            let object = |(entrant, outcome): (&Entrant, &Outcome)| match outcome {
                Ok(report) => object::object(report),
                Err(why) => json!({ "subject": entrant.name, "did_not_start": why }),
            };
            all.map(object).collect()
        };
        let pairs = pairs.iter().flatten().map(object::object);
        json!({
            "mode": self.plan.dialect.name(),
            "servers": of_side(Side::Server),
            "clients": of_side(Side::Client),
            "pairs": pairs.collect::<Vec<Value>>(),
        })
    }

    /// A row for each client and a column for each server: what holds of each of what must, and whether
    /// they understand each other.
    fn table(
        &self,
        alone: &[Outcome],
        pairs: &[Option<Report>],
        out: &mut impl Write,
    ) -> io::Result<()> {
        let servers: Vec<_> = self.of(Side::Server, alone).collect();
        let framing = match self.plan.dialect.has_framings() {
            true => format!(", {} framing", self.plan.framing),
            false => String::new(),
        };
        let (name, seed) = (self.plan.dialect.name(), self.plan.seed);
        writeln!(out, "{name}{framing}, seed {seed}\n")?;
        let row = |name: &str, first: &str, cells: Vec<String>| {
            let cells = cells.iter().map(|cell| format!("{cell:<CELL$}"));
            let line = format!("  {name:<NAME$}{first:<CELL$}{}", cells.collect::<String>());
            line.trim_end().to_owned()
        };
        let names = servers.iter().map(|(server, _)| printable(&server.name));
        writeln!(out, "{}", row("", "alone", names.collect()))?;
        let tallies = servers.iter().map(|(_, outcome)| holds(outcome));
        writeln!(out, "{}", row("alone", "", tallies.collect()))?;
        let mut pairs = pairs.chunks(servers.len().max(1));
        for (client, outcome) in self.of(Side::Client, alone) {
            let cells = pairs.next().unwrap_or_default().iter().map(understand);
            let name = printable(&client.name);
            writeln!(out, "{}", row(&name, &holds(outcome), cells.collect()))?;
        }
        writeln!(out)?;
        for (entrant, outcome) in self.entrants.iter().zip(alone) {
            let command = printable(&entrant.words.join(" "));
            writeln!(out, "  {:<NAME$}{command}", printable(&entrant.name))?;
            if let Err(why) = outcome {
                let why: Vec<String> = why.lines().map(printable).collect();
                let gap = format!("\n  {:NAME$}", "");
                writeln!(out, "  {:NAME$}did not start: {}", "", why.join(&gap))?;
            }
        }
        writeln!(
            out,
            "\nalone: how many rules hold of those that must. yes: the client had the ordinary\n\
             conversation with the server. no: it had not. ?: it could not be judged."
        )
    }
}

fn holds(outcome: &Outcome) -> String {
    match outcome {
        Ok(report) => {
            let tally = report.tally(Level::Must);
            let all = tally.held + tally.broken + tally.undecided;
            match all {
                0 => "-".to_owned(),
                all => format!("{}/{all}", tally.held),
            }
        }
        Err(_) => "-".to_owned(),
    }
}

fn understand(pair: &Option<Report>) -> String {
    let judgement = pair.as_ref().and_then(|report| report.judgements.first());
    let word = match judgement.map(|it| &it.outcome) {
        Some(Ok(())) => "yes",
        Some(Err(Failure::Broken(_))) => "no",
        Some(Err(Failure::Undecided(_))) => "?",
        None => "-",
    };
    word.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_has_the_name_that_it_is_given_or_a_letter_and_its_number() {
        let named = Entrant::parse(Side::Server, 1, "anna=python3 a.py --port={port}").unwrap();
        assert_eq!(named.name, "anna");
        assert_eq!(named.words, ["python3", "a.py", "--port={port}"]);
        let unnamed = Entrant::parse(Side::Client, 2, "python3 a.py --port={port}").unwrap();
        assert_eq!(unnamed.name, "C2");
        assert_eq!(unnamed.words.len(), 3);
    }

    #[test]
    fn a_command_without_a_place_for_the_port_is_refused() {
        let refused = Entrant::parse(Side::Server, 1, "python3 server.py").unwrap_err();
        assert!(
            refused.contains("must say where its port goes"),
            "{refused}"
        );
    }
}
