//! What is said of a run's readiness, by itself, by its probes or by time, and who is told. When a probe is
//! made stands in `probing.rs`.

use super::deps::Way;
use super::event::{Action, ProbeKind};
use super::machine::Machine;
use super::timers::Timer;
use crate::model::{Condition, InstanceId, Moment, Readiness, RunId, State, StateWord};
use std::time::Duration;

/// Alive for this long, a service counts as ready where nothing says what ready means.
const ASSUMED_AFTER: Duration = Duration::from_secs(1);

/// When it is looked whether such a service listens already, where somebody waits for it.
const LOOKS: [Duration; 5] = [
    Duration::from_millis(25),
    Duration::from_millis(75),
    Duration::from_millis(175),
    Duration::from_millis(375),
    Duration::from_millis(675),
];

impl Machine {
    /// The current run has a process: where nothing says what ready means, time begins to.
    pub(super) fn begin_assumption(&mut self, id: InstanceId) {
        let instance = self.at(id);
        let silent = instance
            .run
            .as_ref()
            .is_some_and(|run| !run.ready && !run.retracted);
        if silent && instance.policy.assumes_readiness() {
            let process = instance.run.as_ref().and_then(|run| run.process);
            let next = self.next_look(id, process.map_or(self.now, |process| process.since));
            self.timers.set(id, Timer::Assumed, next);
        }
    }

    /// The same where the run may have been alive for long enough already.
    pub(super) fn assume_if_due(&mut self, id: InstanceId) {
        let process = self.at(id).run.as_ref().and_then(|run| run.process);
        if process.is_some_and(|process| self.now.since(process.since) >= ASSUMED_AFTER) {
            self.assume_ready(id);
        }
    }

    pub(super) fn on_assumption_due(&mut self, id: InstanceId) {
        let now = self.now;
        let Some(run) = &self.at(id).run else { return };
        let (run, since) = (run.id, run.process.map_or(now, |process| process.since));
        if now.since(since) >= ASSUMED_AFTER {
            self.assume_ready(id);
            return;
        }
        let next = self.next_look(id, since);
        self.timers.set(id, Timer::Assumed, next);
        self.actions.push_back(Action::Probe {
            instance: id,
            run,
            probe: ProbeKind::Listening,
        });
    }

    /// The next moment at which the assumption may come to hold. Its port is looked at only for those who wait.
    fn next_look(&self, id: InstanceId, since: Moment) -> Moment {
        let looks = if self.is_awaited_ready(id) {
            LOOKS.as_slice()
        } else {
            &[]
        };
        let mut moments = looks.iter().map(|after| since + *after);
        let next = moments.find(|at| *at > self.now);
        next.unwrap_or(since + ASSUMED_AFTER)
    }

    fn is_awaited_ready(&self, id: InstanceId) -> bool {
        self.graph.dependents(id).iter().any(|dependent| {
            let mut needs = self.graph.needs(*dependent).iter();
            self.at(*dependent).is_wanted_up()
                && needs.any(|need| need.on == id && need.condition == Condition::Ready)
        })
    }

    /// It listens, or has been alive long enough, and nobody said anything else.
    pub(super) fn assume_ready(&mut self, id: InstanceId) {
        let instance = self.at(id);
        let retracted = instance.run.as_ref().is_some_and(|run| run.retracted);
        if instance.policy.assumes_readiness() && !retracted {
            self.timers.stop(id, Timer::Assumed);
            self.set_ready(id, true);
        }
    }

    pub(super) fn on_told_ready(&mut self, id: InstanceId, run: RunId, is_ready: bool) {
        let Some(run) = self.current_run(id, run) else {
            return;
        };
        if run.stop.is_some() {
            return;
        }
        run.retracted = !is_ready;
        self.timers.stop(id, Timer::Assumed);
        match self.at(id).policy.readiness {
            Readiness::Told | Readiness::Unknown => self.set_ready(id, is_ready),
            // It only says that nothing is wrong any more; the probe says the rest.
            Readiness::Probe(_) => self.show_ready(id),
        }
        if !is_ready {
            self.settle_retracted(id);
        }
    }

    pub(super) fn set_ready(&mut self, id: InstanceId, is_ready: bool) {
        if let Some(run) = &mut self.at_mut(id).run {
            run.ready = is_ready;
            self.show_ready(id);
        }
    }

    /// Shows what is known of the run's readiness now, to states, dependents and whoever waits.
    pub(super) fn show_ready(&mut self, id: InstanceId) {
        let ready = self.at(id).ready();
        match self.at(id).state.clone() {
            State::Running { run, pid, since, .. } => {
                self.set_state(
                    id,
                    State::Running {
                        run,
                        pid,
                        since,
                        ready,
                    },
                );
            }
            // The state does not show it, but dependents go by it.
            State::Daemonized { .. } => self.mark_around(id),
            // In `Starting` it was said before the report of the start came, and counts from then on.
            State::Starting { .. }
            | State::Stopping { .. }
            | State::Disabled
            | State::Pending(_)
            | State::Backoff { .. }
            | State::Stopped { .. }
            | State::Exited { .. }
            | State::Failed { .. }
            | State::Skipped { .. } => return,
        }
        if ready == Some(true) {
            self.settle_started(id);
        }
    }

    /// It said itself that it is not ready. It may take that back, but nobody who asked is made to wait for it.
    fn settle_retracted(&mut self, id: InstanceId) {
        self.settle_unready(id, "it says itself that it is not ready");
        let mut waiting = Vec::new();
        self.graph.find(id, Way::Dependents, |dependent| {
            if self.at(dependent).state.word() == StateWord::Pending {
                waiting.push(dependent);
            }
            false
        });
        for dependent in waiting {
            if let Some(why) = self.compute_why(dependent) {
                self.settle_failed(dependent, &why.to_string());
            }
        }
    }
}
