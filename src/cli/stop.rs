//! `ovr stop`: what can be typed, and the behaviour.

use super::args::{Example, GlobalArgs, LiveNames, Namespaces};
use super::session;
use crate::api::call::Verb;
use crate::api::messages::Request;
use crate::diag::Diagnostic;
use clap::Args;
use std::process::ExitCode;

pub const EXAMPLES: &[Example] = &[
    ("ovr stop worker", "stop one service"),
    ("ovr stop", "stop all; `ovr start NAME` brings one back"),
];

/// Stop services and keep the session
///
/// Sends the stop signal (INT, or what -i says), waits, and kills what is left after the timeout. A stopped
/// service stays down until `ovr start` or `ovr restart`. To end the session as well, use `ovr quit`.
#[derive(Args, Clone, Debug, Default)]
pub struct StopArgs {
    #[command(flatten)]
    pub target: LiveNames,
    #[command(flatten)]
    pub groups: Namespaces,
    /// Return at once, do not wait until it is done
    #[arg(long)]
    pub no_wait: bool,
}

/// Stops and prints a line for each service.
pub fn cmd_stop(global: &GlobalArgs, args: &StopArgs) -> Result<ExitCode, Diagnostic> {
    let request = Request {
        names: args.target.names.clone(),
        namespaces: args.groups.namespace.clone(),
        no_wait: args.no_wait,
        ..Request::default()
    };
    session::act(global, Verb::Stop, &request)
}
