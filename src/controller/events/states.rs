//! Which events a change of state is. Pure; what an event says besides its word is put in by `mod.rs`.

use crate::model::{FailureReason, PendingWhy, RunId, State};

/// What a change of state has to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Pending,
    Starting(RunId),
    Running(RunId),
    /// Found alive.
    Adopted(RunId),
    Ready(RunId),
    Unready(RunId),
    Daemonized(RunId),
    Stopping(RunId),
    /// This run is over.
    Exited(RunId),
    Backoff,
    Stopped,
    Failed,
    Skipped,
}

/// The steps of a change, in order.
pub(super) fn steps(from: &State, to: &State) -> Vec<Step> {
    let was_live = from.live_run();
    let mut steps = Vec::new();
    if let Some(run) = was_live
        && to.live_run() != was_live
    {
        steps.push(Step::Exited(run));
    }
    // Only a start leads from nothing to a process; whatever else is alive was found so.
    let is_found = |run: RunId| was_live != Some(run);
    match to {
        State::Pending(PendingWhy::Dependency { .. }) => steps.push(Step::Pending),
        State::Starting { run } => steps.push(Step::Starting(*run)),
        State::Running { run, ready, .. } => {
            if is_found(*run) {
                steps.push(Step::Adopted(*run));
            } else if !matches!(from, State::Running { .. }) {
                steps.push(Step::Running(*run));
            }
            let was_ready = matches!(
                from,
                State::Running {
                    ready: Some(true),
                    ..
                }
            );
            match ready {
                Some(true) if !was_ready => steps.push(Step::Ready(*run)),
                Some(false) | None if was_ready => steps.push(Step::Unready(*run)),
                Some(_) | None => {}
            }
        }
        State::Daemonized { run, .. } | State::Stopping { run, .. } if is_found(*run) => {
            steps.push(Step::Adopted(*run));
        }
        // What it has left behind may change; that it has is told once.
        State::Daemonized { run, .. } if !matches!(from, State::Daemonized { .. }) => {
            steps.push(Step::Daemonized(*run));
        }
        State::Stopping { run, .. } => steps.push(Step::Stopping(*run)),
        State::Backoff { .. } => steps.push(Step::Backoff),
        State::Stopped { .. } => steps.push(Step::Stopped),
        State::Failed { .. } => steps.push(Step::Failed),
        State::Skipped { .. } => steps.push(Step::Skipped),
        // That it ended well its end tells already.
        State::Exited { .. }
        | State::Daemonized { .. }
        | State::Disabled
        | State::Pending(PendingWhy::Window) => {}
    }
    steps
}

/// Whether the change says no more than that an earlier controller has seen it.
pub(super) fn is_old_news(from: &State, to: &State) -> bool {
    from.live_run().is_none()
        && match to {
            State::Stopped { .. } | State::Exited { .. } | State::Backoff { .. } => true,
            State::Failed { reason, .. } => !matches!(reason, FailureReason::Spawn(_)),
            State::Disabled
            | State::Pending(_)
            | State::Starting { .. }
            | State::Running { .. }
            | State::Daemonized { .. }
            | State::Stopping { .. }
            | State::Skipped { .. } => false,
        }
}

#[cfg(test)]
mod tests {
    use super::{Step, is_old_news, steps};
    use crate::model::{Exit, FailureReason, InstanceId, Moment, PendingWhy, RunId, State};

    fn running(run: u64, ready: Option<bool>) -> State {
        State::Running {
            run: RunId(run),
            pid: 7,
            since: Moment::START,
            ready,
        }
    }

    fn failed() -> State {
        State::Failed {
            reason: FailureReason::Exit(Exit::Code(1)),
            at: Moment::START,
        }
    }

    #[test]
    fn every_change_of_state_is_told_once_and_the_end_of_a_run_before_what_follows_it() {
        let one = RunId(1);
        let (starting, stopping) = (
            |run| State::Starting { run: RunId(run) },
            State::Stopping {
                run: one,
                since: Moment::START,
            },
        );
        let daemonized = |pids: &[u32]| State::Daemonized {
            run: one,
            pids: pids.to_vec(),
            since: Moment::START,
        };
        let backoff = State::Backoff {
            last: Exit::Code(1),
            until: Moment::START,
        };
        let window = State::Pending(PendingWhy::Window);
        let dependency = State::Pending(PendingWhy::Dependency { on: InstanceId(0) });
        let exited = State::Exited {
            exit: Exit::Code(0),
            at: Moment::START,
        };
        let table = [
            (window.clone(), starting(1), vec![Step::Starting(one)]),
            (window.clone(), dependency, vec![Step::Pending]),
            (starting(1), running(1, None), vec![Step::Running(one)]),
            (
                starting(1),
                running(1, Some(true)),
                vec![Step::Running(one), Step::Ready(one)],
            ),
            (starting(1), running(1, Some(false)), vec![Step::Running(one)]),
            (
                running(1, Some(false)),
                running(1, Some(true)),
                vec![Step::Ready(one)],
            ),
            (
                running(1, Some(true)),
                running(1, Some(false)),
                vec![Step::Unready(one)],
            ),
            (running(1, None), daemonized(&[8]), vec![Step::Daemonized(one)]),
            (daemonized(&[8]), daemonized(&[9]), vec![]),
            (running(1, None), stopping.clone(), vec![Step::Stopping(one)]),
            (
                stopping.clone(),
                State::Stopped { last: None },
                vec![Step::Exited(one), Step::Stopped],
            ),
            (
                stopping.clone(),
                starting(2),
                vec![Step::Exited(one), Step::Starting(RunId(2))],
            ),
            (
                running(1, None),
                backoff.clone(),
                vec![Step::Exited(one), Step::Backoff],
            ),
            (backoff, starting(2), vec![Step::Starting(RunId(2))]),
            (running(1, None), exited, vec![Step::Exited(one)]),
            (running(1, None), failed(), vec![Step::Exited(one), Step::Failed]),
            (window.clone(), running(1, None), vec![Step::Adopted(one)]),
            (
                window.clone(),
                running(1, Some(true)),
                vec![Step::Adopted(one), Step::Ready(one)],
            ),
            (window, stopping, vec![Step::Adopted(one)]),
        ];
        for (from, to, expected) in table {
            assert_eq!(steps(&from, &to), expected, "{from:?} → {to:?}");
        }
    }

    #[test]
    fn what_a_new_controller_finds_ended_is_old_news_unless_it_could_not_start() {
        assert!(is_old_news(&State::Disabled, &failed()));
        assert!(!is_old_news(&running(1, None), &failed()));
        let spawn = State::Failed {
            reason: FailureReason::Spawn(String::new()),
            at: Moment::START,
        };
        assert!(!is_old_news(&State::Pending(PendingWhy::Window), &spawn));
    }
}
