//! Where machines stand: their journals, the bank they talk to, and the user in front of them.

use std::time::Duration;

use proto::atm::machine::Machine;
use proto::atm::semantics::Semantics;
use proto::mode::Mode;
use proto::name::Name;

use super::Arguments;
use super::machine::CashMachine;
use crate::cash_machine::bank_client::Progress;
use crate::cash_machine::storage::{MachineDirectory, Recover};
use crate::failure::Failure;
use crate::interrupt::ExitMessage;
use crate::output::{Output, say};
use crate::session::Target;

/// Where machines stand: their journals, and the bank they talk to.
pub(super) struct AtmSetup {
    pub machines: MachineDirectory,
    /// Journals that are forgotten, where the semantics are not exactly-once.
    _throw_away: Option<tempfile::TempDir>,
    target: Target,
    semantics: Semantics,
    patience: Duration,
    notice: ExitMessage,
    is_for_programs: bool,
}

impl AtmSetup {
    pub fn new(
        target: &Target,
        arguments: &Arguments,
        output: Output,
    ) -> Result<AtmSetup, Failure> {
        let semantics = arguments.semantics;
        let (machines, throw_away) = if semantics == Semantics::ExactlyOnce {
            // The first server names the bank, so that others may be added.
            (MachineDirectory::of(&target.server)?, None)
        } else {
            say(&format!(
                "warning: {semantics}: this machine may lose or make money, on purpose"
            ));
            let (machines, directory) = MachineDirectory::temporary()?;
            (machines, Some(directory))
        };
        Ok(AtmSetup {
            machines,
            _throw_away: throw_away,
            notice: ExitMessage::watch(target.recorder.clone())?,
            target: target.clone(),
            semantics,
            patience: arguments.patience,
            is_for_programs: output.json,
        })
    }

    pub fn machine(&self, name: Option<&Name>) -> Result<CashMachine, Failure> {
        self.machine_recovered(name, Machine::recover_under)
    }

    /// A machine whose drawer need not have what its journal says.
    pub fn machine_to_load(&self, name: Option<&Name>) -> Result<CashMachine, Failure> {
        self.machine_recovered(name, Machine::recover_to_load)
    }

    fn machine_recovered(
        &self,
        name: Option<&Name>,
        recover: Recover,
    ) -> Result<CashMachine, Failure> {
        let protections = self.semantics.protections();
        let found = self.machines.open_recovered(name, protections, recover)?;
        let settled_by = self.settled_by(&found.0.name);
        let mut machine = CashMachine::new(found, self.target.clone(), self.patience);
        if !self.is_for_programs {
            machine.bank().progress = Progress::on_terminal(&self.target);
        }
        Ok(machine.for_person(self.notice.clone(), settled_by))
    }

    /// Who settles what this machine leaves open, and how.
    fn settled_by(&self, name: &Name) -> String {
        if self.semantics != Semantics::ExactlyOnce {
            return format!("with {} nobody settles it", self.semantics);
        }
        let usual = format!("127.0.0.1:{}", Mode::Atm.default_port());
        let server = match self.target.servers() {
            server if server == usual => String::new(),
            server => format!(" --server {server}"),
        };
        format!(
            "machine {name} settles it when it starts next, or `labclient atm settle{server}` \
             does now"
        )
    }
}
