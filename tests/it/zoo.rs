//! The programs of `examples/zoo`, and what is said of them.

use std::collections::BTreeSet;
use std::path::Path;

use check::case::Case;
use check::dialect::Dialect;
use check::suites::{client_cases, server_cases};
use proto::handout::Handout;
use proto::mode::{Mode, Transport};
use toml::Table;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/zoo");
const LIST: &str = include_str!("../../examples/zoo/zoo.toml");
const README: &str = include_str!("../../examples/zoo/README.md");
const PROTOCOL: &str = include_str!("../../docs/protocol.md");

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
fn each_program_is_named_after_what_it_speaks_and_its_half_and_breaks_a_section_unless_it_is_odd() {
    for program in programs() {
        let file = file(&program);
        let half = text(&program, "half").unwrap();
        assert!(["server", "client"].contains(&half), "{file}: {half}");
        let (name, page) = match (text(&program, "mode"), text(&program, "handout")) {
            (Some(mode), None) => {
                assert!(Mode::parse(mode).is_some(), "{file}: {mode}");
                (mode.to_owned(), PROTOCOL.to_owned())
            }
            (None, Some(handout)) => {
                assert!(Handout::parse(handout).is_some(), "{file}: {handout}");
                let page = format!("{FOLDER}/../../docs/handouts/{handout}.md");
                let name = format!("handout_{}", handout.replace('-', "_"));
                (name, std::fs::read_to_string(page).unwrap())
            }
            _ => panic!("{file} has a mode or a hand-out"),
        };
        let is_odd = file.starts_with("odd_");
        let begin = file.strip_prefix("odd_").unwrap_or(file);
        assert!(begin.starts_with(&format!("{name}_{half}_")), "{file}");
        assert_eq!(text(&program, "mistake").is_none(), is_odd, "{file}");
        assert_eq!(text(&program, "rule").is_none(), is_odd, "{file}");
        assert_eq!(fails(&program).is_empty(), is_odd, "{file}");
        if let Some(rule) = text(&program, "rule") {
            let mut headings = page.lines().filter(|line| line.starts_with('#'));
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

/// The cases of one half of what is spoken.
struct Suite {
    half: &'static str,
    dialect: Dialect,
    is_udp: bool,
    cases: Vec<Case>,
}

/// A case as its suite has it. Several suites may have one of the same name and rule: it is the same.
type Shared = (&'static str, &'static str, &'static str);

impl Suite {
    fn all() -> Vec<Suite> {
        let services = Mode::ALL.into_iter().map(Dialect::Service);
        let handouts = Handout::ALL.into_iter().map(Dialect::Handout);
        let servers = services.chain(handouts).map(|dialect| Suite {
            half: "server",
            is_udp: false,
            cases: server_cases(&dialect),
            dialect,
        });
        let clients = Mode::ALL.into_iter().flat_map(|mode| {
            let transports = mode.transports().iter();
            transports.map(move |transport| Suite {
                half: "client",
                dialect: Dialect::Service(mode),
                is_udp: mode == Mode::Echo && *transport == Transport::Udp,
                cases: client_cases(&Dialect::Service(mode), *transport),
            })
        });
        let of_handouts = Handout::ALL.into_iter().map(|handout| Suite {
            half: "client",
            is_udp: false,
            cases: client_cases(&Dialect::Handout(handout), handout.transport()),
            dialect: Dialect::Handout(handout),
        });
        servers.chain(clients).chain(of_handouts).collect()
    }

    fn judges(&self, program: &Table) -> bool {
        let key = match self.dialect {
            Dialect::Handout(_) => "handout",
            _ => "mode",
        };
        let is_udp = program.get("udp").is_some_and(|udp| udp.as_bool().unwrap());
        text(program, "half") == Some(self.half)
            && text(program, key) == Some(self.dialect.name())
            && is_udp == self.is_udp
    }

    fn id(&self, case: &Case) -> String {
        case.id(&self.dialect)
    }

    fn shared(&self, case: &Case) -> Shared {
        (self.half, case.name, case.rule)
    }
}

fn fails(program: &Table) -> BTreeSet<&str> {
    let fails = program["fails"].as_array().unwrap().iter();
    fails.map(|id| id.as_str().unwrap()).collect()
}

/// The cases that it fails or not, by chance.
fn may(program: &Table) -> BTreeSet<&str> {
    let may = program.get("may").and_then(|may| may.as_array());
    let ids = may.into_iter().flatten().map(|id| id.as_str().unwrap());
    ids.collect()
}

#[test]
fn a_program_fails_only_cases_that_there_are() {
    let suites = Suite::all();
    for program in programs() {
        let suite = suites.iter().find(|suite| suite.judges(&program)).unwrap();
        let ids: BTreeSet<_> = suite.cases.iter().map(|case| suite.id(case)).collect();
        let mut listed = fails(&program).into_iter().chain(may(&program));
        let unknown = listed.find(|id| !ids.contains(*id));
        assert_eq!(unknown, None, "{}", file(&program));
    }
}

#[test]
fn each_case_is_failed_by_a_program() {
    let (suites, programs) = (Suite::all(), programs());
    let is_failed = |suite: &Suite, case: &Case| {
        let mut judged = programs.iter().filter(|program| suite.judges(program));
        judged.any(|program| {
            fails(program).contains(&*suite.id(case)) || may(program).contains(&*suite.id(case))
        })
    };
    let mut found = BTreeSet::new();
    for suite in &suites {
        let failed = suite.cases.iter().filter(|case| is_failed(suite, case));
        found.extend(failed.map(|case| suite.shared(case)));
    }
    let mut missing = BTreeSet::new();
    for suite in &suites {
        let not_found = |case: &&Case| !found.contains(&suite.shared(case));
        let cases = suite.cases.iter().filter(not_found);
        missing.extend(cases.map(|case| suite.id(case)));
    }
    assert_eq!(missing, BTreeSet::new());
}
