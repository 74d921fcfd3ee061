//! Another configuration for a session that goes on: what stays, what is replaced, what comes and what goes.

use super::asks::NO_LONGER_CONFIGURED;
use super::ending::Phase;
use super::event::{Action, Declared};
use super::instance::{Cause, Instance, Wanted, Window};
use super::machine::Machine;
use super::restart::Tally;
use super::triggers::Calls;
use crate::model::{InstanceId, InstanceName, Policy, Readiness, State};
use std::collections::BTreeSet;
use std::mem;

impl Machine {
    pub(super) fn on_reconfigure(&mut self, declared: Vec<Declared>) {
        let known = self.instances.len();
        if self.is_ending() || !are_ids_sound(known, &declared) {
            return;
        }
        let policies: Vec<(InstanceName, Policy)> = declared
            .iter()
            .map(|declared| (declared.name.clone(), declared.policy.clone()))
            .collect();
        let ids: Vec<InstanceId> = declared.iter().map(|declared| declared.instance).collect();
        let count = known.max(1 + ids.iter().map(|id| id.0 as usize).max().unwrap_or(0));
        // Whoever sends the event has had this checked, and told who asked.
        let Ok(graph) = self.graph.renewed(&policies, &ids, count) else {
            return;
        };
        self.graph = graph;
        self.timers.grow(count);
        let named: BTreeSet<InstanceId> = ids.into_iter().collect();
        let (mut new, old): (Vec<_>, Vec<_>) = declared
            .into_iter()
            .partition(|declared| declared.instance.0 as usize >= known);
        // The graph speaks of them already.
        new.sort_by_key(|declared| declared.instance);
        for declared in new {
            self.add(declared);
        }
        for declared in old {
            self.renew(declared);
        }
        for id in self.ids() {
            if !named.contains(&id) {
                self.dismiss(id);
            }
            // Whoever waits may wait for something else now.
            self.mark(id);
        }
    }

    /// A new instance, which comes up as at the session's start, but at a person's request: if it cannot be
    /// started, the session goes on.
    fn add(&mut self, declared: Declared) {
        let mut instance = Instance::new(declared.name, declared.policy);
        instance.cause = Cause::Person;
        self.instances.push(instance);
        self.mark(declared.instance);
    }

    fn renew(&mut self, declared: Declared) {
        let id = declared.instance;
        let instance = self.at_mut(id);
        instance.name = declared.name;
        let old = mem::replace(&mut instance.policy, declared.policy);
        let returns = mem::replace(&mut instance.gone, false);
        if declared.replace || returns {
            instance.tally = Tally::default();
        }
        if returns {
            instance.calls = Calls::new(!instance.policy.autostart);
        }
        if declared.replace {
            if let Some(run) = &mut instance.run {
                run.plan.get_or_insert_with(|| old.stop.clone());
            }
            instance.above = instance.last_run;
        }
        if self.comes_up(id, returns, declared.replace) {
            self.want_up(id);
        }
        if are_probes_different(&old, &self.at(id).policy) {
            self.renew_probes(id, &old);
        }
        self.renew_launch_time(id);
    }

    /// Whether a known instance that is not wanted up comes up by the new configuration: one that returns, one
    /// that is no longer left out, and one that failed and is started in another way now. A stop sticks.
    fn comes_up(&self, id: InstanceId, returns: bool, replaced: bool) -> bool {
        let instance = self.at(id);
        let by_itself = instance.policy.autostart && !instance.policy.scheduled;
        let idle = !instance.is_wanted_up() && by_itself;
        idle && match &instance.state {
            State::Disabled => returns || !instance.declined,
            State::Failed { .. } => returns || (replaced && !instance.declined),
            State::Pending(_)
            | State::Starting { .. }
            | State::Running { .. }
            | State::Daemonized { .. }
            | State::Stopping { .. }
            | State::Backoff { .. }
            | State::Stopped { .. }
            | State::Exited { .. }
            | State::Skipped { .. } => returns,
        }
    }

    /// The configuration does not have it any more: it is stopped in order, and its window closed.
    fn dismiss(&mut self, id: InstanceId) {
        if mem::replace(&mut self.at_mut(id).gone, true) {
            return;
        }
        self.settle_failed(id, NO_LONGER_CONFIGURED);
        let instance = self.at_mut(id);
        instance.calls.paused = true;
        if instance.is_wanted_up() {
            instance.wanted = Wanted::Down { kill: false };
        }
    }

    /// Closes the window of what is gone and has no run.
    pub(super) fn close_if_gone(&mut self, id: InstanceId) {
        let open = match self.phase {
            Phase::Adopting | Phase::Open | Phase::Ending(_) => true,
            Phase::Finished(_) => false,
        };
        let instance = self.at_mut(id);
        if open && instance.gone && !instance.is_live() && instance.window == Window::Ready {
            instance.window = Window::Closing;
            self.actions.push_back(Action::CloseWindow { instance: id });
        }
    }

    /// The current run is probed as the new policy says. What is known of it stays known, unless it was another
    /// sort of thing that said so.
    fn renew_probes(&mut self, id: InstanceId, old: &Policy) {
        let policy = self.at(id).policy.clone();
        let same_voice = mem::discriminant(&old.readiness) == mem::discriminant(&policy.readiness);
        let Some(run) = &mut self.at_mut(id).run else {
            return;
        };
        run.ready &= same_voice;
        // It has come up already.
        run.booted |= old.startup.is_none() && run.process.is_some();
        // It was up and said so; it will not say it again.
        run.ready |= policy.readiness == Readiness::Told && old.readiness == Readiness::Unknown;
        if run.process.is_none() || run.stop.is_some() {
            return;
        }
        self.stop_probes(id);
        self.resume_probes(id);
        self.assume_if_due(id);
        self.show_ready(id);
        if self.at(id).ready() != Some(false) {
            self.settle_started(id);
        }
    }
}

/// Whether every id is there once, and the new ones follow the known ones without a gap.
fn are_ids_sound(known: usize, declared: &[Declared]) -> bool {
    let ids: BTreeSet<usize> = declared
        .iter()
        .map(|declared| declared.instance.0 as usize)
        .collect();
    let new = ids.iter().filter(|id| **id >= known);
    ids.len() == declared.len() && new.zip(known..).all(|(id, expected)| *id == expected)
}

fn are_probes_different(old: &Policy, new: &Policy) -> bool {
    (&old.startup, &old.readiness, &old.liveness) != (&new.startup, &new.readiness, &new.liveness)
}
