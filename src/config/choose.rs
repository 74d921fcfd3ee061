//! Which instances start with the session, and what the choice does to who waits for whom. Pure.

use super::formation::Names;
use super::options::Options;
use crate::diag::{Diagnostic, Kind};
use crate::model::{Condition, Dependency, InstanceSpec, Readiness, ServiceName, suggest};
use std::collections::BTreeSet;

/// Settles `autostart` and the dependencies of every instance. `tiers`: each instance's tier.
pub(super) fn choose(
    specs: &mut [InstanceSpec],
    tiers: &[Option<usize>],
    options: &Options,
) -> Vec<Diagnostic> {
    let mut diagnostics = unknown_namespaces(specs, options);
    let chosen = chosen(specs, options);
    let needed = if options.no_deps || !is_choice(options) {
        BTreeSet::new()
    } else {
        needed(specs, &chosen, options)
    };
    for (index, spec) in specs.iter_mut().enumerate() {
        spec.policy.autostart = chosen.contains(&index) || needed.contains(&index);
    }
    leave_out(specs, options);
    for spec in specs
        .iter_mut()
        .filter(|spec| options.ignored.contains(&spec.service))
    {
        // It runs elsewhere, or nowhere: nobody is to look after its files.
        spec.watch = None;
    }
    add_tiers(specs, tiers);
    // Where nothing starts by itself and nobody has chosen, the session waits for what is started by hand.
    let by_hand = !specs.is_empty() && !is_choice(options) && options.ignored == Names::default();
    if !by_hand && !specs.iter().any(|spec| spec.policy.autostart) && diagnostics.is_empty() {
        diagnostics.push(nothing_to_run());
    }
    diagnostics
}

fn is_choice(options: &Options) -> bool {
    let named = options.only.as_ref().is_some_and(|only| !only.is_empty());
    named || !options.namespaces.is_empty()
}

/// What is started for its own sake. What was named is, even if the configuration has it disabled.
fn chosen(specs: &[InstanceSpec], options: &Options) -> BTreeSet<usize> {
    let by_name = |spec: &InstanceSpec| match &options.only {
        Some(only) if !only.is_empty() => only.contains(&spec.service),
        Some(_) | None => false,
    };
    let by_itself = |spec: &InstanceSpec| spec.policy.autostart && in_namespaces(spec, options);
    let whole = !is_choice(options);
    let indexed = specs.iter().enumerate();
    indexed
        .filter(|(_, spec)| by_name(spec) || ((whole || !options.namespaces.is_empty()) && by_itself(spec)))
        .filter(|(_, spec)| !options.ignored.contains(&spec.service))
        .map(|(index, _)| index)
        .collect()
}

fn in_namespaces(spec: &InstanceSpec, options: &Options) -> bool {
    options.namespaces.is_empty() || spec.namespaces.iter().any(|own| options.namespaces.contains(own))
}

/// Everything that the chosen ones need, near and far.
fn needed(specs: &[InstanceSpec], chosen: &BTreeSet<usize>, options: &Options) -> BTreeSet<usize> {
    let mut found = BTreeSet::new();
    let mut open: Vec<usize> = chosen.iter().copied().collect();
    while let Some(index) = open.pop() {
        for dependency in &specs[index].policy.depends_on {
            for (other, spec) in specs.iter().enumerate() {
                let wanted = spec.name.service == dependency.on && !options.ignored.contains(&spec.service);
                if wanted && !chosen.contains(&other) && found.insert(other) {
                    open.push(other);
                }
            }
        }
    }
    found
}

/// Nobody waits for what was left out on purpose (`-x`: it runs elsewhere), nor, where only the chosen ones are
/// to start, for the others.
fn leave_out(specs: &mut [InstanceSpec], options: &Options) {
    let gone: BTreeSet<ServiceName> = specs
        .iter()
        .filter(|spec| {
            let unasked = options.no_deps && is_choice(options) && !spec.policy.autostart;
            unasked || (options.ignored != Names::All && options.ignored.contains(&spec.service))
        })
        .map(|spec| spec.name.service.clone())
        .collect();
    for spec in specs {
        spec.policy
            .depends_on
            .retain(|dependency| !gone.contains(&dependency.on));
    }
}

/// What starts in a tier waits for what starts in the tier before it.
fn add_tiers(specs: &mut [InstanceSpec], tiers: &[Option<usize>]) {
    let starting = |specs: &[InstanceSpec], tier: usize| -> Vec<Dependency> {
        let members = specs.iter().zip(tiers);
        members
            .filter(|(spec, own)| **own == Some(tier) && spec.policy.autostart && !spec.policy.scheduled)
            .map(|(spec, _)| Dependency {
                on: spec.name.service.clone(),
                condition: match spec.policy.readiness {
                    Readiness::Unknown => Condition::Started,
                    Readiness::Probe(_) | Readiness::Told => Condition::Ready,
                },
            })
            .collect()
    };
    let last = tiers.iter().flatten().max().copied().unwrap_or(0);
    let mut before: Vec<Dependency> = Vec::new();
    for tier in 0..=last {
        let members = starting(specs, tier);
        for (spec, own) in specs.iter_mut().zip(tiers) {
            if *own != Some(tier) || !spec.policy.autostart {
                continue;
            }
            for dependency in &before {
                if spec
                    .policy
                    .depends_on
                    .iter()
                    .all(|known| known.on != dependency.on)
                {
                    spec.policy.depends_on.push(dependency.clone());
                }
            }
        }
        if !members.is_empty() {
            before = members;
        }
    }
}

fn unknown_namespaces(specs: &[InstanceSpec], options: &Options) -> Vec<Diagnostic> {
    let known: BTreeSet<&str> = specs
        .iter()
        .flat_map(|spec| spec.namespaces.iter().map(String::as_str))
        .collect();
    let unknown = options
        .namespaces
        .iter()
        .filter(|name| !known.contains(name.as_str()));
    unknown
        .map(|name| {
            let error = Diagnostic::error(
                Kind::NoSuchService,
                format!("no service is in the namespace {name:?}"),
            );
            let listed: Vec<&str> = known.iter().copied().collect();
            let error = error.hint(format!("namespaces: {}", listed.join(", ")));
            match suggest(name, known.iter().copied()) {
                Some(guess) => error.hint(format!("did you mean {guess:?}?")),
                None => error,
            }
        })
        .collect()
}

fn nothing_to_run() -> Diagnostic {
    Diagnostic::error(Kind::Usage, "nothing is left to run: every service is left out")
        .hint("look at -l, -x, -n and -m, and at OVR_PROCESSES, OVR_IGNORED_PROCESSES and OVR_FORMATION")
}

#[cfg(test)]
mod tests;
