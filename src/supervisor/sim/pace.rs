//! What must not take long, in virtual time: a shutdown, a kill, a start that somebody asked for.

use super::oracle::Broken;
use super::world::KILL_TIME;
use crate::model::{InstanceId, InstanceName, Moment, Policy, RunId, Signal, State};
use crate::supervisor::{Action, Declared, Event, Machine, QuitWhy, Verb};
use std::time::Duration;

/// More than orders and reports take on their ways.
const REPORTS: Duration = Duration::from_millis(200);

#[derive(Debug)]
pub(super) struct Pace {
    /// What every stop plan may take, one after another.
    longest_shutdown: Duration,
    ending_since: Option<Moment>,
    /// For each instance, the run that somebody killed, and when it has to be gone.
    kills: Vec<Option<(Moment, RunId)>>,
    /// For each instance, how long its launcher may take, and since when the current one is at it.
    launches: Vec<(Option<Duration>, Option<Moment>)>,
    /// Asked to come up by the event in hand.
    starts: Vec<InstanceId>,
}

impl Pace {
    pub(super) fn new(instances: &[(InstanceName, Policy)]) -> Self {
        Self {
            longest_shutdown: instances
                .iter()
                .map(|(_, policy)| policy.stop.grace + KILL_TIME + REPORTS)
                .sum(),
            ending_since: None,
            kills: vec![None; instances.len()],
            launches: instances
                .iter()
                .map(|(_, policy)| (policy.launch_timeout, None))
                .collect(),
            starts: Vec::new(),
        }
    }

    /// A new machine knows of no kill, nor of an end.
    pub(super) fn meet(&mut self) {
        self.ending_since = None;
        self.kills.fill(None);
        for (_, since) in &mut self.launches {
            *since = None;
        }
    }

    /// Takes in what the machine is about to be told.
    pub(super) fn hear(&mut self, now: Moment, event: &Event, machine: &Machine) {
        self.starts.clear();
        match event {
            Event::Ask { verb, targets, .. } => match verb {
                Verb::Kill => self.note_kills(now, targets, machine),
                Verb::Start | Verb::Restart if !machine.is_ending() => self.starts.clone_from(targets),
                Verb::Start | Verb::Restart | Verb::Stop | Verb::Signal(_) => {}
            },
            Event::Quit {
                why: QuitWhy::Signal(signal),
                ..
            } if self.ending_since.is_some() && *signal != Signal::HUP => {
                let everyone: Vec<_> = (0..).map(InstanceId).take(self.kills.len()).collect();
                self.note_kills(now, &everyone, machine);
            }
            Event::Enter { instance } if !machine.is_ending() => self.starts.push(*instance),
            Event::Begin
            | Event::Tick
            | Event::Quit { .. }
            | Event::WindowReady { .. }
            | Event::WindowFailed { .. }
            | Event::WindowClosing { .. }
            | Event::WindowLost { .. }
            | Event::TmuxLost { .. }
            | Event::Adopted { .. }
            | Event::AdoptedEnded { .. }
            | Event::Spawned { .. }
            | Event::SpawnFailed { .. }
            | Event::Daemonized { .. }
            | Event::Ended { .. }
            | Event::Attached { .. }
            | Event::ProbeDone { .. }
            | Event::ToldReady { .. }
            | Event::Unstoppable { .. }
            | Event::Enter { .. }
            | Event::Due { .. } => {}
            // It has as much time as it asks for.
            Event::Extended { instance, .. } => self.launches[instance.0 as usize].1 = None,
            Event::Reconfigure { instances } => self.hear_reload(instances),
        }
    }

    /// What goes may take as long as its old plan said, and what stays as its new one says.
    fn hear_reload(&mut self, instances: &[Declared]) {
        for declared in instances {
            let longest = declared.policy.stop.grace + KILL_TIME + REPORTS;
            self.longest_shutdown += longest;
            let count = (declared.instance.0 as usize + 1).max(self.kills.len());
            self.kills.resize(count, None);
            self.launches.resize(count, (None, None));
            // Of a run that is there, the time that it was given counts on.
            let (within, since) = &mut self.launches[declared.instance.0 as usize];
            if *within != declared.policy.launch_timeout {
                (*within, *since) = (declared.policy.launch_timeout, None);
            }
        }
    }

    fn note_kills(&mut self, now: Moment, targets: &[InstanceId], machine: &Machine) {
        for id in targets {
            if let Some(run) = machine.state(*id).live_run() {
                self.kills[id.0 as usize].get_or_insert((now + KILL_TIME + REPORTS, run));
            }
        }
    }

    /// Takes in what the machine has ordered and said.
    pub(super) fn note(&mut self, now: Moment, action: &Action) {
        match action {
            Action::Ending { .. } => self.ending_since = Some(now),
            Action::Finish { .. } => self.ending_since = None,
            Action::Changed { instance, to, .. } => {
                let kill = &mut self.kills[instance.0 as usize];
                if kill.is_some_and(|(_, run)| to.live_run() != Some(run)) {
                    *kill = None;
                }
                let (_, since) = &mut self.launches[instance.0 as usize];
                *since = matches!(to, State::Running { .. }).then(|| since.unwrap_or(now));
            }
            Action::OpenWindow { .. }
            | Action::CloseWindow { .. }
            | Action::Spawn { .. }
            | Action::Stop { .. }
            | Action::Intend { .. }
            | Action::Signal { .. }
            | Action::Probe { .. }
            | Action::Answer { .. }
            | Action::Done { .. }
            | Action::Triggered { .. } => {}
        }
    }

    /// Nobody who was asked for waits for a clock.
    pub(super) fn judge_starts(&self, machine: &Machine) -> Result<(), Broken> {
        let idle = |id: &&InstanceId| matches!(machine.state(**id), State::Backoff { .. });
        match self.starts.iter().find(idle) {
            Some(id) => Err(format!("{id:?}: asked for, and still in its back-off")),
            None => Ok(()),
        }
    }

    pub(super) fn judge(&self, now: Moment) -> Result<(), Broken> {
        if self
            .ending_since
            .is_some_and(|since| now.since(since) > self.longest_shutdown)
        {
            return Err("the shutdown takes too long".to_owned());
        }
        // One that is to stop anyway may have to wait for its dependents to be gone.
        let patience = self.longest_shutdown + REPORTS;
        let is_late = |(timeout, since): &(Option<Duration>, Option<Moment>)| {
            timeout
                .zip(*since)
                .is_some_and(|(timeout, since)| now.since(since) > timeout + patience)
        };
        if self.launches.iter().any(is_late) {
            return Err("a launcher goes on beyond its time".to_owned());
        }
        match self.kills.iter().flatten().find(|(until, _)| now > *until) {
            Some((_, run)) => Err(format!("run {run} was killed, and is still there")),
            None => Ok(()),
        }
    }
}
