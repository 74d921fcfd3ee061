//! Tests of the machine under a fake clock: what goes in, what comes out. This file holds the rig that they
//! share; the tests themselves are by subject.

mod adoption;
mod dependencies;
mod endings;
mod intents;
mod launched;
mod lifecycle;
mod probing;
mod promises;
mod readiness;
mod reconfiguring;
mod restarting;
mod scale;
mod transitions;
mod triggers;
mod windows;

use super::{Action, Event, Intent, Machine, QuitWhy, Verb};
use crate::model::{
    AskId, Condition, Dependency, EndPolicy, Exit, InstanceId, InstanceName, Moment, Policy, Probe,
    ProbeSchedule, Readiness, RestartPolicy, RunId, Signal, State, StateWord,
};
use std::time::Duration;

/// A service that may end, with nothing special about it.
fn plain() -> Policy {
    Policy::default()
}

/// A Procfile's rule: its end is the session's end.
fn vital() -> Policy {
    Policy {
        end: EndPolicy::StopsSession,
        ..plain()
    }
}

fn restarted() -> Policy {
    Policy {
        restart: RestartPolicy::ALWAYS,
        ..plain()
    }
}

fn probed() -> Policy {
    Policy {
        readiness: Readiness::Probe(every_second()),
        ..plain()
    }
}

fn every_second() -> Probe {
    Probe {
        schedule: ProbeSchedule {
            initial_delay: Duration::ZERO,
            period: Duration::from_secs(1),
            timeout: Duration::from_secs(1),
            success_threshold: 1,
            failure_threshold: 3,
        },
    }
}

fn needing(policy: Policy, on: &str, condition: Condition) -> Policy {
    let mut policy = policy;
    policy.depends_on.push(Dependency {
        on: on.parse().unwrap(),
        condition,
    });
    policy
}

/// A machine, a clock, and names instead of ids.
struct Rig {
    machine: Machine,
    names: Vec<InstanceName>,
    now: Moment,
    asks: u64,
    /// What shims were told that runs are to end for.
    told: Vec<(InstanceId, Option<Intent>)>,
    /// Every change told, in order.
    changes: Vec<(InstanceId, State)>,
}

impl Rig {
    /// A machine that has not begun.
    fn new(instances: &[(&str, Policy)]) -> Self {
        let instances: Vec<(InstanceName, Policy)> = instances
            .iter()
            .map(|(name, policy)| (name.parse().unwrap(), policy.clone()))
            .collect();
        Self {
            names: instances.iter().map(|(name, _)| name.clone()).collect(),
            machine: Machine::new(instances, Moment::START).unwrap(),
            now: Moment::START,
            asks: 0,
            told: Vec::new(),
            changes: Vec::new(),
        }
    }

    /// A session that has begun, with every window open that was asked for.
    fn begun(instances: &[(&str, Policy)]) -> Self {
        let mut rig = Self::new(instances);
        for order in rig.tell(Event::Begin) {
            if let Some(name) = order.strip_prefix("open ") {
                rig.window_ready(name);
            }
        }
        rig
    }

    /// The same, with every process up that can be.
    fn up(instances: &[(&str, Policy)]) -> Self {
        let mut rig = Self::begun(instances);
        while let Some(id) =
            (rig.machine.ids()).find(|id| rig.machine.state(*id).word() == StateWord::Starting)
        {
            let name = rig.names[id.0 as usize].to_string();
            rig.spawned(&name);
        }
        rig
    }

    fn id(&self, name: &str) -> InstanceId {
        let index = self.names.iter().position(|known| known.to_string() == name);
        InstanceId(u32::try_from(index.unwrap()).unwrap())
    }

    fn word(&self, name: &str) -> StateWord {
        self.machine.word(self.id(name))
    }

    fn why(&self, name: &str) -> String {
        self.machine
            .why(self.id(name))
            .map(|why| why.to_string())
            .unwrap_or_default()
    }

    fn state(&self, name: &str) -> &State {
        self.machine.state(self.id(name))
    }

    /// The run that is alive.
    fn run(&self, name: &str) -> RunId {
        self.state(name).live_run().unwrap()
    }

    /// Tells the machine, and gives back its orders and answers in short words.
    fn tell(&mut self, event: Event) -> Vec<String> {
        self.machine.handle(self.now, event);
        let mut words = Vec::new();
        while let Some(action) = self.machine.poll_action() {
            if let Action::Changed { instance, from, to } = &action {
                let known = self.changes.iter().rev().find(|(id, _)| id == instance);
                assert!(known.is_none_or(|(_, state)| state == from), "{action:?}");
                self.changes.push((*instance, to.clone()));
            }
            if let Action::Stop { instance, intent, .. } = &action {
                self.told.push((*instance, Some(*intent)));
            } else if let Action::Intend { instance, intent, .. } = &action {
                self.told.push((*instance, *intent));
            }
            words.extend(self.in_words(&action));
        }
        words
    }

    fn in_words(&self, action: &Action) -> Option<String> {
        let name = |id: &InstanceId| self.names[id.0 as usize].to_string();
        Some(match action {
            Action::OpenWindow { instance } => format!("open {}", name(instance)),
            Action::CloseWindow { instance } => format!("close {}", name(instance)),
            Action::Spawn { instance, run } => format!("spawn {} {run}", name(instance)),
            Action::Stop {
                instance, run, kill, ..
            } => format!("{} {} {run}", if *kill { "kill" } else { "stop" }, name(instance)),
            Action::Signal { instance, signal, .. } => format!("signal {} {signal}", name(instance)),
            Action::Probe { instance, probe, .. } => format!("probe {} {probe:?}", name(instance)),
            Action::Changed { .. } | Action::Intend { .. } => return None,
            Action::Answer { instance, answer, .. } => format!("{}: {answer:?}", name(instance)),
            Action::Done { .. } => "done".to_owned(),
            Action::Triggered {
                instance, outcome, ..
            } => format!("{} {outcome:?}", name(instance)),
            Action::Ending { cause } => format!("ending {cause:?}"),
            Action::Finish { cause } => format!("finish {cause:?}"),
        })
    }

    fn after(&mut self, millis: u64) -> &mut Self {
        self.now = self.now + Duration::from_millis(millis);
        self
    }

    /// Lets time pass as the controller would: a tick at each deadline.
    fn pass(&mut self, millis: u64) -> Vec<String> {
        let until = self.now + Duration::from_millis(millis);
        let mut words = Vec::new();
        while let Some(at) = self.machine.next_deadline().filter(|at| *at <= until) {
            self.now = self.now.max(at);
            words.extend(self.tell(Event::Tick));
        }
        self.now = until;
        words
    }

    fn ask(&mut self, verb: Verb, names: &[&str]) -> Vec<String> {
        self.ask_for(verb, names, false)
    }

    /// The same for exactly these, without what they need.
    fn ask_alone(&mut self, verb: Verb, names: &[&str]) -> Vec<String> {
        self.ask_for(verb, names, true)
    }

    fn ask_for(&mut self, verb: Verb, names: &[&str], no_deps: bool) -> Vec<String> {
        self.asks += 1;
        let ask = AskId(self.asks);
        let targets = names.iter().map(|name| self.id(name)).collect();
        self.tell(Event::Ask {
            ask,
            verb,
            targets,
            no_deps,
        })
    }

    fn quit(&mut self, why: QuitWhy) -> Vec<String> {
        self.tell(Event::Quit { why, ask: None })
    }

    fn window_ready(&mut self, name: &str) -> Vec<String> {
        let instance = self.id(name);
        self.tell(Event::WindowReady { instance })
    }

    fn window_lost(&mut self, name: &str) -> Vec<String> {
        let instance = self.id(name);
        self.tell(Event::WindowLost { instance })
    }

    /// Its pid is 10 for the first run of the first instance, 11 for the second run, 20 for the next instance.
    fn spawned(&mut self, name: &str) -> Vec<String> {
        let (instance, run) = (self.id(name), self.run(name));
        let pid = (instance.0 + 1) * 10 + u32::try_from(run.0).unwrap() - 1;
        self.tell(Event::Spawned { instance, run, pid })
    }

    fn spawn_failed(&mut self, name: &str) -> Vec<String> {
        let (instance, run) = (self.id(name), self.run(name));
        let message = "no such program".to_owned();
        self.tell(Event::SpawnFailed {
            instance,
            run,
            message,
        })
    }

    fn ended(&mut self, name: &str, exit: Exit) -> Vec<String> {
        let run = self.run(name);
        self.ended_run(name, run.0, exit)
    }

    fn ended_run(&mut self, name: &str, run: u64, exit: Exit) -> Vec<String> {
        let instance = self.id(name);
        self.tell(Event::Ended {
            instance,
            run: RunId(run),
            exit,
            killed: false,
        })
    }

    /// It ends as a stop order's signal would have it.
    fn obeys(&mut self, name: &str) -> Vec<String> {
        self.ended(name, Exit::Signal(Signal::INT))
    }

    fn attached(&mut self, name: &str, clients: u32) {
        let instance = self.id(name);
        self.tell(Event::Attached { instance, clients });
    }

    fn words_told(&self, name: &str) -> Vec<StateWord> {
        let id = self.id(name);
        self.changes
            .iter()
            .filter(|(changed, _)| *changed == id)
            .map(|(_, state)| state.word())
            .collect()
    }
}
