//! `ovr quit`: what can be typed, and the behaviour.

use super::args::{Example, GlobalArgs};
use super::session::ProcessEnd;
use super::{report, session};
use crate::api::messages::Outcome;
use crate::diag::Diagnostic;
use clap::Args;
use std::process::ExitCode;

pub const EXAMPLES: &[Example] = &[("ovr quit", "what Ctrl-C does in the terminal of `ovr start`")];

/// Stop all services and end the session
///
/// Returns when every process is gone, and says what it stopped.
#[derive(Args, Clone, Debug, Default)]
pub struct QuitArgs {}

/// Ends the session of this project.
pub fn cmd_quit(global: &GlobalArgs, _args: &QuitArgs) -> Result<ExitCode, Diagnostic> {
    let (entry, client) = session::find(global)?;
    let (project, controller) = (
        client.status()?.session.project,
        entry.pid().and_then(ProcessEnd::watch),
    );
    let mut results = client.quit()?;
    // Gone means gone: also for whoever looks at the process table next.
    controller.inspect(ProcessEnd::wait);
    // What did not run needs no line.
    results
        .results
        .retain(|result| result.outcome != Outcome::AlreadyStopped);
    session::print_results(&results)?;
    report::print_out(&format!("{project} ended\n"))?;
    Ok(session::code_of(&results))
}
