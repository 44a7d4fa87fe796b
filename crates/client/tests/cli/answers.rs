//! What each request on the command line prints.

use proto::mode::Mode;
use testkit::process::Ended;
use testkit::service::start;

use crate::labclient::{at, labclient, run};

const CARD: &[&str] = &["atm", "--card", "123456789"];

#[test]
fn text_prints_the_word_of_the_answer() {
    let text = start(Mode::Text);
    for (arguments, printed) in [
        (["lower", "HELLO World"], "hello world\n"),
        (["lower", "  ÀÉ  İ "], "  àé  i\u{307} \n"),
        (["lower", ""], "\n"),
        (["lower", "a\nb\x1b[2J"], "a\\u{a}b\\u{1b}[2j\n"),
        (["prime", "97"], "prime\n"),
        (["prime", "561"], "not prime\n"),
        (["prime", "-7"], "not prime\n"),
        (
            ["prime", "170141183460469231731687303715884105727"],
            "prime\n",
        ),
        (["palindrome", "12321"], "palindrome\n"),
        (["palindrome", "-121"], "not palindrome\n"),
    ] {
        let arguments = [&["text"][..], &arguments].concat();
        run(&text, &arguments).printed(printed);
    }
}

#[test]
fn calc_prints_the_result() {
    let calc = start(Mode::Calc);
    for (expression, printed) in [
        ("12 + 42", "54\n"),
        ("0.1 + 0.2", "0.3\n"),
        ("-1 * 0", "0\n"),
        ("12 + 13", "25\n"),
        ("1 / 3", "0.3333333333333333333333333333333333 (rounded)\n"),
    ] {
        run(&calc, &["calc", expression]).printed(printed);
    }
    run(&calc, &["calc", "--name", "Adarsh", "1 + 1"]).printed("2\n");
}

#[test]
fn a_user_whose_name_is_no_name_here_can_calculate_too() {
    let calc = start(Mode::Calc);
    for user in ["first.last@example.org", "", "日本"] {
        at(&calc, &["calc", "1 + 1"])
            .adjust(|command| command.env("USER", user))
            .run()
            .printed("2\n");
    }
}

#[test]
fn echo_prints_what_came_back_over_tcp_and_udp() {
    let echo = start(Mode::Echo);
    for transport in [&[][..], &["--udp"]] {
        for (text, printed) in [
            ("hello", "hello\n"),
            ("", "\n"),
            ("two  blanks ", "two  blanks \n"),
            ("a\nb", "a\\u{a}b\n"),
        ] {
            let arguments = [&["echo", text], transport].concat();
            run(&echo, &arguments).printed(printed);
        }
    }
}

#[test]
fn a_long_text_comes_back_whole() {
    let echo = start(Mode::Echo);
    for (arguments, length) in [
        (&["echo"][..], 65_536),
        (&["echo", "--udp"], 60_000),
        (&["echo", "--wire", "raw"], 1_024),
        (&["echo", "--wire", "len3"], 255),
    ] {
        let text = "é".repeat(length / 2);
        let ended = run(&echo, &[arguments, &["--", &text]].concat());
        ended.printed(&format!("{text}\n"));
    }
}

#[test]
fn the_cash_machine_prints_balance_and_receipts() {
    let bank = start(Mode::Atm);
    let at_the_machine = |request: &[&str]| -> Vec<String> {
        let arguments = [CARD, request].concat();
        let ended = run(&bank, &arguments);
        let Ended {
            status,
            stdout,
            stderr,
            ..
        } = ended;
        assert_eq!((status, stderr.as_str()), (Some(0), ""));
        stdout.lines().map(str::to_owned).collect()
    };
    assert_eq!(at_the_machine(&["balance"]), ["10000.00"]);
    let receipt = at_the_machine(&["withdraw", "500"]);
    assert_eq!(
        receipt[..3],
        [
            "Withdrawal  500.00",
            "Card        *****6789",
            "Available   9500.00"
        ]
    );
    assert!(receipt[3].starts_with("Reference   WITH_"), "{receipt:?}");
    let receipt = at_the_machine(&["deposit", "20.50"]);
    assert_eq!(
        receipt[..3],
        [
            "Deposit     20.50",
            "Card        *****6789",
            "Available   9520.50"
        ]
    );
    assert!(receipt[3].starts_with("Reference   DEP_"), "{receipt:?}");
    assert_eq!(at_the_machine(&["balance"]), ["9520.50"]);
}

#[test]
fn an_account_is_opened_and_used_at_once() {
    let bank = start(Mode::Atm);
    let card = ["atm", "--card", "4000123"];
    let arguments = [&card[..], &["create", "Ann B", "7.50"]].concat();
    let ended = labclient(&arguments).pin("2468").at(&bank).run();
    let receipt: Vec<_> = ended.stdout.lines().collect();
    assert_eq!(
        receipt[..3],
        [
            "Account of  Ann B",
            "Card        4000123",
            "Available   7.50"
        ]
    );
    assert!(receipt[3].starts_with("Reference   ACC_"), "{ended:?}");
    let balance = [&card[..], &["balance"]].concat();
    labclient(&balance)
        .pin("2468")
        .at(&bank)
        .run()
        .printed("7.50\n");
}

#[test]
fn json_is_one_object_an_answer() {
    let text = start(Mode::Text);
    let ask = |arguments: &[&str]| run(&text, arguments);
    ask(&["--json", "text", "prime", "97"]).printed("{\"ok\":true,\"prime\":true}\n");
    ask(&["text", "--json", "prime", "98"]).printed("{\"ok\":true,\"prime\":false}\n");
    ask(&["text", "lower", "\x1b A\"B", "--json"])
        .printed("{\"lower\":\"\\u001b a\\\"b\",\"ok\":true}\n");
    ask(&["text", "palindrome", "7", "--json"]).printed("{\"ok\":true,\"palindrome\":true}\n");
    let calc = start(Mode::Calc);
    run(&calc, &["calc", "1 / 4", "--json"])
        .printed("{\"ok\":true,\"rounded\":false,\"value\":\"0.25\"}\n");
    let echo = start(Mode::Echo);
    run(&echo, &["echo", "a\nb", "--json"]).printed("{\"echo\":\"a\\nb\",\"ok\":true}\n");
    let bank = start(Mode::Atm);
    run(&bank, &[CARD, &["balance", "--json"]].concat())
        .printed("{\"available\":\"10000.00\",\"held\":\"0.00\",\"ok\":true}\n");
}
