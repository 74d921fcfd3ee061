//! Taking over what an earlier controller left running: restored as it is found, before the first order.

use super::ending::Phase;
use super::event::{Condemned, Intent};
use super::instance::{Cause, Process, Run, StopSent, Wanted, Window};
use super::machine::Machine;
use crate::model::{
    EndPolicy, Exit, FailureReason, InstanceId, Policy, Readiness, RestartWhen, RunId, State,
};

/// How a live run was found.
pub(super) struct Found {
    pub(super) daemons: Option<Vec<u32>>,
    pub(super) told_ready: Option<bool>,
    pub(super) stopping: bool,
    pub(super) intent: Option<Intent>,
}

impl Machine {
    pub(super) fn on_begin(&mut self) {
        match self.phase {
            Phase::Adopting => {
                self.phase = Phase::Open;
                for id in self.ids() {
                    // All windows at once and in the order of the file, whoever waits for whom.
                    if self.at(id).is_wanted_up() {
                        self.open_window(id);
                    }
                    self.mark(id);
                }
            }
            Phase::Open | Phase::Ending(_) | Phase::Finished(_) => {}
        }
    }

    pub(super) fn on_adopted(&mut self, id: InstanceId, run: RunId, pid: u32, found: Found) {
        if !self.is_adoptable(id, run) {
            return;
        }
        let Found {
            daemons,
            told_ready,
            stopping,
            intent,
        } = found;
        let since = self.now;
        let wanted = if intent == Some(Intent::Down) || !self.may_adopt_up(id) {
            Wanted::Down { kill: false }
        } else {
            Wanted::Up
        };
        let instance = self.at_mut(id);
        instance.window = Window::Ready;
        instance.last_run = run;
        instance.wanted = wanted;
        instance.told = intent;
        if intent == Some(Intent::Again) {
            instance.above = run;
            instance.cause = Cause::Person;
        }
        instance.calls.paused = !instance.is_wanted_up();
        let ready = match instance.policy.readiness {
            // Where nobody kept it: it said so to the earlier controller, and will not say it again.
            Readiness::Told => told_ready.unwrap_or(true),
            Readiness::Probe(_) | Readiness::Unknown => false,
        };
        let mut current = Run {
            process: Some(Process { pid, since }),
            stop: stopping.then_some(StopSent { kill: false }),
            ready,
            ..Run::new(run, Cause::Session)
        };
        current.condemn(condemned(intent), instance.policy.launch_timeout);
        instance.run = Some(current);
        let ready = instance.ready();
        let launching = daemons.is_none();
        let state = match daemons {
            _ if stopping => State::Stopping { run, since },
            None => State::Running {
                run,
                pid,
                since,
                ready,
            },
            Some(pids) => State::Daemonized { run, pids, since },
        };
        self.set_state(id, state);
        if !stopping {
            self.resume_probes(id);
            if launching {
                self.await_daemon(id);
            }
        }
        if !stopping && self.at(id).is_wanted_up() && ready != Some(false) {
            self.settle_started(id);
        }
    }

    pub(super) fn on_adopted_ended(
        &mut self,
        id: InstanceId,
        run: RunId,
        exit: Exit,
        intent: Option<Intent>,
    ) {
        if !self.is_adoptable(id, run) {
            return;
        }
        let now = self.now;
        let allowed = self.may_adopt_up(id);
        let instance = self.at_mut(id);
        instance.window = Window::Ready;
        instance.last_run = run;
        instance.last_exit = Some(exit);
        instance.told = intent;
        let (asked, condemned) = (intent == Some(Intent::Down), condemned(intent));
        // A person asked for a run behind this one, or it was to be replaced: that is carried on.
        let is_to_follow = intent == Some(Intent::Again);
        if is_to_follow {
            instance.cause = Cause::Person;
        }
        let is_excused = condemned == Some(Condemned::NoDaemon) && instance.policy.launch_timeout.is_none();
        let success = (condemned.is_none() || is_excused) && instance.counts_as_success(exit);
        // Whoever waits for it to come up has asked after it ended.
        let again = is_to_follow
            || instance.waiters.iter().any(|waiter| waiter.wants_up())
            || (!asked && runs_again(&instance.policy, success, condemned));
        instance.wanted = if allowed && again {
            Wanted::Up
        } else {
            Wanted::Down { kill: false }
        };
        // It was started once, by whomever; a stop still counts.
        instance.calls.paused = !allowed || (asked && !again);
        let state = match (condemned, instance.policy.launch_timeout) {
            (Some(Condemned::NoDaemon), Some(within)) => State::Failed {
                reason: FailureReason::NoDaemon { within },
                at: now,
            },
            (Some(Condemned::Unhealthy | Condemned::NotBooted), _) => State::Failed {
                reason: FailureReason::Unhealthy { exit },
                at: now,
            },
            (None, _) if asked || is_to_follow => State::Stopped { last: Some(exit) },
            // Also where no time for a daemon is configured any more: its exit alone says how it ended.
            (None | Some(Condemned::NoDaemon), _) => instance.ended_state(exit, now),
        };
        self.set_state(id, state);
    }

    /// A window with a shim was found: nothing of the instance may be live here yet, nor may this machine
    /// have started a later run.
    fn is_adoptable(&self, id: InstanceId, run: RunId) -> bool {
        let over = match self.phase {
            Phase::Finished(_) => true,
            Phase::Adopting | Phase::Open | Phase::Ending(_) => false,
        };
        self.knows(id) && !over && !self.at(id).is_live() && run > self.at(id).last_run
    }

    /// Not in a session that ends, nor after somebody stopped it here, nor if it is no longer configured.
    fn may_adopt_up(&self, id: InstanceId) -> bool {
        match &self.at(id).state {
            State::Stopped { .. } => false,
            State::Disabled
            | State::Pending(_)
            | State::Starting { .. }
            | State::Running { .. }
            | State::Daemonized { .. }
            | State::Stopping { .. }
            | State::Backoff { .. }
            | State::Exited { .. }
            | State::Failed { .. }
            | State::Skipped { .. } => !self.is_ending() && !self.at(id).gone,
        }
    }
}

fn condemned(intent: Option<Intent>) -> Option<Condemned> {
    match intent {
        Some(Intent::Condemned(condemned)) => Some(condemned),
        Some(Intent::Down | Intent::Again) | None => None,
    }
}

/// Whether an instance that ended by itself while no controller looked is started again. It is if its end
/// would have been followed by a restart, and if it would have stopped the session, which is being started
/// (with which what has a schedule is not).
fn runs_again(policy: &Policy, success: bool, condemned: Option<Condemned>) -> bool {
    // Whatever the policy says about ends, and whoever had started it: a probe has only interrupted it.
    if condemned == Some(Condemned::Unhealthy) {
        return policy.restart.max != Some(0);
    }
    let restarts = match policy.restart.when {
        RestartWhen::Never => false,
        RestartWhen::OnFailure => !success,
        RestartWhen::Always => true,
    };
    let stops_session = match policy.end {
        EndPolicy::StopsSession => true,
        EndPolicy::FailureStopsSession => !success,
        EndPolicy::MayEnd => false,
    };
    policy.autostart && (restarts || (stops_session && !policy.scheduled))
}
