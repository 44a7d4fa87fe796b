use super::*;
use std::io::Read;
use std::net::TcpListener;

const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

fn connections(places: usize) -> Connections {
    Connections::new(Shares::new(places, vec![("text", 1)]))
}

fn pair() -> (Arc<TcpStream>, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let other = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    (Arc::new(listener.accept().unwrap().0), other)
}

fn is_ended(peer: &mut TcpStream) -> bool {
    peer.set_nonblocking(true).unwrap();
    matches!(peer.read(&mut [0; 8]), Ok(0))
}

#[test]
fn one_is_ended_to_make_room_and_its_place_is_given_away_at_once() {
    let connections = connections(2);
    let mut pairs = [pair(), pair(), pair()];
    let enter = |stream| connections.enter(stream, "text", HERE).unwrap();
    let first = enter(&pairs[0].0);
    first.has_spoken();
    let second = enter(&pairs[1].0);
    second.has_spoken();
    first.has_spoken();
    let third = enter(&pairs[2].0);
    assert!(is_ended(&mut pairs[1].1), "it was quiet longest");
    assert!(second.was_evicted() && !first.was_evicted() && !third.was_evicted());
    assert_eq!(connections.count(), 2);
    drop(second);
    assert_eq!(connections.count(), 2);
    drop(first);
    assert_eq!(connections.count(), 1);
}

#[test]
fn silent_connections_that_give_way_and_those_that_ask_cost_their_source_nothing() {
    let connections = connections(3);
    let (stream, _other) = pair();
    let enter = || connections.enter(&stream, "text", HERE).unwrap();
    let silent: Vec<_> = (0..50).map(|_| enter()).collect();
    assert!(silent.iter().all(|permit| permit.hold_back().is_zero()));
    drop(silent);
    // The last three came to nothing.
    assert!(!enter().hold_back().is_zero());
    for _ in 0..50 {
        let permit = enter();
        permit.makes_sense();
        permit.makes_sense();
    }
    let waits = (0..200).map(|_| connections.enter(&stream, "text", HERE).map(drop));
    let refused = waits.filter(Result::is_err).count();
    assert!((1..150).contains(&refused), "{refused}");
    let other = IpAddr::from([10, 0, 0, 1]);
    let other = connections.enter(&stream, "text", other).unwrap();
    assert!(other.hold_back().is_zero());
}

#[test]
fn those_that_are_ending_are_few_and_a_newcomer_waits_for_one_to_be_gone() {
    let connections = connections(1);
    let (stream, _other) = pair();
    let mut ending = Vec::new();
    for _ in 0..1 + ENDING {
        ending.push(connections.enter(&stream, "text", HERE).unwrap());
    }
    assert_eq!(connections.count(), 1);
    std::thread::scope(|scope| {
        let coming = scope.spawn(|| connections.enter(&stream, "text", HERE).map(drop));
        // It ends the one that is left, and then there is one too many.
        while connections.count() > 0 {
            std::thread::yield_now();
        }
        drop(ending.pop());
        coming.join().unwrap().unwrap();
    });
}

#[test]
fn room_is_made_when_descriptors_are_fewer_than_places() {
    let connections = connections(100);
    assert!(!connections.make_room(Some("text")), "none is open");
    let mut pairs = [pair(), pair(), pair()];
    let enter = |stream| connections.enter(stream, "text", HERE).unwrap();
    let first = enter(&pairs[0].0);
    let _second = enter(&pairs[1].0);
    std::thread::scope(|scope| {
        let making = scope.spawn(|| connections.make_room(Some("text")));
        while !first.was_evicted() {
            std::thread::yield_now();
        }
        drop(first);
        let _third = enter(&pairs[2].0);
        assert!(making.join().unwrap(), "even if another is open by then");
    });
    assert!(is_ended(&mut pairs[0].1) && !is_ended(&mut pairs[1].1));
}

#[test]
fn stopping_ends_the_input_of_all_and_admits_none() {
    let connections = connections(5);
    let (stream, _other) = pair();
    let permit = connections.enter(&stream, "text", HERE).unwrap();
    connections.stop();
    assert_eq!((&*stream).read(&mut [0; 8]).unwrap(), 0);
    assert!(permit.is_stopping());
    let refused = connections.enter(&pair().0, "text", HERE).unwrap_err();
    assert_eq!(refused, NotAdmitted::Stopping);
    assert_eq!(connections.drain(Duration::from_millis(10)), 1);
    drop(permit);
    assert_eq!(connections.drain(Duration::from_secs(10)), 0);
}
