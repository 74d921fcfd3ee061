//! The machine explains itself: what is in an instance's way, by name.

use super::deps::{Verdict, verdict};
use super::machine::Machine;
use super::reconcile::Gate;
use crate::model::{
    Condition, Exit, FailureReason, InstanceId, InstanceName, Moment, PendingWhy, Signal, State, StateWord,
    time_text,
};
use std::fmt;

/// What keeps an instance from running, from being ready or from being gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// It was left out at the session's start, and nobody has asked for it.
    LeftOut,
    /// It comes up when its schedule says so.
    Scheduled,
    /// Its window is being opened.
    Window,
    /// This dependency does not hold yet.
    Dependency {
        on: InstanceName,
        condition: Condition,
        /// Where the dependency stands.
        word: StateWord,
    },
    /// This dependency can no longer hold.
    Skipped {
        on: InstanceName,
        condition: Condition,
        /// Where the chain of skipped instances begins: `on` itself, or what `on` was skipped for.
        root: InstanceName,
        root_word: StateWord,
    },
    /// It ended and is started again then.
    Backoff {
        last: Exit,
        until: Moment,
    },
    /// It runs, and its probe or its own word is still awaited.
    NotReady,
    /// It runs, and its startup probe has not succeeded yet.
    Startup,
    /// It runs, and said itself that it is not ready.
    Retracted,
    /// It is to stop or to be replaced, after this dependent of it is gone.
    Held {
        by: InstanceName,
    },
    /// It has its stop signal, and gets SIGKILL then at the latest.
    Grace {
        signal: Signal,
        until: Moment,
    },
    /// SIGKILL has been ordered, and its end is awaited.
    Killing,
    /// A person stopped it.
    Stopped,
    Failed(FailureReason),
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LeftOut => write!(f, "left out at the start"),
            Self::Scheduled => write!(f, "waits for its schedule"),
            Self::Window => write!(f, "its window is being opened"),
            Self::Dependency { on, condition, word } => {
                write!(f, "waits for {on}: {condition} ({on} is {word})")
            }
            Self::Skipped {
                on,
                condition,
                root,
                root_word,
            } => {
                write!(f, "needs {on}: {condition}, but ")?;
                if root == on {
                    write!(f, "{on} is {root_word}")
                } else {
                    write!(f, "{on} is skipped because {root} is {root_word}")
                }
            }
            Self::Backoff { last, until } => write!(f, "ended with {last}, starts again at {until}"),
            Self::NotReady => write!(f, "not ready yet"),
            Self::Startup => write!(f, "starting up"),
            Self::Retracted => write!(f, "not ready: it says so itself"),
            Self::Held { by } => write!(f, "stops when {by} is gone"),
            Self::Grace { signal, until } => write!(f, "got {signal}, SIGKILL at {until}"),
            Self::Killing => write!(f, "got SIGKILL"),
            Self::Stopped => write!(f, "stopped on request"),
            Self::Failed(reason) => write_failure(f, reason),
        }
    }
}

fn write_failure(f: &mut fmt::Formatter<'_>, reason: &FailureReason) -> fmt::Result {
    match reason {
        FailureReason::Exit(exit) => write!(f, "ended with {exit}"),
        FailureReason::Unhealthy { exit } => {
            write!(f, "it was found unhealthy, and was ended ({exit})")
        }
        FailureReason::Spawn(message) => write!(f, "could not be started: {message}"),
        FailureReason::GaveUp { last, failures: 1 } => write!(f, "gave up after a failure with {last}"),
        FailureReason::GaveUp { last, failures } => {
            write!(
                f,
                "gave up after {failures} failures in a row, the last with {last}"
            )
        }
        FailureReason::NoDaemon { within } => {
            let within = time_text::duration(*within);
            write!(f, "its command left no daemon behind within {within}")
        }
        FailureReason::Lost => write!(f, "its window went away"),
    }
}

impl Machine {
    pub(super) fn compute_why(&self, id: InstanceId) -> Option<Why> {
        let instance = self.at(id);
        match &instance.state {
            State::Disabled | State::Exited { .. } if instance.word() == StateWord::Scheduled => {
                Some(Why::Scheduled)
            }
            State::Disabled => Some(Why::LeftOut),
            State::Pending(PendingWhy::Window) => Some(Why::Window),
            State::Pending(PendingWhy::Dependency { on }) => Some(Why::Dependency {
                on: self.at(*on).name.clone(),
                condition: self.unmet_condition(id, *on),
                word: self.at(*on).word(),
            }),
            State::Starting { .. } | State::Running { .. } | State::Daemonized { .. } => {
                if instance.is_doomed() {
                    self.held_by(id).map(|by| Why::Held {
                        by: self.at(by).name.clone(),
                    })
                } else {
                    self.why_unready(id)
                }
            }
            State::Stopping { since, .. } => {
                let killing = instance
                    .run
                    .as_ref()
                    .is_some_and(|run| run.unstoppable || run.stop.is_some_and(|sent| sent.kill));
                let extended = instance.run.as_ref().and_then(|run| run.extended);
                let until = *since + instance.policy.stop.grace;
                Some(if killing {
                    Why::Killing
                } else {
                    Why::Grace {
                        signal: instance.policy.stop.signal,
                        until: extended.map_or(until, |extended| until.max(extended)),
                    }
                })
            }
            State::Backoff { last, until } => Some(Why::Backoff {
                last: *last,
                until: *until,
            }),
            State::Stopped { .. } => Some(Why::Stopped),
            State::Exited { .. } => None,
            State::Failed { reason, .. } => Some(Why::Failed(reason.clone())),
            State::Skipped { because } => Some(self.skipped_because(id, because.on)),
        }
    }

    fn why_unready(&self, id: InstanceId) -> Option<Why> {
        let instance = self.at(id);
        let run = instance.run.as_ref().filter(|run| run.process.is_some())?;
        if run.retracted {
            Some(Why::Retracted)
        } else if instance.policy.startup.is_some() && !run.booted {
            Some(Why::Startup)
        } else {
            (instance.ready() == Some(false)).then_some(Why::NotReady)
        }
    }

    /// Where the chain of skipped instances begins that `on` is in: `on` itself, or what it was skipped for.
    pub(super) fn skip_root(&self, on: InstanceId) -> InstanceId {
        let mut root = on;
        // The graph has no cycles, so this ends.
        while let Gate::Shut(deeper) = self.compute_gate(root)
            && self.at(root).word() == StateWord::Skipped
        {
            root = deeper;
        }
        root
    }

    fn skipped_because(&self, id: InstanceId, on: InstanceId) -> Why {
        let root = self.skip_root(on);
        Why::Skipped {
            on: self.at(on).name.clone(),
            condition: self.unmet_condition(id, on),
            root: self.at(root).name.clone(),
            root_word: self.at(root).word(),
        }
    }

    /// Which condition on `on` does not hold.
    fn unmet_condition(&self, id: InstanceId, on: InstanceId) -> Condition {
        let mut needs = self.graph.needs(id).iter().filter(|need| need.on == on);
        needs
            .clone()
            .find(|need| verdict(self.at(on), need.condition) != Verdict::Holds)
            .or_else(|| needs.next())
            .map_or(Condition::Started, |need| need.condition)
    }
}
