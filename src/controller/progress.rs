//! How the session comes up: who is up already, and what is said when all are.

use super::core::Controller;
use crate::logs::Tone;
use crate::model::{FailureReason, InstanceId, Moment, PendingWhy, State, time_text};
use tokio::sync::oneshot;

/// What became of a session's start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Up {
    /// Instances whose process runs, or ran and ended.
    pub started: usize,
    /// Instances that could not be started, with the reason.
    pub failed: Vec<(String, String)>,
    /// Those that wait for others, or cannot come up for want of them, in sentences.
    pub waiting: Vec<String>,
    /// What was taken over from an earlier controller, in sentences.
    pub found: Vec<String>,
    /// What else its caller should know, each with what to do about it.
    pub warnings: Vec<(String, String)>,
    /// The session ends because of it.
    pub ending: bool,
}

/// The state of a start.
#[derive(Debug)]
pub(super) struct Progress {
    since: Moment,
    begun: bool,
    up: Option<oneshot::Sender<Up>>,
    announced: bool,
    /// What only the start needed has been given back: whether all were ready by then.
    gave_back: Option<bool>,
    /// All were up, and not all of those that say so were ready.
    awaits_ready: bool,
    /// For [`Up::warnings`].
    warnings: Vec<(String, String)>,
}

impl Progress {
    pub(super) fn new(since: Moment, up: Option<oneshot::Sender<Up>>) -> Self {
        Self {
            since,
            begun: false,
            up,
            announced: false,
            gave_back: None,
            awaits_ready: false,
            warnings: Vec::new(),
        }
    }

    /// Whether the first start is over: what happens from here on is news.
    pub(super) fn is_announced(&self) -> bool {
        self.announced
    }

    /// Notes something that whoever started the session should know.
    pub(super) fn warn(&mut self, message: String, advice: String) {
        if !self.announced {
            self.warnings.push((message, advice));
        }
    }

    pub(super) fn begin(&mut self) {
        self.begun = true;
    }
}

impl Controller {
    /// Looks whether everything that was to start has started, and says so once.
    pub(super) fn note_progress(&mut self) {
        // Keys and looks are the user's only once his tmux configuration has been read.
        if self.progress.awaits_ready {
            self.note_all_ready();
        }
        if self.progress.announced || !self.progress.begun || self.windows.held {
            return;
        }
        // Asked with every change while hundreds may come up: no list before there is something to say.
        let starts = |start| {
            let mut wanted = self.ids().filter(|id| self.starts_with_session(*id));
            wanted.any(|id| start_of(self.machine.state(id)) == start)
        };
        if starts(Start::UnderWay) {
            return;
        }
        let waits = starts(Start::Waits);
        if waits && self.progress.up.is_none() {
            return;
        }
        let wanted: Vec<InstanceId> = self.ids().filter(|id| self.starts_with_session(*id)).collect();
        if self.progress.up.is_some() {
            self.tell_starter(&wanted);
        }
        if waits {
            return;
        }
        self.progress.announced = true;
        let took = self.clock.now().since(self.progress.since);
        let up = wanted
            .iter()
            .filter(|id| came_up(self.machine.state(**id)))
            .count();
        self.tell_up(up, wanted.len(), took);
        let took = time_text::duration(took);
        // Where nothing was to start, the first lines have said so.
        if !self.machine.is_ending() && !wanted.is_empty() {
            self.progress.awaits_ready = self.are_all_ready() == Some(false);
            let (tone, text) = self.start_in_words(&wanted, &took);
            self.say_session(tone, &text);
        }
    }

    /// Gives back what only the start needed, once all that followed from it has been dealt with; and once more when
    /// all are ready, which goes the same ways again.
    pub(super) fn give_back(&mut self) {
        if !self.progress.announced || self.progress.gave_back == Some(true) {
            return;
        }
        // Also those that say nothing, and count as ready after a while.
        let is_awaited = |id| match self.machine.state(id) {
            State::Running { ready, .. } => *ready != Some(true),
            _ => false,
        };
        let all_ready = Some(!self.ids().any(is_awaited));
        let is_quiet = self.windows.aside.is_none() && self.windows.asks_nothing();
        if is_quiet && self.progress.gave_back < all_ready {
            self.progress.gave_back = all_ready;
            crate::thrift::give_back();
        }
    }

    /// Whether an order to start is on its way.
    pub(super) fn is_starting_any(&self) -> bool {
        let is_under_way = |id| start_of(self.machine.state(id)) == Start::UnderWay;
        self.ids().any(is_under_way)
    }

    /// Tells whoever waits for the start that all is done that could be done at once. What its services wait for
    /// may take as long as it likes, and may never come.
    fn tell_starter(&mut self, wanted: &[InstanceId]) {
        let mut up = Up {
            started: 0,
            failed: Vec::new(),
            waiting: Vec::new(),
            found: std::mem::take(&mut self.adopted.told),
            warnings: std::mem::take(&mut self.progress.warnings),
            ending: self.machine.is_ending(),
        };
        for id in wanted {
            let (host, state) = (self.host(*id), self.machine.state(*id));
            match (start_of(state), state) {
                (Start::Impossible, State::Failed { reason, .. }) => {
                    up.failed.push((host.name(), super::words::failure(host, reason)));
                }
                (_, State::Skipped { .. }) => {
                    let why = self.blocker(*id).unwrap_or_default();
                    up.failed.push((host.name(), format!("skipped: {why}")));
                }
                (Start::Impossible | Start::Waits, _) => {
                    let why = self.blocker(*id).unwrap_or_default();
                    up.waiting
                        .push(format!("{} {}: {why}", host.name(), state.word()));
                }
                (Start::Done | Start::UnderWay, _) => up.started += 1,
            }
        }
        if let Some(sender) = self.progress.up.take() {
            // The parent may have been ended meanwhile; the session goes on.
            drop(sender.send(up));
        }
    }

    /// `4 services up in 31 ms`; where some are not, who.
    fn start_in_words(&self, wanted: &[InstanceId], took: &str) -> (Tone, String) {
        let services = if wanted.len() == 1 { "service" } else { "services" };
        let down: Vec<String> = wanted
            .iter()
            .filter(|id| !came_up(self.machine.state(**id)))
            .map(|id| self.host(*id).name())
            .collect();
        if !down.is_empty() {
            let up = wanted.len() - down.len();
            let text = format!(
                "{up} of {} {services} up in {took}, not {}",
                wanted.len(),
                down.join(", ")
            );
            return (Tone::Alarm, text);
        }
        let ready = match self.are_all_ready() {
            Some(true) => ", all ready",
            Some(false) | None => "",
        };
        (
            Tone::Quiet,
            format!("{} {services} up in {took}{ready}", wanted.len()),
        )
    }

    pub(super) fn starts_with_session(&self, instance: InstanceId) -> bool {
        let spec = &self.host(instance).spec;
        let is_due_at_once = spec
            .schedule
            .as_ref()
            .is_none_or(|schedule| schedule.run_on_start);
        spec.policy.autostart && is_due_at_once
    }
}

impl Controller {
    fn note_all_ready(&mut self) {
        if self.are_all_ready() == Some(true) {
            self.progress.awaits_ready = false;
            let took = time_text::duration(self.clock.now().since(self.progress.since));
            self.say_session(Tone::Quiet, &format!("all ready in {took}"));
        }
    }

    /// Whether all that start with the session and say so are ready; `None` if there are none.
    fn are_all_ready(&self) -> Option<bool> {
        let mut says = self.ids().filter(|id| {
            let policy = &self.host(*id).spec.policy;
            policy.autostart && !policy.assumes_readiness()
        });
        let first = says.next()?;
        let is_ready = |id: InstanceId| match self.machine.state(id) {
            State::Running { ready, .. } => *ready == Some(true),
            State::Daemonized { .. } => self.machine.why(id).is_none(),
            State::Exited { .. } => true,
            State::Disabled
            | State::Pending(_)
            | State::Starting { .. }
            | State::Stopping { .. }
            | State::Backoff { .. }
            | State::Stopped { .. }
            | State::Failed { .. }
            | State::Skipped { .. } => false,
        };
        Some(is_ready(first) && says.all(is_ready))
    }
}

/// How far an instance's first start has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Start {
    UnderWay,
    /// For what it depends on, which may take as long as it likes.
    Waits,
    /// Its process runs, or ran and ended.
    Done,
    Impossible,
}

fn start_of(state: &State) -> Start {
    match state {
        State::Pending(PendingWhy::Window) | State::Starting { .. } => Start::UnderWay,
        State::Pending(PendingWhy::Dependency { .. }) => Start::Waits,
        State::Skipped { .. }
        | State::Failed {
            reason: FailureReason::Spawn(_) | FailureReason::Lost,
            ..
        } => Start::Impossible,
        State::Disabled
        | State::Running { .. }
        | State::Daemonized { .. }
        | State::Stopping { .. }
        | State::Backoff { .. }
        | State::Stopped { .. }
        | State::Exited { .. }
        | State::Failed { .. } => Start::Done,
    }
}

/// Whether it runs or has done what it was to do; or somebody stopped it meanwhile, or restarts it.
fn came_up(state: &State) -> bool {
    match state {
        State::Running { .. }
        | State::Daemonized { .. }
        | State::Exited { .. }
        | State::Stopping { .. }
        | State::Stopped { .. }
        | State::Disabled => true,
        State::Pending(_)
        | State::Starting { .. }
        | State::Backoff { .. }
        | State::Failed { .. }
        | State::Skipped { .. } => false,
    }
}
