//! `ovr quit`: what can be typed, and the behaviour.

use super::args::{Example, GlobalArgs};
use crate::diag::{Diagnostic, Kind as ErrorKind};
use clap::Args;
use std::process::ExitCode;

pub const EXAMPLES: &[Example] = &[("ovr quit", "what Ctrl-C does in the terminal of `ovr start`")];

/// Stop all services and end the session
///
/// Returns when every process is gone, and says what it stopped.
#[derive(Args, Clone, Debug, Default)]
pub struct QuitArgs {}

/// Ends the session of this project.
pub fn cmd_quit(_global: &GlobalArgs, _args: &QuitArgs) -> Result<ExitCode, Diagnostic> {
    Err(Diagnostic::error(
        ErrorKind::System,
        "`ovr quit` is not built yet",
    ))
}
