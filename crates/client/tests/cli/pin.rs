//! Where the PIN comes from, and where it must not be.

use proto::mode::Mode;
use testkit::service::start;

use crate::bare_servers::unused_address;
use crate::labclient::{labclient, run};

const BALANCE: &[&str] = &["atm", "--card", "123456789", "balance"];

#[test]
fn the_pin_comes_from_a_file_or_the_environment() {
    let bank = start(Mode::Atm);
    for file in ["1234", "1234\n", "1234\r\nanything else\n"] {
        let client = labclient(BANK_WITH_FILE).beside("pin.txt", file);
        client.at(&bank).run().printed("10000.00\n");
    }
    run(&bank, BALANCE).printed("10000.00\n");
}

const BANK_WITH_FILE: &[&str] = &[
    "atm",
    "--card",
    "123456789",
    "balance",
    "--pin-file",
    "pin.txt",
];

#[test]
fn the_file_comes_before_the_environment() {
    let bank = start(Mode::Atm);
    labclient(BANK_WITH_FILE)
        .beside("pin.txt", "1234")
        .pin("9999")
        .at(&bank)
        .run()
        .printed("10000.00\n");
}

#[test]
fn a_pipe_is_never_asked_for_a_pin() {
    let unused = unused_address();
    labclient(BALANCE).at(&unused).run_with("1234\n").failed(
        2,
        "a PIN is needed: set LABCLIENT_PIN or give --pin-file FILE",
    );
}

#[test]
fn what_is_no_pin_is_a_usage_error_that_does_not_repeat_it() {
    let unused = unused_address();
    for pin in ["", "471", "47114711471147", "4711x", "47 11", "４７１１"] {
        let ended = labclient(BALANCE).pin(pin).at(&unused).run();
        ended.refused(2, &["PIN"]);
        assert!(pin.is_empty() || !ended.stderr.contains(pin), "{ended:?}");
    }
    let missing = labclient(BANK_WITH_FILE).at(&unused).run();
    assert_eq!(missing.status, Some(2));
    let words = "labclient: cannot read the PIN from pin.txt: No such file";
    assert!(missing.stderr.starts_with(words), "{missing:?}");
    let empty = labclient(BANK_WITH_FILE).beside("pin.txt", "");
    let empty = empty.at(&unused).run();
    assert_eq!(empty.status, Some(2), "{empty:?}");
}

#[test]
fn the_command_line_takes_no_pin() {
    let ended = labclient(&["atm", "--card", "123456789", "--pin", "4711", "balance"]).run();
    assert_eq!(ended.status, Some(2));
}
