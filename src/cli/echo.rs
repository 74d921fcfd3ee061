//! `ovr echo`: what can be typed, and the behaviour.

use super::args::{AnyNames, Example, GlobalArgs};
use crate::diag::{Diagnostic, Kind as ErrorKind};
use clap::Args;
use std::process::ExitCode;

pub const EXAMPLES: &[Example] = &[
    ("ovr echo", "the last 100 lines, then what comes"),
    (
        "ovr echo -n 20 web worker",
        "two services, from their last 20 lines on",
    ),
];

/// Follow the output of all services or some
///
/// Ctrl-C ends the following and nothing else.
#[derive(Args, Clone, Debug)]
pub struct EchoArgs {
    #[command(flatten)]
    pub target: AnyNames,
    /// Begin with so many earlier lines
    #[arg(short = 'n', long, value_name = "N", default_value_t = 100)]
    pub lines: usize,
}

/// Prints the merged output until it is interrupted or the session ends.
pub fn cmd_echo(_global: &GlobalArgs, _args: &EchoArgs) -> Result<ExitCode, Diagnostic> {
    Err(Diagnostic::error(
        ErrorKind::System,
        "`ovr echo` is not built yet",
    ))
}
