//! `ovr restart`: what can be typed, and the behaviour.

use super::args::{AnyNames, Example, GlobalArgs, Namespaces};
use super::session;
use crate::api::call::Verb;
use crate::api::messages::Request;
use crate::diag::Diagnostic;
use clap::Args;
use std::process::ExitCode;

pub const EXAMPLES: &[Example] = &[
    ("ovr restart api", "restart api while the rest runs on"),
    ("ovr restart 'side*' web#2", "by pattern, and one instance"),
    ("ovr restart -n backend", "what is in this namespace"),
    ("ovr restart", "every service"),
];

/// Restart services
///
/// Stops each by its stop plan and starts it again; one that is stopped or has ended just starts. Returns when
/// the new processes run (and are ready, where something says what ready means), with a line for each.
#[derive(Args, Clone, Debug, Default)]
pub struct RestartArgs {
    #[command(flatten)]
    pub target: AnyNames,
    #[command(flatten)]
    pub groups: Namespaces,
    /// Restart exactly these: what they need is neither started nor waited for
    #[arg(long)]
    pub no_deps: bool,
    /// Return at once, do not wait until it is done
    #[arg(long)]
    pub no_wait: bool,
}

/// Restarts and prints a line for each service.
pub fn cmd_restart(global: &GlobalArgs, args: &RestartArgs) -> Result<ExitCode, Diagnostic> {
    let request = Request {
        names: args.target.names.clone(),
        namespaces: args.groups.namespace.clone(),
        no_wait: args.no_wait,
        no_deps: args.no_deps,
        ..Request::default()
    };
    session::act(global, Verb::Restart, &request)
}
