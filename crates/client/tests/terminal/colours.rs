//! Which environment has colours, at a terminal.

use proto::mode::Mode;
use testkit::service;
use testkit::terminal::{COLOURS, Terminal};

use crate::labclient::labclient;

type Environment = &'static [(&'static str, &'static str)];

/// All that is shown of this at a terminal.
fn shown(arguments: &[&str], environment: Environment, status: i32) -> String {
    let client = labclient(arguments);
    let client = client.adjust(|command| command.envs(environment.iter().copied()));
    Terminal::start(client).end(status)
}

#[test]
fn help_complaints_traces_and_pictures_have_colours_where_they_are_wanted() {
    let text = service::start(Mode::Text);
    let server = text.to_string();
    let recording = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/recordings/withdrawal.client.jsonl"
    );
    for (arguments, status) in [
        (&["text", "--help"][..], 0),
        (&["text", "--no-such-option"], 2),
        (&["--trace", "--server", &server, "text", "prime", "97"], 0),
        (&["view", recording], 0),
    ] {
        let is_coloured = |environment| {
            let shown = shown(arguments, environment, status);
            assert!(!shown.is_empty());
            shown.contains('\x1b')
        };
        let found = testkit::at_once(COLOURS, |(environment, expected)| {
            (environment, is_coloured(environment), expected)
        });
        for (environment, is_coloured, expected) in found {
            assert_eq!(is_coloured, expected, "{arguments:?} in {environment:?}");
        }
    }
}

#[test]
fn a_line_is_drawn_again_where_the_terminal_can_do_that() {
    let text = service::start(Mode::Text);
    let server = text.to_string();
    let check = ["check", "text", &server, "--only", "text.prime.small"];
    let redraws = |environment| shown(&check, environment, 0).contains("\r\x1b[K");
    assert!(redraws(&[]));
    assert!(redraws(&[("NO_COLOR", "1")]), "it is no colour");
    assert!(!redraws(&[("TERM", "dumb")]));
}
