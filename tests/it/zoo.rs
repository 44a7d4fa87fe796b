//! The programs of `examples/zoo`, and what is said of them.

use std::collections::BTreeSet;
use std::path::Path;

use proto::mode::Mode;
use testkit::process::Program;
use testkit::{python, require_python};
use toml::Table;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/zoo");
const LIST: &str = include_str!("../../examples/zoo/zoo.toml");
const README: &str = include_str!("../../examples/zoo/README.md");
const PROTOCOL: &str = include_str!("../../docs/protocol.md");

/// Shows the help of each program that the input names, as if each had an interpreter of its own.
const HELP_OF_EACH: &str = "
import runpy, sys
sys.argv = ['', '--help']
before = set(sys.modules)
for line in sys.stdin:
    try:
        runpy.run_path(line.strip(), run_name='__main__')
    except SystemExit as end:
        print(line.strip().rsplit('/', 1)[1], 'ended with', end.code)
    for module in set(sys.modules) - before:
        del sys.modules[module]";

/// What is said of each program.
fn programs() -> Vec<Table> {
    let list: Table = LIST.parse().unwrap();
    let programs = list["program"].as_array().unwrap();
    let tables = programs.iter().map(|program| program.as_table().unwrap());
    tables.cloned().collect()
}

fn text<'a>(program: &'a Table, key: &str) -> Option<&'a str> {
    program.get(key).map(|value| value.as_str().unwrap())
}

fn file(program: &Table) -> &str {
    text(program, "file").unwrap()
}

/// The programs in the folder.
fn files() -> BTreeSet<String> {
    let entries = Path::new(FOLDER).read_dir().unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.ends_with(".py")).collect()
}

#[test]
fn the_list_names_each_program_in_the_folder_once() {
    let programs = programs();
    let listed: BTreeSet<_> = programs
        .iter()
        .map(|program| file(program).to_owned())
        .collect();
    assert_eq!(listed, files());
    assert_eq!(listed.len(), programs.len(), "a program is listed twice");
}

#[test]
fn each_program_is_named_after_its_mode_and_half_and_breaks_a_section_unless_it_is_odd() {
    for program in programs() {
        let (file, mode) = (file(&program), text(&program, "mode").unwrap());
        let half = text(&program, "half").unwrap();
        assert!(Mode::parse(mode).is_some(), "{file}: {mode}");
        assert!(["server", "client"].contains(&half), "{file}: {half}");
        let is_odd = file.starts_with("odd_");
        let name = file.strip_prefix("odd_").unwrap_or(file);
        assert!(name.starts_with(&format!("{mode}_{half}_")), "{file}");
        assert_eq!(text(&program, "mistake").is_none(), is_odd, "{file}");
        assert_eq!(text(&program, "rule").is_none(), is_odd, "{file}");
        assert!(program["fails"].is_array(), "{file}");
        if let Some(rule) = text(&program, "rule") {
            let mut headings = PROTOCOL.lines().filter(|line| line.starts_with('#'));
            let is_heading = headings.any(|line| line.trim_start_matches('#').trim() == rule);
            assert!(is_heading, "{file}: no section {rule}");
        }
    }
}

#[test]
fn the_readme_has_each_program_and_says_what_its_first_line_says() {
    for program in programs() {
        let file = file(&program);
        let row = README
            .lines()
            .find(|line| line.contains(&format!("]({file})")));
        let row = row.unwrap_or_else(|| panic!("{file} is not in README.md"));
        let Some(mistake) = text(&program, "mistake") else {
            continue;
        };
        assert!(row.contains(mistake.trim_end_matches('.')), "{file}");
        let source = std::fs::read_to_string(Path::new(FOLDER).join(file)).unwrap();
        let words: Vec<_> = source.split_whitespace().collect();
        let begin = format!("\"\"\"{mistake}");
        assert!(words.join(" ").starts_with(&begin), "{file}: {mistake}");
    }
}

#[test]
fn every_program_of_the_zoo_starts() {
    require_python!();
    let files = files();
    let paths = files.iter().map(|file| format!("{FOLDER}/{file}\n"));
    let ended = Program::new(python::interpreter())
        .with(&["-B", "-c", HELP_OF_EACH])
        .run_with(paths.collect::<String>());
    for file in files {
        let line = format!("{file} ended with 0\n");
        assert!(ended.stdout.contains(&line), "{file}: {}", ended.stderr);
    }
}
