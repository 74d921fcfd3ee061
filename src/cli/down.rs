//! `ovr down`: what can be typed, and the behaviour.

use super::args::{Example, GlobalArgs};
use super::complete::{self, Kind};
use super::quit::{self, QuitArgs};
use super::session;
use crate::api::call::Verb;
use crate::api::messages::Request;
use crate::diag::Diagnostic;
use clap::Args;
use std::process::ExitCode;

pub const EXAMPLES: &[Example] = &[
    ("ovr down", "what `ovr quit` does"),
    ("ovr down web", "stop web; the session goes on"),
];

/// Stop what `ovr up` started
///
/// Without names, stops all services and ends the session, as `ovr quit` does. With names, stops just these, what
/// depends on others before these, and the session goes on.
#[derive(Args, Clone, Debug, Default)]
pub struct DownArgs {
    /// Stop just these
    #[arg(value_name = "NAME", add = complete::names(Kind::Live))]
    pub names: Vec<String>,
}

/// Ends the session, or stops some of its services.
pub fn cmd_down(global: &GlobalArgs, args: &DownArgs) -> Result<ExitCode, Diagnostic> {
    if args.names.is_empty() {
        quit::cmd_quit(global, &QuitArgs {})
    } else {
        let request = Request {
            names: args.names.clone(),
            ..Request::default()
        };
        session::act(global, Verb::Stop, &request)
    }
}
