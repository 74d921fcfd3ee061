//! What must be true of everything the machine orders and says, judged from the outside: by the events it was
//! given, the actions it gave and the world as it is, never by the machine's own fields.

use super::calls::Calls;
use super::scenario::Scenario;
use super::world::World;
use crate::model::{AskId, Condition, InstanceId, Policy, RunId, State};
use crate::supervisor::{Action, EndCause, Event, Intent, Machine, Trigger, Verb};
use std::collections::BTreeMap;

/// A broken rule, in words.
pub(super) type Broken = String;

/// A request that is not done, and its targets that are not answered, each with its last run at that time.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) verb: Verb,
    pub(super) targets: Vec<(InstanceId, RunId)>,
}

#[derive(Debug)]
pub(super) struct Oracle {
    pub(super) policies: Vec<Policy>,
    /// For each instance, what it needs directly.
    pub(super) needs: Vec<Vec<(InstanceId, Condition)>>,
    /// Where each instance stands, by the changes that were told.
    pub(super) shown: Vec<State>,
    /// Stopped by a person, and not asked for since: nothing may start it.
    pub(super) down: Vec<bool>,
    /// Asked for without what it needs, when it was asked for last.
    pub(super) alone: Vec<bool>,
    /// Its last end by itself may count as a failure, and no person has asked for it since.
    pub(super) failed: Vec<bool>,
    pub(super) ends_when_done: bool,
    pub(super) ends_at_once: bool,
    pub(super) begun: bool,
    pub(super) attached: Vec<u32>,
    /// tmux is known to have died under its window, whose loss has not been told.
    pub(super) gone: Vec<bool>,
    /// No longer configured.
    pub(super) removed: Vec<bool>,
    pub(super) open: BTreeMap<AskId, Open>,
    /// The last run ordered or adopted, by instance.
    pub(super) last_run: Vec<RunId>,
    /// Runs ordered since a person last asked for the instance, or a new machine did.
    pub(super) runs: Vec<u32>,
    pub(super) calls: Calls,
    pub(super) quit_asks: Vec<AskId>,
    pub(super) ending: Option<EndCause>,
    pub(super) finished: bool,
}

impl Oracle {
    pub(super) fn new(scenario: &Scenario) -> Self {
        let instances = &scenario.instances;
        let ids = || (0..).map(InstanceId).zip(instances);
        let needs = instances
            .iter()
            .map(|(_, policy)| {
                policy
                    .depends_on
                    .iter()
                    .flat_map(|need| {
                        ids()
                            .filter(|(_, (name, _))| name.service == need.on)
                            .map(|(id, _)| (id, need.condition))
                    })
                    .collect()
            })
            .collect();
        Self {
            policies: instances.iter().map(|(_, policy)| policy.clone()).collect(),
            needs,
            shown: Vec::new(),
            down: vec![false; instances.len()],
            alone: vec![false; instances.len()],
            failed: vec![false; instances.len()],
            ends_when_done: scenario.ends_when_done,
            ends_at_once: scenario.ends_at_once,
            begun: false,
            attached: vec![0; instances.len()],
            gone: vec![false; instances.len()],
            removed: vec![false; instances.len()],
            open: BTreeMap::new(),
            last_run: vec![RunId(0); instances.len()],
            runs: vec![0; instances.len()],
            calls: Calls::new(instances.len()),
            quit_asks: Vec::new(),
            ending: None,
            finished: false,
        }
    }

    /// A new machine: what it says begins anew, and nobody waits for the old one's answers.
    pub(super) fn meet(&mut self, machine: &Machine, world: &World) {
        self.shown = self.ids().map(|id| machine.state(id).clone()).collect();
        self.open.clear();
        self.quit_asks.clear();
        self.ending = None;
        self.finished = false;
        self.begun = false;
        self.alone.fill(false);
        self.failed.fill(false);
        for (index, shim) in world.shims.iter().enumerate() {
            self.attached[index] = 0;
            self.gone[index] = false;
            self.last_run[index] = RunId(0);
            self.runs[index] = 0;
            self.calls.meet(index, shim.proc.is_some() || shim.last.is_some());
            self.down[index] = self.removed[index]
                || match (&shim.proc, &shim.last) {
                    (Some(proc), _) => proc.intent == Some(Intent::Down),
                    (None, Some(last)) => last.intent == Some(Intent::Down),
                    (None, None) => false,
                };
        }
    }

    /// What a person had stopped stays so.
    pub(super) fn hear_declined(&mut self, declined: &[InstanceId]) {
        for id in declined {
            self.down[id.0 as usize] = true;
        }
    }

    /// A schedule stays paused under a new controller, if nothing of it runs.
    pub(super) fn hear_paused(&mut self, id: InstanceId, world: &World) {
        if world.shims[id.0 as usize].proc.is_none() {
            self.down[id.0 as usize] = true;
        }
    }

    /// Takes in what the machine is about to be told.
    pub(super) fn hear(&mut self, event: &Event) {
        match event {
            Event::Ask {
                ask,
                verb,
                targets,
                no_deps,
            } => {
                let targets_now = targets.iter().map(|id| (*id, self.last_run[id.0 as usize]));
                let open = Open {
                    verb: *verb,
                    targets: targets_now.collect(),
                };
                self.open.insert(*ask, open);
                match verb {
                    Verb::Stop | Verb::Kill => {
                        for id in targets {
                            self.down[id.0 as usize] = true;
                        }
                    }
                    Verb::Start | Verb::Restart if self.ending.is_none() => {
                        for id in targets {
                            if !self.removed[id.0 as usize] {
                                self.want(*id, *verb == Verb::Restart, *no_deps);
                            }
                        }
                    }
                    Verb::Start | Verb::Restart | Verb::Signal(_) => {}
                }
            }
            Event::Quit { ask: Some(ask), .. } => self.quit_asks.push(*ask),
            Event::Enter { instance } if self.ending.is_none() && !self.removed[instance.0 as usize] => {
                if !self.shown_at(*instance).is_live() {
                    self.want(*instance, false, false);
                }
            }
            // A count of restarts begins anew with the run that follows.
            Event::Due { instance, by } => {
                self.calls.hear(*instance);
                for id in self.ids() {
                    if self.reaches(*instance, *by, id) {
                        self.runs[id.0 as usize] = 0;
                    }
                }
            }
            Event::Attached { instance, clients } => self.attached[instance.0 as usize] = *clients,
            Event::Adopted { instance, run, .. } | Event::AdoptedEnded { instance, run, .. } => {
                self.last_run[instance.0 as usize] = *run;
            }
            // What comes up again then is no restart.
            Event::TmuxLost { .. } => {
                self.runs.fill(0);
                self.gone.fill(true);
            }
            Event::Reconfigure { instances } if self.ending.is_none() => self.hear_reload(instances),
            Event::WindowClosing { instance } => self.gone[instance.0 as usize] = true,
            // Whoever looked at the window looks no more.
            Event::WindowLost { instance } => {
                self.attached[instance.0 as usize] = 0;
                self.gone[instance.0 as usize] = false;
            }
            Event::Begin => self.begun = true,
            Event::Tick
            | Event::Quit { ask: None, .. }
            | Event::WindowReady { .. }
            | Event::WindowFailed { .. }
            | Event::Spawned { .. }
            | Event::SpawnFailed { .. }
            | Event::Daemonized { .. }
            | Event::Ended { .. }
            | Event::ProbeDone { .. }
            | Event::ToldReady { .. }
            | Event::Extended { .. }
            | Event::Unstoppable { .. }
            | Event::Reconfigure { .. }
            | Event::Enter { .. } => {}
        }
    }

    /// A person asks for the instance; what it did before is forgotten, if it does not run on.
    fn want(&mut self, id: InstanceId, anew: bool, no_deps: bool) {
        if anew || !self.shown_at(id).is_live() {
            self.failed[id.0 as usize] = false;
        }
        self.alone[id.0 as usize] = no_deps;
        if no_deps {
            self.down[id.0 as usize] = false;
            self.runs[id.0 as usize] = 0;
            self.calls.allow(id);
        } else {
            self.allow(id);
        }
    }

    /// A start brings up the instance and what it needs.
    fn allow(&mut self, id: InstanceId) {
        self.down[id.0 as usize] = false;
        self.runs[id.0 as usize] = 0;
        self.calls.allow(id);
        for (need, _) in self.needs[id.0 as usize].clone() {
            self.allow(need);
        }
    }

    /// Judges one action, before the world carries it out.
    pub(super) fn judge(&mut self, action: &Action, world: &World) -> Result<(), Broken> {
        let only_words = matches!(action, Action::Answer { .. } | Action::Done { .. });
        if self.finished && !only_words {
            return Err(format!("after the end: {action:?}"));
        }
        match action {
            Action::OpenWindow { instance } => {
                self.judge_open(*instance, world)?;
                self.gone[instance.0 as usize] = false;
                Ok(())
            }
            Action::CloseWindow { instance } => {
                let wanted = !self.removed[instance.0 as usize];
                if wanted || self.shown_at(*instance).is_live() {
                    return Err(format!("{instance:?}: its window closed, and it is in use"));
                }
                self.gone[instance.0 as usize] = true;
                Ok(())
            }
            Action::Spawn { instance, run } => {
                self.judge_spawn(*instance, *run, world)?;
                self.last_run[instance.0 as usize] = *run;
                self.runs[instance.0 as usize] += 1;
                Ok(())
            }
            Action::Intend { .. } => Ok(()),
            Action::Stop { instance, kill, .. } => self.judge_stop(*instance, *kill),
            Action::Signal { instance, run, .. } | Action::Probe { instance, run, .. } => {
                if self.shown_at(*instance).live_run() == Some(*run) {
                    Ok(())
                } else {
                    Err(format!("for a run that is over: {action:?}"))
                }
            }
            Action::Changed { instance, from, to } => self.judge_change(*instance, from, to),
            Action::Answer {
                ask,
                instance,
                answer,
            } => self.judge_answer(*ask, *instance, answer),
            Action::Done { ask } => self.judge_done(*ask),
            Action::Triggered {
                instance,
                by,
                outcome,
            } => {
                let stopped = self.ending.is_some() || self.down[instance.0 as usize];
                let live = self.shown_at(*instance).is_live();
                self.calls.judge(*instance, *by, *outcome, stopped, live)
            }
            Action::Ending { cause } => self.judge_ending(*cause),
            Action::Finish { cause } => {
                self.finished = true;
                let alive = self.ids().find(|id| world.shims[id.0 as usize].proc.is_some());
                match alive {
                    Some(id) => Err(format!("finished, and {id:?} has a process")),
                    None if self.ending != Some(*cause) => Err("finished for another cause".to_owned()),
                    None => Ok(()),
                }
            }
        }
    }

    /// What must be true when nothing is left to happen.
    pub(super) fn judge_rest(&self) -> Result<(), Broken> {
        if !self.finished {
            return Err("the session never finished".to_owned());
        }
        if let Some(ask) = self.open.keys().next() {
            return Err(format!("{ask:?} was never done"));
        }
        match self.quit_asks.first() {
            Some(ask) => Err(format!("the quit {ask:?} was never done")),
            None => Ok(()),
        }
    }

    fn judge_change(&mut self, id: InstanceId, from: &State, to: &State) -> Result<(), Broken> {
        if from == to {
            return Err(format!("{id:?}: a change that is none: {to:?}"));
        }
        if self.shown_at(id) != from {
            return Err(format!(
                "{id:?}: said to come from {from:?}, was {:?}",
                self.shown_at(id)
            ));
        }
        self.shown[id.0 as usize] = to.clone();
        self.note_failure(id, to)
    }

    pub(super) fn shown_at(&self, id: InstanceId) -> &State {
        &self.shown[id.0 as usize]
    }

    /// Whether a trigger of `called` may start `id` anew.
    fn reaches(&self, called: InstanceId, by: Trigger, id: InstanceId) -> bool {
        let cascades = by == Trigger::Change { cascade: true };
        id == called || (cascades && self.needs_far(id, called))
    }

    pub(super) fn needs_far(&self, id: InstanceId, on: InstanceId) -> bool {
        self.needs[id.0 as usize]
            .iter()
            .any(|(need, _)| *need == on || self.needs_far(*need, on))
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = InstanceId> + use<> {
        (0..).map(InstanceId).take(self.policies.len())
    }
}
