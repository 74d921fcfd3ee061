//! Who depends on whom in this session, as the API shows it.

use super::core::Controller;
use crate::api::messages::{Graph, GraphEdge, GraphNode, SCHEMA};
use crate::model::{InstanceId, State};

impl Controller {
    pub(super) fn graph(&self) -> Graph {
        Graph {
            schema: SCHEMA,
            services: self.shown().map(|id| self.node(id)).collect(),
        }
    }

    fn node(&self, id: InstanceId) -> GraphNode {
        let host = self.host(id);
        let state = self.machine.state(id);
        let edges = self.machine.dependencies(id).into_iter();
        GraphNode {
            name: host.name(),
            state: Some(self.machine.word(id)),
            ready: match state {
                State::Running { ready, .. } => *ready,
                _ => None,
            },
            reason: self.reason(id, host, state),
            optional: host.spec.policy.optional,
            depends_on: edges
                .map(|(on, condition, holds)| GraphEdge {
                    on: self.host(on).name(),
                    condition,
                    holds: Some(holds),
                })
                .collect(),
        }
    }
}
