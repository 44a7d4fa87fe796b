//! `labclient view`: pictures and lists of what a recording keeps.
//!
//! In reading order:
//!
//! * [`load`]: the recordings, read;
//! * [`pcap`]: packets for Wireshark;
//! * [`explain`]: what became of each transaction.

pub mod explain;
pub mod load;
pub mod pcap;

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};

use clap::Args;

use crate::failure::{Failure, Status};
use load::Filter;

/// What to show of which recordings, and how.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Recordings, as --record makes them; several are merged, as those of the two sides. `-` is
    /// standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,

    #[command(flatten)]
    format: Formats,

    /// Write to this file. Its ending says the format where none is given: .svg, .html, .mmd,
    /// .txt, .pcap
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Only what happened on the connection of this number, the server's if its recording is there
    #[arg(long, value_name = "N")]
    connection: Option<u64>,

    /// Only what happened in this service, as atm
    #[arg(long, value_name = "NAME")]
    service: Option<String>,
}

/// How it is shown.
#[derive(Debug, Args)]
#[group(multiple = false)]
struct Formats {
    /// A line for each event
    #[arg(long)]
    text: bool,

    /// A picture
    #[arg(long)]
    svg: bool,

    /// One page with the picture, and the bytes of each message
    #[arg(long)]
    html: bool,

    /// The source of a Mermaid sequence diagram
    #[arg(long)]
    mermaid: bool,

    /// A capture for Wireshark and tcpdump
    #[arg(long)]
    pcap: bool,

    /// What became of each transaction of the cash machine, and why
    #[arg(long)]
    explain: bool,
}

/// One way to show recordings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Terminal,
    Text,
    Svg,
    Html,
    Mermaid,
    Pcap,
    Explain,
}

impl Arguments {
    fn format(&self) -> Format {
        let chosen = [
            (self.format.text, Format::Text),
            (self.format.svg, Format::Svg),
            (self.format.html, Format::Html),
            (self.format.mermaid, Format::Mermaid),
            (self.format.pcap, Format::Pcap),
            (self.format.explain, Format::Explain),
        ];
        let chosen = chosen.into_iter().find(|(is_chosen, _)| *is_chosen);
        let by_ending = || self.output.as_deref().and_then(Format::of_ending);
        chosen
            .map(|(_, format)| format)
            .or_else(by_ending)
            .unwrap_or(Format::Terminal)
    }
}

impl Format {
    fn of_ending(path: &Path) -> Option<Format> {
        match path.extension()?.to_str()? {
            "svg" => Some(Format::Svg),
            "html" | "htm" => Some(Format::Html),
            "mmd" | "mermaid" => Some(Format::Mermaid),
            "txt" | "log" => Some(Format::Text),
            "pcap" => Some(Format::Pcap),
            _ => None,
        }
    }
}

/// Shows the recordings that the arguments name.
///
/// # Errors
/// When one cannot be read, or what is shown cannot be written.
pub fn run(arguments: &Arguments) -> Result<Status, Failure> {
    let format = arguments.format();
    if format == Format::Pcap && arguments.output.is_none() && io::stdout().is_terminal() {
        return Err(Failure::Usage(
            "a capture is no text for a terminal: give -o FILE.pcap, or pipe it into `tcpdump -r -`"
                .into(),
        ));
    }
    let filter = Filter {
        connection: arguments.connection,
        service: arguments.service.clone(),
    };
    let loaded = load::load(&arguments.files, &filter)?;
    match &arguments.output {
        None => {
            let mut out = BufWriter::new(io::stdout().lock());
            show(&loaded, format, &mut out)
                .and_then(|()| out.flush())
                .map_err(|error| Failure::cannot_print(&error))?;
        }
        Some(path) => {
            refuse_to_overwrite(path, &arguments.files)?;
            let cannot =
                |error| Failure::Usage(format!("cannot write {}: {error}", path.display()));
            let mut out = BufWriter::new(File::create(path).map_err(cannot)?);
            show(&loaded, format, &mut out)
                .and_then(|()| out.flush())
                .map_err(cannot)?;
        }
    }
    Ok(Status::Done)
}

fn show(loaded: &load::Loaded, format: Format, out: &mut impl Write) -> io::Result<()> {
    match format {
        Format::Pcap => pcap::write(&loaded.runs, out),
        Format::Explain => explain::write(&loaded.runs, out),
        Format::Terminal | Format::Text | Format::Svg | Format::Html | Format::Mermaid => {
            Err(io::Error::other("this is being written"))
        }
    }
}

/// A slip of the fingers must not cost the recording.
fn refuse_to_overwrite(output: &Path, files: &[PathBuf]) -> Result<(), Failure> {
    let real = |path: &Path| path.canonicalize().ok();
    let Some(output) = real(output) else {
        return Ok(());
    };
    if files
        .iter()
        .any(|file| real(file).as_ref() == Some(&output))
    {
        return Err(Failure::Usage(format!(
            "{} is one of the recordings: give another -o FILE",
            output.display()
        )));
    }
    Ok(())
}
