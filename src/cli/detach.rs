//! `ovr detach`: what can be typed, and the behaviour.

use super::args::{Example, GlobalArgs};
use super::{report, session};
use crate::diag::Diagnostic;
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
pub fn cmd_detach(global: &GlobalArgs, _args: &DetachArgs) -> Result<ExitCode, Diagnostic> {
    let client = session::reach(global)?;
    let detached = client.detach()?;
    report::print_out(&format!(
        "the session goes on in the background (pid {}) · ovr echo follows it · ovr quit ends it\n",
        detached.pid
    ))?;
    Ok(ExitCode::SUCCESS)
}
