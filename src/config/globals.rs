//! The variables that a configuration defines for all of its services: its `environment`, and what its
//! `env_cmds` print. Pure: running the commands is handed in.

use super::Checked;
use super::environment::{Assignment, Environment, Layer};
use super::expand::{Known, Texts};
use super::project::{ProjectDef, Var};
use super::template::Variables;
use super::yaml;

/// Settles them, as the global layer of `environment`; what a command printed goes before what is written.
/// Gives what the commands have printed, for templates.
///
/// A command runs in what the files and the caller have said, and the written variables; these may name what
/// the commands have printed, and each other in their order.
pub fn settle(
    def: &mut ProjectDef,
    run: impl FnOnce(&ProjectDef, &Environment) -> Checked<Vec<Assignment>>,
    environment: &mut Environment,
) -> Checked<Variables> {
    let mut diagnostics = Vec::new();
    let mut printed = Vec::new();
    if !def.env_cmds.is_empty() {
        let mut around = environment.clone();
        around.extend(Layer::Global, settled(&written(def, &[]).value));
        let ran = run(def, &around);
        diagnostics.extend(ran.diagnostics);
        printed = ran.value;
    }
    let global = written(def, &printed);
    diagnostics.extend(global.diagnostics);
    environment.extend(
        Layer::Global,
        settled(&global.value).chain(printed.iter().cloned()),
    );
    def.environment = global.value;
    Checked::new(variables(&printed), diagnostics)
}

fn variables(printed: &[Assignment]) -> Variables {
    let of = |assignment: &Assignment| (assignment.name.clone(), Var::Text(assignment.value.clone()));
    printed.iter().map(of).collect()
}

/// The variables as programs get them.
fn settled(assignments: &[Assignment]) -> impl Iterator<Item = Assignment> {
    assignments.iter().map(|assignment| Assignment {
        value: yaml::settled(assignment.value.clone()),
        ..assignment.clone()
    })
}

/// The written variables, rendered; to be settled.
fn written(def: &ProjectDef, printed: &[Assignment]) -> Checked<Vec<Assignment>> {
    let mut of_templates = variables(printed);
    of_templates.extend(def.vars.clone());
    let known = if def.is_literal {
        Known::closed()
    } else {
        Known::new(printed)
    };
    let mut texts = Texts::new(of_templates, known);
    let rendered = texts.assignments(&def.environment);
    Checked::new(rendered, texts.diagnostics)
}

#[cfg(test)]
mod tests {
    use super::settle;
    use crate::config::Checked;
    use crate::config::environment::{Assignment, Environment, Origin};
    use crate::config::project::{Located, ProjectDef};
    use crate::config::source::{decode, span};
    use crate::diag::{Diagnostic, Kind};

    fn located(text: &str) -> Located<String> {
        let source = decode("ovr.yaml", text.as_bytes()).unwrap();
        Located {
            value: text.to_owned(),
            span: span(&source, 0, text.len()),
        }
    }

    fn assignment(name: &str, value: &str) -> Assignment {
        Assignment {
            name: name.to_owned(),
            value: value.to_owned(),
            origin: Origin::At(located(value).span),
        }
    }

    fn def() -> ProjectDef {
        ProjectDef {
            environment: vec![
                assignment("URL", "http://${HOST}:${PORT}"),
                assignment("ADMIN", "${URL}/{{.PORT}}"),
            ],
            env_cmds: vec![("PORT".to_owned(), located("print port"))],
            ..ProjectDef::default()
        }
    }

    #[test]
    fn what_is_written_may_name_what_was_printed_and_what_stands_before_it() {
        let mut environment = Environment::from_caller([("HOST", "h"), ("PORT", "1")]);
        let mut def = def();
        def.environment.insert(0, assignment("HOST", "localhost"));
        let run = |def: &ProjectDef, around: &Environment| {
            assert_eq!(def.env_cmds[0].1.value, "print port");
            assert_eq!(around.value("HOST"), Some("localhost"));
            Checked::new(vec![assignment("PORT", "80")], Vec::new())
        };
        let printed = settle(&mut def, run, &mut environment);
        assert_eq!(printed.diagnostics, []);
        let known = ["URL", "ADMIN", "PORT"].map(|name| environment.value(name).unwrap().to_owned());
        assert_eq!(known, ["http://localhost:80", "http://localhost:80/80", "80"]);
        assert_eq!(def.environment[2].value, "http://localhost:80/80");
        assert!(printed.value.contains_key("PORT"));
    }

    #[test]
    fn a_command_that_fails_is_an_error_of_the_whole() {
        let error = Diagnostic::error(Kind::Config, "PORT has no value");
        let run = |_: &ProjectDef, _: &Environment| Checked::new(Vec::new(), vec![error.clone()]);
        assert!(settle(&mut def(), run, &mut Environment::default()).has_errors());
    }

    #[test]
    fn nothing_is_run_where_nothing_is_to_be_printed() {
        let mut def = ProjectDef {
            env_cmds: Vec::new(),
            environment: vec![assignment("A", "1")],
            ..ProjectDef::default()
        };
        let mut environment = Environment::default();
        let checked = settle(
            &mut def,
            |_, _| unreachable!("there is nothing to run"),
            &mut environment,
        );
        assert_eq!(checked.diagnostics, []);
        assert_eq!(environment.get("A").unwrap().origin.to_string(), "ovr.yaml:1");
    }
}
