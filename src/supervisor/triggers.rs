//! What calls for an instance without a person: its schedule, and files that changed. When either is due is the
//! controller's business; here stands what it means in each state.

use super::deps::Way;
use super::ending::Phase;
use super::event::{Action, Trigger, Triggered};
use super::instance::{Cause, Wanted};
use super::machine::Machine;
use super::restart::Tally;
use crate::model::{InstanceId, Moment, PendingWhy, State, StateWord};
use std::collections::VecDeque;
use std::time::Duration;

/// This many restarts for changed files within [`FLAP_TIME`] are a program that changes what it watches.
const FLAP_RESTARTS: usize = 10;
const FLAP_TIME: Duration = Duration::from_secs(60);

/// What an instance's triggers may do at present.
#[derive(Debug, Default)]
pub(super) struct Calls {
    /// A person has stopped it, or nobody has started it yet: nothing but a person may.
    pub(super) paused: bool,
    /// Its files changed too often. A person's start makes them count again.
    pub(super) suspended: bool,
    /// A changed file has started it since a person last did: what comes of a file that is being written does
    /// not end the session.
    pub(super) spared: bool,
    /// When changes restarted it, oldest first.
    changes: VecDeque<Moment>,
}

impl Calls {
    pub(super) fn new(paused: bool) -> Self {
        Self {
            paused,
            ..Self::default()
        }
    }

    /// A person has asked for it.
    pub(super) fn resume(&mut self) {
        *self = Self::default();
    }

    /// Counts a restart; false if there were too many of them.
    fn count(&mut self, now: Moment) -> bool {
        while self.changes.front().is_some_and(|at| now.since(*at) >= FLAP_TIME) {
            self.changes.pop_front();
        }
        self.suspended = self.changes.len() >= FLAP_RESTARTS;
        if self.suspended {
            self.changes.clear();
        } else {
            self.changes.push_back(now);
        }
        !self.suspended
    }
}

impl Machine {
    /// Whether its schedule starts it when it is due.
    pub fn is_on_schedule(&self, instance: InstanceId) -> bool {
        self.at(instance).is_on_schedule() && !self.is_ending()
    }

    /// Somebody paused its schedule under an earlier controller. What has ended since, or in whose back-off that
    /// was, does not run again; what somebody has asked for under this one does.
    pub fn pause(&mut self, instance: InstanceId) {
        if !self.knows(instance) || self.at(instance).is_live() {
            return;
        }
        let known = self.at_mut(instance);
        if known.waiters.iter().any(|waiter| waiter.wants_up()) {
            return;
        }
        known.calls.paused = true;
        known.wanted = Wanted::Down { kill: false };
        let last = known.last_exit;
        if known.state.word() != StateWord::Stopped {
            self.set_state(instance, State::Stopped { last });
        }
    }

    /// Somebody resumed the schedule of an instance that does not start by itself, under an earlier controller.
    /// What is known of it since counts more.
    pub fn resume(&mut self, instance: InstanceId) {
        if self.knows(instance) && self.at(instance).state == State::Disabled {
            self.at_mut(instance).calls.paused = false;
        }
    }

    /// Whether changed files no longer restart it because they did so too often.
    pub fn is_watch_suspended(&self, instance: InstanceId) -> bool {
        self.at(instance).calls.suspended
    }

    pub(super) fn on_due(&mut self, id: InstanceId, by: Trigger) {
        if !self.knows(id) || self.phase != Phase::Open || self.at(id).calls.paused {
            return;
        }
        match by {
            Trigger::Schedule => self.on_schedule(id),
            Trigger::Change { cascade } => self.on_change(id, cascade),
        }
    }

    /// Runs never overlap: one that is due while the last one is at work is left out.
    fn on_schedule(&mut self, id: InstanceId) {
        let instance = self.at_mut(id);
        if instance.is_wanted_up() || instance.is_live() {
            self.triggered(id, Trigger::Schedule, Triggered::Busy);
        } else {
            instance.calls.spared = false;
            self.triggered(id, Trigger::Schedule, Triggered::Starts);
            self.call_up(id);
        }
    }

    fn on_change(&mut self, id: InstanceId, cascade: bool) {
        let (now, instance) = (self.now, self.at_mut(id));
        let outcome = match &instance.state {
            // The run that comes was not ordered yet, and finds the file as it is now.
            State::Pending(_) | State::Skipped { .. } => return,
            State::Starting { .. }
            | State::Running { .. }
            | State::Daemonized { .. }
            | State::Stopping { .. }
                if instance.is_doomed() =>
            {
                return;
            }
            State::Starting { .. }
            | State::Running { .. }
            | State::Daemonized { .. }
            | State::Stopping { .. }
            | State::Backoff { .. } => Triggered::Restarts,
            State::Disabled | State::Stopped { .. } | State::Exited { .. } | State::Failed { .. } => {
                Triggered::Starts
            }
        };
        let by = Trigger::Change { cascade };
        if instance.calls.suspended {
            return;
        }
        if !instance.calls.count(now) {
            return self.triggered(id, by, Triggered::Suspended);
        }
        self.triggered(id, by, outcome);
        self.replace(id);
        if cascade {
            for dependent in self.dependents_far(id) {
                let instance = self.at(dependent);
                if instance.is_live() && !instance.is_doomed() {
                    self.replace(dependent);
                }
            }
        }
    }

    fn triggered(&mut self, instance: InstanceId, by: Trigger, outcome: Triggered) {
        self.actions.push_back(Action::Triggered {
            instance,
            by,
            outcome,
        });
    }

    /// Wants a run above all that were ordered. Stops wait for dependents and starts for needs, as always.
    fn replace(&mut self, id: InstanceId) {
        let instance = self.at_mut(id);
        instance.above = instance.last_run;
        instance.calls.spared = true;
        self.call_up(id);
    }

    /// Wants it up, with no count against it. What it needs is awaited, not started: that is a person's to ask.
    fn call_up(&mut self, id: InstanceId) {
        let instance = self.at_mut(id);
        instance.tally = Tally::default();
        instance.cause = Cause::Trigger;
        instance.wanted = Wanted::Up;
        if let State::Backoff { .. } = instance.state {
            self.set_state(id, State::Pending(PendingWhy::Window));
        }
        self.mark_around(id);
    }

    fn dependents_far(&self, id: InstanceId) -> Vec<InstanceId> {
        let mut found = Vec::new();
        self.graph.find(id, Way::Dependents, |dependent| {
            found.push(dependent);
            false
        });
        found
    }
}
