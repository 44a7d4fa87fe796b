//! What was seen, in words, with its likely reason and the next step.

use std::fmt;
use std::net::IpAddr;

use commandline::finding::{Finding, State};
use proto::frame::Framing;
use proto::mode::Mode;
use wire::connect::ConnectError;

use super::clock::Reading;
use super::probe::Seen;

/// A port, and the service that is usually there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The port.
    pub port: u16,
    /// Nothing where any service will do.
    pub mode: Option<Mode>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.mode {
            Some(Mode::Datetime) => write!(f, "{} ({}, UDP)", self.port, Mode::Datetime.name()),
            Some(mode) => write!(f, "{} ({})", self.port, mode.name()),
            None => write!(f, "{}", self.port),
        }
    }
}

/// What was seen at a place.
#[derive(Debug, Clone)]
pub struct Looked {
    /// One of the addresses of the name.
    pub address: IpAddr,
    /// Where at it.
    pub place: Place,
    /// What was seen.
    pub seen: Seen,
}

impl Looked {
    /// What the clock there showed, if there was one.
    pub fn clock(&self) -> Option<Reading> {
        match self.seen {
            Seen::Clock(reading) => Some(reading),
            _ => None,
        }
    }
}

/// A name has no address.
pub fn unresolved(host: &str, error: &ConnectError) -> Finding {
    let why = match error {
        ConnectError::Unresolved { error, .. } => error.to_string(),
        ConnectError::Unreachable { .. } => error.to_string(),
    };
    Finding::bad(
        format!("{host} is the name of no computer that could be found: {why}"),
        "look for a slip of the pen, or use the address that `labserver doctor` shows there",
    )
}

/// Which addresses a name has; nothing where it is an address itself.
pub fn resolved(host: &str, addresses: &[IpAddr]) -> Option<Finding> {
    if host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok() {
        return None;
    }
    let listed: Vec<String> = addresses.iter().map(IpAddr::to_string).collect();
    let itself = match addresses.iter().all(IpAddr::is_loopback) {
        true => ", which is this computer itself",
        false => "",
    };
    Some(Finding::good(format!(
        "{host} is {}{itself}",
        listed.join(", then ")
    )))
}

/// What was seen at all places: those of an address where it is the same are one finding.
pub fn ports(host: &str, looked: &[Looked]) -> Vec<Finding> {
    let mut findings: Vec<(IpAddr, Verdict, Vec<String>)> = Vec::new();
    let served = |address: IpAddr| {
        let mut there = looked.iter().filter(|it| it.address == address);
        there.any(|it| it.seen.is_served())
    };
    let anywhere = looked.iter().find(|it| it.seen.is_served());
    for Looked {
        address,
        place,
        seen,
    } in looked
    {
        let around = Around {
            address: *address,
            is_served: served(*address),
            served_at: anywhere.map(|it| it.address),
        };
        let verdict = verdict(host, *place, seen, around);
        let named = place.to_string();
        let same = |(at, other, _): &&mut (IpAddr, Verdict, Vec<String>)| {
            at == address && *other == verdict
        };
        match findings.iter_mut().find(same) {
            Some((.., ports)) => ports.push(named),
            None => findings.push((*address, verdict, vec![named])),
        }
    }
    let in_words = |(address, verdict, ports): (IpAddr, Verdict, Vec<String>)| Finding {
        state: verdict.state,
        seen: format!("port {} at {address}: {}", ports.join(", "), verdict.words),
        advice: verdict.advice,
    };
    findings.into_iter().map(in_words).collect()
}

/// What is known of an address beside a port of it.
#[derive(Clone, Copy)]
struct Around {
    address: IpAddr,
    /// Whether another of its ports is served.
    is_served: bool,
    /// An address of the same name that is.
    served_at: Option<IpAddr>,
}

#[derive(PartialEq, Eq)]
struct Verdict {
    state: State,
    words: String,
    advice: Option<String>,
}

fn verdict(host: &str, place: Place, seen: &Seen, around: Around) -> Verdict {
    let good = |words: &str| (State::Good, words.to_owned(), None);
    // Where something is served, the rest need not be.
    let missing = match around.served_at {
        Some(_) => State::Warning,
        None => State::Bad,
    };
    let because = |state, words: &str, advice: String| (state, words.to_owned(), Some(advice));
    let (state, words, advice) = match seen {
        Seen::Served => good("ready"),
        Seen::Clock(_) => good("answers"),
        Seen::Accepted => good("accepts connections"),
        Seen::Ready(framing, service) => ready(place, *framing, service),
        Seen::Refused => because(missing, "nothing listens", start(around)),
        Seen::TimedOut => because(
            missing,
            "no answer",
            match (place.mode, around.is_served) {
                (Some(Mode::Datetime), true) => {
                    "no UDP gets through, as in many networks: have the firewalls between let this \
                     port pass for UDP"
                        .to_owned()
                }
                (_, true) => "have the firewalls between let this port pass".to_owned(),
                (_, false) => format!(
                    "a firewall drops what is sent, or {} is another computer, or off: compare \
                     with what `labserver doctor` shows there, and open the ports in its firewall",
                    around.address
                ),
            },
        ),
        Seen::Ended => because(
            State::Bad,
            "takes connections and ends them at once",
            "the server is full or stopping, or is a proxy whose server does not run: its log says \
             which"
                .to_owned(),
        ),
        Seen::TurnedAway(why) => because(
            State::Bad,
            &format!("a server of the labs takes no more: {why}"),
            "wait, or have it started with a higher --max-connections".to_owned(),
        ),
        Seen::Silent => because(
            State::Bad,
            "takes connections and says nothing",
            "another program may listen there, or the server has more to do than it can: look at \
             it with `labserver doctor` on its computer"
                .to_owned(),
        ),
        Seen::Said(said) => because(
            State::Bad,
            &format!("says {said}, as no service of the labs does"),
            "another program listens there: use the port of a `listening` line of the server"
                .to_owned(),
        ),
        Seen::NoWay(why) => because(
            missing,
            &format!("no way there ({why})"),
            format!("connect both computers to one network; then `ping {host}` is answered"),
        ),
    };
    Verdict {
        state,
        words,
        advice,
    }
}

/// A service says it is ready, and is perhaps not the one that was looked for.
fn ready(place: Place, framing: Option<Framing>, service: &str) -> (State, String, Option<String>) {
    let service = proto::printable::printable(service);
    let ours = Mode::parse(&service);
    let mut words = "ready".to_owned();
    let mut advice = Vec::new();
    if place.mode.is_none() || place.mode != ours {
        words += &format!(", as {service}");
        if let (Some(_), Some(mode)) = (place.mode, ours) {
            advice.push(format!("ask it with `labclient {}`", mode.name()));
        }
    }
    if let Some(framing) = framing {
        words += &format!(", in {framing} framing");
        advice.push(format!("add --wire {framing}"));
    }
    match advice.is_empty() {
        true => (State::Good, words, None),
        false => (State::Warning, words, Some(advice.join(", and "))),
    }
}

/// What to start where nothing listens.
fn start(around: Around) -> String {
    match around.served_at {
        Some(_) if around.is_served => {
            "if they are needed, start the server with --mode all".to_owned()
        }
        Some(other) => format!(
            "connect to {other}: a program that tries the first address alone finds nothing"
        ),
        None if around.address.is_loopback() => {
            "start it on this computer: `labserver --mode all`, or the mode that is needed"
                .to_owned()
        }
        None => {
            "start `labserver --mode all --bind 0.0.0.0` there; without --bind, a server is for \
                 its own computer alone"
                .to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const V4: &str = "127.0.0.1";
    const FAR: &str = "192.0.2.7";

    fn looked(address: &str, mode: Mode, seen: Seen) -> Looked {
        Looked {
            address: address.parse().unwrap(),
            place: Place {
                port: mode.default_port(),
                mode: Some(mode),
            },
            seen,
        }
    }

    /// The one finding about this one port.
    fn found(address: &str, mode: Mode, seen: Seen) -> Finding {
        let mut findings = ports("lab", &[looked(address, mode, seen)]);
        assert_eq!(findings.len(), 1, "{findings:?}");
        findings.remove(0)
    }

    #[test]
    fn ports_of_which_the_same_is_true_are_one_finding() {
        let all = Mode::ALL.map(|mode| looked(V4, mode, Seen::Refused));
        let findings = ports("lab", &all);
        assert_eq!(findings.len(), 1, "{findings:?}");
        let seen = "port 9005 (atm), 9006 (text), 9007 (calc), 9008 (chat), 9009 (echo), 9010 \
                    (datetime, UDP), 9011 (script) at 127.0.0.1: nothing listens";
        assert_eq!(findings[0].seen, seen);
        assert_eq!(findings[0].state, State::Bad);
        let advice = findings[0].advice.as_ref().unwrap();
        assert!(advice.contains("start it on this computer: `labserver --mode all`"));
    }

    #[test]
    fn each_obstacle_has_its_reason_and_its_next_step() {
        for (seen, words, advice) in [
            (Seen::Refused, "nothing listens", "--bind 0.0.0.0"),
            (Seen::TimedOut, "no answer", "firewall"),
            (Seen::Ended, "ends them at once", "full or stopping"),
            (Seen::TurnedAway("full".into()), "no more: full", "wait"),
            (Seen::Silent, "says nothing", "another program"),
            (
                Seen::Said("\"SSH\"".into()),
                "says \"SSH\"",
                "another program",
            ),
            (Seen::NoWay("why".into()), "no way there (why)", "ping lab"),
        ] {
            let found = found(FAR, Mode::Atm, seen);
            assert_eq!(found.state, State::Bad, "{found}");
            assert!(found.seen.contains(words), "{found}");
            assert!(found.advice.as_ref().unwrap().contains(advice), "{found}");
        }
    }

    #[test]
    fn a_server_of_one_mode_is_good_and_what_it_lacks_a_warning() {
        let findings = ports(
            "lab",
            &[
                looked(FAR, Mode::Atm, Seen::Served),
                looked(FAR, Mode::Text, Seen::Refused),
                looked(FAR, Mode::Datetime, Seen::TimedOut),
            ],
        );
        let states: Vec<State> = findings.iter().map(|it| it.state).collect();
        assert_eq!(states, [State::Good, State::Warning, State::Warning]);
        assert!(findings[1].advice.as_ref().unwrap().contains("--mode all"));
        assert!(findings[2].advice.as_ref().unwrap().contains("UDP"));
    }

    #[test]
    fn a_first_address_without_a_server_is_a_warning_that_names_the_other() {
        let findings = ports(
            "localhost",
            &[
                looked("::1", Mode::Atm, Seen::Refused),
                looked(V4, Mode::Atm, Seen::Served),
            ],
        );
        assert_eq!(findings[0].seen, "port 9005 (atm) at ::1: nothing listens");
        assert_eq!(findings[0].state, State::Warning);
        let advice = findings[0].advice.as_ref().unwrap();
        assert!(advice.starts_with("connect to 127.0.0.1: "), "{advice}");
        assert_eq!(findings[1].state, State::Good);
    }

    #[test]
    fn another_service_or_framing_is_named_with_what_to_ask_it_with() {
        let ready = |framing, name: &str| found(FAR, Mode::Atm, Seen::Ready(framing, name.into()));
        let other = ready(None, "text");
        assert_eq!(other.state, State::Warning);
        assert!(other.seen.ends_with("ready, as text"), "{other}");
        assert_eq!(other.advice.unwrap(), "ask it with `labclient text`");
        let framed = ready(Some(Framing::Line), "atm");
        assert!(framed.seen.ends_with("ready, in line framing"), "{framed}");
        assert_eq!(framed.advice.unwrap(), "add --wire line");
        let hostile = ready(None, "\x1b[2J");
        assert!(!hostile.seen.contains('\x1b'), "{hostile}");
        let any = Looked {
            place: Place {
                port: 9105,
                mode: None,
            },
            ..looked(FAR, Mode::Atm, Seen::Ready(None, "atm".into()))
        };
        let any = ports("lab", &[any]);
        assert_eq!(any[0].seen, "port 9105 at 192.0.2.7: ready, as atm");
        assert_eq!(any[0].state, State::Good);
    }

    #[test]
    fn a_name_is_told_with_its_addresses_in_order_and_an_address_is_not() {
        let addresses = ["::1", V4].map(|it| it.parse().unwrap());
        let seen = resolved("localhost", &addresses).unwrap().seen;
        assert_eq!(
            seen,
            "localhost is ::1, then 127.0.0.1, which is this computer itself"
        );
        assert_eq!(resolved(V4, &addresses[1..]), None);
        assert_eq!(resolved("[::1]", &addresses[..1]), None);
    }
}
