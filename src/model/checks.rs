//! What is looked at and what is run around an instance: its probes' checks, the lines that tell its state, its
//! schedule, the files it watches, its hooks. Data only: when is the machine's business, how the controller's.

use std::path::PathBuf;
use std::time::Duration;

/// What one attempt of each of an instance's probes does. Their schedules are in its policy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checks {
    pub startup: Option<Check>,
    pub readiness: Option<Check>,
    pub liveness: Option<Check>,
    /// A line of its output that holds this text makes it ready.
    pub ready_line: Option<String>,
    /// A line of its output that holds this text makes it unready at once.
    pub failure_line: Option<String>,
}

/// One check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Check {
    /// Run in the service's environment; good if it exits with 0.
    Exec {
        argv: Vec<String>,
        cwd: PathBuf,
    },
    Http(HttpCheck),
    /// Good if a connection comes about.
    Tcp {
        host: String,
        port: u16,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpCheck {
    pub tls: bool,
    pub host: String,
    pub port: u16,
    /// With its leading slash, and its query.
    pub path: String,
    pub headers: Vec<(String, String)>,
    /// The code that is good; `None` is any from 200 to 399.
    pub status: Option<u16>,
}

/// When an instance runs without being asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    pub when: ScheduleWhen,
    /// Once at the session's start, too.
    pub run_on_start: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScheduleWhen {
    /// Five fields, valid.
    Cron {
        expression: String,
        /// An IANA name; `None` is local time.
        timezone: Option<String>,
    },
    Every(Duration),
}

/// The files whose changes restart an instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Watch {
    pub paths: Vec<WatchPath>,
    /// From the last change to the restart.
    pub debounce: Duration,
    /// Its dependents are restarted with it.
    pub cascade: bool,
    /// What is left out by default (`.git`, `node_modules`, what git ignores) is watched as well.
    pub everything: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatchPath {
    /// Absolute: a file, or a directory with all below it.
    pub path: PathBuf,
    /// Globs; empty is everything.
    pub include: Vec<String>,
    pub exclude: Vec<String>,
}

/// Commands that are run when something happens to an instance, in its environment and directory, beside it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hooks {
    /// Program and arguments.
    pub on_ready: Option<Vec<String>>,
    pub on_exit: Option<Vec<String>>,
    pub on_fail: Option<Vec<String>>,
}
