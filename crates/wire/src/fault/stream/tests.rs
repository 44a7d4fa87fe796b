use super::*;
use crate::fault::{Channel, Plan};
use proto::mode::Transport;

fn halves_of(side: Side, spec: &str) -> (Incoming, Outgoing) {
    let plan = Plan::new(spec.parse().unwrap(), 1);
    halves(plan.faults(Channel {
        side,
        transport: Transport::Tcp,
        number: 0,
        exchange: Exchange::Answered,
    }))
}

fn written(outgoing: &mut Outgoing, message: &[u8]) -> Vec<u8> {
    let queued = outgoing.queue(message, Framing::Line, false, None);
    queued.unwrap();
    let queued = outgoing.take_queued();
    queued.iter().flat_map(Sending::to_write).collect()
}

#[test]
fn a_request_doubled_in_the_server_is_received_twice_and_answered_once() {
    let (mut incoming, mut outgoing) = halves_of(Side::Server, "duplicate=#1");
    assert_eq!(incoming.waiting(), None);
    let request = Received::Message(b"ADD 1".to_vec());
    assert_eq!(incoming.arrived(b"ADD 1".to_vec()), request);
    assert_eq!(written(&mut outgoing, b"OK 1"), b"OK 1\n");
    assert_eq!(incoming.waiting(), Some(request));
    assert_eq!(written(&mut outgoing, b"EVENT sum 2"), b"EVENT sum 2\n");
    assert_eq!(written(&mut outgoing, b"OK 2"), b"");
    assert_eq!(incoming.waiting(), None);
    assert_eq!(written(&mut outgoing, b"OK 3"), b"OK 3\n");
}

#[test]
fn a_request_doubled_in_the_client_is_sent_twice_and_its_second_answer_unseen() {
    let (mut incoming, mut outgoing) = halves_of(Side::Client, "duplicate=#2");
    assert_eq!(written(&mut outgoing, b"ADD 1"), b"ADD 1\n");
    assert_eq!(written(&mut outgoing, b"ADD 1"), b"ADD 1\nADD 1\n");
    let mut seen = Vec::new();
    for message in ["OK 1", "EVENT sum 2", "OK 2", "EVENT sum 3", "OK 3", "OK 4"] {
        if let Received::Message(message) = incoming.arrived(message.into()) {
            seen.push(String::from_utf8(message).unwrap());
        }
    }
    assert_eq!(seen, ["OK 1", "EVENT sum 2", "OK 2", "EVENT sum 3", "OK 4"]);
}

#[test]
fn a_request_refused_in_the_client_does_not_bring_answers_out_of_step() {
    let (mut incoming, mut outgoing) = halves_of(Side::Client, "error=#1,duplicate=#2");
    assert_eq!(written(&mut outgoing, b"ADD 1"), b"");
    let refusal = Received::Message(b"ERR unavailable injected fault".to_vec());
    assert_eq!(incoming.waiting(), Some(refusal));
    assert_eq!(incoming.waiting(), None);
    assert_eq!(written(&mut outgoing, b"ADD 1"), b"ADD 1\nADD 1\n");
    let first = Received::Message(b"OK 1".to_vec());
    assert_eq!(incoming.arrived(b"OK 1".to_vec()), first);
    assert_eq!(incoming.arrived(b"OK 2".to_vec()), Received::Nothing);
}

#[test]
fn a_message_that_does_not_fit_counts_for_nothing() {
    let (_incoming, mut outgoing) = halves_of(Side::Client, "drop-request=#1");
    outgoing
        .queue(b"a\nb", Framing::Line, false, None)
        .unwrap_err();
    assert_eq!(written(&mut outgoing, b"ADD 1"), b"");
    assert_eq!(written(&mut outgoing, b"ADD 1"), b"ADD 1\n");
}

#[test]
fn messages_of_one_batch_are_late_together_and_stay_in_order() {
    let mut timetable = Timetable::default();
    let sent = Instant::now();
    let late = [30, 10, 50, 0].map(Duration::from_millis);
    let due = late.map(|delay| timetable.due(sent, delay) - sent);
    assert_eq!(due, [30, 30, 50, 50].map(Duration::from_millis));
}
