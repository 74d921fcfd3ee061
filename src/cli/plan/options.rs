//! The settings of a start in the terms of the configuration: names that exist, numbers, ports.

use super::super::settings::{Origin, Selection, Sourced, StartOptions};
use crate::config::draft::{Draft, PortWish};
use crate::config::{Environment, Formation, Names, Options, Service, StopSignals};
use crate::diag::Diagnostic;
use crate::model::ServiceName;
use crate::ports::{Base, BaseVariable, PortPlan, Rule, Wanted, Wish};
use crate::tmux::setup::Setup as TmuxSetup;
use crate::workspace::Project;
use std::path::PathBuf;

/// The settings in `config`'s terms. Names that no service has are errors, all of them at once.
pub(super) fn session_options(
    project: &Project,
    title: &str,
    options: &StartOptions,
    names: &[ServiceName],
    environment: &Environment,
) -> Result<Options, Vec<Diagnostic>> {
    let mut problems = Vec::new();
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
    resolved.home = environment
        .non_empty("HOME")
        .map(|home| PathBuf::from(home.value));
    resolved.term = Some(TmuxSetup::for_size(None).terminal.to_owned());
    Ok(resolved)
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
