//! What the world reports of windows and runs, and what an end means for the instance. A report of a run that
//! is not the current one changes nothing.

use super::event::{Answer, ProbeKind, QuitWhy};
use super::instance::{Cause, Process, Run, Wanted, Window};
use super::machine::Machine;
use super::restart::{Decision, RunEnd};
use super::timers::Timer;
use crate::model::{Exit, FailureReason, InstanceId, RunId, Signal, State};

/// How the processes of a lost window ended: the end of their terminal's keeper is SIGKILL to the tree.
const LOST_EXIT: Exit = Exit::Signal(Signal::KILL);

impl Machine {
    pub(super) fn on_tick(&mut self) {
        while let Some((id, timer)) = self.timers.pop_due(self.now) {
            match timer {
                Timer::Backoff => self.mark(id),
                Timer::Readiness => self.on_probe_due(id, ProbeKind::Readiness),
                Timer::Liveness => self.on_probe_due(id, ProbeKind::Liveness),
                Timer::Startup => self.on_probe_due(id, ProbeKind::Startup),
                Timer::Assumed => self.on_assumption_due(id),
                Timer::Launch => self.on_launch_due(id),
            }
        }
    }

    pub(super) fn on_window_ready(&mut self, id: InstanceId) {
        if !self.knows(id) {
            return;
        }
        let instance = self.at_mut(id);
        match instance.window {
            Window::Absent | Window::Opening => {
                instance.window = Window::Ready;
                self.mark(id);
            }
            // Nothing new, or said before it was lost.
            Window::Ready | Window::Closing | Window::Going => {}
        }
    }

    pub(super) fn on_window_closing(&mut self, id: InstanceId) {
        if self.knows(id) && self.at(id).window == Window::Ready {
            self.at_mut(id).window = Window::Closing;
        }
    }

    pub(super) fn on_window_failed(&mut self, id: InstanceId, message: &str) {
        if !self.knows(id) {
            return;
        }
        match self.at(id).window {
            // It failed because tmux died, which is dealt with as such.
            Window::Going => self.on_window_lost(id),
            Window::Opening => self.window_did_not_open(id, message),
            Window::Absent | Window::Ready | Window::Closing => {}
        }
    }

    pub(super) fn on_window_lost(&mut self, id: InstanceId) {
        if !self.knows(id) {
            return;
        }
        let instance = self.at_mut(id);
        let (window, run) = (instance.window, instance.run.take());
        instance.window = Window::Absent;
        instance.told = None;
        match (run, window) {
            (Some(run), _) => {
                self.stop_probes(id);
                if self.is_run_doomed(id, &run) {
                    self.on_asked_end(id, &run, None, false);
                } else if window == Window::Going {
                    self.revive(id);
                } else {
                    self.on_own_end(id, &run, LOST_EXIT, true);
                }
            }
            (None, Window::Opening) => {
                self.window_did_not_open(id, "its window went away while it was opened");
            }
            (None, Window::Absent | Window::Ready | Window::Closing | Window::Going) => self.mark(id),
        }
        self.at_mut(id).attached = 0;
    }

    fn window_did_not_open(&mut self, id: InstanceId, message: &str) {
        let instance = self.at_mut(id);
        instance.window = Window::Absent;
        let cause = instance.cause;
        match &instance.state {
            State::Pending(_) if instance.is_wanted_up() => self.on_could_not_start(id, cause, message),
            State::Pending(_)
            | State::Disabled
            | State::Starting { .. }
            | State::Running { .. }
            | State::Daemonized { .. }
            | State::Stopping { .. }
            | State::Backoff { .. }
            | State::Stopped { .. }
            | State::Exited { .. }
            | State::Failed { .. }
            | State::Skipped { .. } => self.mark(id),
        }
    }

    /// tmux is gone: nothing can be started in the windows it had, and what they lose is not held against
    /// anybody. Without recovery the session ends.
    pub(super) fn on_tmux_lost(&mut self, recover: bool) {
        for id in self.ids() {
            let instance = self.at_mut(id);
            if instance.window != Window::Absent {
                instance.window = Window::Going;
                self.mark_around(id);
            }
        }
        if !recover {
            self.cmd_quit(QuitWhy::TmuxLost, None);
        }
    }

    pub(super) fn on_spawned(&mut self, id: InstanceId, run: RunId, pid: u32) {
        let since = self.now;
        let Some(current) = self.current_run(id, run) else {
            return;
        };
        if current.process.is_some() {
            return;
        }
        current.process = Some(Process { pid, since });
        let ready = self.at(id).ready();
        match &self.at(id).state {
            State::Starting { .. } => {
                self.set_state(
                    id,
                    State::Running {
                        run,
                        pid,
                        since,
                        ready,
                    },
                );
                // Even if it is to stop: that may be taken back while it waits for dependents.
                self.start_probes(id);
                self.await_daemon(id);
                if ready != Some(false) {
                    self.settle_started(id);
                }
            }
            State::Running { .. }
            | State::Daemonized { .. }
            | State::Stopping { .. }
            | State::Disabled
            | State::Pending(_)
            | State::Backoff { .. }
            | State::Stopped { .. }
            | State::Exited { .. }
            | State::Failed { .. }
            | State::Skipped { .. } => {}
        }
        self.note_old_pid(id, run, pid);
        self.deliver_signals(id);
    }

    pub(super) fn on_spawn_failed(&mut self, id: InstanceId, run: RunId, message: &str) {
        let Some(run) = self.take_run(id, run) else {
            return;
        };
        // Its shim knows of no such run, and what it was told of it is lost.
        self.at_mut(id).told = None;
        if self.is_run_doomed(id, &run) {
            self.on_asked_end(id, &run, None, false);
        } else if self.at(id).window == Window::Going {
            self.revive(id);
        } else {
            self.on_could_not_start(id, run.cause, message);
        }
    }

    pub(super) fn on_ended(&mut self, id: InstanceId, run: RunId, exit: Exit, killed: bool) {
        let Some(run) = self.take_run(id, run) else {
            return;
        };
        self.at_mut(id).last_exit = Some(exit);
        if self.is_run_doomed(id, &run) {
            self.on_asked_end(id, &run, Some(exit), killed);
        } else if self.at(id).window == Window::Going {
            self.revive(id);
        } else {
            self.on_own_end(id, &run, exit, false);
        }
    }

    /// Nobody who waits for its end is made to wait for somebody who reads of it elsewhere. What is wanted of it
    /// stays so.
    pub(super) fn on_unstoppable(&mut self, id: InstanceId, run: RunId, message: &str) {
        match self.current_run(id, run) {
            Some(run) if run.stop.is_some() => run.unstoppable = true,
            Some(_) | None => return,
        }
        self.settle(id, |waiter| {
            (!waiter.wants_to_signal()).then(|| Answer::Failed {
                message: message.to_owned(),
            })
        });
    }

    pub(super) fn on_attached(&mut self, id: InstanceId, clients: u32) {
        if self.knows(id) {
            self.at_mut(id).attached = clients;
        }
    }

    /// The current run, if the report is about it.
    pub(super) fn current_run(&mut self, id: InstanceId, run: RunId) -> Option<&mut Run> {
        if !self.knows(id) {
            return None;
        }
        self.at_mut(id).run.as_mut().filter(|current| current.id == run)
    }

    /// The same, taken out because it is over. The state is set right after.
    fn take_run(&mut self, id: InstanceId, run: RunId) -> Option<Run> {
        self.current_run(id, run)?;
        self.stop_probes(id);
        self.at_mut(id).run.take()
    }

    fn is_run_doomed(&self, id: InstanceId, run: &Run) -> bool {
        let instance = self.at(id);
        !instance.is_wanted_up() || run.id <= instance.above
    }

    /// A run is over that somebody asked to end: it is down, or the run asked for follows.
    fn on_asked_end(&mut self, id: InstanceId, run: &Run, exit: Option<Exit>, killed: bool) {
        if self.at(id).is_wanted_up() {
            self.at_mut(id).cause = Cause::Person;
            self.advance(id);
        } else {
            self.set_state(id, State::Stopped { last: exit });
        }
        let stopped = Answer::Stopped {
            old_pid: run.pid(),
            exit,
            killed: killed || run.stop.is_some_and(|sent| sent.kill),
        };
        self.settle(id, |waiter| waiter.wants_down().then(|| stopped.clone()));
        self.drop_signals(id);
    }

    /// A run is over through no fault of its own, and nobody's wish: another one follows.
    fn revive(&mut self, id: InstanceId) {
        self.at_mut(id).cause = Cause::Session;
        self.advance(id);
        self.drop_signals(id);
    }

    /// A run is over by itself: the restart policy decides, then the end policy.
    fn on_own_end(&mut self, id: InstanceId, run: &Run, exit: Exit, lost: bool) {
        let now = self.now;
        let instance = self.at_mut(id);
        let success = !lost && run.condemned_for().is_none() && instance.counts_as_success(exit);
        let end = RunEnd {
            success,
            up: run
                .process
                .map(|process| now.since(process.since))
                .unwrap_or_default(),
            unhealthy: matches!(run.condemned, Some(ProbeKind::Liveness | ProbeKind::Watchdog)),
        };
        let decision = instance.tally.decide(&instance.policy.restart, end);
        let state = match decision {
            Decision::Again { after } => State::Backoff {
                last: exit,
                until: now + after,
            },
            Decision::GiveUp { failures } => State::Failed {
                reason: FailureReason::GaveUp { last: exit, failures },
                at: now,
            },
            Decision::Stay if lost => State::Failed {
                reason: FailureReason::Lost,
                at: now,
            },
            Decision::Stay if let Some(within) = run.overdue => State::Failed {
                reason: FailureReason::NoDaemon { within },
                at: now,
            },
            Decision::Stay if run.condemned.is_some() => State::Failed {
                reason: FailureReason::Unhealthy { exit },
                at: now,
            },
            Decision::Stay => instance.ended_state(exit, now),
        };
        let message = if lost {
            "its window went away before it was ready".to_owned()
        } else if run.overdue.is_some() {
            "its command left no daemon behind in time".to_owned()
        } else if run.condemned == Some(ProbeKind::Startup) {
            "its startup probe failed".to_owned()
        } else {
            format!("it ended with {exit} before it was ready")
        };
        match decision {
            Decision::Again { .. } => instance.cause = Cause::Policy,
            Decision::Stay | Decision::GiveUp { .. } => instance.wanted = Wanted::Down { kill: false },
        }
        self.set_state(id, state);
        self.settle_failed(id, &message);
        self.drop_signals(id);
        match decision {
            Decision::Again { .. } => {}
            Decision::Stay | Decision::GiveUp { .. } => self.on_final_end(id, run.id, exit, success),
        }
    }

    /// No process came of it, and none would of another try.
    fn on_could_not_start(&mut self, id: InstanceId, cause: Cause, message: &str) {
        self.at_mut(id).wanted = Wanted::Down { kill: false };
        let at = self.now;
        let reason = FailureReason::Spawn(message.to_owned());
        self.set_state(id, State::Failed { reason, at });
        self.settle_failed(id, message);
        self.drop_signals(id);
        self.on_no_start(id, cause);
    }

    fn drop_signals(&mut self, id: InstanceId) {
        self.settle(id, |waiter| {
            waiter.wants_to_signal().then_some(Answer::NotRunning)
        });
    }
}
