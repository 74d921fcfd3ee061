//! What has been said of each run's readiness, and whether what the machine shows and probes follows from it.
//! Judged by events and actions alone.

use super::oracle::Broken;
use crate::model::{InstanceId, InstanceName, Moment, Policy, Readiness, RunId, State, StateWord};
use crate::supervisor::{Action, Declared, Event, Machine, ProbeKind};
use std::time::Duration;

/// Alive for this long, a service without any signal counts as ready.
const ASSUMED_AFTER: Duration = Duration::from_secs(1);

/// What was said of one instance's current run.
#[derive(Clone, Debug, Default)]
struct Said {
    run: Option<RunId>,
    /// Since when it has been shown as running.
    running: Option<Moment>,
    /// Good startup attempts in a row.
    boots: u32,
    booted: bool,
    /// A startup attempt has not been answered.
    booting: bool,
    /// A readiness attempt was good.
    probed: bool,
    /// Its own last word.
    told: Option<bool>,
    listens: bool,
    /// Its command has ended and left others running.
    daemonized: bool,
    /// It was told to an earlier controller, if at all.
    adopted: bool,
    /// Its watchdog has waited in vain.
    silent: bool,
    /// Its probes were changed while it ran: what counts of what was said before is the machine's choice.
    renewed: bool,
}

#[derive(Debug)]
pub(super) struct Evidence {
    policies: Vec<Policy>,
    said: Vec<Said>,
}

impl Evidence {
    pub(super) fn new(instances: &[(InstanceName, Policy)]) -> Self {
        Self {
            policies: instances.iter().map(|(_, policy)| policy.clone()).collect(),
            said: vec![Said::default(); instances.len()],
        }
    }

    /// A new machine has heard nothing.
    pub(super) fn meet(&mut self) {
        self.said.fill(Said::default());
    }

    /// Takes in what the machine is about to be told.
    pub(super) fn hear(&mut self, event: &Event) {
        match event {
            Event::Adopted { instance, run, .. } => {
                self.said[instance.0 as usize] = Said {
                    run: Some(*run),
                    adopted: true,
                    ..Said::default()
                };
            }
            Event::ToldReady { instance, run, ready } => {
                if let Some(said) = self.about(*instance, *run) {
                    said.told = Some(*ready);
                }
            }
            Event::Daemonized { instance, run, .. } => {
                if let Some(said) = self.about(*instance, *run) {
                    said.daemonized = true;
                }
            }
            Event::ProbeDone {
                instance,
                run,
                probe,
                ok,
            } => self.hear_probe(*instance, *run, *probe, *ok),
            Event::Begin
            | Event::Tick
            | Event::Due { .. }
            | Event::Ask { .. }
            | Event::Quit { .. }
            | Event::WindowReady { .. }
            | Event::WindowFailed { .. }
            | Event::WindowClosing { .. }
            | Event::WindowLost { .. }
            | Event::TmuxLost { .. }
            | Event::AdoptedEnded { .. }
            | Event::Spawned { .. }
            | Event::SpawnFailed { .. }
            | Event::Ended { .. }
            | Event::Attached { .. }
            | Event::Extended { .. }
            | Event::Unstoppable { .. }
            | Event::Enter { .. } => {}
            Event::Reconfigure { instances } => self.hear_reload(instances),
        }
    }

    fn hear_reload(&mut self, instances: &[Declared]) {
        for declared in instances {
            let (index, policy) = (declared.instance.0 as usize, &declared.policy);
            if index >= self.policies.len() {
                self.policies.resize(index + 1, policy.clone());
                self.said.resize(index + 1, Said::default());
            }
            let old = std::mem::replace(&mut self.policies[index], policy.clone());
            self.said[index].renewed |= (&old.startup, &old.readiness, &old.liveness)
                != (&policy.startup, &policy.readiness, &policy.liveness);
        }
    }

    fn hear_probe(&mut self, id: InstanceId, run: RunId, probe: ProbeKind, ok: bool) {
        let startup = self.policies[id.0 as usize].startup.as_ref();
        let threshold = startup.map_or(1, |probe| probe.schedule.success_threshold.max(1));
        let Some(said) = self.about(id, run) else { return };
        match probe {
            ProbeKind::Startup => {
                said.booting = false;
                said.boots = if ok { said.boots + 1 } else { 0 };
                said.booted |= said.boots >= threshold;
            }
            ProbeKind::Readiness => said.probed |= ok,
            ProbeKind::Listening => said.listens |= ok,
            ProbeKind::Watchdog => said.silent |= !ok,
            ProbeKind::Liveness => {}
        }
    }

    fn about(&mut self, id: InstanceId, run: RunId) -> Option<&mut Said> {
        Some(&mut self.said[id.0 as usize]).filter(|said| said.run == Some(run))
    }

    /// Judges one action.
    pub(super) fn judge(&mut self, now: Moment, action: &Action) -> Result<(), Broken> {
        match action {
            Action::Spawn { instance, run } => {
                self.said[instance.0 as usize] = Said {
                    run: Some(*run),
                    ..Said::default()
                };
                Ok(())
            }
            Action::Probe { instance, probe, .. } => self.judge_probe(*instance, *probe),
            Action::Changed { instance, to, .. } => self.judge_shown(now, *instance, to),
            Action::OpenWindow { .. }
            | Action::CloseWindow { .. }
            | Action::Stop { .. }
            | Action::Intend { .. }
            | Action::Signal { .. }
            | Action::Triggered { .. }
            | Action::Answer { .. }
            | Action::Done { .. }
            | Action::Ending { .. }
            | Action::Finish { .. } => Ok(()),
        }
    }

    fn judge_probe(&mut self, id: InstanceId, probe: ProbeKind) -> Result<(), Broken> {
        let (policy, said) = (&self.policies[id.0 as usize], &mut self.said[id.0 as usize]);
        if probe == ProbeKind::Startup && std::mem::replace(&mut said.booting, true) {
            // What never answers has failed.
            said.boots = 0;
        }
        let starting_up = policy.startup.is_some() && !said.booted;
        let due = match probe {
            ProbeKind::Startup => policy.startup.is_some() && !said.booted,
            ProbeKind::Readiness | ProbeKind::Liveness => !starting_up,
            // Nobody asks it.
            ProbeKind::Watchdog => false,
            ProbeKind::Listening => policy.readiness == Readiness::Unknown && policy.startup.is_none(),
        };
        if due || said.renewed {
            Ok(())
        } else {
            Err(format!("{id:?}: a {probe:?} attempt that is not its turn"))
        }
    }

    fn judge_shown(&mut self, now: Moment, id: InstanceId, to: &State) -> Result<(), Broken> {
        let policy = &self.policies[id.0 as usize];
        let said = &mut self.said[id.0 as usize];
        let State::Running { since, ready, .. } = to else {
            said.running = None;
            return Ok(());
        };
        said.running = Some(*since);
        if *ready == Some(true) && !said.renewed && !is_ready(policy, said, now) {
            return Err(format!("{id:?}: ready, and nothing says so: {said:?}"));
        }
        Ok(())
    }

    /// Nothing that has been alive for long enough is left without a word, or against its own.
    pub(super) fn judge_rest(&self, now: Moment, machine: &Machine) -> Result<(), Broken> {
        for (id, said) in (0..).map(InstanceId).zip(&self.said) {
            let State::Running { since, ready, .. } = machine.state(id) else {
                continue;
            };
            if said.told == Some(false) && *ready != Some(false) {
                return Err(format!("{id:?}: said that it is not ready, and is {ready:?}"));
            }
            if said.silent && machine.word(id) == StateWord::Running {
                return Err(format!("{id:?}: silent for too long, and runs on"));
            }
            if ready.is_none() && now.since(*since) > ASSUMED_AFTER {
                return Err(format!("{id:?}: nobody assumes that it is ready"));
            }
        }
        Ok(())
    }
}

/// The rules as the documentation states them.
fn is_ready(policy: &Policy, said: &Said, now: Moment) -> bool {
    if said.told == Some(false) || (policy.startup.is_some() && !said.booted) {
        return false;
    }
    match &policy.readiness {
        Readiness::Probe(_) => said.probed,
        Readiness::Told => said.told == Some(true) || said.adopted,
        Readiness::Unknown if policy.startup.is_some() => true,
        Readiness::Unknown => {
            let long = said
                .running
                .is_some_and(|since| now.since(since) >= ASSUMED_AFTER);
            long || said.listens || said.daemonized || said.told == Some(true)
        }
    }
}
