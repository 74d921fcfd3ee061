//! Probes at work: which run is probed when, and what their opinions do to its instance. What readiness
//! follows from all that is said stands in `readiness.rs`.

use super::event::{Action, ProbeKind};
use super::instance::Run;
use super::machine::Machine;
use super::probes::{Due, Opinion, Track};
use super::timers::Timer;
use crate::model::{InstanceId, Moment, ProbeSchedule, RunId};
use std::time::Duration;

impl Machine {
    /// The current run has a process: its probes begin, after their initial delays.
    pub(super) fn start_probes(&mut self, id: InstanceId) {
        self.begin_probes(id, |schedule| schedule.initial_delay);
    }

    /// An adopted run has been up for a while: its probes begin at once.
    pub(super) fn resume_probes(&mut self, id: InstanceId) {
        self.begin_probes(id, |_| Duration::ZERO);
    }

    fn begin_probes(&mut self, id: InstanceId, delay: impl Fn(&ProbeSchedule) -> Duration) {
        let now = self.now;
        let instance = self.at(id);
        let booted = instance.run.as_ref().is_some_and(|run| run.booted);
        let startup = instance.policy.startup.as_ref().filter(|_| !booted);
        match startup.map(|probe| probe.schedule) {
            Some(schedule) => self.begin_probe(id, ProbeKind::Startup, schedule, now + delay(&schedule)),
            None => self.begin_later_probes(id, now, delay),
        }
        self.begin_assumption(id);
    }

    /// The probes that wait for the startup probe; `since` is what their delays are counted from.
    fn begin_later_probes(
        &mut self,
        id: InstanceId,
        since: Moment,
        delay: impl Fn(&ProbeSchedule) -> Duration,
    ) {
        let policy = &self.at(id).policy;
        let readiness = policy.readiness.probe().map(|probe| probe.schedule);
        let liveness = policy.liveness.as_ref().map(|probe| probe.schedule);
        for (probe, schedule) in [(ProbeKind::Readiness, readiness), (ProbeKind::Liveness, liveness)] {
            if let Some(schedule) = schedule {
                let first = (since + delay(&schedule)).max(self.now);
                self.begin_probe(id, probe, schedule, first);
            }
        }
    }

    fn begin_probe(&mut self, id: InstanceId, probe: ProbeKind, schedule: ProbeSchedule, first: Moment) {
        let run = self.at_mut(id).run.as_mut().expect("what is probed has a run");
        if let (Some(track), Some(timer)) = (track_of(run, probe), timer_of(probe)) {
            *track = Some(match probe {
                // Its failures end the run.
                ProbeKind::Liveness => Track::new(schedule),
                ProbeKind::Readiness | ProbeKind::Startup | ProbeKind::Listening | ProbeKind::Watchdog => {
                    Track::waited_for(schedule)
                }
            });
            self.timers.set(id, timer, first);
        }
    }

    /// The current run is over or is to end: what its probes would say is of no interest, nor what it would
    /// leave behind.
    pub(super) fn stop_probes(&mut self, id: InstanceId) {
        for timer in [
            Timer::Startup,
            Timer::Readiness,
            Timer::Liveness,
            Timer::Assumed,
            Timer::Launch,
        ] {
            self.timers.stop(id, timer);
        }
        if let Some(run) = &mut self.at_mut(id).run {
            run.startup = None;
            run.readiness = None;
            run.liveness = None;
        }
    }

    pub(super) fn on_probe_due(&mut self, id: InstanceId, probe: ProbeKind) {
        let now = self.now;
        let Some(timer) = timer_of(probe) else { return };
        let Some(run) = &mut self.at_mut(id).run else {
            return;
        };
        let run_id = run.id;
        let Some(track) = track_of(run, probe).and_then(Option::as_mut) else {
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
        let Some(timer) = timer_of(probe) else {
            if run.stop.is_none() {
                self.on_look_done(id, probe, ok);
            }
            return;
        };
        let track = track_of(run, probe).and_then(Option::as_mut);
        let Some((opinion, next)) = track.and_then(|track| track.done(now, ok)) else {
            return;
        };
        self.timers.set(id, timer, next);
        self.on_opinion(id, probe, opinion);
    }

    /// What is no probe of ours has said something.
    fn on_look_done(&mut self, id: InstanceId, probe: ProbeKind, ok: bool) {
        match probe {
            ProbeKind::Listening if ok => self.assume_ready(id),
            ProbeKind::Watchdog if !ok => self.condemn(id, probe),
            ProbeKind::Listening
            | ProbeKind::Watchdog
            | ProbeKind::Readiness
            | ProbeKind::Liveness
            | ProbeKind::Startup => {}
        }
    }

    /// Whether a failure of this probe at `now` counts, or is one of the early ones that do not.
    pub fn failure_counts(&self, id: InstanceId, probe: ProbeKind, now: Moment) -> bool {
        let run = self.at(id).run.as_ref();
        let track = run.and_then(|run| match probe {
            ProbeKind::Startup => run.startup.as_ref(),
            ProbeKind::Readiness => run.readiness.as_ref(),
            ProbeKind::Liveness | ProbeKind::Listening | ProbeKind::Watchdog => None,
        });
        track.is_none_or(|track| track.counts(now))
    }

    /// The run asks for more time: what would end it for being late waits for as long.
    pub(super) fn on_extended(&mut self, id: InstanceId, run: RunId, by: Duration) {
        let until = self.now + by;
        let Some(run) = self.current_run(id, run) else {
            return;
        };
        run.extended = run.extended.max(Some(until));
        self.extend_launch_time(id, until);
    }

    fn on_opinion(&mut self, id: InstanceId, probe: ProbeKind, opinion: Opinion) {
        match (probe, opinion) {
            (ProbeKind::Readiness, Opinion::Good) => self.set_ready(id, true),
            (ProbeKind::Readiness, Opinion::Bad) => {
                self.set_ready(id, false);
                if self.is_over_unless_ready(id) {
                    self.condemn(id, probe);
                }
            }
            (ProbeKind::Startup, Opinion::Good) => self.on_booted(id),
            (ProbeKind::Startup, Opinion::Bad) if self.is_extended(id) => {}
            (ProbeKind::Startup | ProbeKind::Liveness, Opinion::Bad) => self.condemn(id, probe),
            (ProbeKind::Liveness, Opinion::Good)
            | (ProbeKind::Listening | ProbeKind::Watchdog, Opinion::Good | Opinion::Bad)
            | (_, Opinion::Undecided) => {}
        }
    }

    fn is_extended(&self, id: InstanceId) -> bool {
        let until = self.at(id).run.as_ref().and_then(|run| run.extended);
        until.is_some_and(|until| self.now < until)
    }

    /// The run is to end because of this probe.
    fn condemn(&mut self, id: InstanceId, probe: ProbeKind) {
        if let Some(run) = &mut self.at_mut(id).run {
            run.condemned = Some(probe);
        }
        self.mark(id);
    }

    /// What the probes look at has only now been launched: what they have said of it counts for nothing.
    pub(super) fn probe_anew(&mut self, id: InstanceId) {
        let run = self.at(id).run.as_ref();
        let waits = self.at(id).policy.startup.is_some() && !run.is_some_and(|run| run.booted);
        if !waits {
            self.begin_later_probes(id, self.now, |schedule| schedule.initial_delay);
        }
    }

    /// The startup probe has succeeded and is not made again: the others take over.
    fn on_booted(&mut self, id: InstanceId) {
        self.timers.stop(id, Timer::Startup);
        let Some(run) = &mut self.at_mut(id).run else {
            return;
        };
        run.startup = None;
        run.booted = true;
        let since = run.process.map(|process| process.since);
        self.begin_later_probes(id, since.unwrap_or(self.now), |schedule| schedule.initial_delay);
        self.show_ready(id);
    }
}

/// What a probe that is made again and again is kept in; the look at the port and the watchdog are no such probes.
fn timer_of(probe: ProbeKind) -> Option<Timer> {
    match probe {
        ProbeKind::Readiness => Some(Timer::Readiness),
        ProbeKind::Liveness => Some(Timer::Liveness),
        ProbeKind::Startup => Some(Timer::Startup),
        ProbeKind::Listening | ProbeKind::Watchdog => None,
    }
}

fn track_of(run: &mut Run, probe: ProbeKind) -> Option<&mut Option<Track>> {
    match probe {
        ProbeKind::Readiness => Some(&mut run.readiness),
        ProbeKind::Liveness => Some(&mut run.liveness),
        ProbeKind::Startup => Some(&mut run.startup),
        ProbeKind::Listening | ProbeKind::Watchdog => None,
    }
}
