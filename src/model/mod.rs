//! The nouns that every room shares: names, signals, exits, specs, states, runs, moments. Plain data with
//! its invariants; no IO, no clock, no policy.

mod exit;
mod ids;
pub mod mark;
mod moment;
mod name;
mod pattern;
mod signal;
mod spec;
mod state;
mod suggest;
pub mod time_text;
mod variables;

pub use exit::Exit;
pub use ids::{AskId, InstanceId, RunId};
pub use moment::Moment;
pub use name::{InstanceName, NameError, ServiceName};
pub use pattern::{Unmatched, select};
pub use signal::{Signal, UnknownSignal};
pub use spec::{
    Condition, Dependency, EndPolicy, InstanceSpec, Launch, Policy, PortSource, Probe, ProbeSchedule,
    Readiness, RestartPolicy, RestartWhen, StopPlan,
};
pub use state::{FailureReason, PendingWhy, SkipCause, State, StateWord};
pub use suggest::{no_such_service, suggest};
pub use variables::{CommonVariables, Variables};
