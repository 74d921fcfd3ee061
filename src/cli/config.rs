//! `ovr config`: what can be typed, the shape of its output, and the behaviour.

use super::args::{Example, GlobalArgs, ProjectArgs};
use super::place::Place;
use super::plan::{Here, shown_configuration};
use super::report;
use crate::api::messages::SCHEMA;
use crate::diag::Diagnostic;
use clap::Args;
use serde::Serialize;
use std::collections::BTreeMap;
use std::process::ExitCode;

pub const EXAMPLES: &[Example] = &[
    ("ovr config", "all files as one, and where each value stands"),
    ("ovr config --json | jq .config", "the same for programs"),
];

/// Print the configuration as one, with the place of each value
///
/// All files merged, `extends` and overrides followed, `${NAME}` replaced; templates and defaults are not
/// filled in. Starts nothing and runs no command.
#[derive(Args, Clone, Debug, Default)]
pub struct ConfigArgs {
    #[command(flatten)]
    pub project: ProjectArgs,
    /// Print JSON: the documented shape, with `"schema": 1`
    #[arg(long)]
    pub json: bool,
}

/// What `ovr config --json` prints.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Merged {
    pub schema: u32,
    pub config: serde_json::Value,
    /// `ovr.yaml:3` for each value, by its JSON pointer.
    pub sources: BTreeMap<String, String>,
}

/// Prints the merged configuration; its mistakes go to standard error.
pub fn cmd_config(global: &GlobalArgs, args: &ConfigArgs) -> Result<ExitCode, Diagnostic> {
    Place::refuse_typed_address(global, "config")?;
    let here = Here::look()?;
    let mut problems = Vec::new();
    let Some(shown) = shown_configuration(&here, &args.project.as_start(), &mut problems) else {
        return Ok(report::report_all(&problems));
    };
    problems.iter().for_each(report::print);
    if args.json {
        report::print_json(&Merged {
            schema: SCHEMA,
            config: shown.json(),
            sources: shown.sources(),
        })?;
    } else {
        report::print_out(&shown.yaml())?;
    }
    Ok(ExitCode::SUCCESS)
}
