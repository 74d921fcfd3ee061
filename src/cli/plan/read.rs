//! Finding a project and reading all that its files say, before anything is resolved.

use super::super::settings::{self, ENVIRONMENT, StartOptions};
use super::super::start::StartArgs;
use super::{Here, has_errors, own_environment, told};
use crate::config::load::{self, Surroundings};
use crate::config::template::Variables;
use crate::config::{Configuration, Environment, Origin};
use crate::diag::{Diagnostic, Kind};
use crate::workspace::project::{ConfigFile, Dialect};
use crate::workspace::{Project, Search};
use std::path::Path;

/// A project and what its files say.
#[derive(Debug)]
pub struct Read {
    pub project: Project,
    pub options: StartOptions,
    pub configuration: Configuration,
    /// What the commands that variables come from have printed.
    pub printed: Variables,
    pub environment: Environment,
}

impl Read {
    /// Finds the project and reads it. `None`: there are errors among the problems, and nothing to go on with.
    pub fn find(here: &Here, args: &StartArgs, problems: &mut Vec<Diagnostic>) -> Option<Self> {
        let project = told(find(here, args).map_err(|error| vec![error]), problems)?;
        let caller = load::caller_environment(std::env::vars_os());
        problems.extend(caller.diagnostics);
        let environment = load::load_environment(&Surroundings {
            caller: &caller.value,
            home: here.places.home(),
            root: &project.root,
        });
        problems.extend(environment.diagnostics);
        let environment = environment.value;
        let configuration = configuration(&project, here, problems);
        if has_errors(problems) {
            return None;
        }
        let options = settings::resolve(args, &|name| layered(&environment, name));
        let options = told(options.map_err(|error| vec![error]), problems)?;
        problems.extend(unused(&project));
        Some(Self {
            project,
            options,
            configuration: configuration?,
            printed: Variables::new(),
            environment,
        })
    }
}

/// Where the project is can only be said by the caller: its env files are found by it.
pub(super) fn find(here: &Here, args: &StartArgs) -> Result<Project, Diagnostic> {
    let first = settings::resolve(args, &own_environment)?;
    Search {
        cwd: &here.cwd,
        root: first.root.value.as_deref(),
        procfiles: &first.procfile.value,
        home: here.places.home(),
    }
    .find()
}

fn configuration(project: &Project, here: &Here, problems: &mut Vec<Diagnostic>) -> Option<Configuration> {
    let procfile = project
        .files
        .iter()
        .find(|file| file.dialect == Dialect::Procfile);
    let entries = procfile.map(|file| {
        let entries = load::load_procfile(&file.path, &shown(&file.path, &here.cwd));
        problems.extend(entries.diagnostics);
        entries.value
    });
    Some(Configuration::of_procfile(&entries?))
}

/// Of two configurations in one directory only one is run; whoever wrote the other should know.
fn unused(project: &Project) -> Option<Diagnostic> {
    let name = |file: &ConfigFile| {
        let name = file.path.file_name().unwrap_or_default();
        name.to_string_lossy().into_owned()
    };
    let first = project.unused.first()?;
    Some(
        Diagnostic::warning(
            Kind::Config,
            format!("{} is used, and {} is not", name(&project.config), name(first)),
        )
        .hint(format!("to run the other one: ovr start -f {}", name(first))),
    )
}

/// A file's path as messages show it: relative to where the user stands, if it is below.
pub(super) fn shown(path: &Path, cwd: &Path) -> String {
    let cwd = cwd.canonicalize().unwrap_or_else(|_| cwd.to_owned());
    path.strip_prefix(&cwd).unwrap_or(path).display().to_string()
}

fn layered(environment: &Environment, name: &str) -> Option<(String, String)> {
    let value = environment.get(name)?;
    let place = match &value.origin {
        Origin::Caller => ENVIRONMENT.to_owned(),
        origin => origin.to_string(),
    };
    Some((value.value.clone(), place))
}
