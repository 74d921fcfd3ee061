//! `ovr hook`: what can be typed, and the behaviour. What coding agents run at moments of their own: a hook never
//! fails and never takes long, and what it prints goes into the agent's context.

use super::args::{Example, GlobalArgs};
use super::bring_up::{Brought, in_background};
use super::mcp::words;
use super::style::fit;
use super::{report, session};
use crate::api::HangUp;
use crate::api::messages::{Service, Status};
use crate::diag::{Diagnostic, Kind};
use crate::model::{StateWord, time_text};
use clap::{Args, ValueEnum};
use serde_json::json;
use std::process::ExitCode;
use std::time::Duration;

pub const EXAMPLES: &[Example] = &[
    ("ovr hook session-start", "the services up, and where they stand"),
    (
        "ovr hook session-start --json",
        "the same for agents that read JSON",
    ),
];

/// So many services are told of.
const ROWS: usize = 8;
/// So many lines of what went wrong.
const WHY: usize = 8;
/// No line is wider.
const WIDTH: usize = 200;

/// Do what an agent's hook is for
///
/// session-start: brings the project up in the background if it does not run, does not wait until it is ready, and
/// prints in a dozen lines where it stands and what to type. A session that runs is left as it is. Exits with 0 in
/// any case and says why there is nothing. docs/agents.md has the set-up.
#[derive(Args, Clone, Debug)]
pub struct HookArgs {
    /// The moment
    #[arg(value_name = "EVENT")]
    pub event: HookEvent,
    /// Print JSON with the text as `hookSpecificOutput.additionalContext`
    #[arg(long)]
    pub json: bool,
    /// How long the project may take to come up before the agent is told that it still does
    #[arg(long, value_name = "TIME", hide = true, default_value = "10s", value_parser = humantime::parse_duration)]
    pub patience: Duration,
}

/// The moments that there are hooks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum HookEvent {
    /// An agent begins to work here
    SessionStart,
}

/// Does it, and never fails because of the project.
pub fn cmd_hook(global: &GlobalArgs, args: &HookArgs) -> Result<ExitCode, Diagnostic> {
    let HookEvent::SessionStart = args.event;
    let text = session_start(global, args.patience);
    if args.json {
        let output = json!({
            "hookSpecificOutput": { "hookEventName": "SessionStart", "additionalContext": text },
        });
        report::print_out(&format!("{output}\n"))?;
    } else {
        report::print_out(&text)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn session_start(global: &GlobalArgs, patience: Duration) -> String {
    match status(global) {
        Ok(status) => state(&status, "runs"),
        // Elsewhere nothing is begun, and here it would be another session.
        Err(error) if error.kind == Kind::NotRunning && !session::is_remote(global) => {
            started(global, patience, &error)
        }
        Err(error) => format!("ovr: {}\n", said(&error.to_string())),
    }
}

fn status(global: &GlobalArgs) -> Result<Status, Diagnostic> {
    session::reach(global).and_then(|client| client.status())
}

/// Where nothing runs yet.
fn started(global: &GlobalArgs, patience: Duration, idle: &Diagnostic) -> String {
    let brought = in_background(&[], global.socket.as_deref(), Some(patience), &HangUp::default());
    let why = match brought {
        Ok(Brought::GoesOn) => {
            let passed = time_text::duration(patience);
            return format!(
                "ovr: the project is still coming up after {passed}; ovr status says how far it is\n"
            );
        }
        Ok(Brought::Done { words, .. }) => words,
        Err(error) => error.to_string(),
    };
    // Somebody else may have started it at the same time, which is as good.
    match status(global) {
        Ok(status) => state(&status, "was started in the background"),
        Err(_) => format!(
            "ovr: {}, and does not come up:\n{}\nmend it, then: ovr up -D (ovr check tells all that is wrong)\n",
            idle.message,
            said(&why)
        ),
    }
}

/// A dozen lines about the session.
fn state(status: &Status, what: &str) -> String {
    let mut lines = vec![format!("ovr: {}", words::heading(status, what))];
    let (bad, good): (Vec<&Service>, Vec<&Service>) =
        status.services.iter().partition(|service| is_bad(service));
    let told: Vec<&Service> = bad.into_iter().chain(good).collect();
    lines.extend(told.iter().take(ROWS).map(|service| words::line(service)));
    if told.len() > ROWS {
        lines.push(format!("and {} more: ovr status", told.len() - ROWS));
    }
    lines.push(
        "commands: ovr status · ovr why NAME · ovr logs NAME -n 50 · ovr restart NAME · ovr stop NAME · ovr up -D"
            .to_owned(),
    );
    lines.push(
        "use them instead of ps, lsof, kill or a server of your own; the services run on without you"
            .to_owned(),
    );
    lines
        .iter()
        .fold(String::new(), |text, line| text + &fit(line, WIDTH) + "\n")
}

fn is_bad(service: &Service) -> bool {
    service.needs_attention
        || service.waits_for_input
        || matches!(
            service.state,
            StateWord::Failed | StateWord::Backoff | StateWord::Skipped
        )
}

/// The first lines of what somebody said.
fn said(text: &str) -> String {
    let lines: Vec<String> = text.lines().take(WHY).map(|line| fit(line, WIDTH)).collect();
    lines.join("\n")
}
