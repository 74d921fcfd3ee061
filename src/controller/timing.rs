//! When each step of an instance's last start came, by the states that it went through.

use super::core::Controller;
use crate::api::messages::{Timing, Waited};
use crate::model::{Condition, InstanceId, Moment, PendingWhy, State};

/// One start. A session's first one is asked for when the session begins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Start {
    asked: Moment,
    began: Option<Moment>,
    ready: Option<Moment>,
    ended: Option<Moment>,
    /// The dependency that was waited for last.
    after: Option<(InstanceId, Condition)>,
}

impl Start {
    fn asked_at(asked: Moment) -> Self {
        Self {
            asked,
            ..Self::default()
        }
    }
}

impl Controller {
    /// Takes in a change of state, at the time that it is told.
    pub(super) fn note_step(&mut self, instance: InstanceId, from: &State, to: &State) {
        let now = self.clock.now();
        if let Some(asked) = newly_asked(from, to, now) {
            self.host_mut(instance).start = Some(Start::asked_at(asked));
        }
        let after = match to {
            State::Pending(PendingWhy::Dependency { on }) => self
                .awaited_condition(instance, *on)
                .map(|condition| (*on, condition)),
            _ => None,
        };
        let start = &mut self.host_mut(instance).start;
        match (to, start.as_mut()) {
            (State::Pending(PendingWhy::Dependency { .. }), Some(start)) => {
                start.after = after.or(start.after);
            }
            (State::Running { ready, .. }, Some(start)) => match from {
                State::Starting { .. } => {
                    start.began = Some(now);
                    start.ready = (*ready == Some(true)).then_some(now);
                }
                State::Running { .. } if *ready == Some(true) => start.ready = start.ready.or(Some(now)),
                State::Running { .. } => {}
                // Found alive: an earlier controller started it.
                _ => self.host_mut(instance).start = None,
            },
            (
                State::Exited { .. }
                | State::Failed { .. }
                | State::Stopped { .. }
                | State::Daemonized { .. },
                Some(start),
            ) => {
                start.ended = start.began.filter(|_| from.is_live()).and(Some(now));
            }
            _ => {}
        }
    }

    /// What is waited for of `on`: by now it may hold.
    fn awaited_condition(&self, instance: InstanceId, on: InstanceId) -> Option<Condition> {
        let edges = self.machine.dependencies(instance);
        let on_it = || edges.iter().filter(|(to, _, _)| *to == on);
        let missing = on_it().find(|(_, _, holds)| !holds);
        missing
            .or_else(|| on_it().next())
            .map(|(_, condition, _)| *condition)
    }

    pub(super) fn timing(&self, start: &Start) -> Timing {
        let millis = |moment: Moment| u64::try_from(moment.0.as_millis()).unwrap_or(u64::MAX);
        Timing {
            asked_ms: millis(start.asked),
            started_ms: start.began.map(millis),
            ready_ms: start.ready.map(millis),
            ended_ms: start.ended.map(millis),
            after: start.after.map(|(on, condition)| Waited {
                on: self.host(on).name(),
                condition,
            }),
        }
    }
}

/// Since when a start is under way that begins with this change.
fn newly_asked(from: &State, to: &State, now: Moment) -> Option<Moment> {
    let comes_up = match to {
        State::Pending(_) | State::Starting { .. } => true,
        State::Disabled
        | State::Running { .. }
        | State::Daemonized { .. }
        | State::Stopping { .. }
        | State::Backoff { .. }
        | State::Stopped { .. }
        | State::Exited { .. }
        | State::Failed { .. }
        | State::Skipped { .. } => false,
    };
    match from {
        // One start, from its first wait to its process.
        State::Pending(_) => None,
        // A restart was asked for when the old run was told to stop.
        State::Stopping { since, .. } => comes_up.then_some(*since),
        State::Disabled
        | State::Starting { .. }
        | State::Running { .. }
        | State::Daemonized { .. }
        | State::Backoff { .. }
        | State::Stopped { .. }
        | State::Exited { .. }
        | State::Failed { .. }
        | State::Skipped { .. } => comes_up.then_some(now),
    }
}

#[cfg(test)]
mod tests {
    use super::newly_asked;
    use crate::model::{Exit, Moment, PendingWhy, RunId, State};

    #[test]
    fn a_start_begins_with_the_first_wait_and_a_restart_with_the_stop_before_it() {
        let now = Moment::from_millis(50);
        let starting = State::Starting { run: RunId(2) };
        let pending = State::Pending(PendingWhy::Window);
        let stopped = State::Stopped { last: None };
        let stopping = State::Stopping {
            run: RunId(1),
            since: Moment::from_millis(20),
        };
        assert_eq!(newly_asked(&stopped, &pending, now), Some(now));
        assert_eq!(newly_asked(&pending, &starting, now), None);
        assert_eq!(newly_asked(&stopped, &starting, now), Some(now));
        assert_eq!(
            newly_asked(&stopping, &starting, now),
            Some(Moment::from_millis(20))
        );
        let exited = State::Exited {
            exit: Exit::Code(0),
            at: now,
        };
        assert_eq!(newly_asked(&starting, &exited, now), None);
    }
}
