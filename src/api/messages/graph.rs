//! Who depends on whom. Append-only, as all messages.

use crate::model::{Condition, StateWord};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Who depends on whom, and where each stands: what `ovr graph --json` prints.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Graph {
    pub schema: u32,
    /// In the order of the file.
    pub services: Vec<GraphNode>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GraphNode {
    pub name: String,
    /// `null` where no session runs.
    pub state: Option<StateWord>,
    pub ready: Option<bool>,
    pub reason: Option<String>,
    /// Its failure holds nobody up.
    pub optional: bool,
    pub depends_on: Vec<GraphEdge>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GraphEdge {
    /// The instance.
    pub on: String,
    pub condition: Condition,
    /// Whether it holds now; `null` where no session runs.
    pub holds: Option<bool>,
}
