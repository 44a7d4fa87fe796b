//! What each request on the command line prints.

use proto::mode::Mode;
use testkit::assert_starts;
use testkit::service::start;

use crate::labclient::{at, run};

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
        let ended = at(&echo, arguments).with(&["--", &text]).run();
        ended.printed(&format!("{text}\n"));
    }
}

#[test]
fn the_cash_machine_prints_balance_and_receipts() {
    let bank = start(Mode::Atm);
    run(&bank, &[CARD, &["balance"]].concat()).printed("10000.00\n");
    for (request, receipt) in [
        (
            ["withdraw", "500"],
            "Withdrawal  500.00\nCard        *****6789\nAvailable   9500.00\nReference   WITH_",
        ),
        (
            ["deposit", "20.50"],
            "Deposit     20.50\nCard        *****6789\nAvailable   9520.50\nReference   DEP_",
        ),
    ] {
        let ended = run(&bank, &[CARD, &request].concat());
        assert_eq!((ended.status, ended.stderr.as_str()), (Some(0), ""));
        assert_starts(&ended.stdout, receipt);
    }
    run(&bank, &[CARD, &["balance"]].concat()).printed("9520.50\n");
}

#[test]
fn an_account_is_opened_and_used_at_once() {
    let bank = start(Mode::Atm);
    let customer = at(&bank, &["atm", "--card", "4000123"]).pin("2468");
    let ended = customer.with(&["create", "Ann B", "7.50"]).run();
    let receipt = "Account of  Ann B\nCard        4000123\nAvailable   7.50\nReference   ACC_";
    assert_starts(&ended.stdout, receipt);
    let customer = at(&bank, &["atm", "--card", "4000123"]).pin("2468");
    customer.with(&["balance"]).run().printed("7.50\n");
}

#[test]
fn json_is_one_object_an_answer() {
    let services = [Mode::Text, Mode::Calc, Mode::Echo, Mode::Atm].map(start);
    let [text, calc, echo, bank] = &services;
    let balance = [CARD, &["balance", "--json"]].concat();
    for (service, arguments, object) in [
        (
            text,
            &["--json", "text", "prime", "97"][..],
            r#"{"ok":true,"prime":true}"#,
        ),
        (
            text,
            &["text", "--json", "prime", "98"],
            r#"{"ok":true,"prime":false}"#,
        ),
        (
            text,
            &["text", "lower", "\x1b A\"B", "--json"],
            r#"{"lower":"\u001b a\"b","ok":true}"#,
        ),
        (
            text,
            &["text", "palindrome", "7", "--json"],
            r#"{"ok":true,"palindrome":true}"#,
        ),
        (
            calc,
            &["calc", "1 / 4", "--json"],
            r#"{"ok":true,"rounded":false,"value":"0.25"}"#,
        ),
        (
            echo,
            &["echo", "a\nb", "--json"],
            r#"{"echo":"a\nb","ok":true}"#,
        ),
        (
            bank,
            &balance,
            r#"{"available":"10000.00","held":"0.00","ok":true}"#,
        ),
    ] {
        run(service, arguments).printed(&format!("{object}\n"));
    }
}
