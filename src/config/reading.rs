//! The order in which a YAML's variables come to be known. `${NAME}` may name what the configuration itself
//! defines (`environment`, `env_cmds`), so that a file is read again once more of it is known. Pure: reading and
//! running are handed in.

use super::Checked;
use super::environment::{Assignment, Environment, Layer};
use super::expand::Texts;
use super::project::{ProjectDef, Var};
use super::template::Variables;

/// A configuration with all that it says, and the variables that it defines for all services.
#[derive(Debug)]
pub struct Reading {
    pub def: ProjectDef,
    /// What `env_cmds` gave, for templates.
    pub printed: Variables,
}

/// Answers what a variable holds.
pub type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Reads a configuration. Its own `environment` and what its commands print become the global layer of
/// `environment`; the latter goes before the former.
///
/// 1. What the commands are, and what the files and the caller have said, decides what they print.
/// 2. With that the global `environment` is settled.
/// 3. With both, everything else is.
pub fn read(
    read: impl Fn(Lookup<'_>) -> Checked<ProjectDef>,
    run: impl FnOnce(&ProjectDef, &Environment) -> Checked<Vec<Assignment>>,
    environment: &mut Environment,
) -> Checked<Reading> {
    let mut checked = read(&|name| environment.value(name).map(str::to_owned));
    let mut printed = Vec::new();
    if !checked.value.env_cmds.is_empty() {
        let mut around = environment.clone();
        around.extend(Layer::Global, checked.value.environment.iter().cloned());
        let run = run(&checked.value, &around);
        if run.has_errors() {
            checked.diagnostics.extend(run.diagnostics);
            return finished(checked, Vec::new());
        }
        printed = run.value;
        checked = read(&|name| known(&printed, name).or_else(|| environment.value(name).map(str::to_owned)));
    }
    if checked.has_errors() {
        return finished(checked, printed);
    }
    let global = rendered(&checked.value, &variables(&printed));
    environment.extend(Layer::Global, global.value.iter().chain(&printed).cloned());
    if !global.value.is_empty() {
        checked = read(&|name| environment.value(name).map(str::to_owned));
        // A value that is about itself (`PATH: bin:${PATH}`) is settled already.
        checked.value.environment = global.value;
    }
    checked.diagnostics.extend(global.diagnostics);
    finished(checked, printed)
}

fn known(printed: &[Assignment], name: &str) -> Option<String> {
    let found = printed.iter().find(|assignment| assignment.name == name)?;
    Some(found.value.clone())
}

fn variables(printed: &[Assignment]) -> Variables {
    let of = |assignment: &Assignment| (assignment.name.clone(), Var::Text(assignment.value.clone()));
    printed.iter().map(of).collect()
}

/// The global environment without its templates.
fn rendered(def: &ProjectDef, printed: &Variables) -> Checked<Vec<Assignment>> {
    let mut known = printed.clone();
    known.extend(def.vars.clone());
    let mut texts = Texts::new(known);
    let rendered = def
        .environment
        .iter()
        .map(|assignment| texts.assignment(assignment));
    let rendered = rendered.collect();
    Checked::new(rendered, texts.diagnostics)
}

fn finished(checked: Checked<ProjectDef>, printed: Vec<Assignment>) -> Checked<Reading> {
    let reading = Reading {
        def: checked.value,
        printed: variables(&printed),
    };
    Checked::new(reading, checked.diagnostics)
}

#[cfg(test)]
mod tests {
    use super::{Lookup, read};
    use crate::config::Checked;
    use crate::config::environment::{Assignment, Environment, Origin};
    use crate::config::project::{Located, ProjectDef};
    use crate::config::source::{decode, span};
    use crate::diag::{Diagnostic, Kind};
    use std::cell::Cell;

    fn assignment(name: &str, value: String) -> Assignment {
        Assignment {
            name: name.to_owned(),
            value,
            origin: Origin::Ovr,
        }
    }

    fn located(text: &str) -> Located<String> {
        let source = decode("ovr.yaml", text.as_bytes()).unwrap();
        Located {
            value: text.to_owned(),
            span: span(&source, 0, text.len()),
        }
    }

    /// A file whose values are made of variables: `URL` of the command's and a caller's, the log's place of both.
    fn file(lookup: Lookup<'_>) -> Checked<ProjectDef> {
        let of = |name: &str| lookup(name).unwrap_or_default();
        let def = ProjectDef {
            environment: vec![
                assignment("URL", format!("{}:{}", of("HOST"), of("PORT"))),
                assignment("PATH", format!("bin:{}", of("PATH"))),
            ],
            env_cmds: vec![("PORT".to_owned(), located("print port"))],
            log_location: Some(located(&format!("{} {}", of("URL"), of("PATH")))),
            ..ProjectDef::default()
        };
        Checked::new(def, Vec::new())
    }

    #[test]
    fn what_the_configuration_defines_is_known_in_all_of_it() {
        let mut environment = Environment::from_caller([("HOST", "h"), ("PATH", "/bin")]);
        let ran = Cell::new(0);
        let run = |def: &ProjectDef, around: &Environment| {
            ran.set(ran.get() + 1);
            assert_eq!(def.env_cmds[0].1.value, "print port");
            assert_eq!(around.value("PATH"), Some("bin:/bin"));
            Checked::new(vec![assignment("PORT", "80".to_owned())], Vec::new())
        };
        let checked = read(file, run, &mut environment);
        assert_eq!(checked.diagnostics, []);
        let def = checked.value.def;
        assert_eq!(def.log_location.unwrap().value, "h:80 bin:/bin");
        let known = ["URL", "PATH", "PORT"].map(|name| environment.value(name).unwrap().to_owned());
        assert_eq!(known, ["h:80", "bin:/bin", "80"]);
        assert_eq!(def.environment[1].value, "bin:/bin");
        assert!(checked.value.printed.contains_key("PORT"));
        assert_eq!(ran.get(), 1);
    }

    #[test]
    fn a_command_that_fails_is_the_error_of_the_reading() {
        let mut environment = Environment::default();
        let error = Diagnostic::error(Kind::Config, "PORT has no value");
        let run = |_: &ProjectDef, _: &Environment| Checked::new(Vec::new(), vec![error.clone()]);
        let checked = read(file, run, &mut environment);
        assert_eq!(checked.diagnostics, [error]);
    }
}
