//! Several servers of one bank, and a machine that goes on at the next one.

use std::thread;

use testkit::assert_contains;
use testkit::process::Program;

use crate::programs::free_ports;

const WITHDRAW: &[&str] = &["atm", "--card", "123456789", "withdraw", "500"];

/// Two servers have one ledger, one after the other, since only one can have a file open. The first
/// one ends where the fault says, the second one is there from then on.
fn withdrawn_over_two_servers(fault: &str) {
    let directory = tempfile::tempdir().unwrap();
    let ledger = directory.path().join("bank.db");
    let server = |port: u16| -> Program {
        crate::program("labserver", directory.path())
            .with(&["--mode", "atm", "--port", &port.to_string()])
            .with(&["--ledger", ledger.to_str().unwrap()])
    };
    let mut ports = free_ports();
    let [first, next] = [ports.next().unwrap(), ports.next().unwrap()];
    let dying = server(first).with(&["--fault", fault]).start();
    dying.address("atm tcp");
    let (ended, bank) = thread::scope(|scope| {
        // It asks both in turn until one of them answers.
        let machine = scope.spawn(|| {
            let servers = format!("127.0.0.1:{first},127.0.0.1:{next}");
            let program = crate::program("labclient", directory.path());
            program.pin("1234").at(servers).with(WITHDRAW).run()
        });
        dying.end_by_itself();
        let bank = server(next).start();
        bank.address("atm tcp");
        (machine.join().unwrap(), bank)
    });
    assert_eq!(ended.status, Some(0), "{fault}: {ended:?}");
    assert_contains(&ended.stdout, &["500.00", "9500.00"]);
    assert_eq!(
        ended.stderr.matches("going on at").count(),
        1,
        "{fault}: {ended:?}"
    );
    assert_contains(&ended.stderr, &[&format!("; going on at 127.0.0.1:{next}")]);
    bank.stop();
    let audit = ["ledger", "--json", "audit", "--ledger"];
    let audit = crate::program("labserver", directory.path())
        .with(&audit)
        .with(&[ledger.to_str().unwrap()])
        .run();
    let report = &testkit::objects(&audit.stdout)[0];
    let sums = [&report["cash_out"], &report["held"]];
    assert_eq!(sums, ["500.00", "0.00"], "{fault}: {report}");
    let counts = [&report["transactions"], &report["unsettled"]];
    assert_eq!(counts, [1, 0], "{fault}: {report}");
    assert_eq!(report["sound"], true, "{fault}: {report}");
}

#[test]
fn a_withdrawal_goes_on_at_the_next_server_before_and_after_it_was_held_and_confirmed() {
    // The log-in is the first commit, the hold the second, the confirmation the third.
    for fault in [
        "crash-at=before-commit#2",
        "crash-at=after-commit#2",
        "crash-at=before-commit#3",
        "crash-at=after-commit#3",
    ] {
        withdrawn_over_two_servers(fault);
    }
}
