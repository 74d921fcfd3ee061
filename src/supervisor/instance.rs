//! What the machine keeps for one instance: what is wanted of it, and what is known of it. Data and
//! questions about it; every change of it is made elsewhere.

use super::asks::Waiter;
use super::event::{Condemned, Intent, ProbeKind};
use super::probes::Track;
use super::restart::Tally;
use super::triggers::Calls;
use crate::model::{
    Exit, FailureReason, InstanceName, Moment, PendingWhy, Policy, Readiness, RunId, State, StateWord,
    StopPlan,
};
use std::time::Duration;

/// What is wanted of an instance, whatever it does at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// No process of it. `kill`: and none that is asked nicely.
    Down { kill: bool },
    /// A process of it, in a run above [`Instance::above`].
    Up,
}

/// What is known of an instance's window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Window {
    Absent,
    /// Asked for.
    Opening,
    /// There, with a shim that takes orders.
    Ready,
    /// It is being closed, alone: what ran in it may still report its end. Its `WindowLost` is on the way; until
    /// then nothing can be started in it.
    Closing,
    /// tmux died under it. Its `WindowLost` is on the way; until then nothing can be started in it.
    Going,
}

/// Who wanted the run that is coming.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The session's start, or its recovery from a lost tmux.
    Session,
    /// A request, directly or for a dependent.
    Person,
    /// The restart policy.
    Policy,
    /// Its schedule, or a file that changed.
    Trigger,
}

/// A process as reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Process {
    pub(super) pid: u32,
    pub(super) since: Moment,
}

/// The stop order that went out for a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct StopSent {
    pub(super) kill: bool,
}

/// One run, from the order to start until the report of its end.
#[derive(Clone, Debug)]
pub(super) struct Run {
    pub(super) id: RunId,
    pub(super) cause: Cause,
    pub(super) process: Option<Process>,
    pub(super) stop: Option<StopSent>,
    /// How it is to be stopped, where the configuration it was started from said something else than the
    /// current one.
    pub(super) plan: Option<StopPlan>,
    /// By its probe or its own word; by assumption where nothing says what ready means.
    pub(super) ready: bool,
    /// It said itself that it is not ready, and has not taken that back.
    pub(super) retracted: bool,
    /// Its startup probe has succeeded; without meaning where there is none.
    pub(super) booted: bool,
    /// The probe that has condemned it.
    pub(super) condemned: Option<ProbeKind>,
    /// Its stop has used up all it has, and it is still there.
    pub(super) unstoppable: bool,
    /// Until then it may take to start or to stop, because it asked for that.
    pub(super) extended: Option<Moment>,
    pub(super) startup: Option<Track>,
    /// Its command was to leave a daemon behind, and the time for that is up.
    pub(super) overdue: Option<Duration>,
    pub(super) readiness: Option<Track>,
    pub(super) liveness: Option<Track>,
}

impl Run {
    pub(super) fn new(id: RunId, cause: Cause) -> Self {
        Self {
            id,
            cause,
            process: None,
            stop: None,
            plan: None,
            ready: false,
            retracted: false,
            booted: false,
            condemned: None,
            unstoppable: false,
            extended: None,
            startup: None,
            overdue: None,
            readiness: None,
            liveness: None,
        }
    }

    /// Why it is to end, if nobody asked for that.
    pub(super) fn condemned_for(&self) -> Option<Condemned> {
        match (self.condemned, self.overdue) {
            (Some(ProbeKind::Startup), _) => Some(Condemned::NotBooted),
            (Some(_), _) => Some(Condemned::Unhealthy),
            (None, Some(_)) => Some(Condemned::NoDaemon),
            (None, None) => None,
        }
    }

    /// As an earlier controller has condemned it. Where no time is configured any more in which a daemon has to be
    /// left behind, its exit alone says how it ended.
    pub(super) fn condemn(&mut self, condemned: Option<Condemned>, launch_timeout: Option<Duration>) {
        match condemned {
            Some(Condemned::Unhealthy) => self.condemned = Some(ProbeKind::Liveness),
            Some(Condemned::NotBooted) => self.condemned = Some(ProbeKind::Startup),
            Some(Condemned::NoDaemon) => self.overdue = launch_timeout,
            None => {}
        }
    }

    pub(super) fn id(&self) -> RunId {
        self.id
    }

    pub(super) fn pid(&self) -> Option<u32> {
        self.process.map(|process| process.pid)
    }
}

/// All about one instance.
#[derive(Debug)]
pub(super) struct Instance {
    pub(super) name: InstanceName,
    pub(super) policy: Policy,
    /// The configuration no longer has it: it goes, and keeps its place until it comes back.
    pub(super) gone: bool,
    pub(super) wanted: Wanted,
    /// The last that a person asked was that it be down, perhaps when it was so already.
    pub(super) declined: bool,
    /// Runs up to this one are to be replaced. A restart raises it to the last run ordered, so that any
    /// number of restarts asked before the next order are one.
    pub(super) above: RunId,
    /// A person wanted it without what it needs: its dependencies are not looked at.
    pub(super) alone: bool,
    pub(super) state: State,
    pub(super) window: Window,
    /// There exactly while the state is live.
    pub(super) run: Option<Run>,
    /// What its shim was last told that the run is to end for.
    pub(super) told: Option<Intent>,
    /// The highest run ordered or adopted; 0 is none.
    pub(super) last_run: RunId,
    pub(super) last_exit: Option<Exit>,
    /// Who wanted what comes next.
    pub(super) cause: Cause,
    pub(super) tally: Tally,
    /// Restarts that nobody asked for.
    pub(super) restarts: u32,
    pub(super) calls: Calls,
    /// Terminals that look at its window.
    pub(super) attached: u32,
    /// Requests to be answered about it, oldest first.
    pub(super) waiters: Vec<Waiter>,
}

impl Instance {
    pub(super) fn new(name: InstanceName, policy: Policy) -> Self {
        let calls = Calls::new(!policy.autostart);
        let (wanted, state) = if policy.autostart && !policy.scheduled {
            (Wanted::Up, State::Pending(PendingWhy::Window))
        } else {
            (Wanted::Down { kill: false }, State::Disabled)
        };
        Self {
            name,
            policy,
            gone: false,
            wanted,
            declined: false,
            above: RunId(0),
            alone: false,
            state,
            window: Window::Absent,
            run: None,
            told: None,
            last_run: RunId(0),
            last_exit: None,
            cause: Cause::Session,
            tally: Tally::default(),
            restarts: 0,
            calls,
            attached: 0,
            waiters: Vec::new(),
        }
    }

    pub(super) fn is_wanted_up(&self) -> bool {
        match self.wanted {
            Wanted::Up => true,
            Wanted::Down { .. } => false,
        }
    }

    /// Whether its schedule is heeded.
    pub(super) fn is_on_schedule(&self) -> bool {
        self.policy.scheduled && !self.calls.paused
    }

    pub(super) fn is_to_be_killed(&self) -> bool {
        self.wanted == Wanted::Down { kill: true }
    }

    pub(super) fn is_live(&self) -> bool {
        self.state.is_live()
    }

    /// Whether it is down, or on its way there, because a person said so.
    pub(super) fn is_down_on_request(&self) -> bool {
        match &self.state {
            State::Stopped { .. } => true,
            State::Starting { .. }
            | State::Running { .. }
            | State::Daemonized { .. }
            | State::Stopping { .. } => !self.is_wanted_up(),
            State::Disabled
            | State::Pending(_)
            | State::Backoff { .. }
            | State::Exited { .. }
            | State::Failed { .. }
            | State::Skipped { .. } => false,
        }
    }

    /// Whether nothing of it is left to run, without anybody having asked for that.
    pub(super) fn is_done(&self) -> bool {
        let is_over = match &self.state {
            State::Disabled | State::Exited { .. } | State::Failed { .. } | State::Skipped { .. } => true,
            State::Pending(_)
            | State::Starting { .. }
            | State::Running { .. }
            | State::Daemonized { .. }
            | State::Stopping { .. }
            | State::Backoff { .. }
            | State::Stopped { .. } => false,
        };
        is_over && !self.policy.scheduled && self.attached == 0
    }

    /// Whether it has a run that somebody asked to end, to run again or not.
    pub(super) fn is_doomed(&self) -> bool {
        self.run
            .as_ref()
            .is_some_and(|run| !self.is_wanted_up() || run.id <= self.above)
    }

    /// Whether its run is as good as over: somebody asked for its end, or tmux died under it.
    pub(super) fn is_leaving(&self) -> bool {
        self.is_doomed() || self.window == Window::Going
    }

    /// Whether its run's stop order has gone out.
    #[cfg(debug_assertions)]
    pub(super) fn is_stop_sent(&self) -> bool {
        self.run.as_ref().is_some_and(|run| run.stop.is_some())
    }

    pub(super) fn pid(&self) -> Option<u32> {
        self.run.as_ref().and_then(Run::pid)
    }

    /// Ready as states show it.
    pub(super) fn ready(&self) -> Option<bool> {
        let run = self.run.as_ref();
        if run.is_some_and(|run| run.retracted) {
            return Some(false);
        }
        let ready = run.is_some_and(|run| run.ready);
        let booted = run.is_some_and(|run| run.booted);
        match (&self.policy.readiness, &self.policy.startup) {
            // Until it is assumed, nothing is known.
            (Readiness::Unknown, None) => ready.then_some(true),
            (Readiness::Unknown, Some(_)) => Some(booted),
            (Readiness::Probe(_) | Readiness::Told, Some(_)) => Some(ready && booted),
            (Readiness::Probe(_) | Readiness::Told, None) => Some(ready),
        }
    }

    pub(super) fn counts_as_success(&self, exit: Exit) -> bool {
        exit.is_success()
            || match exit {
                Exit::Code(code) => self.policy.success_codes.contains(&code),
                Exit::Signal(_) => false,
            }
    }

    /// The state that a run's end leaves behind when nothing follows it.
    pub(super) fn ended_state(&self, exit: Exit, at: Moment) -> State {
        if self.counts_as_success(exit) {
            State::Exited { exit, at }
        } else {
            State::Failed {
                reason: FailureReason::Exit(exit),
                at,
            }
        }
    }

    /// The word for where it stands, with what is wanted of it in view: a run that is to end reads as such
    /// from the moment of the request.
    pub(super) fn word(&self) -> StateWord {
        match &self.state {
            State::Stopping { .. } => self.leaving_word(),
            State::Starting { .. } | State::Running { .. } | State::Daemonized { .. } => {
                if self.is_doomed() {
                    self.leaving_word()
                } else {
                    self.state.word()
                }
            }
            State::Disabled | State::Exited { .. } if self.is_on_schedule() && !self.is_wanted_up() => {
                StateWord::Scheduled
            }
            State::Disabled
            | State::Pending(_)
            | State::Backoff { .. }
            | State::Stopped { .. }
            | State::Exited { .. }
            | State::Failed { .. }
            | State::Skipped { .. } => self.state.word(),
        }
    }

    fn leaving_word(&self) -> StateWord {
        if self.is_wanted_up() {
            StateWord::Restarting
        } else {
            StateWord::Stopping
        }
    }
}
