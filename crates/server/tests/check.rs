//! `labserver check`: clients that keep every rule, and clients with one mistake each.

use std::fs;
use std::path::Path;

use serde_json::Value;
use testkit::{assert_contains, python};

use crate::labserver::{Home, run};

mod by_hand;
mod handouts;

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
    fs::write(&file, text).unwrap();
    file.to_str().unwrap().to_owned()
}

#[test]
fn a_case_that_there_is_not_is_a_usage_error_of_check() {
    let ended = run(&["check", "text", "--only", "nonsense", "--", "true"]);
    assert_eq!(ended.status, Some(2), "{ended:?}");
    let expected = ["no case of text is called \"nonsense\"", "labserver check"];
    assert_contains(&ended.stderr, &expected);
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
fn a_cash_machine_without_a_place_for_its_journal_runs_in_a_copy_of_its_directory() {
    testkit::require_python!();
    let home = Home::new();
    let python = python::interpreter().display();
    let script = format!(
        "{python} {EXAMPLES}/atm_client.py --journal journal --card 123456789 --timeout 1 \
         --server \"$1\" $2 $3"
    );
    fs::write(home.path().join("machine.sh"), script).unwrap();
    let words = "check atm --only client.withdraw --only client.killed-held -- sh ./machine.sh {host}:{port} {words}";
    let words: Vec<_> = words.split(' ').collect();
    let check = home.program(&words);
    let ended = check
        .adjust(|command| command.current_dir(home.path()))
        .run();
    assert_eq!(ended.status, Some(0), "{ended:?}");
    let journals = fs::read_dir(home.path()).unwrap().flatten();
    let journals = journals.filter(|file| file.file_name().to_string_lossy().contains("journal"));
    assert_eq!(journals.count(), 0);
}

#[test]
#[ignore = "takes long: the gate runs it alone"]
fn a_folder_of_clients_is_judged_a_line_each_with_files_for_the_teacher() {
    testkit::require_python!();
    let home = Home::new();
    let at = |file: &str| home.path().join(file).display().to_string();
    for (name, mistake) in [("anna", ""), ("bela", "client.printable = lambda text: ''")] {
        let directory = home.path().join("submissions").join(name);
        fs::create_dir_all(&directory).unwrap();
        write_client(&directory, "text", mistake);
    }
    let python = python::interpreter().to_str().unwrap();
    let (folder, csv, junit) = (at("submissions"), at("marks.csv"), at("marks.xml"));
    let files = ["--batch", &*folder, "--csv", &*csv, "--junit", &*junit];
    let client = [python, "client.py", "--server", "{host}:{port}", "{words}"];
    let command = [
        &["check", "text", "--only", "client.blanks"],
        &files[..],
        &["--"],
        &client,
    ]
    .concat();
    let ended = home.run(&command);
    ended.exited(
        1,
        "anna  must 1/1 (1/1 points)\nbela  must 0/1 (0/1 points)  text.client.blanks\n",
    );
    let read = |file: &str| fs::read_to_string(file).unwrap();
    assert_contains(&read(&csv), &["\r\nanna,1,1,", "\r\nbela,0,1,"]);
    assert_contains(
        &read(&junit),
        &["<testsuite name=\"bela\" tests=\"1\" failures=\"1\""],
    );
}

#[test]
#[ignore = "takes long: the gate runs it alone"]
fn the_marks_of_a_client_are_written_for_gradescope() {
    testkit::require_python!();
    let home = Home::new();
    let results = home.path().join("results.json");
    let client = write_client(home.path(), "text", "");
    let python = python::interpreter().to_str().unwrap();
    let file = results.to_str().unwrap();
    let check = [
        "check",
        "text",
        "--only",
        "client.blanks",
        "--gradescope",
        file,
        "--",
        python,
    ];
    home.answer(
        &[
            &check[..],
            &[&client, "--server", "{host}:{port}", "{words}"],
        ]
        .concat(),
    );
    let results: Value = serde_json::from_str(&fs::read_to_string(results).unwrap()).unwrap();
    assert_eq!(results["tests"][0]["score"], 1);
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
    for mode in ["text", "calc", "chat", "echo", "datetime", "atm", "script"] {
        let ended = run(&["check", mode, "--list"]);
        assert!(
            ended.stdout.starts_with(&format!("{mode}.client.")),
            "{ended:?}"
        );
    }
}
