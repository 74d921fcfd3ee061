//! `ovr check`: what can be typed, the shape of its JSON, and the behaviour.

use super::args::{Example, GlobalArgs, ProjectArgs};
use super::place::Place;
use super::plan::{Here, Plan};
use super::report;
use crate::api::messages::SCHEMA;
use crate::diag::{Diagnostic, Severity, exit_code};
use crate::model::InstanceSpec;
use clap::Args;
use serde::Serialize;
use std::process::ExitCode;

pub const EXAMPLES: &[Example] = &[
    ("ovr check", "all errors and warnings, each with its place"),
    ("ovr check -f Procfile.dev --json", "another file, for programs"),
];

/// Check the configuration and start nothing
///
/// Prints what `ovr start` would complain about. Exits with 0 when it would start, 78 when it would not.
#[derive(Args, Clone, Debug, Default)]
pub struct CheckArgs {
    #[command(flatten)]
    pub project: ProjectArgs,
    /// Print JSON: the documented shape, with `"schema": 1`
    #[arg(long)]
    pub json: bool,
}

/// What `ovr check --json` prints.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    pub schema: u32,
    /// Whether `ovr start` would start.
    pub ok: bool,
    pub services: Vec<CheckedService>,
    pub findings: Vec<Finding>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CheckedService {
    pub name: String,
    pub command: String,
    /// `Procfile:4`.
    pub origin: String,
    pub port: Option<u16>,
}

/// A [`Diagnostic`] for programs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// `error` or `warning`.
    pub severity: &'static str,
    /// One of [`crate::diag::Kind::code`].
    pub code: &'static str,
    pub message: String,
    pub path: Option<String>,
    /// From 1, as are columns.
    pub line: Option<usize>,
    pub column: Option<usize>,
    /// In characters.
    pub length: Option<usize>,
    pub hints: Vec<String>,
}

impl Report {
    pub fn new(services: Vec<CheckedService>, diagnostics: &[Diagnostic]) -> Self {
        Self {
            schema: SCHEMA,
            ok: diagnostics.iter().all(|d| d.severity < Severity::Error),
            services,
            findings: diagnostics.iter().map(Finding::from).collect(),
        }
    }
}

impl From<&Diagnostic> for Finding {
    fn from(diagnostic: &Diagnostic) -> Self {
        let span = diagnostic.span.as_ref();
        Self {
            severity: match diagnostic.severity {
                Severity::Warning => "warning",
                Severity::Error => "error",
            },
            code: diagnostic.kind.code(),
            message: diagnostic.message.clone(),
            path: span.map(|span| span.source.path.display().to_string()),
            line: span.map(|span| span.line),
            column: span.map(|span| span.column),
            length: span.map(|span| span.length),
            hints: diagnostic.hints.clone(),
        }
    }
}

/// Reads the configuration and prints what is wrong with it.
pub fn cmd_check(global: &GlobalArgs, args: &CheckArgs) -> Result<ExitCode, Diagnostic> {
    Place::refuse_typed_address(global, "check")?;
    let here = Here::look()?;
    let (services, problems, config) = match Plan::make(&here, &args.project.as_start()) {
        Ok(plan) => {
            let config = plan.project.config.path.display().to_string();
            let services = plan.instances.iter().map(CheckedService::from).collect();
            (services, plan.warnings, config)
        }
        Err(problems) => (Vec::new(), problems, String::new()),
    };
    let failed = problems
        .iter()
        .find(|problem| problem.severity == Severity::Error);
    let code = failed.map_or(exit_code::OK, |problem| problem.kind.exit_code());
    if args.json {
        report::print_json(&Report::new(services, &problems))?;
        let errors = problems
            .iter()
            .filter(|problem| problem.severity == Severity::Error);
        errors.for_each(report::print);
        return Ok(ExitCode::from(code));
    }
    problems.iter().for_each(report::print);
    if code == exit_code::OK {
        let names: Vec<&str> = services.iter().map(|service| service.name.as_str()).collect();
        report::print_out(&format!("{config} is sound: {}\n", names.join(", ")))?;
    }
    Ok(ExitCode::from(code))
}

impl From<&InstanceSpec> for CheckedService {
    fn from(spec: &InstanceSpec) -> Self {
        Self {
            name: spec.name.to_string(),
            command: spec.command.clone(),
            origin: spec.origin.clone(),
            port: spec.port.as_ref().map(|(port, _)| *port),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Report;
    use crate::diag::{Diagnostic, Kind, Source, Span};
    use std::sync::Arc;

    #[test]
    fn a_warning_leaves_the_report_ok_and_an_error_does_not() {
        let warning = Diagnostic::warning(Kind::Config, "odd").at(Span {
            source: Arc::new(Source::new("Procfile", "x")),
            line: 2,
            column: 3,
            length: 4,
        });
        let report = Report::new(Vec::new(), std::slice::from_ref(&warning));
        assert_eq!(
            serde_json::to_string(&report).unwrap(),
            r#"{"schema":1,"ok":true,"services":[],"findings":[{"severity":"warning","code":"config","message":"odd","path":"Procfile","line":2,"column":3,"length":4,"hints":[]}]}"#
        );
        let report = Report::new(Vec::new(), &[warning, Diagnostic::error(Kind::Config, "bad")]);
        assert!(!report.ok);
        assert_eq!(report.findings[1].line, None);
    }
}
