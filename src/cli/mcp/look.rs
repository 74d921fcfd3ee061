//! The tools that look: list, status, explain. They change nothing.

use super::arguments::{Names, One};
use super::{Tools, words};
use crate::api::HangUp;
use crate::api::messages::{Service, Status};
use crate::cli::style::Paint;
use crate::cli::{here, show};
use crate::diag::{Diagnostic, Kind};
use crate::mcp::Answer;
use crate::model::{InstanceName, select};
use serde_json::{Value, json};

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
    let mut why = tools.session(hang_up)?.why(&asked.name)?;
    // Commands are for people; a model has tools.
    why.next.clear();
    let next = words::next_step(&why.service);
    let mut text = show::why::why(&why, Paint::PLAIN);
    text.extend([
        "next: ",
        next.as_deref().unwrap_or("nothing, it is as it should be"),
    ]);
    let mut structured = serde_json::to_value(&why).expect("plain fields always serialize");
    structured["next"] = json!(next);
    Ok(Answer {
        text,
        structured: words::without_nulls(structured),
        is_error: false,
    })
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
