//! The chat room of lab 002.

use std::io::Write;
use std::sync::mpsc::channel;

use crate::labclient::{at, pipe};
use crate::printed::{accept, drips, hears, hears_the_end, serving};

#[test]
fn lines_are_said_one_by_one_and_what_others_say_is_shown() {
    let server = serving(|listener| {
        let mut stream = accept(&listener);
        hears(&stream, "Ann");
        hears(&stream, "hello");
        stream.write_all(b"Joty has joined the chat.").unwrap();
        hears(&stream, "  I quit ");
        drips(&stream, "Joty: héllo €\u{7}".as_bytes());
        hears(&stream, "quit");
        stream.write_all(b"Joty has left the chat.").unwrap();
    });
    let ended = server.run(&["handout", "chat"], "Ann\nhello\n  I quit \nquit\n");
    assert_eq!((ended.status, ended.stderr.as_str()), (Some(0), "name:\n"));
    // No message has an end, so what comes in pieces is shown in pieces, but no character is cut.
    let shown = ended.stdout.replace('\n', "");
    assert_eq!(
        shown,
        "Joty has joined the chat.Joty: héllo €\\u{7}Joty has left the chat."
    );
}

#[test]
fn the_end_of_the_input_leaves_the_room() {
    let server = serving(|listener| {
        let stream = accept(&listener);
        hears(&stream, "Ann");
        hears(&stream, "hello");
        hears(&stream, "quit");
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        hears_the_end(&stream);
    });
    let ended = server.run(&["handout", "chat"], "\nAnn\nhello\n");
    ended.refused(1, &["an empty message cannot be sent"]);
}

#[test]
fn a_room_that_does_not_close_after_quit_is_left_all_the_same() {
    let (tell, told) = channel();
    let server = serving(move |listener| {
        let stream = accept(&listener);
        hears(&stream, "Ann");
        hears(&stream, "quit");
        hears_the_end(&stream);
        tell.send(()).unwrap();
    });
    let ended = pipe(&server, &["handout", "chat"], "Ann\n");
    ended.exited(0, "");
    told.recv().unwrap();
    server.finish();
}

#[test]
fn a_name_that_is_taken_is_status_1() {
    let server = serving(|listener| {
        let mut stream = accept(&listener);
        hears(&stream, "Ann");
        stream.write_all(b"Name already taken.").unwrap();
        let _ = stream.shutdown(std::net::Shutdown::Write);
        // What was typed before that was shown may come.
        let _ = std::io::copy(&mut stream, &mut std::io::sink());
    });
    // The person reads that, and does not end the input.
    let mut client = at(&server, &["handout", "chat"]).start();
    assert_eq!(client.ask("Ann"), "Name already taken.\n");
    let ended = client.end_by_itself();
    server.finish();
    assert_eq!(ended.status, Some(1), "{ended:?}");
    assert!(
        ended.stderr.ends_with("the room did not take the name\n"),
        "{ended:?}"
    );
}

#[test]
fn a_room_that_closes_before_anything_was_said_is_status_1_and_after_that_3() {
    for (lines, status) in [(&[][..], 1), (&["hello"], 3)] {
        let server = serving(move |listener| {
            let mut stream = accept(&listener);
            hears(&stream, "Ann");
            for line in lines {
                hears(&stream, line);
            }
            stream.write_all(b"The room is full.").unwrap();
        });
        let mut client = at(&server, &["handout", "chat"]).start();
        client.write_line("Ann");
        for line in lines {
            client.write_line(line);
        }
        let ended = client.end_by_itself();
        server.finish();
        ended.exited(status, "The room is full.\n");
        ended.complained(status, &["closed the connection"]);
    }
}

#[test]
fn with_json_each_thing_heard_is_an_object() {
    let server = serving(|listener| {
        let mut stream = accept(&listener);
        hears(&stream, "Ann");
        stream.write_all(b"Joty: hi").unwrap();
        hears(&stream, "quit");
    });
    let mut client = at(&server, &["handout", "chat", "--json"]).start();
    assert_eq!(
        client.ask("Ann"),
        "{\"ok\":true,\"received\":\"Joty: hi\"}\n"
    );
    assert_eq!(client.end().status, Some(0));
    server.finish();
}
