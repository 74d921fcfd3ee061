//! A session's plan made again, with the numbers of instances that were asked for since it began, and what its
//! instances are called. Nothing here touches the session.

use super::differences::place;
use super::replan::{Made, Overrides, Replan};
use crate::diag::Diagnostic;
use crate::logs::Label;
use crate::model::{InstanceId, InstanceName, InstanceSpec, ServiceName, no_such_service};
use crate::workspace::session::Scaled;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// A plan that was made, with the numbers of instances that were asked for and still count.
#[derive(Debug)]
pub(super) struct Planned {
    pub(super) instances: Vec<InstanceSpec>,
    pub(super) scaled: BTreeMap<ServiceName, Scaled>,
    pub(super) files: Vec<PathBuf>,
}

impl Planned {
    /// The plan that the files make, with the numbers that were asked for where the files still say about them
    /// what they said then.
    pub(super) fn make(
        replan: &Replan,
        mut scaled: BTreeMap<ServiceName, Scaled>,
        wished: &BTreeMap<ServiceName, u32>,
    ) -> Result<Self, Vec<Diagnostic>> {
        let Made {
            instances,
            services,
            files,
        } = replan.make(&Overrides::default())?;
        if let Some(unknown) = wished.keys().find(|name| !services.contains(name)) {
            let names = services.iter().map(ServiceName::as_str);
            return Err(vec![no_such_service(unknown.as_str(), None, names)]);
        }
        if scaled.is_empty() && wished.is_empty() {
            return Ok(Self {
                instances,
                scaled,
                files,
            });
        }
        let configured = |service: &ServiceName| {
            let count = instances.iter().filter(|spec| place(spec).0 == *service).count();
            u32::try_from(count).unwrap_or(u32::MAX)
        };
        scaled.retain(|service, scaled| scaled.configured == configured(service));
        for (service, count) in wished {
            let configured = configured(service);
            let count = *count;
            scaled.insert(service.clone(), Scaled { count, configured });
        }
        scaled.retain(|_, scaled| scaled.count != scaled.configured);
        let counts = scaled
            .iter()
            .map(|(service, scaled)| (service.clone(), scaled.count));
        let counts: BTreeMap<_, _> = counts.collect();
        let instances = if counts.is_empty() {
            instances
        } else {
            replan.make(&Overrides { counts })?.instances
        };
        Ok(Self {
            instances,
            scaled,
            files,
        })
    }

    pub(super) fn into_parts(self) -> (Vec<InstanceSpec>, BTreeMap<ServiceName, Scaled>) {
        (self.instances, self.scaled)
    }
}

pub(super) fn label(spec: &InstanceSpec) -> Label {
    Label {
        name: spec.name.to_string(),
        position: spec.position,
    }
}

/// The names that the shim of an instance may have been started with: a service that has got a second instance
/// was called by its own name before.
fn aliases(spec: &InstanceSpec, id: InstanceId) -> Vec<(InstanceName, InstanceId)> {
    let mut names = vec![spec.name.clone()];
    if spec.number == 1 {
        names.extend([None, Some(1)].map(|number| InstanceName {
            service: spec.service.clone(),
            number,
        }));
        names.extend(format!("{}-0", spec.service).parse().ok());
    }
    names.into_iter().map(|name| (name, id)).collect()
}

/// Everything that shims may call these instances. A name that one of them has now means that one.
pub(super) fn names_of<'a>(
    specs: impl Iterator<Item = (InstanceId, &'a InstanceSpec)> + Clone,
) -> BTreeMap<InstanceName, InstanceId> {
    let aliases = specs.clone().flat_map(|(id, spec)| aliases(spec, id));
    let names = specs.map(|(id, spec)| (spec.name.clone(), id));
    aliases.chain(names).collect()
}

/// Instances with their numbers, as a session begins with them.
pub(super) fn numbered(specs: &[InstanceSpec]) -> Vec<(InstanceId, &InstanceSpec)> {
    (0..).map(InstanceId).zip(specs).collect()
}
