//! From drafts to the instances of a session: their ports, the whole environment of each, and which of them
//! start. Pure: ports and files were settled before.

use super::Checked;
use super::choose::choose;
use super::draft::{Draft, DraftCheck, PortWish, Service};
use super::environment::{Assignment, Environment, Layer, Origin};
use super::expand::Known;
use super::options::Options;
use crate::diag::{Diagnostic, Kind};
use crate::model::{
    Check, Checks, CommonVariables, InstanceSpec, Launch, ListenAddress, PortSource, Variables,
};
use std::collections::{BTreeMap, BTreeSet};

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
    let common = session.common(environment);
    let stripped = environment.without(Layer::DotEnv);
    let mut without_dotenv = None;
    let mut specs = Vec::new();
    let mut tiers = Vec::new();
    for (position, service) in (0_u32..).zip(services) {
        for draft in &service.drafts {
            let port = port(position, draft, service, port_of);
            let own = own_variables(draft, service, options, port.as_ref().map(|(port, _)| *port));
            let (common, environment) = if draft.without_dotenv {
                let common = without_dotenv.get_or_insert_with(|| session.common(&stripped));
                (&*common, &stripped)
            } else {
                (&common, environment)
            };
            let decided = Some(decided(draft, environment, &own));
            let late = late(draft, &session, &own);
            let filled = |text: &String| late.settle(text.clone());
            let checks = checks(
                draft,
                port.as_ref().map(|(port, _)| *port),
                &late,
                &mut diagnostics,
            );
            let (command, argv) = if draft.by_words {
                (filled(&draft.command), draft.argv.iter().map(filled).collect())
            } else {
                (draft.command.clone(), draft.argv.clone())
            };
            specs.push(InstanceSpec {
                name: draft.name.clone(),
                service: service.name.clone(),
                number: draft.number,
                position,
                command,
                origin: draft.origin.clone(),
                launch: Launch {
                    argv,
                    cwd: draft.cwd.clone(),
                    env: Variables::new(common, overlay(draft, &session, &late, own)),
                    decided,
                    limits: draft.limits,
                    listen: draft.listen.clone(),
                    notify: draft.notify,
                    watchdog: draft.watchdog,
                    daemon: draft.may_launch_elsewhere(),
                },
                policy: draft.policy.clone(),
                port,
                description: draft.description.clone(),
                namespaces: draft.namespaces.clone(),
                checks,
                schedule: draft.schedule.clone(),
                watch: draft.watch.clone(),
                hooks: draft.hooks.clone(),
                log_file: draft.log_file.clone(),
            });
            tiers.push(draft.tier);
        }
    }
    diagnostics.extend(choose(&mut specs, &tiers, options));
    Checked::new(specs, diagnostics)
}

/// An instance's port. What its own `PORT` says goes before the rule, and what `port` says before that; a
/// service that is handed its socket has that one's.
fn port(position: u32, draft: &Draft, service: &Service, port_of: &PortOf<'_>) -> Option<(u16, PortSource)> {
    let by_plan = || port_of(position, draft.number - 1);
    if matches!(service.port, PortWish::Fixed { .. }) {
        return by_plan();
    }
    if let Some((port, written)) = draft.written_port() {
        let origin = written.origin.to_string();
        return Some((port, PortSource::Fixed { origin }));
    }
    let handed = draft.listen.iter().find_map(|listen| match listen.address {
        ListenAddress::Tcp(address) if address.port() > 0 => Some(address.port()),
        ListenAddress::Tcp(_) | ListenAddress::Unix(_) => None,
    });
    match handed {
        Some(port) => {
            let origin = draft.origin.clone();
            Some((port, PortSource::Fixed { origin }))
        }
        None => by_plan(),
    }
}

/// The checks of an instance whose port is known now.
fn checks(draft: &Draft, port: Option<u16>, late: &Known, diagnostics: &mut Vec<Diagnostic>) -> Checks {
    let mut settle = |draft_check: &Option<DraftCheck>| {
        let DraftCheck { check, own_port } = draft_check.as_ref()?;
        let Some(span) = own_port else {
            return Some(filled(check.clone(), late));
        };
        let Some(port) = port else {
            let error = Diagnostic::error(
                Kind::Config,
                format!("this probe has no port, and {} has none of its own", draft.name),
            );
            let error = error
                .at(span.clone())
                .hint("write `port:` in the probe, or for the service");
            if !diagnostics.contains(&error) {
                diagnostics.push(error);
            }
            return None;
        };
        Some(filled(at_port(check.clone(), port), late))
    };
    let checks = &draft.checks;
    Checks {
        startup: settle(&checks.startup),
        readiness: settle(&checks.readiness),
        liveness: settle(&checks.liveness),
        ready_line: checks.ready_line.clone().map(|line| late.settle(line)),
        failure_line: checks.failure_line.clone().map(|line| late.settle(line)),
    }
}

/// A check with the values of what it names. A command's variables are its shell's.
fn filled(check: Check, late: &Known) -> Check {
    match check {
        Check::Http(http) => {
            let headers = http.headers.into_iter();
            Check::Http(crate::model::HttpCheck {
                host: late.settle(http.host),
                path: late.settle(http.path),
                headers: headers.map(|(name, value)| (name, late.settle(value))).collect(),
                ..http
            })
        }
        Check::Tcp { host, port } => Check::Tcp {
            host: late.settle(host),
            port,
        },
        exec @ Check::Exec { .. } => exec,
    }
}

fn at_port(check: Check, port: u16) -> Check {
    match check {
        Check::Http(http) => Check::Http(crate::model::HttpCheck { port, ..http }),
        Check::Tcp { host, .. } => Check::Tcp { host, port },
        exec @ Check::Exec { .. } => exec,
    }
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
    let found = services.iter().find_map(|service| {
        let draft = service.drafts.iter().find(|draft| draft.name == spec.name)?;
        Some((service, draft))
    });
    let Some((service, draft)) = found else {
        return common_environment(services, options, environment, port_of);
    };
    let mut layered = if draft.without_dotenv {
        environment.without(Layer::DotEnv)
    } else {
        environment.clone()
    };
    layered.extend(Layer::ServiceFile, draft.env_file.iter().cloned());
    let session = SessionVariables::new(services, port_of, &mut Vec::new());
    let own = own_variables(draft, service, options, spec.port.as_ref().map(|(port, _)| *port));
    layered.extend(Layer::Service, written(draft, &late(draft, &session, &own)));
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
            let port = match service.drafts.first() {
                Some(draft) => port(position, draft, service, port_of),
                None => port_of(position, 0),
            };
            port.map(|(port, _)| (service, port.to_string()))
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

    /// What all instances have in common.
    fn common(&self, environment: &Environment) -> CommonVariables {
        let ports = self
            .ports
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        environment
            .pairs()
            .chain(ports)
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    }
}

/// What an instance is told about itself. None of these is the variable of a flag: a service that calls `ovr`
/// in another project must reach that one.
fn own_variables(
    draft: &Draft,
    service: &Service,
    options: &Options,
    port: Option<u16>,
) -> Vec<(String, String)> {
    let mut variables = options.told(&draft.name, &service.name).to_vec();
    // The caller's would name the directory that `ovr` was called in.
    variables.push(("PWD", draft.cwd.display().to_string()));
    variables.extend(options.term.clone().map(|term| ("TERM", term)));
    variables.extend(port.map(|port| ("PORT", port.to_string())));
    variables
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .chain(draft.told.iter().cloned())
        .collect()
}

/// What values can name that is known only now: `URL: localhost:${PORT}`. Nothing where none names anything.
fn late(draft: &Draft, session: &SessionVariables, own: &[(String, String)]) -> Known {
    if !draft.names_variables() {
        return Known::default();
    }
    let mut known = Known::new(draft.env_file.iter().chain(&draft.environment));
    let ports = session.ports.iter();
    let own = own.iter().map(|(name, value)| (name, value));
    ports.chain(own).for_each(|(name, value)| known.set(name, value));
    known
}

/// What the configuration gives an instance.
fn written(draft: &Draft, late: &Known) -> Vec<Assignment> {
    let filled = draft.environment.iter().map(|assignment| Assignment {
        value: late.settle(assignment.value.clone()),
        ..assignment.clone()
    });
    filled.collect()
}

/// The names of the variables that are not as whoever called `ovr` has them, one a line.
fn decided(draft: &Draft, environment: &Environment, own: &[(String, String)]) -> String {
    let written = draft.env_file.iter().chain(&draft.environment);
    let written = written.map(|assignment| assignment.name.as_str());
    let told = own.iter().map(|(name, _)| name.as_str());
    // What kind of terminal it is, is the caller's as well.
    let told = told.filter(|name| *name != "TERM");
    let names: BTreeSet<&str> = environment.decided().chain(written).chain(told).collect();
    names.into_iter().collect::<Vec<_>>().join("\n")
}

/// What distinguishes an instance's environment from the one that all have in common.
fn overlay(
    draft: &Draft,
    session: &SessionVariables,
    late: &Known,
    own: Vec<(String, String)>,
) -> impl Iterator<Item = (String, String)> {
    draft
        .env_file
        .iter()
        .cloned()
        .chain(written(draft, late))
        .filter(|assignment| !session.ports.contains_key(&assignment.name))
        .map(|assignment| (assignment.name, assignment.value))
        .chain(own)
}

#[cfg(test)]
mod tests;
