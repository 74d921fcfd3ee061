//! Waiting for services: whom for, what for, how long.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Whom to wait for, and how long.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Wait {
    /// Services, instances or patterns; empty means all that start with the session.
    #[serde(default)]
    pub names: Vec<String>,
    /// None is for ever.
    #[serde(default)]
    pub timeout_ms: Option<u64>,
    /// What for.
    #[serde(default, rename = "for", skip_serializing_if = "Goal::is_ready")]
    pub goal: Goal,
}

/// What can be waited for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Goal {
    /// It is ready, by whatever says so, or has done its work.
    #[default]
    Ready,
    /// Its process is alive.
    Running,
    /// It has ended and is not started again.
    Exited,
    /// It is ready by its own word or by a probe, and its liveness probe finds nothing wrong.
    Healthy,
}

impl Goal {
    /// The word, as requests and the command line spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Running => "running",
            Self::Exited => "exited",
            Self::Healthy => "healthy",
        }
    }

    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "serde calls it with a reference"
    )]
    fn is_ready(&self) -> bool {
        *self == Self::Ready
    }
}
