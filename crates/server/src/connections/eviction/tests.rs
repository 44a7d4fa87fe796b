use super::*;
use proptest::prelude::*;

/// The source with this number.
fn source(number: u8) -> Source {
    IpAddr::from([10, 0, 0, number]).into()
}

/// Connections that were opened one after the other, one a tick.
struct Server {
    open: Vec<Known>,
    shares: Shares,
    now: u64,
}

impl Server {
    fn new(places: usize, parts: &[(&'static str, usize)]) -> Server {
        Server {
            open: Vec::new(),
            shares: Shares::new(places, parts.to_vec()),
            now: 0,
        }
    }

    /// A peer comes, and is let in where the rule has a place for it; its number.
    fn come(&mut self, service: &'static str, from: u8) -> Option<u64> {
        self.now += 1;
        let source = source(from);
        if self.open.len() >= self.shares.places() {
            let newcomer = Newcomer {
                service: Some(service),
                source: Some(source),
            };
            let gone = choose_evicted(&self.open, newcomer, &self.shares)?;
            self.open.retain(|known| known.id != gone);
        }
        self.open.push(Known {
            id: self.now,
            service,
            source,
            has_spoken: false,
            quiet_since: self.now,
        });
        Some(self.now)
    }

    /// It says something.
    fn speak(&mut self, id: u64) {
        self.now += 1;
        for known in self.open.iter_mut().filter(|known| known.id == id) {
            known.has_spoken = true;
            known.quiet_since = self.now;
        }
    }

    /// So many peers come and each says something.
    fn talkers(&mut self, count: usize, service: &'static str, from: u8) -> Vec<u64> {
        let talk = |_| {
            let id = self.come(service, from).unwrap();
            self.speak(id);
            id
        };
        (0..count).map(talk).collect()
    }

    fn has(&self, id: u64) -> bool {
        self.open.iter().any(|known| known.id == id)
    }

    fn count(&self, service: &str, from: u8) -> usize {
        let is_one = |known: &&Known| known.service == service && known.source == source(from);
        self.open.iter().filter(is_one).count()
    }
}

#[test]
fn talkers_from_one_address_keep_no_other_out() {
    let mut server = Server::new(50, &[("text", 1)]);
    let talkers = server.talkers(50, "text", 1);
    let other = server.come("text", 2).unwrap();
    assert!(!server.has(talkers[0]), "the one that was quiet longest");
    server.speak(other);
    server.talkers(500, "text", 1);
    assert!(server.has(other), "who is alone at its address is spared");
    assert_eq!(server.count("text", 1), 49);
}

#[test]
fn a_class_behind_one_address_gets_half_of_all_places() {
    let mut server = Server::new(100, &[("text", 1)]);
    server.talkers(100, "text", 1);
    let class: Vec<_> = (0..60).filter_map(|_| server.come("text", 2)).collect();
    // Half each: neither address has more than the other.
    assert_eq!(class.len(), 60);
    assert_eq!(server.count("text", 1), 50);
    assert_eq!(server.count("text", 2), 50);
}

#[test]
fn sixty_behind_one_address_all_stay_while_there_are_places() {
    let mut server = Server::new(200, &[("text", 1)]);
    server.talkers(140, "text", 1);
    let class = server.talkers(60, "text", 2);
    server.talkers(500, "text", 1);
    assert!(class.iter().all(|id| server.has(*id)));
}

#[test]
fn behind_one_address_a_newcomer_stays_while_talkers_come_and_go() {
    let mut server = Server::new(50, &[("text", 1)]);
    server.talkers(50, "text", 1);
    let newcomer = server.come("text", 1).unwrap();
    server.talkers(40, "text", 1);
    assert!(server.has(newcomer), "it has said nothing, which few do");
}

#[test]
fn behind_one_address_a_talker_stays_however_many_come_and_say_nothing() {
    let mut server = Server::new(50, &[("text", 1)]);
    let talker = server.talkers(1, "text", 1)[0];
    for _ in 0..1_000 {
        server.come("text", 1).unwrap();
    }
    assert!(server.has(talker));
}

#[test]
fn when_each_is_alone_at_its_address_only_silence_gives_way() {
    let mut server = Server::new(3, &[("text", 1)]);
    let (first, second) = (server.come("text", 1), server.come("text", 2));
    let third = server.come("text", 3).unwrap();
    server.speak(first.unwrap());
    server.speak(third);
    let fourth = server.come("text", 4).unwrap();
    assert!(!server.has(second.unwrap()), "it never said anything");
    server.speak(fourth);
    assert_eq!(server.come("text", 5), None);
}

#[test]
fn sleepers_in_one_service_keep_no_other_below_its_share() {
    let mut server = Server::new(70, &[("atm", 2), ("chat", 1), ("text", 4)]);
    for from in 0..70 {
        server.talkers(1, "chat", from);
    }
    // Each is alone at its address, and still they give, but only what the share is.
    for from in 100..120 {
        server.talkers(1, "atm", from);
    }
    assert_eq!(server.come("atm", 120), None, "the share of atm is 20");
    for from in 130..170 {
        server.talkers(1, "text", from);
    }
    let in_chat = server.open.iter().filter(|known| known.service == "chat");
    assert_eq!(in_chat.count(), 10);
    assert_eq!(server.come("chat", 200), None);
}

#[test]
fn a_crowd_within_its_service_s_share_gives_nothing_to_others() {
    let mut server = Server::new(70, &[("atm", 2), ("chat", 1), ("text", 4)]);
    let machines = server.talkers(20, "atm", 1);
    server.talkers(50, "chat", 2);
    server.talkers(200, "chat", 2);
    server.talkers(40, "text", 3);
    server.talkers(200, "text", 3);
    assert!(machines.iter().all(|id| server.has(*id)));
    assert_eq!(server.count("chat", 2), 10);
}

#[test]
fn a_peer_that_could_not_be_accepted_yet_is_made_room_for() {
    let shares = Shares::new(100, vec![("text", 1), ("chat", 1)]);
    let known = |id, from, has_spoken| Known {
        id,
        service: "text",
        source: source(from),
        has_spoken,
        quiet_since: id,
    };
    let silent = [known(1, 1, true), known(2, 2, false), known(3, 2, false)];
    let (newcomer, one_of_them) = (Some("text"), None);
    for (service, open, gone) in [
        (newcomer, &silent[..], Some(2)),
        (newcomer, &silent[..1], None),
        (one_of_them, &silent, Some(2)),
        (one_of_them, &silent[..1], None),
        (one_of_them, &silent[1..2], Some(2)),
        (one_of_them, &[], None),
    ] {
        let source = None;
        let newcomer = Newcomer { service, source };
        assert_eq!(choose_evicted(open, newcomer, &shares), gone);
    }
}

#[test]
fn an_ipv6_network_is_one_source_and_a_mapped_address_is_the_ipv4_one() {
    let source = |text: &str| Source::from(text.parse::<IpAddr>().unwrap());
    assert_eq!(source("2001:db8::1"), source("2001:db8::ffff:0:0:2"));
    assert_ne!(source("2001:db8::1"), source("2001:db8:0:1::1"));
    assert_eq!(source("::ffff:10.0.0.1"), source("10.0.0.1"));
    assert_eq!(source("::1").0.to_string(), "::1");
    assert_ne!(source("10.0.0.1"), source("10.0.0.2"));
}

#[test]
fn all_shares_together_are_at_most_all_places() {
    let shares = Shares::new(2_000, vec![("atm", 2), ("text", 1), ("chat", 1)]);
    let of = |service, places| shares.of(service, places);
    assert_eq!((of("atm", 2_000), of("text", 2_000)), (1_000, 500));
    assert_eq!((of("atm", 1), of("text", 1)), (0, 0));
    assert_eq!(of("echo", 2_000), 0);
    assert_eq!(Shares::new(9, vec![("text", 1)]).of("text", 9), 9);
    assert_eq!(Shares::new(9, vec![]).of("text", 9), 0);
}

const SERVICES: [&str; 3] = ["atm", "chat", "text"];

proptest! {
    #[test]
    fn a_service_below_its_share_always_gets_a_place(
        crowd in prop::collection::vec((0..3_usize, 0..9_u8, any::<bool>()), 30..90),
        (service, from) in (0..3_usize, 0..20_u8),
    ) {
        let mut server = Server::new(30, &[("atm", 2), ("chat", 1), ("text", 1)]);
        for (service, from, speaks) in crowd {
            if let Some(id) = server.come(SERVICES[service], from) && speaks {
                server.speak(id);
            }
        }
        let service = SERVICES[service];
        let taken = server.open.iter().filter(|known| known.service == service).count();
        let share = server.shares.of(service, 30);
        let others: Vec<_> = server.open.clone();
        let came = server.come(service, from);
        prop_assert!(came.is_some() || taken >= share);
        prop_assert!(server.open.len() <= 30);
        // What gave way is of a service that had more than its share, or of the newcomer's own.
        for gone in others.iter().filter(|known| !server.has(known.id)) {
            let of_it = others.iter().filter(|known| known.service == gone.service).count();
            let share = server.shares.of(gone.service, 30);
            prop_assert!(of_it > share || gone.service == service);
        }
    }

    #[test]
    fn a_source_with_fewer_never_gives_way_to_one_with_more(
        crowd in prop::collection::vec((0..9_u8, any::<bool>()), 20..60),
        from in 0..20_u8,
    ) {
        let mut server = Server::new(20, &[("text", 1)]);
        for (from, speaks) in crowd {
            if let Some(id) = server.come("text", from) && speaks {
                server.speak(id);
            }
        }
        let before = server.open.clone();
        let of = |from| before.iter().filter(|known| known.source == from).count();
        if server.come("text", from).is_some() {
            for gone in before.iter().filter(|known| !server.has(known.id)) {
                prop_assert!(of(gone.source) > of(source(from)) || gone.source == source(from)
                    || of(gone.source) == 1 && !gone.has_spoken);
            }
        }
    }
}
