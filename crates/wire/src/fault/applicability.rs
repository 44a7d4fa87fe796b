//! Which faults can have an effect where: one that never can is refused as a mistake.

use proto::handout::{Handout, Implementation};
use proto::mode::{Mode, PROXY, Transport};

use super::crash::CrashPoint;
use super::{Exchange, FaultSpec};
use proto::side::Side;

/// What one program does in one mode, as far as it decides which faults can strike there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applicability {
    /// What it is called: the mode, or the hand-out.
    pub name: &'static str,
    /// Which program it is. A proxy is none of the two: it sends in both directions.
    pub side: Option<Side>,
    /// How it is reached.
    pub transports: Vec<Transport>,
    /// What is known about what is said.
    pub exchange: Exchange,
    /// The places where the program comes.
    pub crash_points: Vec<CrashPoint>,
    /// Whether a message can follow another in the same direction before that one is answered.
    pub sends_ahead: bool,
    /// Whether the client says anything.
    pub has_requests: bool,
    /// Whether the server says anything.
    pub has_replies: bool,
}

impl Applicability {
    /// `labserver` in this mode, over these transports.
    pub fn server(mode: Mode, transports: &[Transport]) -> Applicability {
        let mut crash_points = Vec::new();
        if mode == Mode::Atm {
            crash_points.extend([CrashPoint::BeforeCommit, CrashPoint::AfterCommit]);
        }
        // Echo over TCP has no messages of its own.
        if mode != Mode::Echo || transports.contains(&Transport::Udp) {
            crash_points.push(CrashPoint::AfterReply);
        }
        Applicability {
            name: mode.name(),
            side: Some(Side::Server),
            transports: transports.to_vec(),
            exchange: match mode {
                Mode::Echo | Mode::Script => Exchange::Transparent,
                _ => Exchange::Answered,
            },
            crash_points,
            // A client may ask again before it is answered.
            sends_ahead: true,
            has_requests: true,
            has_replies: true,
        }
    }

    /// `labclient` in this mode, over this transport.
    pub fn client(mode: Mode, transport: Transport) -> Applicability {
        let mut crash_points = vec![
            CrashPoint::BeforeSend,
            CrashPoint::AfterSend,
            CrashPoint::AfterReply,
        ];
        if mode == Mode::Atm {
            crash_points.extend([
                CrashPoint::BeforeDispense,
                CrashPoint::MidDispense,
                CrashPoint::AfterDispense,
            ]);
        }
        Applicability {
            side: Some(Side::Client),
            crash_points,
            // A script may say several things in one turn.
            sends_ahead: mode == Mode::Script,
            ..Applicability::server(mode, &[transport])
        }
    }

    /// One of the two programs of a hand-out, as ours stands in for it. `exchange` is what is known
    /// of what it says.
    pub fn printed(handout: Handout, side: Side, exchange: Exchange) -> Applicability {
        let mut ground = match side {
            Side::Client => Applicability::client(Mode::Script, handout.transport()),
            Side::Server => Applicability::server(handout.mode(), &[handout.transport()]),
        };
        if side == Side::Client {
            // These send a name that is not answered, and go on.
            ground.sends_ahead = matches!(
                handout,
                Handout::AtmLogin | Handout::Calculator | Handout::Chat
            );
        } else if let Implementation::Script(_) = handout.implementation() {
            ground.sends_ahead = handout == Handout::Accepted;
        }
        Applicability {
            name: handout.name(),
            exchange,
            has_requests: handout != Handout::Greeting,
            has_replies: handout != Handout::Udp,
            ..ground
        }
    }

    /// A proxy over this transport.
    pub fn proxy(transport: Transport) -> Applicability {
        Applicability {
            name: PROXY,
            side: None,
            transports: vec![transport],
            exchange: Exchange::Transparent,
            crash_points: Vec::new(),
            sends_ahead: true,
            has_requests: true,
            has_replies: true,
        }
    }

    /// Why this fault can never strike here, if so.
    fn cannot(&self, key: &str, spec: &FaultSpec) -> Option<String> {
        const NO_REQUESTS: &str = "its client says nothing";
        const NO_REPLIES: &str = "its server says nothing";
        // A proxy sends in both directions.
        let (sends, sends_nothing) = match self.side {
            Some(Side::Client) => (self.has_requests, NO_REQUESTS),
            Some(Side::Server) | None => (self.has_replies, NO_REPLIES),
        };
        let is_over = |transport| self.transports.contains(&transport);
        let why = match key {
            "drop-request" | "duplicate" if !self.has_requests => NO_REQUESTS,
            "drop-reply" if !self.has_replies => NO_REPLIES,
            "error" if self.side.is_none() => {
                "a proxy cannot know how the server would refuse: use drop-request, cut or reset"
            }
            "error" if self.exchange == Exchange::Transparent => {
                "how a request is refused there is not known: use drop-request, cut or reset"
            }
            "cut" | "split" | "glue" | "reset" if !is_over(Transport::Tcp) => {
                "it is about a stream, and this is UDP, where a datagram comes whole or not at all: \
                 use drop-request, drop-reply, reorder or corrupt"
            }
            "reorder" if !is_over(Transport::Udp) => {
                "it is about datagrams, and TCP keeps the order: use delay, split or glue"
            }
            "delay" | "corrupt" | "pause" | "cut" | "split" | "glue" | "reset" | "reorder"
                if !sends =>
            {
                sends_nothing
            }
            "glue" if !self.sends_ahead => {
                "it never sends a second message before the first is answered: use split; or \
                 duplicate, which sends two in one segment"
            }
            "crash-at" => return self.cannot_crash_at(spec.crash_at?.point),
            _ => return None,
        };
        Some(why.to_owned())
    }

    fn cannot_crash_at(&self, point: CrashPoint) -> Option<String> {
        use CrashPoint::{AfterCommit, AfterDispense, AfterReply, AfterSend};
        use CrashPoint::{BeforeCommit, BeforeDispense, BeforeSend, MidDispense};
        if self.crash_points.contains(&point) {
            return None;
        }
        Some(match point {
            _ if self.side.is_none() => {
                "a proxy never comes by those places: give it to labclient or labserver".to_owned()
            }
            BeforeCommit | AfterCommit => format!("only the bank comes by {point}: --mode atm"),
            BeforeDispense | MidDispense | AfterDispense => {
                format!("only the cash machine comes by {point}: labclient atm")
            }
            AfterReply => format!("echo over TCP has no messages, so it never comes by {point}"),
            BeforeSend | AfterSend => format!("labserver never comes by {point}, labclient does"),
        })
    }
}

impl FaultSpec {
    /// What to say of faults that can strike on some of these grounds only: a warning for each.
    ///
    /// # Errors
    /// When a fault can strike on none of them: which, and why.
    pub fn check(&self, grounds: &[Applicability]) -> Result<Vec<String>, String> {
        let mut warnings = Vec::new();
        for key in self.keys() {
            let mut able = Vec::new();
            let mut unable: Vec<(String, Vec<&str>)> = Vec::new();
            for ground in grounds {
                let Some(why) = ground.cannot(key, self) else {
                    able.push(ground.name);
                    continue;
                };
                match unable.iter_mut().find(|(known, _)| *known == why) {
                    Some((_, names)) => names.push(ground.name),
                    None => unable.push((why, vec![ground.name])),
                }
            }
            if unable.is_empty() {
                continue;
            }
            let reason =
                |(why, names): &(String, Vec<&str>)| format!("in {}: {why}", names.join(", "));
            let reasons = unable.iter().map(reason).collect::<Vec<_>>().join("; ");
            if able.is_empty() {
                return Err(format!("--fault {key} can never strike {reasons}"));
            }
            let able = able.join(", ");
            warnings.push(format!(
                "--fault {key} strikes in {able} only; not {reasons}"
            ));
        }
        Ok(warnings)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(spec: &str, grounds: &[Applicability]) -> Result<Vec<String>, String> {
        spec.parse::<FaultSpec>().unwrap().check(grounds)
    }

    fn server(mode: Mode) -> Applicability {
        Applicability::server(mode, mode.transports())
    }

    #[test]
    fn a_fault_that_can_never_strike_is_refused_with_the_reason() {
        use Side::{Client, Server};
        let client = |mode: Mode| Applicability::client(mode, mode.transports()[0]);
        let printed = |handout, side| Applicability::printed(handout, side, Exchange::Transparent);
        let proxy = Applicability::proxy;
        for (spec, ground, why) in [
            ("crash-at=after-commit", server(Mode::Text), "only the bank"),
            ("crash-at=mid-dispense", client(Mode::Text), "only the cash"),
            ("reorder=1%", server(Mode::Text), "TCP keeps the order"),
            ("reorder=1%", client(Mode::Echo), "TCP keeps the order"),
            ("cut=1%", server(Mode::Datetime), "this is UDP"),
            ("split=7", client(Mode::Datetime), "this is UDP"),
            ("reset=1%", proxy(Transport::Udp), "this is UDP"),
            ("error=1%", server(Mode::Echo), "not known"),
            ("error=1%", client(Mode::Script), "not known"),
            ("error=1%", proxy(Transport::Tcp), "a proxy cannot"),
            ("crash-at=after-send", proxy(Transport::Tcp), "a proxy"),
            ("glue=1%", client(Mode::Text), "duplicate"),
            ("glue=1%", client(Mode::Chat), "duplicate"),
            ("error=1%", printed(Handout::Chat, Client), "not known"),
            (
                "drop-request=#1",
                printed(Handout::Greeting, Client),
                "its client says nothing",
            ),
            (
                "corrupt=#1",
                printed(Handout::Udp, Server),
                "its server says nothing",
            ),
            (
                "crash-at=after-commit",
                printed(Handout::TextMenu, Server),
                "only the bank",
            ),
            (
                "crash-at=after-reply",
                printed(Handout::Echo, Server),
                "echo over TCP",
            ),
        ] {
            let refusal = check(spec, &[ground]).unwrap_err();
            let key = spec.split('=').next().unwrap();
            let beginning = format!("--fault {key} can never strike in ");
            assert!(refusal.starts_with(&beginning), "{refusal}");
            assert!(refusal.contains(why), "{spec}: {refusal}");
        }
    }

    #[test]
    fn a_fault_that_can_strike_in_one_of_several_is_warned_about() {
        let words = "--fault crash-at strikes in atm only; not in text, calc, chat, echo, datetime, \
            script: only the bank comes by after-commit: --mode atm";
        let warnings = check("crash-at=after-commit", &Mode::ALL.map(server));
        assert_eq!(warnings.unwrap(), [words]);
        let two = [server(Mode::Text), server(Mode::Datetime)];
        let warnings = check("cut=1%,reorder=1%,drop-reply=1%", &two).unwrap();
        assert_eq!(warnings.len(), 2);
        assert!(warnings[0].starts_with("--fault cut strikes in text only; not in datetime: "));
        assert!(warnings[1].starts_with("--fault reorder strikes in datetime only; not in text: "));
        let refusal = check("crash-at=after-commit", &two).unwrap_err();
        let words = "in text, datetime: only the bank";
        assert!(refusal.contains(words), "{refusal}");
    }

    #[test]
    fn what_can_strike_gives_no_warning() {
        let everywhere =
            "drop-request=1%,drop-reply=1%,duplicate=1%,delay=1ms,corrupt=1%,pause=1ms";
        let mut grounds = Mode::ALL.map(server).to_vec();
        grounds.extend(Mode::ALL.map(|mode| Applicability::client(mode, mode.transports()[0])));
        grounds.extend([Transport::Tcp, Transport::Udp].map(Applicability::proxy));
        assert_eq!(check(everywhere, &grounds), Ok(Vec::new()));
        for handout in Handout::ALL {
            if matches!(handout, Handout::Greeting | Handout::Udp) {
                continue;
            }
            for side in [Side::Client, Side::Server] {
                let ground = Applicability::printed(handout, side, Exchange::Transparent);
                assert_eq!(check(everywhere, &[ground]), Ok(Vec::new()), "{handout:?}");
            }
        }
        let machine = Applicability::client(Mode::Atm, Transport::Tcp);
        assert!(check("crash-at=mid-dispense,error=1%,cut=1%", &[machine]).is_ok());
    }
}
