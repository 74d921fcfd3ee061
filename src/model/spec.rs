//! What the user asked for: an instance's command and its surroundings. `config` makes these; nothing changes
//! them afterwards. The rules that an instance lives by are in `policy.rs`, what is looked at in `checks.rs`.

use super::{Checks, Hooks, InstanceName, LogFile, Policy, Schedule, ServiceName, Variables, Watch};
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// One instance, wholly resolved: nothing in here needs the environment or the disk any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstanceSpec {
    pub name: InstanceName,
    /// The service that it is an instance of, and its number there, from 1. A replica called `web-0` is number 1
    /// of `web`.
    pub service: ServiceName,
    pub number: u32,
    /// The service's place in its file, from 0. Decides port and colour.
    pub position: u32,
    /// The command as the user wrote it.
    pub command: String,
    /// `Procfile:4`, for messages.
    pub origin: String,
    pub launch: Launch,
    /// The port assigned to this instance, if any, and where the number comes from.
    pub port: Option<(u16, PortSource)>,
    pub policy: Policy,
    /// What it is, in the user's words.
    pub description: Option<String>,
    /// The groups that it can be addressed by (`-n`), at least one.
    pub namespaces: Vec<String>,
    /// What its probes look at.
    pub checks: Checks,
    /// When it runs without being asked.
    pub schedule: Option<Schedule>,
    /// The files whose changes restart it.
    pub watch: Option<Watch>,
    /// What is run when something happens to it.
    pub hooks: Hooks,
    /// Where its output goes besides our own files.
    pub log_file: Option<LogFile>,
}

/// The namespace of what names none.
pub const DEFAULT_NAMESPACE: &str = "default";

/// Where a port number comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PortSource {
    /// base + step × position + instance step × number; the text says where the base comes from
    /// (`default`, `-p`, `PORT`, `OVR_PORT`, `.env:3`).
    Rule { base: String },
    /// Fixed in the configuration.
    Fixed { origin: String },
}

/// How to start the process. Goes to the shim as it is, so fields are added with a default only.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Launch {
    /// Program and arguments; a Procfile's command is `[shell, "-c", command]`.
    pub argv: Vec<String>,
    pub cwd: PathBuf,
    /// The whole environment of the process; nothing is inherited.
    pub env: Variables,
    /// Which of these the project's files and options decide, their names one a line; the others are the caller's, or
    /// the ports of all services. `None`: a build that did not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided: Option<String>,
    #[serde(default, skip_serializing_if = "Limits::is_none")]
    pub limits: Limits,
    /// Sockets that the shim binds once and hands to every run (`LISTEN_FDS`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub listen: Vec<Listen>,
    /// The shim gives it a `NOTIFY_SOCKET` and reports what arrives there: it says `READY=1` itself.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub notify: bool,
    /// So often it says `WATCHDOG=1` on its `NOTIFY_SOCKET`, which it is given for that too: from `READY=1` on with
    /// `notify`, else from its start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub watchdog: Option<Duration>,
    /// Its command may end well without leaving a process here: what it has launched runs elsewhere (in Docker's
    /// daemon), and the run goes on until it is stopped.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub daemon: bool,
}

impl Launch {
    /// Whether it asks for no more than the first shims could do.
    pub fn is_plain(&self) -> bool {
        self.limits.is_none() && self.listen.is_empty() && !self.notify && !self.daemon
    }

    /// Whether it gets a socket to say things on.
    pub fn may_speak(&self) -> bool {
        self.notify || self.watchdog.is_some()
    }
}

/// What a process and all it starts may use. `None` is no limit of ours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<u64>,
    /// Hundredths of one processor: 150 is one and a half.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu: Option<u32>,
    /// Open files of each process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nofile: Option<u64>,
}

impl Limits {
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

/// A socket to listen on, held open across restarts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listen {
    pub address: ListenAddress,
    /// For `LISTEN_FDNAMES`.
    pub name: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ListenAddress {
    Tcp(SocketAddr),
    Unix(PathBuf),
}
