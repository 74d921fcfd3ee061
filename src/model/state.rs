//! The states of an instance. Each variant holds only what is valid in it.

use super::{Exit, InstanceId, Moment, RunId};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

/// Where an instance stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Left out at the session's start and never asked for.
    Disabled,
    /// Wanted, and something is in the way.
    Pending(PendingWhy),
    /// The order to start has gone out.
    Starting { run: RunId },
    /// Its process is alive. `ready` is `None` where nothing says what ready means.
    Running {
        run: RunId,
        pid: u32,
        since: Moment,
        ready: Option<bool>,
    },
    /// Its command ended well and left processes behind that go on.
    Daemonized {
        run: RunId,
        pids: Vec<u32>,
        since: Moment,
    },
    /// The stop plan is at work.
    Stopping { run: RunId, since: Moment },
    /// It ended and starts again at `until`.
    Backoff { last: Exit, until: Moment },
    /// A person stopped it.
    Stopped { last: Option<Exit> },
    /// It ended by itself, well.
    Exited { exit: Exit, at: Moment },
    /// It ended by itself, badly, or could not be started.
    Failed { reason: FailureReason, at: Moment },
    /// A dependency can no longer be satisfied.
    Skipped { because: SkipCause },
}

/// What a wanted instance waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PendingWhy {
    /// Its window is being opened.
    Window,
    /// A dependency does not hold yet.
    Dependency { on: InstanceId },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FailureReason {
    Exit(Exit),
    /// A probe failed so often that it was ended, and nothing follows; this was its end.
    Unhealthy {
        exit: Exit,
    },
    /// The system refused: no such program, no such directory.
    Spawn(String),
    /// It failed again and again; this was the last end.
    GaveUp {
        last: Exit,
        failures: u32,
    },
    /// Its command was to leave a daemon behind within this time, and was still at work after it.
    NoDaemon {
        within: Duration,
    },
    /// Its shim or window went away, and its processes with it.
    Lost,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SkipCause {
    pub on: InstanceId,
}

/// The word for a state, as tables and JSON spell it. Append-only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StateWord {
    Disabled,
    Pending,
    Starting,
    Running,
    Daemonized,
    Stopping,
    Restarting,
    Backoff,
    Stopped,
    Exited,
    Failed,
    Skipped,
    /// Waits for its schedule.
    Scheduled,
}

impl State {
    pub fn word(&self) -> StateWord {
        match self {
            Self::Disabled => StateWord::Disabled,
            Self::Pending(_) => StateWord::Pending,
            Self::Starting { .. } => StateWord::Starting,
            Self::Running { .. } => StateWord::Running,
            Self::Daemonized { .. } => StateWord::Daemonized,
            Self::Stopping { .. } => StateWord::Stopping,
            Self::Backoff { .. } => StateWord::Backoff,
            Self::Stopped { .. } => StateWord::Stopped,
            Self::Exited { .. } => StateWord::Exited,
            Self::Failed { .. } => StateWord::Failed,
            Self::Skipped { .. } => StateWord::Skipped,
        }
    }

    /// Whether a process of it exists or may exist.
    pub fn is_live(&self) -> bool {
        match self {
            Self::Starting { .. }
            | Self::Running { .. }
            | Self::Daemonized { .. }
            | Self::Stopping { .. } => true,
            Self::Disabled
            | Self::Pending(_)
            | Self::Backoff { .. }
            | Self::Stopped { .. }
            | Self::Exited { .. }
            | Self::Failed { .. }
            | Self::Skipped { .. } => false,
        }
    }

    /// The run that is alive or being started.
    pub fn live_run(&self) -> Option<RunId> {
        match self {
            Self::Starting { run }
            | Self::Running { run, .. }
            | Self::Daemonized { run, .. }
            | Self::Stopping { run, .. } => Some(*run),
            Self::Disabled
            | Self::Pending(_)
            | Self::Backoff { .. }
            | Self::Stopped { .. }
            | Self::Exited { .. }
            | Self::Failed { .. }
            | Self::Skipped { .. } => None,
        }
    }
}

impl StateWord {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Disabled => "disabled",
            Self::Pending => "pending",
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Daemonized => "daemonized",
            Self::Stopping => "stopping",
            Self::Restarting => "restarting",
            Self::Backoff => "backoff",
            Self::Stopped => "stopped",
            Self::Exited => "exited",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
            Self::Scheduled => "scheduled",
        }
    }
}

impl fmt::Display for StateWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
