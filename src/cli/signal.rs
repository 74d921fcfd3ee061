//! `ovr signal`: what can be typed, and the behaviour.

use super::args::{Example, GlobalArgs, Namespaces};
use super::complete::{self, Kind};
use super::session;
use crate::api::call::Verb;
use crate::api::messages::Request;
use crate::diag::Diagnostic;
use crate::model::Signal;
use clap::Args;
use std::process::ExitCode;

pub const EXAMPLES: &[Example] = &[
    ("ovr signal HUP web", "make web read its configuration again"),
    ("ovr signal USR1 'worker*'", "to several, by pattern"),
];

/// Send a signal to services
///
/// It goes to each service's process group. What becomes of the service is its own affair: `ovr` still wants it
/// to run.
#[derive(Args, Clone, Debug)]
pub struct SignalArgs {
    /// The signal: HUP, SIGHUP or 1
    #[arg(value_name = "SIGNAL", add = complete::signals(), allow_negative_numbers = true)]
    pub signal: Signal,
    /// Services (`web`), instances (`web#2`), patterns (`'side*'`)
    #[arg(value_name = "NAME", required_unless_present = "namespace", add = complete::names(Kind::Live))]
    pub names: Vec<String>,
    #[command(flatten)]
    pub groups: Namespaces,
}

/// Sends the signal and prints a line for each service.
pub fn cmd_signal(global: &GlobalArgs, args: &SignalArgs) -> Result<ExitCode, Diagnostic> {
    let request = Request {
        names: args.names.clone(),
        namespaces: args.groups.namespace.clone(),
        ..Request::default()
    };
    session::act(global, Verb::Signal(args.signal), &request)
}
