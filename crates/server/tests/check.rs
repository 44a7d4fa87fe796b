//! `labserver check`: clients that keep every rule, and clients with one mistake each.

use std::path::Path;

use serde_json::Value;
use testkit::python;

use crate::labserver::{Home, run};

const EXAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/python");

/// The rules that this client breaks, and the exit status.
fn broken(mode: &str, options: &[&str], client: &[&str]) -> (Vec<String>, Option<i32>) {
    let python = python::interpreter().to_str().unwrap();
    let command = [&["check", mode, "--json"], options, &["--", python], client].concat();
    let ended = Home::new().run(&command);
    let report: Value = serde_json::from_str(&ended.stdout).unwrap_or_else(|_| panic!("{ended:?}"));
    assert_eq!(report["side"], "client");
    let cases = report["cases"].as_array().unwrap().iter();
    let broken = cases.filter(|case| case["verdict"] != "holds");
    let ids = broken.map(|case| case["id"].as_str().unwrap().to_owned());
    (ids.collect(), ended.status)
}

/// The example's client of this mode keeps every rule that is chosen.
#[track_caller]
fn holds(mode: &str, options: &[&str], arguments: &[&str]) {
    testkit::require_python!();
    let file = format!("{EXAMPLES}/{mode}_client.py");
    let client = [&[&*file, "--server", "{host}:{port}"], arguments].concat();
    assert_eq!(broken(mode, options, &client), (vec![], Some(0)));
}

/// The example's client with this mistake breaks this rule.
#[track_caller]
fn breaks(mode: &str, mistake: &str, case: &str, arguments: &[&str]) {
    testkit::require_python!();
    let home = Home::new();
    let file = write_client(home.path(), mode, mistake);
    let client = [&[&*file, "--server", "{host}:{port}"], arguments].concat();
    let id = format!("{mode}.client.{case}");
    let (ids, _) = broken(mode, &["--only", &id], &client);
    assert_eq!(ids, [id]);
}

fn write_client(directory: &Path, mode: &str, mistake: &str) -> String {
    let file = directory.join("client.py");
    let text = format!(
        "import sys\nsys.path.append({EXAMPLES:?})\nimport framing\nimport {mode}_client as client\n\
         {mistake}\nclient.main()\n"
    );
    std::fs::write(&file, text).unwrap();
    file.to_str().unwrap().to_owned()
}

#[test]
#[ignore = "takes long: the gate runs it alone"]
fn the_text_client_keeps_every_rule_whether_it_is_given_words_or_lines() {
    holds("text", &[], &["{words}"]);
    holds("text", &["--wire", "line"], &["--wire", "line"]);
}

#[test]
#[ignore = "takes long: the gate runs it alone"]
fn the_calculators_client_keeps_every_rule() {
    holds("calc", &[], &["--name", "{name}", "{words}"]);
    holds("calc", &[], &["--name", "{name}"]);
}

#[test]
#[ignore = "takes long: the gate runs it alone"]
fn the_chat_client_keeps_every_rule() {
    holds("chat", &[], &["--name", "{name}"]);
}

#[test]
#[ignore = "takes long: the gate runs it alone"]
fn the_echo_client_keeps_every_rule_over_tcp_and_udp() {
    holds("echo", &[], &["{words}"]);
    holds("echo", &["--udp"], &["--udp", "{words}"]);
}

#[test]
#[ignore = "takes long: the gate runs it alone"]
fn the_clock_keeps_every_rule() {
    holds("datetime", &[], &["{words}"]);
}

#[test]
#[ignore = "takes long: the gate runs it alone"]
fn the_cash_machine_keeps_every_rule() {
    let arguments = [
        "--journal",
        "{state}/journal",
        "--card",
        "{card}",
        "--timeout",
        "1",
        "{words}",
    ];
    holds("atm", &[], &arguments);
}

#[test]
#[ignore = "takes long: the gate runs it alone"]
fn blanks_that_are_collapsed_are_found() {
    let mistake = "send = client.send\n\
                   client.send = lambda to, text, wire: send(to, ' '.join(text.split()), wire)";
    breaks("text", mistake, "blanks", &["{words}"]);
}

#[test]
#[ignore = "takes long: the gate runs it alone"]
fn a_result_that_was_a_float_is_found() {
    let mistake = "client.printable = lambda text: str(float(text))";
    breaks("calc", mistake, "exact", &["--name", "{name}", "{words}"]);
}

#[test]
#[ignore = "takes long: the gate runs it alone"]
fn raw_escapes_in_a_room_are_found() {
    let mistake = "client.printable = lambda text: text";
    breaks("chat", mistake, "controls", &["--name", "{name}"]);
}

#[test]
#[ignore = "takes long: the gate runs it alone"]
fn one_recv_for_the_whole_echo_is_found() {
    let mistake = "def over_tcp(server, data):\n    \
                   with framing.connect(server, 10) as connection:\n        \
                   connection.sendall(data)\n        \
                   return connection.recv(65536)\n\
                   client.over_tcp = over_tcp";
    breaks("echo", mistake, "bytewise", &["{words}"]);
}

#[test]
#[ignore = "takes long: the gate runs it alone"]
fn an_answer_that_is_taken_for_that_to_another_question_is_found() {
    let mistake = "client.FORMS = dict.fromkeys(client.FORMS, 'OK ([0-9:-]+)')";
    breaks("datetime", mistake, "doubled", &["{words}"]);
}

#[test]
#[ignore = "takes long: the gate runs it alone"]
fn a_new_id_for_a_repeat_is_found() {
    let mistake = "import re, uuid\n\
                   def until_answered(self, request):\n    \
                   while True:\n        \
                   try:\n            \
                   return self.once(request)\n        \
                   except client.Lost:\n            \
                   request = re.sub('WITH_[^ ]+', 'WITH_' + str(uuid.uuid4()), request)\n\
                   client.Line.until_answered = until_answered";
    let arguments = [
        "--journal",
        "{state}/journal",
        "--card",
        "{card}",
        "{words}",
    ];
    breaks("atm", mistake, "reset-held", &arguments);
}

#[test]
#[ignore = "takes long: the gate runs it alone"]
fn a_client_that_cannot_be_started_has_an_exit_status_of_its_own() {
    let ended = run(&["check", "text", "--", "/nonexistent/client", "{port}"]);
    assert_eq!(ended.status, Some(3), "{ended:?}");
    assert!(
        ended.stderr.contains("cannot start /nonexistent/client"),
        "{ended:?}"
    );
}

#[test]
#[ignore = "takes long: the gate runs it alone"]
fn a_command_without_a_place_for_the_port_is_refused() {
    let ended = run(&["check", "text", "--", "client"]);
    assert_eq!(ended.status, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("{port}"), "{ended:?}");
}

#[test]
#[ignore = "takes long: the gate runs it alone"]
fn the_cases_are_listed() {
    for mode in ["text", "calc", "chat", "echo", "datetime", "atm"] {
        let ended = run(&["check", mode, "--list"]);
        assert!(
            ended.stdout.starts_with(&format!("{mode}.client.")),
            "{ended:?}"
        );
    }
}
