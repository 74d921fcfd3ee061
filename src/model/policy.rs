//! The rules that an instance lives by: when it starts, when again, how it stops, what its end means, when it
//! counts as ready. The machine reads only this.

use super::{ServiceName, Signal};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

/// The rules an instance lives by. The machine reads only this.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Whether a session's start brings it up (`-l`, `-x`, `disabled` leave it down).
    pub autostart: bool,
    pub stop: StopPlan,
    pub restart: RestartPolicy,
    pub end: EndPolicy,
    pub depends_on: Vec<Dependency>,
    /// Until it has succeeded once, neither readiness nor liveness is looked at.
    pub startup: Option<Probe>,
    pub readiness: Readiness,
    pub liveness: Option<Probe>,
    /// Codes besides 0 that count as success.
    pub success_codes: Vec<i32>,
    /// Its failure holds nobody up: who depends on it starts without it.
    pub optional: bool,
    /// Being skipped ends the session.
    pub exit_on_skipped: bool,
    /// Its command leaves a daemon behind and is to have done so within this time (`is_daemon`).
    pub launch_timeout: Option<Duration>,
    /// It is started by its schedule, not with the session; without `autostart`, its schedule is paused.
    pub scheduled: bool,
}

impl Default for Policy {
    /// Starts with the session, runs once, and may end.
    fn default() -> Self {
        Self {
            autostart: true,
            stop: StopPlan::default(),
            restart: RestartPolicy::NEVER,
            end: EndPolicy::MayEnd,
            depends_on: Vec::new(),
            startup: None,
            readiness: Readiness::Unknown,
            liveness: None,
            success_codes: Vec::new(),
            optional: false,
            exit_on_skipped: false,
            launch_timeout: None,
            scheduled: false,
        }
    }
}

impl Policy {
    /// Whether nothing will ever say that it is ready, so that time or its port has to.
    pub fn assumes_readiness(&self) -> bool {
        self.readiness == Readiness::Unknown && self.startup.is_none()
    }
}

/// How to stop a process: ask it (by a command, keys or a signal to its group), wait, kill its tree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StopPlan {
    pub signal: Signal,
    /// From the signal to SIGKILL; each other step has as long.
    pub grace: Duration,
    /// A command that stops it, run in the service's environment; its end is waited for within the grace. Once it
    /// has ended well, the service has another grace to end by itself, before the signal.
    pub command: Option<Vec<String>>,
    /// Typed into its terminal in place of the signal. Without effect where there is a command.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keys: Option<String>,
    /// The signal goes to the process alone, not to its group.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub parent_only: bool,
}

impl Default for StopPlan {
    fn default() -> Self {
        Self {
            signal: Signal::INT,
            grace: Duration::from_secs(5),
            command: None,
            keys: None,
            parent_only: false,
        }
    }
}

/// When to start an ended process again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RestartPolicy {
    pub when: RestartWhen,
    /// A fixed wait between runs; `None` is the growing back-off (three at once, then 0.25, 0.5, … 30 s).
    pub delay: Option<Duration>,
    /// At most this many restarts without a person's request; `None` is the rule of the back-off.
    pub max: Option<u32>,
    /// This many failures in a row, each after less than 10 s up, end in `failed: gave up`; `None` is never.
    pub give_up_after: Option<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RestartWhen {
    Never,
    OnFailure,
    Always,
}

impl RestartPolicy {
    pub const NEVER: Self = Self {
        when: RestartWhen::Never,
        delay: None,
        max: None,
        give_up_after: None,
    };
    pub const ALWAYS: Self = Self {
        when: RestartWhen::Always,
        delay: None,
        max: None,
        give_up_after: None,
    };
}

/// What an instance's end means for the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndPolicy {
    /// Its end stops the session (a Procfile's rule).
    StopsSession,
    /// Only its failure stops the session.
    FailureStopsSession,
    /// The others go on.
    MayEnd,
}

/// One edge of the dependency graph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dependency {
    pub on: ServiceName,
    pub condition: Condition,
}

/// When a dependency lets its dependents go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    Started,
    /// Ready by its probe; see [`Readiness`].
    Ready,
    Ended,
    EndedWell,
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Started => "started",
            Self::Ready => "ready",
            Self::Ended => "ended",
            Self::EndedWell => "ended well",
        })
    }
}

/// What makes an instance ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// Nobody said: it counts as ready when it listens on its port or has been alive for a second, and is shown
    /// as `ready (assumed)`.
    Unknown,
    /// A probe decides.
    Probe(Probe),
    /// The service says so itself: a line of its output or a message (`READY=1`).
    Told,
}

impl Readiness {
    pub fn probe(&self) -> Option<&Probe> {
        match self {
            Self::Probe(probe) => Some(probe),
            Self::Unknown | Self::Told => None,
        }
    }
}

/// A probe's schedule; what one attempt does is known to the controller, by instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    pub schedule: ProbeSchedule,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProbeSchedule {
    /// From the start of the run to the first attempt.
    pub initial_delay: Duration,
    /// From the end of an attempt to the next one.
    pub period: Duration,
    /// An attempt that takes longer has failed.
    pub timeout: Duration,
    pub success_threshold: u32,
    pub failure_threshold: u32,
}
