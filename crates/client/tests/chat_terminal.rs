//! The real `labclient chat` on a pseudo-terminal: what is shown while a line is typed.

use proto::frame::Framing;
use proto::mode::Mode;
use testkit::peer::Peer;
use testkit::service::{Service, start};
use testkit::terminal::Terminal;
use testkit::terminal::key::{CTRL_C, CTRL_D, UP};

use crate::labclient::labclient;

/// A member at a terminal.
fn at_terminal(room: &Service, words: &[&str]) -> Terminal {
    let client = labclient(&["chat"]).at(room).with(words);
    Terminal::start(client.adjust(|command| command.env("USER", "Ahona")))
}

/// Another member.
fn join(room: &Service, name: &str) -> Peer {
    let mut peer = room.converse(Framing::Netstring);
    peer.send(&format!("JOIN {name}"));
    peer.receive_until(&format!("OK joined {name}"));
    peer
}

/// A room with Joty, and Adarsh at a terminal.
fn room_of_two() -> (Service, Peer, Terminal) {
    let room = start(Mode::Chat);
    let joty = join(&room, "Joty");
    let adarsh = at_terminal(&room, &["--name", "Adarsh"]);
    (room, joty, adarsh)
}

#[test]
fn who_enters_is_shown_how_to_leave_and_an_unknown_command_is_not_said() {
    let room = start(Mode::Chat);
    let mut joty = join(&room, "Joty");
    let mut ahona = at_terminal(&room, &["--name", "Ahona"]);
    ahona.answer("/help: this again, quit: leave.", "/bye");
    ahona.answer(
        "(not said: \"/bye\" is none of: /who, /help, /quit;",
        "/help",
    );
    ahona.answer("/help: this again, quit: leave.", "//exit");
    ahona.expect("Ahona: /exit");
    let first = joty.receive_until("EVENT said ");
    assert_eq!(first, "EVENT said Ahona /exit");
    ahona.enter("quit");
    ahona.end(0);
}

#[test]
fn a_line_that_comes_in_stands_above_the_one_being_typed() {
    let (_room, mut joty, mut adarsh) = room_of_two();
    adarsh.expect("Adarsh has joined the chat.");
    adarsh.expect("Already here: Joty");
    adarsh.expect("chat> ");
    adarsh.press("half");
    adarsh.expect("half");
    joty.send("SAY hello");
    adarsh.expect("Joty: hello\r\n");
    // What was typed is drawn again, and still belongs to the line.
    adarsh.answer("chat> half", " a line");
    joty.receive_until("EVENT said Adarsh half a line");
    adarsh.answer("Adarsh: half a line\r\n", "quit");
    joty.receive_until("EVENT left Adarsh quit");
    let shown = adarsh.end(0);
    let rest = shown.rsplit_once("Adarsh: half a line\r\n").unwrap().1;
    assert!(!rest.contains("half a line"), "shown twice: {shown:?}");
}

#[test]
fn lines_typed_ahead_and_pasted_are_each_said() {
    let (_room, mut joty, mut adarsh) = room_of_two();
    adarsh.expect("chat> ");
    adarsh.press("one\rtwo\rthree\r");
    adarsh.press("\x1b[200~four\rfive\x1b[201~\r");
    for line in ["one", "two", "three", "four", "five"] {
        joty.receive_until(&format!("EVENT said Adarsh {line}"));
        adarsh.expect(&format!("Adarsh: {line}\r\n"));
    }
    // Up brings back what was said.
    adarsh.press(&format!("{UP}{UP}{UP}\r"));
    joty.receive_until("EVENT said Adarsh three");
    adarsh.enter("quit");
    adarsh.end(0);
}

#[test]
fn the_name_is_asked_for_until_it_is_free() {
    let room = start(Mode::Chat);
    let mut joty = join(&room, "Joty");
    let mut ahona = at_terminal(&room, &[]);
    ahona.answer("name [Ahona]: ", "joty");
    ahona.expect("Joty is in the room");
    ahona.answer("name [Ahona]: ", "two words");
    ahona.expect("a name has");
    ahona.answer("name [Ahona]: ", "");
    joty.receive_until("EVENT joined Ahona");
    ahona.expect("chat> ");
    ahona.press(CTRL_D);
    joty.receive_until("EVENT left Ahona quit");
    ahona.end(0);
}

#[test]
fn ctrl_c_leaves_although_a_line_is_half_typed() {
    let (_room, mut joty, mut adarsh) = room_of_two();
    adarsh.expect("chat> ");
    adarsh.press("never said");
    adarsh.expect("never said");
    adarsh.press(CTRL_C);
    joty.receive_until("EVENT left Adarsh quit");
    adarsh.end(0);
}

#[test]
fn a_stopping_server_ends_the_client_although_a_line_is_half_typed() {
    let room = start(Mode::Chat);
    let mut adarsh = at_terminal(&room, &["--name", "Adarsh"]);
    adarsh.expect("chat> ");
    adarsh.press("half");
    adarsh.expect("half");
    room.stop();
    let shown = adarsh.end(3);
    assert!(shown.contains("the server is stopping"), "{shown:?}");
}

#[test]
fn a_busy_room_is_shown_whole_and_in_order_while_a_line_is_typed() {
    let (_room, mut joty, mut adarsh) = room_of_two();
    adarsh.expect("chat> ");
    joty.receive_until("EVENT joined Adarsh");
    for number in 0..18 {
        joty.send(&format!("SAY line {number}."));
        adarsh.press("x");
    }
    for number in 0..18 {
        adarsh.expect(&format!("Joty: line {number}.\r\n"));
    }
    adarsh.enter("");
    joty.receive_until(&format!("EVENT said Adarsh {}", "x".repeat(18)));
    joty.send("SAY last words");
    adarsh.enter("quit");
    adarsh.end(0);
}
