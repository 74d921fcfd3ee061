//! The tools that act, and the one that waits. What they began goes on when they are taken back.

use super::arguments::{SomeNames, Start, Timed, TimedNames, some};
use super::{Tools, look, words};
use crate::api::HangUp;
use crate::api::call::Verb;
use crate::api::client::Client;
use crate::api::messages::{ActionResult, Goal, Request, Results, Wait};
use crate::cli::bring_up::{Brought, in_background};
use crate::cli::style::{Paint, push_line};
use crate::cli::{session, show, up};
use crate::diag::{Diagnostic, Kind};
use crate::mcp::Answer;
use crate::workspace::SessionLock;
use serde_json::{Value, json};
use std::time::Duration;

pub(super) fn wait(tools: &Tools, asked: &Timed, hang_up: &HangUp) -> Result<Answer, Diagnostic> {
    let timeout = asked.timeout()?;
    until(
        asked.goal,
        &tools.session(hang_up)?,
        &asked.names,
        timeout,
        String::new(),
    )
}

pub(super) fn start(tools: &Tools, asked: &Start, hang_up: &HangUp) -> Result<Answer, Diagnostic> {
    let timeout = asked.timeout()?;
    let said = match tools.session(hang_up) {
        // Nothing is begun elsewhere, and here it would be another session, with another token.
        Ok(client) if tools.is_remote() => start_in(&client, &asked.names)?,
        Ok(client) => match start_in(&client, &asked.names) {
            // A controller that was killed seems to be there until the system has put it away.
            Err(error) if error.kind == Kind::NotRunning && is_dead(tools)? => {
                bring_up(tools, &asked.names, hang_up)?
            }
            said => said?,
        },
        Err(error) if error.kind == Kind::NotRunning => bring_up(tools, &asked.names, hang_up)?,
        Err(error) => return Err(error),
    };
    let client = tools.session(hang_up)?;
    if asked.wait {
        return until(Goal::Ready, &client, &asked.names, timeout, said);
    }
    let status = client.status()?;
    let chosen = look::choose(&status, &asked.names)?;
    let lines: Vec<String> = chosen.iter().map(|service| words::line(service)).collect();
    Ok(Answer {
        text: format!("{said}{}", lines.join("\n")),
        structured: json!({ "services": chosen.iter().map(|service| words::brief(service)).collect::<Vec<_>>() }),
        is_error: false,
    })
}

/// Whether the controller that seems to be there is about to be gone; then waits until it is.
fn is_dead(tools: &Tools) -> Result<bool, Diagnostic> {
    let entry = session::look(&tools.global)?;
    SessionLock::wait_until_free(&entry.dir, session::DYING)
}

/// In the running session, what `ovr up` does; nobody waits yet.
fn start_in(client: &Client, names: &[String]) -> Result<String, Diagnostic> {
    let mut names = names.to_vec();
    let mut said = String::new();
    if names.is_empty() {
        let changes = client.reload()?.changes;
        let changed: Vec<&str> = changes.iter().map(|change| change.name.as_str()).collect();
        if !changed.is_empty() {
            said = format!(
                "the configuration has changed; brought up to date: {}\n",
                changed.join(", ")
            );
        }
        let services = client.status()?.services;
        let amiss = services.into_iter().filter(up::is_amiss);
        names = amiss.map(|service| service.name).collect();
        if names.is_empty() {
            return Ok(said);
        }
    }
    let request = Request {
        names,
        no_wait: true,
        ..Request::default()
    };
    client.action(Verb::Start, &request)?;
    Ok(said)
}

/// Where no session runs, one in the background.
fn bring_up(tools: &Tools, names: &[String], hang_up: &HangUp) -> Result<String, Diagnostic> {
    match in_background(names, tools.global.socket.as_deref(), None, hang_up)? {
        // Some of its services may have failed at once; what follows says which.
        Brought::Done { words, .. } if tools.session(hang_up).is_ok() => {
            let warnings = words.lines().filter(|line| line.starts_with("warning:"));
            let mut said = String::new();
            for warning in warnings {
                push_line(&mut said, warning);
            }
            push_line(&mut said, "the project was brought up in the background");
            Ok(said)
        }
        Brought::Done { code, words } => {
            let kind = u8::try_from(code).ok().and_then(Kind::from_exit_code);
            let message =
                format!("the project did not come up; ovr up -D ended with {code} and said:\n{words}");
            Err(Diagnostic::error(kind.unwrap_or(Kind::System), message))
        }
        Brought::GoesOn => unreachable!("nobody has set a time"),
    }
}

pub(super) fn restart(tools: &Tools, asked: &TimedNames, hang_up: &HangUp) -> Result<Answer, Diagnostic> {
    let timeout = asked.timeout()?;
    let names = some(&asked.names)?;
    let client = tools.session(hang_up)?;
    let request = Request {
        names: names.to_vec(),
        no_wait: true,
        ..Request::default()
    };
    client.action(Verb::Restart, &request)?;
    until(Goal::Ready, &client, names, timeout, String::new())
}

pub(super) fn stop(tools: &Tools, asked: &SomeNames, hang_up: &HangUp) -> Result<Answer, Diagnostic> {
    let request = Request {
        names: some(&asked.names)?.to_vec(),
        ..Request::default()
    };
    let results = tools.session(hang_up)?.action(Verb::Stop, &request)?;
    let well = results.results.iter().all(|result| result.outcome.is_success());
    Ok(Answer {
        text: show::results::results(&results, Paint::PLAIN)
            .trim_end()
            .to_owned(),
        structured: results_for_programs(&results),
        is_error: !well,
    })
}

/// Waits for that, and says where everybody stands then.
fn until(
    goal: Goal,
    client: &Client,
    names: &[String],
    timeout: Duration,
    said: String,
) -> Result<Answer, Diagnostic> {
    let results = client.wait(&Wait {
        names: names.to_vec(),
        timeout_ms: Some(u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX)),
        goal,
    })?;
    // Where the session has ended meanwhile, the results say it all.
    let status = client.status().ok();
    let mut text = said;
    let (mut failed, mut late) = (Vec::new(), Vec::new());
    for result in &results.results {
        let mut services = status.iter().flat_map(|status| &status.services);
        let service = services.find(|service| service.name == result.name);
        let line = service.map_or_else(|| told(result), words::line);
        push_line(&mut text, &line);
        if result.outcome.is_success() {
            continue;
        }
        let list = if result.not_yet { &mut late } else { &mut failed };
        list.push(result.name.as_str());
        for last in &result.last_lines {
            push_line(&mut text, &format!("  | {last}"));
        }
        if let Some(next) = service.and_then(words::next_step) {
            push_line(&mut text, &format!("  next: {next}"));
        }
    }
    if let Some(ending) = status.as_ref().filter(|status| status.session.ending) {
        push_line(&mut text, &words::heading(ending, "ran"));
    }
    text.push_str(&verdict(goal, &failed, &late));
    let reached = failed.is_empty() && late.is_empty();
    let mut structured = results_for_programs(&results);
    structured["reached"] = Value::Bool(reached);
    Ok(Answer {
        text,
        structured,
        is_error: !reached,
    })
}

fn verdict(goal: Goal, failed: &[&str], late: &[&str]) -> String {
    let goal = goal.as_str();
    let not_yet = format!("not {goal} yet: {}", late.join(", "));
    let cannot = format!("failed: {}", failed.join(", "));
    match (failed, late) {
        ([], []) => format!("all {goal}"),
        ([], _) => not_yet,
        (_, []) => cannot,
        (_, _) => format!("{cannot}; {not_yet}"),
    }
}

fn told(result: &ActionResult) -> String {
    let message = result.message.as_deref().unwrap_or("the session has ended");
    format!("{}: {message}", result.name)
}

fn results_for_programs(results: &Results) -> Value {
    let results = results.results.iter().map(|result| {
        words::without_nulls(serde_json::to_value(result).expect("plain fields always serialize"))
    });
    json!({ "results": results.collect::<Vec<_>>() })
}
