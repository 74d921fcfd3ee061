//! From what was typed and what the project's files say to a session's plan: the project, the settings, the
//! environment and every instance, resolved. Where the rooms of configuration, ports and workspace meet.

use super::settings::{self, ENVIRONMENT, Selection, StartOptions};
use super::start::StartArgs;
use crate::config::Environment;
use crate::config::environment::Explained;
use crate::config::formation::{Formation, Names, StopSignals};
use crate::config::load::{self, Surroundings};
use crate::config::resolve::{self, Options, Service};
use crate::controller::Overrides;
use crate::diag::{Diagnostic, Severity};
use crate::model::{InstanceName, InstanceSpec, ServiceName, Variables, select};
use crate::ports::{Base, PortPlan, Rule, Wanted};
use crate::tmux::setup::Setup as TmuxSetup;
use crate::workspace::{Places, Project, Search};
use std::path::{Path, PathBuf};

/// Everything about a project that a command may need.
#[derive(Debug)]
pub struct Plan {
    pub project: Project,
    /// The project's title, where one was given; else its name.
    pub title: String,
    pub options: StartOptions,
    pub services: Vec<Service>,
    pub instances: Vec<InstanceSpec>,
    pub environment: Environment,
    pub ports: PortPlan,
    /// What went into the instances.
    pub resolved_with: Options,
    pub warnings: Vec<Diagnostic>,
}

/// What a command is run in.
#[derive(Clone, Debug)]
pub struct Here {
    pub cwd: PathBuf,
    pub places: Places,
}

impl Here {
    pub fn look() -> Result<Self, Diagnostic> {
        let cwd = std::env::current_dir().map_err(|error| {
            Diagnostic::error(crate::diag::Kind::System, "the current directory cannot be told")
                .cause(error.to_string())
                .hint("it may have been removed: cd to one that exists")
        })?;
        Ok(Self {
            cwd,
            places: Places::from_environment()?,
        })
    }
}

/// Reads a setting from this process's environment alone.
pub fn own_environment(name: &str) -> Option<(String, String)> {
    std::env::var(name)
        .ok()
        .map(|value| (value, ENVIRONMENT.to_owned()))
}

impl Plan {
    /// Reads and resolves everything, touching nothing.
    ///
    /// # Errors
    /// All that is wrong, at once.
    pub fn make(here: &Here, args: &StartArgs) -> Result<Self, Vec<Diagnostic>> {
        Self::make_with(here, args, &Overrides::default())
    }

    /// The same, with what a running session was asked for since it began.
    ///
    /// # Errors
    /// All that is wrong, at once.
    pub fn make_with(here: &Here, args: &StartArgs, overrides: &Overrides) -> Result<Self, Vec<Diagnostic>> {
        // Where the project is can only be said by the caller: its env files are found by it.
        let first = settings::resolve(args, &own_environment).map_err(|error| vec![error])?;
        let project = Search {
            cwd: &here.cwd,
            root: first.root.value.as_deref(),
            procfile: first.procfile.value.as_deref(),
            home: here.places.home(),
        }
        .find()
        .map_err(|error| vec![error])?;
        let mut problems = Vec::new();
        let caller = load::caller_environment(std::env::vars_os());
        problems.extend(caller.diagnostics);
        let environment = load::load_environment(&Surroundings {
            caller: &caller.value,
            home: here.places.home(),
            root: &project.root,
        });
        problems.extend(environment.diagnostics);
        let environment = environment.value;
        let shown = shown(&project.config.path, &here.cwd);
        let entries = load::load_procfile(&project.config.path, &shown);
        problems.extend(entries.diagnostics);
        let services: Vec<Service> = entries.value.iter().map(Service::from).collect();
        if has_errors(&problems) {
            return Err(problems);
        }
        let options = match settings::resolve(args, &|name| layered(&environment, name)) {
            Ok(options) => options,
            Err(error) => {
                problems.push(error);
                return Err(problems);
            }
        };
        Self::resolve(project, options, services, environment, overrides, problems)
    }

    fn resolve(
        project: Project,
        options: StartOptions,
        services: Vec<Service>,
        environment: Environment,
        overrides: &Overrides,
        mut problems: Vec<Diagnostic>,
    ) -> Result<Self, Vec<Diagnostic>> {
        let title = options
            .title
            .value
            .clone()
            .unwrap_or_else(|| project.name.clone());
        let resolved_with = match session_options(&project, &title, &options, &services) {
            Ok(resolved) => resolved.with_counts(&overrides.counts),
            Err(errors) => {
                problems.extend(errors);
                return Err(problems);
            }
        };
        let ports = match port_plan(&options, &resolved_with, &services) {
            Ok(ports) => ports,
            Err(errors) => {
                problems.extend(errors);
                return Err(problems);
            }
        };
        let port_of = |position, number| ports.port(position, number);
        let instances = resolve::resolve(&services, &resolved_with, &environment, &port_of);
        problems.extend(instances.diagnostics);
        if has_errors(&problems) {
            return Err(problems);
        }
        problems.extend(load::check_commands(&services, &environment, &project.root));
        Ok(Self {
            project,
            title,
            options,
            services,
            instances: instances.value,
            environment,
            ports,
            resolved_with,
            warnings: problems,
        })
    }
}

/// What one service or all of them are told, with sources.
impl Plan {
    /// The instance of this name; a service's name means its first instance.
    pub fn instance(&self, name: &str) -> Result<&InstanceSpec, Diagnostic> {
        let names: Vec<InstanceName> = self.instances.iter().map(|spec| spec.name.clone()).collect();
        match select(&[name], &names) {
            Ok(found) => {
                let index = found
                    .first()
                    .copied()
                    .expect("a pattern that matches nothing is an error");
                Ok(&self.instances[index])
            }
            Err(unmatched) => Err(unmatched
                .diagnostics()
                .into_iter()
                .next()
                .expect("one pattern, so one error")),
        }
    }

    /// The environment of one instance.
    pub fn explain_instance(&self, name: &str) -> Result<Vec<Explained>, Diagnostic> {
        let spec = self.instance(name)?;
        let port_of = |position, number| self.ports.port(position, number);
        let layered = resolve::instance_environment(
            &self.services,
            spec,
            &self.resolved_with,
            &self.environment,
            &port_of,
        );
        Ok(layered.explain())
    }

    /// What all services share: what an instance has, without what is its own.
    pub fn explain_common(&self) -> Vec<Explained> {
        let port_of = |position, number| self.ports.port(position, number);
        resolve::common_environment(&self.services, &self.resolved_with, &self.environment, &port_of)
            .explain()
    }

    pub fn common_environment(&self) -> Variables {
        self.explain_common()
            .into_iter()
            .map(|explained| (explained.name, explained.value))
            .collect()
    }
}

/// The configuration's path as messages show it: relative to where the user stands, if it is below.
fn shown(config: &Path, cwd: &Path) -> String {
    let cwd = cwd.canonicalize().unwrap_or_else(|_| cwd.to_owned());
    config.strip_prefix(&cwd).unwrap_or(config).display().to_string()
}

fn layered(environment: &Environment, name: &str) -> Option<(String, String)> {
    let value = environment.get(name)?;
    let place = match &value.origin {
        crate::config::Origin::Caller => ENVIRONMENT.to_owned(),
        origin => origin.to_string(),
    };
    Some((value.value.clone(), place))
}

fn has_errors(problems: &[Diagnostic]) -> bool {
    problems.iter().any(|problem| problem.severity == Severity::Error)
}

/// The settings in `config`'s terms. Names that no service has are errors, all of them at once.
fn session_options(
    project: &Project,
    title: &str,
    options: &StartOptions,
    services: &[Service],
) -> Result<Options, Vec<Diagnostic>> {
    let names: Vec<ServiceName> = services.iter().map(|service| service.name.clone()).collect();
    let mut problems = Vec::new();
    let mut chosen = |text: String, given_by: String| {
        Names::parse(&text, &given_by, &names).unwrap_or_else(|errors| {
            problems.extend(errors);
            Names::default()
        })
    };
    let selection = |selection: &Selection| match selection {
        Selection::All => "all".to_owned(),
        Selection::Listed(listed) => listed.join(","),
    };
    let only = if options.names.is_empty() {
        let listed = options.processes.value.as_ref();
        listed.map(|listed| chosen(listed.join(","), options.processes.origin.to_string()))
    } else {
        Some(chosen(options.names.join(","), "ovr start".to_owned()))
    };
    let ignored = chosen(
        options.ignored_processes.value.join(","),
        options.ignored_processes.origin.to_string(),
    );
    let can_die = chosen(
        selection(&options.can_die.value),
        options.can_die.origin.to_string(),
    );
    let auto_restart = chosen(
        selection(&options.auto_restart.value),
        options.auto_restart.origin.to_string(),
    );
    let formation: Vec<String> = options
        .formation
        .value
        .iter()
        .map(|(name, count)| format!("{name}={count}"))
        .collect();
    let formation = Formation::parse(
        &formation.join(","),
        &options.formation.origin.to_string(),
        &names,
    )
    .unwrap_or_else(|errors| {
        problems.extend(errors);
        Formation::default()
    });
    let signals: Vec<String> = options
        .stop_signals
        .value
        .iter()
        .map(|(name, signal)| format!("{name}={}", signal.number()))
        .collect();
    let stop_signals = StopSignals::parse(
        &signals.join(","),
        &options.stop_signals.origin.to_string(),
        &names,
    )
    .unwrap_or_else(|errors| {
        problems.extend(errors);
        StopSignals::default()
    });
    if !problems.is_empty() {
        return Err(problems);
    }
    let mut resolved = Options::new(project.root.clone(), title);
    resolved.only = only;
    resolved.ignored = ignored;
    resolved.formation = formation;
    resolved.stop_signals = stop_signals;
    resolved.stop_grace = options.timeout.value;
    resolved.can_die = can_die;
    resolved.any_can_die = options.any_can_die.value;
    resolved.auto_restart = auto_restart;
    resolved.shell.clone_from(&options.shell.value);
    resolved.term = Some(TmuxSetup::for_size(None).terminal.to_owned());
    Ok(resolved)
}

fn port_plan(
    options: &StartOptions,
    resolved: &Options,
    services: &[Service],
) -> Result<PortPlan, Vec<Diagnostic>> {
    if options.no_port.value {
        return Ok(PortPlan::none());
    }
    let rule = Rule {
        base: Base {
            port: options.port.value,
            source: options.port.origin.to_string(),
        },
        step: options.port_step.value,
        instance_step: options.formation_port_step.value,
    };
    let wanted: Vec<Wanted> = services
        .iter()
        .map(|service| Wanted {
            name: service.name.clone(),
            instances: resolved.formation.count(&service.name),
            fixed: None,
        })
        .collect();
    PortPlan::new(&rule, &wanted)
}
