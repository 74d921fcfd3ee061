//! The settings of a start in the terms of the configuration: names that exist, numbers, ports.

use super::super::settings::{Origin, Selection, Sourced, StartOptions};
use crate::config::draft::{Draft, PortWish};
use crate::config::project::ServiceDef;
use crate::config::{Configuration, Environment, Formation, Names, Options, Service, StopSignals};
use crate::diag::{Diagnostic, Kind};
use crate::model::suggest;
use crate::nats::Address;
use crate::ports::{Base, BaseVariable, PortPlan, Rule, Wanted, Wish};
use crate::tmux::setup::Setup as TmuxSetup;
use crate::workspace::Project;
use std::path::PathBuf;

/// The settings in `config`'s terms. Names that no service has are errors, all of them at once.
pub(super) fn session_options(
    project: &Project,
    title: &str,
    options: &StartOptions,
    configuration: &Configuration,
    environment: &Environment,
) -> Result<Options, Vec<Diagnostic>> {
    let mut problems = Vec::new();
    let names = configuration.names();
    let names = names.as_slice();
    let of_profiles = members(configuration, &options.profiles.value).unwrap_or_else(|errors| {
        problems.extend(errors);
        Vec::new()
    });
    let mut chosen = |text: String, given_by: String| {
        Names::parse(&text, &given_by, names).unwrap_or_else(|errors| {
            problems.extend(errors);
            Names::default()
        })
    };
    let selection = |selection: &Selection| match selection {
        Selection::All => "all".to_owned(),
        Selection::Listed(listed) => listed.join(","),
    };
    let mut given_by = "ovr start".to_owned();
    let mut listed = options.names.clone();
    if let (true, Some(processes)) = (listed.is_empty(), &options.processes.value) {
        given_by = options.processes.origin.to_string();
        listed.extend(processes.iter().cloned());
    }
    listed.extend(of_profiles);
    let only = (!listed.is_empty()).then(|| chosen(listed.join(","), given_by));
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
    let formation = Formation::parse(&formation.join(","), &options.formation.origin.to_string(), names)
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
        names,
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
    resolved.shell = asked_for(&options.shell).then(|| options.shell.value.clone());
    resolved.yaml_shell = environment
        .non_empty("COMPOSE_SHELL")
        .map(|shell| shell.value.to_owned());
    resolved.namespaces.clone_from(&options.namespaces.value);
    resolved.no_deps = options.no_deps.value;
    resolved.disabled = disabled(environment);
    resolved.ports_asked = asked_for(&options.port) && !is_common_port(&options.port.origin);
    let home = environment.value("HOME").filter(|home| !home.is_empty());
    resolved.home = home.map(PathBuf::from);
    resolved.term = Some(TmuxSetup::for_size(None).terminal.to_owned());
    Ok(resolved)
}

/// Where events are to be published: flag and variable go before what the files say.
///
/// # Errors
/// What the files say is no address. It may have a password in it, and then its line is not repeated.
pub(super) fn publish(
    options: &StartOptions,
    configuration: &Configuration,
) -> Result<Option<Address>, Diagnostic> {
    let given = &options.publish.value;
    let Some(written) = configuration.def.publish.as_ref().filter(|_| given.is_none()) else {
        return Ok(given.clone());
    };
    written.value.parse().map(Some).map_err(|why| {
        let error = if written.value.contains('@') {
            Diagnostic::error(Kind::Config, format!("{}: publish: {why}", written.span))
        } else {
            Diagnostic::error(Kind::Config, format!("publish: {why}")).at(written.span.clone())
        };
        error.hint("such as nats://localhost:4222")
    })
}

/// The services of these profiles. Which profile there is not is an error.
pub(super) fn members(
    configuration: &Configuration,
    profiles: &[String],
) -> Result<Vec<String>, Vec<Diagnostic>> {
    let known = &configuration.def.profiles;
    let (mut members, mut errors) = (Vec::new(), Vec::new());
    for wanted in profiles {
        let profile = known.iter().find(|profile| profile.name == *wanted);
        if let Some(profile) = profile
            && !profile.services.is_empty()
        {
            members.extend(profile.services.iter().map(|service| service.value.clone()));
        } else if profile.is_some() {
            let message = format!("the profile {wanted:?} names no service");
            errors.push(Diagnostic::error(Kind::Config, message));
        } else {
            errors.push(no_such_profile(configuration, wanted));
        }
    }
    errors.is_empty().then_some(members).ok_or(errors)
}

fn no_such_profile(configuration: &Configuration, wanted: &str) -> Diagnostic {
    let error = Diagnostic::error(Kind::Usage, format!("there is no profile {wanted:?}"));
    let def = &configuration.def;
    let in_namespace = |service: &ServiceDef| service.namespaces.iter().any(|own| own.value == wanted);
    let names: Vec<&str> = def.profiles.iter().map(|profile| profile.name.as_str()).collect();
    if let Some(guess) = suggest(wanted, names.iter().copied()) {
        error.hint(format!("did you mean {guess:?}?"))
    } else if def.services.iter().any(in_namespace) {
        error.hint(format!(
            "there is a namespace of this name: ovr start -n {wanted}"
        ))
    } else if names.is_empty() {
        error.hint("profiles are sets of services in ovr.yaml: profiles: { dev: [web, db] }")
    } else {
        error.hint(format!("profiles: {}", names.join(", ")))
    }
}

/// Whether somebody has set it.
fn asked_for<T>(setting: &Sourced<T>) -> bool {
    setting.origin != Origin::Default
}

/// `PORT` is in many environments for other reasons.
fn is_common_port(origin: &Origin) -> bool {
    matches!(origin, Origin::Variable { name: "PORT", .. })
}

/// The processes that Process Compose would be told to leave down.
fn disabled(environment: &Environment) -> Vec<String> {
    let listed = environment
        .non_empty("PC_DISABLED_PROCESSES")
        .map(|listed| listed.value);
    let names = listed.unwrap_or_default().split(',').map(str::trim);
    names.filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

pub(super) fn port_plan(options: &StartOptions, services: &[Service]) -> Result<PortPlan, Vec<Diagnostic>> {
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
            instances: u32::try_from(service.drafts.len()).unwrap_or(u32::MAX),
            wish: wish(service),
        })
        .collect();
    PortPlan::new(&rule, &wanted)
}

/// A port that stands in the environment of every instance needs no rule.
fn wish(service: &Service) -> Wish {
    let written = |draft: &Draft| draft.written_port().is_some();
    match &service.port {
        PortWish::Fixed { port, origin } => Wish::Fixed(BaseVariable {
            value: port.to_string(),
            source: origin.clone(),
        }),
        PortWish::Rule if !service.drafts.is_empty() && service.drafts.iter().all(written) => Wish::None,
        PortWish::Rule => Wish::Rule,
        PortWish::None => Wish::None,
    }
}
