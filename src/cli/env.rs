//! `ovr env`: what can be typed, the shapes of its output, and the behaviour.

use super::args::{Example, GlobalArgs, ProjectArgs};
use super::complete::{self, Kind};
use super::place::Place;
use super::plan::{Here, Plan};
use super::report;
use super::style::{plain, push_line};
use super::table::pairs;
use crate::api::messages::SCHEMA;
use crate::config::environment::Explained;
use crate::diag::Diagnostic;
use clap::Args;
use serde::Serialize;
use std::process::ExitCode;

pub const EXAMPLES: &[Example] = &[
    ("ovr env web", "what web gets, ready for a shell to read"),
    ("ovr env web --explain", "and where each value comes from"),
];

/// Print the environment of the services
///
/// Without a name, what all of them share.
#[derive(Args, Clone, Debug, Default)]
pub struct EnvArgs {
    /// The service whose environment to print
    #[arg(value_name = "NAME", add = complete::name(Kind::Configured))]
    pub service: Option<String>,
    #[command(flatten)]
    pub project: ProjectArgs,
    /// Say where each value comes from
    #[arg(long)]
    pub explain: bool,
    /// Print JSON: the documented shape, with `"schema": 1`
    #[arg(long)]
    pub json: bool,
}

/// What `ovr env --json` prints.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Environment {
    pub schema: u32,
    pub service: Option<String>,
    pub variables: Vec<Explained>,
}

impl Environment {
    pub fn new(service: Option<String>, variables: Vec<Explained>) -> Self {
        Self {
            schema: SCHEMA,
            service,
            variables,
        }
    }

    /// One `NAME=value` a line, quoted for a POSIX shell where that is needed.
    pub fn plain(&self) -> String {
        let mut out = String::new();
        for variable in &self.variables {
            push_line(
                &mut out,
                &format!("{}={}", variable.name, quoted(&variable.value)),
            );
        }
        out
    }

    /// The same with the source of each value before it, and below it what it overrides.
    pub fn explained(&self) -> String {
        let mut lines = Vec::new();
        for variable in &self.variables {
            let assignment = format!("{}={}", variable.name, quoted(&variable.value));
            lines.push((plain(&variable.source), plain(&assignment)));
            for lost in &variable.overrides {
                let text = format!("  instead of {}, from {}", quoted(&lost.value), lost.source);
                lines.push((String::new(), plain(&text)));
            }
        }
        pairs(&lines, 0)
    }
}

fn quoted(value: &str) -> String {
    let harmless = |c: char| c.is_ascii_alphanumeric() || "_-./:,+@%".contains(c);
    if value.chars().all(harmless) {
        return value.to_owned();
    }
    format!("'{}'", value.replace('\'', r"'\''"))
}

/// Prints the environment of a service, or what all share.
pub fn cmd_env(global: &GlobalArgs, args: &EnvArgs) -> Result<ExitCode, Diagnostic> {
    Place::refuse_typed_address(global, "env")?;
    let here = Here::look()?;
    let plan = match Plan::make(&here, &args.project.as_start()) {
        Ok(plan) => plan,
        Err(problems) => return Ok(report::report_all(&problems)),
    };
    let variables = match &args.service {
        Some(name) => plan.explain_instance(name)?,
        None => plan.explain_common(),
    };
    let environment = Environment::new(args.service.clone(), variables);
    if args.json {
        report::print_json(&environment)?;
    } else if args.explain {
        report::print_out(&environment.explained())?;
    } else {
        report::print_out(&environment.plain())?;
    }
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::Environment;
    use crate::config::environment::{Explained, Overridden};

    fn environment() -> Environment {
        let variable = |name: &str, value: &str, source: &str| Explained {
            name: name.into(),
            value: value.into(),
            source: source.into(),
            overrides: Vec::new(),
        };
        Environment::new(
            Some("web".into()),
            vec![
                variable("PORT", "5000", "ovr"),
                variable("GREETING", "it's\n$HOME", ".env:3"),
                variable("EMPTY", "", "environment"),
            ],
        )
    }

    #[test]
    fn a_shell_reads_back_what_is_printed() {
        let script = format!(
            "{}printf '%s|%s|%s' \"$PORT\" \"$GREETING\" \"$EMPTY\"",
            environment().plain()
        );
        let out = std::process::Command::new("sh")
            .arg("-c")
            .arg(script)
            .output()
            .unwrap();
        assert_eq!(String::from_utf8(out.stdout).unwrap(), "5000|it's\n$HOME|");
    }

    #[test]
    fn an_explanation_has_the_source_of_each_value() {
        let mut environment = environment();
        environment.variables[0].overrides = vec![Overridden {
            value: "80".into(),
            source: "caller".into(),
        }];
        let out = environment.explained();
        assert!(
            out.starts_with(
                "ovr          PORT=5000\n               instead of 80, from caller\n.env:3       GREETING="
            ),
            "{out}"
        );
        assert_eq!(out.lines().count(), 4);
    }
}
