//! `ovr ls`: what can be typed, and the behaviour. The table is `show`'s.

use super::args::{Example, GlobalArgs};
use crate::api::messages::{SCHEMA, Session};
use crate::diag::{Diagnostic, Kind as ErrorKind};
use clap::Args;
use serde::Serialize;
use std::process::ExitCode;

pub const EXAMPLES: &[Example] = &[
    ("ovr ls", "project, state, age and path of each session"),
    ("ovr ls --json", "for programs"),
];

/// List the sessions of this machine
///
/// From any directory; only your own.
#[derive(Args, Clone, Debug, Default)]
pub struct LsArgs {
    /// Print JSON: the documented shape, with `"schema": 1`
    #[arg(long)]
    pub json: bool,
}

/// What `ovr ls --json` prints.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Listing {
    pub schema: u32,
    pub sessions: Vec<Session>,
}

impl Listing {
    pub fn new(sessions: Vec<Session>) -> Self {
        Self {
            schema: SCHEMA,
            sessions,
        }
    }
}

/// Prints every live session.
pub fn cmd_ls(_global: &GlobalArgs, _args: &LsArgs) -> Result<ExitCode, Diagnostic> {
    Err(Diagnostic::error(ErrorKind::System, "`ovr ls` is not built yet"))
}
