//! `ovr check`: what can be typed, and the behaviour.

use super::args::{Example, GlobalArgs, ProjectArgs};
use super::beside::Meant;
use super::plan::{Here, Plan};
use super::start::StartArgs;
use super::{elsewhere, report};
use crate::api::client::Client;
use crate::api::messages::{Checked, CheckedService, Finding, SCHEMA};
use crate::diag::{Diagnostic, Severity, exit_code};
use crate::model::InstanceSpec;
use clap::Args;
use std::process::ExitCode;

pub const EXAMPLES: &[Example] = &[
    ("ovr check", "all errors and warnings, each with its place"),
    ("ovr check -f Procfile.dev --json", "another file, for programs"),
];

/// Check the configuration and start nothing
///
/// Prints what `ovr start` would complain about. Exits with 0 when it would start, 78 when it would not. Where a
/// session runs, what `ovr reload` would, of the session's files as they are now; what -f or -d names goes before.
/// So it is with -s tcp://HOST:PORT, on the session's machine.
#[derive(Args, Clone, Debug, Default)]
pub struct CheckArgs {
    #[command(flatten)]
    pub project: ProjectArgs,
    /// Print JSON: the documented shape, with `"schema": 1`
    #[arg(long)]
    pub json: bool,
}

/// Reads the configuration and prints what is wrong with it.
pub fn cmd_check(global: &GlobalArgs, args: &CheckArgs) -> Result<ExitCode, Diagnostic> {
    let checked = match elsewhere::ask_files(global, &args.project, Client::check)? {
        Some(checked) => checked,
        None => check_here(global, &args.project)?,
    };
    let problems: Vec<Diagnostic> = checked.findings.iter().map(Diagnostic::from).collect();
    let errors = problems
        .iter()
        .filter(|problem| problem.severity == Severity::Error);
    let code = errors
        .clone()
        .next()
        .map_or(exit_code::OK, |problem| problem.kind.exit_code());
    if args.json {
        report::print_json(&checked)?;
        errors.for_each(report::print);
        return Ok(ExitCode::from(code));
    }
    problems.iter().for_each(report::print);
    if code == exit_code::OK {
        let names: Vec<&str> = checked
            .services
            .iter()
            .map(|service| service.name.as_str())
            .collect();
        let config = checked.config.unwrap_or_default();
        report::print_out(&format!("{config} is sound: {}\n", names.join(", ")))?;
    }
    Ok(ExitCode::from(code))
}

/// What is wrong with the files that are meant here; that there are none, too.
fn check_here(global: &GlobalArgs, project: &ProjectArgs) -> Result<Checked, Diagnostic> {
    let here = Here::look()?;
    Ok(match Meant::find(global, &here, project) {
        Ok(meant) => check(&here, &meant.start),
        Err(error) => checked(Vec::new(), &[error], None),
    })
}

/// What is wrong with the files of this start.
pub(super) fn check(here: &Here, start: &StartArgs) -> Checked {
    let (services, problems, config) = match Plan::make(here, start) {
        Ok(plan) => {
            let config = plan.project.config.path.display().to_string();
            let services = plan.instances.iter().map(CheckedService::from).collect();
            (services, plan.warnings, Some(config))
        }
        Err(problems) => (Vec::new(), problems, None),
    };
    checked(services, &problems, config)
}

fn checked(services: Vec<CheckedService>, problems: &[Diagnostic], config: Option<String>) -> Checked {
    Checked {
        schema: SCHEMA,
        ok: problems.iter().all(|problem| problem.severity < Severity::Error),
        services,
        findings: problems.iter().map(Finding::from).collect(),
        config,
    }
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
    use super::checked;
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
        let told = checked(
            Vec::new(),
            std::slice::from_ref(&warning),
            Some("Procfile".into()),
        );
        assert_eq!(
            serde_json::to_string(&told).unwrap(),
            r#"{"schema":1,"ok":true,"services":[],"findings":[{"severity":"warning","code":"config","message":"odd","path":"Procfile","line":2,"column":3,"length":4,"hints":[],"causes":[],"text":""}],"config":"Procfile"}"#
        );
        let told = checked(
            Vec::new(),
            &[warning, Diagnostic::error(Kind::Config, "bad")],
            None,
        );
        assert!(!told.ok);
        assert_eq!(told.findings[1].line, None);
    }
}
