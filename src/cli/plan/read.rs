//! Finding a project and reading all that its files say, before anything is resolved.

use super::super::settings::{self, ENVIRONMENT, StartOptions};
use super::super::start::StartArgs;
use super::printed::Runner;
use super::{Here, has_errors, own_environment, told};
use crate::config::environment::Spoken;
use crate::config::globals;
use crate::config::load::{self, Surroundings};
use crate::config::procfile::Entry;
use crate::config::project::ProjectDef;
use crate::config::shell::Shell;
use crate::config::template::Variables;
use crate::config::yaml::Shown;
use crate::config::{Checked, Configuration, Environment, Origin, yaml};
use crate::diag::{Diagnostic, Kind};
use crate::model::ServiceName;
use crate::workspace::project::{ConfigFile, Dialect, possible_overrides};
use crate::workspace::{Project, Search};
use std::path::{Path, PathBuf};

/// A project and what its files say.
#[derive(Debug)]
pub struct Read {
    pub project: Project,
    pub options: StartOptions,
    pub configuration: Configuration,
    /// What the commands that variables come from have printed.
    pub printed: Variables,
    pub environment: Environment,
    /// The files that were read, and those of variables and overrides that would have been if they were there.
    pub files: Vec<PathBuf>,
}

/// Whether the commands that variables come from are run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EnvCmds {
    Run,
    /// Somebody only wants to know what there is.
    Leave,
}

impl Read {
    /// Finds the project and reads it. `None`: there are errors among the problems, and nothing to go on with.
    pub fn find(
        here: &Here,
        args: &StartArgs,
        env_cmds: EnvCmds,
        problems: &mut Vec<Diagnostic>,
    ) -> Option<Self> {
        let project = told(find(here, args).map_err(|error| vec![error]), problems)?;
        let (mut environment, mut files) = around(here, args, &project, problems);
        let options = settings::resolve(args, &|name| layered(&environment, name));
        let options = told(options.map_err(|error| vec![error]), problems);
        let mut reader = Reader {
            project: &project,
            here,
            env_cmds,
            shell: options.as_ref().and_then(asked_shell),
            environment: &mut environment,
            problems,
        };
        let (configuration, printed) = reader.configuration()?;
        problems.extend(unused(&project));
        let options = options?;
        files.extend(project.files.iter().map(|file| file.path.clone()));
        files.extend(possible_overrides(&project));
        files.extend(configuration.def.files.iter().cloned());
        (!has_errors(problems)).then_some(Self {
            project,
            options,
            configuration,
            printed,
            environment,
            files,
        })
    }
}

/// Where the project is can only be said by the caller: its env files are found by it.
pub fn find(here: &Here, args: &StartArgs) -> Result<Project, Diagnostic> {
    let inherited = &args.inherited;
    let first = if inherited.alone {
        settings::resolve(args, &|_| None)?
    } else {
        settings::resolve(args, &own_environment)?
    };
    let search = Search {
        cwd: inherited.found_in.as_deref().unwrap_or(&here.cwd),
        root: first.root.value.as_deref(),
        procfiles: &first.procfile.value,
        home: here.places.home(),
    };
    search.find().map_err(|error| match error.kind {
        Kind::NoConfig if inherited.alone => {
            error.hint("the session here was started with it; -f FILE names another one")
        }
        _ => error,
    })
}

/// What the caller and the project's env files say.
fn around(
    here: &Here,
    args: &StartArgs,
    project: &Project,
    problems: &mut Vec<Diagnostic>,
) -> (Environment, Vec<PathBuf>) {
    let caller = load::caller_environment(std::env::vars_os());
    problems.extend(caller.diagnostics);
    let kept = &args.inherited.settings;
    let spoken = Spoken {
        variables: kept,
        alone: args.inherited.alone,
        adopts: args.inherited.adopts,
    };
    let kept = kept.get("env").filter(|_| args.env.is_empty());
    let typed = args.env.iter().chain(kept).flat_map(|listed| listed.split(','));
    let typed = typed.map(str::trim).filter(|name| !name.is_empty());
    let named: Vec<PathBuf> = typed.map(|name| here.cwd.join(name)).collect();
    let surroundings = Surroundings {
        caller: &caller.value,
        home: here.places.home(),
        root: &project.root,
        named: &named,
        spoken: Some(spoken),
    };
    let environment = load::load_environment(&surroundings);
    problems.extend(environment.diagnostics);
    let files = load::environment_files(&surroundings, &environment.value);
    (environment.value, files)
}

/// The configuration as it is written, all files of it in one. `None`: it cannot be read, which was told.
pub fn shown_configuration(here: &Here, args: &StartArgs, problems: &mut Vec<Diagnostic>) -> Option<Shown> {
    let project = told(find(here, args).map_err(|error| vec![error]), problems)?;
    let (environment, _) = around(here, args, &project, problems);
    let lines = procfile(&project, here, problems);
    let files = yaml_files(&project, here);
    let yaml = load::show_yaml(&files, &environment);
    problems.extend(yaml.diagnostics);
    if has_errors(problems) {
        return None;
    }
    match lines {
        Some(lines) => Some(Shown::procfile(&lines, yaml.value)),
        None => yaml.value,
    }
}

fn procfile(project: &Project, here: &Here, problems: &mut Vec<Diagnostic>) -> Option<Vec<Entry>> {
    let mut files = project.files.iter();
    let file = files.find(|file| file.dialect == Dialect::Procfile)?;
    let entries = load::load_procfile(&file.path, &shown(&file.path, &here.cwd));
    problems.extend(entries.diagnostics);
    Some(entries.value)
}

fn yaml_files(project: &Project, here: &Here) -> Vec<yaml::File> {
    let files = project.files.iter();
    files.filter_map(|file| yaml_file(file, &here.cwd)).collect()
}

/// What it takes to read a project's configuration.
struct Reader<'a> {
    project: &'a Project,
    here: &'a Here,
    env_cmds: EnvCmds,
    /// `-H`.
    shell: Option<String>,
    environment: &'a mut Environment,
    problems: &'a mut Vec<Diagnostic>,
}

impl Reader<'_> {
    fn configuration(&mut self) -> Option<(Configuration, Variables)> {
        let entries = procfile(self.project, self.here, self.problems);
        let yaml = yaml_files(self.project, self.here);
        if yaml.is_empty() {
            return Some((Configuration::of_procfile(&entries?), Variables::new()));
        }
        let (def, printed) = self.yaml(&yaml, entries.as_deref())?;
        let by_rule = self.project.config.dialect == Dialect::Ovr;
        let configuration = match entries {
            Some(entries) => Configuration::overlay(&entries, def),
            None => Configuration::of_yaml(def, by_rule),
        };
        Some((told(configuration, self.problems)?, printed))
    }

    fn yaml(&mut self, files: &[yaml::File], procfile: Option<&[Entry]>) -> Option<(ProjectDef, Variables)> {
        let names: Option<Vec<ServiceName>> =
            procfile.map(|entries| entries.iter().map(|entry| entry.name.clone()).collect());
        let read = load::load_yaml(files, names.as_deref(), self.environment);
        let broken = read.has_errors();
        self.problems.extend(read.diagnostics);
        if broken {
            return None;
        }
        let mut def = read.value;
        let (env_cmds, root, asked) = (self.env_cmds, &self.project.root, self.shell.clone());
        let run = |def: &ProjectDef, around: &Environment| match env_cmds {
            EnvCmds::Leave => Checked::new(Vec::new(), Vec::new()),
            EnvCmds::Run => {
                let usual = around.non_empty("COMPOSE_SHELL");
                let shell = Shell {
                    asked: asked.as_deref(),
                    written: [&def.shell, &def.shell],
                    usual: usual.map_or("bash", |shell| shell.value),
                };
                match Runner::new() {
                    Ok(runner) => runner.run(&def.env_cmds, &shell, root, around),
                    Err(error) => Checked::new(Vec::new(), vec![no_runner(&error)]),
                }
            }
        };
        let printed = globals::settle(&mut def, run, self.environment);
        self.problems.extend(printed.diagnostics);
        Some((def, printed.value))
    }
}

fn no_runner(error: &std::io::Error) -> Diagnostic {
    Diagnostic::error(Kind::System, "env_cmds: cannot find this program's file").cause(error.to_string())
}

/// A file as the YAML reader takes it; `None` for a Procfile.
fn yaml_file(file: &ConfigFile, cwd: &Path) -> Option<yaml::File> {
    let dialect = match file.dialect {
        Dialect::Ovr => yaml::Dialect::Ovr,
        Dialect::ProcessCompose => yaml::Dialect::ProcessCompose,
        Dialect::Procfile | Dialect::Mprocs | Dialect::ProjectServices => return None,
    };
    Some(yaml::File {
        path: file.path.clone(),
        shown: shown(&file.path, cwd),
        dialect,
    })
}

/// The shell that `-H` asks for.
fn asked_shell(options: &StartOptions) -> Option<String> {
    let shell = &options.shell;
    (shell.origin != settings::Origin::Default).then(|| shell.value.clone())
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

pub(super) fn layered(environment: &Environment, name: &str) -> Option<(String, String)> {
    let value = environment.told(name)?;
    let place = match &value.origin {
        Origin::Caller => ENVIRONMENT.to_owned(),
        origin => origin.to_string(),
    };
    Some((value.value.clone(), place))
}
