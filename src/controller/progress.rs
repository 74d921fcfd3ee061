//! How the session comes up: who is up already, and what is said when all are.

use super::core::Controller;
use crate::logs::Tone;
use crate::model::{FailureReason, InstanceId, Moment, State, time_text};
use tokio::sync::oneshot;

/// What became of a session's start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Up {
    /// Instances whose process runs, or ran and ended.
    pub started: usize,
    /// Instances that could not be started, with the reason.
    pub failed: Vec<(String, String)>,
    /// What was taken over from an earlier controller, in sentences.
    pub found: Vec<String>,
    /// What else its caller should know, each with what to do about it.
    pub warnings: Vec<(String, String)>,
}

/// The state of a start.
#[derive(Debug)]
pub(super) struct Progress {
    since: Moment,
    begun: bool,
    up: Option<oneshot::Sender<Up>>,
    announced: bool,
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
        if !self
            .ids()
            .filter(|id| self.starts_with_session(*id))
            .all(|id| is_settled(self.machine.state(id)))
        {
            return;
        }
        let wanted: Vec<InstanceId> = self.ids().filter(|id| self.starts_with_session(*id)).collect();
        self.progress.announced = true;
        let failed: Vec<(String, String)> = wanted
            .iter()
            .filter_map(|id| match self.machine.state(*id) {
                // Whose process ran and ended has been started.
                State::Failed {
                    reason: reason @ (FailureReason::Spawn(_) | FailureReason::Lost),
                    ..
                } => {
                    let host = self.host(*id);
                    Some((host.name(), super::words::failure(host, reason)))
                }
                State::Skipped { .. } => {
                    let why = self.blocker(*id).unwrap_or_default();
                    Some((self.host(*id).name(), format!("skipped: {why}")))
                }
                _ => None,
            })
            .collect();
        let started = wanted.len() - failed.len();
        let took = time_text::duration(self.clock.now().since(self.progress.since));
        if !self.machine.is_ending() {
            self.progress.awaits_ready = self.are_all_ready() == Some(false);
            let (tone, text) = self.start_in_words(&wanted, &took);
            self.say_session(tone, &text);
        }
        if let Some(up) = self.progress.up.take() {
            // The parent may have been ended meanwhile; the session goes on.
            let found = std::mem::take(&mut self.adopted.told);
            drop(up.send(Up {
                started,
                failed,
                found,
                warnings: std::mem::take(&mut self.progress.warnings),
            }));
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

    fn starts_with_session(&self, instance: InstanceId) -> bool {
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

fn is_settled(state: &State) -> bool {
    match state {
        State::Pending(_) | State::Starting { .. } => false,
        State::Disabled
        | State::Running { .. }
        | State::Daemonized { .. }
        | State::Stopping { .. }
        | State::Backoff { .. }
        | State::Stopped { .. }
        | State::Exited { .. }
        | State::Failed { .. }
        | State::Skipped { .. } => true,
    }
}

/// Whether it runs, or has done what it was to do.
fn came_up(state: &State) -> bool {
    match state {
        State::Running { .. } | State::Daemonized { .. } | State::Exited { .. } => true,
        // Somebody stopped it meanwhile, or restarts it.
        State::Stopping { .. } | State::Stopped { .. } | State::Disabled => true,
        State::Pending(_)
        | State::Starting { .. }
        | State::Backoff { .. }
        | State::Failed { .. }
        | State::Skipped { .. } => false,
    }
}
