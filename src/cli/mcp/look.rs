//! The tools that look: list, status, explain. They change nothing.

use super::arguments::{Names, One};
use super::{Tools, output, words};
use crate::api::HangUp;
use crate::api::messages::{GraphNode, Service, Status};
use crate::cli::here;
use crate::cli::style::push_line;
use crate::diag::{Diagnostic, Kind};
use crate::mcp::Answer;
use crate::model::{InstanceName, StateWord, select};
use serde_json::{Value, json};

/// So many of its last lines explain a service.
const LAST_LINES: usize = 20;

pub(super) fn list(tools: &Tools, hang_up: &HangUp) -> Result<Answer, Diagnostic> {
    match tools.session(hang_up).and_then(|client| client.status()) {
        Ok(status) => Ok(listing(&status)),
        // What there would be is told from the files, where it is clear which ones are meant.
        Err(error) if error.kind == Kind::NotRunning && tools.global.socket.is_none() => {
            Ok(configured(&error))
        }
        Err(error) => Err(error),
    }
}

fn listing(status: &Status) -> Answer {
    let mut text = words::heading(status, "runs");
    for service in &status.services {
        text.extend(["\n", &words::line(service)]);
    }
    Answer {
        text,
        structured: json!({
            "running": true,
            "project": status.session.project,
            "root": status.session.root,
            "services": status.services.iter().map(words::brief).collect::<Vec<_>>(),
        }),
        is_error: false,
    }
}

/// The services of a project that does not run.
fn configured(error: &Diagnostic) -> Answer {
    let known = here::services();
    let mut text = error.message.clone();
    for cause in &error.causes {
        text.extend(["; ", cause]);
    }
    for service in &known {
        text.extend(["\n", &service.name, ": not running, ", &service.about]);
    }
    text.push_str("\nnext: start brings the project up");
    let services: Vec<Value> = known
        .iter()
        .map(|service| json!({ "name": service.name, "command": service.about }))
        .collect();
    Answer {
        text,
        structured: json!({ "running": false, "reason": error.message, "services": services }),
        is_error: false,
    }
}

pub(super) fn status(tools: &Tools, asked: &Names, hang_up: &HangUp) -> Result<Answer, Diagnostic> {
    let status = tools.session(hang_up)?.status()?;
    let chosen = choose(&status, &asked.names)?;
    let mut text = format!("{}\n", words::heading(&status, "runs"));
    for service in &chosen {
        text.push_str(&words::facts(service));
    }
    let services: Vec<Value> = chosen
        .iter()
        .map(|service| words::without_nulls(serde_json::to_value(service).expect("plain data")))
        .collect();
    Ok(Answer {
        text: text.trim_end().to_owned(),
        structured: json!({ "services": services }),
        is_error: false,
    })
}

pub(super) fn explain(tools: &Tools, asked: &One, hang_up: &HangUp) -> Result<Answer, Diagnostic> {
    let client = tools.session(hang_up)?;
    let status = client.status()?;
    let chosen = choose(&status, std::slice::from_ref(&asked.name))?;
    let [service] = chosen[..] else {
        let names: Vec<&str> = chosen.iter().map(|service| service.name.as_str()).collect();
        let message = format!(
            "{} means {} instances: {}",
            asked.name,
            names.len(),
            names.join(", ")
        );
        return Err(Diagnostic::error(Kind::Usage, message).hint("name one of them"));
    };
    let graph = client.graph()?;
    let waits_for = graph
        .services
        .iter()
        .find(|node| node.name == service.name)
        .map(|node| unmet(node, &status))
        .unwrap_or_default();
    let ended = matches!(
        service.state,
        StateWord::Failed | StateWord::Backoff | StateWord::Exited
    );
    let lines = output::last_lines(tools, &service.name, LAST_LINES, ended)?;
    let next = words::next_step(service);
    let mut text = words::facts(service);
    for other in &waits_for {
        push_line(&mut text, &format!("  waits for: {other}"));
    }
    if !lines.is_empty() {
        text.push_str(if ended {
            "  the last lines of its last run:\n"
        } else {
            "  its last lines:\n"
        });
        for line in &lines {
            push_line(&mut text, &format!("    {line}"));
        }
    }
    text.extend([
        "next: ",
        next.as_deref().unwrap_or("nothing, it is as it should be"),
    ]);
    Ok(Answer {
        text,
        structured: words::without_nulls(json!({
            "service": words::without_nulls(serde_json::to_value(service).expect("plain data")),
            "waits_for": waits_for,
            "last_lines": lines,
            "next": next,
        })),
        is_error: false,
    })
}

/// The dependencies that it still waits for, each with where it stands.
fn unmet(node: &GraphNode, status: &Status) -> Vec<String> {
    let unmet = node.depends_on.iter().filter(|edge| edge.holds == Some(false));
    let stands = |name: &str| {
        status
            .services
            .iter()
            .find(|service| service.name == name)
            .map(words::line)
    };
    unmet
        .map(|edge| stands(&edge.on).unwrap_or_else(|| edge.on.clone()))
        .collect()
}

/// The instances that `names` mean; all of them if there are none.
pub(super) fn choose<'a>(status: &'a Status, names: &[String]) -> Result<Vec<&'a Service>, Diagnostic> {
    let known: Vec<InstanceName> = status
        .services
        .iter()
        .filter_map(|service| service.name.parse().ok())
        .collect();
    if known.len() != status.services.len() {
        return Err(Diagnostic::error(
            Kind::System,
            "the session has names that make no sense",
        ));
    }
    let chosen = select(names, &known).map_err(|unmatched| {
        let first = unmatched.diagnostics().into_iter().next();
        first.expect("what matches nothing has an error")
    })?;
    Ok(chosen.into_iter().map(|index| &status.services[index]).collect())
}
