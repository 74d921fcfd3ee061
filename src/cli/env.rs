//! `ovr env`: what can be typed, how it is shown, and the behaviour.

use super::args::{Example, GlobalArgs, ProjectArgs};
use super::beside::Meant;
use super::complete::{self, Kind};
use super::plan::{Here, Plan};
use super::start::StartArgs;
use super::style::{plain, push_line};
use super::table::pairs;
use super::{elsewhere, report};
use crate::api::messages::{Environment, Overridden, SCHEMA, Variable};
use crate::config::environment::Explained;
use crate::controller::Overrides;
use crate::diag::Diagnostic;
use clap::Args;
use std::process::ExitCode;

pub const EXAMPLES: &[Example] = &[
    ("ovr env web", "what web gets, ready for a shell to read"),
    ("ovr env web --explain", "and where each value comes from"),
];

/// Print the environment of the services
///
/// Without a name, what all of them share. Where a session runs, by its files and options; what -f or -d names goes
/// before. With -s tcp://HOST:PORT, what this session gives them.
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

/// One `NAME=value` a line, quoted for a POSIX shell where that is needed.
fn plainly(variables: &[Variable]) -> String {
    let mut out = String::new();
    for variable in variables {
        push_line(
            &mut out,
            &format!("{}={}", variable.name, quoted(&variable.value)),
        );
    }
    out
}

/// The same with the source of each value before it, and below it what it overrides.
fn explained(variables: &[Variable]) -> String {
    let mut lines = Vec::new();
    for variable in variables {
        let assignment = format!("{}={}", variable.name, quoted(&variable.value));
        lines.push((plain(&variable.source), plain(&assignment)));
        for lost in &variable.overrides {
            let text = format!("  instead of {}, from {}", quoted(&lost.value), lost.source);
            lines.push((String::new(), plain(&text)));
        }
    }
    pairs(&lines, 0)
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
    let name = args.service.as_deref();
    let there = elsewhere::ask_files(global, &args.project, |client| client.environment(name))?;
    let environment = match there {
        Some(environment) => environment,
        None => match variables_here(global, args)? {
            Ok(variables) => Environment {
                schema: SCHEMA,
                service: args.service.clone(),
                variables,
            },
            Err(problems) => return Ok(report::report_all(&problems)),
        },
    };
    if args.json {
        report::print_json(&environment)?;
    } else if args.explain {
        report::print_out(&explained(&environment.variables))?;
    } else {
        report::print_out(&plainly(&environment.variables))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The environment that is meant here.
fn variables_here(
    global: &GlobalArgs,
    args: &EnvArgs,
) -> Result<Result<Vec<Variable>, Vec<Diagnostic>>, Diagnostic> {
    let here = Here::look()?;
    let plan = Meant::find(global, &here, &args.project)?.plan(&here);
    Ok(plan.and_then(|plan| of_plan(&plan, args.service.as_deref())))
}

/// The environment that the files of this start make for a service, or what all share.
///
/// # Errors
/// All that is wrong with them; or that there is no such service.
pub(super) fn variables(
    here: &Here,
    start: &StartArgs,
    overrides: &Overrides,
    name: Option<&str>,
) -> Result<Vec<Variable>, Vec<Diagnostic>> {
    of_plan(&Plan::make_with(here, start, overrides)?, name)
}

fn of_plan(plan: &Plan, name: Option<&str>) -> Result<Vec<Variable>, Vec<Diagnostic>> {
    let variables = match name {
        Some(name) => plan.explain_instance(name).map_err(|error| vec![error])?,
        None => plan.explain_common(),
    };
    Ok(variables.into_iter().map(Variable::from).collect())
}

impl From<Explained> for Variable {
    fn from(explained: Explained) -> Self {
        let overrides = explained.overrides.into_iter().map(|lost| Overridden {
            value: lost.value,
            source: lost.source,
        });
        Self {
            name: explained.name,
            value: explained.value,
            source: explained.source,
            overrides: overrides.collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{explained, plainly};
    use crate::api::messages::{Overridden, Variable};

    fn environment() -> Vec<Variable> {
        let variable = |name: &str, value: &str, source: &str| Variable {
            name: name.into(),
            value: value.into(),
            source: source.into(),
            overrides: Vec::new(),
        };
        vec![
            variable("PORT", "5000", "ovr"),
            variable("GREETING", "it's\n$HOME", ".env:3"),
            variable("EMPTY", "", "environment"),
        ]
    }

    #[test]
    fn a_shell_reads_back_what_is_printed() {
        let script = format!(
            "{}printf '%s|%s|%s' \"$PORT\" \"$GREETING\" \"$EMPTY\"",
            plainly(&environment())
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
        environment[0].overrides = vec![Overridden {
            value: "80".into(),
            source: "caller".into(),
        }];
        let out = explained(&environment);
        assert!(
            out.starts_with(
                "ovr          PORT=5000\n               instead of 80, from caller\n.env:3       GREETING="
            ),
            "{out}"
        );
        assert_eq!(out.lines().count(), 4);
    }
}
