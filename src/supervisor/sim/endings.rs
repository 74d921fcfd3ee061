//! What may end a session, and what must: the oracle's judgement of ends.

use super::oracle::{Broken, Oracle};
use crate::model::{EndPolicy, Exit, InstanceId, Policy, State};
use crate::supervisor::EndCause;

impl Oracle {
    /// A session that ends with the last of its work does so at once.
    pub(super) fn judge_done_with(&self) -> Result<(), Broken> {
        if self.begun && self.ends_when_done && self.ending.is_none() && self.is_all_done() {
            return Err("nothing is left to do, and the session goes on".to_owned());
        }
        Ok(())
    }

    fn is_all_done(&self) -> bool {
        let mut configured = (0..self.shown.len()).filter(|index| !self.removed[*index]);
        let is_done = |index: usize| {
            is_over(&self.shown[index]) && self.attached[index] == 0 && !self.policies[index].scheduled
        };
        let nothing_lives = !self.shown.iter().any(State::is_live);
        let starts = configured.clone().any(|index| self.policies[index].autostart);
        starts && self.open.is_empty() && nothing_lives && configured.all(is_done)
    }

    pub(super) fn judge_ending(&mut self, cause: EndCause) -> Result<(), Broken> {
        if self.ending.is_some() {
            return Err("a second end".to_owned());
        }
        self.ending = Some(cause);
        let (id, exit) = match cause {
            EndCause::Service { instance, exit, .. } => (instance, Some(exit)),
            EndCause::CouldNotStart { instance } => (instance, None),
            EndCause::Skipped { instance, root } => return self.judge_skip_end(instance, root),
            EndCause::Completed if self.ends_when_done && self.is_all_done() => return Ok(()),
            EndCause::Completed => return Err("completed, and something is left to do".to_owned()),
            EndCause::Quit(_) => return Ok(()),
        };
        if self.attached[id.0 as usize] > 0 {
            return Err(format!("{id:?} ended the session while somebody looked at it"));
        }
        if self.calls.is_changed(id) {
            return Err(format!(
                "{id:?} ended the session while its files are being written"
            ));
        }
        if self.down[id.0 as usize] {
            return Err(format!("{id:?} ended the session after a person stopped it"));
        }
        let policy = &self.policies[id.0 as usize];
        let well = exit.is_some_and(|exit| ended_well(policy, exit));
        match policy.end {
            EndPolicy::StopsSession => Ok(()),
            EndPolicy::FailureStopsSession if !well || self.is_failed(id) => Ok(()),
            EndPolicy::FailureStopsSession | EndPolicy::MayEnd => {
                Err(format!("{id:?} ended the session against its policy"))
            }
        }
    }

    fn judge_skip_end(&self, id: InstanceId, root: InstanceId) -> Result<(), Broken> {
        if !self.policies[id.0 as usize].exit_on_skipped {
            return Err(format!("{id:?} ended the session by being skipped"));
        }
        if !matches!(self.shown_at(id), State::Skipped { .. }) {
            return Err(format!("{id:?} ended the session as skipped, and is not"));
        }
        if self.attached[id.0 as usize] > 0 || self.down[root.0 as usize] {
            return Err(format!("{id:?} ended the session by a person's doing"));
        }
        Ok(())
    }

    fn is_failed(&self, id: InstanceId) -> bool {
        matches!(self.shown_at(id), State::Failed { .. })
    }
}

pub(super) fn ended_well(policy: &Policy, exit: Exit) -> bool {
    match exit {
        Exit::Code(code) => code == 0 || policy.success_codes.contains(&code),
        Exit::Signal(_) => false,
    }
}

/// Whether nothing comes of it any more by itself, and no person stopped it.
pub(super) fn is_over(state: &State) -> bool {
    matches!(
        state,
        State::Disabled | State::Exited { .. } | State::Failed { .. } | State::Skipped { .. }
    )
}
