//! A run: which rows are measured how often, the sides taking turns, and what came out.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use indicatif::{ProgressBar, ProgressStyle};

use crate::interrupt;
use crate::programs::Programs;
use crate::rows::{self, Row};

/// The name of our side.
pub const OURS: &str = "ours";

/// A side of a row, measured once at each call: a figure for each measure of the row.
pub struct Side<'a> {
    /// Its name in the table.
    pub name: &'static str,
    /// Measures it.
    pub measure: Box<dyn FnMut() -> Result<Vec<f64>> + Send + 'a>,
}

impl<'a> Side<'a> {
    /// A side with this name.
    pub fn new(
        name: &'static str,
        measure: impl FnMut() -> Result<Vec<f64>> + Send + 'a,
    ) -> Side<'a> {
        Side {
            name,
            measure: Box::new(measure),
        }
    }
}

/// What a row's rounds gave: for each side and each round a figure for each measure.
#[derive(Debug)]
pub struct Measured {
    /// The row.
    pub row: &'static Row,
    /// The sides, ours first.
    pub sides: Vec<(&'static str, Vec<Vec<f64>>)>,
}

/// The whole run.
#[derive(Debug)]
pub struct Run {
    /// The real programs.
    pub programs: Arc<Programs>,
    /// Where files are put that are to be on a disk.
    pub directory: PathBuf,
    /// Measurements of each side of a row.
    rounds: usize,
    chosen: Vec<&'static Row>,
    progress: ProgressBar,
    /// The rows measured so far.
    pub measured: Vec<Measured>,
    /// Rows that could not be measured, and why.
    pub failed: Vec<(String, String)>,
    notes: Vec<String>,
}

impl Run {
    /// A run that has measured nothing.
    pub fn new(
        programs: Programs,
        directory: PathBuf,
        rounds: usize,
        chosen: Vec<&'static Row>,
    ) -> Result<Run> {
        let progress = ProgressBar::new((chosen.len() * rounds) as u64);
        progress.set_style(ProgressStyle::with_template(
            "{bar:30} {pos}/{len}  {msg}  [{elapsed}, about {eta} more]",
        )?);
        Ok(Run {
            programs: Arc::new(programs),
            directory,
            rounds,
            chosen,
            progress,
            measured: Vec::new(),
            failed: Vec::new(),
            notes: Vec::new(),
        })
    }

    /// Whether this row is to be measured.
    pub fn wants(&self, name: &str) -> bool {
        self.chosen.iter().any(|row| row.name == name)
    }

    /// How often each side is measured.
    pub fn rounds(&self) -> usize {
        self.rounds
    }

    /// Adds a remark on the whole, once.
    pub fn note(&mut self, note: impl Into<String>) {
        let note = note.into();
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    /// The remarks.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Measures the sides of a row in turn, in every round beginning with another one, so that what
    /// changes meanwhile changes for all.
    pub fn compare(&mut self, name: &'static str, mut sides: Vec<Side>) -> Result<()> {
        let row = rows::named(name).with_context(|| format!("no row is called {name}"))?;
        self.progress.set_message(row.work);
        let mut figures = vec![Vec::new(); sides.len()];
        for round in 0..self.rounds {
            for turn in 0..sides.len() {
                interrupt::check()?;
                let number = (turn + round) % sides.len();
                let side = &mut sides[number];
                let measured = (side.measure)().with_context(|| side.name)?;
                ensure!(
                    measured.len() == row.measures.len(),
                    "{name} has other measures"
                );
                figures[number].push(measured);
            }
            self.progress.inc(1);
        }
        let names = sides.iter().map(|side| side.name);
        self.measured.push(Measured {
            row,
            sides: names.zip(figures).collect(),
        });
        Ok(())
    }

    /// Does a part of the run. If it fails, it gives no figures, and the next can still be done; not
    /// so after Ctrl-C, when what is done is kept.
    pub fn part(&mut self, name: &str, rows: impl FnOnce(&mut Run) -> Result<()>) {
        let is_chosen = self
            .chosen
            .iter()
            .any(|row| row.name == name || row.name.starts_with(&format!("{name}-")));
        if !is_chosen || interrupt::is_requested() {
            return;
        }
        self.progress.set_message(name.to_owned());
        let before = self.measured.len();
        if let Err(error) = rows(self)
            && !interrupt::is_requested()
        {
            self.measured.truncate(before);
            self.failed.push((name.to_owned(), format!("{error:#}")));
        }
    }

    /// Removes the progress bar.
    pub fn finish(&self) {
        self.progress.finish_and_clear();
    }
}
