//! `docs/checks.md` lists all cases.

use std::fmt::Write;
use std::sync::Arc;

use check::case::Case;
use check::dialect::Dialect;
use check::suites::{client_cases, server_cases};
use proto::handout::Handout;
use proto::mode::{Mode, Transport};
use proto::script::{DEFAULT, Script, Shipped};

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
        for transport in mode.transports() {
            let cases = client_cases(mode, *transport);
            let over = match (mode, transport) {
                (Mode::Echo, Transport::Udp) => " over UDP",
                _ => "",
            };
            if !cases.is_empty() {
                table(
                    &mut page,
                    &format!("The client of {}{over}", mode.name()),
                    mode.name(),
                    &cases,
                );
            }
        }
    }
    if std::env::var_os("SOCKETLAB_WRITE").is_some() {
        std::fs::write(PAGE, &page).unwrap();
    }
    assert!(
        page == std::fs::read_to_string(PAGE).unwrap(),
        "{PAGE} is not what the code says"
    );
}
