//! Outputs that are not read, or that cannot be written.

use proto::mode::Mode;
use testkit::service::start;

use crate::labclient::at;

#[test]
fn answers_that_are_not_read_are_no_failure_and_no_words() {
    let text = start(Mode::Text);
    for (arguments, input) in [
        (&["text", "prime", "97"][..], String::new()),
        (&["text"], "lower A\n".repeat(20_000)),
        (&["text", "--json"], "prime x\n".repeat(20_000)),
        (&["text", "--help"], String::new()),
        (&["completions", "bash"], String::new()),
        (&["script", "list"], String::new()),
    ] {
        at(&text, arguments)
            .with_closed_stdout()
            .run_with(input)
            .printed("");
    }
}

#[test]
fn the_client_ends_when_its_reader_has_enough() {
    let text = start(Mode::Text);
    let (reader, writer) = std::io::pipe().unwrap();
    let mut client = at(&text, &["text"])
        .adjust(|command| command.stdout(writer))
        .start();
    let mut first = String::new();
    client.write_line("lower FIRST");
    let mut reader = std::io::BufReader::new(reader);
    std::io::BufRead::read_line(&mut reader, &mut first).unwrap();
    assert_eq!(first, "first\n");
    drop(reader);
    // One line more may be printed: a program that another test is just starting holds a copy of the
    // reading end until it runs.
    while !client.has_ended() {
        client.write_line("lower NEXT");
    }
    client.end_by_itself().printed("");
}

#[test]
fn an_output_that_is_full_is_reported() {
    let Ok(full) = std::fs::OpenOptions::new().write(true).open("/dev/full") else {
        return eprintln!("skipped: there is no /dev/full here");
    };
    let text = start(Mode::Text);
    let ended = at(&text, &["text", "prime", "97"])
        .adjust(|command| command.stdout(full))
        .run();
    ended.failed(
        6,
        "cannot write to standard output: No space left on device (os error 28)",
    );
}
