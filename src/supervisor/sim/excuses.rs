//! Who may be started without what it needs: the oracle's view of dependencies that may fail.

use super::endings::{ended_well, is_over};
use super::oracle::{Broken, Oracle};
use crate::model::{FailureReason, InstanceId, State};

impl Oracle {
    /// Takes in what a change of state says of failing.
    pub(super) fn note_failure(&mut self, id: InstanceId, to: &State) -> Result<(), Broken> {
        let policy = &self.policies[id.0 as usize];
        match to {
            // What a probe or its launch time condemned has failed, whatever it ended with.
            State::Backoff { last, .. } => {
                let condemnable =
                    policy.startup.is_some() || policy.liveness.is_some() || policy.launch_timeout.is_some();
                self.failed[id.0 as usize] = condemnable || !ended_well(policy, *last);
            }
            State::Exited { .. } => self.failed[id.0 as usize] = false,
            State::Failed { reason, .. } => {
                // That time may have been taken back since.
                if matches!(reason, FailureReason::NoDaemon { within } if within.is_zero()) {
                    return Err(format!("{id:?}: was to leave no daemon, and failed for that"));
                }
                self.failed[id.0 as usize] = true;
            }
            State::Disabled
            | State::Pending(_)
            | State::Starting { .. }
            | State::Running { .. }
            | State::Daemonized { .. }
            | State::Stopping { .. }
            | State::Stopped { .. }
            | State::Skipped { .. } => {}
        }
        Ok(())
    }

    /// What may fail, and has failed or is not to come, holds nobody up. (Whether what stops will come again is
    /// not always shown.)
    pub(super) fn is_excused(&self, on: InstanceId, leaving: bool) -> bool {
        let shown = self.shown_at(on);
        let goes = leaving || matches!(shown, State::Stopping { .. } | State::Stopped { .. });
        self.policies[on.0 as usize].optional && (goes || is_over(shown) || self.failed[on.0 as usize])
    }
}
