//! The port rule: base + step × position + instance step × number. Pure; the reasons are in
//! `docs/design/port-rule.md`. Whether a port is free is `holder.rs`'s question.

use crate::diag::{Diagnostic, Kind};
use crate::model::{PortSource, ServiceName};
use std::collections::BTreeMap;

/// The first service's port where nobody says anything.
const DEFAULT_BASE: u16 = 5000;
const DEFAULT_STEP: u16 = 100;
const DEFAULT_INSTANCE_STEP: u16 = 10;

/// The port of the first service, and who says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Base {
    pub port: u16,
    /// `-p`, `OVR_PORT`, `OVERMIND_PORT`, `PORT`, `.env:3`, `default`.
    pub source: String,
}

/// A variable that may hold the base.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseVariable {
    pub value: String,
    /// How to name where it comes from: the variable, or file and line.
    pub source: String,
}

impl Default for Base {
    fn default() -> Self {
        Self {
            port: DEFAULT_BASE,
            source: "default".to_owned(),
        }
    }
}

impl Base {
    /// The variables that may hold the base, highest first.
    pub const VARIABLES: [&str; 3] = ["OVR_PORT", "OVERMIND_PORT", "PORT"];

    /// The flag goes before the variables, these in their order before the default. `variable` answers with
    /// what a variable of [`Base::VARIABLES`] holds; an empty one counts as not set.
    pub fn choose(
        flag: Option<u16>,
        variable: impl Fn(&str) -> Option<BaseVariable>,
    ) -> Result<Self, Diagnostic> {
        if let Some(port) = flag {
            return Self::checked(&port.to_string(), "-p".to_owned());
        }
        Self::VARIABLES
            .iter()
            .filter_map(|name| variable(name))
            .find(|found| !found.value.is_empty())
            .map_or_else(
                || Ok(Self::default()),
                |found| Self::checked(&found.value, found.source),
            )
    }

    fn checked(text: &str, source: String) -> Result<Self, Diagnostic> {
        match text.trim().parse() {
            Ok(port) if port > 0 => Ok(Self { port, source }),
            _ => Err(Diagnostic::error(
                Kind::Config,
                format!("{text:?} ({source}) is no port; a port is a number from 1 to 65535"),
            )),
        }
    }
}

/// The numbers of the rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    pub base: Base,
    /// From one service to the next (`-P`).
    pub step: u16,
    /// From one instance of a service to the next (`--formation-port-step`).
    pub instance_step: u16,
}

impl Default for Rule {
    fn default() -> Self {
        Self {
            base: Base::default(),
            step: DEFAULT_STEP,
            instance_step: DEFAULT_INSTANCE_STEP,
        }
    }
}

/// A service that wants ports. Its place in the slice is its position in the whole file: services that are
/// left out or have no instance are in it too, so that no choice moves another's port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    pub name: ServiceName,
    pub instances: u32,
    pub wish: Wish,
}

/// How a service's port is chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wish {
    /// By its position.
    Rule,
    /// The configuration says which, and where; its further instances follow by the instance step.
    Fixed(BaseVariable),
    /// It gets none.
    None,
}

/// The ports of one service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServicePorts {
    pub name: ServiceName,
    /// The port of the service as such: its first instance's, if it has any. `None` for a service that gets no
    /// port, and for one without instances that the rule has no room for.
    pub first: Option<u16>,
    /// One for each instance, if it gets any.
    pub instances: Vec<u16>,
    pub source: PortSource,
}

/// Every service with its ports, in the order of the file. Empty where ports are switched off (`-N`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PortPlan {
    pub services: Vec<ServicePorts>,
}

impl PortPlan {
    /// No ports for anybody.
    pub fn none() -> Self {
        Self::default()
    }

    /// Applies the rule, or tells everything that stands against it; once, where one number of the rule stands
    /// against many services.
    pub fn new(rule: &Rule, wanted: &[Wanted]) -> Result<Self, Vec<Diagnostic>> {
        let (mut errors, mut refused) = (Vec::new(), Refused::default());
        let mut services = Vec::with_capacity(wanted.len());
        for (position, service) in (0_u64..).zip(wanted) {
            let ports = match &service.wish {
                Wish::Rule => ports_of(rule, position, service, None),
                Wish::Fixed(fixed) => ports_of(rule, position, service, Some(fixed)),
                Wish::None => Ok(portless(service)),
            };
            match ports {
                Ok(ports) => services.push(ports),
                Err(Misfit::Fixed(error)) => errors.push(error),
                Err(Misfit::Beyond { last, how }) => refused.beyond.add(|| (service, last, how)),
                Err(Misfit::TooMany) => refused.too_many.add(|| service),
            }
        }
        errors.extend(refused.too_many.told(|service| too_many_instances(rule, service)));
        errors.extend(refused.beyond.told(|found| beyond(rule, wanted, found)));
        errors.extend(doubled(&services));
        errors.is_empty().then_some(Self { services }).ok_or(errors)
    }

    /// The port of an instance, by its service's position and its number, both from 0. Number 0 is answered
    /// for a service without instances too.
    pub fn port(&self, position: u32, number: u32) -> Option<(u16, PortSource)> {
        let service = self.services.get(usize::try_from(position).ok()?)?;
        let number = usize::try_from(number).ok()?;
        let port = service.instances.get(number).copied();
        let port = port.or(service.first.filter(|_| number == 0))?;
        Some((port, service.source.clone()))
    }

    /// The ports of all instances, to ask [`super::listeners`] about.
    pub fn all(&self) -> impl Iterator<Item = u16> {
        self.services
            .iter()
            .flat_map(|service| service.instances.iter().copied())
    }
}

/// Why a service cannot have its ports.
enum Misfit {
    /// It has to do with its own port, which somebody wrote.
    Fixed(Diagnostic),
    /// By the rule its last one would be this; and how the rule comes to it.
    Beyond { last: u64, how: String },
    /// Its instances would reach into the next service's block.
    TooMany,
}

/// The first of those that have the same in their way, and how many others there are.
struct First<T> {
    first: Option<T>,
    others: usize,
}

impl<T> Default for First<T> {
    fn default() -> Self {
        Self {
            first: None,
            others: 0,
        }
    }
}

impl<T> First<T> {
    fn add(&mut self, found: impl FnOnce() -> T) {
        match self.first {
            Some(_) => self.others += 1,
            None => self.first = Some(found()),
        }
    }

    fn told(self, error: impl FnOnce(&T) -> Diagnostic) -> Option<Diagnostic> {
        let error = error(&self.first?);
        let services = if self.others == 1 { "service" } else { "services" };
        let message = match self.others {
            0 => error.message,
            others => format!("{}; so it is with {others} more {services}", error.message),
        };
        Some(Diagnostic { message, ..error })
    }
}

#[derive(Default)]
struct Refused<'a> {
    beyond: First<(&'a Wanted, u64, String)>,
    too_many: First<&'a Wanted>,
}

fn portless(service: &Wanted) -> ServicePorts {
    ServicePorts {
        name: service.name.clone(),
        first: None,
        instances: Vec::new(),
        source: PortSource::Rule { base: String::new() },
    }
}

fn ports_of(
    rule: &Rule,
    position: u64,
    service: &Wanted,
    fixed: Option<&BaseVariable>,
) -> Result<ServicePorts, Misfit> {
    let instances = u64::from(service.instances);
    let instance_step = u64::from(rule.instance_step);
    if instances > 1 && (instance_step == 0 || instances * instance_step > u64::from(rule.step)) {
        return Err(Misfit::TooMany);
    }
    let (first, source, how) = if let Some(fixed) = fixed {
        let base = Base::checked(&fixed.value, fixed.source.clone()).map_err(Misfit::Fixed)?;
        let origin = fixed.source.clone();
        (
            u64::from(base.port),
            PortSource::Fixed { origin },
            base.port.to_string(),
        )
    } else {
        let base = rule.base.source.clone();
        let first = u64::from(rule.base.port) + u64::from(rule.step) * position;
        let how = format!("{} + {} × {position}", rule.base.port, rule.step);
        (first, PortSource::Rule { base }, how)
    };
    let ports: Result<Vec<u16>, _> = (0..instances)
        .map(|number| u16::try_from(first + instance_step * number))
        .collect();
    let ports = ports.map_err(|_| {
        let last = first + instance_step * instances.saturating_sub(1);
        match fixed {
            Some(_) => Misfit::Fixed(too_high(service, last, &how).hint("choose a lower one")),
            None => Misfit::Beyond { last, how },
        }
    })?;
    Ok(ServicePorts {
        name: service.name.clone(),
        first: u16::try_from(first).ok(),
        instances: ports,
        source,
    })
}

fn too_high(service: &Wanted, last: u64, how: &str) -> Diagnostic {
    let name = &service.name;
    let message = format!("{name} would get port {last} ({how}); the highest is 65535");
    Diagnostic::error(Kind::Config, message)
}

fn beyond(rule: &Rule, wanted: &[Wanted], (service, last, how): &(&Wanted, u64, String)) -> Diagnostic {
    let error = too_high(service, *last, how);
    match widest_step(rule, wanted) {
        Some(step) => error.hint(format!(
            "take a smaller step (-P {step} has room for all) or a lower base (-p), or no ports at all (-N)"
        )),
        None => error.hint("choose a lower base (-p) or a smaller step (-P), or no ports at all (-N)"),
    }
}

/// The widest step with which all that follow the rule have room; `None` if no step is narrow enough for that and
/// still wide enough for their instances.
fn widest_step(rule: &Rule, wanted: &[Wanted]) -> Option<u64> {
    let base = u64::from(rule.base.port);
    let mut widest = u64::from(u16::MAX);
    let mut narrowest = 1;
    for (position, service) in (0_u64..).zip(wanted) {
        let (instances, between) = (u64::from(service.instances), u64::from(rule.instance_step));
        if instances == 0 || service.wish != Wish::Rule {
            continue;
        }
        if instances > 1 {
            narrowest = narrowest.max(instances * between);
        }
        let room = u64::from(u16::MAX).checked_sub(base + between * (instances - 1))?;
        widest = widest.min(room.checked_div(position).unwrap_or(widest));
    }
    (widest >= narrowest).then_some(widest)
}

fn too_many_instances(rule: &Rule, service: &Wanted) -> Diagnostic {
    let Wanted { name, instances, .. } = service;
    let Rule {
        step, instance_step, ..
    } = rule;
    let error = Diagnostic::error(
        Kind::Config,
        format!(
            "{name} has {instances} instances, {instance_step} ports apart, but only {step} ports up to the next service"
        ),
    );
    match step.checked_div(*instance_step) {
        None => error.hint("give them different ports with --formation-port-step"),
        Some(fit) => error.hint(format!(
            "{fit} fit; take a wider step (-P) or a narrower one for instances (--formation-port-step)"
        )),
    }
}

/// An error for each port that two instances would get. A step of 0 is a wish, not a mistake: then all
/// services share one port by the rule.
fn doubled(services: &[ServicePorts]) -> Vec<Diagnostic> {
    let mut owners: BTreeMap<u16, &ServicePorts> = BTreeMap::new();
    let mut errors = Vec::new();
    for service in services {
        for port in &service.instances {
            let Some(owner) = owners.insert(*port, service) else {
                continue;
            };
            let wished = |service: &ServicePorts| matches!(service.source, PortSource::Rule { .. });
            if wished(owner) && wished(service) {
                continue;
            }
            errors.push(
                Diagnostic::error(
                    Kind::Config,
                    format!("{} and {} would both get port {port}", owner.name, service.name),
                )
                .hint("a port written for one of them is another's by the rule; change it, or the base (-p)"),
            );
        }
    }
    errors
}

#[cfg(test)]
mod tests;
