//! The integration tests: the real `ovr` against a real tmux, one module a theme. Each test has a project, a home,
//! a runtime directory and tmux sockets of its own, so all run side by side; at the end of each the process table
//! must be as it was (`harness`).

#![cfg_attr(
    target_os = "linux",
    expect(clippy::unwrap_used, reason = "a test fails by panicking")
)]
#![cfg(target_os = "linux")]

mod adoption;
mod agents;
mod api;
mod beside;
mod change;
mod clean;
mod coming_up;
mod completion;
mod compose_clients;
mod configurations;
mod conformance;
mod connect;
mod dependencies;
mod detach;
mod endings;
mod env;
mod env_cmds;
mod errors;
mod events;
mod exit_codes;
mod faults;
mod followers;
mod found_ends;
mod harness;
mod hostile;
mod kept_options;
mod lane;
mod leaving;
mod leftover_files;
mod logs;
mod logs_api;
mod logs_faults;
mod lost_files;
mod names;
mod nats;
mod open_files;
mod opening;
mod output;
mod ports;
mod probes;
mod readme;
mod restart;
mod run_command;
mod scarcity;
mod start;
mod status;
mod status_watch;
mod stop;
mod takeover_faults;
mod triggers;
mod two_projects;
mod waiting;
mod why;
mod wishes;
mod without_terminal;
