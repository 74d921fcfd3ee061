//! `ovr kill`: what can be typed, and the behaviour.

use super::args::{Example, GlobalArgs, LiveNames, Namespaces};
use super::session;
use crate::api::call::Verb;
use crate::api::messages::Request;
use crate::diag::Diagnostic;
use clap::Args;
use std::process::ExitCode;

pub const EXAMPLES: &[Example] = &[("ovr kill worker", "end worker without asking it to stop")];

/// Kill services with all their processes, at once
///
/// Sends KILL to the whole tree of processes, for what does not stop otherwise. The service stays down until
/// `ovr start` or `ovr restart`, and the session goes on.
#[derive(Args, Clone, Debug, Default)]
pub struct KillArgs {
    #[command(flatten)]
    pub target: LiveNames,
    #[command(flatten)]
    pub groups: Namespaces,
    /// Return at once, do not wait until it is done
    #[arg(long)]
    pub no_wait: bool,
}

/// Kills and prints a line for each service.
pub fn cmd_kill(global: &GlobalArgs, args: &KillArgs) -> Result<ExitCode, Diagnostic> {
    let request = Request {
        names: args.target.names.clone(),
        namespaces: args.groups.namespace.clone(),
        no_wait: args.no_wait,
        ..Request::default()
    };
    session::act(global, Verb::Kill, &request)
}
