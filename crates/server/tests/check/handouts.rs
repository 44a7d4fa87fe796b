//! Clients of hand-outs and scripts.

use std::fs;

use proto::handout::Handout;
use testkit::{assert_contains, at_once};

use super::{EXAMPLES, broken};
use crate::labserver::{Home, run};

/// The file of the example for this hand-out.
fn example(handout: Handout) -> String {
    let name = match handout {
        Handout::Datetime => "datetime_udp".to_owned(),
        handout => handout.name().replace('-', "_"),
    };
    format!("{EXAMPLES}/handout/{name}.py")
}

/// The rules that the client with these edits of the example breaks.
fn broken_by(handout: Handout, edits: &[(&str, &str)]) -> Vec<String> {
    let home = Home::new();
    for file in ["program.py", "primes.py"] {
        fs::copy(format!("{EXAMPLES}/handout/{file}"), home.path().join(file)).unwrap();
    }
    let mut text = fs::read_to_string(example(handout)).unwrap();
    for (right, wrong) in edits {
        assert!(text.contains(right), "{right}");
        text = text.replace(right, wrong);
    }
    let file = home.path().join("client.py");
    fs::write(&file, text).unwrap();
    let client = [
        file.to_str().unwrap(),
        "client",
        "--server",
        "{host}:{port}",
    ];
    broken(&format!("--handout={}", handout.name()), &[], &client).0
}

#[test]
#[ignore = "takes long: the gate runs it alone"]
fn the_clients_of_all_hand_outs_keep_every_rule() {
    testkit::require_python!();
    at_once(Handout::ALL, |handout| {
        let client = [&*example(handout), "client", "--server", "{host}:{port}"];
        let broken = broken(&format!("--handout={}", handout.name()), &[], &client);
        assert_eq!(broken, (vec![], Some(0)), "{handout:?}");
    });
}

#[test]
#[ignore = "takes long: the gate runs it alone"]
fn other_words_than_the_printed_ones_are_found() {
    testkit::require_python!();
    let wrong_verb = [("\"convert \"", "\"Convert \"")];
    let broken = broken_by(Handout::TextMenu, &wrong_verb);
    assert!(
        broken.contains(&"text-menu.client.exchange".to_owned()),
        "{broken:?}"
    );
    let broken = broken_by(Handout::Joke, &[("get it.", "get it")]);
    assert!(
        broken.contains(&"joke.client.says-its-part".to_owned()),
        "{broken:?}"
    );
    // It draws what it asks.
    let asks_the_year = [("(\"SEND_DATE\", \"SEND_TIME\")", "(\"SEND_YEAR\",)")];
    let broken = broken_by(Handout::Datetime, &asks_the_year);
    assert!(
        broken.contains(&"datetime.client.exchange".to_owned()),
        "{broken:?}"
    );
}

#[test]
#[ignore = "takes long: the gate runs it alone"]
fn one_recv_for_an_answer_of_known_length_is_found() {
    testkit::require_python!();
    let one_recv = [("exactly(connection, 16)", "connection.recv(16)")];
    assert_eq!(
        broken_by(Handout::Sixteen, &one_recv),
        ["sixteen.client.bytewise"]
    );
    let one_recv = [("to_the_end(connection)", "hear(connection)")];
    assert_eq!(
        broken_by(Handout::TextMenu, &one_recv),
        ["text-menu.client.bytewise"]
    );
}

#[test]
#[ignore = "takes long: the gate runs it alone"]
fn the_client_of_a_script_of_ones_own_is_played_to_the_end_of_the_script() {
    testkit::require_python!();
    let home = Home::new();
    let script = home.path().join("questions.toml");
    let text = "title = \"two questions\"\ntransport = \"tcp\"\nwire = \"line\"\n\
        [server]\non-connect = { send = \"Who are you?\" }\n\
        [[server.on]]\nany = true\nsend = \"What is it?\"\nnext = \"asked\"\n\
        [[server.on]]\nstate = \"asked\"\nreceive = \"nothing\"\nsend = \"Bye.\"\nclose = true\n\
        [client]\n[[client.on]]\nreceive = \"Bye.\"\nclose = true\n\
        [[client.on]]\nany = true\nask = \"> \"\n";
    fs::write(&script, text).unwrap();
    let client = home.path().join("client.py");
    let text = "import socket, sys\n\
        connection = socket.create_connection((sys.argv[1], int(sys.argv[2])))\n\
        lines = connection.makefile('rw', newline='\\n')\n\
        while line := lines.readline():\n    \
        print(line, end='', flush=True)\n    \
        if line == 'Bye.\\n':\n        break\n    \
        lines.write(sys.stdin.readline())\n    \
        lines.flush()\n";
    fs::write(&client, text).unwrap();
    let options = ["--script", script.to_str().unwrap()];
    let words = [client.to_str().unwrap(), "{host}", "{port}"];
    assert_eq!(broken("script", &options, &words), (vec![], Some(0)));
    let shouts = text.replace("sys.stdin.readline()", "sys.stdin.readline().upper()");
    fs::write(&client, shouts).unwrap();
    let (ids, _) = broken("script", &options, &words);
    assert!(
        ids.contains(&"script.client.says-its-part".to_owned()),
        "{ids:?}"
    );
}

#[test]
fn a_script_without_a_client_has_nothing_to_judge() {
    let home = Home::new();
    let script = home.path().join("server.toml");
    let text = "title = \"no client\"\ntransport = \"tcp\"\nwire = \"line\"\n[[server.on]]\nany = true\nsend = \"Ok\"\n";
    fs::write(&script, text).unwrap();
    let ended = run(&[
        "check",
        "script",
        "--script",
        script.to_str().unwrap(),
        "--list",
    ]);
    assert_eq!(ended.status, Some(2), "{ended:?}");
    assert_contains(&ended.stderr, &["no case of script is left"]);
}
