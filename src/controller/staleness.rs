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
    /// A look at the configuration and the env files beside it.
    pub(super) fn look(config: &Path, root: &Path) -> Self {
        let files = [
            config.to_owned(),
            root.join(".env"),
            root.join(".ovr.env"),
            root.join(".overmind.env"),
        ];
        let seen = |path: PathBuf| {
            let seen = std::fs::metadata(&path).ok();
            let seen = seen.map(|file| (file.mtime(), file.mtime_nsec(), file.size(), file.ino()));
            (path, seen)
        };
        Self(files.into_iter().map(seen).collect())
    }

    pub(super) fn again(&self) -> Self {
        match self.0.first() {
            Some((config, _)) => {
                let root = self.0.get(1).and_then(|(env, _)| env.parent());
                Self::look(config, root.unwrap_or(Path::new("/")))
            }
            None => self.clone(),
        }
    }
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
