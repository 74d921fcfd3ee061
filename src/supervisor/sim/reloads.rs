//! Reloads in random moments: services and instances come, go, return, are changed or left alone.

use super::Sim;
use super::oracle::{Broken, Oracle};
use super::scenario::{roll_policy, service};
use crate::model::{InstanceId, InstanceName, PendingWhy, Policy, RunId, ServiceName, State, StateWord};
use crate::supervisor::{Declared, Event};
use std::collections::BTreeMap;

/// No service has a higher index.
const SERVICES: u64 = 8;

impl Oracle {
    /// Another configuration: what goes is down for good, what comes back may start.
    pub(super) fn hear_reload(&mut self, instances: &[Declared]) {
        let known = self.policies.len();
        for declared in instances {
            let index = declared.instance.0 as usize;
            if index >= self.policies.len() {
                self.grow(index + 1);
            }
            if index < known {
                self.calls.hear(declared.instance);
            } else if !declared.policy.autostart || declared.policy.scheduled {
                self.shown[index] = State::Disabled;
            }
            let was_removed = std::mem::replace(&mut self.removed[index], false);
            if was_removed {
                self.down[index] = false;
            }
            let old = std::mem::replace(&mut self.policies[index], declared.policy.clone());
            if was_removed || declared.replace || old.restart != declared.policy.restart {
                self.runs[index] = 0;
            }
            let needs = declared.policy.depends_on.iter().flat_map(|need| {
                instances
                    .iter()
                    .filter(|other| other.name.service == need.on)
                    .map(|other| (other.instance, need.condition))
            });
            self.needs[index] = needs.collect();
        }
        for id in self.ids() {
            if instances.iter().all(|declared| declared.instance != id) {
                self.removed[id.0 as usize] = true;
                self.down[id.0 as usize] = true;
            }
        }
    }

    fn grow(&mut self, count: usize) {
        self.policies.resize(count, Policy::default());
        self.needs.resize(count, Vec::new());
        self.shown.resize(count, State::Pending(PendingWhy::Window));
        self.down.resize(count, false);
        self.attached.resize(count, 0);
        self.gone.resize(count, false);
        self.removed.resize(count, false);
        self.last_run.resize(count, RunId(0));
        self.runs.resize(count, 0);
        self.alone.resize(count, false);
        self.failed.resize(count, false);
        self.calls.grow(count);
    }
}

impl Sim {
    /// The configuration changes, and what runs of it is held against what it said.
    pub(super) fn reload(&mut self) -> Result<(), Broken> {
        // The controller asks for no plan in a session that ends.
        if self.machine.is_ending() {
            return Ok(());
        }
        let declared = self.roll_reload();
        let count = self.scenario.instances.len();
        self.world.grow(count);
        let is_up = |word| {
            matches!(
                word,
                StateWord::Starting | StateWord::Running | StateWord::Daemonized
            )
        };
        let known = self.machine.instance_count();
        let up: Vec<bool> = (0..known)
            .map(|index| is_up(self.machine.word(id_at(index))))
            .collect();
        self.tell_machine(Event::Reconfigure {
            instances: declared.clone(),
        })?;
        self.judge_reload(&declared, &up)
    }

    /// What was left alone goes on as it was; what was changed or removed is on its way.
    fn judge_reload(&self, declared: &[Declared], up: &[bool]) -> Result<(), Broken> {
        // What the reload brought has been skipped, and that ends the session: everything goes.
        if self.machine.is_ending() {
            return Ok(());
        }
        for (index, was_up) in up.iter().enumerate().filter(|(_, was_up)| **was_up) {
            let id = id_at(index);
            let expected = match declared.iter().find(|declared| declared.instance == id) {
                Some(declared) if declared.replace => StateWord::Restarting,
                Some(_) => continue,
                None => StateWord::Stopping,
            };
            let word = self.machine.word(id);
            if *was_up && word != expected {
                return Err(format!("{id:?}: {word} after a reload, not {expected}"));
            }
        }
        for declared in declared.iter().filter(|declared| !declared.replace) {
            let index = declared.instance.0 as usize;
            let word = self.machine.word(declared.instance);
            if up.get(index) == Some(&true) && matches!(word, StateWord::Stopping | StateWord::Restarting) {
                return Err(format!(
                    "{:?}: {word} though it was left alone",
                    declared.instance
                ));
            }
        }
        Ok(())
    }

    /// A new controller reads the configuration as it is now; what is no longer in it may still be there.
    pub(super) fn remove_again(&mut self) -> Result<(), Broken> {
        if !self.oracle.removed.contains(&true) {
            return Ok(());
        }
        let ids = (0..).map(InstanceId).zip(&self.scenario.instances);
        let declared =
            ids.filter(|(id, _)| !self.oracle.removed[id.0 as usize])
                .map(|(instance, (name, policy))| Declared {
                    instance,
                    name: name.clone(),
                    policy: policy.clone(),
                    replace: false,
                });
        let instances = declared.collect();
        self.tell_machine(Event::Reconfigure { instances })
    }

    fn roll_reload(&mut self) -> Vec<Declared> {
        let mut counts: BTreeMap<ServiceName, u32> = BTreeMap::new();
        for ((name, _), removed) in self.scenario.instances.iter().zip(&self.oracle.removed) {
            *counts.entry(name.service.clone()).or_default() += u32::from(!removed);
        }
        // Often nothing has changed, or little.
        let restless = *self.dice.pick(&[0, 10, 40]);
        let mut present = Vec::new();
        for index in 0..SERVICES {
            let old = counts.get(&service(index)).copied().unwrap_or(0);
            let count = if self.dice.percent(restless) {
                self.dice.below(4)
            } else {
                old
            };
            present.extend((count > 0).then_some((index, count)));
        }
        let names: Vec<ServiceName> = present.iter().map(|(index, _)| service(*index)).collect();
        let mut declared = Vec::new();
        for (index, count) in present {
            let changed = self
                .dice
                .percent(restless)
                .then(|| roll_policy(&mut self.dice, index, true));
            for number in 1..=count {
                declared.push(self.declare(index, number, changed.as_ref(), &names, restless));
            }
        }
        self.dice.shuffle(&mut declared);
        declared
    }

    /// One instance, in its old place if it ever had one.
    fn declare(
        &mut self,
        index: u64,
        number: u32,
        changed: Option<&Policy>,
        names: &[ServiceName],
        restless: u64,
    ) -> Declared {
        let service = service(index);
        let is_it = |name: &InstanceName| name.service == service && name.number.unwrap_or(1) == number;
        let known = self.scenario.instances.iter().position(|(name, _)| is_it(name));
        let name = InstanceName {
            service: service.clone(),
            number: Some(number),
        };
        let mut policy = match (changed, known) {
            (Some(policy), _) => policy.clone(),
            (None, Some(place)) => self.scenario.instances[place].1.clone(),
            (None, None) => roll_policy(&mut self.dice, index, true),
        };
        policy.depends_on.retain(|need| names.contains(&need.on));
        let place = known.unwrap_or(self.scenario.instances.len());
        if known.is_none() {
            self.scenario.instances.push((name.clone(), policy.clone()));
        }
        self.scenario.instances[place] = (name.clone(), policy.clone());
        Declared {
            instance: id_at(place),
            name,
            policy,
            replace: known.is_some() && self.dice.percent(restless),
        }
    }
}

fn id_at(index: usize) -> InstanceId {
    InstanceId(u32::try_from(index).expect("a few"))
}
