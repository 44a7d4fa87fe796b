//! `--fault` with a hand-out.

use testkit::assert_contains;
use testkit::process::words;

use crate::labclient::at;
use crate::printed::Step::{Closes, Hears, HearsTheEnd, Says};
use crate::printed::printed;

#[test]
fn a_request_that_is_lost_on_purpose_never_comes() {
    let server = printed(vec![vec![HearsTheEnd]]);
    let ended = server.run(
        &[
            "handout",
            "text-menu",
            "--fault",
            "drop-request=#1",
            "--timeout",
            "0.3",
        ],
        "1\nA\n3\n",
    );
    ended.refused(3, &["did not come within 0.3 s"]);
}

#[test]
fn a_doubled_request_comes_twice() {
    let server = printed(vec![vec![
        Hears("WITHDRAW 7 1"),
        Hears("WITHDRAW 7 1"),
        Says("WITHDRAW_ACK SUCCESS Withdrawn 1 successfully"),
        Closes,
    ]]);
    let client = at(
        &server,
        &words("handout atm-card --fault duplicate=#1 --seed 1"),
    );
    let ended = client.run_with("3\n7\n1\n6\n");
    server.finish();
    assert_eq!(ended.status, Some(0), "{ended:?}");
    assert_contains(&ended.stdout, &["Withdrawn 1 successfully"]);
}
