//! `ovr connect`: what can be typed, and the behaviour.

use super::args::{Example, GlobalArgs};
use super::complete::{self, Kind};
use crate::diag::{Diagnostic, Kind as ErrorKind};
use clap::Args;
use std::process::ExitCode;

pub const EXAMPLES: &[Example] = &[
    ("ovr connect web", "type into web; Ctrl-b d leaves it"),
    ("ovr connect -r web", "only look"),
    ("ovr c", "the first service"),
];

/// Open the live terminal of a service
///
/// What you type goes to the service. The last line of the window always shows the key that leaves it; the
/// service runs on. Each terminal has a view of its own, so two can look at two services. In the window of
/// a service that has ended, Enter starts it again.
#[derive(Args, Clone, Debug, Default)]
pub struct ConnectArgs {
    /// The service (`web`) or instance (`web#2`); none means the first
    #[arg(value_name = "NAME", add = complete::name(Kind::Any))]
    pub name: Option<String>,
    /// Look without typing: keys do not reach the service
    #[arg(short, long)]
    pub read_only: bool,
    /// Speak tmux's control mode, for terminals that draw the windows themselves
    #[arg(short = 'c', long, alias = "control")]
    pub control_mode: bool,
}

/// Attaches this terminal to the service's window, and returns when it is left.
pub fn cmd_connect(_global: &GlobalArgs, _args: &ConnectArgs) -> Result<ExitCode, Diagnostic> {
    Err(Diagnostic::error(
        ErrorKind::System,
        "`ovr connect` is not built yet",
    ))
}
