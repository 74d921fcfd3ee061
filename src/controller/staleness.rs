//! Whether the configuration's files changed since they were read: looked at when somebody restarts something,
//! never watched. A restart starts what the session knows; where the files say something else by now, it says so.

use super::core::{Controller, ReplyTo};
use super::differences::{Difference, difference, place};
use super::planned::Planned;
use crate::api::messages::Results;
use crate::model::InstanceId;
use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Told with the result of a restart.
const STALE: &str = "its configuration has changed on disk since: ovr reload takes it over";

/// The files that a plan is made of, as they were when it was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stamp(Vec<(PathBuf, Option<Seen>)>);

/// Time of change, size and number of a file.
type Seen = (i64, i64, u64, u64);

/// What answers a restart when the files have been compared.
#[derive(Debug)]
pub(super) struct Comparison {
    results: Results,
    targets: Vec<InstanceId>,
    reply: ReplyTo,
    plan: Option<Planned>,
    stamp: Stamp,
}

impl Stamp {
    /// A look at these files, whether they are there or not.
    pub(super) fn look(files: &[PathBuf]) -> Self {
        Self(files.iter().map(|path| (path.clone(), seen(path))).collect())
    }

    pub(super) fn again(&self) -> Self {
        Self(
            self.0
                .iter()
                .map(|(path, _)| (path.clone(), seen(path)))
                .collect(),
        )
    }

    /// What was seen of these files before they were read; those that nobody knew of then are looked at now.
    pub(super) fn of(&self, files: &[PathBuf]) -> Self {
        let before = |path: &PathBuf| self.0.iter().find(|(known, _)| known == path);
        let looked = |path: &PathBuf| before(path).map_or_else(|| seen(path), |(_, seen)| *seen);
        Self(files.iter().map(|path| (path.clone(), looked(path))).collect())
    }
}

fn seen(path: &Path) -> Option<Seen> {
    let file = std::fs::metadata(path).ok()?;
    Some((file.mtime(), file.mtime_nsec(), file.size(), file.ino()))
}

impl Controller {
    /// Answers a restart, at once where no file has changed; else when it is known whether that matters.
    pub(super) fn answer_restart(&mut self, targets: Vec<InstanceId>, results: Results, reply: ReplyTo) {
        let stamp = self.stamp.again();
        if stamp == self.stamp {
            drop(reply.send(Ok(results)));
            return;
        }
        let (replan, scaled) = (self.facts.replan.clone(), self.scaled.clone());
        let compared = self.inlets.compared.clone();
        tokio::task::spawn_blocking(move || {
            // A configuration that has errors by now has changed as well.
            let plan = Planned::make(&replan, scaled, &BTreeMap::new()).ok();
            let stamp = plan.as_ref().map_or(stamp.clone(), |plan| stamp.of(&plan.files));
            drop(compared.send(Comparison {
                results,
                targets,
                reply,
                plan,
                stamp,
            }));
        });
    }

    pub(super) fn on_compared(&mut self, comparison: Comparison) {
        let Comparison {
            mut results,
            targets,
            reply,
            plan,
            stamp,
        } = comparison;
        let specs = plan.map(|plan| plan.into_parts().0);
        let is_stale = |id: &InstanceId| {
            let old = &self.host(*id).spec;
            let new = specs
                .as_ref()
                .map(|specs| specs.iter().find(|spec| place(spec) == place(old)));
            match new {
                Some(Some(new)) => difference(old, new) != Difference::None,
                Some(None) | None => true,
            }
        };
        let stale: Vec<String> = targets
            .iter()
            .filter(|id| is_stale(id))
            .map(|id| self.host(*id).name())
            .collect();
        if specs.is_some() && self.ids().all(|id| self.machine.is_gone(id) || !is_stale(&id)) {
            // Nobody has to look at these again.
            self.stamp = stamp;
        }
        for result in &mut results.results {
            if stale.contains(&result.name) {
                result.message = Some(match result.message.take() {
                    Some(message) => format!("{message} · {STALE}"),
                    None => STALE.to_owned(),
                });
            }
        }
        drop(reply.send(Ok(results)));
    }
}
