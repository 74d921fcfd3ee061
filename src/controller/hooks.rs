//! Hooks: commands that run beside an instance when something happens to it. Never in anybody's way: they are
//! waited for by nobody, what they print is bounded, and so is how long they run and how many wait.

use super::core::Controller;
use super::hook_run::{Ended, HookNews, Job, Running};
use crate::logs::{Tone, plain};
use crate::model::{Exit, FailureReason, Hooks as Commands, InstanceId, Moment, RunId, State};
use std::collections::VecDeque;
use std::collections::btree_map::{BTreeMap, Entry};
use std::time::Duration;
use tokio::sync::mpsc::UnboundedSender;

/// A hook that takes longer is ended with all it has started.
pub(super) const TIMEOUT: Duration = Duration::from_secs(30);

/// What hooks that still run get when all else of the session is over.
const LAST_GRACE: Duration = Duration::from_secs(2);

/// As many runs of one hook wait for the one at work; more are left out.
const MOST_WAITING: usize = 8;

/// What a hook is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Ready,
    Exit,
    Fail,
}

impl Kind {
    pub(super) fn key(self) -> &'static str {
        match self {
            Self::Ready => "on_ready",
            Self::Exit => "on_exit",
            Self::Fail => "on_fail",
        }
    }

    /// As the hook's environment has it.
    fn event(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Exit => "exit",
            Self::Fail => "fail",
        }
    }

    fn command(self, hooks: &Commands) -> Option<&Vec<String>> {
        match self {
            Self::Ready => hooks.on_ready.as_ref(),
            Self::Exit => hooks.on_exit.as_ref(),
            Self::Fail => hooks.on_fail.as_ref(),
        }
    }
}

/// One hook of one instance: of each, one run is at work at a time.
pub(super) type HookId = (InstanceId, Kind);

/// The hooks at work and those that wait.
#[derive(Debug, Default)]
pub(super) struct Hooks {
    running: BTreeMap<HookId, Running>,
    waiting: BTreeMap<HookId, VecDeque<Job>>,
    /// The last run of each instance that was told to be ready.
    ready: BTreeMap<InstanceId, RunId>,
    /// When what is left of them is ended.
    deadline: Option<Moment>,
}

impl Hooks {
    pub(super) fn is_idle(&self) -> bool {
        self.running.is_empty()
    }

    pub(super) fn next_deadline(&self) -> Option<Moment> {
        self.deadline
    }

    /// Starts it, or lets it wait; false if too many wait already.
    fn run(&mut self, id: HookId, job: Job, news: &UnboundedSender<HookNews>) -> bool {
        if let Entry::Vacant(none) = self.running.entry(id) {
            none.insert(job.start(id, news.clone()));
            return true;
        }
        let waiting = self.waiting.entry(id).or_default();
        let has_room = waiting.len() < MOST_WAITING;
        if has_room {
            waiting.push_back(job);
        }
        has_room
    }

    /// One is over: the next of its kind comes.
    fn on_done(&mut self, id: HookId, news: &UnboundedSender<HookNews>) {
        self.running.remove(&id);
        if let Some(job) = self.waiting.get_mut(&id).and_then(VecDeque::pop_front) {
            self.run(id, job, news);
        }
    }

    /// Ends what runs, and forgets what waits. The ends are still told.
    fn end_all(&mut self) {
        self.waiting.clear();
        for running in self.running.values_mut() {
            running.end();
        }
    }

    /// Nobody will hear of the ends: what runs is ended before this returns.
    pub(super) fn end_now(self) {
        for running in self.running.into_values() {
            running.end_now();
        }
    }
}

/// What a change of state is to the hooks.
fn kinds(from: &State, to: &State, is_failure: impl Fn(Exit) -> bool) -> Vec<Kind> {
    let was_live = from.live_run();
    let mut kinds = Vec::new();
    if was_live.is_some() && to.live_run() != was_live {
        kinds.push(Kind::Exit);
    }
    match to {
        State::Running {
            ready: Some(true), ..
        } => kinds.push(Kind::Ready),
        State::Failed { reason, .. } => match reason {
            FailureReason::Spawn(_) => kinds.push(Kind::Fail),
            // What a new controller finds failed has failed for the earlier one.
            FailureReason::Exit(_)
            | FailureReason::Unhealthy { .. }
            | FailureReason::GaveUp { .. }
            | FailureReason::NoDaemon { .. }
            | FailureReason::Lost => {
                kinds.extend(was_live.map(|_| Kind::Fail));
            }
        },
        // What was stopped, and is tried again, was ended by its probe or for its delay, however it took that.
        State::Backoff { last, .. } if is_failure(*last) || matches!(from, State::Stopping { .. }) => {
            kinds.push(Kind::Fail);
        }
        State::Running { .. }
        | State::Backoff { .. }
        | State::Disabled
        | State::Pending(_)
        | State::Starting { .. }
        | State::Daemonized { .. }
        | State::Stopping { .. }
        | State::Stopped { .. }
        | State::Exited { .. }
        | State::Skipped { .. } => {}
    }
    kinds
}

impl Controller {
    /// Runs the hooks that a change of state calls for.
    pub(super) fn run_hooks(&mut self, instance: InstanceId, from: &State, to: &State) {
        let host = self.host(instance);
        if host.spec.hooks == Commands::default() {
            return;
        }
        let good = host.spec.policy.success_codes.clone();
        let is_failure = |exit: Exit| match exit {
            Exit::Code(code) => code != 0 && !good.contains(&code),
            Exit::Signal(_) => true,
        };
        for kind in kinds(from, to, is_failure) {
            match kind {
                Kind::Ready => {
                    let run = to.live_run().unwrap_or(RunId(0));
                    let is_news = self.hooks.ready.insert(instance, run) != Some(run);
                    // One that was ready before this controller came has been told so.
                    if is_news && self.adopted.begun {
                        self.run_hook(instance, kind, Some(run), None);
                    }
                }
                Kind::Exit => {
                    let run = from.live_run();
                    // One that never came to run has not ended either.
                    if let Some(exit) = self.exit_of(instance, run) {
                        self.run_hook(instance, kind, run, Some(exit));
                    }
                }
                Kind::Fail => {
                    let run = from.live_run();
                    self.run_hook(instance, kind, run, self.exit_of(instance, run));
                }
            }
        }
    }

    pub(super) fn exit_of(&self, instance: InstanceId, run: Option<RunId>) -> Option<Exit> {
        let last = self
            .host(instance)
            .run
            .as_ref()
            .filter(|last| Some(last.id) == run)?;
        last.ended.as_ref().map(|end| end.exit)
    }

    fn run_hook(&mut self, instance: InstanceId, kind: Kind, run: Option<RunId>, exit: Option<Exit>) {
        let spec = &self.host(instance).spec;
        let Some(argv) = kind.command(&spec.hooks) else {
            return;
        };
        let mut env: Vec<(String, String)> = spec
            .launch
            .env
            .iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let mut set = |name: &str, value: String| env.push((name.to_owned(), value));
        set("OVR_EVENT", kind.event().to_owned());
        if let Some(run) = run {
            set("OVR_RUN", run.to_string());
        }
        match exit {
            Some(Exit::Code(code)) => set("OVR_EXIT_CODE", code.to_string()),
            Some(Exit::Signal(signal)) => set("OVR_EXIT_SIGNAL", signal.to_string()),
            None => {}
        }
        let job = Job {
            argv: argv.clone(),
            cwd: spec.launch.cwd.clone(),
            env,
        };
        if !self.hooks.run((instance, kind), job, &self.inlets.hooks) {
            let text = format!("hook {}: left out, {MOST_WAITING} of it wait already", kind.key());
            self.say_at(instance, None, Tone::Alarm, &text);
        }
    }

    pub(super) fn on_hook_news(&mut self, news: HookNews) {
        match news {
            HookNews::Line((instance, kind), line) => {
                let text = format!("hook {}: {}", kind.key(), plain(&line));
                self.say_quietly(instance, &text);
            }
            HookNews::Ended((instance, kind), ended) => {
                if let Some(text) = ended.in_words() {
                    let text = format!("hook {}: {text}", kind.key());
                    self.say_at(instance, None, Tone::Alarm, &text);
                }
                self.hooks.on_done((instance, kind), &self.inlets.hooks);
            }
        }
    }

    /// Everything else is over.
    pub(super) fn limit_hooks(&mut self) {
        self.hooks.deadline = Some(self.clock.now() + LAST_GRACE);
    }

    pub(super) fn look_at_hooks(&mut self) {
        if self
            .hooks
            .deadline
            .is_some_and(|deadline| deadline <= self.clock.now())
        {
            self.hooks.deadline = None;
            self.hooks.end_all();
        }
    }
}

impl Ended {
    /// What is worth saying of an end; a good one is not.
    fn in_words(&self) -> Option<String> {
        match self {
            Self::Exit(exit) if exit.is_success() => None,
            Self::Exit(exit) => Some(format!("ended with {exit}")),
            Self::NotStarted(error) => Some(format!("could not be started: {error}")),
            Self::TimedOut => Some(format!("still at work after {} s: ended", TIMEOUT.as_secs())),
            Self::WithSession => Some("ended with the session".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Kind, kinds};
    use crate::model::{Exit, FailureReason, Moment, RunId, Signal, State};

    fn running(run: u64, ready: Option<bool>) -> State {
        State::Running {
            run: RunId(run),
            pid: 7,
            since: Moment::START,
            ready,
        }
    }

    fn stopping(run: u64) -> State {
        State::Stopping {
            run: RunId(run),
            since: Moment::START,
        }
    }

    fn failed(reason: FailureReason) -> State {
        State::Failed {
            reason,
            at: Moment::START,
        }
    }

    fn backoff(code: i32) -> State {
        State::Backoff {
            last: Exit::Code(code),
            until: Moment::START,
        }
    }

    #[test]
    fn each_change_of_state_calls_for_its_hooks() {
        let starting = |run| State::Starting { run: RunId(run) };
        let exited = State::Exited {
            exit: Exit::Code(0),
            at: Moment::START,
        };
        let last = Some(Exit::Signal(Signal::TERM));
        let table = [
            (starting(1), running(1, None), vec![]),
            (starting(1), running(1, Some(true)), vec![Kind::Ready]),
            (running(1, None), running(1, Some(true)), vec![Kind::Ready]),
            (starting(1), running(1, Some(false)), vec![]),
            (running(1, Some(false)), running(1, Some(true)), vec![Kind::Ready]),
            (running(1, None), stopping(1), vec![]),
            (stopping(1), State::Stopped { last }, vec![Kind::Exit]),
            // A restart: the run has ended, though another one follows at once.
            (stopping(1), starting(2), vec![Kind::Exit]),
            (running(1, None), exited.clone(), vec![Kind::Exit]),
            (
                running(1, None),
                failed(FailureReason::Exit(Exit::Code(1))),
                vec![Kind::Exit, Kind::Fail],
            ),
            (running(1, None), backoff(1), vec![Kind::Exit, Kind::Fail]),
            (running(1, None), backoff(0), vec![Kind::Exit]),
            (stopping(1), backoff(0), vec![Kind::Exit, Kind::Fail]),
            (
                starting(1),
                failed(FailureReason::Spawn("no".to_owned())),
                vec![Kind::Exit, Kind::Fail],
            ),
            // Found so by a new controller.
            (
                State::Disabled,
                failed(FailureReason::Exit(Exit::Code(1))),
                vec![],
            ),
            (State::Disabled, exited, vec![]),
        ];
        for (from, to, expected) in table {
            let found = kinds(&from, &to, |exit| !exit.is_success());
            assert_eq!(found, expected, "{from:?} → {to:?}");
        }
    }
}
