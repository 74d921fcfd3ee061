//! `ovr config`: what can be typed, the shape of its output, and the behaviour.

use super::args::{Example, GlobalArgs, ProjectArgs};
use super::beside::Meant;
use super::plan::{Here, shown_configuration};
use super::start::StartArgs;
use super::{elsewhere, report};
use crate::api::client::Client;
use crate::api::messages::{Configuration, Finding, SCHEMA};
use crate::config::yaml::Shown;
use crate::diag::{Diagnostic, Severity};
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
/// filled in. Starts nothing and runs no command. Where a session runs, of its files; what -f or -d names goes before.
/// With -s tcp://HOST:PORT, the files of this session.
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
    let merged = match elsewhere::ask_files(global, &args.project, Client::config)? {
        Some(merged) => merged,
        None => merge_here(global, &args.project)?,
    };
    let problems: Vec<Diagnostic> = merged.findings.iter().map(Diagnostic::from).collect();
    let code = report::report_all(&problems);
    if problems.iter().any(|problem| problem.severity == Severity::Error) {
        return Ok(code);
    }
    if args.json {
        report::print_json(&Merged {
            schema: SCHEMA,
            config: merged.config,
            sources: merged.sources,
        })?;
    } else {
        report::print_out(&merged.yaml)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The files that are meant here as one.
fn merge_here(global: &GlobalArgs, project: &ProjectArgs) -> Result<Configuration, Diagnostic> {
    let here = Here::look()?;
    let meant = Meant::find(global, &here, project)?;
    Ok(merge(&here, &meant.start))
}

/// The files of this start as one.
pub(super) fn merge(here: &Here, start: &StartArgs) -> Configuration {
    let mut problems = Vec::new();
    let shown = shown_configuration(here, start, &mut problems);
    let shown = shown.as_ref();
    Configuration {
        schema: SCHEMA,
        config: shown.map_or(serde_json::Value::Null, Shown::json),
        sources: shown.map(Shown::sources).unwrap_or_default(),
        yaml: shown.map(Shown::yaml).unwrap_or_default(),
        findings: problems.iter().map(Finding::from).collect(),
    }
}
