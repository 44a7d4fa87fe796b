//! The journal: its texts, and what it cannot say.

use proptest::prelude::*;

use super::*;

#[test]
fn each_record_has_one_text() {
    let (w, d) = (with(1), dep(1));
    let drawer = money(DRAWER);
    let amount = amount();
    for (record, text) in [
        (JournalRecord::Loading(drawer), "loading 100.00".into()),
        (JournalRecord::Loaded(drawer), "loaded 100.00".into()),
        (
            JournalRecord::Sending {
                id: w,
                amount,
                key: Some(KEY),
            },
            format!("sending {w} 5.00 00000000000000000000000000000007"),
        ),
        (
            JournalRecord::Sending {
                id: w,
                amount,
                key: None,
            },
            format!("sending {w} 5.00"),
        ),
        (
            JournalRecord::Moving { id: w, drawer },
            format!("dispensing {w} 100.00"),
        ),
        (
            JournalRecord::Moving { id: d, drawer },
            format!("accepting {d} 100.00"),
        ),
        (JournalRecord::Moved(w), format!("dispensed {w}")),
        (JournalRecord::Moved(d), format!("accepted {d}")),
        (JournalRecord::RollingBack(w), format!("rolling-back {w}")),
        (JournalRecord::Confirmed(w), format!("confirmed {w}")),
        (JournalRecord::RolledBack(w), format!("rolled-back {w}")),
        (
            JournalRecord::Declined(w, Code::Mismatch),
            format!("declined {w} mismatch"),
        ),
        (
            JournalRecord::Disputed(w, Code::UnknownId),
            format!("disputed {w} unknown-id"),
        ),
    ] {
        assert_eq!(record.to_string(), text);
        assert_eq!(text.parse(), Ok(record));
    }
}

#[test]
fn what_is_no_record_is_damage() {
    let (w, d) = (with(1), dep(1));
    for text in [
        "".into(),
        "loaded".into(),
        "loaded 100".into(),
        "loading".into(),
        "loaded 100.00 ".into(),
        format!("sending {w}"),
        format!("sending {w} 0.00"),
        format!("sending {w} 5.0"),
        format!("sending  {w} 5.00"),
        format!("sending {w} 5.00 7"),
        format!("sending {w} 5.00 00000000000000000000000000000007 "),
        format!("dispensing {d} 100.00"),
        format!("accepted {w}"),
        format!("confirmed {w} 5.00"),
        format!("declined {w}"),
        format!("declined {w} nonsense"),
        format!("Confirmed {w}"),
        "confirmed WITH_1".into(),
    ] {
        assert!(
            matches!(text.parse::<JournalRecord>(), Err(Damage::Unreadable(_))),
            "{text:?}"
        );
    }
}

#[test]
fn what_is_said_of_damage_does_not_give_the_key_away() {
    let w = with(1);
    let key = "00000000000000000000000000000007";
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
