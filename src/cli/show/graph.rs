//! The graph of dependencies: as a tree for people, and in the languages of Graphviz and Mermaid.

use crate::api::messages::{Graph, GraphEdge, GraphNode};
use crate::cli::style::{Paint, plain, width};
use crate::model::StateWord;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

/// Everything that nobody needs, with what it needs below it. What has been shown with its own needs before is
/// only named.
pub fn tree(graph: &Graph, paint: Paint) -> String {
    let needed: BTreeSet<&str> = graph
        .services
        .iter()
        .flat_map(|node| &node.depends_on)
        .map(|edge| edge.on.as_str())
        .collect();
    let mut drawing = Drawing {
        nodes: graph
            .services
            .iter()
            .map(|node| (node.name.as_str(), node))
            .collect(),
        shown: BTreeSet::new(),
        paint,
        rows: Vec::new(),
    };
    for node in &graph.services {
        if !needed.contains(node.name.as_str()) {
            drawing.root(node);
        }
    }
    drawing.aligned()
}

/// A line: who it is about, and what there is to say of him.
struct Row {
    who: String,
    /// In columns.
    width: usize,
    about: String,
}

/// States begin in one column, unless that is further to the right than this.
const FURTHEST: usize = 40;

struct Drawing<'a> {
    nodes: BTreeMap<&'a str, &'a GraphNode>,
    shown: BTreeSet<&'a str>,
    paint: Paint,
    rows: Vec<Row>,
}

impl<'a> Drawing<'a> {
    fn root(&mut self, node: &'a GraphNode) {
        let name = plain(&node.name);
        self.rows.push(Row {
            width: width(&name),
            who: self.paint.bold(&name),
            about: state(node, self.paint),
        });
        self.needs(node, "");
    }

    fn aligned(&self) -> String {
        let widths = self.rows.iter().map(|row| row.width);
        let column = widths.filter(|width| *width <= FURTHEST).max().unwrap_or(0);
        let mut out = String::new();
        for row in &self.rows {
            out.push_str(&row.who);
            if !row.about.is_empty() {
                out.push_str(&" ".repeat(column.saturating_sub(row.width)));
                out.push_str(&row.about);
            }
            out.push('\n');
        }
        out
    }

    fn needs(&mut self, node: &'a GraphNode, indent: &str) {
        self.shown.insert(&node.name);
        let count = node.depends_on.len();
        for (index, edge) in node.depends_on.iter().enumerate() {
            let (branch, below) = if index + 1 == count {
                ("└─ ", "   ")
            } else {
                ("├─ ", "│  ")
            };
            let known = self.nodes.get(edge.on.as_str()).copied();
            let stands = known.map(|node| state(node, self.paint)).unwrap_or_default();
            let again = known
                .is_some_and(|node| !node.depends_on.is_empty() && self.shown.contains(node.name.as_str()));
            let more = if again {
                self.paint.dim("  (needs: see above)")
            } else {
                String::new()
            };
            let (name, condition) = (plain(&edge.on), format!(": {}", edge.condition));
            self.rows.push(Row {
                width: width(&format!("{indent}{branch}{name}{condition}")),
                who: format!(
                    "{indent}{}{name}{}",
                    self.paint.dim(branch),
                    wanted(edge, &condition, self.paint)
                ),
                about: format!("{stands}{more}"),
            });
            if let Some(node) = known.filter(|_| !again) {
                self.needs(node, &format!("{indent}{below}"));
            }
        }
    }
}

/// What has to hold of it: `: ready`, in the colour of what holds and what does not.
fn wanted(edge: &GraphEdge, text: &str, paint: Paint) -> String {
    match edge.holds {
        Some(true) => paint.green(text),
        Some(false) => paint.yellow(text),
        None => paint.dim(text),
    }
}

/// `  running, ready`, `  failed: gave up…`; nothing where no session runs.
fn state(node: &GraphNode, paint: Paint) -> String {
    let mut text = match node.state {
        None => String::new(),
        Some(state) => {
            let ready = match node.ready {
                Some(true) => ", ready",
                Some(false) => ", not ready",
                None => "",
            };
            let reason = node
                .reason
                .as_deref()
                .map(|reason| format!(": {}", plain(reason)));
            format!("  {state}{ready}{}", reason.unwrap_or_default())
        }
    };
    if node.optional {
        text.push_str("  (optional)");
    }
    paint.sgr(node.state.map_or("2", colour), &text)
}

fn colour(state: StateWord) -> &'static str {
    match state {
        StateWord::Running | StateWord::Daemonized => "32",
        StateWord::Failed => "1;31",
        StateWord::Disabled | StateWord::Stopped | StateWord::Exited | StateWord::Scheduled => "2",
        StateWord::Pending
        | StateWord::Starting
        | StateWord::Stopping
        | StateWord::Restarting
        | StateWord::Backoff
        | StateWord::Skipped => "33",
    }
}

/// For Graphviz: an arrow from each service to what it needs.
pub fn dot(graph: &Graph) -> String {
    let mut out = String::from("digraph services {\n  rankdir=LR;\n  node [shape=box];\n");
    for node in &graph.services {
        let label = match node.state {
            Some(state) => format!("{}\n{state}", node.name),
            None => node.name.clone(),
        };
        let style = if node.optional { ", style=dashed" } else { "" };
        writeln!(out, "  {} [label={}{style}];", quoted(&node.name), quoted(&label))
            .expect("a String takes all");
    }
    for node in &graph.services {
        for edge in &node.depends_on {
            let (from, to) = (quoted(&node.name), quoted(&edge.on));
            let label = quoted(&edge.condition.to_string());
            writeln!(out, "  {from} -> {to} [label={label}];").expect("a String takes all");
        }
    }
    out.push_str("}\n");
    out
}

/// A string of the language: quotes and backslashes are escaped, a line's end is written out.
fn quoted(text: &str) -> String {
    let escaped = text
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n");
    format!("\"{escaped}\"")
}

/// For Mermaid, whose ids are plain: the services are numbered, and their names are labels.
pub fn mermaid(graph: &Graph) -> String {
    let numbers: BTreeMap<&str, usize> = (0..)
        .zip(&graph.services)
        .map(|(number, node)| (node.name.as_str(), number))
        .collect();
    let mut out = String::from("graph LR\n");
    for (number, node) in graph.services.iter().enumerate() {
        let state = node.state.map(|state| format!("<br>{state}")).unwrap_or_default();
        let name = node.name.replace('"', "#quot;");
        writeln!(out, "  s{number}[\"{name}{state}\"]").expect("a String takes all");
    }
    for (number, node) in graph.services.iter().enumerate() {
        for edge in &node.depends_on {
            if let Some(on) = numbers.get(edge.on.as_str()) {
                writeln!(out, "  s{number} -->|{}| s{on}", edge.condition).expect("a String takes all");
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{dot, mermaid, tree};
    use crate::api::messages::{Graph, GraphEdge, GraphNode, SCHEMA};
    use crate::cli::style::Paint;
    use crate::model::{Condition, StateWord};

    fn node(name: &str, needs: &[(&str, Condition)]) -> GraphNode {
        GraphNode {
            name: name.to_owned(),
            state: None,
            ready: None,
            reason: None,
            optional: false,
            depends_on: needs
                .iter()
                .map(|(on, condition)| GraphEdge {
                    on: (*on).to_owned(),
                    condition: *condition,
                    holds: None,
                })
                .collect(),
        }
    }

    fn shop() -> Graph {
        Graph {
            schema: SCHEMA,
            services: vec![
                node("web", &[("api", Condition::Started), ("cache", Condition::Ready)]),
                node("worker", &[("api", Condition::Ready)]),
                node("api", &[("db", Condition::Ready)]),
                node("db", &[]),
                node("cache", &[]),
            ],
        }
    }

    #[test]
    fn what_nobody_needs_is_a_root_and_nothing_is_drawn_twice() {
        assert_eq!(
            tree(&shop(), Paint::PLAIN),
            "web\n├─ api: started\n│  └─ db: ready\n└─ cache: ready\nworker\n└─ api: ready    (needs: see above)\n"
        );
    }

    #[test]
    fn a_running_session_shows_where_each_stands_and_why() {
        let mut graph = shop();
        graph.services.truncate(1);
        graph.services[0].depends_on.truncate(1);
        graph.services[0].state = Some(StateWord::Pending);
        graph.services[0].reason = Some("waits for api: started".to_owned());
        let mut api = node("api", &[]);
        api.state = Some(StateWord::Running);
        api.ready = Some(false);
        api.optional = true;
        graph.services.push(api);
        assert_eq!(
            tree(&graph, Paint::PLAIN),
            "web              pending: waits for api: started\n└─ api: started  running, not ready  (optional)\n"
        );
    }

    #[test]
    fn graphviz_and_mermaid_get_every_service_and_every_arrow() {
        let graph = shop();
        let text = dot(&graph);
        assert!(text.contains("  \"web\" [label=\"web\"];\n"), "{text}");
        assert!(
            text.contains("  \"api\" -> \"db\" [label=\"ready\"];\n"),
            "{text}"
        );
        let text = mermaid(&graph);
        assert!(text.contains("  s2 -->|ready| s3\n"), "{text}");
        assert_eq!(text.lines().count(), 10, "{text}");
    }
}
