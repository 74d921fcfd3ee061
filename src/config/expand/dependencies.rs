//! Who there is and who waits for whom: the instances of each service by name, and what a dependency on a
//! service or a replica comes to.

use super::super::formation::Formation;
use super::super::project::{DependencyDef, Located, RestartDef, ServiceDef};
use super::Drafting;
use super::texts::Texts;
use crate::diag::{Diagnostic, Kind};
use crate::model::{Condition, Dependency, InstanceName, RestartWhen, ServiceName, suggest};
use std::collections::BTreeMap;

/// A service and the names of its instances.
pub(super) struct Outline<'a> {
    pub(super) service: &'a ServiceDef,
    pub(super) instances: Vec<InstanceName>,
}

impl<'a> Outline<'a> {
    /// Where the configuration says how many there are, they have names of their own: `web-0`, `web-1`. What
    /// was only asked for has numbers: `web#1`, `web#2`.
    pub(super) fn new(service: &'a ServiceDef, formation: &Formation) -> Self {
        let name = &service.name.value;
        let written = service.replicas.as_ref().map(|replicas| replicas.value);
        let count = formation.given(name).or(written).unwrap_or(1);
        let width = count.max(1).to_string().len();
        let instance = |number: u32| {
            let replica = format!("{name}-{number:0width$}").parse::<ServiceName>();
            match (count, written, replica) {
                (1, _, _) => InstanceName {
                    service: name.clone(),
                    number: None,
                },
                (_, Some(_), Ok(replica)) => InstanceName {
                    service: replica,
                    number: None,
                },
                (_, None, _) | (_, _, Err(_)) => InstanceName {
                    service: name.clone(),
                    number: Some(number + 1),
                },
            }
        };
        Self {
            service,
            instances: (0..count).map(instance).collect(),
        }
    }

    /// The names that dependencies on the whole service are about.
    fn targets(&self) -> Vec<ServiceName> {
        let mut targets: Vec<ServiceName> = self.instances.iter().map(|name| name.service.clone()).collect();
        targets.dedup();
        targets
    }

    /// Where no condition is written: ready if something says what that means, else started.
    fn usual_condition(&self) -> Condition {
        let service = self.service;
        let is_probed = service.readiness_probe.is_some() || service.startup_probe.is_some();
        if is_probed || service.ready_log_line.is_some() || service.notify {
            Condition::Ready
        } else {
            Condition::Started
        }
    }

    /// It is started again whenever it ends.
    fn never_ends(&self) -> bool {
        let availability = &self.service.availability;
        let always = RestartDef::When(RestartWhen::Always);
        availability
            .restart
            .as_ref()
            .is_some_and(|restart| restart.value == always)
            && availability.max_restarts.is_none_or(|most| most == 0)
    }
}

/// An error for each service that has the name of another one's replica: nobody could say which is meant.
pub(super) fn clashes(outlines: &[Outline<'_>]) -> Vec<Diagnostic> {
    let mut owners: BTreeMap<&ServiceName, &ServiceName> = BTreeMap::new();
    for outline in outlines {
        let own = &outline.service.name.value;
        let replicas = outline.instances.iter().map(|instance| &instance.service);
        owners.extend(
            replicas
                .filter(|replica| *replica != own)
                .map(|replica| (replica, own)),
        );
    }
    let names = outlines.iter().map(|outline| &outline.service.name);
    let clash = |name: &Located<ServiceName>| {
        let owner = owners.get(&name.value)?;
        let message = format!("{} is also the name of a replica of {owner}", name.value);
        let error = Diagnostic::error(Kind::Config, message).at(name.span.clone());
        Some(error.hint("give one of them another name"))
    };
    names.filter_map(clash).collect()
}

/// The place of each tier. Numbers are in their order, and before words, which are in the order of the file.
pub(super) fn tiers(services: &[ServiceDef]) -> BTreeMap<String, usize> {
    let mut names: Vec<&str> = Vec::new();
    for tier in services.iter().filter_map(|service| service.tier.as_ref()) {
        if !names.contains(&tier.value.as_str()) {
            names.push(&tier.value);
        }
    }
    names.sort_by_key(|name| {
        name.trim()
            .parse::<i64>()
            .map_or((true, 0), |number| (false, number))
    });
    names.into_iter().map(str::to_owned).zip(0..).collect()
}

impl Drafting<'_> {
    pub(super) fn depends_on(&self, texts: &mut Texts) -> Vec<Dependency> {
        let mut found: Vec<Dependency> = Vec::new();
        // A replica that is named has its own condition, whatever is said about all of them.
        let (whole, named): (Vec<&DependencyDef>, Vec<&DependencyDef>) = self
            .service
            .depends_on
            .iter()
            .partition(|dependency| self.outline(&dependency.on.value).is_some());
        for dependency in named.into_iter().chain(whole) {
            let Some((outline, targets)) = self.targets(&dependency.on.value) else {
                texts.diagnostics.push(self.unknown(dependency));
                continue;
            };
            let condition = dependency.condition.as_ref().map(|condition| condition.value);
            let condition = condition.unwrap_or_else(|| outline.usual_condition());
            if matches!(condition, Condition::Ended | Condition::EndedWell) && outline.never_ends() {
                texts.diagnostics.push(waits_for_ever(self.service, dependency));
            }
            for on in targets {
                if found.iter().all(|known| known.on != on) {
                    found.push(Dependency { on, condition });
                }
            }
        }
        found
    }

    fn outline(&self, name: &str) -> Option<&Outline<'_>> {
        self.outlines
            .iter()
            .find(|outline| outline.service.name.value.as_str() == name)
    }

    /// What a name means: all of a service, or one replica.
    fn targets(&self, name: &str) -> Option<(&Outline<'_>, Vec<ServiceName>)> {
        if let Some(outline) = self.outline(name) {
            return Some((outline, outline.targets()));
        }
        self.outlines.iter().find_map(|outline| {
            let replica = outline
                .instances
                .iter()
                .find(|instance| instance.service.as_str() == name)?;
            Some((outline, vec![replica.service.clone()]))
        })
    }

    fn unknown(&self, dependency: &DependencyDef) -> Diagnostic {
        let services = self
            .outlines
            .iter()
            .map(|outline| outline.service.name.value.as_str());
        let replicas = self
            .outlines
            .iter()
            .flat_map(|outline| outline.instances.iter().map(|instance| instance.service.as_str()));
        let (name, on) = (&self.service.name.value, &dependency.on);
        let error = Diagnostic::error(
            Kind::Config,
            format!("{name} depends on {:?}, which is no service here", on.value),
        )
        .at(on.span.clone());
        match suggest(&on.value, services.chain(replicas)) {
            Some(guess) => error.hint(format!("did you mean {guess:?}?")),
            None => error,
        }
    }
}

fn waits_for_ever(service: &ServiceDef, dependency: &DependencyDef) -> Diagnostic {
    let (name, on) = (&service.name.value, &dependency.on.value);
    Diagnostic::warning(
        Kind::Config,
        format!("{name} waits for the end of {on}, which is always started again"),
    )
    .at(dependency.on.span.clone())
    .hint(format!(
        "wait for `process_started`, or let {on} end: `restart: on_failure`"
    ))
}
