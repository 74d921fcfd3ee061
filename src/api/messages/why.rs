//! The answer to the question why a service is as it is.

use super::Service;
use crate::model::{Condition, StateWord};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What `ovr why --json` prints.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Why {
    pub schema: u32,
    /// One sentence.
    pub summary: String,
    /// The same as in a status.
    pub service: Service,
    /// What it waits for, what that waits for, and so on.
    pub blockers: Vec<Blocker>,
    /// Who started its current run, or the last one.
    pub started_by: Option<Deed>,
    /// Who stopped it, where it is stopped or stopping.
    pub stopped_by: Option<Deed>,
    /// How its last run ended.
    pub last_exit: Option<LastExit>,
    /// The last lines of its last run, without colours.
    pub last_lines: Vec<String>,
    /// What to do, the most promising first; none where nothing is in the way.
    pub next: Vec<Next>,
}

/// A dependency that does not hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Blocker {
    /// Who waits for it.
    pub of: String,
    pub name: String,
    pub condition: Condition,
    pub state: StateWord,
    pub reason: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Deed {
    /// One of `session`, `request`, `needed`, `restart_policy`, `schedule`, `change`, `enter`, `reload`, `probe`,
    /// `end`, `earlier`, `course`.
    pub by: String,
    /// The same in words.
    pub text: String,
    pub at: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LastExit {
    pub exit_code: Option<i32>,
    pub exit_signal: Option<String>,
    pub at: String,
    /// How long the run was.
    pub lived_ms: Option<u64>,
    /// What needed SIGKILL in the end: `pid command`.
    pub killed: Vec<String>,
}

/// A command to type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Next {
    pub command: String,
    pub what: String,
}
