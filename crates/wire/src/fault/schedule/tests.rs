use super::*;
use crate::fault::FaultPlan;

const CHANNEL: Channel = Channel {
    side: Side::Client,
    transport: Transport::Tcp,
    number: 0,
    exchange: Exchange::Answered,
};

fn requests(spec: &str, seed: u64, number: u64, count: usize) -> Vec<Decision> {
    let channel = Channel { number, ..CHANNEL };
    let mut schedule =
        FaultSchedule::new(&spec.parse().unwrap(), seed, channel, Direction::ToServer);
    (0..count).map(|_| schedule.next_decision()).collect()
}

fn verdicts(fates: &[Decision]) -> Vec<FaultKind> {
    fates.iter().map(|fate| fate.verdict).collect()
}

#[test]
fn the_same_seed_gives_the_same_schedule_and_another_seed_another() {
    let spec = "drop-request=30%,duplicate=30%,delay=1ms..9ms";
    assert_eq!(requests(spec, 7, 0, 200), requests(spec, 7, 0, 200));
    assert_ne!(requests(spec, 7, 0, 200), requests(spec, 8, 0, 200));
    assert_ne!(requests(spec, 7, 0, 200), requests(spec, 7, 1, 200));
}

#[test]
fn one_fault_does_not_move_another() {
    let alone = requests("drop-request=30%", 7, 0, 200);
    let among = requests(
        "drop-request=30%,error=50%,cut=50%,duplicate=50%,delay=1ms",
        7,
        0,
        200,
    );
    let dropped = |fates: &[Decision]| -> Vec<bool> {
        fates
            .iter()
            .map(|fate| fate.verdict == FaultKind::Drop)
            .collect()
    };
    assert_eq!(dropped(&alone), dropped(&among));
}

#[test]
fn connections_that_interleave_keep_their_schedules() {
    let plan = || FaultPlan::new("drop-request=30%,delay=1us..1ms".parse().unwrap(), 7);
    let faults = |plan: &FaultPlan, number| plan.faults(Channel { number, ..CHANNEL });
    let without_numbers = |fate: Decision| (fate.verdict, fate.delay);

    let alone = plan();
    let (mut first, mut second) = (faults(&alone, 0), faults(&alone, 1));
    let mut expected = [Vec::new(), Vec::new()];
    for _ in 0..100 {
        expected[0].push(without_numbers(first.requests.next_decision()));
    }
    for _ in 0..100 {
        expected[1].push(without_numbers(second.requests.next_decision()));
    }

    let together = plan();
    let threads = [0, 1].map(|number| {
        let mut faults = faults(&together, number);
        std::thread::spawn(move || -> Vec<_> {
            (0..100)
                .map(|_| without_numbers(faults.requests.next_decision()))
                .collect()
        })
    });
    assert_eq!(threads.map(|thread| thread.join().unwrap()), expected);
}

#[test]
fn counts_go_over_all_connections_of_the_process() {
    let plan = FaultPlan::new("drop-request=#3-4,drop-reply=#1".parse().unwrap(), 7);
    let mut dropped = Vec::new();
    for number in 0..3 {
        let mut faults = plan.faults(Channel { number, ..CHANNEL });
        dropped.push(verdicts(&[
            faults.requests.next_decision(),
            faults.requests.next_decision(),
        ]));
        let expected = if number == 0 {
            FaultKind::Drop
        } else {
            FaultKind::Pass
        };
        assert_eq!(faults.replies.next_decision().verdict, expected);
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
    let of = |(side, transport, exchange, direction)| {
        let channel = Channel {
            side,
            transport,
            number: 0,
            exchange,
        };
        let mut schedule = FaultSchedule::new(&all, 1, channel, direction);
        let fates: Vec<_> = (0..5)
            .map(|_| schedule.next_decision().to_string())
            .collect();
        fates.join(" ").replace(" 1000us", "+")
    };
    use Direction::{ToClient, ToServer};
    use Exchange::{Answered, Transparent};
    use Side::{Client, Server};
    use Transport::{Tcp, Udp};
    for (place, expected) in [
        (
            (Client, Tcp, Answered, ToServer),
            "drop+ error+ cut+ duplicate+ pass+",
        ),
        (
            (Client, Tcp, Answered, ToClient),
            "drop pass pass pass pass",
        ),
        (
            (Server, Tcp, Answered, ToServer),
            "drop error pass duplicate pass",
        ),
        (
            (Server, Tcp, Answered, ToClient),
            "drop+ pass+ cut+ pass+ pass+",
        ),
        (
            (Client, Udp, Answered, ToServer),
            "drop+ error+ pass+ duplicate+ reorder+",
        ),
        (
            (Server, Udp, Answered, ToClient),
            "drop+ pass+ pass+ pass+ reorder+",
        ),
        (
            (Server, Tcp, Transparent, ToServer),
            "drop pass pass duplicate pass",
        ),
    ] {
        assert_eq!(of(place), expected, "{place:?}");
    }
}

#[test]
fn stream_faults_do_not_apply_to_datagrams_nor_to_what_is_received() {
    let spec = "split=7,glue=#2,reset=#1,corrupt=#3,pause=1ms@#4";
    let of = |transport, direction| {
        let channel = Channel {
            transport,
            ..CHANNEL
        };
        let mut schedule = FaultSchedule::new(&spec.parse().unwrap(), 1, channel, direction);
        let fates: Vec<_> = (0..4).map(|_| schedule.next_decision().words()).collect();
        fates.join(", ")
    };
    assert_eq!(
        of(Transport::Tcp, Direction::ToServer),
        "reset, glue split 7, split 7 corrupt, split 7 pause 1000us"
    );
    assert_eq!(
        of(Transport::Udp, Direction::ToServer),
        ", , corrupt, pause 1000us"
    );
    assert_eq!(of(Transport::Tcp, Direction::ToClient), ", , , ");
}

#[test]
fn the_first_fault_in_the_list_decides_when_several_apply() {
    let fates = requests(
        "duplicate=100%,cut=100%,error=100%,drop-request=#1",
        7,
        0,
        2,
    );
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
        request.verdict == FaultKind::Pass && reply.verdict == FaultKind::Pass
    });
    let share = done.count() as f64 / f64::from(rounds);
    // Five standard deviations are 0.018.
    assert!((share - 0.7 * 0.7).abs() < 0.018, "{share}");
}

#[test]
fn delays_stay_within_their_range_and_apply_as_often_as_they_say() {
    let fates = requests("delay=20ms..80ms@10%", 7, 0, 10_000);
    let late: Vec<_> = fates
        .iter()
        .map(|fate| fate.delay)
        .filter(|d| !d.is_zero())
        .collect();
    assert!((850..1150).contains(&late.len()), "{}", late.len());
    let range = Duration::from_millis(20)..=Duration::from_millis(80);
    assert!(late.iter().all(|delay| range.contains(delay)));
    let mean = late.iter().sum::<Duration>() / late.len() as u32;
    assert!(
        (Duration::from_millis(47)..Duration::from_millis(53)).contains(&mean),
        "{mean:?}"
    );
}
