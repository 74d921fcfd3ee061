//! `ovr detach`: what can be typed, and the behaviour.

use super::args::{Example, GlobalArgs};
use crate::diag::{Diagnostic, Kind as ErrorKind};
use clap::Args;
use std::process::ExitCode;

pub const EXAMPLES: &[Example] = &[("ovr detach", "the terminal of `ovr start` gets its prompt back")];

/// Move a foreground session to the background
///
/// Typed in a second terminal. The services run on as they are; `ovr echo` follows their output again, and
/// `ovr quit` ends the session.
#[derive(Args, Clone, Debug, Default)]
pub struct DetachArgs {}

/// Hands the session to a detached controller.
pub fn cmd_detach(_global: &GlobalArgs, _args: &DetachArgs) -> Result<ExitCode, Diagnostic> {
    Err(Diagnostic::error(
        ErrorKind::System,
        "`ovr detach` is not built yet",
    ))
}
