//! The integration tests: the real `ovr` against a real tmux, one module a theme. Each test has a project, a home,
//! a runtime directory and tmux sockets of its own, so all run side by side; at the end of each the process table
//! must be as it was (`harness`).

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod harness;
mod restart;
mod start;
mod stop;
