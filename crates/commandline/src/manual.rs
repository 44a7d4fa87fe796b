//! Manual pages, of a program and of each of its commands, from what its help says.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use clap::Command;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

/// Writes the manual pages of this program, in section 1, into a directory. Each names the page above
/// it and those of the `other` programs as well worth reading.
///
/// # Errors
/// When they cannot be written there.
pub fn write(program: Command, other: &[&str], directory: &Path) -> io::Result<()> {
    let name = program.get_name().to_owned();
    let source = format!("{name} {}", program.get_version().unwrap_or_default());
    let mut program = show_all_options(program).disable_help_subcommand(true);
    program.build();
    let manual = Manual {
        source,
        others: other.iter().map(|it| (*it).to_owned()).collect(),
        directory,
    };
    manual.write(&program, None)
}

/// What is left out of the short help for the sake of its length has its place in the manual.
fn show_all_options(command: Command) -> Command {
    command
        .mut_args(|argument| argument.hide_short_help(false))
        .mut_subcommands(show_all_options)
}

struct Manual<'a> {
    /// Below each page.
    source: String,
    others: Vec<String>,
    directory: &'a Path,
}

impl Manual<'_> {
    /// The page of a command, which is one of another, and those of its own.
    fn write(&self, command: &Command, above: Option<&str>) -> io::Result<()> {
        let name = command.get_display_name().unwrap_or(command.get_name());
        for part in command.get_subcommands().filter(|it| !it.is_hide_set()) {
            self.write(part, Some(name))?;
        }
        let mut command = command.clone();
        let usage = command.render_usage().to_string();
        let usage = usage.trim_start_matches("Usage:").to_owned();
        let page = Man::new(command.clone().override_usage(usage)).source(&self.source);
        let mut file = File::create(self.directory.join(page.get_filename()))?;
        page.render_title(&mut file)?;
        page.render_name_section(&mut file)?;
        page.render_synopsis_section(&mut file)?;
        page.render_description_section(&mut file)?;
        page.render_options_section(&mut file)?;
        if command.has_subcommands() {
            page.render_subcommands_section(&mut file)?;
        }
        let words = command.get_after_long_help().or(command.get_after_help());
        if let Some(words) = words {
            sections(&words.to_string()).to_writer(&mut file)?;
        }
        self.see_also(above).to_writer(&mut file)?;
        file.flush()
    }

    fn see_also(&self, above: Option<&str>) -> Roff {
        let pages = above
            .into_iter()
            .chain(self.others.iter().map(String::as_str));
        let mut line = Vec::new();
        for page in pages {
            if !line.is_empty() {
                line.push(roman(", "));
            }
            line.extend([bold(page), roman("(1)")]);
        }
        let mut section = Roff::new();
        section.control("SH", ["SEE ALSO"]).text(line);
        section
    }
}

/// The words that follow the options: a line that ends in a colon, above indented ones, heads a
/// section; indented lines stay as they are, and others are filled.
fn sections(words: &str) -> Roff {
    let lines: Vec<&str> = words.lines().collect();
    let is_indented = |position: usize| lines.get(position).is_some_and(|it| it.starts_with(' '));
    let heading = |position: usize| {
        let heads = !is_indented(position) && is_indented(position + 1);
        lines.get(position)?.strip_suffix(':').filter(|_| heads)
    };
    let mut roff = Roff::new();
    if heading(0).is_none() {
        roff.control("SH", ["NOTES"]);
    }
    let mut is_kept = false;
    for (position, line) in lines.iter().enumerate() {
        if is_kept != is_indented(position) {
            is_kept = !is_kept;
            roff.control(if is_kept { "nf" } else { "fi" }, []);
        }
        if let Some(heading) = heading(position) {
            roff.control("SH", [heading.to_uppercase().as_str()]);
        } else if !line.is_empty() {
            roff.text([roman(line.strip_prefix("  ").unwrap_or(line))]);
        } else if heading(position + 1).is_none() {
            roff.control("PP", []);
        }
    }
    if is_kept {
        roff.control("fi", []);
    }
    roff
}

#[cfg(test)]
mod tests {
    use clap::{Arg, ArgAction};

    use super::*;

    fn program() -> Command {
        let deep = Command::new("deep").about("Go down");
        let quiet = Arg::new("quiet").long("quiet").help("Say little");
        Command::new("prog")
            .version("1.2.3")
            .about("Does it")
            .after_help("Examples:\n  prog    once\n  prog --deep\n\nMore of it,\nhere.")
            .arg(quiet.action(ArgAction::SetTrue).hide_short_help(true))
            .subcommand(Command::new("go").about("Go").subcommand(deep))
    }

    fn page(name: &str) -> String {
        let directory = tempfile::tempdir().unwrap();
        write(program(), &["sibling"], directory.path()).unwrap();
        std::fs::read_to_string(directory.path().join(name)).unwrap()
    }

    #[test]
    fn every_page_has_the_release_and_names_the_page_above_it() {
        for (file, title, see_also) in [
            ("prog.1", "prog", r"\fBsibling\fR(1)"),
            ("prog-go.1", "prog-go", r"\fBprog\fR(1), \fBsibling\fR(1)"),
            (
                "prog-go-deep.1",
                "prog-go-deep",
                r"\fBprog\-go\fR(1), \fBsibling\fR(1)",
            ),
        ] {
            let page = page(file);
            let head = format!(".TH {title} 1  \"prog 1.2.3\" \n");
            assert!(page.contains(&head), "{page}");
            let end = format!(".SH \"SEE ALSO\"\n{see_also}\n");
            assert!(page.ends_with(&end), "{page}");
        }
    }

    #[test]
    fn the_synopsis_is_the_usage_and_no_option_lacks_its_words() {
        let page = page("prog.1");
        assert!(
            page.contains(".SH SYNOPSIS\n\\fBprog\\fR [OPTIONS] [COMMAND]\n"),
            "{page}"
        );
        assert!(page.contains("\\-\\-quiet\\fR\nSay little\n"), "{page}");
    }

    #[test]
    fn an_example_keeps_its_lines_under_a_heading_of_its_own() {
        let kept =
            ".SH EXAMPLES\n.nf\nprog    once\nprog \\-\\-deep\n.fi\n.PP\nMore of it,\nhere.\n";
        assert!(page("prog.1").contains(kept), "{}", page("prog.1"));
    }

    #[test]
    fn words_without_a_heading_are_notes_and_a_colon_in_a_sentence_heads_nothing() {
        let roff = sections("Two things:\nthis, and that.\n\nExit status:\n  0  done").to_roff();
        let expected =
            ".SH NOTES\nTwo things:\nthis, and that.\n.SH \"EXIT STATUS\"\n.nf\n0  done\n.fi\n";
        assert_eq!(roff, expected);
    }
}
