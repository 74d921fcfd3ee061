//! `ovr run`: what can be typed, and the behaviour.

use super::args::{Example, GlobalArgs, ProjectArgs};
use super::beside::Meant;
use super::complete::{self, Kind};
use super::plan::Here;
use super::{elsewhere, report, run_remote};
use crate::api::Peer;
use crate::diag::{Diagnostic, Kind as ErrorCause, exit_code};
use crate::model::{Exit, Signal, Variables};
use clap::{Args, ValueHint};
use std::io::ErrorKind;
use std::os::unix::process::ExitStatusExt;
use std::process::Command;
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
/// own exit code. Where a session runs, its files and options count, with its ports; what -f or -d names goes
/// before.
///
/// At a session on TCP (-s tcp://HOST:PORT) the command runs on the session's machine, in the project's root, and
/// its input and output are here. It ends when this one does, with all that it has started.
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
pub fn cmd_run(global: &GlobalArgs, args: &RunArgs) -> Result<ExitCode, Diagnostic> {
    if let Some(client) = elsewhere::client_for_files(global, &args.project)?
        && let Peer::Tcp(remote) = client.peer()
    {
        return run_remote::run(remote, args);
    }
    let here = Here::look()?;
    let plan = match Meant::find(global, &here, &args.project)?.plan(&here) {
        Ok(plan) => plan,
        Err(problems) => return Ok(report::report_all(&problems)),
    };
    let environment: Variables = match &args.service {
        Some(name) => plan.instance(name)?.launch.env.clone(),
        None => plan.common_environment(),
    };
    let (program, arguments) = args.command.split_first().expect("clap demands a command");
    let mut command = Command::new(program);
    command.args(arguments).env_clear().envs(environment.iter());
    // The command's end is the answer to signals from the keyboard, which reach it as well.
    let ignored = ignore_keyboard_signals()?;
    let status = match command.status() {
        Ok(status) => status,
        Err(error) => return Ok(cannot_run(program, &error)),
    };
    drop(ignored);
    let exit = match (status.code(), status.signal().and_then(Signal::from_number)) {
        (Some(code), _) => Exit::Code(code),
        (None, Some(signal)) => Exit::Signal(signal),
        (None, None) => Exit::Code(i32::from(exit_code::FAILURE)),
    };
    Ok(ExitCode::from(exit.shell_code()))
}

/// Lets Ctrl-C and Ctrl-\\ pass by this process. The handlers do nothing; unlike "ignored", they are not
/// inherited by the command.
fn ignore_keyboard_signals() -> Result<signal_hook::iterator::Signals, Diagnostic> {
    signal_hook::iterator::Signals::new([signal_hook::consts::SIGINT, signal_hook::consts::SIGQUIT]).map_err(
        |error| Diagnostic::error(ErrorCause::System, "cannot listen to signals").cause(error.to_string()),
    )
}

/// Says why, and ends as a shell does: 127 for a program that is not there, 126 for one that cannot be run.
fn cannot_run(program: &str, error: &std::io::Error) -> ExitCode {
    let (code, message) = match error.kind() {
        ErrorKind::NotFound => (exit_code::COMMAND_NOT_FOUND, format!("{program}: not found")),
        _ => (exit_code::CANNOT_RUN_COMMAND, format!("{program} cannot be run")),
    };
    report::print(&Diagnostic::error(ErrorCause::Usage, message).cause(error.to_string()));
    ExitCode::from(code)
}
