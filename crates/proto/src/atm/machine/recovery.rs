//! Recovery of a machine from its journal and its drawer.

use alloc::vec::Vec;

use super::journal::{JournalState, Phase};
use super::{Damage, JournalRecord, Machine, Todo};
use crate::atm::Money;
use crate::atm::semantics::{Protection, Protections};

impl Machine {
    /// Starts or restarts a machine with this journal and this content of its drawer. An open
    /// transaction is settled first.
    ///
    /// # Errors
    /// When the two contradict each other.
    pub fn recover(records: &[JournalRecord], drawer: Money) -> Result<Machine, Damage> {
        Machine::recover_under(Protections::ALL, records, drawer)
    }

    /// The same with only these protections.
    ///
    /// # Errors
    /// When the two contradict each other.
    pub fn recover_under(
        protections: Protections,
        records: &[JournalRecord],
        drawer: Money,
    ) -> Result<Machine, Damage> {
        Machine::start(protections, records, drawer, true)
    }

    /// The same for an operator who has counted the notes and will [`load`](Machine::load) the
    /// drawer: the count may then differ from that of the journal, unless notes were moving.
    ///
    /// # Errors
    /// When the journal is damaged, or the count does not show whether notes moved.
    pub fn recover_to_load(
        protections: Protections,
        records: &[JournalRecord],
        drawer: Money,
    ) -> Result<Machine, Damage> {
        Machine::start(protections, records, drawer, false)
    }

    fn start(
        protections: Protections,
        records: &[JournalRecord],
        drawer: Money,
        compares: bool,
    ) -> Result<Machine, Damage> {
        let settles = protections.has(Protection::SettleOnRestart)
            && protections.has(Protection::Resend)
            && protections.has(Protection::RollbackOnGiveUp);
        let known = JournalState::of(records, !settles)?;
        let unknown = JournalState {
            drawer,
            open: None,
            loading: false,
        };
        let mut machine = Machine {
            protections,
            journal_state: known.unwrap_or(unknown),
            todo: Todo::Rest,
            unwritten: Vec::new(),
            attempts: 0,
            repeat: true,
            given_up: true,
            available: None,
            refusal: None,
        };
        if known.is_none() {
            machine.write(JournalRecord::Loaded(drawer));
            return Ok(machine);
        }
        machine.proceed();
        match machine.open_in(Phase::Moving) {
            Some(open) if !protections.has(Protection::DrawerCheck) => {
                machine.journal_state.drawer = drawer;
                machine.write(JournalRecord::RollingBack(open.id));
            }
            Some(_) => machine.moved(drawer)?,
            // The operator was interrupted: the count found is the new content.
            None if machine.journal_state.loading => machine.write(JournalRecord::Loaded(drawer)),
            None if compares => machine.compare(drawer)?,
            None => {}
        }
        if !protections.has(Protection::SettleOnRestart) && machine.journal_state.open.is_some() {
            machine.journal_state.open = None;
            machine.unwritten.clear();
            // The notes of the dropped transaction may have moved or not: the count found is new.
            machine.write(JournalRecord::Loaded(drawer));
        }
        Ok(machine)
    }
}
