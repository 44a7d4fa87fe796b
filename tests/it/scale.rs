//! The tables of docs/scale.md are those that its example prints.

use std::fs;

use clap::Parser;

#[path = "../../examples/scale.rs"]
#[allow(dead_code, reason = "only the example prints them")]
mod example;

#[test]
fn the_document_has_the_tables_of_the_simulation() {
    let parameters = example::Parameters::parse_from(["scale"]);
    let document = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/scale.md");
    let document = fs::read_to_string(document).unwrap();
    let lines: Vec<&str> = document.lines().collect();
    for line in example::tables(&parameters).lines() {
        assert!(lines.contains(&line), "docs/scale.md has not:\n{line}");
    }
}

#[test]
fn whoever_is_free_takes_all_that_waits() {
    // The first comes alone; two wait for it to be done; the last finds nobody busy.
    let (done, busy) = example::in_batches(&[0, 1, 2, 20], |count| 5 + count as u64);
    assert_eq!(done, [6, 13, 13, 26]);
    assert_eq!(busy, 19.0 / 26.0);
}

#[test]
fn one_customer_waits_for_the_sum_of_what_it_takes() {
    let words = "scale --machines 1 --hash 20 --commit 8 --transaction 1000 --operation 1000 \
                 --distance 20";
    let parameters = example::Parameters::parse_from(words.split_whitespace());
    let tables = example::tables(&parameters);
    let row = tables.lines().nth(2).unwrap();
    // To the server and back, the hash, a transaction with one operation, and its commit.
    assert!(row.contains("| 50 and 50 ms | 30 and 30 ms |"), "{row}");
}
