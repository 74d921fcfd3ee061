//! Who depends on whom, as `GET /graph` tells it: a tree below each process that nobody depends on.

use super::process::ProcessState;
use crate::api::messages::{Graph, GraphEdge, GraphNode, Status};
use crate::model::Condition;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(in crate::api) struct Tree {
    nodes: BTreeMap<String, Node>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Node {
    name: String,
    process_status: &'static str,
    is_ready: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    dependency_type: Option<&'static str>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    depends_on: BTreeMap<String, Node>,
}

/// The tree of what has a dependency or is one; what stands alone is left out, as there.
pub(in crate::api) fn tree(graph: &Graph, status: &Status) -> Tree {
    let made: BTreeMap<&str, ProcessState> = status
        .services
        .iter()
        .map(|service| (service.name.as_str(), ProcessState::of(service, &status.session)))
        .collect();
    let nodes: BTreeMap<&str, &GraphNode> = graph
        .services
        .iter()
        .map(|node| (node.name.as_str(), node))
        .collect();
    let needed: BTreeSet<&str> = graph
        .services
        .iter()
        .flat_map(|node| node.depends_on.iter().map(|edge| edge.on.as_str()))
        .collect();
    let known = Known { made, nodes };
    let tops = graph
        .services
        .iter()
        .filter(|node| !node.depends_on.is_empty() && !needed.contains(node.name.as_str()));
    Tree {
        nodes: tops
            .map(|node| (node.name.clone(), known.node(&node.name, None)))
            .collect(),
    }
}

struct Known<'a> {
    made: BTreeMap<&'a str, ProcessState>,
    nodes: BTreeMap<&'a str, &'a GraphNode>,
}

impl Known<'_> {
    /// There are no circles: a configuration with one is refused.
    fn node(&self, name: &str, by: Option<&GraphEdge>) -> Node {
        let state = self.made.get(name);
        let edges = self.nodes.get(name).map_or(&[][..], |node| &node.depends_on);
        Node {
            name: name.to_owned(),
            process_status: state.map_or("Pending", |state| state.status),
            is_ready: state.map_or("-", |state| state.is_ready),
            dependency_type: by.map(|edge| word(edge.condition)),
            depends_on: edges
                .iter()
                .map(|edge| (edge.on.clone(), self.node(&edge.on, Some(edge))))
                .collect(),
        }
    }
}

/// Its words for conditions.
fn word(condition: Condition) -> &'static str {
    match condition {
        Condition::Ended => "completed",
        Condition::EndedWell => "completed_successfully",
        Condition::Ready => "healthy",
        Condition::Started => "started",
    }
}
