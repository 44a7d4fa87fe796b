//! Where a server listens, how it says so, and what it says when it cannot.

use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::process::CommandExt;
use testkit::assert_contains;

use crate::labserver::{Home, run, start};

#[test]
fn each_mode_prints_one_exact_line_a_socket() {
    for (mode, sockets) in [
        ("atm", &["atm tcp"][..]),
        ("text", &["text tcp"]),
        ("calc", &["calc tcp"]),
        ("chat", &["chat tcp"]),
        ("echo", &["echo tcp", "echo udp"]),
        ("datetime", &["datetime udp"]),
        ("script", &["script tcp"]),
    ] {
        let server = start(&["--mode", mode, "--port", "0"]);
        let expected: String = sockets
            .iter()
            .map(|socket| format!("listening {socket} {}\n", server.address(socket)))
            .collect();
        assert_eq!(server.stop().stdout, expected);
    }
}

#[test]
fn one_process_can_run_every_service() {
    let server = start(&["--mode", "all", "--port", "0"]);
    let sockets = [
        "atm tcp",
        "text tcp",
        "calc tcp",
        "chat tcp",
        "echo tcp",
        "echo udp",
        "datetime udp",
        "script tcp",
    ];
    let expected: Vec<_> = sockets
        .iter()
        .map(|socket| format!("listening {socket} {}", server.address(socket)))
        .collect();
    for framed in ["atm tcp", "text tcp", "calc tcp", "chat tcp"] {
        assert_eq!(server.converse(framed).ask("QUIT"), "OK bye", "{framed}");
    }
    let ended = server.stop();
    assert_eq!(ended.stdout.lines().collect::<Vec<_>>(), expected);
    assert_eq!(ended.status, Some(0), "{ended:?}");
}

#[test]
fn several_services_run_in_one_process_in_the_order_of_their_ports() {
    for arguments in [
        &["--mode", "chat,text", "--port", "0"][..],
        &["--mode", "chat", "--mode", "text,chat", "--port", "0"],
        &["text,chat", "--port", "0"],
        &["chat", "text", "--port", "0"],
    ] {
        let server = start(arguments);
        let expected: String = ["text tcp", "chat tcp"]
            .iter()
            .map(|socket| format!("listening {socket} {}\n", server.address(socket)))
            .collect();
        assert_eq!(server.stop().stdout, expected, "{arguments:?}");
    }
}

#[test]
fn the_port_of_several_services_is_where_theirs_are_counted_from() {
    // Nine ports above a free one may be taken, so a few are tried.
    let home = Home::new();
    let server = (0..20).find_map(|_| {
        let holder = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = holder.local_addr().unwrap().port().checked_sub(5)?;
        drop(holder);
        let program = home.program(&["--mode", "calc,atm,text", "--ledger", "memory"]);
        let server = program.with(&["--port", &base.to_string()]).start();
        let said = server
            .stdout
            .find(|line| line.starts_with("listening calc "));
        said.map(|_| (base, server))
    });
    let (base, server) = server.unwrap();
    for (service, above) in [("atm tcp", 5), ("text tcp", 6), ("calc tcp", 7)] {
        assert_eq!(server.address(service).port(), base + above, "{service}");
    }
}

#[test]
fn a_service_and_an_address_are_understood_by_their_names() {
    let server = start(&["text", "--bind", "localhost", "--port", "0"]);
    assert!(server.address("text tcp").ip().is_loopback());
    assert_eq!(server.converse("text tcp").ask("PRIME 97"), "OK prime");
}

#[test]
fn echo_has_one_port_for_both_transports() {
    let server = start(&["--mode", "echo", "--port", "0"]);
    assert_eq!(server.address("echo tcp"), server.address("echo udp"));
    assert_ne!(server.address("echo tcp").port(), 0);
}

#[test]
fn a_port_in_use_is_named_with_what_to_do() {
    let holder = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = holder.local_addr().unwrap();
    let ended = run(&["--mode", "text", "--port", &address.port().to_string()]);
    ended.exited(1, "");
    let reason = format!(
        "cannot listen on {address}: Address already in use (os error 98): is another labserver \
         running? choose another port with --port"
    );
    ended.failed(1, &reason);
}

#[test]
fn an_address_of_another_machine_is_named_with_what_to_do() {
    let ended = run(&["--mode", "text", "--bind", "192.0.2.1", "--port", "0"]);
    assert_eq!(ended.status, Some(1));
    let words = "labserver: cannot listen on 192.0.2.1:0: Cannot assign requested address";
    assert!(ended.stderr.starts_with(words), "{}", ended.stderr);
    assert_contains(&ended.stderr, &["give --bind an address of this machine"]);
}

#[test]
fn a_port_below_1024_is_refused_with_what_to_do() {
    let first_free = std::fs::read_to_string("/proc/sys/net/ipv4/ip_unprivileged_port_start");
    if first_free.is_ok_and(|first| first.trim() != "1024") {
        return eprintln!("skipped: here, ports below 1024 are not privileged");
    }
    let home = Home::new();
    let mut program = home.program(&["--mode", "text", "--port", "7"]);
    if rustix::process::getuid().is_root() {
        const NOBODY: u32 = 65_534;
        let version = home.program(&["--version"]);
        let others_may_run = version.adjust(|command| command.uid(NOBODY)).try_start();
        if !others_may_run.is_ok_and(|version| version.end().status == Some(0)) {
            return eprintln!(
                "skipped: root may use any port, and no other user may run the server"
            );
        }
        program = program.adjust(|command| command.uid(NOBODY));
    }
    let ended = program.run();
    ended.exited(1, "");
    let words = "labserver: cannot listen on 127.0.0.1:7: Permission denied";
    assert!(ended.stderr.starts_with(words), "{}", ended.stderr);
    assert_contains(&ended.stderr, &["ports below 1024 are for the superuser"]);
}

#[test]
fn a_server_of_all_interfaces_shows_its_addresses_from_outside() {
    let server = start(&["--mode", "text", "--bind", "0.0.0.0", "--port", "0"]);
    let address = server.address("text tcp");
    assert_eq!(address.ip(), Ipv4Addr::UNSPECIFIED);
    let outside: Vec<_> = if_addrs::get_if_addrs()
        .unwrap()
        .into_iter()
        .filter(|interface| !interface.is_loopback() && interface.ip().is_ipv4())
        .collect();
    if outside.is_empty() {
        eprintln!("not shown: there is no interface but loopback");
    }
    for interface in outside {
        let shown = format!(
            "from other machines: {}:{} ",
            interface.ip(),
            address.port()
        );
        server.stderr.wait_for(&shown);
    }
}

#[test]
fn a_server_listens_on_ipv6_when_asked_to() {
    if TcpListener::bind("[::1]:0").is_err() {
        return eprintln!("skipped: there is no IPv6 here");
    }
    let server = start(&["--mode", "text", "--bind", "::1", "--port", "0"]);
    assert_eq!(server.converse("text tcp").ask("PRIME 97"), "OK prime");
    let server = start(&["--mode", "text", "--bind", "::", "--port", "0"]);
    let over_ipv4 = (Ipv4Addr::LOCALHOST, server.address("text tcp").port());
    std::net::TcpStream::connect(over_ipv4).unwrap();
}

#[test]
fn a_server_can_be_restarted_at_once_on_the_same_port() {
    let home = Home::new();
    let server = home.start(&["--mode", "text", "--port", "0"]);
    let port = server.address("text tcp").port().to_string();
    let mut peer = server.converse("text tcp");
    // The server closes first, so its side of the connection lingers.
    assert_eq!(peer.ask("QUIT"), "OK bye");
    assert_eq!(peer.receive(), None);
    let held_open = server.converse("text tcp");
    assert_eq!(server.stop().status, Some(0));
    let server = home.start(&["--mode", "text", "--port", &port]);
    assert_eq!(server.converse("text tcp").ask("PRIME 97"), "OK prime");
    drop(held_open);
}
