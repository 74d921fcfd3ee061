//! What a run may use: how each limit is put into force here, and what is to be said where one cannot be, or not
//! wholly. A group of its own (`cgroup.rs`) holds for all processes of a run together; limits of a process, which
//! its children inherit, hold for each alone.

use super::cgroup::{self, Cgroup};
use crate::model::Limits;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// The limits of one run, in force once its process has taken them over.
#[derive(Default)]
pub(super) struct Bounds {
    /// For each process.
    pub(super) each: Vec<(Resource, u64)>,
    /// For all together.
    pub(super) all: Option<Cgroup>,
    /// What does not hold as it was asked for.
    pub(super) cautions: Vec<String>,
}

impl Bounds {
    /// `name` is for a group of its own, if one can be made; without `grouped` none is tried for.
    pub(super) fn of(limits: &Limits, name: &str, grouped: bool) -> Self {
        let mut bounds = Self::default();
        if limits.is_none() {
            return bounds;
        }
        if let Some(files) = limits.nofile {
            bounds.limit_files(files);
        }
        if limits.memory.is_some() || limits.cpu.is_some() {
            let made = if grouped {
                cgroup::create(limits, name)
            } else {
                Err("its processes cannot be put into a control group".to_owned())
            };
            bounds.limit_all(limits, made);
        }
        bounds
    }

    /// Open files. Above what this process may have itself, only a privileged one can go.
    fn limit_files(&mut self, wanted: u64) {
        let own = getrlimit(Resource::Nofile);
        let raised = Rlimit {
            current: own.current,
            maximum: Some(wanted),
        };
        let given = match own.maximum {
            Some(most) if most < wanted && setrlimit(Resource::Nofile, raised).is_err() => most,
            Some(_) | None => wanted,
        };
        if given < wanted {
            self.cautions.push(format!(
                "limits: nofile is {given} and not {wanted}: the system allows no more here (ulimit -Hn)"
            ));
        }
        self.each.push((Resource::Nofile, given));
    }

    fn limit_all(&mut self, limits: &Limits, made: Result<Cgroup, String>) {
        let (group, reason) = match made {
            Ok(group) => (
                Some(group),
                "the control group here has no controller for it".to_owned(),
            ),
            Err(reason) => (None, reason),
        };
        let holds = |what: fn(&Cgroup) -> bool| group.as_ref().is_some_and(what);
        let memory = limits.memory.filter(|_| !holds(|group| group.memory));
        let cpu = limits.cpu.filter(|_| !holds(|group| group.cpu));
        if let Some(bytes) = memory {
            if cfg!(target_os = "linux") {
                // Of what a process can have limited, this alone leaves reserved but unused addresses out, of
                // which some languages take many times what they need.
                self.each.push((Resource::Data, bytes));
                self.cautions.push(format!(
                    "limits: memory holds for each process alone, not for all together: {reason}"
                ));
            } else {
                self.cautions
                    .push(format!("limits: memory is not limited: {reason}"));
            }
        }
        if cpu.is_some() {
            self.cautions
                .push(format!("limits: cpu is not limited: {reason}"));
        }
        self.all = group;
    }
}

#[cfg(test)]
mod tests {
    use super::Bounds;
    use crate::model::Limits;
    #[test]
    fn without_limits_nothing_is_done() {
        let bounds = Bounds::of(&Limits::default(), "x", true);
        assert!(bounds.each.is_empty() && bounds.all.is_none() && bounds.cautions.is_empty());
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn what_holds_only_in_part_or_not_at_all_is_said() {
        let limits = Limits {
            memory: Some(1 << 20),
            cpu: Some(50),
            nofile: Some(16),
        };
        let bounds = Bounds::of(&limits, "x", false);
        assert_eq!(
            bounds.each,
            [
                (rustix::process::Resource::Nofile, 16),
                (rustix::process::Resource::Data, 1 << 20)
            ]
        );
        let why = "its processes cannot be put into a control group";
        assert_eq!(
            bounds.cautions,
            [
                format!("limits: memory holds for each process alone, not for all together: {why}"),
                format!("limits: cpu is not limited: {why}"),
            ]
        );
    }
}
