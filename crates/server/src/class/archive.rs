//! A whole term in one file: what each group has and had, the audit of each bank, and the sheets
//! without PINs.

use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use flate2::Compression;
use flate2::write::GzEncoder;
use jiff::Timestamp;
use tar::{Builder, Header};

use super::file::Class;
use super::files::{LEDGER, LOG, RECORDING, stamp};
use super::sheet::{self, Format};
use crate::ledger::command::{self, Command, Outcome};
use crate::ledger::sqlite::{Access, open_beside};

/// What is in an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// The file.
    pub file: PathBuf,
    /// Its size, in bytes.
    pub bytes: u64,
    /// How many ledgers are in it.
    pub ledgers: usize,
    /// Those of them in which money came or went.
    pub unsound: Vec<String>,
}

/// Writes the archive of this class, whether or not it runs: into `out`, or else a new file in the
/// current directory.
///
/// # Errors
/// When there is such a file already, or something cannot be read or written. No incomplete file is
/// left.
pub fn write(class: &Class, out: Option<&Path>, now: Timestamp) -> anyhow::Result<Summary> {
    let stem = format!("{}-{}", class.name, stamp(now));
    let file = out.map_or_else(|| PathBuf::from(format!("{stem}.tar.gz")), Path::to_owned);
    if file.exists() {
        bail!("{} is there already, and is left as it is", file.display());
    }
    if !class.files.directory().is_dir() {
        bail!("there is nothing in {}", class.files.directory().display());
    }
    // Beside the other files of the class: nobody else can read it, and there is room for them.
    let packing = class
        .files
        .directory()
        .join(format!("packing-{}", std::process::id()));
    state::create_directory(class.files.directory(), &packing)?;
    let packed = pack(class, &stem, &packing, now);
    let moved = packed.and_then(|mut summary| {
        let complete = packing.join(COMPLETE);
        summary.bytes = complete.metadata()?.len();
        move_to(&complete, &file)?;
        Ok(Summary {
            file: file.clone(),
            ..summary
        })
    });
    let _ = fs::remove_dir_all(&packing);
    moved.with_context(|| format!("cannot write the archive {}", file.display()))
}

const COMPLETE: &str = "complete";

/// Renames it, or copies it to another file system.
fn move_to(complete: &Path, file: &Path) -> anyhow::Result<()> {
    if fs::rename(complete, file).is_ok() {
        return Ok(());
    }
    let mut to = state::open(file)?.file;
    let copied = io::copy(&mut File::open(complete)?, &mut to).and_then(|_| to.sync_all());
    copied.inspect_err(|_| drop(fs::remove_file(file)))?;
    Ok(())
}

fn pack(class: &Class, stem: &str, packing: &Path, now: Timestamp) -> anyhow::Result<Summary> {
    let file = state::open(&packing.join(COMPLETE))?.file;
    let compressed = GzEncoder::new(BufWriter::new(file), Compression::default());
    let mut packer = Packer {
        tar: Builder::new(compressed),
        root: PathBuf::from(stem),
        packing,
        now,
        ledgers: 0,
        unsound: Vec::new(),
    };
    let text = fs::read(&class.file).with_context(|| format!("{}", class.file.display()))?;
    packer.add_bytes("class.toml", &text)?;
    for group in &class.groups {
        let page = [sheet::page(class, group, &sheet::addresses(class)?, &[])];
        for format in [Format::Md, Format::Html] {
            let name = format!("sheets/{}.{}", group.name, format.extension());
            packer.add_bytes(&name, sheet::render(&page, format).as_bytes())?;
        }
        packer.add_group(&class.files.group(&group.name), &group.name)?;
    }
    for entry in entries(&class.files.archive())? {
        if let Some(name) = entry.file_name().and_then(|name| name.to_str()) {
            packer.add_group(&entry, &format!("archive/{name}"))?;
        }
    }
    let Packer {
        tar,
        ledgers,
        unsound,
        ..
    } = packer;
    let file = tar.into_inner()?.finish()?;
    let file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.sync_all()?;
    Ok(Summary {
        file: PathBuf::new(),
        bytes: 0,
        ledgers,
        unsound,
    })
}

/// The directories in this one, by name; none where it is missing.
fn entries(directory: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let found = match directory.read_dir() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        found => found.with_context(|| format!("cannot read {}", directory.display()))?,
    };
    let mut entries = Vec::new();
    for entry in found {
        let path = entry?.path();
        if path.is_dir() {
            entries.push(path);
        }
    }
    entries.sort();
    Ok(entries)
}

struct Packer<'a, W: Write> {
    tar: Builder<W>,
    root: PathBuf,
    packing: &'a Path,
    now: Timestamp,
    ledgers: usize,
    unsound: Vec<String>,
}

impl<W: Write> Packer<'_, W> {
    /// Adds what a group has in this directory: the ledger as it is at this moment, and its audit.
    fn add_group(&mut self, directory: &Path, name: &str) -> anyhow::Result<()> {
        let ledger = directory.join(LEDGER);
        if ledger.exists() {
            let copy = self.packing.join(LEDGER);
            let about = || format!("the ledger {}", ledger.display());
            let store = open_beside(&ledger, Access::Read).with_context(about)?;
            store.copy_to(&copy).with_context(about)?;
            drop(store);
            let report = self.audit(&copy, name).with_context(about)?;
            self.add_file(&copy, &format!("{name}/{LEDGER}"))?;
            fs::remove_file(&copy)?;
            self.add_bytes(&format!("{name}/audit.json"), &report)?;
            self.ledgers += 1;
        }
        for file in [RECORDING, LOG] {
            let path = directory.join(file);
            if path.exists() {
                self.add_file(&path, &format!("{name}/{file}"))?;
            }
        }
        Ok(())
    }

    fn audit(&mut self, ledger: &Path, name: &str) -> anyhow::Result<Vec<u8>> {
        let mut store = open_beside(ledger, Access::Read)?;
        let (mut report, format) = (Vec::new(), command::Format::Json);
        let outcome = command::run(&Command::Audit, &mut store, self.now, format, &mut report)?;
        if outcome == Outcome::Violations {
            self.unsound.push(name.to_owned());
        }
        Ok(report)
    }

    /// Adds as much of the file as there is now: it may grow meanwhile.
    fn add_file(&mut self, path: &Path, name: &str) -> anyhow::Result<()> {
        let cannot = || format!("cannot read {}", path.display());
        let file = File::open(path).with_context(cannot)?;
        let length = file.metadata().with_context(cannot)?.len();
        self.add(name, length, file.take(length))
            .with_context(cannot)
    }

    fn add_bytes(&mut self, name: &str, bytes: &[u8]) -> anyhow::Result<()> {
        self.add(name, bytes.len() as u64, bytes)
    }

    fn add(&mut self, name: &str, length: u64, content: impl Read) -> anyhow::Result<()> {
        let mut header = Header::new_gnu();
        header.set_size(length);
        header.set_mode(0o600);
        header.set_mtime(u64::try_from(self.now.as_second()).unwrap_or_default());
        let mut content = Counted(content, 0);
        self.tar
            .append_data(&mut header, self.root.join(name), &mut content)?;
        if content.1 < length {
            bail!("it became shorter while it was packed");
        }
        Ok(())
    }
}

/// How many bytes were read.
struct Counted<R>(R, u64);

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.0.read(buffer)?;
        self.1 += read as u64;
        Ok(read)
    }
}
