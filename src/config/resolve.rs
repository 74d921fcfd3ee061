//! From what was read and asked for to the instances of a session: names, policies, the whole environment of
//! each. Pure: ports and files were settled before.

use super::Checked;
use super::environment::{Assignment, Environment, Layer, Origin};
use super::formation::{Formation, Names, StopSignals};
use super::procfile::Entry;
use crate::diag::{Diagnostic, Kind, Span};
use crate::model::{
    Checks, CommonVariables, DEFAULT_NAMESPACE, EndPolicy, Hooks, InstanceName, InstanceSpec, Launch, Policy,
    PortSource, RestartPolicy, ServiceName, StopPlan, Variables,
};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

/// A service as the configuration declares it. Its place in the slice is its position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    pub name: ServiceName,
    pub command: String,
    pub command_span: Span,
    /// `Procfile:4`.
    pub origin: String,
    /// The variables of its env files, in order.
    pub env_file: Vec<Assignment>,
    /// The variables that the configuration gives it.
    pub environment: Vec<Assignment>,
}

impl From<&Entry> for Service {
    fn from(entry: &Entry) -> Self {
        Self {
            name: entry.name.clone(),
            command: entry.command.clone(),
            command_span: entry.command_span.clone(),
            origin: entry.origin(),
            env_file: Vec::new(),
            environment: Vec::new(),
        }
    }
}

impl Service {
    /// The `PORT` that the configuration gives to this service alone, which is a fixed port.
    pub fn fixed_port(&self) -> Option<&Assignment> {
        let in_order = self.env_file.iter().chain(&self.environment);
        in_order.rev().find(|assignment| assignment.name == "PORT")
    }
}

/// What the user asked of this session.
#[derive(Clone, Debug)]
pub struct Options {
    /// `-l`: start only these. `None` or an empty choice starts all.
    pub only: Option<Names>,
    /// `-x`: do not start these; wins over `only`.
    pub ignored: Names,
    pub formation: Formation,
    pub stop_signals: StopSignals,
    /// From the stop signal to SIGKILL.
    pub stop_grace: Duration,
    pub can_die: Names,
    pub any_can_die: bool,
    pub auto_restart: Names,
    /// The program that runs commands with `-c`, and its arguments, separated by blanks.
    pub shell: String,
    /// The project's root: every service's working directory.
    pub root: PathBuf,
    pub project: String,
    /// `TERM` of the panes; `None` leaves the variable as the layers have it.
    pub term: Option<String>,
}

impl Options {
    /// The defaults for a project.
    pub fn new(root: impl Into<PathBuf>, project: impl Into<String>) -> Self {
        Self {
            only: None,
            ignored: Names::default(),
            formation: Formation::default(),
            stop_signals: StopSignals::default(),
            stop_grace: Duration::from_secs(5),
            can_die: Names::default(),
            any_can_die: false,
            auto_restart: Names::default(),
            shell: "/bin/sh".to_owned(),
            root: root.into(),
            project: project.into(),
            term: None,
        }
    }

    /// The same, with these numbers of instances whatever else was said of them.
    pub fn with_counts(mut self, counts: &BTreeMap<ServiceName, u32>) -> Self {
        self.formation = self.formation.with_counts(counts);
        self
    }

    fn autostarts(&self, service: &ServiceName) -> bool {
        let chosen = match &self.only {
            Some(names) => names.is_empty() || names.contains(service),
            None => true,
        };
        chosen && !self.ignored.contains(service)
    }
}

/// Answers which port an instance has, by its service's position and its number, both from 0. It is asked for
/// number 0 of a service without instances too: its port stays known to the others. `None`: no ports.
pub type PortOf<'a> = dyn Fn(u32, u32) -> Option<(u16, PortSource)> + 'a;

/// Resolves every instance, in the order of the file. Services left out by `only` or `ignored` are there, but
/// do not start by themselves; a formation of 0 takes a service out.
pub fn resolve(
    services: &[Service],
    options: &Options,
    environment: &Environment,
    port_of: &PortOf<'_>,
) -> Checked<Vec<InstanceSpec>> {
    let mut diagnostics = Vec::new();
    let session = SessionVariables::new(services, port_of, &mut diagnostics);
    let ports = session
        .ports
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()));
    let common: CommonVariables = environment
        .pairs()
        .chain(ports)
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let mut specs = Vec::new();
    for (position, service) in (0_u32..).zip(services) {
        for (number, name) in instances(service, &options.formation) {
            let port = port_of(position, number);
            let own = own_variables(&name, options, port.as_ref().map(|(port, _)| *port));
            specs.push(InstanceSpec {
                position,
                command: service.command.clone(),
                origin: service.origin.clone(),
                launch: Launch {
                    argv: argv(&options.shell, &service.command),
                    cwd: options.root.clone(),
                    env: Variables::new(&common, overlay(service, &session, own)),
                    ..Launch::default()
                },
                policy: policy(&service.name, options),
                port,
                name,
                description: None,
                namespaces: vec![DEFAULT_NAMESPACE.to_owned()],
                checks: Checks::default(),
                schedule: None,
                watch: None,
                hooks: Hooks::default(),
            });
        }
    }
    if !specs.iter().any(|spec| spec.policy.autostart) {
        diagnostics.push(
            Diagnostic::error(Kind::Usage, "nothing is left to run: every service is left out")
                .hint("look at -l, -x and -m, and at OVR_PROCESSES, OVR_IGNORED_PROCESSES and OVR_FORMATION"),
        );
    }
    Checked::new(specs, diagnostics)
}

/// The environment of one instance with the source of every value, for `ovr env SERVICE --explain`. Its pairs
/// are those of the instance's [`Launch`].
pub fn instance_environment(
    services: &[Service],
    spec: &InstanceSpec,
    options: &Options,
    environment: &Environment,
    port_of: &PortOf<'_>,
) -> Environment {
    let mut layered = environment.clone();
    if let Some(service) = services.iter().find(|service| service.name == spec.name.service) {
        layered.extend(Layer::ServiceFile, service.env_file.iter().cloned());
        layered.extend(Layer::Service, service.environment.iter().cloned());
    }
    let session = SessionVariables::new(services, port_of, &mut Vec::new());
    let own = own_variables(&spec.name, options, spec.port.as_ref().map(|(port, _)| *port));
    for (name, value) in session.ports.into_iter().chain(own) {
        layered.set(Layer::Injected, &name, value, Origin::Ovr);
    }
    layered
}

/// What every service gets, for commands that are run beside them (`ovr run`, `ovr env`).
pub fn common_environment(
    services: &[Service],
    options: &Options,
    environment: &Environment,
    port_of: &PortOf<'_>,
) -> Environment {
    let mut layered = environment.clone();
    let session = SessionVariables::new(services, port_of, &mut Vec::new());
    let own = [
        ("OVR_PROJECT".to_owned(), options.project.clone()),
        ("OVR_PROJECT_ROOT".to_owned(), options.root.display().to_string()),
    ];
    for (name, value) in session.ports.into_iter().chain(own) {
        layered.set(Layer::Injected, &name, value, Origin::Ovr);
    }
    layered
}

/// The instances of a service: number from 0, and name.
fn instances(service: &Service, formation: &Formation) -> impl Iterator<Item = (u32, InstanceName)> {
    let count = formation.count(&service.name);
    (0..count).map(move |number| {
        let name = InstanceName {
            service: service.name.clone(),
            number: (count > 1).then_some(number + 1),
        };
        (number, name)
    })
}

/// What every service of a session is told about all of them.
struct SessionVariables {
    ports: BTreeMap<String, String>,
}

const PROCESS_PREFIXES: [&str; 2] = ["OVERMIND_PROCESS_", "OVR_PROCESS_"];

impl SessionVariables {
    /// The port of each service under its name as written and in capitals. A name as written goes before
    /// another's capitals; of two services that share a variable the first one has it, which is a warning.
    fn new(services: &[Service], port_of: &PortOf<'_>, diagnostics: &mut Vec<Diagnostic>) -> Self {
        let mut owners: BTreeMap<String, (&Service, String)> = BTreeMap::new();
        let ported = (0_u32..).zip(services).filter_map(|(position, service)| {
            port_of(position, 0).map(|(port, _)| (service, port.to_string()))
        });
        let ported: Vec<_> = ported.collect();
        for (service, port) in &ported {
            let variable = service.name.as_variable();
            match owners.get(&variable) {
                Some((owner, _)) => diagnostics.push(
                    Diagnostic::warning(
                        Kind::Config,
                        format!(
                            "{} and {} share the variable OVR_PROCESS_{variable}_PORT; it holds the port of {}",
                            owner.name, service.name, owner.name
                        ),
                    )
                    .hint("give one of them another name"),
                ),
                None => {
                    owners.insert(variable, (service, port.clone()));
                }
            }
        }
        for (service, port) in &ported {
            let capitals = service.name.as_variable().to_ascii_uppercase();
            owners.entry(capitals).or_insert_with(|| (service, port.clone()));
        }
        let mut ports = BTreeMap::new();
        for (variable, (_, port)) in owners {
            for prefix in PROCESS_PREFIXES {
                ports.insert(format!("{prefix}{variable}_PORT"), port.clone());
            }
        }
        Self { ports }
    }
}

/// What an instance is told about itself. None of these is the variable of a flag: a service that calls `ovr`
/// in another project must reach that one.
fn own_variables(name: &InstanceName, options: &Options, port: Option<u16>) -> Vec<(String, String)> {
    let root = options.root.display().to_string();
    let mut variables = vec![
        ("OVR_INSTANCE", name.to_string()),
        ("OVR_PROJECT", options.project.clone()),
        ("OVR_PROJECT_ROOT", root.clone()),
        ("OVR_SERVICE", name.service.to_string()),
        ("PS", name.to_string()),
        // The caller's would name the directory that `ovr` was called in.
        ("PWD", root),
    ];
    variables.extend(options.term.clone().map(|term| ("TERM", term)));
    variables.extend(port.map(|port| ("PORT", port.to_string())));
    variables
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

/// What distinguishes an instance's environment from the one that all have in common.
fn overlay(
    service: &Service,
    session: &SessionVariables,
    own: Vec<(String, String)>,
) -> impl Iterator<Item = (String, String)> {
    service
        .env_file
        .iter()
        .chain(&service.environment)
        .filter(|assignment| !session.ports.contains_key(&assignment.name))
        .map(|assignment| (assignment.name.clone(), assignment.value.clone()))
        .chain(own)
}

fn argv(shell: &str, command: &str) -> Vec<String> {
    let mut argv: Vec<String> = shell.split_whitespace().map(str::to_owned).collect();
    argv.push("-c".to_owned());
    // A shell would take a command that begins like an option for one.
    let looks_like_an_option = command.starts_with(['-', '+']);
    argv.push(if looks_like_an_option {
        format!(" {command}")
    } else {
        command.to_owned()
    });
    argv
}

fn policy(service: &ServiceName, options: &Options) -> Policy {
    Policy {
        autostart: options.autostarts(service),
        stop: StopPlan {
            signal: options.stop_signals.signal(service),
            grace: options.stop_grace,
            ..StopPlan::default()
        },
        restart: if options.auto_restart.contains(service) {
            RestartPolicy::ALWAYS
        } else {
            RestartPolicy::NEVER
        },
        end: if options.any_can_die || options.can_die.contains(service) {
            EndPolicy::MayEnd
        } else {
            EndPolicy::StopsSession
        },
        ..Policy::default()
    }
}

#[cfg(test)]
mod tests;
