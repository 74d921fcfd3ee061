//! What was asked of a session, in the terms of its configuration. Data only; `cli` reads flags and variables.

use super::formation::{Formation, Names, StopSignals};
use crate::model::{InstanceName, ServiceName};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What the user asked of this session.
#[derive(Clone, Debug)]
pub struct Options {
    /// Names and `-l`: start only these. `None` or an empty choice starts all.
    pub only: Option<Names>,
    /// `-n`: start only what is in one of these namespaces. Empty is all.
    pub namespaces: Vec<String>,
    /// What is chosen is started without what it needs.
    pub no_deps: bool,
    /// `-x`: do not start these; wins over `only`.
    pub ignored: Names,
    /// Services and replicas that are left down as if `disabled` were written.
    pub disabled: Vec<String>,
    pub formation: Formation,
    pub stop_signals: StopSignals,
    /// From the stop signal to SIGKILL, where nothing else is written.
    pub stop_grace: Duration,
    pub can_die: Names,
    pub any_can_die: bool,
    pub auto_restart: Names,
    /// `-H`: the program that runs commands with `-c`, and its arguments, separated by blanks.
    pub shell: Option<String>,
    /// The shell of a YAML's commands, where it names none; `None` is bash.
    pub yaml_shell: Option<String>,
    /// Ports were asked for: services of a dialect that gives them none get them by the rule.
    pub ports_asked: bool,
    /// The project's root: where relative paths begin.
    pub root: PathBuf,
    /// What `~/` means.
    pub home: Option<PathBuf>,
    pub project: String,
    /// `TERM` of the panes; `None` leaves the variable as the layers have it.
    pub term: Option<String>,
}

impl Options {
    /// The defaults for a project.
    pub fn new(root: impl Into<PathBuf>, project: impl Into<String>) -> Self {
        Self {
            only: None,
            namespaces: Vec::new(),
            no_deps: false,
            ignored: Names::default(),
            disabled: Vec::new(),
            formation: Formation::default(),
            stop_signals: StopSignals::default(),
            stop_grace: Duration::from_secs(5),
            can_die: Names::default(),
            any_can_die: false,
            auto_restart: Names::default(),
            shell: None,
            yaml_shell: None,
            ports_asked: false,
            root: root.into(),
            home: None,
            project: project.into(),
            term: None,
        }
    }

    /// The same, with these numbers of instances whatever else was said of them.
    pub fn with_counts(mut self, counts: &BTreeMap<ServiceName, u32>) -> Self {
        self.formation = self.formation.with_counts(counts);
        self
    }

    /// What an instance is told about itself, whatever it was written in.
    pub(super) fn told(&self, instance: &InstanceName, service: &ServiceName) -> [(&'static str, String); 5] {
        [
            ("OVR_INSTANCE", instance.to_string()),
            ("OVR_PROJECT", self.project.clone()),
            ("OVR_PROJECT_ROOT", self.root.display().to_string()),
            ("OVR_SERVICE", service.to_string()),
            ("PS", instance.to_string()),
        ]
    }

    /// A path as a configuration has it: relative to `base`, and `~/` is the home directory.
    pub(super) fn path(&self, base: &Path, written: &str) -> PathBuf {
        let home = self.home.as_deref();
        match (
            written.strip_prefix("~/").or((written == "~").then_some("")),
            home,
        ) {
            (Some(rest), Some(home)) => home.join(rest),
            (_, _) => tidy(&base.join(written)),
        }
    }
}

/// The same path without the steps that go nowhere: `a/./b`.
fn tidy(path: &Path) -> PathBuf {
    path.components().collect()
}
