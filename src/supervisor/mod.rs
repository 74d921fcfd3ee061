//! The pure machine: who should run, when, what next. Intent is kept apart from observation; every change
//! marks dirty and one `reconcile` moves each instance a step. No clock, IO, threads, randomness, hash order.
//!
//! Use: [`Machine::handle`] an event, drain [`Machine::poll_action`], wait until [`Machine::next_deadline`].

mod event;

pub use event::{Action, Answer, EndCause, Event, ProbeKind, QuitWhy, Verb};
