//! From what was typed and what the project's files say to a session's plan: the project, the settings, the
//! environment and every instance, resolved. Where the rooms of configuration, ports and workspace meet.

mod options;
pub mod printed;
mod read;

use super::settings::{self, ENVIRONMENT, Setting, StartOptions};
use super::start::StartArgs;
use crate::config::environment::Explained;
use crate::config::resolve::{common_environment, instance_environment, resolve};
use crate::config::{Configuration, Environment, Layer, Options, Service, expand, load};
use crate::controller::Overrides;
use crate::diag::{Diagnostic, Severity};
use crate::model::{InstanceSpec, Variables, select};
use crate::nats::Address;
use crate::ports::PortPlan;
use crate::workspace::{Places, Project};
use options::{members, port_plan, publish, session_options};
pub use read::{EnvCmds, Read, find, shown_configuration};
use std::path::PathBuf;

/// Everything about a project that a command may need.
#[derive(Debug)]
pub struct Plan {
    pub project: Project,
    /// The project's title, where one was given; else its name.
    pub title: String,
    pub options: StartOptions,
    /// The NATS server to publish at.
    pub publish: Option<Address>,
    pub services: Vec<Service>,
    pub instances: Vec<InstanceSpec>,
    pub environment: Environment,
    pub ports: PortPlan,
    /// What went into the instances.
    pub resolved_with: Options,
    pub configuration: Configuration,
    /// Every file that was read for it, and those that would have been if they were there.
    pub files: Vec<PathBuf>,
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
    /// Reads and resolves everything. Nothing is changed by it; but the commands that a configuration's
    /// variables come from are run.
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
        let mut problems = Vec::new();
        let made = Read::find(here, args, EnvCmds::Run, &mut problems)
            .and_then(|read| Self::resolve(read, overrides, &mut problems));
        match made {
            Some(plan) if !has_errors(&problems) => Ok(Self {
                warnings: problems,
                ..plan
            }),
            Some(_) | None => Err(problems),
        }
    }

    /// `None`: there are errors among the problems, and no plan that makes sense.
    fn resolve(read: Read, overrides: &Overrides, problems: &mut Vec<Diagnostic>) -> Option<Self> {
        let Read {
            project,
            options,
            configuration,
            printed,
            environment,
            mut files,
        } = read;
        let publish = told(
            publish(&options, &configuration).map_err(|error| vec![error]),
            problems,
        )?;
        let title = options.title.value.clone();
        let title = title.or_else(|| configuration.def.name.as_ref().map(|name| name.value.clone()));
        let title = title.unwrap_or_else(|| project.name.clone());
        let resolved_with = told(
            session_options(&project, &title, &options, &configuration, &environment),
            problems,
        )?
        .with_counts(&overrides.counts);
        let drafted = expand(&configuration, &resolved_with, &printed);
        let strict = configuration.def.is_strict;
        problems.extend(
            drafted
                .diagnostics
                .into_iter()
                .map(|found| weighed(found, strict)),
        );
        let mut services = drafted.value;
        problems.extend(load::load_env_files(&mut services, &environment));
        let of_services = services.iter().flat_map(|service| &service.drafts);
        files.extend(of_services.flat_map(|draft| draft.env_files.iter().map(|file| file.path.clone())));
        files.sort();
        files.dedup();
        let ports = told(port_plan(&options, &services), problems)?;
        let port_of = |position, number| ports.port(position, number);
        let instances = resolve(&services, &resolved_with, &environment, &port_of);
        problems.extend(instances.diagnostics);
        if has_errors(problems) {
            return None;
        }
        problems.extend(load::check_commands(&services, &environment));
        Some(Self {
            project,
            title,
            options,
            publish,
            services,
            instances: instances.value,
            environment,
            ports,
            resolved_with,
            configuration,
            files,
            warnings: Vec::new(),
        })
    }
}

/// The services of these profiles, as the files have them now.
///
/// # Errors
/// All that is wrong with the files, or which profile there is not.
pub fn services_of_profiles(here: &Here, args: &StartArgs) -> Result<Vec<String>, Vec<Diagnostic>> {
    let listed = args.profile.iter().flat_map(|listed| listed.split(','));
    let listed: Vec<String> = listed
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty())
        .collect();
    if listed.is_empty() {
        return Ok(Vec::new());
    }
    let mut problems = Vec::new();
    match Read::find(here, args, EnvCmds::Leave, &mut problems) {
        Some(read) => members(&read.configuration, &listed),
        None => Err(problems),
    }
}

/// In a strict configuration a warning about it is an error.
fn weighed(diagnostic: Diagnostic, strict: bool) -> Diagnostic {
    let severity = if strict {
        Severity::Error
    } else {
        diagnostic.severity
    };
    Diagnostic {
        severity,
        ..diagnostic
    }
}

/// The value, or `None` with its errors told.
fn told<T>(result: Result<T, Vec<Diagnostic>>, problems: &mut Vec<Diagnostic>) -> Option<T> {
    result.map_err(|errors| problems.extend(errors)).ok()
}

/// What one service or all of them are told, with sources.
impl Plan {
    /// The instance of this name; a service's name means its first instance.
    pub fn instance(&self, name: &str) -> Result<&InstanceSpec, Diagnostic> {
        let instances: Vec<&InstanceSpec> = self.instances.iter().collect();
        match select(&[name], &instances) {
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
        let layered = instance_environment(
            &self.services,
            spec,
            &self.resolved_with,
            &self.environment,
            &port_of,
        );
        Ok(layered.explain())
    }

    /// What has decided on each setting of the start that this plan is of; what the configuration sets for its
    /// services is no setting.
    pub fn decided(&self, args: &StartArgs) -> Vec<(&'static Setting, String, settings::Origin)> {
        let environment = self.environment.without(Layer::Global);
        settings::decided(args, &|name| read::layered(&environment, name))
    }

    /// What all services share: what an instance has, without what is its own.
    pub fn explain_common(&self) -> Vec<Explained> {
        let port_of = |position, number| self.ports.port(position, number);
        common_environment(&self.services, &self.resolved_with, &self.environment, &port_of).explain()
    }

    pub fn common_environment(&self) -> Variables {
        self.explain_common()
            .into_iter()
            .map(|explained| (explained.name, explained.value))
            .collect()
    }
}

fn has_errors(problems: &[Diagnostic]) -> bool {
    problems.iter().any(|problem| problem.severity == Severity::Error)
}
