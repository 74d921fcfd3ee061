//! What the user asked for: an instance's command, its surroundings, and the policies it lives by.
//! `config` makes these; nothing changes them afterwards.

use super::{InstanceName, ServiceName, Signal, Variables};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::time::Duration;

/// One instance, wholly resolved: nothing in here needs the environment or the disk any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstanceSpec {
    pub name: InstanceName,
    /// The service's place in its file, from 0. Decides port and colour.
    pub position: u32,
    /// The command as the user wrote it.
    pub command: String,
    /// `Procfile:4`, for messages.
    pub origin: String,
    pub launch: Launch,
    /// The port assigned to this instance, if any, and where the number comes from.
    pub port: Option<(u16, PortSource)>,
    pub policy: Policy,
}

/// Where a port number comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PortSource {
    /// base + step × position + instance step × number; the text says where the base comes from
    /// (`default`, `-p`, `PORT`, `OVR_PORT`, `.env:3`).
    Rule { base: String },
    /// Fixed in the configuration.
    Fixed { origin: String },
}

/// How to start the process. Goes to the shim as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Launch {
    /// Program and arguments; a Procfile's command is `[shell, "-c", command]`.
    pub argv: Vec<String>,
    pub cwd: PathBuf,
    /// The whole environment of the process; nothing is inherited.
    pub env: Variables,
}

/// The rules an instance lives by. The machine reads only this.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Whether a session's start brings it up (`-l`, `-x`, `disabled` leave it down).
    pub autostart: bool,
    pub stop: StopPlan,
    pub restart: RestartPolicy,
    pub end: EndPolicy,
    pub depends_on: Vec<Dependency>,
    pub readiness: Readiness,
    pub liveness: Option<Probe>,
    /// Codes besides 0 that count as success.
    pub success_codes: Vec<i32>,
}

/// How to stop a process: signal to its group, wait, kill its tree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StopPlan {
    pub signal: Signal,
    /// From the signal to SIGKILL.
    pub grace: Duration,
    /// A command to run first, in the service's environment; its end is waited for within the grace.
    pub command: Option<Vec<String>>,
}

impl Default for StopPlan {
    fn default() -> Self {
        Self {
            signal: Signal::INT,
            grace: Duration::from_secs(5),
            command: None,
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    Started,
    /// Ready by its probe; see [`Readiness`].
    Ready,
    Ended,
    EndedWell,
}

/// What makes an instance ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// Nobody said: it counts as ready when it runs, and is shown without a word about it.
    Unknown,
    /// A probe decides.
    Probe(Probe),
    /// The service says so itself: a line of its output or a message (`READY=1`).
    Told,
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
