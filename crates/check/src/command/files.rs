//! The files that a check writes for other programs.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use clap::Args;

use super::CheckError;
use crate::report::{Report, csv, gradescope, junit};

/// The files to write.
#[derive(Debug, Args)]
pub struct Files {
    /// Write a report in JUnit's XML to this file, for continuous integration
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,

    /// Write Gradescope's results.json to this file
    #[arg(long, value_name = "FILE", conflicts_with = "batch")]
    gradescope: Option<PathBuf>,

    /// Write a table to this file, a row for each program
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
}

impl Files {
    /// Whether they can be written, before much time was spent.
    pub(super) fn check(&self) -> Result<(), CheckError> {
        for path in [&self.junit, &self.gradescope, &self.csv]
            .into_iter()
            .flatten()
        {
            File::create(path).map_err(|error| cannot(path, error))?;
        }
        Ok(())
    }

    /// Writes them.
    pub(super) fn write(&self, reports: &[Report]) -> Result<(), CheckError> {
        if let Some(path) = &self.junit {
            write(path, |out| junit::write(reports, out))?;
        }
        if let Some(path) = &self.csv {
            write(path, |out| csv::write(reports, out))?;
        }
        if let (Some(path), [report]) = (&self.gradescope, reports) {
            write(path, |out| writeln!(out, "{}", gradescope::object(report)))?;
        }
        Ok(())
    }
}

/// Writes one file.
pub(super) fn write(
    path: &Path,
    content: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
) -> Result<(), CheckError> {
    let written = File::create(path).and_then(|file| {
        let mut out = BufWriter::new(file);
        content(&mut out)?;
        out.flush()
    });
    written.map_err(|error| cannot(path, error))
}

fn cannot(path: &Path, error: io::Error) -> CheckError {
    CheckError::File {
        path: path.to_owned(),
        error,
    }
}
