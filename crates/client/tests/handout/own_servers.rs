//! Every hand-out with both halves ours.

use std::time::Instant;

use proto::handout::Handout;
use testkit::TEST_TIMEOUT;
use testkit::process::Ended;
use testkit::service::start_handout;

use crate::labclient::{at, pipe};

/// Runs the client of a hand-out against the server of the same.
fn both_halves(handout: Handout, arguments: &[&str], typed: &str) -> Ended {
    let server = start_handout(handout, server::Config::default());
    pipe(
        &server,
        &[&["handout", handout.name()][..], arguments].concat(),
        typed,
    )
}

/// Again while only a pause was too short: it is all that keeps a name apart from what is sent behind
/// it, and on a busy machine both may be read as one. Then neither side speaks.
fn both_halves_apart(handout: Handout, arguments: &[&str], typed: &str) -> Ended {
    let arguments = [&["--timeout", "5"], arguments].concat();
    let by = Instant::now() + TEST_TIMEOUT;
    loop {
        let ended = both_halves(handout, &arguments, typed);
        if !ended.stderr.contains("did not come within") || Instant::now() > by {
            return ended;
        }
    }
}

#[test]
fn either_half_understands_the_other() {
    for handout in Handout::ALL {
        let (arguments, typed, shown) = match handout {
            Handout::TextSession => (&[][..], "ABC\n97 prime\n", "abc\nIt is a prime number.\n"),
            Handout::AtmLogin => (
                &["--operations", "20", "--seed", "3"][..],
                "jamal\nwrong!\njamal\n4321\n",
                "WRONG_CRED\nLOGGED_IN\n",
            ),
            Handout::TextMenu => (
                &[][..],
                "1\nABC DEF\n2\n7\nprime\n3\n",
                "Response: abc\nResponse: Prime\n",
            ),
            Handout::AtmCard => (
                &[][..],
                "1\n123456789\n1234\n3\n123456789\n100\n2\n123456789\n6\n",
                "Response from bank server: VERIFY_ACK SUCCESS\n\
                 Response from bank server: WITHDRAW_ACK SUCCESS Withdrawn 100 successfully\n\
                 Response from bank server: BALANCE_ACK 9900\n",
            ),
            Handout::Joke => (&[][..], "", "Ok\n"),
            Handout::Datetime => (&["--count", "3", "--gap", "0.01..0.01"][..], "", ""),
            Handout::KnockKnock => (&[][..], "", "Whose there?\n"),
            Handout::Calculator => (&[][..], "Ann\n0.1 + 0.2\nq\n", "0.30000000000000004\n"),
            Handout::Chat => (&[][..], "Ann\nhello\nquit\n", ""),
            Handout::Greeting => (&[][..], "", "Socket programming in python\n"),
            Handout::Sixteen => (&[][..], "", "BYE BYE CLIENT..\n"),
            Handout::LengthPrefix => (
                &[][..],
                "hello\n\n",
                "BYE BYE CLIENT...\nBYE BYE CLIENT...\n",
            ),
            Handout::Echo => (&[][..], "", "Hello, world\n"),
            Handout::Accepted => (
                &[][..],
                "hi\nCLOSE\n",
                "Received: accepted\nReceived: closed\n",
            ),
            Handout::Udp => (&[][..], "", ""),
            Handout::TextbookAtm => (
                &[][..],
                "Joty\n9999\nJoty\n1234\n2\n500.50\n2\n10000\n1\n3\n",
                "500 AUTH REQUIRED!\n401 ERROR!\n500 AUTH REQUIRED!\n525 OK!\n\
                 525 OK!\n401 ERROR!\nAMOUNT:9499.50\nBYE\n",
            ),
        };
        let ended = both_halves_apart(handout, arguments, typed);
        let name = handout.name();
        assert_eq!(ended.status, Some(0), "{name}: {ended:?}");
        let lines = ended.stdout.lines().count();
        match handout {
            // Times differ, and what is drawn has its own tests.
            Handout::AtmLogin => {
                assert!(ended.stdout.starts_with(shown), "{name}: {ended:?}");
                assert_eq!(lines, 2 + 10 * 21 + 1, "{name}: {ended:?}");
                assert!(ended.stdout.contains(" ROLLED_BACK: "), "{name}: {ended:?}");
            }
            Handout::Datetime => assert_eq!(lines, 3, "{name}: {ended:?}"),
            _ => assert_eq!(ended.stdout, shown, "{name}: {ended:?}"),
        }
    }
}

#[test]
fn an_amount_that_may_have_been_cut_off_is_not_withdrawn() {
    let typed = "2\n123456789\n3\n123456789\n500";
    let ended = both_halves(Handout::AtmCard, &[], typed);
    let balance = "Response from bank server: BALANCE_ACK 10000\n";
    ended.exited(1, balance);
    ended.complained(1, &["may have been cut off"]);
}

#[test]
fn a_textbook_customer_who_leaves_at_any_question_says_bye() {
    for (typed, shown) in [
        ("", "BYE\n"),
        ("Joty\n", "500 AUTH REQUIRED!\nBYE\n"),
        ("Joty\n1234\n", "500 AUTH REQUIRED!\n525 OK!\nBYE\n"),
        ("Joty\n1234\n2\n", "500 AUTH REQUIRED!\n525 OK!\nBYE\n"),
    ] {
        both_halves(Handout::TextbookAtm, &[], typed).exited(0, shown);
    }
}

#[test]
#[cfg(unix)]
fn an_answer_about_money_that_cannot_be_printed_is_no_success() {
    let server = start_handout(Handout::AtmCard, server::Config::default());
    let ended = at(&server, &["handout", "atm-card"])
        .with_closed_stdout()
        .run_with("3\n123456789\n500\n3\n123456789\n500\n");
    ended.complained(4, &["the bank said \"WITHDRAW_ACK SUCCESS "]);
}
