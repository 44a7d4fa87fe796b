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
    /// What the programs of this hand-out speak, or else those of this service: in this framing, where
    /// it is a script. `load` finds a script by its name.
    ///
    /// # Errors
    /// When there is no such thing, in words.
    pub fn chosen(
        mode: Option<Mode>,
        handout: Option<Handout>,
        script: Option<&str>,
        framing: Option<Framing>,
        load: impl FnOnce(&str) -> Result<Script, String>,
    ) -> Result<Dialect, String> {
        match (handout, mode) {
            (Some(handout), _) => Ok(Dialect::Handout(handout)),
            (None, None) => {
                Err("what is to be judged? Give a service, or --handout NAME".to_owned())
            }
            (None, Some(Mode::Script)) => {
                let name = script.unwrap_or(proto::script::DEFAULT);
                let mut script = load(name)?;
                if let Some(framing) = framing {
                    let framed = script.in_framing(framing);
                    script = framed.map_err(|error| format!("--wire {framing}: {error}"))?;
                }
                Ok(Dialect::Script(name.into(), Arc::new(script)))
            }
            (None, Some(mode)) if script.is_some() => {
                Err(format!("--script is for script, not for {}", mode.name()))
            }
            (None, Some(mode)) => Ok(Dialect::Service(mode)),
        }
    }

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

    /// The arguments of `check` that choose it.
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
