//! `ovr graph`: what can be typed, and the behaviour. The drawings are `show`'s.

use super::args::{Example, GlobalArgs, ProjectArgs};
use super::beside::{self, Meant};
use super::plan::Here;
use super::{elsewhere, report, session, show, style};
use crate::api::messages::{Graph, GraphEdge, GraphNode, SCHEMA};
use crate::diag::{Diagnostic, Kind};
use crate::model::{InstanceId, InstanceSpec, Moment};
use crate::supervisor::Machine;
use clap::Args;
use std::process::ExitCode;

pub const EXAMPLES: &[Example] = &[
    ("ovr graph", "who needs whom, with live states"),
    ("ovr graph --dot | dot -Tsvg > services.svg", "as a picture"),
    ("ovr graph --mermaid", "for a README"),
];

/// Show which services need which
///
/// Each service that nobody needs, with what it needs below it, and for each where it stands now. Without a
/// running session, what the configuration says.
#[derive(Args, Clone, Debug, Default)]
pub struct GraphArgs {
    #[command(flatten)]
    pub project: ProjectArgs,
    /// Print it in the language of Graphviz
    #[arg(long, conflicts_with_all = ["json", "mermaid"])]
    pub dot: bool,
    /// Print it as a Mermaid diagram
    #[arg(long, conflicts_with = "json")]
    pub mermaid: bool,
    /// Print JSON: the documented shape, with `"schema": 1`
    #[arg(long)]
    pub json: bool,
}

/// Prints the graph of the session that runs here, else that of the configuration.
pub fn cmd_graph(global: &GlobalArgs, args: &GraphArgs) -> Result<ExitCode, Diagnostic> {
    let graph = match look(global, args) {
        Ok(graph) => graph,
        Err(problems) => return Ok(report::report_all(&problems)),
    };
    if args.json {
        report::print_json(&graph)?;
    } else if args.dot {
        report::print_out(&show::graph::dot(&graph))?;
    } else if args.mermaid {
        report::print_out(&show::graph::mermaid(&graph))?;
    } else {
        report::print_out(&show::graph::tree(&graph, style::Paint::for_stdout()))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn look(global: &GlobalArgs, args: &GraphArgs) -> Result<Graph, Vec<Diagnostic>> {
    elsewhere::refuse_files(global, &args.project).map_err(|error| vec![error])?;
    if !beside::names_project(&args.project) {
        match session::reach(global).and_then(|client| client.graph()) {
            Ok(graph) => return Ok(graph),
            Err(error)
                if matches!(error.kind, Kind::NotRunning | Kind::NoConfig) && global.socket.is_none() => {}
            Err(error) => return Err(vec![error]),
        }
    }
    let here = Here::look().map_err(|error| vec![error])?;
    let meant = Meant::find(global, &here, &args.project).map_err(|error| vec![error])?;
    let plan = meant.plan(&here)?;
    configured(&plan.instances).map_err(|error| vec![error])
}

/// The graph as the machine would have it.
fn configured(instances: &[InstanceSpec]) -> Result<Graph, Diagnostic> {
    let policies = instances
        .iter()
        .map(|spec| (spec.name.clone(), spec.policy.clone()));
    let machine = Machine::new(policies.collect(), Moment::START)
        .map_err(|error| Diagnostic::error(Kind::Config, error.to_string()))?;
    let node = |(id, spec): (InstanceId, &InstanceSpec)| GraphNode {
        name: spec.name.to_string(),
        state: None,
        ready: None,
        reason: None,
        optional: spec.policy.optional,
        depends_on: machine
            .dependencies(id)
            .into_iter()
            .map(|(on, condition, _)| GraphEdge {
                on: instances[on.0 as usize].name.to_string(),
                condition,
                holds: None,
            })
            .collect(),
    };
    Ok(Graph {
        schema: SCHEMA,
        services: (0..).map(InstanceId).zip(instances).map(node).collect(),
    })
}
