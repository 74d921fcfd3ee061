//! What a command has left behind or launched elsewhere when it has ended well, and when that is over.
//! `docs/design/launchers.md` tells why.

use super::machine::Machine;
use super::timers::Timer;
use crate::model::{InstanceId, Moment, Readiness, RunId, State};

impl Machine {
    /// The current run has a process that is to leave a daemon behind and end: its time begins.
    pub(super) fn await_daemon(&mut self, id: InstanceId) {
        if let Some(timeout) = self.at(id).policy.launch_timeout {
            self.timers.set(id, Timer::Launch, self.now + timeout);
        }
    }

    /// It asks for more time to leave its daemon behind.
    pub(super) fn extend_launch_time(&mut self, id: InstanceId, until: Moment) {
        if let Some(due) = self.timers.at(id, Timer::Launch)
            && due < until
        {
            self.timers.set(id, Timer::Launch, until);
        }
    }

    /// Its rules have changed while its command may be at work: the time it has is what they give now.
    pub(super) fn renew_launch_time(&mut self, id: InstanceId) {
        self.timers.stop(id, Timer::Launch);
        let instance = self.at(id);
        if let State::Running { since, .. } = instance.state
            && !instance.is_doomed()
            && let Some(timeout) = instance.policy.launch_timeout
        {
            let extended = instance.run.as_ref().and_then(|run| run.extended);
            let due = (since + timeout).max(self.now);
            self.timers
                .set(id, Timer::Launch, extended.map_or(due, |until| due.max(until)));
        }
    }

    /// It is still at work: it is stopped, and has failed whatever it ends with.
    pub(super) fn on_launch_due(&mut self, id: InstanceId) {
        let instance = self.at_mut(id);
        let within = instance.policy.launch_timeout;
        if let Some(run) = &mut instance.run {
            run.overdue = within;
        }
        self.mark(id);
    }

    pub(super) fn on_daemonized(&mut self, id: InstanceId, run: RunId, pids: Vec<u32>) {
        if let Some(pid) = pids.first() {
            // Only if the report of the start was never seen.
            self.on_spawned(id, run, *pid);
        }
        if self.current_run(id, run).is_none() {
            return;
        }
        let now = self.now;
        let since = match &self.at(id).state {
            State::Running { .. } => now,
            // What was left has ended, and was only a helper.
            State::Daemonized {
                since, pids: left, ..
            } if *left != pids => *since,
            State::Daemonized { .. }
            | State::Starting { .. }
            | State::Stopping { .. }
            | State::Disabled
            | State::Pending(_)
            | State::Backoff { .. }
            | State::Stopped { .. }
            | State::Exited { .. }
            | State::Failed { .. }
            | State::Skipped { .. } => return,
        };
        let is_elsewhere = pids.is_empty();
        self.timers.stop(id, Timer::Launch);
        self.set_state(id, State::Daemonized { run, pids, since });
        // Its command has done what it was to do.
        self.assume_ready(id);
        if is_elsewhere && self.at(id).ready() == Some(false) {
            // What its probes look at is only now there, and gets all the time that they give.
            self.probe_anew(id);
        }
    }

    /// Whether its command is over and only its readiness probe says whether what it has launched is there: not
    /// where a daemon was asked for, which is there until it is stopped.
    pub(super) fn is_over_unless_ready(&self, id: InstanceId) -> bool {
        let instance = self.at(id);
        let is_probed = match instance.policy.readiness {
            Readiness::Probe(_) => true,
            Readiness::Told | Readiness::Unknown => false,
        };
        let is_elsewhere = match &instance.state {
            State::Daemonized { pids, .. } => pids.is_empty(),
            State::Running { .. }
            | State::Starting { .. }
            | State::Stopping { .. }
            | State::Disabled
            | State::Pending(_)
            | State::Backoff { .. }
            | State::Stopped { .. }
            | State::Exited { .. }
            | State::Failed { .. }
            | State::Skipped { .. } => false,
        };
        is_elsewhere && is_probed && instance.policy.launch_timeout.is_none()
    }
}
