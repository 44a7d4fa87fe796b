//! How the transactions are found in the events.
//!
//! An answer `ERR …` does not carry the id, so requests and answers are put together by their
//! order, which on a connection is the same. A request of the machine and its arrival at the bank
//! are put together by the connection's addresses, and by how many like it there were before.

mod exchange;

use std::collections::{HashMap, HashSet, VecDeque};
use std::net::SocketAddr;

use proto::atm::TransactionId;
use proto::atm::semantics::Semantics;
use proto::name::Name;
use proto::refusal::Code;
use proto::side::Side;
use record::{Channel, Detail, Event, EventKind, Note, NoteKind, Run};

use super::history::{Death, History, JournalEnd, Verb};

/// What is in the recordings.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// In the order in which they began.
    pub histories: Vec<History>,
    /// Whether a recording of the bank is among them.
    pub bank_is_recorded: bool,
}

/// Looks through all events of these runs, in the order of the clock.
pub(super) fn gather(runs: &[Run]) -> Found {
    let mut gathering = Gathering {
        states: runs.iter().map(RunState::new).collect(),
        ..Gathering::default()
    };
    gathering.found.bank_is_recorded = runs.iter().any(|run| run.header.side == Side::Server);
    let mut all: Vec<(i128, usize, &Event)> = Vec::new();
    for (number, run) in runs.iter().enumerate() {
        let start = run.header.wall.as_nanosecond();
        let events = run.events.iter();
        all.extend(events.map(|event| (start + i128::from(event.t), number, event)));
    }
    all.sort_by_key(|(time, number, event)| (*time, *number, event.n));
    for (_, number, event) in &all {
        gathering.take(*number, event);
    }
    for number in 0..runs.len() {
        if !gathering.states[number].is_over {
            gathering.die(number, None);
        }
    }
    gathering.finish(runs)
}

#[derive(Debug, Default)]
struct Gathering<'a> {
    found: Found,
    numbers: HashMap<TransactionId, usize>,
    states: Vec<RunState<'a>>,
    /// Where the arrival of a request is, among those of its history.
    arrived: HashMap<Place, usize>,
    /// Where a request was sent to: its history and its place among the attempts.
    sent: Vec<(Place, usize)>,
}

/// One end of a connection, as a run recorded it.
#[derive(Clone, Copy)]
struct End<'a> {
    run: usize,
    channel: &'a Channel,
}

/// Which request of a connection it is: the client's address, the server's port, the history, the
/// verb, and how many like it there were before.
type Place = (SocketAddr, u16, usize, Verb, usize);

/// One run, so far.
#[derive(Debug)]
struct RunState<'a> {
    side: Side,
    semantics: Option<Semantics>,
    connections: HashMap<&'a Channel, ConnectionState>,
    machine: Option<Name>,
    /// The transaction whose notes are moving.
    moving: Option<usize>,
    /// The transactions that this run says something of.
    touched: HashSet<usize>,
    is_over: bool,
}

/// One connection, so far.
#[derive(Debug, Default)]
struct ConnectionState {
    machine: Option<Name>,
    /// The requests that are not answered yet.
    waiting: VecDeque<Option<Pending>>,
    /// What the last answer was to.
    answered: Option<Pending>,
    /// How many copies of the next request are to be sent.
    copies: u32,
    places: HashMap<(usize, Verb), usize>,
}

/// A request: its history, and its place among the attempts or the arrivals.
#[derive(Debug, Clone, Copy)]
struct Pending {
    history: usize,
    place: usize,
    /// The copy that a fault made.
    is_copy: bool,
}

impl<'a> RunState<'a> {
    fn new(run: &'a Run) -> RunState<'a> {
        let given = &run.header.arguments;
        let mut pairs = given.windows(2);
        let word = pairs
            .find(|pair| pair[0] == "--semantics")
            .map(|pair| &pair[1][..]);
        let word = word.or_else(|| given.iter().find_map(|a| a.strip_prefix("--semantics=")));
        RunState {
            side: run.header.side,
            semantics: word.and_then(Semantics::parse),
            connections: HashMap::new(),
            machine: None,
            moving: None,
            touched: HashSet::new(),
            is_over: false,
        }
    }
}

impl<'a> Gathering<'a> {
    fn take(&mut self, run: usize, event: &'a Event) {
        match (&event.kind, &event.channel) {
            (EventKind::Note(note), _) => self.note(run, note),
            (EventKind::Crashed { at }, _) => self.die(run, Some(at)),
            (EventKind::Ended, _) => self.states[run].is_over = true,
            (kind, Some(channel)) if channel.service == "atm" => {
                self.message(End { run, channel }, kind);
            }
            _ => {}
        }
    }

    fn note(&mut self, run: usize, note: &Note) {
        let side = self.states[run].side;
        let amount = note.amount.as_ref().and_then(|amount| amount.parse().ok());
        let Some(id) = note.about.as_ref().and_then(|about| about.parse().ok()) else {
            if let (Side::Client, NoteKind::Drawer, Some(moving)) =
                (side, &note.kind, self.states[run].moving)
            {
                self.found.histories[moving].journal.after = amount;
            }
            return;
        };
        let number = self.history(run, id);
        let history = &mut self.found.histories[number];
        if side == Side::Server {
            let ledger = &mut history.ledger;
            match note.kind {
                NoteKind::Held if note.detail == Some(Detail::Repeat) => ledger.repeats += 1,
                NoteKind::Held => ledger.held += 1,
                NoteKind::Confirmed => ledger.confirmed = true,
                NoteKind::RolledBack => ledger.rolled_back = true,
                // A refusal is final only where no later hold can succeed.
                NoteKind::Refused if is_decline(note.code()) => ledger.declined = note.code(),
                _ => {}
            }
            history.amount = history.amount.or(amount);
            return;
        }
        history.machine_is_recorded = true;
        history.machine = history.machine.take().or(self.states[run].machine.clone());
        let journal = &mut history.journal;
        match note.kind {
            NoteKind::Sending => history.amount = history.amount.or(amount),
            NoteKind::Dispensing | NoteKind::Accepting => {
                journal.before = amount;
                self.states[run].moving = Some(number);
            }
            NoteKind::Dispensed | NoteKind::Accepted => journal.has_moved = true,
            NoteKind::RollingBack => journal.is_rolling_back = true,
            NoteKind::Confirmed => journal.end = Some(JournalEnd::Confirmed),
            NoteKind::RolledBack => journal.end = Some(JournalEnd::RolledBack),
            NoteKind::Declined => journal.end = Some(JournalEnd::Declined(note.code())),
            NoteKind::Disputed => journal.end = Some(JournalEnd::Disputed(note.code())),
            _ => {}
        }
    }

    /// A process died, or its recording stops.
    fn die(&mut self, run: usize, at: Option<&str>) {
        let state = &mut self.states[run];
        state.is_over = true;
        let of_machine = state.side == Side::Client;
        for connection in state.connections.values() {
            for asked in connection.waiting.iter().flatten().filter(|_| !of_machine) {
                self.found.histories[asked.history].arrivals[asked.place].bank_died = true;
            }
        }
        for number in state.touched.clone() {
            let history = &mut self.found.histories[number];
            let is_open = match of_machine {
                true => history.journal.end.is_none(),
                false => {
                    let was_asked = history.arrivals.iter().any(|arrival| arrival.bank_died);
                    was_asked || !history.ledger.is_over()
                }
            };
            // A server that was still running when the recording was read has not died.
            if is_open && (of_machine || at.is_some()) {
                let shown = |c: &char| c.is_ascii_graphic();
                history.deaths.push(Death {
                    of_machine,
                    run,
                    at: at.map(|at| at.chars().filter(shown).take(40).collect()),
                    was_started_again: false,
                });
            }
        }
    }

    fn finish(mut self, runs: &[Run]) -> Found {
        for (place, number) in self.sent {
            let (_, _, history, ..) = place;
            let arrival = self.arrived.get(&place).copied();
            self.found.histories[history].attempts[number].arrival = arrival;
        }
        for (number, history) in self.found.histories.iter_mut().enumerate() {
            let semantics = |side| {
                let is_it = |run: &&RunState| run.side == side && run.touched.contains(&number);
                self.states.iter().find(is_it)?.semantics
            };
            // How the bank books is the bank's to say.
            let promised = semantics(Side::Server).or_else(|| semantics(Side::Client));
            history.semantics = promised.unwrap_or_default();
            for death in &mut history.deaths {
                let died = &runs[death.run].header;
                death.was_started_again = runs.iter().zip(&self.states).any(|(run, state)| {
                    let is_later = run.header.side == died.side && run.header.wall > died.wall;
                    is_later && (!death.of_machine || state.touched.contains(&number))
                });
            }
        }
        self.found
    }

    fn history(&mut self, run: usize, id: TransactionId) -> usize {
        let histories = &mut self.found.histories;
        let number = *self.numbers.entry(id).or_insert_with(|| {
            histories.push(History::new(id));
            histories.len() - 1
        });
        self.states[run].touched.insert(number);
        number
    }
}

/// Whether a hold that was refused with this code is refused for good.
fn is_decline(code: Option<Code>) -> bool {
    use Code::{CardLocked, Declined, InsufficientFunds, OutOfRange};
    code.is_some_and(|code| [InsufficientFunds, CardLocked, OutOfRange, Declined].contains(&code))
}
