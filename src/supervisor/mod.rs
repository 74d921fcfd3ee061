//! The pure machine: who should run, when, what next. Intent is kept apart from observation; every change
//! marks dirty and one `reconcile` moves each instance a step. No clock, IO, threads, randomness, hash order.
//!
//! Use: [`Machine::handle`] an event, drain [`Machine::poll_action`], wait until [`Machine::next_deadline`].
//! `docs/design/machine.md` tells the rules and why they are so.

// A new state or event must be a compile error wherever it matters.
#![deny(clippy::wildcard_enum_match_arm)]

mod adoption;
mod asks;
mod deps;
mod ending;
mod event;
mod instance;
mod intents;
#[cfg(debug_assertions)]
mod invariants;
mod launched;
mod machine;
mod probes;
mod probing;
mod readiness;
mod reconcile;
mod reconfigure;
mod reports;
mod restart;
#[cfg(test)]
mod sim;
#[cfg(test)]
mod tests;
mod timers;
mod triggers;
mod why;

pub use deps::SetupError;
pub use event::{
    Action, Answer, Condemned, Declared, EndCause, Event, Intent, ProbeKind, QuitWhy, Trigger, Triggered,
    Verb,
};
pub use instance::Cause;
pub use machine::Machine;
pub use why::Why;
