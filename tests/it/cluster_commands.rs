//! The commands of `examples/cluster` before anything is started: what they refuse, and how.

use std::net::TcpListener;
use std::path::Path;

use testkit::process::{Ended, Program};
use testkit::python;

/// One of the commands, run to its end.
fn cluster(command: &str, arguments: &[&str], path: Option<&str>) -> Ended {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/cluster");
    let script = script.join(command);
    Program::new(python::interpreter())
        .with(&[script.to_str().unwrap()])
        .with(arguments)
        .adjust(|it| match path {
            Some(path) => it.env("PATH", path),
            None => it,
        })
        .run()
}

#[test]
fn without_the_packages_up_says_what_to_install() {
    testkit::require_python!();
    let directory = tempfile::tempdir().unwrap();
    let nothing = directory.path().to_str().unwrap();
    let ended = cluster("up", &["--dir", nothing], Some(nothing));
    ended.refused(
        1,
        &[
            "up: not installed: etcd, patroni, redis-server, redis-sentinel",
            "apt-get install --no-install-recommends postgresql-15 patroni etcd-server haproxy",
        ],
    );
}

#[test]
fn up_leaves_a_directory_alone_that_is_not_empty() {
    testkit::require_python!();
    let directory = tempfile::tempdir().unwrap();
    let place = directory.path().to_str().unwrap();
    let kept = directory.path().join("kept");
    std::fs::write(&kept, "of somebody").unwrap();
    let words = format!("{place} is not empty: name another with --dir");
    cluster("up", &["--dir", place], None).refused(1, &[&words]);
    let words = format!("down: no cluster is in {place}");
    cluster("down", &["--dir", place], None).refused(1, &[&words]);
    assert_eq!(std::fs::read_to_string(kept).unwrap(), "of somebody");
}

#[test]
fn a_port_that_is_taken_is_named_before_anything_is_made() {
    testkit::require_python!();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    // HAProxy's page has the base itself.
    let base = port.to_string();
    let directory = tempfile::tempdir().unwrap();
    let place = directory.path().join("cluster");
    let program = std::env::current_exe().unwrap();
    let arguments = [
        "--dir",
        place.to_str().unwrap(),
        "--port-base",
        &base,
        "--labserver",
        program.to_str().unwrap(),
    ];
    let ended = cluster("up", &arguments, None);
    assert_eq!(ended.status, Some(1), "{ended:?}");
    let is_missing = ended.stderr.starts_with("up: not installed: ");
    let is_named = ended
        .stderr
        .starts_with(&format!("up: port {port}, for haproxy stats: "));
    assert!(is_missing || is_named, "{ended:?}");
    assert!(!place.exists());
}

#[test]
fn what_is_no_cluster_or_no_part_of_one_is_refused() {
    testkit::require_python!();
    let directory = tempfile::tempdir().unwrap();
    let place = directory.path().to_str().unwrap();
    let no_cluster = format!("no cluster is in {place}");
    for (command, arguments) in [("start", &["pg1"][..]), ("stop", &["pg1"]), ("status", &[])] {
        let arguments = [arguments, &["--dir", place]].concat();
        cluster(command, &arguments, None).refused(1, &[&no_cluster]);
    }
    let state = r#"{"processes": {"pg1": {"pid": null}, "lab1": {"pid": null}}}"#;
    std::fs::write(directory.path().join("cluster.json"), state).unwrap();
    let ended = cluster("stop", &["pg9", "--dir", place], None);
    ended.refused(1, &["there is no pg9: pg1, lab1"]);
    cluster("up", &["--port-base", "80"], None).refused(2, &["from 1024 to 65000"]);
}
