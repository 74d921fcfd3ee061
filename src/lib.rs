//! `ovr` runs the services of a project, each in a tmux window of its own.
//!
//! The rooms below are ordered low to high; `tests/layout.rs` checks who may import whom, and
//! `docs/ARCHITECTURE.md` tells what each is for. The library exists for the program and its tests; it
//! promises no stable API.

use std::ffi::OsString;

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

/// Does what `ovr` starts for itself, if the words after the program's name say so: a pane's process (`shim …`), the
/// helper that hands a pane's pipe over (`lane …`), the parent of a command that somebody elsewhere has asked for
/// (`errand …`), what keeps a window that others are made in (`hold …`). They start fast and stay small: nothing else
/// may be touched before. Returns the exit code.
pub fn started_by_ovr(mut words: impl Iterator<Item = OsString>) -> Option<u8> {
    let what = words.next()?;
    if what == shim::SUBCOMMAND {
        Some(shim::main_from(words))
    } else if what == tmux::lane::SUBCOMMAND {
        Some(tmux::lane::main_from(words))
    } else if what == shim::errand::SUBCOMMAND {
        Some(shim::errand::main_from(words))
    } else if what == tmux::hold::SUBCOMMAND {
        Some(tmux::hold::main_from(words))
    } else {
        None
    }
}
