//! When a dependency holds, written down a second time and from what was shown alone.

use crate::model::{Condition, FailureReason, State};

/// The conditions as the documentation states them, on what was shown last.
pub(super) fn holds(on: &State, condition: Condition) -> bool {
    match condition {
        Condition::Started => matches!(
            on,
            State::Running { .. } | State::Daemonized { .. } | State::Exited { .. }
        ),
        Condition::Ready => matches!(
            on,
            State::Running {
                ready: Some(true),
                ..
            } | State::Daemonized { .. }
        ),
        Condition::EndedWell => matches!(on, State::Exited { .. } | State::Daemonized { .. }),
        Condition::Ended => {
            let never_ran = matches!(
                on,
                State::Failed {
                    reason: FailureReason::Spawn(_),
                    ..
                }
            );
            let over = matches!(
                on,
                State::Exited { .. }
                    | State::Daemonized { .. }
                    | State::Stopped { last: Some(_) }
                    | State::Failed { .. }
            );
            over && !never_ran
        }
    }
}
