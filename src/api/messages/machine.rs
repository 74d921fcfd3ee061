//! What is on a session's machine besides the session: its user's other sessions, and what ended ones have left.

use super::{ErrorDetail, Session};
use crate::api::messages::Finding;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What `ovr ls --json` prints.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Sessions {
    pub schema: u32,
    pub sessions: Vec<ListedSession>,
    /// Those that have processes and do not answer.
    #[serde(default)]
    pub silent: Vec<SilentSession>,
    /// What is to be said of those that do not answer.
    #[serde(default)]
    pub findings: Vec<Finding>,
}

/// A session of which only its files tell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SilentSession {
    pub project: Option<String>,
    pub root: Option<String>,
    /// `unattended`: its controller is gone; `suspended`: it is stopped; `silent`: it does not answer.
    pub state: String,
    /// The controller's, where there is one.
    pub pid: Option<u32>,
    pub started_at: Option<String>,
    pub runtime_dir: String,
}

/// One session of the machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ListedSession {
    #[serde(flatten)]
    pub session: Session,
    /// So many of its services are up.
    pub up: usize,
    /// So many there are.
    pub services: usize,
}

/// What ended sessions of this user have left on the disk. What belongs to one that runs is not among it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Leftovers {
    pub schema: u32,
    pub leftovers: Vec<Leftover>,
}

/// Something on disk that can be removed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Leftover {
    pub path: String,
    pub bytes: u64,
    /// What it is: `port registry`, `logs`.
    pub what: String,
}

/// Which leftovers are to be removed. What is none of them, or has come to belong to a session, is left alone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Clean {
    /// As `GET /v1/leftovers` names them; none at all removes nothing.
    pub paths: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Cleaned {
    pub schema: u32,
    /// So many were removed.
    pub items: usize,
    pub bytes: u64,
    /// What could not be.
    pub errors: Vec<ErrorDetail>,
}
