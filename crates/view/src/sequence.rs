//! A sequence diagram, before it is drawn: lifelines, and what happened on and between them in order.
//!
//! * `arrow`: a message, and what became of it;
//! * `columns`: which lifelines there are;
//! * `gather`: events to steps and arrows, the two recordings of a message put together;
//! * `order`: the steps of all lifelines in one order, without turning round what caused what;
//! * `unsettled`: withdrawals that are not settled.

mod arrow;
mod columns;
mod gather;
mod order;
mod unsettled;

use std::collections::HashSet;

use jiff::Timestamp;
use proto::side::Side;
use record::Run;

use super::ids::Ids;
use super::load::{Conversation, Recordings};

pub use self::arrow::{Arrow, Delivery, LossPoint, Marks};

/// The moments of a diagram: nanoseconds since it begins.
pub type Moment = i64;

/// A sequence diagram.
#[derive(Debug)]
pub struct Sequence<'a> {
    /// Where moments are 0, by the machine's clock.
    pub began: Timestamp,
    /// What was run: a program with its arguments, each once.
    pub titles: Vec<String>,
    /// From left to right.
    pub lifelines: Vec<Lifeline>,
    /// What arrows and connections belong to.
    pub conversations: &'a [Conversation],
    has_one_service: bool,
    /// Messages, each once.
    pub arrows: Vec<Arrow<'a>>,
    /// What happened, in order.
    pub steps: Vec<Step>,
    /// Remarks on the recordings themselves.
    pub notices: Vec<String>,
    /// How ids are shown.
    pub ids: Ids,
}

/// A program, as often as it was started; or a peer without a recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lifeline {
    /// The program, or the name of a machine or a person.
    pub name: String,
    /// The process, the address.
    pub detail: String,
    /// Which side of the conversations it is.
    pub side: Side,
    /// Whether there is a recording of it.
    pub is_recorded: bool,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// When.
    pub at: Moment,
    /// What.
    pub kind: StepKind,
}

/// What happened. Lifelines, conversations and arrows are indices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StepKind {
    /// A message went from one to the other, and nothing happened to either of them meanwhile.
    Message(usize),
    /// A message left, which arrives further down.
    Departs(usize),
    /// A message arrived that left further up.
    Arrives(usize),
    /// Something to note on a lifeline.
    Note {
        /// On which.
        life: usize,
        /// How bad it is.
        tone: Tone,
        /// What.
        words: String,
    },
    /// A connection was made, or ended.
    Connection(ConnectionChange),
    /// The process died.
    Crashed {
        /// Which.
        life: usize,
        /// Where, or how it is known.
        words: String,
    },
    /// The program was started again.
    Started {
        /// Which.
        life: usize,
        /// As what.
        words: String,
    },
    /// The program ended.
    Ended {
        /// Which.
        life: usize,
    },
}

/// The beginning or the end of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionChange {
    /// Which connection.
    pub conversation: usize,
    /// The side that made or ended it.
    pub from: usize,
    /// The other side.
    pub to: usize,
    /// How bad it is.
    pub tone: Tone,
    /// What happened to it.
    pub words: String,
}

/// How bad something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// It is as it should be.
    Plain,
    /// Something did not go well: a wait in vain.
    Warning,
    /// Something failed.
    Bad,
    /// A withdrawal that is not settled.
    Unsettled,
}

/// What of a recording becomes a step.
#[derive(Debug, Clone, Copy, Default)]
pub struct Selection {
    /// Each read too.
    pub reads: bool,
    /// Nothing before this moment.
    pub from: Option<Moment>,
    /// Nothing after this moment.
    pub to: Option<Moment>,
}

impl Selection {
    /// Whether it is wanted what happened at this moment.
    pub fn holds(&self, at: Moment) -> bool {
        self.from.is_none_or(|from| at >= from) && self.to.is_none_or(|to| at <= to)
    }
}

impl<'a> Sequence<'a> {
    /// Where moments are 0: the first moment of which there is an event, or the start of a run of
    /// which there is none.
    pub fn began(loaded: &Recordings) -> Timestamp {
        let runs = loaded.runs.iter().zip(&loaded.started);
        let firsts = runs.map(|(run, started)| match run.events.first() {
            Some(event) => time(*started, event.t),
            None => *started,
        });
        firsts.min().unwrap_or(Timestamp::UNIX_EPOCH)
    }

    /// A moment of a run that was started then. Its own clock never goes back, which the machine's
    /// may.
    pub fn moment(began: Timestamp, started: Timestamp, t: u64) -> Moment {
        let passed = time(started, t).duration_since(began);
        Moment::try_from(passed.as_nanos()).unwrap_or(Moment::MAX)
    }

    /// The diagram of these recordings.
    pub fn of(loaded: &'a Recordings, ids: Ids, selection: Selection) -> Sequence<'a> {
        let began = Sequence::began(loaded);
        let columns = columns::Columns::of(loaded);
        let unsettled = unsettled::unsettled(loaded);
        let (actions, arrows, clocks) =
            gather::gather(loaded, &columns, &ids, &unsettled, began, selection.reads);
        let (arrows, mut steps) = order::order(actions, arrows);
        if let Some(last) = steps.last().map(|step| step.at) {
            steps.extend(unsettled.iter().map(|hold| Step {
                at: last,
                kind: StepKind::Note {
                    life: columns.holder(loaded, hold),
                    tone: Tone::Unsettled,
                    words: hold.words(&ids),
                },
            }));
        }
        steps.retain(|step| selection.holds(step.at));
        let services = loaded.conversations.iter().map(|one| &one.service);
        let services: HashSet<&String> = services.collect();
        Sequence {
            began,
            titles: titles(loaded),
            lifelines: columns.lifelines,
            conversations: &loaded.conversations,
            has_one_service: services.len() <= 1,
            arrows,
            steps,
            notices: notices(loaded).chain(clocks).collect(),
            ids,
        }
    }

    /// The number of a conversation, as `atm#0`; nothing where there is only one.
    pub fn number(&self, conversation: usize) -> Option<String> {
        let shown = &self.conversations[conversation];
        (self.conversations.len() > 1).then(|| match self.has_one_service {
            true => format!("#{}", shown.number),
            false => format!("{}#{}", shown.service, shown.number),
        })
    }

    /// These words after the number of a conversation.
    pub fn numbered(&self, conversation: usize, words: &str) -> String {
        match self.number(conversation) {
            Some(number) => format!("{number} {words}"),
            None => words.to_owned(),
        }
    }

    /// What a message says, on one line.
    pub fn label(&self, arrow: &Arrow<'_>) -> String {
        match arrow.text {
            Some(text) if !arrow.marks.is_broken || arrow.marks.cut.is_none() => {
                self.ids.shorten(text)
            }
            _ => arrow.bytes.escaped(),
        }
    }
}

fn time(started: Timestamp, t: u64) -> Timestamp {
    let t = jiff::SignedDuration::from_nanos(i64::try_from(t).unwrap_or(i64::MAX));
    started.saturating_add(t).unwrap_or(Timestamp::MAX)
}

fn titles(loaded: &Recordings) -> Vec<String> {
    let mut titles: Vec<String> = Vec::new();
    let quoted =
        |argument: &String| match argument.is_empty() || argument.contains(char::is_whitespace) {
            true => format!(" '{argument}'"),
            false => format!(" {argument}"),
        };
    for run in &loaded.runs {
        let arguments: String = run.header.arguments.iter().map(quoted).collect();
        let title = proto::printable::printable(&(run.header.program.clone() + &arguments));
        if titles.len() < 8 && !titles.contains(&title) {
            titles.push(title);
        }
    }
    titles
}

fn notices(loaded: &Recordings) -> impl Iterator<Item = String> {
    let torn = loaded.torn.iter().map(|file| {
        let file = file.display();
        format!("the last line of {file} is torn, and left out")
    });
    let lost = loaded.runs.iter().map(Run::lost);
    let lost = Some(lost.fold(0, u64::saturating_add)).filter(|lost| *lost > 0);
    torn.chain(lost.map(|lost| format!("{lost} events could not be recorded")))
}
