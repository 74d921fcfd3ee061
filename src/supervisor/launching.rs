//! Commands that start something and end: how long they may take to leave it behind.

use super::machine::Machine;
use super::timers::Timer;
use crate::model::InstanceId;

impl Machine {
    /// The current run has a process that is to leave a daemon behind and end: its time begins.
    pub(super) fn await_daemon(&mut self, id: InstanceId) {
        if let Some(timeout) = self.at(id).policy.launch_timeout {
            self.timers.set(id, Timer::Launch, self.now + timeout);
        }
    }

    /// It is still at work: it is stopped, and has failed whatever it ends with.
    pub(super) fn on_launch_due(&mut self, id: InstanceId) {
        if let Some(run) = &mut self.at_mut(id).run {
            run.overdue = true;
        }
        self.mark(id);
    }
}
