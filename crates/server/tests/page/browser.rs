//! What a real browser shows of the page, and what its buttons do.

use std::io::Write;
use std::net::TcpListener;

use proto::frame::Framing;
use testkit::assert_starts;
use testkit::browser::Browser;
use testkit::peer::{Peer, with_timeouts};
use testkit::require_browser;

use super::{Watched, program, read_until};

/// The text of every row that is drawn, one a line.
const ROWS: &str =
    "[...document.querySelectorAll('.row')].map(row => row.getAttribute('aria-label')).join('\\n')";

fn open(watched: &Watched) -> Browser {
    let mut browser = Browser::open(&watched.control_url());
    browser.wait_for("document.getElementById('state').textContent.endsWith('events')");
    browser
}

fn has_row(words: &str) -> String {
    format!("({ROWS}).includes({})", serde_json::json!(words))
}

#[test]
fn a_conversation_is_drawn_message_by_message() {
    require_browser!();
    let watched = Watched::start("--mode text --port 0 --watch 0");
    let mut browser = open(&watched);
    let mut peer = watched.server.converse("text tcp");
    browser.wait_for(&has_row("text#0: to the client: READY text 1"));
    for number in [7, 8] {
        peer.ask(&format!("PRIME {number}"));
        browser.wait_for(&has_row(&format!("text#0: to the server: PRIME {number}")));
    }
    browser.wait_for(&has_row("text#0: to the client: OK not prime"));
    drop(peer);
    browser.wait_for(&has_row("text#0: closed by the other end"));
    let rows = browser.text(ROWS);
    let last: Vec<&str> = rows.lines().skip(2).collect();
    assert_eq!(
        last,
        [
            "text#0: to the server: PRIME 7",
            "text#0: to the client: OK prime",
            "text#0: to the server: PRIME 8",
            "text#0: to the client: OK not prime",
            "text#0: closed by the other end",
        ]
    );
    assert_eq!(browser.complaints, [] as [String; 0]);
}

#[test]
fn a_button_loses_the_next_reply_between_two_programs_and_draws_it() {
    require_browser!();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let to = listener.local_addr().unwrap();
    let watched = Watched::start(&format!(
        "--mode proxy --to {to} --port 0 --wire line --watch 0"
    ));
    let mut browser = open(&watched);
    let mut client = Peer::over(watched.server.connect("proxy tcp"), Framing::Line);
    let mut server = Peer::over(with_timeouts(listener.accept().unwrap().0), Framing::Line);
    let mut exchange = |request: &str, reply: &str| {
        client.send(request);
        assert_eq!(server.receive().unwrap(), request);
        server.send(reply);
    };
    browser.click("[data-once='drop-reply=#1']");
    browser.wait_for(&has_row("faults from here on: drop-reply=#1 --seed "));
    exchange("withdraw 500", "done");
    browser.wait_for(&has_row("proxy#0: to the client: done, lost"));
    assert_eq!(
        browser.value("document.querySelectorAll('.row.lost .cross').length"),
        1
    );
    exchange("again", "here");
    assert_eq!(client.receive().unwrap(), "here");
    browser.wait_for("document.querySelectorAll('.of-message').length === 8");
    browser.click("[data-always='delay=500ms']");
    browser
        .wait_for("document.querySelector('[data-always=\"delay=500ms\"]').ariaPressed === 'true'");
    browser.click("#no-faults");
    browser.wait_for(&has_row("no faults from here on"));
    assert_eq!(watched.status()["fault"], "");
    assert_eq!(browser.complaints, [] as [String; 0]);
}

#[test]
fn nothing_that_a_peer_says_becomes_markup() {
    require_browser!();
    let watched = Watched::start("--mode chat --port 0 --watch 0");
    let mut browser = open(&watched);
    let evil = "<img src=x onerror=window.evil=1><script>window.evil=1</script>";
    let mut peer = watched.server.converse("chat tcp");
    peer.send(&format!("JOIN {evil}"));
    assert_starts(&peer.receive().unwrap(), "ERR ");
    assert_starts(&peer.ask("JOIN joty"), "OK");
    peer.send(&format!("SAY {evil}"));
    peer.send("SAY \u{202e}turned\u{1b}[2J");
    browser.wait_for(&has_row(&format!("SAY {evil}")));
    browser.wait_for(&has_row("to the server: SAY \\u{202e}turned\\u{1b}[2J"));
    browser
        .wait_for("document.querySelector('#connections .refused')?.textContent.startsWith('ERR')");
    browser.value("[...document.querySelectorAll('.row')].forEach(row => row.dispatchEvent(new MouseEvent('click', {bubbles: true})))");
    let found = browser.value("document.querySelectorAll('img').length + document.querySelectorAll('script').length + (window.evil || 0)");
    assert_eq!(found, 1, "the page's own script alone");
    assert_eq!(browser.complaints, [] as [String; 0]);
}

#[test]
fn a_pause_holds_back_what_comes_and_a_step_shows_one() {
    require_browser!();
    let watched = Watched::start("--mode text --port 0 --watch 0");
    let mut browser = open(&watched);
    let mut peer = watched.server.converse("text tcp");
    browser.wait_for(&has_row("READY"));
    browser.click("#pause");
    for text in ["a", "b"] {
        peer.ask(&format!("LOWER {text}"));
    }
    // Of each message there is its read too, which is not shown.
    browser.wait_for("document.getElementById('state').textContent.includes('6 not drawn yet')");
    let drawn = "document.querySelectorAll('.of-message').length";
    assert_eq!(browser.value(drawn), 1);
    browser.click("#step");
    browser.wait_for(&has_row("LOWER a"));
    assert_eq!(browser.value(drawn), 2);
    browser.click("#pause");
    browser.wait_for(&has_row("OK b"));
    assert_eq!(browser.value(drawn), 5);
}

#[test]
fn ten_thousand_messages_are_kept_and_those_in_sight_are_drawn() {
    require_browser!();
    let watched = Watched::start("--mode text --port 0 --watch 0");
    let mut events = watched.follow();
    let mut peer = watched.server.converse("text tcp");
    for number in 0..5_000 {
        peer.ask(&format!("LOWER {number}"));
        // A dozen, their answers and their reads in a tick are few enough to be shown.
        if number % 12 == 11 {
            read_until(&mut events, &format!("LOWER {number}"));
        }
    }
    let mut browser = open(&watched);
    browser.wait_for(&has_row("OK 4999"));
    let drawn = browser
        .value("document.querySelectorAll('.row').length")
        .as_u64()
        .unwrap();
    assert!((10..100).contains(&drawn), "{drawn}");
    browser.value("document.getElementById('scroll').scrollTop = 0");
    browser.wait_for(&has_row("READY text 1"));
    browser.wait_for("!document.getElementById('latest').hidden");
    browser.click("#latest");
    browser.wait_for(&has_row("OK 4999"));
    assert_eq!(browser.complaints, [] as [String; 0]);
}

#[test]
fn a_server_that_crashes_and_is_started_again_goes_on_in_the_same_page() {
    require_browser!();
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let arguments = format!("--mode text --port 0 --watch {port} --allow-crash");
    let Watched { home, server } = Watched::start(&arguments);
    let watched = Watched { home, server };
    let mut browser = open(&watched);
    browser.wait_for("!document.getElementById('crash').hidden");
    browser.click("#crash");
    browser.wait_for(&has_row("crashes by hand"));
    let Watched { home, server } = watched;
    assert_eq!(server.end_by_itself().signal, Some(9));
    let again = program(home.path(), &arguments).start();
    browser.wait_for(&has_row("started again, process "));
    let mut peer = again.converse("text tcp");
    assert_eq!(peer.ask("PRIME 7"), "OK prime");
    browser.wait_for(&has_row("to the server: PRIME 7"));
    browser.click("[data-once='drop-reply=#1']");
    browser.wait_for(&has_row("faults from here on: drop-reply=#1"));
}

#[test]
fn without_the_token_the_buttons_are_off() {
    require_browser!();
    let watched = Watched::start("--mode text --port 0 --watch 0");
    let url = watched.control_url();
    let mut browser = Browser::open(url.split_once('#').unwrap().0);
    browser.wait_for("document.getElementById('state').textContent.endsWith('events')");
    browser.wait_for("!document.getElementById('no-control').hidden");
    let off = "[...document.querySelectorAll('#faults button')].every(button => button.disabled)";
    assert_eq!(browser.value(off), true);
    let mut peer = watched.server.connect("text tcp");
    peer.write_all(b"8:PRIME 7").unwrap();
    browser.wait_for(&has_row("READY text 1"));
}
