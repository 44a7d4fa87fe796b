//! What a judged program speaks: the protocol of its service, a script, or the words of a hand-out.

use std::sync::Arc;

use proto::frame::Framing;
use proto::handout::{Handout, Implementation};
use proto::mode::{Mode, Transport};
use proto::script::{Script, Shipped};

/// What a judged program speaks.
#[derive(Debug, Clone)]
pub enum Dialect {
    /// The protocol of this service.
    Service(Mode),
    /// This script, under the name by which it was chosen.
    Script(String, Arc<Script>),
    /// The words of a hand-out.
    Handout(Handout),
}

impl Dialect {
    /// The service.
    pub fn mode(&self) -> Mode {
        match self {
            Dialect::Service(mode) => *mode,
            Dialect::Script(..) => Mode::Script,
            Dialect::Handout(handout) => handout.mode(),
        }
    }

    /// The script, if it is one.
    pub fn script(&self) -> Option<Arc<Script>> {
        match self {
            Dialect::Service(_) => None,
            Dialect::Script(_, script) => Some(Arc::clone(script)),
            Dialect::Handout(handout) => match handout.implementation() {
                Implementation::Service(_) => None,
                Implementation::Script(name) => {
                    let script = Shipped::find(name)?.source.parse();
                    script.ok().map(Arc::new)
                }
            },
        }
    }

    /// The first word of the id of each of its cases.
    pub fn name(&self) -> &'static str {
        match self {
            Dialect::Service(mode) => mode.name(),
            Dialect::Script(..) => Mode::Script.name(),
            Dialect::Handout(handout) => handout.name(),
        }
    }

    /// The arguments of `labclient check` that choose it.
    pub fn arguments(&self) -> String {
        match self {
            Dialect::Service(mode) => mode.name().into(),
            Dialect::Script(name, _) => format!("script --script {name}"),
            Dialect::Handout(handout) => format!("--handout {}", handout.name()),
        }
    }

    /// Where this section stands.
    pub fn page(&self, section: &str) -> String {
        match self {
            Dialect::Handout(handout) => format!("docs/handouts/{}.md", handout.name()),
            Dialect::Service(_) | Dialect::Script(..) => format!("docs/protocol.md#{section}"),
        }
    }

    /// What it is spoken over; a server may have one of several alone.
    pub fn transports(&self) -> &'static [Transport] {
        let one = match self {
            Dialect::Service(mode) => return mode.transports(),
            Dialect::Script(_, script) => script.transport(),
            Dialect::Handout(handout) => handout.transport(),
        };
        match one {
            Transport::Tcp => &[Transport::Tcp],
            Transport::Udp => &[Transport::Udp],
        }
    }

    /// Whether its messages can be framed in one way or another.
    pub fn has_framings(&self) -> bool {
        let has_ready = matches!(
            self.mode(),
            Mode::Atm | Mode::Text | Mode::Calc | Mode::Chat
        );
        has_ready && matches!(self, Dialect::Service(_))
    }

    /// How bytes are cut into messages, where this framing is chosen, or none.
    pub fn framing(&self, chosen: Option<Framing>) -> Framing {
        match self.script() {
            Some(script) => script.framing(),
            None => match self {
                Dialect::Handout(handout) => handout.framing(),
                Dialect::Service(_) if self.has_framings() => chosen.unwrap_or_default(),
                Dialect::Service(_) | Dialect::Script(..) => Framing::Raw,
            },
        }
    }
}
