//! `ovr` runs the services of a project, each in a tmux window of its own.
//!
//! The rooms below are ordered low to high; `tests/layout.rs` checks who may import whom, and
//! `docs/ARCHITECTURE.md` tells what each is for. The library exists for the program and its tests; it
//! promises no stable API.

pub mod api;
pub mod cli;
pub mod config;
pub mod controller;
pub mod cron;
pub mod diag;
pub mod logs;
pub mod mcp;
pub mod model;
pub mod nats;
pub mod platform;
pub mod ports;
pub mod probes;
pub mod shim;
pub mod supervisor;
mod thrift;
mod tls;
pub mod tmux;
pub mod workspace;
