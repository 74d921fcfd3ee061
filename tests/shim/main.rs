//! The pane's process, as a real process on a real pty, against a test that plays tmux and controller.

#![cfg_attr(
    target_os = "linux",
    expect(clippy::unwrap_used, reason = "a test fails by panicking")
)]
#![cfg(target_os = "linux")]

mod controller;
mod elevated;
mod harness;
mod launching;
mod output;
mod processes;
mod starting;
mod stopping;
mod stream;
mod supplies;
mod surviving;
mod watchdog;
