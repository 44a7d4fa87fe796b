//! `docs/checks.md` lists all cases.

use std::fmt::Write;
use std::sync::Arc;

use check::case::Case;
use check::dialect::Dialect;
use check::suites::{client_cases, server_cases};
use proto::handout::Handout;
use proto::mode::{Mode, Transport};
use proto::script::{DEFAULT, Script, Shipped};
use testkit::process::Program;

use crate::programs;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/checks.md");

const HEAD: &str = "\
# The cases of a check

All cases of `labclient check`, which judges servers, and `labserver check`, which judges clients; [grading.md](grading.md)
explains both. The id of a case is the service, a dot and its name. An answer is waited for 10 s (`--timeout`), a case may
take 60 s (`--time-limit`), and a server 60 s until it listens. This page is generated from the code: `SOCKETLAB_WRITE=1
cargo test --test it the_page_lists` writes it.
";

fn table(page: &mut String, heading: &str, prefix: &str, cases: &[Case]) {
    let _ = writeln!(
        page,
        "\n## {heading}\n\n| case | level | points | rule |\n|---|---|---|---|"
    );
    for case in cases {
        let rule = case.rule.replace('|', "\\|");
        let _ = writeln!(
            page,
            "| `{prefix}.{}` | {} | {} | {rule} |",
            case.name, case.level, case.points
        );
    }
}

/// The commands of this program that check something, in this document.
fn checks(document: &str, program: &str) -> Vec<String> {
    let command = format!("{program} check ");
    let joined = document.replace("\\\n", " ");
    let quoted = joined.split('`').skip(1).step_by(2).map(str::to_owned);
    let indented = joined.lines().filter_map(|line| line.strip_prefix("    "));
    let indented = indented.filter_map(|line| line.split(" #").next().map(str::to_owned));
    let all = quoted.chain(indented);
    // One with an ellipsis, or nothing behind it, only names the command.
    all.filter(|it| it.starts_with(&command) && !it.contains('…'))
        .collect()
}

#[test]
fn what_the_pages_say_to_check_with_can_be_said() {
    let documents = [
        include_str!("../../../docs/labs.md"),
        include_str!("../../../docs/grading.md"),
    ];
    for program in ["labclient", "labserver"] {
        let commands: Vec<String> = documents
            .iter()
            .flat_map(|it| checks(it, program))
            .collect();
        assert!(commands.len() > 8, "{commands:?}");
        for command in commands {
            let file = programs().command(program);
            let file = file.get_program().to_str().unwrap();
            let (own, judged) = match command.split_once(" -- ") {
                Some((own, judged)) => (own, format!(" -- '{}'", judged.replace(' ', "' '"))),
                None => (command.as_str(), String::new()),
            };
            let own = own.replacen(program, file, 1);
            let shell = Program::new("sh").with(&["-c", &format!("{own} --list{judged}")]);
            let ended = shell.run();
            assert_eq!(ended.status, Some(0), "{command}: {ended:?}");
        }
    }
}

#[test]
fn the_page_lists_every_case() {
    let mut page = HEAD.to_owned();
    let script: Script = Shipped::find(DEFAULT).unwrap().source.parse().unwrap();
    let script = Arc::new(script);
    for mode in Mode::ALL {
        let dialect = match mode {
            Mode::Script => Dialect::Script(DEFAULT.into(), Arc::clone(&script)),
            mode => Dialect::Service(mode),
        };
        table(
            &mut page,
            &format!("The server of {}", mode.name()),
            mode.name(),
            &server_cases(&dialect),
        );
    }
    for handout in Handout::ALL {
        let cases = server_cases(&Dialect::Handout(handout));
        table(
            &mut page,
            &format!("The server of the hand-out {}", handout.name()),
            handout.name(),
            &cases,
        );
    }
    for mode in Mode::ALL {
        let dialect = match mode {
            Mode::Script => Dialect::Script(DEFAULT.into(), Arc::clone(&script)),
            mode => Dialect::Service(mode),
        };
        for transport in dialect.transports() {
            let over = match (mode, transport) {
                (Mode::Echo, Transport::Udp) => " over UDP",
                _ => "",
            };
            table(
                &mut page,
                &format!("The client of {}{over}", mode.name()),
                mode.name(),
                &client_cases(&dialect, *transport),
            );
        }
    }
    for handout in Handout::ALL {
        table(
            &mut page,
            &format!("The client of the hand-out {}", handout.name()),
            handout.name(),
            &client_cases(&Dialect::Handout(handout), handout.transport()),
        );
    }
    if std::env::var_os("SOCKETLAB_WRITE").is_some() {
        std::fs::write(PAGE, &page).unwrap();
    }
    assert!(
        page == std::fs::read_to_string(PAGE).unwrap(),
        "{PAGE} is not what the code says"
    );
}
