//! The steps that the system can take from a state, and the state that each leads to.

use alloc::rc::Rc;
use alloc::vec::Vec;

use super::bank::{Message, Reception, post};
use super::invariants;
use super::system::System;
use super::violation::Violation;
use crate::atm::machine::{Action, Machine};
use crate::atm::{Answer, Key, Kind, Request, naming};
use crate::reply;

/// A step of the system. Machines and messages are given by their numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// A customer begins a transaction.
    Begin(u8),
    /// The machine performs its next action.
    Act(u8),
    /// A message arrives.
    Deliver(u8),
    /// The bank commits its decisions, and sends the answers.
    Commit,
    /// The machine's wait for an answer times out.
    TimeOut(u8),
    /// A message is lost.
    Lose(u8),
    /// A message arrives, and a copy stays in the network.
    Duplicate(u8),
    /// An answer arrives as that to another request.
    Misattribute(u8),
    /// A customer without the key requests a rollback of this machine's open transaction.
    UnauthorizedRollback(u8),
    /// The bank refuses a request because it is unavailable.
    Refuse(u8),
    /// A request arrives in a session without a log-in.
    DeliverLoggedOut(u8),
    /// The customer gives up.
    GiveUp(u8),
    /// The drawer jams, and no notes move.
    Jam(u8),
    /// The machine crashes and restarts.
    CrashMachine(u8),
    /// The bank crashes and restarts.
    CrashBank,
}

impl System {
    /// All steps that are possible in this state.
    pub fn steps(&self) -> Vec<Step> {
        let mut steps = Vec::new();
        let left = &self.left;
        let may = |faults: u8| faults > 0 && left.in_all > 0;
        if !self.bank.is_clean() {
            steps.push(Step::Commit);
            steps.extend(may(left.bank_crashes).then_some(Step::CrashBank));
        }
        for (number, (key, message)) in self.network.iter().enumerate() {
            // A second copy of the same message leads to the same states.
            if key.1 > 0 {
                continue;
            }
            let number = number as u8;
            steps.push(Step::Deliver(number));
            steps.extend(may(left.losses).then_some(Step::Lose(number)));
            steps.extend(may(left.duplicates).then_some(Step::Duplicate(number)));
            if message.reply.is_some() {
                let mistaken =
                    may(left.misattributions) && self.request_awaited_instead(message).is_some();
                steps.extend(mistaken.then_some(Step::Misattribute(number)));
            } else {
                steps.extend(may(left.refusals).then_some(Step::Refuse(number)));
                let is_hold = matches!(message.request, Request::Hold { .. });
                steps.extend(
                    (is_hold && may(left.refusals)).then_some(Step::DeliverLoggedOut(number)),
                );
            }
        }
        for (number, machine) in self.machines.iter().enumerate() {
            let m = number as u8;
            match machine.state.next() {
                Action::Idle if self.customer(number).is_some() => steps.push(Step::Begin(m)),
                Action::Idle => {}
                Action::Send { .. } if machine.waiting => {
                    // Without delays only the answer to a lost message times out.
                    let early = self.is_in_flight(number);
                    steps.extend((!early || may(left.delays)).then_some(Step::TimeOut(m)));
                }
                Action::MoveNotes { .. } => {
                    steps.push(Step::Act(m));
                    steps.extend(may(left.jams).then_some(Step::Jam(m)));
                }
                _ => steps.push(Step::Act(m)),
            }
            // Only of what the bank knows: the id comes from a receipt or from the bank's log.
            let known = self.open_at_the_bank(number).is_some();
            steps.extend(
                (known && may(left.unauthorized_rollbacks))
                    .then_some(Step::UnauthorizedRollback(m)),
            );
            let may_give_up = may(left.give_ups) && {
                let mut given_up = machine.state.clone();
                given_up.give_up();
                given_up != machine.state
            };
            steps.extend(may_give_up.then_some(Step::GiveUp(m)));
            let may_crash = may(left.machine_crashes) && machine.state.next() != Action::Idle;
            steps.extend(may_crash.then_some(Step::CrashMachine(m)));
        }
        steps
    }

    /// The next step of the run without further faults and customers. The bank goes first, then the
    /// network, then the machines.
    pub fn fault_free_step(&self) -> Option<Step> {
        if !self.bank.is_clean() {
            return Some(Step::Commit);
        }
        if !self.network.is_empty() {
            return Some(Step::Deliver(0));
        }
        self.machines
            .iter()
            .enumerate()
            .find_map(|(number, machine)| {
                let m = number as u8;
                match machine.state.next() {
                    Action::Idle => None,
                    Action::Send { .. } if machine.waiting => Some(Step::TimeOut(m)),
                    _ => Some(Step::Act(m)),
                }
            })
    }

    /// The state after a step.
    pub fn after(&self, step: Step) -> System {
        let mut system = self.clone();
        let left = &mut system.left;
        match step {
            Step::Begin(m) => system.begin(m.into()),
            Step::Act(m) => system.act(m.into(), false),
            Step::Deliver(number) => system.deliver(number, Reception::LoggedIn),
            Step::Commit => system.bank.commit(&mut system.network),
            Step::TimeOut(m) => {
                if system.is_in_flight(m.into()) {
                    system.left.delays = system.left.delays.saturating_sub(1);
                }
                system.input(m.into(), Machine::lost);
            }
            Step::Lose(number) => {
                left.losses -= 1;
                system.take(number);
            }
            Step::Duplicate(number) => {
                left.duplicates -= 1;
                let copy = system.peek(number);
                system.deliver(number, Reception::LoggedIn);
                copy.into_iter()
                    .for_each(|copy| post(&mut system.network, copy));
            }
            Step::UnauthorizedRollback(m) => {
                left.unauthorized_rollbacks -= 1;
                if let Some(id) = system.open_at_the_bank(m.into()) {
                    system.bank.roll_back_without_key(&system.scenario, id);
                }
            }
            Step::Misattribute(number) => {
                left.misattributions -= 1;
                system.misattribute(number);
            }
            Step::Refuse(number) => {
                left.refusals -= 1;
                system.deliver(number, Reception::Closed);
            }
            Step::DeliverLoggedOut(number) => {
                left.refusals -= 1;
                system.deliver(number, Reception::LoggedOut);
            }
            Step::GiveUp(m) => {
                left.give_ups -= 1;
                system.input(m.into(), Machine::give_up);
            }
            Step::Jam(m) => {
                left.jams -= 1;
                system.act(m.into(), true);
            }
            Step::CrashMachine(m) => {
                left.machine_crashes -= 1;
                system.crash(m.into());
            }
            Step::CrashBank => {
                left.bank_crashes -= 1;
                system.bank.crash();
            }
        }
        if system.left != self.left {
            system.left.in_all -= 1;
        }
        if system.violation.is_none() {
            system.violation = invariants::check_state(&system);
        }
        system
    }

    fn begin(&mut self, number: usize) {
        let Some((id, amount)) = self.customer(number) else {
            return;
        };
        Rc::make_mut(&mut self.machines[number]).begun += 1;
        self.input(number, |machine| {
            // A drawer with too few notes sends the customer away.
            let _ = machine.begin(id, amount, Key::new(id.uuid.as_u128()));
        });
    }

    fn act(&mut self, number: usize, jammed: bool) {
        let machine = Rc::make_mut(&mut self.machines[number]);
        match machine.state.next() {
            Action::Journal(record) => {
                machine.journal.push(record);
                self.input(number, Machine::journaled);
            }
            Action::Send { request, .. } => {
                machine.waiting = true;
                let message = Message {
                    machine: number,
                    request,
                    reply: None,
                };
                post(&mut self.network, Rc::new(message));
            }
            Action::MoveNotes { id, amount } => {
                let money = amount.money();
                let after = match id.kind {
                    Kind::Withdrawal => machine.drawer.checked_sub(money),
                    Kind::Deposit => machine.drawer.checked_add(money),
                };
                if let Some(after) = after.filter(|_| !jammed) {
                    machine.drawer = after;
                    machine.moved.push((id, amount));
                }
                let drawer = machine.drawer;
                let counted = machine.state.moved(drawer);
                self.violation = counted.err().map(Violation::Damage);
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
            self.input(message.machine, |machine| machine.answered(request, reply));
        } else {
            let network = &mut self.network;
            self.bank
                .receive(&self.scenario, &message, reception, network);
        }
    }

    /// Delivers an answer, as it is on the wire, as that to the request that the machine waits for.
    /// One that does not name this request makes the machine give up the connection.
    fn misattribute(&mut self, number: u8) {
        let Some(message) = self.take(number) else {
            return;
        };
        let (Some(asked), Some(reply)) = (self.request_awaited_instead(&message), &message.reply)
        else {
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
        self.input(message.machine, |machine| match &read {
            Some(reply) => machine.answered(&asked, reply),
            None => machine.lost(),
        });
    }

    fn crash(&mut self, number: usize) {
        let protections = self.scenario.protections;
        let machine = Rc::make_mut(&mut self.machines[number]);
        match Machine::recover_under(protections, &machine.journal, machine.drawer) {
            Ok(recovered) => {
                machine.state = recovered;
                machine.waiting = false;
                self.input(number, |_| {});
            }
            Err(damage) => self.violation = Some(Violation::Damage(damage)),
        }
    }

    /// Passes an event to the machine, and then lets it pause and show until it has other actions.
    fn input(&mut self, number: usize, event: impl FnOnce(&mut Machine)) {
        let machine = Rc::make_mut(&mut self.machines[number]);
        let before = machine.state.next();
        event(&mut machine.state);
        loop {
            match machine.state.next() {
                Action::Pause { .. } => machine.state.paused(),
                Action::Show(outcome) => {
                    machine.state.shown();
                    let broken = invariants::check_outcome(&outcome, machine, &self.bank.working);
                    self.violation = self.violation.take().or(broken);
                }
                next => {
                    machine.waiting &= next == before;
                    return;
                }
            }
        }
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
