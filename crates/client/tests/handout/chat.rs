//! The chat room of lab 002.

use std::io::Write;

use crate::labclient::at;
use crate::printed::{accept, expect, printed, send_bytewise, serving};

#[test]
fn lines_are_said_one_by_one_and_what_others_say_is_shown() {
    let server = serving(|listener| {
        let mut stream = accept(&listener);
        expect(&stream, "Ann");
        expect(&stream, "hello");
        stream.write_all(b"Joty has joined the chat.").unwrap();
        expect(&stream, "  I quit ");
        send_bytewise(&stream, "Joty: héllo €\u{7}".as_bytes());
        expect(&stream, "quit");
        stream.write_all(b"Joty has left the chat.").unwrap();
    });
    let ended = server.run(&["handout", "chat"], "Ann\nhello\n  I quit \nquit\n");
    assert_eq!((ended.status, ended.stderr.as_str()), (Some(0), "name:\n"));
    // No message has an end, so what comes in pieces is shown in pieces, but no character is cut.
    let shown = "Joty has joined the chat.Joty: héllo €\\u{7}Joty has left the chat.";
    assert_eq!(ended.stdout.replace('\n', ""), shown);
}

#[test]
fn the_end_of_the_input_leaves_the_room() {
    let server = printed(&["C: Ann\nC: hello\nC: quit\nS closes"]);
    let ended = server.run(&["handout", "chat"], "\nAnn\nhello\n");
    ended.refused(1, &["an empty message cannot be sent"]);
}

#[test]
fn a_room_that_does_not_close_after_quit_is_left_all_the_same() {
    let server = printed(&["C: Ann\nC: quit"]);
    server.run(&["handout", "chat"], "Ann\n").exited(0, "");
}

#[test]
fn a_name_that_is_taken_is_status_1() {
    let server = serving(|listener| {
        let mut stream = accept(&listener);
        expect(&stream, "Ann");
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
        let said: String = lines.iter().map(|line| format!("C: {line}\n")).collect();
        let server = printed(&[&format!("C: Ann\n{said}S: The room is full.\nS closes")]);
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
    let server = printed(&["C: Ann\nS: Joty: hi\nC: quit\nS closes"]);
    let mut client = at(&server, &["handout", "chat", "--json"]).start();
    let said = "{\"ok\":true,\"received\":\"Joty: hi\"}\n";
    assert_eq!(client.ask("Ann"), said);
    assert_eq!(client.end().status, Some(0));
    server.finish();
}
