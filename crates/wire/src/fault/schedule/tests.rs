use super::*;
use crate::fault::{FaultPlan, Faults};

const CHANNEL: FaultScope = FaultScope {
    side: Side::Client,
    transport: Transport::Tcp,
    number: 0,
    exchange: Exchange::Answered,
};

fn requests(spec: &str, (seed, number): (u64, u64), count: usize) -> Vec<Decision> {
    let (spec, channel) = (spec.parse().unwrap(), FaultScope { number, ..CHANNEL });
    let mut schedule = FaultSchedule::new(&spec, seed, channel, Direction::ToServer);
    (0..count).map(|_| schedule.next_decision()).collect()
}

fn verdicts(fates: &[Decision]) -> Vec<FaultKind> {
    fates.iter().map(|decision| decision.kind).collect()
}

#[test]
fn the_same_seed_gives_the_same_schedule_and_another_seed_another() {
    let spec = "drop-request=30%,duplicate=30%,delay=1ms..9ms";
    let fates = |seed, number| requests(spec, (seed, number), 200);
    assert_eq!(fates(7, 0), fates(7, 0));
    assert_ne!(fates(7, 0), fates(8, 0));
    assert_ne!(fates(7, 0), fates(7, 1));
}

#[test]
fn one_fault_does_not_move_another() {
    let dropped = |spec| {
        let fates = verdicts(&requests(spec, (7, 0), 200)).into_iter();
        let dropped = fates.map(|kind| kind == FaultKind::Drop);
        dropped.collect::<Vec<_>>()
    };
    let among = "drop-request=30%,error=50%,cut=50%,duplicate=50%,delay=1ms";
    assert_eq!(dropped("drop-request=30%"), dropped(among));
}

#[test]
fn connections_that_interleave_keep_their_schedules() {
    let plan = || FaultPlan::new("drop-request=30%,delay=1us..1ms".parse().unwrap(), 7);
    let faults = |plan: &FaultPlan, number| plan.faults(FaultScope { number, ..CHANNEL });
    let drawn = |mut faults: Faults| {
        let fates = (0..100).map(|_| faults.requests.next_decision());
        fates
            .map(|decision| (decision.kind, decision.delay))
            .collect::<Vec<_>>()
    };

    let alone = plan();
    let expected = [0, 1].map(|number| faults(&alone, number)).map(drawn);
    let together = plan();
    let threads = [0, 1].map(|number| {
        let faults = faults(&together, number);
        std::thread::spawn(move || drawn(faults))
    });
    assert_eq!(threads.map(|thread| thread.join().unwrap()), expected);
}

#[test]
fn counts_go_over_all_connections_of_the_process() {
    let plan = FaultPlan::new("drop-request=#3-4,drop-reply=#1".parse().unwrap(), 7);
    let mut dropped = Vec::new();
    for number in 0..3 {
        let mut faults = plan.faults(FaultScope { number, ..CHANNEL });
        dropped.push([(); 2].map(|()| faults.requests.next_decision().kind));
        let is_lost = faults.replies.next_decision().kind == FaultKind::Drop;
        assert_eq!(is_lost, number == 0);
    }
    use FaultKind::{Drop, Pass};
    assert_eq!(dropped, [[Pass, Pass], [Drop, Drop], [Pass, Pass]]);
}

#[test]
fn a_fault_applies_only_where_it_has_a_meaning() {
    let all: FaultSpec =
        "drop-request=#1,drop-reply=#1,error=#2,cut=#3,duplicate=#4,reorder=#5,delay=1ms"
            .parse()
            .unwrap();
    let of = |side, transport, exchange, direction| {
        let channel = FaultScope {
            side,
            transport,
            number: 0,
            exchange,
        };
        let mut schedule = FaultSchedule::new(&all, 1, channel, direction);
        let fates = (0..5).map(|_| schedule.next_decision().to_string());
        let fates = fates.collect::<Vec<_>>().join(" ");
        fates.replace(" 1000us", "+")
    };
    let mut shown = String::new();
    for side in [Side::Client, Side::Server] {
        for transport in [Transport::Tcp, Transport::Udp] {
            for direction in [Direction::ToServer, Direction::ToClient] {
                let fates = of(side, transport, Exchange::Answered, direction);
                shown += &format!("{side:?} {transport:?} {direction:?}: {fates}\n");
            }
        }
    }
    let expected = "\
Client Tcp ToServer: drop+ error+ cut+ duplicate+ pass+
Client Tcp ToClient: drop pass pass pass pass
Client Udp ToServer: drop+ error+ pass+ duplicate+ reorder+
Client Udp ToClient: drop pass pass pass pass
Server Tcp ToServer: drop error pass duplicate pass
Server Tcp ToClient: drop+ pass+ cut+ pass+ pass+
Server Udp ToServer: drop error pass duplicate pass
Server Udp ToClient: drop+ pass+ pass+ pass+ reorder+
";
    assert_eq!(shown, expected);
    let (transport, exchange) = (Transport::Tcp, Exchange::Transparent);
    let fates = of(Side::Server, transport, exchange, Direction::ToServer);
    assert_eq!(fates, "drop pass pass duplicate pass");
}

#[test]
fn stream_faults_do_not_apply_to_datagrams_nor_to_what_is_received() {
    let spec = "split=7,glue=#2,reset=#1,corrupt=#3,pause=1ms@#4";
    let stream = "reset, glue split 7, split 7 corrupt, split 7 pause 1000us";
    for (transport, direction, expected) in [
        (Transport::Tcp, Direction::ToServer, stream),
        (
            Transport::Udp,
            Direction::ToServer,
            ", , corrupt, pause 1000us",
        ),
        (Transport::Tcp, Direction::ToClient, ", , , "),
    ] {
        let (mut channel, spec) = (CHANNEL, spec.parse().unwrap());
        channel.transport = transport;
        let mut schedule = FaultSchedule::new(&spec, 1, channel, direction);
        let fates: Vec<_> = (0..4).map(|_| schedule.next_decision().words()).collect();
        assert_eq!(fates.join(", "), expected);
    }
}

#[test]
fn the_first_fault_in_the_list_decides_when_several_apply() {
    let spec = "duplicate=100%,cut=100%,error=100%,drop-request=#1";
    let fates = requests(spec, (7, 0), 2);
    assert_eq!(verdicts(&fates), [FaultKind::Drop, FaultKind::Error]);
}

#[test]
fn requests_and_replies_are_lost_independently() {
    let plan = FaultPlan::new("drop-request=30%,drop-reply=30%".parse().unwrap(), 7);
    let mut faults = plan.faults(CHANNEL);
    let rounds = 20_000;
    let done = (0..rounds).filter(|_| {
        let (request, reply) = (
            faults.requests.next_decision(),
            faults.replies.next_decision(),
        );
        request.kind == FaultKind::Pass && reply.kind == FaultKind::Pass
    });
    let share = done.count() as f64 / f64::from(rounds);
    // Five standard deviations are 0.018.
    assert!((share - 0.7 * 0.7).abs() < 0.018, "{share}");
}

#[test]
fn delays_stay_within_their_range_and_apply_as_often_as_they_say() {
    let fates = requests("delay=20ms..80ms@10%", (7, 0), 10_000);
    let delays = fates.iter().map(|decision| decision.delay.as_micros());
    let late: Vec<_> = delays.filter(|micros| *micros > 0).collect();
    assert!((850..1150).contains(&late.len()), "{}", late.len());
    assert!(late.iter().all(|micros| (20_000..=80_000).contains(micros)));
    let mean = late.iter().sum::<u128>() / late.len() as u128;
    assert!((47_000..53_000).contains(&mean), "{mean}");
}

#[test]
fn faults_that_are_replaced_strike_open_connections_and_are_counted_anew() {
    let plan = FaultPlan::new(FaultSpec::default(), 7);
    let mut faults = plan.faults(CHANNEL);
    let mut next = || faults.requests.next_decision();
    assert!((0..5).all(|_| next().is_nothing()));
    plan.replace("drop-request=#2".parse().unwrap(), 9);
    assert_eq!(
        (plan.spec().to_string(), plan.seed()),
        ("drop-request=#2".into(), 9)
    );
    let kinds = [1, 2, 3].map(|number| {
        let decision = next();
        assert_eq!(decision.number, number);
        decision.kind
    });
    assert_eq!(kinds, [FaultKind::Pass, FaultKind::Drop, FaultKind::Pass]);
    plan.replace(FaultSpec::default(), 0);
    assert!(next().is_nothing());
}

#[test]
fn replaced_faults_are_those_of_a_run_that_began_with_them() {
    let spec = "drop-request=30%,delay=1us..1ms";
    let plan = FaultPlan::new("cut=50%".parse().unwrap(), 1);
    let relay = |plan: &FaultPlan| plan.relay(Transport::Tcp, 3);
    let (mut requests, mut replies) = relay(&plan);
    let _ = (requests.next_decision(), replies.next_decision());
    plan.replace(spec.parse().unwrap(), 7);
    let fresh = FaultPlan::new(spec.parse().unwrap(), 7);
    let (mut fresh_requests, mut fresh_replies) = relay(&fresh);
    for _ in 0..50 {
        assert_eq!(requests.next_decision(), fresh_requests.next_decision());
        assert_eq!(replies.next_decision(), fresh_replies.next_decision());
    }
}
