//! The cash machine of report 000: a bank that checks every word of the dialogue, in its order.

use std::io::{Read, Write};
use std::net::TcpStream;

use proto::handout::atm_login::MENU;
use proto::handout::pickle::PickledAnswer;
use serde_json::Value;
use testkit::assert_contains;
use testkit::process::Ended;

use crate::labclient::labclient;
use crate::printed::{Printed, accept, expect, expect_end, send_bytewise, serving};

/// How the bank behaves.
#[derive(Clone, Copy)]
struct Manner {
    /// Each byte in a write of its own.
    bytewise: bool,
    /// What becomes of withdrawals and deposits: the first word for the first, and so on, round.
    outcomes: &'static [&'static str],
    /// Closes instead of sending more than so many messages, counted after the log-in.
    sends_at_most: usize,
}

const PLAIN: Manner = Manner {
    bytewise: false,
    outcomes: &["OK"],
    sends_at_most: usize::MAX,
};

/// What the bank was asked for.
#[derive(Debug, Default, PartialEq, Eq)]
struct Asked {
    balances: usize,
    /// Granted and taken.
    withdrawals: usize,
    rolled_back: usize,
    deposits: usize,
    refused: usize,
    amounts: Vec<u64>,
    /// Money was on its way when the bank closed.
    closed_on_money: bool,
}

/// The bank closed because it has sent all that it was to send.
struct Closed;

struct Bank {
    stream: TcpStream,
    manner: Manner,
    sent: usize,
    moved: usize,
    asked: Asked,
}

impl Bank {
    /// Logs `jamal` in, at the second time.
    fn open(stream: TcpStream, manner: Manner) -> Bank {
        expect(&stream, "nobody");
        expect(&stream, "nothing");
        (&stream).write_all(b"WRONG_CRED").unwrap();
        expect(&stream, "jamal");
        expect(&stream, "4321");
        (&stream).write_all(b"LOGGED_IN").unwrap();
        expect(&stream, "LOGGED_IN");
        Bank {
            stream,
            manner,
            sent: 0,
            moved: 0,
            asked: Asked::default(),
        }
    }

    fn send(&mut self, bytes: &[u8]) -> Result<(), Closed> {
        if self.sent == self.manner.sends_at_most {
            return Err(Closed);
        }
        self.sent += 1;
        // A client that has done all it wanted leaves the menu unread.
        if self.manner.bytewise && bytes != MENU.as_bytes() {
            send_bytewise(&self.stream, bytes);
        } else {
            let _ = self.stream.write_all(bytes);
        }
        Ok(())
    }

    /// What one read returns; `None` at the end.
    fn receive(&mut self) -> Option<String> {
        let mut message = [0; 1024];
        let length = self.stream.read(&mut message).unwrap_or(0);
        (length > 0).then(|| String::from_utf8(message[..length].to_vec()).unwrap())
    }

    fn expect(&mut self, text: &str) {
        expect(&self.stream, text);
    }

    /// Serves to the end, and gives what it was asked for.
    fn serve(mut self) -> Asked {
        let mut menu_is_due = true;
        loop {
            match self.operate(&mut menu_is_due) {
                Ok(true) => {}
                Ok(false) => break,
                Err(Closed) => {
                    self.stream.shutdown(std::net::Shutdown::Write).unwrap();
                    expect_end(&self.stream);
                    break;
                }
            }
        }
        self.asked
    }

    /// One operation; says whether there was one.
    fn operate(&mut self, menu_is_due: &mut bool) -> Result<bool, Closed> {
        if std::mem::replace(menu_is_due, true) {
            self.send(MENU.as_bytes())?;
        }
        let Some(choice) = self.receive() else {
            return Ok(false);
        };
        assert!(["1", "2", "3"].contains(&choice.as_str()), "{choice:?}");
        self.send(b"VALID_OPTION")?;
        self.expect("VALID_OPTION");
        if choice == "1" {
            self.send(b"500000.0")?;
            self.expect("BALANCE");
            self.asked.balances += 1;
            return Ok(true);
        }
        self.send(b"AMOUNT")?;
        let amount = self.receive().unwrap();
        let whole = match choice.as_str() {
            "2" => amount.strip_suffix(".0").unwrap(),
            _ => &amount,
        };
        assert_eq!(whole.parse::<u64>().unwrap().to_string(), whole);
        self.asked.amounts.push(whole.parse().unwrap());
        let outcomes = self.manner.outcomes;
        let outcome = outcomes[self.moved % outcomes.len()];
        self.moved += 1;
        self.asked.closed_on_money = true;
        match (choice.as_str(), outcome) {
            ("2", "OK") => self.withdrawal()?,
            ("3", "OK") => {
                self.send(&deposited())?;
                self.expect("DEPOSIT_RECV");
                self.asked.deposits += 1;
            }
            ("2", _) => {
                self.send(&refusal(outcome))?;
                self.expect("WITHDRAW_RECV");
                self.asked.refused += 1;
            }
            _ => {
                // No message of the client between the two: they come as one.
                let both = [&refusal(outcome)[..], MENU.as_bytes()].concat();
                self.send(&both)?;
                self.asked.refused += 1;
                *menu_is_due = false;
            }
        }
        self.asked.closed_on_money = false;
        Ok(true)
    }

    fn withdrawal(&mut self) -> Result<(), Closed> {
        self.send(&withdrawn())?;
        match self.receive().unwrap().as_str() {
            "WITHDRAW_RECV" => self.asked.withdrawals += 1,
            "ERROR_WITHDRAW" => {
                self.send(b"ROLLED_BACK")?;
                self.expect("ROLLBACK_RECV");
                self.asked.rolled_back += 1;
            }
            other => panic!("{other:?}"),
        }
        Ok(())
    }
}

fn withdrawn() -> Vec<u8> {
    let outcome = PickledAnswer::Moved {
        tid: "WITH_00000000-0000-4000-8000-000000000001".parse().unwrap(),
        amount: 1.0,
        balance: 499_999.0,
    };
    outcome.to_bytes()
}

fn deposited() -> Vec<u8> {
    let outcome = PickledAnswer::Moved {
        tid: "DEP_00000000-0000-4000-8000-000000000002".parse().unwrap(),
        amount: 1.0,
        balance: 500_001.0,
    };
    outcome.to_bytes()
}

fn refusal(message: &str) -> Vec<u8> {
    match message {
        "NO_BLNC" => PickledAnswer::NoBalance.to_bytes(),
        "INVALID_IN" => PickledAnswer::InvalidInput.to_bytes(),
        other => panic!("{other}"),
    }
}

/// Runs the client against such a bank, with these arguments besides.
fn run(manner: Manner, arguments: &[&str]) -> (Ended, Asked) {
    let (sender, receiver) = std::sync::mpsc::channel();
    let server = serving(move |listener| {
        let asked = Bank::open(accept(&listener), manner).serve();
        sender.send(asked).unwrap();
    });
    let ended = run_at(&server, arguments);
    server.finish();
    (ended, receiver.recv().unwrap())
}

fn run_at(server: &Printed, arguments: &[&str]) -> Ended {
    let client = labclient(&["handout", "atm-login"]);
    let client = client.with(arguments).at(server);
    client.run_with("nobody\nnothing\njamal\n4321\n")
}

const SEEDED: &[&str] = &["--seed", "7", "--operations", "20"];

#[test]
fn every_operation_follows_the_printed_dialogue_and_is_timed() {
    let (ended, asked) = run(PLAIN, SEEDED);
    assert_eq!(ended.status, Some(0), "{ended:?}");
    let total = asked.balances + asked.withdrawals + asked.rolled_back + asked.deposits;
    assert_eq!(total, 200, "{asked:?}");
    assert!(asked.balances > 0 && asked.withdrawals > 0 && asked.deposits > 0);
    assert!(asked.rolled_back > 0, "{asked:?}");
    assert!(
        asked
            .amounts
            .iter()
            .all(|amount| (1..=5000).contains(amount))
    );
    let lines: Vec<_> = ended.stdout.lines().collect();
    assert_eq!(lines[..2], ["WRONG_CRED", "LOGGED_IN"]);
    assert_eq!(lines.len(), 2 + 10 * (20 + 1) + 1);
    let averages: Vec<_> = lines
        .iter()
        .filter_map(|line| line.strip_prefix("Avg time = ")?.strip_suffix(" ms"))
        .collect();
    assert_eq!(averages.len(), 10);
    assert_eq!(lines.last().unwrap(), &format!("[{}]", averages.join(", ")));
    let timed = |line: &&&str| line.ends_with(" ms") && !line.starts_with("Avg");
    assert_eq!(lines.iter().filter(timed).count(), 200);
    assert!(lines[2].contains(": "), "{}", lines[2]);
    assert_eq!(
        ended.stderr.lines().next(),
        Some("drawing at random: --seed 7")
    );
}

#[test]
fn the_same_seed_asks_for_the_same() {
    let (_, once) = run(PLAIN, SEEDED);
    let (_, again) = run(PLAIN, SEEDED);
    let (_, other) = run(PLAIN, &["--seed", "8", "--operations", "20"]);
    assert_eq!(once, again);
    assert_ne!(once, other);
}

#[test]
fn no_withdrawal_fails_at_the_first_rate_and_most_do_at_the_last() {
    let (ended, _) = run(PLAIN, &["--seed", "7", "--operations", "50", "--json"]);
    let rates: Vec<Value> = ended
        .stdout
        .lines()
        .map(|line| line.parse().unwrap())
        .collect();
    assert_eq!(rates.len(), 10, "{ended:?}");
    for (rate, object) in rates.iter().enumerate() {
        assert_eq!(
            (&object["error_rate"], &object["operations"]),
            (&rate.into(), &50.into())
        );
        assert!(object["average_ms"].as_f64().unwrap() > 0.0);
    }
    assert_eq!(rates[0]["rolled_back"], 0);
    let [stayed, undone] = ["withdrawals", "rolled_back"].map(|key| rates[9][key].as_u64());
    assert!(undone > stayed, "{}", rates[9]);
}

#[test]
fn pieces_are_put_together_and_a_menu_glued_to_a_refusal_is_taken_apart() {
    let outcomes = &["OK", "INVALID_IN", "NO_BLNC", "INVALID_IN"];
    for bytewise in [false, true] {
        let manner = Manner {
            bytewise,
            outcomes,
            ..PLAIN
        };
        let (ended, asked) = run(manner, SEEDED);
        assert_eq!(ended.status, Some(0), "{ended:?}");
        assert!(asked.refused > 0 && asked.withdrawals > 0 && asked.deposits > 0);
        for word in ["OK", "NO_BLNC", "INVALID_IN", "ROLLED_BACK"] {
            let word = format!(" {word}: ");
            assert!(ended.stdout.contains(&word), "{word}: {ended:?}");
        }
    }
}

#[test]
fn a_bank_that_closes_is_reported_and_money_on_its_way_is_status_4() {
    let mut seen = [false; 2];
    for sends_at_most in 0..40 {
        let manner = Manner {
            sends_at_most,
            ..PLAIN
        };
        let (ended, asked) = run(manner, SEEDED);
        let expected = match asked.closed_on_money {
            true => 4,
            false => 3,
        };
        seen[usize::from(asked.closed_on_money)] = true;
        assert_eq!(ended.status, Some(expected), "{sends_at_most}: {ended:?}");
        let mut lines = ended.stderr.lines();
        let said = lines.find(|line| line.starts_with("labclient: ")).unwrap();
        assert_contains(said, &["the server closed the connection before"]);
        assert_eq!(
            said.contains("whether it was done is not known"),
            asked.closed_on_money
        );
    }
    assert_eq!(seen, [true; 2]);
}

#[test]
fn a_log_in_that_is_not_answered_is_status_3() {
    let server = serving(|listener| {
        let stream = accept(&listener);
        expect(&stream, "nobody");
        expect(&stream, "nothing");
    });
    let ended = run_at(&server, &[]);
    server.finish();
    ended.exited(3, "");
}

#[test]
fn other_words_than_the_printed_ones_are_status_5_and_4_where_money_is_on_its_way() {
    let system: &[u8] = b"\x80\x04\x95\x1d\0\0\0\0\0\0\0\x8c\x05posix\x94\x8c\x06system\x94\x93\
                          \x94\x8c\x02id\x94\x85\x94R\x94.";
    for (instead_of_menu, instead_of_pickle, expected) in [
        (&b"\nSelect two\n"[..], None, "expected \"\\u{a}Select one"),
        (MENU.as_bytes(), Some(system), "expected a pickled answer"),
        (
            MENU.as_bytes(),
            Some(&[b'x'; 100_000]),
            "expected a pickled answer",
        ),
        (
            MENU.as_bytes(),
            Some(&b"\x80\x04\x95\xff\xff\xff\xff\xff\xff\xff\xff"[..]),
            "pickle",
        ),
    ] {
        let server = serving(move |listener| {
            let mut bank = Bank::open(accept(&listener), PLAIN);
            let _ = bank.send(instead_of_menu);
            let Some(pickle) = instead_of_pickle else {
                assert_eq!(bank.receive(), None);
                return;
            };
            // Until money is moved.
            while bank.receive().unwrap() == "1" {
                let _ = bank.send(b"VALID_OPTION");
                bank.expect("VALID_OPTION");
                let _ = bank.send(b"500000.0");
                bank.expect("BALANCE");
                let _ = bank.send(MENU.as_bytes());
            }
            let _ = bank.send(b"VALID_OPTION");
            bank.expect("VALID_OPTION");
            let _ = bank.send(b"AMOUNT");
            bank.receive().unwrap();
            let _ = bank.send(pickle);
            assert_eq!(bank.receive(), None);
        });
        let ended = run_at(&server, SEEDED);
        server.finish();
        let status = if instead_of_pickle.is_some() { 4 } else { 5 };
        ended.complained(status, &[expected]);
    }
}
