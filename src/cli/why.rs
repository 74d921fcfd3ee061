//! `ovr why`: what can be typed, and the behaviour. The text is `show`'s.

use super::args::{Example, GlobalArgs};
use super::complete::{self, Kind};
use super::health::Health;
use super::{report, session, show, style};
use crate::diag::Diagnostic;
use clap::Args;
use std::process::ExitCode;

pub const EXAMPLES: &[Example] = &[
    ("ovr why api", "what api waits for, or what ended it"),
    ("ovr why api --json", "for programs and agents"),
];

/// Explain why a service is as it is
///
/// What it is and since when, what it waits for and what that waits for, who started or stopped it, how its last run
/// ended with its last lines, what its probes last found wrong, and what to type next. Exits as `ovr status` does,
/// for this service alone.
#[derive(Args, Clone, Debug, Default)]
pub struct WhyArgs {
    /// The service (`web`) or instance (`web#2`)
    #[arg(value_name = "NAME", required = true, add = complete::name(Kind::Any))]
    pub name: String,
    /// Print JSON: the documented shape, with `"schema": 1`
    #[arg(long)]
    pub json: bool,
}

/// Prints what the session knows about one service.
pub fn cmd_why(global: &GlobalArgs, args: &WhyArgs) -> Result<ExitCode, Diagnostic> {
    let client = session::reach(global)?;
    let why = client.why(&args.name)?;
    if args.json {
        report::print_json(&why)?;
    } else {
        report::print_out(&show::why::why(&why, style::Paint::for_stdout()))?;
    }
    Ok(Health::of(&why.service).code())
}
