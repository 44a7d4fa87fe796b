use super::*;
use crate::cash_machine::disk::failing::Failing;
use std::io::Seek;

/// A new journal, and its directory.
fn journal() -> (tempfile::TempDir, PathBuf, Journal) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("journal");
    let (journal, _) = Journal::open(&path).unwrap();
    (directory, path, journal)
}

#[test]
fn records_are_there_when_the_journal_is_opened_again() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("journal");
    let (mut journal, opened) = Journal::open(&path).unwrap();
    assert_eq!(
        opened,
        Opened {
            records: vec![],
            was_torn: false,
            was_shared: false
        }
    );
    for number in 0..3000 {
        journal
            .append(&format!("record {number} {}", "x".repeat(50)))
            .unwrap();
    }
    drop(journal);
    let (mut journal, opened) = Journal::open(&path).unwrap();
    assert_eq!(opened.records.len(), 3000);
    journal.append("one more").unwrap();
    drop(journal);
    assert_eq!(Journal::open(&path).unwrap().1.records[3000], "one more");
}

#[test]
fn a_second_process_is_refused() {
    let (_directory, path, _first) = journal();
    assert!(matches!(Journal::open(&path), Err(JournalError::InUse(_))));
}

#[test]
fn a_torn_last_record_is_cut_off_wherever_it_was_torn() {
    let (_directory, path, mut journal) = journal();
    journal.append("first").unwrap();
    journal.append("second").unwrap();
    drop(journal);
    let whole = std::fs::read(&path).unwrap();
    let length = "00000000 first\n00000000 second\n".len();
    for cut in "00000000 first\n".len() + 1..length {
        let mut torn = whole.clone();
        torn[cut..].fill(0);
        std::fs::write(&path, &torn).unwrap();
        let (mut journal, opened) = Journal::open(&path).unwrap();
        assert_eq!(
            (opened.records, opened.was_torn),
            (vec!["first".into()], true),
            "{cut}"
        );
        journal.append("third").unwrap();
        drop(journal);
        let (_, opened) = Journal::open(&path).unwrap();
        assert_eq!(opened.records, ["first", "third"]);
        assert!(!opened.was_torn);
    }
}

#[test]
fn damage_before_the_last_record_is_refused_by_its_number() {
    let (_directory, path, mut journal) = journal();
    for text in ["first", "second", "third"] {
        journal.append(text).unwrap();
    }
    drop(journal);
    let mut bytes = std::fs::read(&path).unwrap();
    bytes["00000000 first\n00000000 s".len()] = b'X';
    std::fs::write(&path, &bytes).unwrap();
    let error = Journal::open(&path).unwrap_err();
    assert!(
        matches!(error, JournalError::Damaged { record: 2, .. }),
        "{error}"
    );
}

#[test]
fn a_journal_too_long_to_be_read_is_refused_and_left_as_it_is() {
    let (_directory, path, mut journal) = journal();
    journal.append("first").unwrap();
    drop(journal);
    let (first, last) = (line("first"), line("last"));
    let mut file = fs::OpenOptions::new().write(true).open(&path).unwrap();
    let length = file.seek(SeekFrom::Start(MAX_SIZE)).unwrap() + last.len() as u64;
    file.write_all(last.as_bytes()).unwrap();
    for refused in [
        Journal::open(&path).map(drop),
        Journal::read(&path).map(drop),
    ] {
        let error = refused.unwrap_err();
        assert!(matches!(error, JournalError::TooLong(_)), "{error}");
    }
    let mut file = File::open(&path).unwrap();
    assert_eq!(file.metadata().unwrap().len(), length);
    let mut begin = vec![0; first.len()];
    file.read_exact(&mut begin).unwrap();
    file.seek(SeekFrom::Start(MAX_SIZE)).unwrap();
    let mut end = Vec::new();
    file.read_to_end(&mut end).unwrap();
    assert_eq!((begin, end), (first.into(), last.into()));
}

#[test]
fn no_record_is_written_that_could_not_be_read_again() {
    let (_directory, path, mut journal) = journal();
    journal.append("first").unwrap();
    journal.end = MAX_SIZE - 20;
    journal.filled = MAX_SIZE - 20;
    journal.append("the last").unwrap();
    let error = journal.append("one too many").unwrap_err();
    assert!(matches!(error, JournalError::TooLong(_)), "{error}");
    assert_eq!(fs::metadata(&path).unwrap().len(), MAX_SIZE);
}

#[test]
fn a_long_journal_is_replaced_by_one_record_and_goes_on_from_there() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("journal");
    // What a crash in an earlier replacement left behind.
    fs::write(path.with_extension("new"), "x".repeat(1000)).unwrap();
    let records: String = (0..50_000).map(|n| line(&format!("record {n}"))).collect();
    fs::write(&path, records).unwrap();
    let (mut journal, opened) = Journal::open(&path).unwrap();
    assert_eq!(opened.records.len(), 50_000);
    assert!(journal.is_long());
    journal.replace("the sum").unwrap();
    assert!(!journal.is_long());
    journal.append("one more").unwrap();
    assert!(matches!(Journal::open(&path), Err(JournalError::InUse(_))));
    drop(journal);
    let (_, opened) = Journal::open(&path).unwrap();
    assert_eq!(opened.records, ["the sum", "one more"]);
    assert!(!path.with_extension("new").exists());
}

#[test]
fn who_waited_for_the_old_file_takes_the_new_one() {
    let (_directory, path, mut journal) = journal();
    journal.append("first").unwrap();
    let old = File::open(&path).unwrap();
    assert!(is_named(&old, &path).unwrap());
    journal.replace("second").unwrap();
    drop(journal);
    old.try_lock().unwrap();
    assert!(!is_named(&old, &path).unwrap());
}

/// Long enough for two sectors.
fn record(number: usize) -> String {
    format!("record {number} {}", "x".repeat(600))
}

/// Appends records from this number on until the disk fails, and gives how many were kept.
fn appended(mut journal: Journal<&mut Failing>, from: usize, until: usize) -> usize {
    let kept = (from..until).take_while(|n| journal.append(&record(*n)).is_ok());
    let kept = kept.count();
    if kept < until - from {
        // Nothing is written after a write that failed.
        journal.append("after all").unwrap_err();
    }
    kept
}

#[test]
fn wherever_the_disk_fails_each_record_that_was_kept_is_there_and_at_most_one_more() {
    let path = Path::new("journal");
    for left in 0.. {
        let mut disk = Failing::holding(b"", left);
        let (journal, ..) = Journal::over(&mut disk, b"", path).unwrap();
        let kept = appended(journal, 0, 3);
        for found in disk.found() {
            let mut next = Failing::holding(&found, usize::MAX);
            let (journal, records, _) = Journal::over(&mut next, &found, path).unwrap();
            let expected: Vec<_> = (0..records.len()).map(record).collect();
            assert_eq!(records, expected, "{left}");
            let at_most = (kept + 1).min(3);
            assert!((kept..=at_most).contains(&records.len()), "{left}: {kept}");
            // And the next start goes on from there.
            let before = records.len();
            assert_eq!(appended(journal, before, before + 2), 2);
            let now = next.found().remove(0);
            let (_, records, was_torn) = Journal::over(&mut next, &now, path).unwrap();
            assert!(!was_torn && records.len() == before + 2, "{left}");
        }
        if kept == 3 {
            return;
        }
    }
}
