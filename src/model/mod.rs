//! The nouns that every room shares: names, signals, exits, specs, states, runs, moments. Plain data with
//! its invariants; no IO, no clock, no policy.

mod checks;
mod clip;
mod exit;
mod ids;
mod instances;
mod io_words;
mod log_file;
pub mod mark;
mod moment;
mod name;
mod namespaces;
mod pattern;
mod policy;
mod signal;
mod spec;
mod state;
mod suggest;
pub mod time_text;
mod variables;
mod verb;

pub use checks::{Check, Checks, Hooks, HttpCheck, Schedule, ScheduleWhen, Watch, WatchPath};
pub use clip::clipped;
pub use exit::Exit;
pub use ids::{AskId, InstanceId, RunId};
pub use instances::{MAX_INSTANCES, too_many_instances};
pub use io_words::io_words;
pub use log_file::{LogFile, LogPart, LogRotation};
pub use moment::Moment;
pub use name::{InstanceName, NameError, ServiceName};
pub use namespaces::in_namespaces;
pub use pattern::{Addressed, Unmatched, select};
pub use policy::{
    Condition, Dependency, EndPolicy, Policy, Probe, ProbeSchedule, Readiness, RestartPolicy, RestartWhen,
    StopPlan,
};
pub use signal::{Signal, UnknownSignal};
pub use spec::{DEFAULT_NAMESPACE, InstanceSpec, Launch, Limits, Listen, ListenAddress, PortSource};
pub use state::{FailureReason, PendingWhy, SkipCause, State, StateWord};
pub use suggest::{no_such_service, suggest};
pub use variables::{CommonVariables, Variables};
pub use verb::Verb;
