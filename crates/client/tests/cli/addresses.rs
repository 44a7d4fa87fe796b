//! Who is meant by `--server`.

use proto::frame::Framing;
use proto::mode::Mode;
use testkit::assert_contains;
use testkit::service::{start, start_configured};

use crate::bare_servers::unused_address;
use crate::labclient::{at, labclient, run};

const PRIME: &[&str] = &["text", "prime", "97"];

#[test]
fn a_name_is_tried_at_each_of_its_addresses() {
    let text = start(Mode::Text);
    let port = text.address().port().to_string();
    // Where `localhost` is `::1` first, nothing listens there.
    for server in [format!("localhost:{port}"), format!("127.0.0.1:{port}")] {
        run(&server, PRIME).printed("prime\n");
    }
    let echo = start(Mode::Echo);
    let port = echo.address().port().to_string();
    run(format!("localhost:{port}"), &["echo", "--udp", "hello"]).printed("hello\n");
}

#[test]
fn an_address_of_ipv6_is_written_in_brackets() {
    if std::net::TcpListener::bind("[::1]:0").is_err() {
        return eprintln!("skipped: there is no IPv6 here");
    }
    let bind = "::1".parse().unwrap();
    let text = start_configured(Mode::Text, |config| config.bind = bind);
    assert!(text.address().is_ipv6());
    run(&text, PRIME).printed("prime\n");
}

#[test]
fn each_address_that_was_tried_is_named() {
    let unused = unused_address();
    let port = unused.to_string().rsplit_once(':').unwrap().1.to_owned();
    let ended = run(format!("localhost:{port}"), PRIME);
    ended.exited(3, "");
    let tried = format!("nothing listens on 127.0.0.1:{port}");
    assert_contains(
        &ended.stderr,
        &[&tried, "is `labserver --mode text` running?"],
    );
}

#[test]
fn what_is_no_server_is_a_usage_error() {
    for server in [
        "",
        ":9006",
        "127.0.0.1:",
        "127.0.0.1:0",
        "127.0.0.1:65536",
        "localhost:http",
    ] {
        let ended = run(server, PRIME);
        ended.refused(2, &["--server"]);
    }
}

#[test]
fn a_name_without_an_address_is_named() {
    let ended = run("no-such-host.invalid:9006", PRIME);
    ended.exited(3, "");
    let words = "cannot find the address of \"no-such-host.invalid:9006\": ";
    assert!(ended.stderr.contains(words), "{ended:?}");
}

#[test]
fn each_framing_is_spoken_when_asked_for() {
    for framing in Framing::ALL {
        let text = start_configured(Mode::Text, |config| config.framing = framing);
        run(&text, &[PRIME, &["--wire", framing.name()]].concat()).printed("prime\n");
    }
}

#[test]
fn localhost_and_its_address_are_one_bank_to_a_cash_machine() {
    let bank = start(Mode::Atm);
    let port = bank.address().port().to_string();
    let home = tempfile::tempdir().unwrap();
    let machine = |server: &str, request: &[&str]| {
        at(format!("{server}:{port}"), &["atm", "--card", "123456789"])
            .with(request)
            .adjust(|command| command.env("XDG_STATE_HOME", home.path()))
            .run()
    };
    let withdrawn = machine("localhost", &["withdraw", "500"]);
    assert_eq!(withdrawn.status, Some(0), "{withdrawn:?}");
    let journal = machine("localhost", &["journal"]);
    assert!(journal.stdout.contains("dispensed WITH_"), "{journal:?}");
    let again = machine("127.0.0.1", &["journal"]);
    again.printed(&journal.stdout);
}

#[test]
fn the_server_in_the_environment_stands_in_for_one_that_is_not_given() {
    let text = start(Mode::Text);
    let unused = unused_address();
    let from = |server: String, arguments: &[&str]| {
        labclient(arguments).adjust(move |command| command.env("LABCLIENT_SERVER", server))
    };
    let prime = ["text", "prime", "97"];
    from(text.address().to_string(), &prime)
        .run()
        .printed("prime\n");
    from(unused.to_string(), &prime)
        .at(&text)
        .run()
        .printed("prime\n");
    let words = "LABCLIENT_SERVER is \"lab:http\": the port is a number from 1 to 65535";
    from("lab:http".into(), &prime).run().failed(2, words);
}

#[test]
fn what_loads_a_server_does_not_go_by_the_environment() {
    let unused = unused_address();
    let bench = ["bench", "text", "-n", "1", "--labserver", "no-such-program"];
    let ended = labclient(&bench)
        .adjust(|command| command.env("LABCLIENT_SERVER", unused.to_string()))
        .run();
    // It wanted a server of its own.
    assert!(ended.stderr.contains("no-such-program"), "{ended:?}");
}
