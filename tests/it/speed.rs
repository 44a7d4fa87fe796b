//! The bare server of `examples/speed` gives the answers that `labserver` gives, so that the example
//! compares like with like.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use proto::mode::Mode;
use testkit::peer::{connect, udp_socket};
use testkit::service::start;

use crate::floor::{ADMITTED, Floor};
use crate::questions::{
    Fixed, LOWER, Question, SIXTEEN, TEXT_READY, Time, Verdict, Withdrawal, frame, unframe,
};

/// A connection to a server that sends this first.
fn greeted(server: SocketAddr, greeting: &[u8]) -> TcpStream {
    let mut stream = connect(server);
    assert_eq!(read(&mut stream, greeting.len()), greeting);
    stream
}

fn read(stream: &mut TcpStream, length: usize) -> Vec<u8> {
    let mut received = vec![0; length];
    stream.read_exact(&mut received).unwrap();
    received
}

fn answers(mut stream: TcpStream, question: Fixed) {
    for _ in 0..2 {
        stream.write_all(question.request).unwrap();
        let answer = read(&mut stream, question.answer.len());
        assert_eq!(question.judge(&answer), Verdict::Right);
    }
}

#[test]
fn the_bare_server_and_labserver_answer_the_requests_over_tcp_alike() {
    answers(greeted(start(Mode::Text).address(), TEXT_READY), LOWER);
    answers(connect(start(Mode::Echo).address()), SIXTEEN);
    for (floor, question) in [
        (Floor::Text, LOWER),
        (Floor::Connect, LOWER),
        (Floor::Durable, LOWER),
        (Floor::Echo, SIXTEEN),
    ] {
        answers(connect(floor.start().unwrap()), question);
    }
}

#[test]
fn the_bare_server_and_labserver_answer_a_request_for_the_time_alike() {
    let ours = start(Mode::Datetime);
    for server in [ours.address(), Floor::Datetime.start().unwrap()] {
        let socket = udp_socket();
        let mut request = Vec::new();
        Time.write(&mut request);
        socket.send_to(&request, server).unwrap();
        let mut answer = [0; 64];
        let (length, _) = socket.recv_from(&mut answer).unwrap();
        assert_eq!(Time.judge(&answer[..length]), Verdict::Right);
    }
}

#[test]
fn the_bare_room_sends_every_line_to_every_member_and_its_speaker() {
    let room = Floor::Room.start().unwrap();
    let mut members = [greeted(room, ADMITTED), greeted(room, ADMITTED)];
    members[0].write_all(b"hello").unwrap();
    for member in &mut members {
        assert_eq!(read(member, 5), b"hello");
    }
}

#[test]
fn an_answer_is_right_only_when_it_is_whole_and_alone() {
    assert_eq!(LOWER.judge(b"19:OK hello"), Verdict::Incomplete);
    assert_eq!(LOWER.judge(LOWER.answer), Verdict::Right);
    let two = [LOWER.answer, LOWER.answer].concat();
    assert_eq!(LOWER.judge(&two), Verdict::Wrong);
    for wrong in ["OK 12:34:5", "OK 12:34:567", "ERR busy", "OK 12.34.56"] {
        assert_eq!(Time.judge(wrong.as_bytes()), Verdict::Wrong, "{wrong}");
    }
}

#[test]
fn a_withdrawal_is_answered_by_its_own_id_and_amount() {
    let mut withdrawal = Withdrawal::default();
    let mut request = Vec::new();
    withdrawal.write(&mut request);
    let request = String::from_utf8(unframe(&request).unwrap().unwrap().to_vec()).unwrap();
    let id = request.split(' ').nth(1).unwrap();
    let judged = |answer: &str| {
        let mut bytes = Vec::new();
        frame(&mut bytes, answer);
        withdrawal.judge(&bytes)
    };
    let right = format!("OK {id} held 5.00, available 1.00");
    assert_eq!(judged(&right), Verdict::Right);
    assert_eq!(judged(&right.replace("5.00", "6.00")), Verdict::Wrong);
    let other = "OK WITH_0190e5a8-7c00-7000-8000-000000000002 held 5.00, available 1.00";
    assert_eq!(judged(other), Verdict::Wrong);
    assert_eq!(withdrawal.judge(b"60:OK WITH_"), Verdict::Incomplete);
    assert_eq!(withdrawal.judge(b"sixty"), Verdict::Wrong);
}
