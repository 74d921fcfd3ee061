//! Requests: what each verb means in each state, who waits for which answer, and when it is given. Every
//! target is answered exactly once, and the request is done when all are.

use super::event::{Action, Answer, Verb};
use super::instance::{Cause, Wanted};
use super::machine::Machine;
use super::restart::Tally;
use crate::model::{AskId, Exit, InstanceId, PendingWhy, RunId, Signal, State};
use std::collections::BTreeSet;
use std::mem;

/// What is said of an instance that a reload has taken away.
pub(super) const NO_LONGER_CONFIGURED: &str = "it is no longer in the configuration";

/// What one target of a request waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Awaits {
    /// A run above this one that counts as started.
    Start { above: RunId },
    /// The same, in place of the process `old_pid`.
    Restart { above: RunId, old_pid: Option<u32> },
    /// The end of the run that was there.
    Down,
    /// A process to deliver this signal to.
    Signal(Signal),
}

/// One target of an open request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Waiter {
    pub(super) ask: AskId,
    pub(super) awaits: Awaits,
}

impl Waiter {
    /// Whether it waits for the instance to come up.
    pub(super) fn wants_up(self) -> bool {
        match self.awaits {
            Awaits::Start { .. } | Awaits::Restart { .. } => true,
            Awaits::Down | Awaits::Signal(_) => false,
        }
    }

    pub(super) fn wants_down(self) -> bool {
        match self.awaits {
            Awaits::Down => true,
            Awaits::Start { .. } | Awaits::Restart { .. } | Awaits::Signal(_) => false,
        }
    }

    pub(super) fn wants_to_signal(self) -> bool {
        match self.awaits {
            Awaits::Signal(_) => true,
            Awaits::Start { .. } | Awaits::Restart { .. } | Awaits::Down => false,
        }
    }
}

impl Machine {
    pub(super) fn cmd_ask(&mut self, ask: AskId, verb: Verb, targets: &[InstanceId], no_deps: bool) {
        let targets: Vec<_> = targets.iter().copied().filter(|id| self.knows(*id)).collect();
        if targets.is_empty() {
            self.actions.push_back(Action::Done { ask });
            return;
        }
        self.asks.insert(ask, targets.len());
        for id in targets {
            match verb {
                Verb::Start => self.cmd_start(id, ask, no_deps),
                Verb::Restart => self.cmd_restart(id, ask, no_deps),
                Verb::Stop => self.cmd_down(id, ask, verb, false),
                Verb::Kill => self.cmd_down(id, ask, verb, true),
                Verb::Signal(signal) => self.cmd_signal(id, ask, signal),
            }
        }
    }

    /// Enter in the window of something that does not run: a start that nobody waits for.
    pub(super) fn on_enter(&mut self, id: InstanceId) {
        if self.knows(id) && !self.at(id).gone && !self.at(id).is_live() && !self.is_ending() {
            self.bring_up(id, false);
        }
    }

    fn cmd_start(&mut self, id: InstanceId, ask: AskId, no_deps: bool) {
        if let Some(refusal) = self.refusal(id) {
            self.answer(ask, id, refusal);
            return;
        }
        self.at_mut(id).calls.resume();
        if !self.is_running_on(id) {
            self.bring_up(id, no_deps);
        }
        self.at_mut(id).alone = no_deps;
        // A stop that still waited for dependents is taken back by this, and the process never noticed.
        if self.is_running_on(id) {
            let pid = self.shown_pid(id).expect("what runs has a pid");
            self.answer(ask, id, Answer::AlreadyRunning { pid });
        } else {
            let above = self.at(id).above;
            self.wait(id, ask, Awaits::Start { above });
        }
    }

    /// Runs, and is to run on.
    fn is_running_on(&self, id: InstanceId) -> bool {
        match &self.at(id).state {
            State::Running { .. } | State::Daemonized { .. } => !self.at(id).is_doomed(),
            State::Disabled
            | State::Pending(_)
            | State::Starting { .. }
            | State::Stopping { .. }
            | State::Backoff { .. }
            | State::Stopped { .. }
            | State::Exited { .. }
            | State::Failed { .. }
            | State::Skipped { .. } => false,
        }
    }

    /// Why nothing may be started of it.
    fn refusal(&self, id: InstanceId) -> Option<Answer> {
        if self.is_ending() {
            Some(Answer::SessionEnds)
        } else if self.at(id).gone {
            Some(Answer::Failed {
                message: NO_LONGER_CONFIGURED.to_owned(),
            })
        } else {
            None
        }
    }

    fn cmd_restart(&mut self, id: InstanceId, ask: AskId, no_deps: bool) {
        if let Some(refusal) = self.refusal(id) {
            self.answer(ask, id, refusal);
            return;
        }
        let old_pid = self.shown_pid(id);
        let instance = self.at_mut(id);
        // Whatever was ordered before this request is older than what it asks for. Requests that come before
        // the next order raise it to the same run, and so share the one that follows.
        instance.above = instance.last_run;
        let above = instance.above;
        self.bring_up(id, no_deps);
        self.wait(id, ask, Awaits::Restart { above, old_pid });
    }

    /// Wants the instance up at a person's request, and with it what it needs, unless it is to do without.
    fn bring_up(&mut self, id: InstanceId, no_deps: bool) {
        self.want_up(id);
        if no_deps {
            self.at_mut(id).alone = true;
            return;
        }
        let mut open = vec![id];
        let mut seen = BTreeSet::new();
        while let Some(id) = open.pop() {
            for need in self.unmet_needs(id) {
                if seen.insert(need) {
                    if !self.at(need).is_wanted_up() {
                        self.want_up(need);
                    }
                    open.push(need);
                }
            }
        }
    }

    /// What a request to come up does to one instance.
    pub(super) fn want_up(&mut self, id: InstanceId) {
        let instance = self.at_mut(id);
        instance.tally = Tally::default();
        instance.declined = false;
        instance.alone = false;
        instance.calls.resume();
        instance.cause = Cause::Person;
        match &instance.state {
            // This run cannot be kept any more; another one follows it at once.
            State::Stopping { .. } => instance.above = instance.last_run,
            State::Starting { .. } | State::Running { .. } | State::Daemonized { .. } => {
                let kept = !instance.is_wanted_up();
                if kept && instance.run.as_ref().is_some_and(|run| run.id > instance.above) {
                    self.settle(id, |waiter| {
                        waiter
                            .wants_down()
                            .then_some(Answer::Overruled { by: Verb::Start })
                    });
                }
            }
            State::Backoff { .. } => self.set_state(id, State::Pending(PendingWhy::Window)),
            State::Disabled
            | State::Pending(_)
            | State::Stopped { .. }
            | State::Exited { .. }
            | State::Failed { .. }
            | State::Skipped { .. } => {}
        }
        self.at_mut(id).wanted = Wanted::Up;
        self.mark_around(id);
    }

    fn cmd_down(&mut self, id: InstanceId, ask: AskId, by: Verb, kill: bool) {
        self.settle(id, |waiter| waiter.wants_up().then_some(Answer::Overruled { by }));
        let is_ending = self.is_ending();
        let instance = self.at_mut(id);
        let kill = instance.is_live() && (kill || instance.is_to_be_killed());
        instance.wanted = Wanted::Down { kill };
        instance.declined = true;
        let was_on_schedule = !is_ending && instance.is_on_schedule();
        instance.calls.paused = true;
        let last = instance.last_exit;
        match &instance.state {
            State::Starting { .. }
            | State::Running { .. }
            | State::Daemonized { .. }
            | State::Stopping { .. } => {
                self.wait(id, ask, Awaits::Down);
                self.try_to_end_again(id);
            }
            State::Skipped { .. } if is_ending => self.answer(ask, id, Answer::AlreadyStopped),
            State::Pending(_) | State::Skipped { .. } => {
                self.set_state(id, State::Stopped { last });
                self.answer_stopped_waiting(ask, id, None);
            }
            State::Backoff { last, .. } => {
                let last = *last;
                self.set_state(id, State::Stopped { last: Some(last) });
                self.answer_stopped_waiting(ask, id, Some(last));
            }
            // What is stopped is the schedule.
            State::Disabled if was_on_schedule => {
                self.set_state(id, State::Stopped { last });
                self.answer_stopped_waiting(ask, id, None);
            }
            State::Exited { .. } | State::Failed { .. } if was_on_schedule => {
                self.answer_stopped_waiting(ask, id, last);
            }
            State::Disabled | State::Stopped { .. } | State::Exited { .. } | State::Failed { .. } => {
                self.answer(ask, id, Answer::AlreadyStopped);
            }
        }
        self.mark_around(id);
    }

    /// It was wanted, but had no process to end.
    fn answer_stopped_waiting(&mut self, ask: AskId, id: InstanceId, exit: Option<Exit>) {
        let answer = Answer::Stopped {
            old_pid: None,
            exit,
            killed: false,
        };
        self.answer(ask, id, answer);
    }

    fn cmd_signal(&mut self, id: InstanceId, ask: AskId, signal: Signal) {
        if self.is_ending() {
            self.answer(ask, id, Answer::SessionEnds);
        } else if !self.at(id).is_live() {
            self.answer(ask, id, Answer::NotRunning);
        } else {
            self.wait(id, ask, Awaits::Signal(signal));
            self.deliver_signals(id);
        }
    }

    /// Sends what waits for a process, if there is one.
    pub(super) fn deliver_signals(&mut self, id: InstanceId) {
        let (Some(pid), Some(run)) = (self.shown_pid(id), self.at(id).state.live_run()) else {
            return;
        };
        let waiters: Vec<_> = self.at(id).waiters.clone();
        for waiter in waiters {
            if let Awaits::Signal(signal) = waiter.awaits {
                self.actions.push_back(Action::Signal {
                    instance: id,
                    run,
                    signal,
                });
            }
        }
        self.settle(id, |waiter| {
            waiter.wants_to_signal().then_some(Answer::Signalled { pid })
        });
    }

    /// The pid to show for it: its process, or the first it left behind.
    fn shown_pid(&self, id: InstanceId) -> Option<u32> {
        let instance = self.at(id);
        match &instance.state {
            State::Daemonized { pids, .. } => pids.first().copied().or(instance.pid()),
            State::Starting { .. } | State::Running { .. } | State::Stopping { .. } => instance.pid(),
            State::Disabled
            | State::Pending(_)
            | State::Backoff { .. }
            | State::Stopped { .. }
            | State::Exited { .. }
            | State::Failed { .. }
            | State::Skipped { .. } => None,
        }
    }

    /// The current run counts as started: whoever waited for it, or for any run, is told.
    pub(super) fn settle_started(&mut self, id: InstanceId) {
        let (Some(run), Some(pid)) = (self.at(id).state.live_run(), self.shown_pid(id)) else {
            return;
        };
        self.settle(id, |waiter| match waiter.awaits {
            Awaits::Start { above } => (run > above).then_some(Answer::Started { pid }),
            Awaits::Restart { above, old_pid } => (run > above).then_some(Answer::Restarted { old_pid, pid }),
            Awaits::Down | Awaits::Signal(_) => None,
        });
    }

    /// It will not come up: whoever waited for that is told why.
    pub(super) fn settle_failed(&mut self, id: InstanceId, message: &str) {
        self.settle(id, |waiter| {
            waiter.wants_up().then(|| Answer::Failed {
                message: message.to_owned(),
            })
        });
    }

    /// The current run will not count as started for now: whoever waited for it, or for any run, is told.
    pub(super) fn settle_unready(&mut self, id: InstanceId, message: &str) {
        let Some(run) = self.at(id).state.live_run() else {
            return;
        };
        self.settle(id, |waiter| match waiter.awaits {
            Awaits::Start { above } | Awaits::Restart { above, .. } => {
                (run > above).then(|| Answer::Failed {
                    message: message.to_owned(),
                })
            }
            Awaits::Down | Awaits::Signal(_) => None,
        });
    }

    /// The pid of a run that is to be replaced has become known.
    pub(super) fn note_old_pid(&mut self, id: InstanceId, run: RunId, pid: u32) {
        for waiter in &mut self.at_mut(id).waiters {
            if let Awaits::Restart { above, old_pid } = &mut waiter.awaits
                && run <= *above
            {
                old_pid.get_or_insert(pid);
            }
        }
    }

    /// Answers the waiters that `pick` has an answer for; the others wait on.
    pub(super) fn settle(&mut self, id: InstanceId, pick: impl Fn(Waiter) -> Option<Answer>) {
        let waiters = mem::take(&mut self.at_mut(id).waiters);
        let mut kept = Vec::new();
        for waiter in waiters {
            match pick(waiter) {
                Some(answer) => self.answer(waiter.ask, id, answer),
                None => kept.push(waiter),
            }
        }
        self.at_mut(id).waiters = kept;
    }

    fn wait(&mut self, id: InstanceId, ask: AskId, awaits: Awaits) {
        self.at_mut(id).waiters.push(Waiter { ask, awaits });
    }

    fn answer(&mut self, ask: AskId, instance: InstanceId, answer: Answer) {
        self.actions.push_back(Action::Answer {
            ask,
            instance,
            answer,
        });
        let left = self.asks.get_mut(&ask).expect("an open request is counted");
        *left -= 1;
        if *left == 0 {
            self.asks.remove(&ask);
            self.actions.push_back(Action::Done { ask });
        }
    }
}
