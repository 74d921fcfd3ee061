//! Bringing what is to what is wanted, one step for each instance that something happened to. The only place
//! where states change and where orders to open, start and stop go out.

use super::deps::{Verdict, Way, strict_verdict, verdict};
use super::ending::Phase;
use super::event::{Action, Intent};
use super::instance::{Cause, Run, StopSent, Window};
use super::machine::Machine;
use super::timers::Timer;
use crate::model::{InstanceId, PendingWhy, SkipCause, State, StateWord};
use std::mem;

/// What an instance's dependencies say together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gate {
    Open,
    /// This one does not hold yet.
    Waits(InstanceId),
    /// This one can no longer hold.
    Shut(InstanceId),
}

impl Machine {
    /// Steps every marked instance until none is left. Needs come before what needs them, so that nobody
    /// decides on a state that is about to change.
    pub(super) fn reconcile(&mut self) {
        while let Some(rank) = self.dirty.pop_first() {
            let id = self.graph.with_rank(rank);
            self.step(id);
            self.tell_intent(id);
        }
    }

    pub(super) fn mark(&mut self, id: InstanceId) {
        self.dirty.insert(self.graph.rank(id));
    }

    /// Marks the instance and all whose next step may hang on it: dependents that wait for it to come up, and
    /// needs that wait for it to be gone.
    pub(super) fn mark_around(&mut self, id: InstanceId) {
        self.mark(id);
        let (graph, dirty) = (&self.graph, &mut self.dirty);
        dirty.extend(graph.dependents(id).iter().map(|on| graph.rank(*on)));
        if !graph.needs(id).is_empty() {
            graph.find(id, Way::Needs, |need| {
                dirty.insert(graph.rank(need));
                false
            });
        }
    }

    /// Changes a state, and tells. Every change goes through here.
    pub(super) fn set_state(&mut self, id: InstanceId, to: State) {
        let instance = self.at_mut(id);
        if instance.state == to {
            return;
        }
        let from = mem::replace(&mut instance.state, to.clone());
        match (from.is_live(), to.is_live()) {
            (false, true) => self.live += 1,
            (true, false) => self.live -= 1,
            (true, true) | (false, false) => {}
        }
        if let State::Backoff { .. } = from {
            self.timers.stop(id, Timer::Backoff);
        }
        if let State::Backoff { until, .. } = to
            && until > self.now
        {
            self.timers.set(id, Timer::Backoff, until);
        }
        self.actions.push_back(Action::Changed {
            instance: id,
            from,
            to,
        });
        self.mark_around(id);
    }

    fn step(&mut self, id: InstanceId) {
        self.close_if_gone(id);
        let instance = self.at(id);
        let wanted_up = instance.is_wanted_up();
        match &instance.state {
            State::Disabled | State::Stopped { .. } | State::Exited { .. } | State::Failed { .. } => {
                if wanted_up {
                    self.advance(id);
                }
            }
            // What a session that ends has skipped stays so, with its reason.
            State::Skipped { .. } if self.is_ending() => {}
            State::Pending(_) | State::Skipped { .. } => {
                if wanted_up {
                    self.advance(id);
                } else {
                    let last = instance.last_exit;
                    self.set_state(id, State::Stopped { last });
                }
            }
            State::Backoff { last, until } => {
                if !wanted_up {
                    let last = Some(*last);
                    self.set_state(id, State::Stopped { last });
                } else if *until <= self.now {
                    self.advance(id);
                }
            }
            // A run that is to be replaced is first awaited, so that restarts in quick succession cannot keep
            // each other from ever having a process.
            State::Starting { .. } if wanted_up => {}
            State::Starting { .. } | State::Running { .. } | State::Daemonized { .. } => {
                self.stop_if_due(id);
            }
            State::Stopping { .. } => {
                if instance.is_to_be_killed() {
                    self.order_stop(id, true);
                }
            }
        }
    }

    fn stop_if_due(&mut self, id: InstanceId) {
        let instance = self.at(id);
        let condemned = instance.run.as_ref().and_then(Run::condemned_for);
        if instance.is_to_be_killed() {
            self.order_stop(id, true);
        } else if instance.is_doomed() {
            // Before all that runs has been found, nobody knows who has to be gone first.
            if self.phase != Phase::Adopting && self.held_by(id).is_none() {
                self.order_stop(id, false);
            }
        } else if condemned.is_some() {
            self.order_stop(id, false);
        }
    }

    /// Who has to be gone before this one's stop order may go out: a dependent, near or far, that is on its
    /// way down itself. One that runs on is not waited for.
    pub(super) fn held_by(&self, id: InstanceId) -> Option<InstanceId> {
        if self.ends_at_once && self.is_ending() {
            return None;
        }
        self.graph
            .find(id, Way::Dependents, |dependent| self.at(dependent).is_doomed())
    }

    fn order_stop(&mut self, id: InstanceId, kill: bool) {
        let now = self.now;
        let instance = self.at_mut(id);
        let run = instance.run.as_mut().expect("what is live has a run");
        if run.stop.is_some_and(|sent| sent.kill || !kill) {
            return;
        }
        run.stop = Some(StopSent { kill });
        let (run, plan) = (run.id, run.plan.clone());
        let plan = plan.unwrap_or_else(|| instance.policy.stop.clone());
        let intent = self.intent(id).unwrap_or(Intent::Down);
        self.at_mut(id).told = Some(intent);
        self.actions.push_back(Action::Stop {
            instance: id,
            run,
            plan,
            kill,
            intent,
        });
        self.stop_probes(id);
        match &self.at(id).state {
            State::Stopping { .. } => {}
            State::Disabled
            | State::Pending(_)
            | State::Starting { .. }
            | State::Running { .. }
            | State::Daemonized { .. }
            | State::Backoff { .. }
            | State::Stopped { .. }
            | State::Exited { .. }
            | State::Failed { .. }
            | State::Skipped { .. } => self.set_state(id, State::Stopping { run, since: now }),
        }
    }

    /// Somebody asks for the end of what could not be ended: by now it may be in reach.
    pub(super) fn try_to_end_again(&mut self, id: InstanceId) {
        let plan = self.at(id).policy.stop.clone();
        let intent = self.intent(id).unwrap_or(Intent::Down);
        let Some(run) = self.at_mut(id).run.as_mut().filter(|run| run.unstoppable) else {
            return;
        };
        run.unstoppable = false;
        let (run, plan) = (run.id, run.plan.clone().unwrap_or(plan));
        self.at_mut(id).told = Some(intent);
        self.actions.push_back(Action::Stop {
            instance: id,
            run,
            plan,
            kill: true,
            intent,
        });
    }

    /// Moves an instance without a run, wanted up, as far as it can go.
    pub(super) fn advance(&mut self, id: InstanceId) {
        match self.phase {
            Phase::Open => {}
            Phase::Adopting => {
                if self.at(id).is_live() {
                    self.set_state(id, State::Pending(PendingWhy::Window));
                }
                return;
            }
            Phase::Ending(_) | Phase::Finished(_) => {
                unreachable!("nothing is wanted up in a session that ends")
            }
        }
        match self.compute_gate(id) {
            Gate::Shut(on) => self.skip(id, on),
            Gate::Waits(on) => {
                self.open_window(id);
                self.set_state(id, State::Pending(PendingWhy::Dependency { on }));
            }
            Gate::Open if self.at(id).window == Window::Ready => self.spawn(id),
            Gate::Open => {
                self.open_window(id);
                self.set_state(id, State::Pending(PendingWhy::Window));
            }
        }
    }

    fn skip(&mut self, id: InstanceId, on: InstanceId) {
        let is_new = self.at(id).state.word() != StateWord::Skipped;
        let because = SkipCause { on };
        self.set_state(id, State::Skipped { because });
        let message = self.compute_why(id).map(|why| why.to_string());
        self.settle_failed(id, &message.unwrap_or_default());
        if is_new {
            self.on_skipped(id, on);
        }
    }

    /// What the dependencies say: one that can no longer hold speaks before one that does not hold yet.
    pub(super) fn compute_gate(&self, id: InstanceId) -> Gate {
        let mut gate = Gate::Open;
        if self.at(id).alone {
            return gate;
        }
        for need in self.graph.needs(id) {
            match verdict(self.at(need.on), need.condition) {
                Verdict::Holds => {}
                Verdict::NotYet => {
                    if gate == Gate::Open {
                        gate = Gate::Waits(need.on);
                    }
                }
                Verdict::Never => return Gate::Shut(need.on),
            }
        }
        gate
    }

    /// The direct needs that do not hold now, those that may fail among them.
    pub(super) fn unmet_needs(&self, id: InstanceId) -> Vec<InstanceId> {
        self.graph
            .needs(id)
            .iter()
            .filter(|need| strict_verdict(self.at(need.on), need.condition) != Verdict::Holds)
            .map(|need| need.on)
            .collect()
    }

    /// The direct needs that do not hold and are done without.
    pub(super) fn missing_needs(&self, id: InstanceId) -> Vec<InstanceId> {
        let mut missing = self.unmet_needs(id);
        missing.retain(|on| self.at(*on).policy.optional);
        missing.dedup();
        missing
    }

    /// Windows are opened while dependencies are still awaited: it costs nothing and saves the time later.
    pub(super) fn open_window(&mut self, id: InstanceId) {
        let instance = self.at_mut(id);
        if instance.window == Window::Absent {
            instance.window = Window::Opening;
            self.actions.push_back(Action::OpenWindow { instance: id });
        }
    }

    fn spawn(&mut self, id: InstanceId) {
        let instance = self.at_mut(id);
        let run = instance.last_run.next();
        instance.last_run = run;
        instance.told = None;
        instance.run = Some(Run::new(run, instance.cause));
        if instance.cause == Cause::Policy {
            instance.restarts += 1;
        }
        self.actions.push_back(Action::Spawn { instance: id, run });
        self.set_state(id, State::Starting { run });
    }
}
