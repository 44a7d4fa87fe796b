//! The journal: its texts, and what it cannot say.

use proptest::prelude::*;

use super::*;

const KEY_TEXT: &str = "00000000000000000000000000000007";

/// The text with the ids for `WID` and `DID`, and the key for `KEY`.
fn with_ids(text: &str) -> alloc::string::String {
    let text = text.replace("WID", &with(1).to_string());
    let text = text.replace("DID", &dep(1).to_string());
    text.replace("KEY", KEY_TEXT)
}

#[test]
fn each_record_has_one_text() {
    use JournalRecord::*;
    let (w, d, drawer) = (with(1), dep(1), money(DRAWER));
    let sending = |key| Sending {
        id: w,
        amount: amount(),
        key,
    };
    for (record, text) in [
        (Loading(drawer), "loading 100.00"),
        (Loaded(drawer), "loaded 100.00"),
        (sending(Some(KEY)), "sending WID 5.00 KEY"),
        (sending(None), "sending WID 5.00"),
        (Moving { id: w, drawer }, "dispensing WID 100.00"),
        (Moving { id: d, drawer }, "accepting DID 100.00"),
        (Moved(w), "dispensed WID"),
        (Moved(d), "accepted DID"),
        (RollingBack(w), "rolling-back WID"),
        (Confirmed(w), "confirmed WID"),
        (RolledBack(w), "rolled-back WID"),
        (Declined(w, Code::Mismatch), "declined WID mismatch"),
        (Disputed(w, Code::UnknownId), "disputed WID unknown-id"),
    ] {
        let text = with_ids(text);
        assert_eq!(record.to_string(), text);
        assert_eq!(text.parse(), Ok(record));
    }
}

#[test]
fn what_is_no_record_is_damage() {
    let others = "|loaded|loaded 100|loading|loaded 100.00 |sending WID|sending WID 0.00|sending WID 5.0|\
                  sending  WID 5.00|sending WID 5.00 7|sending WID 5.00 KEY |dispensing DID 100.00|\
                  accepted WID|confirmed WID 5.00|declined WID|declined WID nonsense|Confirmed WID|\
                  confirmed WITH_1";
    for text in others.split('|') {
        let text = with_ids(text);
        let read = text.parse::<JournalRecord>();
        assert!(matches!(read, Err(Damage::Unreadable(_))), "{text:?}");
    }
}

#[test]
fn what_is_said_of_damage_does_not_give_the_key_away() {
    let w = with(1);
    let key = KEY_TEXT;
    let unreadable = format!("sending {w} 5,00 {key}").parse::<JournalRecord>();
    assert!(!unreadable.unwrap_err().to_string().contains(key));
    let sending: JournalRecord = format!("sending {w} 5.00 {key}").parse().unwrap();
    let misplaced = Machine::recover(&[sending], money(DRAWER)).unwrap_err();
    let words = misplaced.to_string();
    assert!(words.contains("sending") && !words.contains(key), "{words}");
}

#[test]
fn a_record_that_is_missing_doubled_or_of_another_transaction_is_damage() {
    let id = with(1);
    let mut driven = Driven::confirming(id);
    driven.machine.answered(&confirm(id), &confirmed(id));
    driven.run();
    let journal = driven.journal;
    let recover = |records: &[JournalRecord]| Machine::recover(records, money(DRAWER - 500));
    assert!(recover(&journal).is_ok());
    for at in 0..journal.len() {
        let mut missing = journal.clone();
        missing.remove(at);
        if at + 1 < journal.len() {
            assert!(recover(&missing).is_err(), "without {}", journal[at]);
        }
        if at > 0 {
            let mut doubled = journal.clone();
            doubled.insert(at, journal[at]);
            assert!(recover(&doubled).is_err(), "twice {}", journal[at]);
            let other = journal[at].to_string().replace("01", "02");
            let mut foreign = journal.clone();
            foreign[at] = other.parse().unwrap();
            if at + 1 < journal.len() {
                assert!(recover(&foreign).is_err(), "{other}");
            }
        }
    }
}

#[test]
fn an_empty_journal_begins_with_what_is_in_the_drawer() {
    let machine = Machine::recover(&[], money(DRAWER)).unwrap();
    assert_eq!(
        machine.next(),
        Action::Journal(JournalRecord::Loaded(money(DRAWER)))
    );
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(text in "\\PC*") {
        let _ = text.parse::<JournalRecord>();
    }
}
