//! Lab 002's chat room.

use std::net::TcpStream;
use std::time::Duration;

use proto::handout::Handout;
use testkit::peer::reset;
use testkit::service::Service;

use super::{answer_to, connect_and_leave, hear, hear_the_end, say, started};

/// Joins an empty room, where no other member hears of it. So two ask for the name, and the one
/// that is not refused is in the room.
pub fn first(server: &Service, name: &str) -> TcpStream {
    let mut rivals = [server.connect(), server.connect()];
    for rival in &mut rivals {
        say(rival, name.as_bytes());
    }
    let is_refused = |rival: &TcpStream| {
        let patience = rival.read_timeout().unwrap();
        rival
            .set_read_timeout(Some(Duration::from_millis(1)))
            .unwrap();
        let is_refused = rival.peek(&mut [0]).is_ok();
        rival.set_read_timeout(patience).unwrap();
        is_refused
    };
    let [one, other] = rivals;
    loop {
        match (is_refused(&one), is_refused(&other)) {
            (false, false) => {}
            (true, _) => return other,
            (_, true) => return one,
        }
    }
}

/// Joins, which all the others hear of.
fn join(server: &Service, name: &str, others: &mut [&mut TcpStream]) -> TcpStream {
    let mut stream = server.connect();
    say(&mut stream, name.as_bytes());
    for other in others {
        hear(other, format!("{name} has joined the chat.").as_bytes());
    }
    stream
}

#[test]
fn what_one_says_all_others_hear() {
    let server = started(Handout::Chat);
    for _ in 0..2 {
        let mut joty = first(&server, "Joty");
        let mut ahona = join(&server, "Ahona", &mut [&mut joty]);
        let mut adarsh = join(&server, "Adarsh", &mut [&mut joty, &mut ahona]);
        say(&mut joty, "hello, বাংলা".as_bytes());
        for other in [&mut ahona, &mut adarsh] {
            hear(other, "Joty: hello, বাংলা".as_bytes());
        }
        say(&mut ahona, b"quit it");
        for other in [&mut joty, &mut adarsh] {
            hear(other, b"Ahona: quit it");
        }
        say(&mut ahona, b"quit");
        hear_the_end(&mut ahona);
        hear(&mut joty, b"Ahona has left the chat.");
        reset(adarsh);
        hear(&mut joty, b"Adarsh has left the chat.");
        say(&mut joty, b"quit");
        hear_the_end(&mut joty);
        connect_and_leave(&server);
    }
}

#[test]
fn a_name_that_cannot_be_had_is_refused_and_the_connection_closed() {
    let server = started(Handout::Chat);
    let mut joty = first(&server, "Joty");
    for name in ["Joty", "joty", "server", " ", "\n"] {
        assert_eq!(answer_to(&server, name.as_bytes()), "Name already taken.");
    }
    assert_eq!(
        answer_to(&server, b"Joty: hi"),
        "A name has visible characters, no colon and no blank at either end, not \"Joty: hi\"."
    );
    assert!(answer_to(&server, b"\xff").starts_with("Not UTF-8"));
    let mut jose = join(&server, "José Saha", &mut [&mut joty]);
    say(&mut jose, b"hello");
    hear(&mut joty, "José Saha: hello".as_bytes());
    let _ahona = join(&server, "Ahona", &mut [&mut joty, &mut jose]);
}

#[test]
fn a_line_that_cannot_be_sent_is_refused_to_its_author_alone() {
    let server = started(Handout::Chat);
    let mut joty = first(&server, "Joty");
    let mut ahona = join(&server, "Ahona", &mut [&mut joty]);
    say(&mut ahona, "x".repeat(1_000).as_bytes());
    hear(
        &mut ahona,
        b"A text has at most 900 bytes, this one 1000; nobody got it.",
    );
    say(&mut ahona, b"short");
    hear(&mut joty, b"Ahona: short");
}

#[test]
fn all_members_hear_that_the_server_stops() {
    let server = started(Handout::Chat);
    let mut joty = first(&server, "Joty");
    let mut ahona = join(&server, "Ahona", &mut [&mut joty]);
    server.stop();
    for stream in [&mut joty, &mut ahona] {
        hear(stream, b"The server is stopping.");
        hear_the_end(stream);
    }
}
