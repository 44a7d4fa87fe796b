use super::*;
use crate::fault::outgoing::GLUE_WAIT;
use crate::fault::{FaultPlan, FaultScope};
use proto::mode::Transport;
use record::tap::Batch;

fn faults_of(side: Side, spec: &str) -> StreamFaults {
    let plan = FaultPlan::new(spec.parse().unwrap(), 1);
    StreamFaults::new(plan.faults(FaultScope {
        side,
        transport: Transport::Tcp,
        number: 0,
        exchange: Exchange::Answered,
    }))
}

/// What is written of these messages, sent in one go.
fn written(faults: &mut StreamFaults, messages: &[&str]) -> String {
    let now = Instant::now();
    for message in messages {
        let bytes = format!("{message}\n").into_bytes();
        let sending = faults.decide(message.as_bytes(), bytes, false, now);
        faults.outgoing.push(sending);
    }
    let mut all = Vec::new();
    for sending in faults.outgoing.take_queue() {
        let write = faults.outgoing.write(sending, now).0.into_iter();
        all.extend(write.flat_map(|write| write.batch.bytes));
    }
    String::from_utf8(all).unwrap()
}

#[test]
fn a_request_duplicated_in_the_server_is_received_twice_and_answered_once() {
    let mut faults = faults_of(Side::Server, "duplicate=#1");
    assert_eq!(faults.pending(), None);
    assert_eq!(faults.arrived(b"ADD 1"), Some(FaultEffect::Duplicated));
    assert_eq!(written(&mut faults, &["OK 1"]), "OK 1\n");
    assert_eq!(faults.pending(), Some(b"ADD 1".to_vec()));
    assert_eq!(written(&mut faults, &["EVENT sum 2"]), "EVENT sum 2\n");
    assert_eq!(written(&mut faults, &["OK 2"]), "");
    assert_eq!(faults.pending(), None);
    assert_eq!(written(&mut faults, &["OK 3"]), "OK 3\n");
}

#[test]
fn a_request_duplicated_in_the_client_is_sent_twice_and_its_second_answer_suppressed() {
    let mut faults = faults_of(Side::Client, "duplicate=#2");
    assert_eq!(written(&mut faults, &["ADD 1"]), "ADD 1\n");
    assert_eq!(written(&mut faults, &["ADD 1"]), "ADD 1\nADD 1\n");
    let all = ["OK 1", "EVENT sum 2", "OK 2", "EVENT sum 3", "OK 3", "OK 4"];
    let seen = all.map(|message| faults.arrived(message.as_bytes()));
    let suppressed = Some(FaultEffect::Suppressed);
    assert_eq!(seen, [None, None, None, None, suppressed, None]);
}

#[test]
fn a_request_refused_in_the_client_does_not_bring_answers_out_of_step() {
    let mut faults = faults_of(Side::Client, "error=#1,duplicate=#2");
    assert_eq!(written(&mut faults, &["ADD 1"]), "");
    let refusal = b"ERR unavailable injected fault".to_vec();
    assert_eq!(faults.pending(), Some(refusal));
    assert_eq!(faults.pending(), None);
    assert_eq!(written(&mut faults, &["ADD 1"]), "ADD 1\nADD 1\n");
    assert_eq!(faults.arrived(b"OK 1"), None);
    assert_eq!(faults.arrived(b"OK 2"), Some(FaultEffect::Suppressed));
}

#[test]
fn what_waits_for_the_next_message_is_not_forgotten_for_one_that_is_lost() {
    let mut faults = faults_of(Side::Client, "glue=#1-3,drop-request=#2");
    assert_eq!(written(&mut faults, &["a", "b", "c", "d"]), "a\nc\nd\n");
}

#[test]
fn what_waited_long_enough_goes_alone() {
    let mut faults = faults_of(Side::Client, "glue=#1");
    assert_eq!(written(&mut faults, &["a"]), "");
    let (outgoing, now) = (&mut faults.outgoing, Instant::now());
    assert_eq!(outgoing.take_overdue(now), None);
    let overdue = outgoing.take_overdue(now + GLUE_WAIT);
    assert_eq!(overdue, Some(Batch::of(b"a\n".to_vec(), false)));
    assert_eq!(outgoing.held_until(), None);
}
