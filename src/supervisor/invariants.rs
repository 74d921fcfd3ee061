//! What must be true between events. Debug builds compute it from scratch after each event and compare.

use super::ending::Phase;
use super::instance::{Instance, Window};
use super::machine::Machine;
use super::reconcile::Gate;
use super::timers::Timer;
use crate::model::{InstanceId, PendingWhy, State, StateWord};

impl Machine {
    pub(super) fn debug_check_invariants(&self) {
        assert!(self.dirty.is_empty(), "reconcile has not finished");
        let live = self.ids().filter(|id| self.at(*id).is_live()).count();
        assert_eq!(self.live, live, "the count of live instances is off");
        let waiting: usize = self.ids().map(|id| self.at(id).waiters.len()).sum();
        let open: usize = self.asks.values().sum();
        assert_eq!(waiting, open, "answers owed and answers awaited differ");
        for id in self.ids() {
            self.check_instance(id);
        }
        if self.is_ending() {
            assert!(
                self.ids().all(|id| !self.at(id).is_wanted_up()),
                "an ending session wants something up"
            );
        }
        if let Phase::Finished(_) = self.phase {
            assert_eq!(self.live, 0, "finished, and something is live");
            assert_eq!(self.next_deadline(), None, "finished, and a timer is set");
            assert!(self.asks.is_empty(), "finished, and somebody waits");
        }
    }

    fn check_instance(&self, id: InstanceId) {
        let instance = self.at(id);
        let name = &instance.name;
        let run = instance.run.as_ref().map(|run| run.id);
        assert_eq!(run, instance.state.live_run(), "{name}: state and run differ");
        assert!(
            run.is_none_or(|run| run == instance.last_run),
            "{name}: an old run"
        );
        if instance.gone {
            assert!(!instance.is_wanted_up(), "{name}: gone, and wanted up");
            assert!(
                instance.is_live() || instance.window != Window::Ready || self.is_finished(),
                "{name}: gone, and its window stays"
            );
        } else {
            let gone = self.graph.needs(id).iter().find(|need| self.at(need.on).gone);
            assert!(gone.is_none(), "{name}: needs something that is gone");
        }
        self.check_timers(id, instance);
        for waiter in &instance.waiters {
            if waiter.wants_up() {
                assert!(instance.is_wanted_up(), "{name}: a start is awaited in vain");
            } else {
                assert!(instance.is_live(), "{name}: an end is awaited of nothing");
            }
        }
        if self.phase == Phase::Open || self.is_ending() {
            self.check_reconciled(id, instance);
        }
    }

    fn is_finished(&self) -> bool {
        match self.phase {
            Phase::Finished(_) => true,
            Phase::Adopting | Phase::Open | Phase::Ending(_) => false,
        }
    }

    fn check_timers(&self, id: InstanceId, instance: &Instance) {
        let name = &instance.name;
        let until = match &instance.state {
            State::Backoff { until, .. } => Some(*until),
            State::Disabled
            | State::Pending(_)
            | State::Starting { .. }
            | State::Running { .. }
            | State::Daemonized { .. }
            | State::Stopping { .. }
            | State::Stopped { .. }
            | State::Exited { .. }
            | State::Failed { .. }
            | State::Skipped { .. } => None,
        };
        assert_eq!(
            self.timers.at(id, Timer::Backoff),
            until,
            "{name}: back-off timer"
        );
        let run = instance.run.as_ref();
        for (timer, track) in [
            (Timer::Readiness, run.and_then(|run| run.readiness.as_ref())),
            (Timer::Liveness, run.and_then(|run| run.liveness.as_ref())),
            (Timer::Startup, run.and_then(|run| run.startup.as_ref())),
        ] {
            assert_eq!(
                self.timers.at(id, timer).is_some(),
                track.is_some(),
                "{name}: {timer:?} timer without probe, or the reverse"
            );
        }
        let assumes = instance.policy.assumes_readiness()
            && run.is_some_and(|run| {
                run.process.is_some() && run.stop.is_none() && !run.ready && !run.retracted
            });
        assert_eq!(
            self.timers.at(id, Timer::Assumed).is_some(),
            assumes,
            "{name}: assumed for ever, or without need"
        );
    }

    /// One more step would change nothing.
    fn check_reconciled(&self, id: InstanceId, instance: &Instance) {
        let name = &instance.name;
        let word = instance.state.word();
        if !instance.is_wanted_up() {
            let idle = match word {
                StateWord::Pending | StateWord::Backoff => true,
                StateWord::Skipped => !self.is_ending(),
                StateWord::Disabled
                | StateWord::Starting
                | StateWord::Running
                | StateWord::Daemonized
                | StateWord::Stopping
                | StateWord::Restarting
                | StateWord::Stopped
                | StateWord::Exited
                | StateWord::Failed
                | StateWord::Scheduled => false,
            };
            assert!(!idle, "{name}: unwanted, and {word}");
            let waits = instance.is_live() && !instance.is_stop_sent();
            assert!(
                !waits || (self.held_by(id).is_some() && !instance.is_to_be_killed()),
                "{name}: unwanted, and nobody has told it"
            );
            return;
        }
        let expected = match self.compute_gate(id) {
            Gate::Open => None,
            Gate::Waits(on) => Some((StateWord::Pending, on)),
            Gate::Shut(on) => Some((StateWord::Skipped, on)),
        };
        match &instance.state {
            State::Pending(PendingWhy::Window) => assert_eq!(expected, None, "{name}: waits for its window"),
            State::Pending(PendingWhy::Dependency { on }) => {
                assert_eq!(expected, Some((StateWord::Pending, *on)), "{name}: pending");
            }
            State::Skipped { because } => {
                assert_eq!(
                    expected,
                    Some((StateWord::Skipped, because.on)),
                    "{name}: skipped"
                );
            }
            State::Disabled | State::Stopped { .. } | State::Exited { .. } | State::Failed { .. } => {
                panic!("{name}: wanted up, and {word}");
            }
            State::Starting { .. }
            | State::Running { .. }
            | State::Daemonized { .. }
            | State::Stopping { .. }
            | State::Backoff { .. } => {}
        }
    }
}
