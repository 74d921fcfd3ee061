//! The machine's outer surface: events in, actions and the next deadline out, and what can be read of it.

use super::adoption::Found;
use super::deps::{Graph, SetupError, Verdict, strict_verdict};
use super::ending::Phase;
use super::event::{Action, EndCause, Event};
use super::instance::{Cause, Instance};
use super::timers::Timers;
use super::why::Why;
use crate::model::{AskId, Condition, InstanceId, InstanceName, Moment, Policy, State, StateWord};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Who should run, when, what next. After each [`handle`](Self::handle), drain
/// [`poll_action`](Self::poll_action), then wait for an event or [`next_deadline`](Self::next_deadline).
#[derive(Debug)]
pub struct Machine {
    /// The time of the event in hand.
    pub(super) now: Moment,
    pub(super) instances: Vec<Instance>,
    pub(super) graph: Graph,
    pub(super) phase: Phase,
    /// Ranks of the instances to reconcile: what is needed is looked at before what needs it.
    pub(super) dirty: BTreeSet<u32>,
    pub(super) timers: Timers,
    /// For each open request, how many targets are still to be answered.
    pub(super) asks: BTreeMap<AskId, usize>,
    /// Answered when everything is down.
    pub(super) quit_asks: Vec<AskId>,
    /// How many instances are live.
    pub(super) live: usize,
    pub(super) actions: VecDeque<Action>,
    /// The session is over when everything in it has ended.
    pub(super) ends_when_done: bool,
    /// Nobody's stop waits for another's when the session ends.
    pub(super) ends_at_once: bool,
}

impl Machine {
    /// A machine for these instances, in the order of the file; their ids count from 0 in that order.
    /// Nothing happens until [`Event::Begin`], but what is found alive may be told before it.
    pub fn new(instances: Vec<(InstanceName, Policy)>, now: Moment) -> Result<Self, SetupError> {
        let graph = Graph::new(&instances)?;
        Ok(Self {
            now,
            timers: Timers::new(instances.len()),
            instances: instances
                .into_iter()
                .map(|(name, policy)| Instance::new(name, policy))
                .collect(),
            graph,
            phase: Phase::Adopting,
            dirty: BTreeSet::new(),
            asks: BTreeMap::new(),
            quit_asks: Vec::new(),
            live: 0,
            actions: VecDeque::new(),
            ends_when_done: false,
            ends_at_once: false,
        })
    }

    /// Makes the session end when all in it that was to run has ended by itself, however it ended.
    pub fn end_when_done(&mut self) {
        self.ends_when_done = true;
    }

    /// Makes the session's end stop all at once, dependents or not.
    pub fn end_at_once(&mut self) {
        self.ends_at_once = true;
    }

    /// Takes in what happened, at the time `now` (which never goes back). Reports of runs that are over and
    /// of instances that there are not change nothing.
    pub fn handle(&mut self, now: Moment, event: Event) {
        self.now = self.now.max(now);
        self.dispatch(event);
        self.reconcile();
        self.end_if_done();
        self.finish_if_quiet();
        #[cfg(debug_assertions)]
        self.debug_check_invariants();
    }

    /// The next thing to do, in order; `None` when all is said.
    pub fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// When to send [`Event::Tick`] at the latest; `None` if only an event can change anything.
    pub fn next_deadline(&self) -> Option<Moment> {
        self.timers.next()
    }

    /// Whether a machine can be made of these policies.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn check(instances: &[(InstanceName, Policy)]) -> Result<(), SetupError> {
        Graph::new(instances).map(drop)
    }

    /// Whether the configuration no longer has the instance.
    pub fn is_gone(&self, instance: InstanceId) -> bool {
        self.at(instance).gone
    }

    pub fn instance_count(&self) -> usize {
        self.instances.len()
    }

    /// Where the instance stands. Panics on an id that [`new`](Self::new) did not give out, as all the
    /// readers below do.
    pub fn state(&self, instance: InstanceId) -> &State {
        &self.at(instance).state
    }

    /// The word for where it stands, with what is wanted of it in view: `restarting` while it stops to run
    /// again, `stopping` from the request on.
    pub fn word(&self, instance: InstanceId) -> StateWord {
        self.at(instance).word()
    }

    /// How often the restart policy has started it again in this session.
    pub fn restarts(&self, instance: InstanceId) -> u32 {
        self.at(instance).restarts
    }

    /// Who wanted its current run, or the one that comes next.
    pub fn cause(&self, instance: InstanceId) -> Cause {
        let instance = self.at(instance);
        instance.run.as_ref().map_or(instance.cause, |run| run.cause)
    }

    /// Whether it is ready, also where its state does not show it; `None` where nothing is known.
    pub fn ready(&self, instance: InstanceId) -> Option<bool> {
        self.at(instance).ready()
    }

    /// What keeps it from running, or from being ready, or from being gone; `None` if nothing is in the way.
    pub fn why(&self, instance: InstanceId) -> Option<Why> {
        self.compute_why(instance)
    }

    /// Its dependencies, each with whether its condition holds now.
    pub fn dependencies(&self, instance: InstanceId) -> Vec<(InstanceId, Condition, bool)> {
        let needs = self.graph.needs(instance).iter();
        needs
            .map(|need| {
                let holds = strict_verdict(self.at(need.on), need.condition) == Verdict::Holds;
                (need.on, need.condition, holds)
            })
            .collect()
    }

    /// What it runs without, though it asked for it: dependencies that may fail, and have.
    pub fn without(&self, instance: InstanceId) -> Vec<InstanceId> {
        self.missing_needs(instance)
    }

    /// Whether the session is on its way down, or has got there.
    pub fn is_ending(&self) -> bool {
        self.end_cause().is_some()
    }

    /// Why the session ends, if it does.
    pub fn end_cause(&self) -> Option<EndCause> {
        match self.phase {
            Phase::Adopting | Phase::Open => None,
            Phase::Ending(cause) | Phase::Finished(cause) => Some(cause),
        }
    }

    fn dispatch(&mut self, event: Event) {
        match event {
            Event::Begin => self.on_begin(),
            Event::Tick => self.on_tick(),
            Event::Ask {
                ask,
                verb,
                targets,
                no_deps,
            } => self.cmd_ask(ask, verb, &targets, no_deps),
            Event::Quit { why, ask } => self.cmd_quit(why, ask),
            Event::WindowReady { instance } => self.on_window_ready(instance),
            Event::WindowFailed { instance, message } => self.on_window_failed(instance, &message),
            Event::WindowClosing { instance } => self.on_window_closing(instance),
            Event::WindowLost { instance } => self.on_window_lost(instance),
            Event::TmuxLost { recover } => self.on_tmux_lost(recover),
            Event::Adopted {
                instance,
                run,
                pid,
                daemons,
                told_ready,
                stopping,
                intent,
            } => self.on_adopted(
                instance,
                run,
                pid,
                Found {
                    daemons,
                    told_ready,
                    stopping,
                    intent,
                },
            ),
            Event::AdoptedEnded {
                instance,
                run,
                exit,
                intent,
            } => self.on_adopted_ended(instance, run, exit, intent),
            Event::Spawned { instance, run, pid } => self.on_spawned(instance, run, pid),
            Event::SpawnFailed {
                instance,
                run,
                message,
            } => self.on_spawn_failed(instance, run, &message),
            Event::Daemonized { instance, run, pids } => self.on_daemonized(instance, run, pids),
            Event::Ended {
                instance,
                run,
                exit,
                killed,
            } => self.on_ended(instance, run, exit, killed),
            Event::Attached { instance, clients } => self.on_attached(instance, clients),
            Event::ProbeDone {
                instance,
                run,
                probe,
                ok,
            } => self.on_probe_done(instance, run, probe, ok),
            Event::ToldReady { instance, run, ready } => self.on_told_ready(instance, run, ready),
            Event::Extended { instance, run, by } => self.on_extended(instance, run, by),
            Event::Unstoppable {
                instance,
                run,
                message,
            } => self.on_unstoppable(instance, run, &message),
            Event::Enter { instance } => self.on_enter(instance),
            Event::Reconfigure { instances } => self.on_reconfigure(instances),
            Event::Due { instance, by } => self.on_due(instance, by),
        }
    }

    pub(super) fn at(&self, id: InstanceId) -> &Instance {
        &self.instances[id.0 as usize]
    }

    pub(super) fn at_mut(&mut self, id: InstanceId) -> &mut Instance {
        &mut self.instances[id.0 as usize]
    }

    pub(super) fn knows(&self, id: InstanceId) -> bool {
        (id.0 as usize) < self.instances.len()
    }

    /// Every instance, in the order of the file.
    pub(super) fn ids(&self) -> impl Iterator<Item = InstanceId> + use<> {
        let count = self.instances.len();
        (0..).map(InstanceId).take(count)
    }
}
