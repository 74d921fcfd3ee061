//! An instance on its way: all that its configuration says, rendered and counted out, before ports are assigned
//! and environments put together. `expand` makes drafts, `resolve` turns them into instances.

use super::command::leaves_containers;
use super::environment::Assignment;
use crate::diag::Span;
use crate::model::{
    Check, EndPolicy, Hooks, InstanceName, Limits, Listen, LogFile, Policy, Readiness, RestartWhen, Schedule,
    ServiceName, Watch,
};
use std::path::PathBuf;
use std::time::Duration;

/// A service with its instances. Its place in the slice is its position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    pub name: ServiceName,
    pub port: PortWish,
    pub drafts: Vec<Draft>,
}

/// How a service's port is to be chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PortWish {
    /// It gets none.
    None,
    /// By its position.
    Rule,
    /// This one; its further instances follow.
    Fixed { port: u16, origin: String },
}

/// One instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    pub name: InstanceName,
    /// From 1, among the instances of its service.
    pub number: u32,
    pub command: String,
    pub command_span: Span,
    /// `Procfile:4`.
    pub origin: String,
    pub argv: Vec<String>,
    /// `argv` is a shell with the command.
    pub by_shell: bool,
    /// `argv` ends with words that were written one by one (`entrypoint`).
    pub by_words: bool,
    pub cwd: PathBuf,
    /// Env files to be read.
    pub env_files: Vec<EnvFile>,
    /// The variables of its env files, in order.
    pub env_file: Vec<Assignment>,
    /// The variables that the configuration gives it.
    pub environment: Vec<Assignment>,
    /// `${NAME}` stays in its texts as it is written.
    pub literal: bool,
    /// `.env` is not for this one.
    pub without_dotenv: bool,
    /// What it is told about itself besides what every instance is.
    pub told: Vec<(String, String)>,
    pub policy: Policy,
    pub description: Option<String>,
    pub namespaces: Vec<String>,
    pub checks: DraftChecks,
    pub schedule: Option<Schedule>,
    pub watch: Option<Watch>,
    pub hooks: Hooks,
    pub log_file: Option<LogFile>,
    pub limits: Limits,
    pub listen: Vec<Listen>,
    pub notify: bool,
    pub watchdog: Option<Duration>,
    /// Its place in the order of tiers, from 0; `None` waits for no tier.
    pub tier: Option<usize>,
}

/// A file of variables, and where it was named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvFile {
    pub path: PathBuf,
    pub shown: String,
    pub span: Span,
}

/// [`crate::model::Checks`] on their way.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DraftChecks {
    pub startup: Option<DraftCheck>,
    pub readiness: Option<DraftCheck>,
    pub liveness: Option<DraftCheck>,
    pub ready_line: Option<String>,
    pub failure_line: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DraftCheck {
    pub check: Check,
    /// The check is about the instance's own port, which is not known yet; where it was written.
    pub own_port: Option<Span>,
}

impl Draft {
    /// Whether its command may end well without leaving a process here, and it is up all the same: a daemon was
    /// asked for, or a probe says whether what the command has launched is there. Not where an end of the command
    /// is to be acted on; though containers that are always to be up are not to be launched again and again.
    pub fn may_launch_elsewhere(&self) -> bool {
        let policy = &self.policy;
        let is_probed = match policy.readiness {
            Readiness::Probe(_) => true,
            Readiness::Told | Readiness::Unknown => false,
        };
        let again = policy.restart.when == RestartWhen::Always && !leaves_containers(&self.command);
        let end_counts = policy.scheduled || again || policy.end == EndPolicy::StopsSession;
        policy.launch_timeout.is_some() || (is_probed && !end_counts)
    }

    /// Whether one of its values names a variable, which may be one that is known only when its port is.
    pub(super) fn names_variables(&self) -> bool {
        if self.literal {
            return false;
        }
        let is_open = |text: &str| text.contains("${");
        let of_check = |check: &Option<DraftCheck>| match check.as_ref().map(|draft| &draft.check) {
            Some(Check::Http(http)) => {
                let headers = http.headers.iter().map(|(_, value)| value);
                [&http.host, &http.path]
                    .into_iter()
                    .chain(headers)
                    .any(|text| is_open(text))
            }
            Some(Check::Tcp { host, .. }) => is_open(host),
            Some(Check::Exec { .. }) | None => false,
        };
        let checks = &self.checks;
        let lines = [&checks.ready_line, &checks.failure_line];
        self.environment
            .iter()
            .any(|assignment| is_open(&assignment.value))
            || (self.by_words && self.argv.iter().any(|word| is_open(word)))
            || lines.into_iter().flatten().any(|line| is_open(line))
            || [&checks.startup, &checks.readiness, &checks.liveness]
                .into_iter()
                .any(of_check)
    }

    /// The `PORT` that the configuration gives to this instance alone: it is the port that it listens on.
    pub fn written_port(&self) -> Option<(u16, &Assignment)> {
        let in_order = self.env_file.iter().chain(&self.environment);
        let written = in_order.rev().find(|assignment| assignment.name == "PORT")?;
        let port = written.value.trim().parse().ok().filter(|port| *port > 0)?;
        Some((port, written))
    }
}
