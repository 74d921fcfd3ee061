//! Probes at work: which run is probed when, and what their opinions do to its instance.

use super::event::{Action, ProbeKind};
use super::instance::Run;
use super::machine::Machine;
use super::probes::{Due, Opinion, Track};
use super::timers::Timer;
use crate::model::{InstanceId, Moment, ProbeSchedule, Readiness, RunId, State};

impl Machine {
    /// The current run has a process: its probes begin, after their initial delays.
    pub(super) fn start_probes(&mut self, id: InstanceId) {
        self.begin_probes(id, |schedule, now| now + schedule.initial_delay);
    }

    /// An adopted run has been up for a while: its probes begin at once.
    pub(super) fn resume_probes(&mut self, id: InstanceId) {
        self.begin_probes(id, |_, now| now);
    }

    fn begin_probes(&mut self, id: InstanceId, first: impl Fn(&ProbeSchedule, Moment) -> Moment) {
        let now = self.now;
        let instance = self.at_mut(id);
        let readiness = match &instance.policy.readiness {
            Readiness::Probe(probe) => Some(probe.schedule),
            Readiness::Unknown | Readiness::Told => None,
        };
        let liveness = instance.policy.liveness.as_ref().map(|probe| probe.schedule);
        let run = instance.run.as_mut().expect("what is probed has a run");
        run.readiness = readiness.map(Track::new);
        run.liveness = liveness.map(Track::new);
        for (timer, schedule) in [(Timer::Readiness, readiness), (Timer::Liveness, liveness)] {
            if let Some(schedule) = schedule {
                self.timers.set(id, timer, first(&schedule, now));
            }
        }
    }

    /// The current run is over or is to end: what its probes would say is of no interest, nor what it would
    /// leave behind.
    pub(super) fn stop_probes(&mut self, id: InstanceId) {
        self.timers.stop(id, Timer::Launch);
        self.timers.stop(id, Timer::Readiness);
        self.timers.stop(id, Timer::Liveness);
        if let Some(run) = &mut self.at_mut(id).run {
            run.readiness = None;
            run.liveness = None;
        }
    }

    pub(super) fn on_probe_due(&mut self, id: InstanceId, timer: Timer) {
        let probe = match timer {
            Timer::Readiness => ProbeKind::Readiness,
            Timer::Liveness => ProbeKind::Liveness,
            Timer::Backoff | Timer::Launch => return,
        };
        let now = self.now;
        let Some(run) = &mut self.at_mut(id).run else {
            return;
        };
        let run_id = run.id;
        let Some(track) = track_of(run, probe) else {
            return;
        };
        match track.due(now) {
            Due::Attempt { deadline } => {
                self.timers.set(id, timer, deadline);
                self.actions.push_back(Action::Probe {
                    instance: id,
                    run: run_id,
                    probe,
                });
            }
            Due::Silent { opinion, next } => {
                self.timers.set(id, timer, next);
                self.on_opinion(id, probe, opinion);
            }
        }
    }

    pub(super) fn on_probe_done(&mut self, id: InstanceId, run: RunId, probe: ProbeKind, ok: bool) {
        let now = self.now;
        let Some(run) = self.current_run(id, run) else {
            return;
        };
        let Some((opinion, next)) = track_of(run, probe).and_then(|track| track.done(now, ok)) else {
            return;
        };
        let timer = match probe {
            ProbeKind::Readiness => Timer::Readiness,
            ProbeKind::Liveness => Timer::Liveness,
        };
        self.timers.set(id, timer, next);
        self.on_opinion(id, probe, opinion);
    }

    pub(super) fn on_told_ready(&mut self, id: InstanceId, run: RunId, ready: bool) {
        if self.current_run(id, run).is_none() {
            return;
        }
        match self.at(id).policy.readiness {
            Readiness::Told => self.set_ready(id, ready),
            // A probe decides, or nobody asked.
            Readiness::Probe(_) | Readiness::Unknown => {}
        }
    }

    fn on_opinion(&mut self, id: InstanceId, probe: ProbeKind, opinion: Opinion) {
        match (probe, opinion) {
            (ProbeKind::Readiness, Opinion::Good) => self.set_ready(id, true),
            (ProbeKind::Readiness, Opinion::Bad) => self.set_ready(id, false),
            (ProbeKind::Liveness, Opinion::Bad) => {
                if let Some(run) = &mut self.at_mut(id).run {
                    run.unhealthy = true;
                }
                self.mark(id);
            }
            (ProbeKind::Liveness, Opinion::Good) | (_, Opinion::Undecided) => {}
        }
    }

    fn set_ready(&mut self, id: InstanceId, is_ready: bool) {
        let Some(run) = &mut self.at_mut(id).run else {
            return;
        };
        run.ready = is_ready;
        match self.at(id).state.clone() {
            State::Running { run, pid, since, .. } => {
                let ready = Some(is_ready);
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
        if is_ready {
            self.settle_started(id);
        }
    }
}

fn track_of(run: &mut Run, probe: ProbeKind) -> Option<&mut Track> {
    match probe {
        ProbeKind::Readiness => run.readiness.as_mut(),
        ProbeKind::Liveness => run.liveness.as_mut(),
    }
}
