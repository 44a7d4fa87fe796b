//! All there is: the bank, the machines with their journals and drawers, and the network; and each
//! single thing that can happen next.

use alloc::rc::Rc;
use alloc::vec::Vec;

use super::bank::{Bank, Ledger, Message, Messages, Reception, post};
use super::fingerprint::{self, Fingerprint};
use super::law::{self, Violation};
use super::{Faults, Scenario};
use crate::atm::machine::{Action, Machine, Record};
use crate::atm::{Amount, Answer, Key, Kind, Money, Request, TransactionId, naming};
use crate::reply;

/// One thing that happens. Machines and messages by their numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// A customer comes.
    Begin(u8),
    /// The machine does what it has to do.
    Act(u8),
    /// A message arrives.
    Deliver(u8),
    /// The bank makes what it decided durable, and answers.
    Commit,
    /// The machine has waited for an answer in vain.
    TimeOut(u8),
    /// A message is lost.
    Lose(u8),
    /// A message arrives, and will again.
    Duplicate(u8),
    /// An answer arrives where another one is waited for.
    Mistake(u8),
    /// Somebody who knows no key asks for a rollback of what this machine has open.
    Meddle(u8),
    /// The bank has no time for this request.
    TurnAway(u8),
    /// A request arrives without the log-in that should precede it.
    LogOut(u8),
    /// The customer has waited long enough.
    GiveUp(u8),
    /// The drawer is stuck.
    Jam(u8),
    /// The machine is killed, and starts again.
    CrashMachine(u8),
    /// The bank is killed, and starts again.
    CrashBank,
}

/// A machine, and what is around it.
#[derive(Debug, Clone, Hash)]
pub(super) struct Station {
    pub machine: Machine,
    pub journal: Vec<Record>,
    pub drawer: Money,
    /// How many customers came.
    pub begun: usize,
    /// Whether a request was sent, and neither answered nor given up.
    pub waiting: bool,
    /// Which notes moved.
    pub moved: Vec<(TransactionId, Amount)>,
}

#[derive(Debug, Clone)]
pub(super) struct World {
    pub scenario: Rc<Scenario>,
    pub bank: Bank,
    pub stations: Vec<Rc<Station>>,
    pub network: Messages,
    pub left: Faults,
    /// What went wrong in the step that led here.
    pub broken: Option<Violation>,
}

impl World {
    pub fn new(scenario: Scenario) -> World {
        let ledger = Rc::new(Ledger::new(scenario.account.clone()));
        let drawer = scenario.drawer;
        let journal = alloc::vec![Record::Loaded(drawer)];
        let recovered = scenario.customers.iter().map(|_| {
            let machine = Machine::recover_under(scenario.protections, &journal, drawer).ok()?;
            Some(Rc::new(Station {
                machine,
                journal: journal.clone(),
                drawer,
                begun: 0,
                waiting: false,
                moved: Vec::new(),
            }))
        });
        World {
            stations: recovered.flatten().collect(),
            bank: Bank {
                durable: Rc::clone(&ledger),
                working: ledger,
                waiting: Messages::new(),
            },
            network: Messages::new(),
            left: scenario.faults,
            broken: None,
            scenario: Rc::new(scenario),
        }
    }

    /// Without the faults that are left.
    pub fn fingerprint(&self) -> Fingerprint {
        let network: Vec<_> = self.network.keys().collect();
        let waiting: Vec<_> = self.bank.waiting.keys().collect();
        let bank = (&self.bank.durable, &self.bank.working, waiting);
        fingerprint::of(&(bank, &self.stations, network))
    }

    pub fn fingerprint_with_faults(&self) -> Fingerprint {
        fingerprint::of(&(self.fingerprint(), self.left))
    }

    /// All that can happen.
    pub fn steps(&self) -> Vec<Step> {
        let mut steps = Vec::new();
        let left = &self.left;
        let may = |faults: u8| faults > 0 && left.in_all > 0;
        if !self.bank.is_clean() {
            steps.push(Step::Commit);
            steps.extend(may(left.bank_crashes).then_some(Step::CrashBank));
        }
        for (number, (key, message)) in self.network.iter().enumerate() {
            // A second copy of the same message makes no difference.
            if key.1 > 0 {
                continue;
            }
            let number = number as u8;
            steps.push(Step::Deliver(number));
            steps.extend(may(left.losses).then_some(Step::Lose(number)));
            steps.extend(may(left.duplicates).then_some(Step::Duplicate(number)));
            if message.reply.is_some() {
                let mistaken = may(left.mistakes) && self.asked_instead(message).is_some();
                steps.extend(mistaken.then_some(Step::Mistake(number)));
            } else {
                steps.extend(may(left.refusals).then_some(Step::TurnAway(number)));
                let is_hold = matches!(message.request, Request::Hold { .. });
                steps.extend((is_hold && may(left.refusals)).then_some(Step::LogOut(number)));
            }
        }
        for (number, station) in self.stations.iter().enumerate() {
            let m = number as u8;
            match station.machine.next() {
                Action::Idle if self.customer(number).is_some() => steps.push(Step::Begin(m)),
                Action::Idle => {}
                Action::Send { .. } if station.waiting => {
                    // Without delay there is no time-out but for what is lost.
                    let early = self.is_under_way(number);
                    steps.extend((!early || may(left.delays)).then_some(Step::TimeOut(m)));
                }
                Action::MoveNotes { .. } => {
                    steps.push(Step::Act(m));
                    steps.extend(may(left.jams).then_some(Step::Jam(m)));
                }
                _ => steps.push(Step::Act(m)),
            }
            // Only what the bank knows: an id is read on a receipt, or in a log of the bank's.
            let known = self.open_at_the_bank(number).is_some();
            steps.extend((known && may(left.meddlers)).then_some(Step::Meddle(m)));
            let may_give_up = may(left.give_ups) && {
                let mut machine = station.machine.clone();
                machine.give_up();
                machine != station.machine
            };
            steps.extend(may_give_up.then_some(Step::GiveUp(m)));
            let may_crash = may(left.machine_crashes) && station.machine.next() != Action::Idle;
            steps.extend(may_crash.then_some(Step::CrashMachine(m)));
        }
        steps
    }

    /// What happens next if nothing fails any more and no customer comes: the one thing that the
    /// bank, the network or a machine does first.
    pub fn calm_step(&self) -> Option<Step> {
        if !self.bank.is_clean() {
            return Some(Step::Commit);
        }
        if !self.network.is_empty() {
            return Some(Step::Deliver(0));
        }
        self.stations
            .iter()
            .enumerate()
            .find_map(|(number, station)| {
                let m = number as u8;
                match station.machine.next() {
                    Action::Idle => None,
                    Action::Send { .. } if station.waiting => Some(Step::TimeOut(m)),
                    _ => Some(Step::Act(m)),
                }
            })
    }

    pub fn after(&self, step: Step) -> World {
        let mut world = self.clone();
        let left = &mut world.left;
        match step {
            Step::Begin(m) => world.begin(m.into()),
            Step::Act(m) => world.act(m.into(), false),
            Step::Deliver(number) => world.deliver(number, Reception::LoggedIn),
            Step::Commit => world.bank.commit(&mut world.network),
            Step::TimeOut(m) => {
                if world.is_under_way(m.into()) {
                    world.left.delays = world.left.delays.saturating_sub(1);
                }
                world.input(m.into(), Machine::lost);
            }
            Step::Lose(number) => {
                left.losses -= 1;
                world.take(number);
            }
            Step::Duplicate(number) => {
                left.duplicates -= 1;
                let copy = world.peek(number);
                world.deliver(number, Reception::LoggedIn);
                copy.into_iter()
                    .for_each(|copy| post(&mut world.network, copy));
            }
            Step::Meddle(m) => {
                left.meddlers -= 1;
                if let Some(id) = world.open_at_the_bank(m.into()) {
                    let Scenario {
                        protections,
                        account,
                        ..
                    } = &*world.scenario;
                    world.bank.meet_stranger(*protections, id, &account.card);
                }
            }
            Step::Mistake(number) => {
                left.mistakes -= 1;
                world.mistake(number);
            }
            Step::TurnAway(number) => {
                left.refusals -= 1;
                world.deliver(number, Reception::Closed);
            }
            Step::LogOut(number) => {
                left.refusals -= 1;
                world.deliver(number, Reception::LoggedOut);
            }
            Step::GiveUp(m) => {
                left.give_ups -= 1;
                world.input(m.into(), Machine::give_up);
            }
            Step::Jam(m) => {
                left.jams -= 1;
                world.act(m.into(), true);
            }
            Step::CrashMachine(m) => {
                left.machine_crashes -= 1;
                world.crash(m.into());
            }
            Step::CrashBank => {
                left.bank_crashes -= 1;
                world.bank.crash();
            }
        }
        if world.left != self.left {
            world.left.in_all -= 1;
        }
        if world.broken.is_none() {
            world.broken = law::broken(&world);
        }
        world
    }

    /// The next customer of this machine: the id of the transaction, and how much.
    fn customer(&self, station: usize) -> Option<(TransactionId, Amount)> {
        let number = self.stations.get(station)?.begun;
        let (kind, amount) = *self.scenario.customers.get(station)?.get(number)?;
        Some((self.scenario.id(station, number, kind), amount))
    }

    fn begin(&mut self, number: usize) {
        let Some((id, amount)) = self.customer(number) else {
            return;
        };
        Rc::make_mut(&mut self.stations[number]).begun += 1;
        self.input(number, |machine| {
            // A drawer with too few notes sends the customer away.
            let _ = machine.begin(id, amount, Key::new(id.uuid.as_u128()));
        });
    }

    fn act(&mut self, number: usize, jammed: bool) {
        let station = Rc::make_mut(&mut self.stations[number]);
        match station.machine.next() {
            Action::Journal(record) => {
                station.journal.push(record);
                self.input(number, Machine::journaled);
            }
            Action::Send { request, .. } => {
                station.waiting = true;
                let message = Message {
                    station: number,
                    request,
                    reply: None,
                };
                post(&mut self.network, Rc::new(message));
            }
            Action::MoveNotes { id, amount } => {
                let money = amount.money();
                let after = match id.kind {
                    Kind::Withdrawal => station.drawer.checked_sub(money),
                    Kind::Deposit => station.drawer.checked_add(money),
                };
                if let Some(after) = after.filter(|_| !jammed) {
                    station.drawer = after;
                    station.moved.push((id, amount));
                }
                let drawer = station.drawer;
                let counted = station.machine.moved(drawer);
                self.broken = counted.err().map(Violation::Damage);
            }
            Action::Pause { .. } | Action::Show(_) | Action::Idle => {}
        }
    }

    fn deliver(&mut self, number: u8, reception: Reception) {
        let Some(message) = self.take(number) else {
            return;
        };
        if let Some(reply) = &message.reply {
            let request = &message.request;
            self.input(message.station, |machine| machine.answered(request, reply));
        } else {
            let Scenario {
                protections,
                account,
                ..
            } = &*self.scenario;
            let network = &mut self.network;
            self.bank
                .receive(*protections, &message, &account.card, reception, network);
        }
    }

    /// The transaction that this machine has open, if the bank has heard of it.
    fn open_at_the_bank(&self, station: usize) -> Option<TransactionId> {
        let id = self.stations.get(station)?.machine.outcome()?.id();
        self.bank
            .working
            .books
            .records
            .contains_key(&id)
            .then_some(id)
    }

    /// What the machine waits for an answer to, when it is not what this message answers.
    pub fn asked_instead(&self, message: &Message) -> Option<Request> {
        let station = self.stations.get(message.station)?;
        match station.machine.next() {
            Action::Send { request, .. } if station.waiting && request != message.request => {
                Some(request)
            }
            _ => None,
        }
    }

    /// Has the machine read an answer, as it came over the network, as that to what it asks now. One
    /// that it does not believe costs it the connection.
    fn mistake(&mut self, number: u8) {
        let Some(message) = self.take(number) else {
            return;
        };
        let (Some(asked), Some(reply)) = (self.asked_instead(&message), &message.reply) else {
            return;
        };
        let said = match (message.request.id(), reply) {
            (Some(id), Err(refusal)) => Err(naming(id, refusal.clone())),
            _ => reply.clone(),
        };
        let text = reply::render(&said);
        let protections = self.scenario.protections;
        let read = reply::parse(&text).ok();
        let read = read.and_then(|reply| Answer::read_under(protections, &asked, reply));
        self.input(message.station, |machine| match &read {
            Some(reply) => machine.answered(&asked, reply),
            None => machine.lost(),
        });
    }

    fn crash(&mut self, number: usize) {
        let protections = self.scenario.protections;
        let station = Rc::make_mut(&mut self.stations[number]);
        match Machine::recover_under(protections, &station.journal, station.drawer) {
            Ok(machine) => {
                station.machine = machine;
                station.waiting = false;
                self.input(number, |_| {});
            }
            Err(damage) => self.broken = Some(Violation::Damage(damage)),
        }
    }

    /// Tells the machine something, and has it do what nobody else can see.
    fn input(&mut self, number: usize, tell: impl FnOnce(&mut Machine)) {
        let station = Rc::make_mut(&mut self.stations[number]);
        let before = station.machine.next();
        tell(&mut station.machine);
        loop {
            match station.machine.next() {
                Action::Pause { .. } => station.machine.paused(),
                Action::Show(outcome) => {
                    station.machine.shown();
                    let broken = law::broken_by_saying(&outcome, station, &self.bank.working);
                    self.broken = self.broken.take().or(broken);
                }
                next => {
                    station.waiting &= next == before;
                    return;
                }
            }
        }
    }

    /// Whether what this machine waits for may still come.
    fn is_under_way(&self, number: usize) -> bool {
        let Some(station) = self.stations.get(number) else {
            return false;
        };
        let Action::Send { request, .. } = station.machine.next() else {
            return false;
        };
        let mut messages = self.network.values().chain(self.bank.waiting.values());
        messages.any(|message| message.station == number && message.request == request)
    }

    pub fn peek(&self, number: u8) -> Option<Rc<Message>> {
        self.network.values().nth(number.into()).cloned()
    }

    fn take(&mut self, number: u8) -> Option<Rc<Message>> {
        let (fingerprint, _) = *self.network.keys().nth(number.into())?;
        // The last copy, so that the others keep their numbers.
        let range = (fingerprint, 0)..=(fingerprint, u8::MAX);
        let (last, _) = self.network.range(range).next_back()?;
        let last = *last;
        self.network.remove(&last)
    }
}
