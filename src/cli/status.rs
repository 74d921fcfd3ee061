//! `ovr status`: what can be typed, and the behaviour. The table is `show`'s.

use super::args::{Example, GlobalArgs};
use crate::diag::{Diagnostic, Kind as ErrorKind};
use clap::Args;
use std::process::ExitCode;

pub const EXAMPLES: &[Example] = &[
    ("ovr status", "state, port, pid and age of every service"),
    ("ovr status --json | jq .services[0]", "for programs"),
    ("ovr status --short", "one line for a prompt: 3/4 web!"),
];

/// Show the state of every service
///
/// What needs a person is marked: `!` for a service that failed or is blocked, `?` for one that waits for
/// input. The last line then says what to type.
#[derive(Args, Clone, Debug, Default)]
pub struct StatusArgs {
    /// Print JSON: the documented shape, with `"schema": 1`
    #[arg(long, conflicts_with_all = ["short", "verbose"])]
    pub json: bool,
    /// Print one line for a shell prompt, and nothing when there is no session
    #[arg(long, conflicts_with = "verbose")]
    pub short: bool,
    /// Add commands, their origin, and where tmux and the runtime files are
    #[arg(short, long)]
    pub verbose: bool,
}

/// Prints the status of this project's session.
pub fn cmd_status(_global: &GlobalArgs, _args: &StatusArgs) -> Result<ExitCode, Diagnostic> {
    Err(Diagnostic::error(
        ErrorKind::System,
        "`ovr status` is not built yet",
    ))
}
