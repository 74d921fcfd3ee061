//! The stop plan at work on a run: asked to end, waited for, killed. What a run is and how its end is noticed is
//! told in `live.rs`.

use super::groups::{Refused, number, signal_alone, signal_and_wake, tree_groups};
use super::live::Live;
use super::spawn::{Role, spawn};
use super::tree::kill_run;
use crate::model::{Exit, Signal, StopPlan};
use rustix::process::Pid;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// A stop plan at work.
pub(super) struct Stop {
    pub(super) plan: StopPlan,
    pub(super) phase: StopPhase,
    /// When the phase ends at the latest. SIGKILL has none: it is waited for.
    pub(super) deadline: Option<Instant>,
    /// The groups that have had the signal; none gets it twice.
    pub(super) signalled: BTreeSet<u32>,
    /// Its command has been started.
    pub(super) by_command: bool,
    /// By an order; a second one cuts the grace short.
    pub(super) ordered: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum StopPhase {
    /// The stop command runs; then it ends by itself, or gets the signal.
    Command(Pid),
    /// The stop command has done its work; then the signal.
    Awaited,
    /// Keys were typed in place of the signal; then SIGKILL.
    Typed,
    /// The signal is out; then SIGKILL.
    Grace,
    Killing,
}

impl Live {
    /// An order to stop, or what counts as one. The first begins the plan, a second one and `kill` end it.
    pub(super) fn cmd_stop(&mut self, plan: StopPlan, kill: bool, why: Option<String>) {
        self.why = why;
        self.asked |= self.exit.is_none_or(Exit::is_success);
        let again = self.stop.as_ref().is_some_and(|stop| stop.ordered);
        match &mut self.stop {
            None => self.begin_stop(plan, kill),
            Some(stop) => {
                let end = Instant::now().checked_add(plan.grace);
                stop.deadline = stop.deadline.map(|due| end.map_or(due, |end| due.min(end)));
            }
        }
        if let Some(stop) = &mut self.stop {
            stop.ordered = true;
        }
        if kill || again {
            self.try_elevated_again();
            self.kill_tree();
        }
    }

    /// The terminal is gone: at most `grace` is left to it.
    pub(super) fn hurry(&mut self, grace: Duration) {
        if self.stop.is_none() {
            let mut plan = self.plan.clone();
            plan.grace = plan.grace.min(grace);
            self.begin_stop(plan, false);
        } else if let Some(stop) = &mut self.stop {
            let end = Instant::now() + grace;
            stop.plan.grace = stop.plan.grace.min(grace);
            stop.deadline = stop.deadline.map(|due| due.min(end));
        }
    }

    /// It asks for more time to end in.
    pub(super) fn extend(&mut self, by: Duration) {
        if let Some(stop) = &mut self.stop {
            let end = Instant::now().checked_add(by);
            stop.deadline = stop.deadline.map(|due| end.map_or(due, |end| due.max(end)));
        }
    }

    pub(super) fn is_killing(&self) -> bool {
        self.stop
            .as_ref()
            .is_some_and(|stop| stop.phase == StopPhase::Killing)
    }

    /// Whether a stop plan is at work.
    pub(super) fn is_stopping(&self) -> bool {
        self.stop.is_some()
    }

    /// The plan that came with the run.
    pub(super) fn own_plan(&self) -> StopPlan {
        self.plan.clone()
    }

    /// A stop command that failed is named: what it was to stop is stopped by force.
    pub(super) fn note_helper(&mut self, ended: Option<Exit>) {
        if let Some(exit) = ended.filter(|exit| !exit.is_success()) {
            self.words = Some(format!("stop command failed: {exit}"));
        }
    }

    pub(super) fn is_stop_command(&self, pid: Pid) -> bool {
        let command = self.stop.as_ref().map(|stop| stop.phase);
        command == Some(StopPhase::Command(pid))
    }

    /// The deadline has passed: the next phase begins.
    pub(super) fn on_deadline(&mut self) {
        match self.stop.as_ref().map(|stop| stop.phase) {
            Some(StopPhase::Command(_)) => {
                self.words = Some("stop command takes too long".to_owned());
                self.send_signal();
            }
            Some(StopPhase::Awaited) => self.send_signal(),
            Some(StopPhase::Typed | StopPhase::Grace) => self.kill_tree(),
            Some(StopPhase::Killing) | None => {}
        }
    }

    pub(super) fn begin_stop(&mut self, plan: StopPlan, kill: bool) {
        self.watchdog.rest();
        let mut phase = match plan.keys {
            Some(_) if plan.command.is_none() && !kill => StopPhase::Typed,
            Some(_) | None => StopPhase::Grace,
        };
        if let Some(argv) = plan.command.as_ref().filter(|_| !kill) {
            match spawn(&self.launch, argv, &self.token, Role::Helper) {
                Ok(pid) => phase = StopPhase::Command(pid),
                Err(message) => self.words = Some(format!("stop command could not start: {message}")),
            }
        } else if self.held {
            self.words = Some("what it launched is not stopped: it runs elsewhere".to_owned());
        }
        let deadline = Instant::now().checked_add(plan.grace);
        self.stop = Some(Stop {
            plan,
            phase,
            deadline,
            signalled: BTreeSet::new(),
            by_command: matches!(phase, StopPhase::Command(_)),
            ordered: false,
        });
        if phase == StopPhase::Grace && !kill {
            self.send_signal();
        }
    }

    /// It has been asked to end without a signal, and has its grace to do so.
    pub(super) fn await_end(&mut self, phase: StopPhase) {
        if let Some(stop) = &mut self.stop {
            stop.phase = phase;
            stop.deadline = Instant::now().checked_add(stop.plan.grace);
        }
    }

    /// The phase of the signal begins.
    pub(super) fn send_signal(&mut self) {
        self.await_end(StopPhase::Grace);
        let Some(stop) = &mut self.stop else { return };
        if stop.plan.signal == Signal::KILL {
            self.kill_tree();
        } else if self.exit.is_some() {
            self.signal_other_groups();
        } else if stop.plan.parent_only {
            // Its group is not marked: once the main process is gone, the rest of it gets the signal too.
            let (main, signal) = (number(self.main), stop.plan.signal);
            if signal_alone(self.main, signal) == Refused(true) {
                self.run_sudo(signal, vec![main.to_string()]);
            }
        } else {
            let (main, signal) = (number(self.main), stop.plan.signal);
            stop.signalled.insert(main);
            if signal_and_wake(main, signal) == Refused(true) {
                self.run_sudo(signal, vec![format!("-{main}")]);
            }
        }
    }

    /// Once the main process is gone, what is left gets the signal too, in its own groups.
    pub(super) fn signal_other_groups(&mut self) {
        let Some(stop) = &mut self.stop else { return };
        let signal = stop.plan.signal;
        let groups: Vec<u32> = tree_groups(&self.token)
            .into_iter()
            .filter(|group| stop.signalled.insert(*group))
            .collect();
        for group in groups {
            if signal_and_wake(group, signal) == Refused(true) {
                self.run_sudo(signal, vec![format!("-{group}")]);
            }
        }
    }

    /// SIGKILL to all that is alive; called again at each end until nothing is left.
    pub(super) fn kill_tree(&mut self) {
        if let Some(stop) = &mut self.stop {
            stop.phase = StopPhase::Killing;
            stop.deadline = None;
        }
        kill_run(&self.token, &mut self.killed);
        self.kill_elevated();
    }
}
