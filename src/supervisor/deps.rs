//! Who needs whom: the graph of dependencies between instances, and whether one edge of it holds now.

use super::instance::Instance;
use crate::model::{Condition, FailureReason, InstanceId, InstanceName, Policy, ServiceName, State};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Why a machine cannot be made of these policies. `config` reports such things with their place in the
/// file; this is the last line of defence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SetupError {
    /// Two instances of one name.
    Duplicate { name: InstanceName },
    /// A dependency on a service that there is not.
    UnknownService { by: InstanceName, on: ServiceName },
    /// Each needs the next, and the last needs the first.
    Cycle { path: Vec<InstanceName> },
}

impl fmt::Display for SetupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Duplicate { name } => write!(f, "two instances are called {name}"),
            Self::UnknownService { by, on } => write!(f, "{by} depends on {on}, which does not exist"),
            Self::Cycle { path } => {
                write!(f, "a cycle of dependencies: ")?;
                for name in path {
                    write!(f, "{name} → ")?;
                }
                match path.first() {
                    Some(first) => first.fmt(f),
                    None => Ok(()),
                }
            }
        }
    }
}

impl std::error::Error for SetupError {}

/// One edge: what must hold of another instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Need {
    pub(super) on: InstanceId,
    pub(super) condition: Condition,
}

/// Which way to walk the graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    Needs,
    Dependents,
}

/// The edges between instances, both ways, and an order in which needs come first.
#[derive(Debug)]
pub(super) struct Graph {
    needs: Vec<Vec<Need>>,
    dependents: Vec<Vec<InstanceId>>,
    /// Place in the order of starting: after everything needed, else as in the file.
    rank: Vec<u32>,
    by_rank: Vec<InstanceId>,
}

impl Graph {
    pub(super) fn new(instances: &[(InstanceName, Policy)]) -> Result<Self, SetupError> {
        let ids = || (0..).map(InstanceId).zip(instances);
        let mut names = BTreeSet::new();
        let mut services: BTreeMap<&ServiceName, Vec<InstanceId>> = BTreeMap::new();
        for (id, (name, _)) in ids() {
            if !names.insert(name) {
                return Err(SetupError::Duplicate { name: name.clone() });
            }
            services.entry(&name.service).or_default().push(id);
        }
        let mut needs = vec![Vec::new(); instances.len()];
        for (id, (name, policy)) in ids() {
            for dependency in &policy.depends_on {
                let Some(targets) = services.get(&dependency.on) else {
                    return Err(SetupError::UnknownService {
                        by: name.clone(),
                        on: dependency.on.clone(),
                    });
                };
                for on in targets {
                    needs[id.0 as usize].push(Need {
                        on: *on,
                        condition: dependency.condition,
                    });
                }
            }
        }
        Self::of(needs).map_err(|cycle| SetupError::Cycle {
            path: cycle
                .into_iter()
                .map(|id| instances[id.0 as usize].0.clone())
                .collect(),
        })
    }

    /// The graph of these edges; a cycle is given back instead.
    fn of(needs: Vec<Vec<Need>>) -> Result<Self, Vec<InstanceId>> {
        let mut dependents = vec![Vec::new(); needs.len()];
        for (id, needs) in (0..).map(InstanceId).zip(&needs) {
            for need in needs {
                dependents[need.on.0 as usize].push(id);
            }
        }
        let mut graph = Self {
            rank: vec![0; needs.len()],
            by_rank: Vec::with_capacity(needs.len()),
            needs,
            dependents,
        };
        match graph.sort() {
            None => Ok(graph),
            Some(cycle) => Err(cycle),
        }
    }

    /// The graph of a session that had this one and is to have `declared`, whose ids are `ids`, among `count`
    /// instances. What goes keeps the edges it had: they order the way down. Nothing configured needs what goes, so no cycle can come of them.
    pub(super) fn renewed(
        &self,
        declared: &[(InstanceName, Policy)],
        ids: &[InstanceId],
        count: usize,
    ) -> Result<Self, SetupError> {
        let fresh = Self::new(declared)?;
        let mut needs = self.needs.clone();
        needs.resize(count, Vec::new());
        for (id, edges) in ids.iter().zip(fresh.needs) {
            let moved = edges.into_iter().map(|need| Need {
                on: ids[need.on.0 as usize],
                ..need
            });
            needs[id.0 as usize] = moved.collect();
        }
        Ok(Self::of(needs).expect("what goes is needed by nothing that stays"))
    }

    pub(super) fn needs(&self, id: InstanceId) -> &[Need] {
        &self.needs[id.0 as usize]
    }

    pub(super) fn dependents(&self, id: InstanceId) -> &[InstanceId] {
        &self.dependents[id.0 as usize]
    }

    pub(super) fn rank(&self, id: InstanceId) -> u32 {
        self.rank[id.0 as usize]
    }

    pub(super) fn with_rank(&self, rank: u32) -> InstanceId {
        self.by_rank[rank as usize]
    }

    /// The first instance reached from `start` (itself left out) that `wanted` picks.
    pub(super) fn find(
        &self,
        start: InstanceId,
        way: Way,
        mut wanted: impl FnMut(InstanceId) -> bool,
    ) -> Option<InstanceId> {
        let mut seen = BTreeSet::new();
        let mut open = vec![start];
        while let Some(id) = open.pop() {
            let next: Vec<InstanceId> = match way {
                Way::Needs => self.needs(id).iter().map(|need| need.on).collect(),
                Way::Dependents => self.dependents(id).to_vec(),
            };
            for id in next {
                if seen.insert(id) {
                    if wanted(id) {
                        return Some(id);
                    }
                    open.push(id);
                }
            }
        }
        None
    }

    /// Fills in the order; a cycle is given back instead.
    fn sort(&mut self) -> Option<Vec<InstanceId>> {
        let mut missing: Vec<usize> = self.needs.iter().map(Vec::len).collect();
        let mut free: BTreeSet<InstanceId> = (0..)
            .map(InstanceId)
            .zip(&missing)
            .filter(|(_, missing)| **missing == 0)
            .map(|(id, _)| id)
            .collect();
        for rank in 0.. {
            let Some(id) = free.pop_first() else {
                break;
            };
            self.rank[id.0 as usize] = rank;
            self.by_rank.push(id);
            for dependent in &self.dependents[id.0 as usize] {
                let missing = &mut missing[dependent.0 as usize];
                *missing -= 1;
                if *missing == 0 {
                    free.insert(*dependent);
                }
            }
        }
        (self.by_rank.len() < self.needs.len()).then(|| self.cycle_among(&missing))
    }

    /// From any instance that still misses something, following what is missing leads into a cycle.
    fn cycle_among(&self, missing: &[usize]) -> Vec<InstanceId> {
        let stuck = |id: InstanceId| missing[id.0 as usize] > 0;
        let mut path: Vec<InstanceId> = Vec::new();
        let mut next = (0..).map(InstanceId).take(missing.len()).find(|id| stuck(*id));
        while let Some(id) = next {
            if let Some(start) = path.iter().position(|on_path| *on_path == id) {
                return path.split_off(start);
            }
            path.push(id);
            next = self.needs(id).iter().map(|need| need.on).find(|on| stuck(*on));
        }
        path
    }
}

/// What one edge says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Holds,
    /// It may come to hold without anybody's help.
    NotYet,
    /// Not unless somebody does something.
    Never,
}

/// Whether a dependent of `on` may go, as far as `condition` is concerned. What may fail without holding others
/// up is waited for only until it first fails.
pub(super) fn verdict(on: &Instance, condition: Condition) -> Verdict {
    let strict = strict_verdict(on, condition);
    let is_missed = match strict {
        Verdict::Holds => false,
        Verdict::NotYet => on.tally.has_failed(),
        Verdict::Never => true,
    };
    if is_missed && on.policy.optional {
        Verdict::Holds
    } else {
        strict
    }
}

/// Whether `condition` holds of `on` now. A run that is known to end soon holds nothing any more, though it
/// is still alive: what starts now would lose it at once.
pub(super) fn strict_verdict(on: &Instance, condition: Condition) -> Verdict {
    let holds = match &on.state {
        State::Running { .. } | State::Daemonized { .. } if on.is_leaving() => false,
        State::Running { .. } => match condition {
            Condition::Started => true,
            Condition::Ready => on.ready() == Some(true),
            Condition::Ended | Condition::EndedWell => false,
        },
        // The command itself is over, and was so well; what it left behind goes on.
        State::Daemonized { .. } => match condition {
            Condition::Started | Condition::Ended | Condition::EndedWell => true,
            Condition::Ready => on.ready() == Some(true),
        },
        State::Exited { .. } if !on.is_wanted_up() => match condition {
            Condition::Started | Condition::Ended | Condition::EndedWell => true,
            Condition::Ready => false,
        },
        State::Failed { reason, .. } if !on.is_wanted_up() => {
            condition == Condition::Ended && has_run(reason)
        }
        State::Stopped { last } if !on.is_wanted_up() => condition == Condition::Ended && last.is_some(),
        State::Disabled
        | State::Pending(_)
        | State::Starting { .. }
        | State::Stopping { .. }
        | State::Backoff { .. }
        | State::Exited { .. }
        | State::Failed { .. }
        | State::Stopped { .. }
        | State::Skipped { .. } => false,
    };
    if holds {
        Verdict::Holds
    } else if may_come(on, condition) {
        Verdict::NotYet
    } else {
        Verdict::Never
    }
}

fn has_run(reason: &FailureReason) -> bool {
    match reason {
        FailureReason::Exit(_)
        | FailureReason::Unhealthy { .. }
        | FailureReason::GaveUp { .. }
        | FailureReason::NoDaemon { .. }
        | FailureReason::Lost => true,
        FailureReason::Spawn(_) => false,
    }
}

fn may_come(on: &Instance, condition: Condition) -> bool {
    match &on.state {
        State::Skipped { .. } => false,
        // On its way down, and down it will have ended.
        State::Starting { .. }
        | State::Running { .. }
        | State::Daemonized { .. }
        | State::Stopping { .. }
            if !on.is_wanted_up() =>
        {
            condition == Condition::Ended
        }
        State::Disabled
        | State::Pending(_)
        | State::Starting { .. }
        | State::Running { .. }
        | State::Daemonized { .. }
        | State::Stopping { .. }
        | State::Backoff { .. }
        | State::Exited { .. }
        | State::Failed { .. }
        | State::Stopped { .. } => on.is_wanted_up() || on.is_on_schedule(),
    }
}
