//! The JSON bodies of API v1. Versioned by [`SCHEMA`], append-only: fields are added, never renamed.
//! Times are RFC 3339 in UTC with milliseconds; durations are in milliseconds.

use crate::model::{Condition, StateWord};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

pub mod events;
mod files;
mod graph;
mod machine;
mod output;
mod resources;
pub mod run;
mod terminal;
mod wait;
mod why;

pub use files::{
    Checked, CheckedService, Configuration, Environment, Finding, FindingSeverity, Overridden, Variable,
};
pub use graph::{Graph, GraphEdge, GraphNode};
pub use machine::{Clean, Cleaned, Leftover, Leftovers, ListedSession, Sessions, SilentSession};
pub use output::{LineKind, LogsEnd, OutputLine, Synced};
pub use resources::Resources;
pub use terminal::TerminalOrder;
pub use wait::{Goal, Wait};
pub use why::{Blocker, Deed, LastExit, Next, Why};

/// The version of every JSON output (`"schema": 1`).
pub const SCHEMA: u32 = 1;

/// Routes of version 1.
pub mod route {
    /// GET → [`super::Status`].
    pub const STATUS: &str = "/v1/status";
    /// GET `?name=web` → [`super::Why`].
    pub const WHY: &str = "/v1/why";
    /// GET → [`super::Graph`].
    pub const GRAPH: &str = "/v1/graph";
    /// POST [`super::Request`] → [`super::Results`]. One of start, stop, restart, kill, signal.
    pub const ACTION: &str = "/v1/services/{verb}";
    /// POST → [`super::Results`], when everything is gone.
    pub const QUIT: &str = "/v1/quit";
    /// POST → [`super::Reloaded`]: the session takes over what its files say now. Nothing changes if they have errors.
    pub const RELOAD: &str = "/v1/reload";
    /// POST [`super::Scale`] → [`super::Reloaded`].
    pub const SCALE: &str = "/v1/scale";
    /// POST [`super::Wait`] → [`super::Results`], when all are there, one no longer can be, or the time is up.
    pub const WAIT: &str = "/v1/wait";
    /// POST → [`super::Detached`]: the foreground session is to go on in the background.
    pub const DETACH: &str = "/v1/detach";
    /// GET `?names=a,b&lines=100&follow=true&color=true` → a stream of [`super::OutputLine`], one JSON a line.
    pub const OUTPUT: &str = "/v1/output";
    /// GET `?since=CURSOR&follow=true&names=a,b&kinds=exited` → a stream of [`super::events::Event`], as [`OUTPUT`].
    pub const EVENTS: &str = "/v1/events";
    /// GET `?names=web&since=10m&grep=500` → [`super::OutputLine`] a line, and [`super::LogsEnd`].
    pub const LOGS: &str = "/v1/logs";
    /// POST → [`super::Synced`], when every line printed so far is in the files, or cannot be.
    pub const SYNC_LOGS: &str = "/v1/logs/sync";
    /// GET `?name=web` → [`super::Window`].
    pub const WINDOW: &str = "/v1/window";
    /// GET `?name=web&write=true&cols=100&rows=30` → a WebSocket: a service's live terminal.
    pub const TERMINAL: &str = "/v1/terminal";
    /// GET → [`super::Checked`]: what the session's files say now, and what is wrong with them.
    pub const CHECK: &str = "/v1/check";
    /// GET → [`super::Configuration`], merged.
    pub const CONFIG: &str = "/v1/config";
    /// GET `?name=web` → [`super::Environment`]; without a name, what all services share.
    pub const ENVIRONMENT: &str = "/v1/environment";
    /// GET → [`super::Sessions`]: those of the session's user on its machine.
    pub const SESSIONS: &str = "/v1/sessions";
    /// GET → [`super::Leftovers`].
    pub const LEFTOVERS: &str = "/v1/leftovers";
    /// POST [`super::Clean`] → [`super::Cleaned`].
    pub const CLEAN: &str = "/v1/clean";
    /// GET → a WebSocket: a command of the client's, run in the services' environment ([`super::run`]).
    pub const RUN: &str = "/v1/run";
    /// GET → all of this as an OpenAPI document (`docs/openapi.json`).
    pub const OPENAPI: &str = "/v1/openapi.json";
}

/// What `ovr status --json` prints.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Status {
    pub schema: u32,
    pub session: Session,
    /// Another number where anything is another way; 0 from a session of an earlier `ovr`.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub revision: u64,
    pub services: Vec<Service>,
}

/// One session, as `ovr ls --json` lists it too.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Session {
    pub project: String,
    pub root: String,
    /// The configuration it was started from, relative to the root.
    pub config: String,
    /// The controller's.
    pub pid: u32,
    pub version: String,
    pub started_at: String,
    pub detached: bool,
    /// It is on its way down.
    pub ending: bool,
    pub tmux_socket: String,
    pub runtime_dir: String,
}

/// One instance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Service {
    pub name: String,
    /// The service it is an instance of.
    pub service: String,
    pub state: StateWord,
    /// `null` where nothing says what ready means.
    pub ready: Option<bool>,
    pub pid: Option<u32>,
    /// Every process of a daemonized service.
    #[serde(default)]
    pub pids: Vec<u32>,
    pub port: Option<u16>,
    /// Where the port comes from, in words.
    pub port_source: Option<String>,
    pub url: Option<String>,
    /// The start of the current run, or of the last one.
    pub started_at: Option<String>,
    pub ended_at: Option<String>,
    /// For how long it has been in this state.
    pub for_ms: u64,
    pub restarts: u32,
    pub exit_code: Option<i32>,
    pub exit_signal: Option<String>,
    /// Why it is as it is, where that needs a word.
    pub reason: Option<String>,
    /// The last line that it printed.
    pub last_line: Option<String>,
    /// Its last line is open and quiet: it probably waits for input.
    pub waits_for_input: bool,
    /// A person has to do something about it.
    pub needs_attention: bool,
    /// How many terminals look at its window.
    pub attached: u32,
    pub command: String,
    pub origin: String,
    /// It counts as ready because it listens or has lived for a while; nothing says what ready means.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub assumed: bool,
    /// The last failure of a probe in the current run, or the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probe_failure: Option<ProbeFailure>,
    /// Where it stands, as it says itself (`STATUS=` on its `NOTIFY_SOCKET`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub says: Option<String>,
    /// When its schedule starts it next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_run: Option<String>,
    /// The groups that it can be addressed by.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub namespaces: Vec<String>,
    /// What it is, in its user's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The TCP ports that its processes listen on, where that is known. Its `url` is that of the first of them if
    /// its own port is not among them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub listens: Vec<u16>,
    /// What its processes use, where that was asked for and it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources: Option<Resources>,
    /// How its last start went, where this controller has seen it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timing: Option<Timing>,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde calls it with a reference"
)]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// What a probe last found wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProbeFailure {
    /// `readiness`, `liveness`, `startup` or `watchdog`.
    pub probe: String,
    pub reason: String,
    /// In a row, up to now; 0 if it has succeeded since.
    pub failures: u32,
    pub at: String,
}

/// One start, step by step, in milliseconds since the session's `started_at`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Timing {
    /// It was to start: the session did, somebody asked, or the run before it ended.
    pub asked_ms: u64,
    /// Its process began.
    pub started_ms: Option<u64>,
    pub ready_ms: Option<u64>,
    /// It ended.
    pub ended_ms: Option<u64>,
    /// The last dependency that it waited for.
    pub after: Option<Waited>,
}

/// A dependency that was waited for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Waited {
    /// The instance.
    pub on: String,
    pub condition: Condition,
}

/// The body of an action. A key that is not known is refused: with a misspelt `names`, a stop would mean all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// Services, instances or patterns; empty means all.
    #[serde(default)]
    pub names: Vec<String>,
    /// For `signal`.
    #[serde(default)]
    pub signal: Option<String>,
    /// Answer at once instead of when it is done.
    #[serde(default)]
    pub no_wait: bool,
    /// Only what is in one of these namespaces; empty means all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub namespaces: Vec<String>,
    /// For `start` and `restart`: exactly these, without what they need.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub no_deps: bool,
}

/// What became of an action, one entry an instance, in the order of the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Results {
    pub schema: u32,
    pub results: Vec<ActionResult>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ActionResult {
    pub name: String,
    pub outcome: Outcome,
    pub old_pid: Option<u32>,
    pub pid: Option<u32>,
    pub exit_code: Option<i32>,
    pub exit_signal: Option<String>,
    /// From the request to the outcome.
    pub elapsed_ms: u64,
    /// A sentence more, where the outcome does not say it all.
    pub message: Option<String>,
    /// The last lines of a service that failed.
    #[serde(default)]
    pub last_lines: Vec<String>,
    /// Of a wait that is over: this one was still on its way.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub not_yet: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Started,
    AlreadyRunning,
    Restarted,
    Stopped,
    /// SIGKILL was needed or asked for.
    Killed,
    AlreadyStopped,
    Signalled,
    NotRunning,
    /// The request was taken; nobody waited for its end.
    Accepted,
    Failed,
    Overruled,
}

impl Outcome {
    /// Whether a command with this outcome exits 0.
    pub fn is_success(self) -> bool {
        !matches!(self, Self::Failed | Self::Overruled | Self::NotRunning)
    }
}

/// How many instances services are to have. Services that are not named keep theirs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Scale {
    pub counts: BTreeMap<String, u32>,
}

/// What a reload or a scaling came to, one entry for each instance that it touched, in the order of the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Reloaded {
    pub schema: u32,
    pub changes: Vec<Change>,
    /// So many were left alone.
    pub kept: usize,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Change {
    pub name: String,
    pub kind: ChangeKind,
    /// What differs, in words.
    pub why: Option<String>,
    /// What came of it, where something had to be started or stopped.
    pub result: Option<ActionResult>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    Added,
    Removed,
    /// It is started in another way now, so its process was replaced.
    Restarted,
    /// Its rules are other ones now, or the next start is another one. The process was left alone.
    Changed,
}

/// The answer to a detach.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Detached {
    pub pid: u32,
}

/// How to attach to a window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Window {
    pub name: String,
    pub tmux_binary: String,
    pub tmux_socket: String,
    /// tmux's id (`@3`).
    pub window: String,
    pub pane: String,
    pub state: StateWord,
}

/// The body of every answer that is not a success.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ErrorBody {
    pub error: ErrorDetail,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ErrorDetail {
    /// One of [`crate::diag::Kind::code`].
    pub code: String,
    pub message: String,
    #[serde(default)]
    pub hints: Vec<String>,
    /// Why it happened, outermost first.
    #[serde(default)]
    pub causes: Vec<String>,
}

#[cfg(test)]
pub(crate) mod golden;
