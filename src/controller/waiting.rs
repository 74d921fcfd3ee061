//! What is said of an instance that has to do with others: whom it waits for, for whose sake it was skipped, and
//! whom it runs without.

use super::core::Controller;
use super::words;
use crate::logs::Tone;
use crate::model::{InstanceId, PendingWhy, State};
use crate::supervisor::Why;

impl Controller {
    /// Tells what is in the way of an instance that has just changed to `to`: each blocker once a start.
    pub(super) fn tell_blocker(&mut self, instance: InstanceId, to: &State) {
        match to {
            State::Pending(PendingWhy::Dependency { .. }) => {
                let text = self.awaited(instance);
                if text.is_some() && self.host(instance).awaited != text {
                    let said = text.clone().unwrap_or_default();
                    self.host_mut(instance).awaited = text;
                    self.say_quietly(instance, &said);
                }
            }
            State::Skipped { .. } => {
                let why = self.blocker(instance).unwrap_or_default();
                let name = self.host(instance).name();
                let text = format!("skipped: {why} · ovr start {name} tries again");
                self.host_mut(instance).skipped = Some(why);
                self.say_at(instance, None, Tone::Alarm, &text);
            }
            State::Running { .. } | State::Stopped { .. } => self.host_mut(instance).awaited = None,
            State::Disabled
            | State::Pending(PendingWhy::Window)
            | State::Starting { .. }
            | State::Daemonized { .. }
            | State::Stopping { .. }
            | State::Backoff { .. }
            | State::Exited { .. }
            | State::Failed { .. } => {}
        }
    }

    /// Tells which of the dependencies that may fail an instance is started without.
    pub(super) fn tell_what_it_runs_without(&mut self, instance: InstanceId) {
        for missing in self.machine.without(instance) {
            let name = self.host(missing).name();
            let word = self.machine.word(missing);
            let text = format!("starts without {name}, which is {word} and optional");
            self.say_quietly(instance, &text);
        }
    }

    /// What keeps an instance from starting, down to the reason that its blocker has itself.
    pub(super) fn blocker(&self, instance: InstanceId) -> Option<String> {
        let why = self.machine.why(instance)?;
        Some(match &why {
            Why::Dependency { on, .. } => {
                let id = self.by_name.get(on).copied();
                let idle = id.filter(|id| !self.machine.state(*id).is_live());
                let reason = idle.and_then(|id| self.reason(id, self.host(id), self.machine.state(id)));
                match (reason, self.awaited(instance)) {
                    (Some(reason), Some(awaited)) => format!("{awaited} ({on}: {reason})"),
                    (None, _) | (_, None) => return self.why_in_words(instance),
                }
            }
            Why::Skipped {
                on, condition, root, ..
            } => match self.how_it_failed(root) {
                Some(how) if root == on => format!("needs {on}: {condition}, but {on} {how}"),
                Some(how) => format!("needs {on}: {condition}, but {on} is skipped because {root} {how}"),
                None => why.to_string(),
            },
            _ => why.to_string(),
        })
    }

    /// `waits for db: ready`.
    fn awaited(&self, instance: InstanceId) -> Option<String> {
        match self.machine.why(instance)? {
            Why::Dependency { on, condition, .. } => Some(format!("waits for {on}: {condition}")),
            _ => None,
        }
    }

    fn how_it_failed(&self, name: &crate::model::InstanceName) -> Option<String> {
        let id = self.by_name.get(name).copied()?;
        match self.machine.state(id) {
            State::Failed { reason, .. } => Some(words::failure_of(self.host(id), reason)),
            _ => None,
        }
    }
}
