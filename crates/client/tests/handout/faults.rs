//! `--fault` with a hand-out.

use testkit::assert_contains;
use testkit::process::words;

use crate::printed::printed;

#[test]
fn a_request_that_is_lost_on_purpose_never_comes() {
    let lossy = words("handout text-menu --fault drop-request=#1 --timeout 0.3");
    let ended = printed(&[""]).run(&lossy, "1\nA\n3\n");
    ended.refused(3, &["did not come within 0.3 s"]);
}

#[test]
fn a_doubled_request_comes_twice() {
    let answer = "S: WITHDRAW_ACK SUCCESS Withdrawn 1 successfully\nS closes";
    let server = printed(&[&format!("C: WITHDRAW 7 1\nC: WITHDRAW 7 1\n{answer}")]);
    let doubling = words("handout atm-card --fault duplicate=#1 --seed 1");
    let ended = server.run(&doubling, "3\n7\n1\n6\n");
    assert_eq!(ended.status, Some(0), "{ended:?}");
    assert_contains(&ended.stdout, &["Withdrawn 1 successfully"]);
}
