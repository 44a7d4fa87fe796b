//! One file a service, and the one place that opens each by its mode.

pub(crate) mod atm;
pub(crate) mod calc;
pub(crate) mod chat;
pub(crate) mod datetime;
pub(crate) mod echo;
pub(crate) mod proxy;
pub mod script;
pub(crate) mod text;

use proto::mode::Mode;

use crate::config::Config;
use crate::conversation::Conversations;
use crate::ledger::accounts::DEMO;
use crate::service::Service;
use crate::threads::Threads;

/// The weight of the bank: a cash machine with a hold open must get through, whatever goes on in
/// the chat room.
const BANK_WEIGHT: usize = 2;

/// Makes a service ready to listen.
pub fn open(mode: Mode, config: &Config, threads: &Threads) -> anyhow::Result<Service> {
    let service = Service::new(mode.name(), mode.default_port());
    let framing = config.framing;
    Ok(match mode {
        Mode::Atm => {
            let atm = atm::open(config, DEMO)?;
            let begin = move |watch| atm.for_connection(watch).session();
            Service {
                weight: BANK_WEIGHT,
                ..service.over_tcp(Conversations::new(mode, framing, begin))
            }
        }
        Mode::Text => {
            let text = text::Text::new(config.prime_budget);
            let begin = move |watch| text.for_connection(watch);
            service.over_tcp(Conversations::new(mode, framing, begin))
        }
        Mode::Calc => {
            let begin = |_| calc::Calc::default();
            service.over_tcp(Conversations::new(mode, framing, begin))
        }
        Mode::Chat => {
            let dialect = chat::dialect::Dialect::native(framing);
            let (rate, history, threads) = (config.chat_rate, config.history, threads.clone());
            let chat = match &config.room {
                Some(room) => chat::Chat::of_several(dialect, rate, history, threads, room)?,
                None => chat::Chat::new(dialect, rate, history, threads),
            };
            service.over_tcp(chat)
        }
        Mode::Echo => {
            let echo = echo::Echo::new(threads.clone());
            service.over_tcp(echo).over_udp(echo::EchoDatagrams)
        }
        Mode::Datetime => service.over_udp(datetime::Datetime::new(config.clock.clone())),
        Mode::Script => {
            let script = match &config.script {
                Some(script) => script.clone(),
                None => script::load(proto::script::DEFAULT)?,
            };
            script::open(service, script)?
        }
    })
}
