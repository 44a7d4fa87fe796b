//! `--error-rate`: requests that are left out at random.

use std::io::{Read, Write};
use testkit::assert_starts;

use crate::printed::{accept, printed, serving};

#[test]
fn in_a_share_of_requests_the_bank_is_called_and_sent_nothing() {
    let server = printed(&["", ""]);
    let ended = server.run(
        &["handout", "atm-card", "--error-rate", "100"],
        "2\n7\n3\n7\n5\n6\n",
    );
    ended.exited(0, "ERROR\nERROR\n");
    assert_starts(&ended.stderr, "drawing at random: --seed ");
}

#[test]
fn the_same_seed_leaves_out_the_same_requests() {
    let typed = "2\n7\n".repeat(20) + "6\n";
    let outcomes = [1, 1, 2].map(|seed: u32| {
        let server = serving(|listener| {
            for _ in 0..20 {
                let mut stream = accept(&listener);
                let mut request = [0; 1024];
                if stream.read(&mut request).unwrap() > 0 {
                    stream.write_all(b"BALANCE_ACK 1").unwrap();
                }
            }
        });
        let ended = server.run(
            &[
                "handout",
                "atm-card",
                "--error-rate",
                "50",
                "--seed",
                &seed.to_string(),
            ],
            &typed,
        );
        assert_eq!(ended.status, Some(0), "{ended:?}");
        assert_eq!(ended.stdout.lines().count(), 20);
        ended.stdout
    });
    assert_eq!(outcomes[0], outcomes[1]);
    assert_ne!(outcomes[0], outcomes[2]);
    assert!(outcomes[0].contains("ERROR") && outcomes[0].contains("BALANCE_ACK 1"));
}
