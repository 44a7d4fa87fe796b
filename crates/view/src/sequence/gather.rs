//! Events to steps and arrows: what each lifeline did, in its own order, and which `sent` of one
//! side is which `received` of the other.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use proto::mode::Transport;
use proto::side::{Direction, Side};
use record::wording::{describe, ending};
use record::{Bytes, CloseReason, Closer, Event, EventKind, Message};

use super::columns::Columns;
use super::unsettled::Hold;
use super::{Arrow, ConnectionChange, Delivery, Marks, Moment, Sequence, StepKind, Tone};
use crate::ids::{Ids, ids_in};
use crate::load::Recordings;

mod clocks;
mod faults;
mod pairing;

use faults::Progress;

/// What one lifeline did at a moment.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) at: Moment,
    pub(super) action: Action,
}

/// What it did.
#[derive(Debug)]
pub(super) enum Action {
    /// Something of its own.
    Alone(StepKind),
    /// It sent this arrow.
    Sends(usize),
    /// It received this arrow.
    Receives(usize),
    /// Nothing: another entry says it.
    Nothing,
}

/// What each lifeline did, in order; the messages; and what there is to say of the clocks.
pub(super) type Gathered<'a> = (Vec<Vec<Entry>>, Vec<Arrow<'a>>, Vec<String>);

/// The messages of a conversation in one direction.
#[derive(Default)]
struct Half {
    /// The arrows that were sent, and those that were received, as the two ends recorded them.
    sent: Vec<usize>,
    received: Vec<usize>,
}

/// The end of a connection, as one side recorded it.
struct Closing {
    life: usize,
    /// Where its entry stands.
    entry: usize,
    by: Closer,
    how: CloseReason,
}

/// Where an event happened.
#[derive(Clone, Copy)]
struct Site {
    life: usize,
    conversation: usize,
    at: Moment,
}

struct Gatherer<'a, 'c> {
    loaded: &'a Recordings,
    columns: &'c Columns,
    ids: &'c Ids,
    /// The ids of withdrawals that are not settled.
    unsettled: HashSet<&'c str>,
    began: Timestamp,
    reads: bool,
    actions: Vec<Vec<Entry>>,
    arrows: Vec<Arrow<'a>>,
    halves: HashMap<(usize, Direction), Half>,
    closings: Vec<Vec<Closing>>,
    /// What is known of the current run.
    progress: Progress<'a>,
    /// Whether events could not be kept.
    has_gaps: bool,
    clocks: Vec<String>,
}

/// What each lifeline did, and all messages.
pub(super) fn gather<'a>(
    loaded: &'a Recordings,
    columns: &Columns,
    ids: &Ids,
    unsettled: &[Hold],
    began: Timestamp,
    reads: bool,
) -> Gathered<'a> {
    let mut gatherer = Gatherer {
        loaded,
        columns,
        ids,
        unsettled: unsettled.iter().map(|hold| &hold.id[..]).collect(),
        began,
        reads,
        actions: columns.lifelines.iter().map(|_| Vec::new()).collect(),
        arrows: Vec::new(),
        halves: HashMap::new(),
        closings: loaded.conversations.iter().map(|_| Vec::new()).collect(),
        progress: Progress::default(),
        has_gaps: false,
        clocks: Vec::new(),
    };
    let mut lived = vec![false; columns.lifelines.len()];
    for index in 0..loaded.runs.len() {
        let life = columns.of_run[index];
        gatherer.run(index, std::mem::replace(&mut lived[life], true));
    }
    pairing::pair(&mut gatherer);
    gatherer.fold_closings();
    (gatherer.actions, gatherer.arrows, gatherer.clocks)
}

impl<'a> Gatherer<'a, '_> {
    fn run(&mut self, index: usize, has_lived: bool) {
        let (loaded, began) = (self.loaded, self.began);
        let run = &loaded.runs[index];
        let life = self.columns.of_run[index];
        let moment = |t| Sequence::moment(began, loaded.started[index], t);
        if has_lived {
            let at = moment(0);
            self.mark_killed(life, at);
            let words = format!("started again, process {}", run.header.pid);
            self.alone(life, at, StepKind::Started { life, words });
        }
        self.progress = Progress::default();
        for event in &run.events {
            let at = moment(event.t);
            match loaded.conversation(index, event) {
                Some(conversation) => {
                    self.connection_event(
                        Site {
                            life,
                            conversation,
                            at,
                        },
                        event,
                    );
                }
                None => self.program_event(life, at, event),
            }
        }
    }

    /// A run that does not say how it ended was killed: the program was started again.
    fn mark_killed(&mut self, life: usize, at: Moment) {
        let last = self.actions[life].last();
        let is_over = |entry: &Entry| {
            let Action::Alone(kind) = &entry.action else {
                return false;
            };
            matches!(kind, StepKind::Crashed { .. } | StepKind::Ended { .. })
        };
        if !last.is_some_and(is_over) {
            let at = last.map_or(at, |entry| entry.at);
            let words = "killed".into();
            self.alone(life, at, StepKind::Crashed { life, words });
        }
    }

    fn push(&mut self, life: usize, at: Moment, action: Action) {
        self.actions[life].push(Entry { at, action });
    }

    fn alone(&mut self, life: usize, at: Moment, kind: StepKind) {
        self.push(life, at, Action::Alone(kind));
    }

    fn note(&mut self, life: usize, at: Moment, tone: Tone, event: &Event) {
        let words = describe(event, &|text| self.ids.shorten(text));
        self.alone(life, at, StepKind::Note { life, tone, words });
    }

    /// What happened to the program, or on a connection but not to a message.
    fn program_event(&mut self, life: usize, at: Moment, event: &'a Event) {
        match &event.kind {
            EventKind::Resent { attempt, text } => {
                self.progress.again.insert(text, *attempt);
            }
            EventKind::Failed { .. } => self.note(life, at, Tone::Bad, event),
            EventKind::TimedOut { .. } | EventKind::Paused { .. } | EventKind::Faults { .. } => {
                self.note(life, at, Tone::Warning, event);
            }
            EventKind::Lost { .. } => {
                self.has_gaps = true;
                self.note(life, at, Tone::Warning, event);
            }
            EventKind::Note(note) => {
                let id = note.about.as_deref();
                let mut words = note.words(event.side, &|text| self.ids.shorten(text));
                if let Some(id) = id.and_then(|id| self.ids.if_ambiguous(id)) {
                    words += &format!(" {id}");
                }
                let tone = match id.is_some_and(|id| self.unsettled.contains(id)) {
                    true => Tone::Unsettled,
                    false => Tone::Plain,
                };
                self.alone(life, at, StepKind::Note { life, tone, words });
            }
            EventKind::Crashed { at: place } => {
                let words = format!("crashed {}", self.ids.shorten(place).replace('-', " "));
                self.alone(life, at, StepKind::Crashed { life, words });
            }
            EventKind::Ended => self.alone(life, at, StepKind::Ended { life }),
            // Everything else happens to a message or a connection.
            _ => {}
        }
    }

    fn connection_event(&mut self, site: Site, event: &'a Event) {
        let (life, conversation, at) = (site.life, site.conversation, site.at);
        let (client, server) = self.columns.of_conversation[conversation];
        let channel = event.channel.as_ref();
        let is_tcp = channel.is_some_and(|channel| channel.transport == Transport::Tcp);
        match &event.kind {
            EventKind::Connected => {
                let is_drawn = event.side == Side::Client
                    || self.loaded.conversations[conversation].client.is_none();
                if is_tcp && is_drawn {
                    let change = ConnectionChange {
                        conversation,
                        from: client,
                        to: server,
                        tone: Tone::Plain,
                        words: "connected".into(),
                    };
                    self.alone(life, at, StepKind::Connection(change));
                }
            }
            EventKind::Sent(message) => self.sent(site, message),
            EventKind::Received(message) => {
                let arrow = self.arrow(conversation, message);
                self.progress.received.insert(conversation, arrow);
                self.receives(site, message.direction, arrow);
            }
            EventKind::Unreadable {
                direction, bytes, ..
            } => {
                let arrow = self.arrow_of(conversation, *direction, bytes);
                self.arrows[arrow].marks.is_broken = true;
                self.receives(site, *direction, arrow);
            }
            EventKind::Closed { by, how, words } if is_tcp => {
                let (from, to) = match (by, event.side) {
                    (Closer::Us, Side::Client) | (Closer::Peer, Side::Server) => (client, server),
                    (Closer::Us, Side::Server) | (Closer::Peer, Side::Client) => (server, client),
                };
                self.closings[conversation].push(Closing {
                    life,
                    entry: self.actions[life].len(),
                    by: *by,
                    how: *how,
                });
                let change = ConnectionChange {
                    conversation,
                    from,
                    to,
                    tone: match (how, words) {
                        (CloseReason::End, _) | (CloseReason::Abort, None) => Tone::Plain,
                        _ => Tone::Bad,
                    },
                    words: match words {
                        Some(words) if *how != CloseReason::End => {
                            format!("{}: {}", ending(*how), self.ids.shorten(words))
                        }
                        _ => ending(*how).to_owned(),
                    },
                };
                self.alone(life, at, StepKind::Connection(change));
            }
            EventKind::Read { .. } if self.reads => self.note(life, at, Tone::Plain, event),
            kind => match kind.message() {
                Some(message) => self.fault(site, event.side, kind, message),
                None => self.program_event(life, at, event),
            },
        }
    }

    fn sent(&mut self, site: Site, message: &'a Message) {
        let (life, conversation, at) = (site.life, site.conversation, site.at);
        let arrow = self.arrow(conversation, message);
        let made = &mut self.arrows[arrow];
        made.sent = Some(at);
        made.marks.attempt = self.progress.attempt(message);
        made.marks.is_broken = message.partial;
        let key = self.progress.key(conversation, message);
        if let Some(held) = self.progress.held.get_mut(&key) {
            made.marks = Marks {
                attempt: made.marks.attempt,
                is_broken: made.marks.is_broken,
                // Of the two, the first is the message and the second its copy.
                is_copy: held.marks.is_copy && held.left == 1,
                late: held.marks.late.map(|_| at.abs_diff(held.since)),
                ..held.marks
            };
            held.left -= 1;
            self.actions[life][held.entry].action = Action::Nothing;
            if held.left == 0 {
                self.progress.held.remove(&key);
            }
        }
        self.push(life, at, Action::Sends(arrow));
        let half = self.halves.entry((conversation, message.direction));
        let half = half.or_default();
        // What goes in one segment with another has its moment.
        let before = half.sent.last().map(|before| &self.arrows[*before]);
        let is_glued_on = before.is_some_and(|it| it.marks.is_glued && it.sent == Some(at));
        half.sent.push(arrow);
        self.arrows[arrow].marks.is_glued_on = is_glued_on;
    }

    fn receives(&mut self, site: Site, direction: Direction, arrow: usize) {
        self.arrows[arrow].received = Some(site.at);
        self.push(site.life, site.at, Action::Receives(arrow));
        let half = self.halves.entry((site.conversation, direction));
        half.or_default().received.push(arrow);
    }

    fn arrow(&mut self, conversation: usize, message: &'a Message) -> usize {
        let arrow = self.arrow_of(conversation, message.direction, &message.bytes);
        let text = message.text.as_deref();
        let made = &mut self.arrows[arrow];
        made.text = text;
        made.is_masked = message.masked;
        let mut ids = text.into_iter().flat_map(ids_in);
        made.is_unsettled = ids.any(|id| self.unsettled.contains(id));
        arrow
    }

    fn arrow_of(&mut self, conversation: usize, direction: Direction, bytes: &'a Bytes) -> usize {
        let (client, server) = self.columns.of_conversation[conversation];
        let (from, to) = match direction {
            Direction::ToServer => (client, server),
            Direction::ToClient => (server, client),
        };
        self.arrows.push(Arrow {
            from,
            to,
            conversation,
            bytes,
            text: None,
            is_masked: false,
            sent: None,
            received: None,
            delivery: Delivery::Assumed,
            marks: Marks::default(),
            is_unsettled: false,
        });
        self.arrows.len() - 1
    }

    /// Both sides say that a connection ended. The one that ended it first is believed, and the
    /// other only if it has more to say.
    fn fold_closings(&mut self) {
        for closings in std::mem::take(&mut self.closings) {
            let order = |one: &&Closing| {
                let at = self.actions[one.life][one.entry].at;
                (one.by != Closer::Us, at)
            };
            let Some(first) = closings.iter().min_by_key(order) else {
                continue;
            };
            for other in &closings {
                let is_usual = matches!(other.how, CloseReason::End | CloseReason::Abort);
                if !std::ptr::eq(first, other) && (is_usual || other.how == first.how) {
                    self.actions[other.life][other.entry].action = Action::Nothing;
                }
            }
        }
    }
}
