//! What a run is to end for, told to its shim whenever that changes: a controller that comes after this one finds
//! it there, and carries on what was asked of this one.

use super::ending::Phase;
use super::event::{Action, Intent};
use super::instance::{Cause, Run};
use super::machine::Machine;
use crate::model::{InstanceId, RunId, State};

impl Machine {
    /// What the current run is to end for, or the last one has ended for; `None` if it runs on, or has ended by
    /// itself.
    pub(super) fn intent(&self, id: InstanceId) -> Option<Intent> {
        let instance = self.at(id);
        if let Some(run) = &instance.run {
            return if !instance.is_wanted_up() {
                Some(Intent::Down)
            } else if run.id <= instance.above {
                Some(Intent::Again)
            } else {
                let condemned = run.condemned_for().filter(|_| run.stop.is_some());
                condemned.map(Intent::Condemned)
            };
        }
        match &instance.state {
            State::Stopped { .. } => Some(Intent::Down),
            State::Pending(_) | State::Skipped { .. } if instance.cause == Cause::Person => {
                Some(Intent::Again)
            }
            State::Pending(_)
            | State::Skipped { .. }
            | State::Disabled
            | State::Starting { .. }
            | State::Running { .. }
            | State::Daemonized { .. }
            | State::Stopping { .. }
            | State::Backoff { .. }
            | State::Exited { .. }
            | State::Failed { .. } => instance.told,
        }
    }

    /// Tells it if that is news. Not what comes of the session's end, which is nobody's wish about a service.
    pub(super) fn tell_intent(&mut self, id: InstanceId) {
        let intent = self.intent(id);
        let instance = self.at(id);
        let run = instance.run.as_ref().map_or(instance.last_run, Run::id);
        if self.phase != Phase::Open || run == RunId(0) || intent == instance.told {
            return;
        }
        self.at_mut(id).told = intent;
        self.actions.push_back(Action::Intend {
            instance: id,
            run,
            intent,
        });
    }
}
