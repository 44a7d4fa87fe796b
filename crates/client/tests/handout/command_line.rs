//! Options that fit and options that do not, and the list.

use proto::handout::Handout;
use testkit::assert_starts;
use testkit::process::words;

use crate::labclient::labclient;

#[test]
fn an_option_that_the_hand_out_does_not_use_is_refused_with_the_one_that_does() {
    for (option, value, user) in [
        ("--operations", "5", Handout::AtmLogin),
        ("--error-rate", "30", Handout::AtmCard),
        ("--gap", "1..2", Handout::Datetime),
        ("--count", "3", Handout::Datetime),
    ] {
        let others = Handout::ALL.into_iter().filter(|handout| *handout != user);
        for name in others.map(Handout::name).chain(["list"]) {
            labclient(&["handout", name, option, value]).run().failed(
                2,
                &format!(
                    "{name} does not use {option}, only {} does: leave it out",
                    user.name()
                ),
            );
        }
    }
}

#[test]
fn no_hand_out_is_framed_otherwise() {
    for handout in Handout::ALL {
        let ended = labclient(&["handout", handout.name(), "--wire", "line"]).run();
        assert_eq!(ended.status, Some(2), "{ended:?}");
        assert_starts(&ended.stderr, "labclient: --wire line: ");
    }
}

#[test]
fn a_seed_needs_something_that_is_drawn() {
    for arguments in [
        &["text-menu"][..],
        &["atm-card"],
        &["atm-card", "--error-rate", "0"],
    ] {
        let all = [&["handout"], arguments, &["--seed", "7"]].concat();
        let ended = labclient(&all).run();
        ended.complained(2, &["--seed"]);
    }
}

#[test]
fn what_makes_no_sense_is_a_usage_error() {
    for (arguments, named) in [
        ("handout", "<NAME>"),
        ("handout ATM-LOGIN", "atm-login"),
        ("handout atm-login --operations 0", "--operations"),
        ("handout atm-card --error-rate 101", "--error-rate"),
        ("handout datetime --gap 2..1", "--gap"),
        ("handout datetime --count 0", "--count"),
    ] {
        let ended = labclient(&words(arguments)).run();
        ended.refused(2, &[named]);
    }
}

#[test]
fn all_are_listed_with_transport_port_source_and_title() {
    let ended = labclient(&["handout", "list"]).run();
    assert_eq!((ended.status, ended.stderr.as_str()), (Some(0), ""));
    let lines: Vec<_> = ended.stdout.lines().collect();
    assert_eq!(
        lines[..4],
        [
            "report 000, problem A",
            "  text-session   tcp  9005   lower case, prime, palindrome, over one connection",
            "report 000, problem B",
            "  atm-login      tcp  9005   a cash machine with a log-in and pickled answers",
        ]
    );
    let named = lines.iter().filter(|line| line.starts_with("  "));
    assert_eq!(named.count(), Handout::ALL.len());
    assert!(lines.iter().all(|line| line.chars().count() <= 80));
    let ended = labclient(&["handout", "list", "--json"]).run();
    assert_eq!(
        ended.stdout.lines().last(),
        Some(
            "{\"name\":\"textbook-atm\",\"ok\":true,\"port\":2525,\"source\":\"Kurose and Ross\",\
             \"title\":\"the cash machine of the textbook's exercise\",\"transport\":\"tcp\"}"
        )
    );
}

#[test]
fn the_help_names_them_all() {
    let ended = labclient(&["handout", "--help"]).run();
    for handout in Handout::ALL {
        assert!(ended.stdout.contains(handout.name()), "{}", handout.name());
    }
}
