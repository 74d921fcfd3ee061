//! What must be true of triggers: schedules, and files that change.

use super::oracle::Broken;
use crate::model::InstanceId;
use crate::supervisor::{Trigger, Triggered};

#[derive(Debug)]
pub(super) struct Calls {
    /// Somebody or something has called for it once: else, nothing starts what has a schedule.
    called: Vec<bool>,
    /// Started by a changed file since a person last did: its end may not end the session.
    changed: Vec<bool>,
}

impl Calls {
    pub(super) fn new(instances: usize) -> Self {
        Self {
            called: vec![false; instances],
            changed: vec![false; instances],
        }
    }

    pub(super) fn grow(&mut self, instances: usize) {
        self.called.resize(instances, false);
        self.changed.resize(instances, false);
    }

    /// A new machine finds an instance that has run before, or not.
    pub(super) fn meet(&mut self, index: usize, has_run: bool) {
        self.called[index] = has_run;
        self.changed[index] = false;
    }

    /// A trigger is due.
    pub(super) fn hear(&mut self, id: InstanceId) {
        self.called[id.0 as usize] = true;
    }

    /// A person has asked for it.
    pub(super) fn allow(&mut self, id: InstanceId) {
        self.called[id.0 as usize] = true;
        self.changed[id.0 as usize] = false;
    }

    pub(super) fn was_called(&self, id: InstanceId) -> bool {
        self.called[id.0 as usize]
    }

    pub(super) fn is_changed(&self, id: InstanceId) -> bool {
        self.changed[id.0 as usize]
    }

    pub(super) fn judge(
        &mut self,
        id: InstanceId,
        by: Trigger,
        outcome: Triggered,
        stopped: bool,
        live: bool,
    ) -> Result<(), Broken> {
        if stopped {
            return Err(format!("{id:?}: {by:?} after a stop"));
        }
        match (by, outcome) {
            (Trigger::Schedule, Triggered::Starts) if live => Err(format!("{id:?}: runs overlap")),
            (Trigger::Schedule, Triggered::Starts) => {
                self.changed[id.0 as usize] = false;
                Ok(())
            }
            (Trigger::Schedule, Triggered::Busy) | (Trigger::Change { .. }, Triggered::Suspended) => Ok(()),
            (Trigger::Change { .. }, Triggered::Starts | Triggered::Restarts) => {
                self.changed[id.0 as usize] = true;
                Ok(())
            }
            (Trigger::Schedule, Triggered::Restarts | Triggered::Suspended)
            | (Trigger::Change { .. }, Triggered::Busy) => Err(format!("{id:?}: {by:?} came to {outcome:?}")),
        }
    }
}
