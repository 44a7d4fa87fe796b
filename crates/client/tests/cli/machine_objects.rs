//! What a cash machine prints for programs: objects with members.

use std::fmt::Display;
use std::path::Path;

use proto::mode::Mode;
use serde_json::{Value, json};
use testkit::process::Ended;
use testkit::service::start;

use crate::labclient::labclient_at_home;

/// Runs a machine that keeps its journal here.
fn atm(home: &Path, bank: impl Display, arguments: &[&str]) -> Ended {
    labclient_at_home(home, &["--json", "atm", "--card", "123456789"])
        .with(arguments)
        .pin("1234")
        .at(bank)
        .run()
}

fn objects(ended: &Ended) -> Vec<Value> {
    let lines = ended.stdout.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn the_journal_is_an_object_for_each_record() {
    let bank = start(Mode::Atm);
    let home = tempfile::tempdir().unwrap();
    let receipt = objects(&atm(home.path(), &bank, &["withdraw", "500"]));
    let id = receipt[0]["id"].as_str().unwrap();
    let journal = atm(home.path(), &bank, &["journal"]);
    assert_eq!((journal.status, journal.stderr.as_str()), (Some(0), ""));
    let drawer = "1000000.00";
    let of = |members: Value| {
        let mut record = json!({"ok": true, "terminal": "ATM-1"});
        let members = members.as_object().unwrap().clone();
        record.as_object_mut().unwrap().extend(members);
        record
    };
    assert_eq!(
        objects(&journal),
        [
            of(json!({"record": "loaded", "drawer": drawer})),
            of(json!({"record": "sending", "id": id, "amount": "500.00"})),
            of(json!({"record": "dispensing", "id": id, "drawer": drawer})),
            of(json!({"record": "dispensed", "id": id})),
            of(json!({"record": "confirmed", "id": id})),
        ]
    );
}

#[test]
fn what_is_settled_or_cannot_be_is_an_object_with_the_id() {
    let bank = start(Mode::Atm);
    let address = bank.address();
    let home = tempfile::tempdir().unwrap();
    let dies = ["--fault", "crash-at=after-dispense", "withdraw", "500"];
    assert_eq!(atm(home.path(), address, &dies).status, None);
    let settled = atm(home.path(), address, &["settle"]);
    let object = &objects(&settled)[0];
    let id = object["settled"]["id"].as_str().unwrap();
    assert!(id.starts_with("WITH_"), "{id}");
    assert_eq!(
        *object,
        json!({"ok": true, "terminal": "ATM-1", "settled": {
            "id": id, "kind": "withdrawal", "outcome": "confirmed", "amount": "500.00",
            "notes_moved": true,
        }})
    );
    let nothing = json!({"ok": true, "terminal": "ATM-1", "settled": null});
    let again = atm(home.path(), address, &["settle"]);
    assert_eq!((objects(&again), again.status), (vec![nothing], Some(0)));

    assert_eq!(atm(home.path(), address, &dies).status, None);
    bank.stop();
    for request in [&["settle"][..], &["balance"]] {
        let quickly = [request, &["--patience", "0.1"]].concat();
        let ended = atm(home.path(), address, &quickly);
        let object = &objects(&ended)[0];
        assert_eq!(object["ok"], json!(false), "{ended:?}");
        assert_eq!(object["kind"], json!("unknown"), "{ended:?}");
        assert!(
            object["id"].as_str().unwrap().starts_with("WITH_"),
            "{ended:?}"
        );
        assert_eq!(ended.status, Some(4), "{ended:?}");
        if request == ["settle"] {
            assert_eq!(object["terminal"], json!("ATM-1"));
        }
    }
}
