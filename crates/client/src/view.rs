//! `labclient view`: pictures and lists of what a recording keeps.

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};

use ::terminal::is_coloured;
use clap::Args;

use crate::failure::{Failure, Status};
use view::ids::Ids;
use view::load::{Filter, Recordings, is_of_a_proxy, load};
use view::sequence::{Moment, Selection, Sequence};
use view::terminal::TerminalStyle;
use view::{explain, html, mermaid, pcap, svg, terminal, text};

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

    /// Only what happened from this second on
    #[arg(long, value_name = "SECONDS", value_parser = parse_moment)]
    from: Option<Moment>,

    /// Only what happened up to this second
    #[arg(long, value_name = "SECONDS", value_parser = parse_moment)]
    to: Option<Moment>,

    /// Show what each read returned too
    #[arg(long)]
    reads: bool,

    /// Show whole ids, not their last digits
    #[arg(long)]
    ids: bool,

    /// The columns of the terminal's diagram [default: the terminal's, or 100]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(40..=1000))]
    width: Option<u16>,

    /// Draw with ASCII alone
    #[arg(long)]
    ascii: bool,
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
    fn format(&self) -> Result<Format, Failure> {
        let chosen = [
            (self.format.text, Format::Text),
            (self.format.svg, Format::Svg),
            (self.format.html, Format::Html),
            (self.format.mermaid, Format::Mermaid),
            (self.format.pcap, Format::Pcap),
            (self.format.explain, Format::Explain),
        ];
        let chosen = chosen.into_iter().find(|(is_chosen, _)| *is_chosen);
        match (chosen, &self.output) {
            (Some((_, format)), _) => Ok(format),
            (None, None) => Ok(Format::Terminal),
            (None, Some(path)) => Format::of_ending(path).ok_or_else(|| {
                Failure::Usage(format!(
                    "the ending of {} names no format: end it in .svg, .html, .mmd, .txt or .pcap, \
                     or say which with --svg and so on",
                    path.display()
                ))
            }),
        }
    }

    fn look(&self) -> TerminalStyle {
        let is_terminal = self.output.is_none() && io::stdout().is_terminal();
        let columns = || {
            let size = is_terminal.then(terminal_size::terminal_size).flatten();
            size.map(|(terminal_size::Width(columns), _)| columns.max(40))
        };
        TerminalStyle {
            width: usize::from(self.width.or_else(columns).unwrap_or(100)),
            is_ascii: self.ascii,
            has_colours: self.output.is_none() && is_coloured(&io::stdout()),
        }
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
pub fn run(arguments: &Arguments) -> Result<Status, Failure> {
    let format = arguments.format()?;
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
    let loaded = load(&arguments.files, &filter);
    let mut loaded = loaded.map_err(|error| Failure::Usage(error.to_string()))?;
    if format == Format::Explain {
        // A proxy has the messages of others, and none of their journals and ledgers.
        let has_runs = !loaded.runs.is_empty();
        loaded.runs.retain(|run| !is_of_a_proxy(run));
        if has_runs && loaded.runs.is_empty() {
            return Err(Failure::Usage(
                "a proxy does not know where the money is: record the cash machine and the bank"
                    .into(),
            ));
        }
    }
    match &arguments.output {
        None => {
            let mut out = BufWriter::new(io::stdout().lock());
            show(arguments, &loaded, format, &mut out)
                .and_then(|()| out.flush())
                .map_err(|error| Failure::cannot_print(&error))?;
        }
        Some(path) => {
            refuse_to_overwrite(path, &arguments.files)?;
            let cannot =
                |error| Failure::Resource(format!("cannot write {}: {error}", path.display()));
            let mut out = BufWriter::new(File::create(path).map_err(cannot)?);
            show(arguments, &loaded, format, &mut out)
                .and_then(|()| out.flush())
                .map_err(cannot)?;
        }
    }
    Ok(Status::Done)
}

fn show(
    arguments: &Arguments,
    loaded: &Recordings,
    format: Format,
    out: &mut impl Write,
) -> io::Result<()> {
    // A list is searched for ids.
    let ids = || Ids::of(loaded, arguments.ids || format == Format::Text);
    let selection = Selection {
        reads: arguments.reads,
        from: arguments.from,
        to: arguments.to,
    };
    let sequence = || Sequence::of(loaded, ids(), selection);
    match format {
        Format::Pcap => pcap::write(&loaded.runs, out),
        Format::Explain => explain::write(&loaded.runs, out),
        Format::Text => text::write(loaded, &ids(), selection, out),
        Format::Terminal => terminal::write(&sequence(), arguments.look(), out),
        Format::Svg => svg::write(&sequence(), out),
        Format::Html => html::write(&sequence(), out),
        Format::Mermaid => mermaid::write(&sequence(), out),
    }
}

/// Seconds, as `--from` takes them.
fn parse_moment(text: &str) -> Result<Moment, String> {
    let seconds: f64 = text.parse().map_err(|_| "a number of seconds".to_owned())?;
    if !(-1e9..=1e9).contains(&seconds) {
        return Err("a number of seconds up to 1000000000".into());
    }
    // Up to 10^18, which a Moment holds.
    Ok((seconds * 1e9).round() as Moment)
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
