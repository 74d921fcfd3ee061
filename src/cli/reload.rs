//! `ovr reload`: what can be typed, and the behaviour.

use super::args::{Example, GlobalArgs};
use super::{report, session, show, style};
use crate::api::messages::{Outcome, Reloaded};
use crate::diag::{Diagnostic, exit_code};
use clap::Args;
use std::process::ExitCode;

pub const EXAMPLES: &[Example] = &[("ovr reload", "after an edit: restart what changed, and only that")];

/// Take over what the configuration says now
///
/// Reads the files again. What is new is started, what is gone is stopped, and what is started in another way now
/// (command, environment, directory, port) is restarted; everything else keeps its process. A service that was
/// stopped stays stopped. If the configuration has errors, nothing changes.
#[derive(Args, Clone, Debug, Default)]
pub struct ReloadArgs {}

/// Reloads and prints a line for each change.
pub fn cmd_reload(global: &GlobalArgs, _args: &ReloadArgs) -> Result<ExitCode, Diagnostic> {
    let client = session::reach(global)?;
    print(&client.reload()?)
}

/// Prints what changed; the exit code says whether all of it went well.
pub fn print(reloaded: &Reloaded) -> Result<ExitCode, Diagnostic> {
    report::print_out(&show::changes::changes(reloaded, style::Paint::for_stdout()))?;
    Ok(code_of(reloaded))
}

pub fn code_of(reloaded: &Reloaded) -> ExitCode {
    let results = reloaded
        .changes
        .iter()
        .filter_map(|change| change.result.as_ref());
    let all_well = results.map(|result| result.outcome).all(Outcome::is_success);
    ExitCode::from(if all_well {
        exit_code::OK
    } else {
        exit_code::SERVICE_FAILED
    })
}
