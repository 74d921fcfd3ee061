//! `ovr run`: what can be typed, and the behaviour.

use super::args::{Example, GlobalArgs, ProjectArgs};
use super::complete::{self, Kind};
use crate::diag::{Diagnostic, Kind as ErrorKind};
use clap::{Args, ValueHint};
use std::process::ExitCode;

pub const EXAMPLES: &[Example] = &[
    (
        "ovr run bin/migrate --all",
        "with the variables that all services get",
    ),
    ("ovr run --service web env", "with web's own, its PORT among them"),
];

/// Run a command in the environment of the services
///
/// In this terminal, in the current directory, whether the services run or not. Exits with the command's
/// own exit code.
#[derive(Args, Clone, Debug, Default)]
pub struct RunArgs {
    /// Use the environment of this service
    #[arg(long, value_name = "NAME", add = complete::name(Kind::Configured))]
    pub service: Option<String>,
    #[command(flatten)]
    pub project: ProjectArgs,
    /// The command and its arguments
    #[arg(value_name = "COMMAND", required = true, trailing_var_arg = true, allow_hyphen_values = true, value_hint = ValueHint::CommandWithArguments)]
    pub command: Vec<String>,
}

/// Runs the command and mirrors its exit code.
pub fn cmd_run(_global: &GlobalArgs, _args: &RunArgs) -> Result<ExitCode, Diagnostic> {
    Err(Diagnostic::error(ErrorKind::System, "`ovr run` is not built yet"))
}
