//! The pane's process, as a real process on a real pty, against a test that plays tmux and controller.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod controller;
mod elevated;
mod harness;
mod launching;
mod output;
mod processes;
mod starting;
mod stopping;
mod supplies;
mod surviving;
mod watchdog;
