//! Exit status 1: the service said no, in its own words.

use proto::mode::Mode;
use testkit::service::start;

use crate::labclient::{labclient, run};

const CARD: &[&str] = &["atm", "--card", "123456789"];

#[test]
fn a_refused_request_is_reported_on_standard_error() {
    let calc = start(Mode::Calc);
    run(&calc, &["calc", "1 / 0"]).failed(1, "division by zero");
    let text = start(Mode::Text);
    run(&text, &["text", "prime", &"9".repeat(2_001)])
        .failed(1, "a number tested for being prime has at most 2000 digits");
}

#[test]
fn a_wrong_pin_and_an_unknown_card_are_indistinguishable() {
    let bank = start(Mode::Atm);
    let refused = |card: &str, pin: &str| {
        let ended = labclient(&["atm", "--card", card, "balance"])
            .pin(pin)
            .at(&bank)
            .run();
        ended.exited(1, "");
        ended.stderr
    };
    assert_eq!(refused("123456789", "9999"), refused("4000999", "1234"));
    for _ in 0..2 {
        refused("123456789", "9999");
    }
    let locked = refused("123456789", "1234");
    assert!(locked.contains("locked"), "{locked}");
}

#[test]
fn more_than_there_is_cannot_be_withdrawn() {
    let bank = start(Mode::Atm);
    let ended = run(&bank, &[CARD, &["withdraw", "10000.01"]].concat());
    ended.exited(1, "");
    run(&bank, &[CARD, &["balance"]].concat()).printed("10000.00\n");
    let ended = run(&bank, &[CARD, &["withdraw", "10000"]].concat());
    assert_eq!(ended.status, Some(0), "{ended:?}");
}

#[test]
fn with_json_a_refusal_is_an_object_as_in_a_pipe() {
    let calc = start(Mode::Calc);
    let ended = run(&calc, &["calc", "1 / 0", "--json"]);
    assert_eq!(
        ended.stdout,
        "{\"code\":\"division-by-zero\",\"definite\":true,\"error\":\"division by zero\",\
         \"kind\":\"refused\",\"ok\":false,\"status\":1}\n"
    );
    assert_eq!(ended.stderr, "labclient: division by zero\n");
    assert_eq!(ended.status, Some(1));
}

#[test]
fn the_words_of_a_server_cannot_move_the_cursor() {
    let stranger = crate::bare_servers::sends("17:READY calc 1\x1b[2J\x07,");
    let ended = run(&stranger, &["calc", "1 + 1"]);
    assert!(!ended.stderr.contains('\x1b'), "{ended:?}");
    let busy = crate::bare_servers::sends("25:ERR busy \x1b[2Jtry\u{202e} later,");
    run(&busy, &["calc", "1 + 1"]).failed(1, "[2Jtry\\u{202e} later");
}
