//! `ovr wait`: what can be typed, and the behaviour.

use super::args::{AnyNames, Example, GlobalArgs};
use super::successor::{End, Successor};
use super::{report, session, show, style, up};
use crate::api::client::Client;
use crate::api::messages::{ActionResult, Goal, Outcome, Results, Wait};
use crate::diag::{Diagnostic, Kind};
use crate::workspace::revive::{self, Next};
use crate::workspace::session::SessionEntry;
use clap::{Args, ValueEnum};
use std::process::ExitCode;
use std::time::{Duration, Instant};

pub const EXAMPLES: &[Example] = &[
    ("ovr wait", "until all that start by themselves are ready"),
    ("ovr wait api --timeout 30s", "exit code 124 when the time is up"),
    (
        "ovr wait migrate --for exited",
        "until it has ended; 0 if it ended well",
    ),
    ("ovr wait db --for healthy --json", "for programs"),
];

/// Wait until services are ready, run, have ended or are healthy
///
/// ready: by its probe, its own word or, where nothing says what ready means, by its port or age; a task that has
/// ended well is ready too. running: its process is alive. exited: it has ended and is not started again. healthy:
/// ready by a probe or its own word, and its liveness probe finds nothing wrong. A service that can no longer get
/// there ends the wait at once, with the reason and its last lines on standard error.
#[derive(Args, Clone, Debug, Default)]
pub struct WaitArgs {
    #[command(flatten)]
    pub target: AnyNames,
    /// What to wait for
    #[arg(long = "for", value_name = "STATE", value_enum, default_value_t)]
    pub goal: Awaited,
    /// Wait no longer than this, such as 30s or 2m
    #[arg(long, value_name = "TIME")]
    pub timeout: Option<String>,
    /// Print JSON: what became of each, with `"schema": 1`
    #[arg(long)]
    pub json: bool,
}

/// A [`Goal`], as it is typed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Awaited {
    #[default]
    Ready,
    Running,
    Exited,
    Healthy,
}

impl From<Awaited> for Goal {
    fn from(awaited: Awaited) -> Self {
        match awaited {
            Awaited::Ready => Self::Ready,
            Awaited::Running => Self::Running,
            Awaited::Exited => Self::Exited,
            Awaited::Healthy => Self::Healthy,
        }
    }
}

/// Waits, and says who is there, or who is not and why.
pub fn cmd_wait(global: &GlobalArgs, args: &WaitArgs) -> Result<ExitCode, Diagnostic> {
    let timeout = args.timeout.as_deref().map(up::parse_timeout).transpose()?;
    let (entry, client) = session::meet(global)?;
    if !args.json {
        up::tell_meanwhile(client.peer().clone(), args.target.names.clone());
    }
    let goal = Goal::from(args.goal);
    let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
    let results = wait(entry.as_ref(), &client, &args.target.names, goal, deadline)?;
    let failed = of(&results, |result| !result.outcome.is_success() && !result.not_yet);
    let late = of(&results, |result| result.not_yet);
    if args.json {
        report::print_json(&results)?;
    }
    if failed.is_empty() && late.is_empty() {
        if !args.json {
            report::print_out(&sentence(&results.results, goal))?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    if !args.json {
        report::print_aside(&last_words(&results));
    }
    Err(match failed.as_slice() {
        [] => Diagnostic::error(
            Kind::Timeout,
            format!("the time is up, and not yet {}: {}", goal.as_str(), names(&late)),
        )
        .hint(format!("`ovr why {}` says what it waits for", late[0].name)),
        failed => Diagnostic::error(Kind::ServiceFailed, verdict(failed, goal))
            .hint(format!("`ovr why {}` says more", failed[0].name)),
    })
}

/// One wait, also where the session's controller is replaced by another one meanwhile.
fn wait(
    entry: Option<&SessionEntry>,
    client: &Client,
    names: &[String],
    goal: Goal,
    deadline: Option<Instant>,
) -> Result<Results, Diagnostic> {
    loop {
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        let answer = client.wait(&Wait {
            names: names.to_vec(),
            timeout_ms: left.map(|left| u64::try_from(left.as_millis()).unwrap_or(u64::MAX)),
            goal,
        });
        let lost = match answer {
            Err(error) if error.kind == Kind::NotRunning => error,
            answer => return answer,
        };
        let Some(entry) = entry else {
            wait_elsewhere(client, lost, deadline)?;
            continue;
        };
        match revive::next_controller_until(&entry.dir, deadline)? {
            Next::Answers => {}
            Next::Ended => {
                return Err(
                    Diagnostic::error(Kind::NotRunning, "the session ended before all were there")
                        .hint("`ovr status` says how it ended"),
                );
            }
            Next::NotInTime => {
                let hint = lost.hints.first().cloned().unwrap_or_default();
                let message = "the session has had no controller until the time was up";
                return Err(Diagnostic::error(Kind::Timeout, message).hint(hint));
            }
        }
    }
}

/// Waits for another controller of a session on TCP whose answer broke off.
fn wait_elsewhere(client: &Client, lost: Diagnostic, deadline: Option<Instant>) -> Result<(), Diagnostic> {
    if End::of(&lost) != End::Cut {
        return Err(lost);
    }
    let ask = || match deadline {
        Some(deadline) if Instant::now() >= deadline => Err(Diagnostic::error(
            Kind::Timeout,
            "the session has had no controller until the time was up",
        )),
        Some(_) | None => client.status(),
    };
    let answered = Successor::of(None, client).ask(End::Cut, ask)?;
    answered.map(drop).ok_or(lost)
}

fn of(results: &Results, wanted: impl Fn(&ActionResult) -> bool) -> Vec<&ActionResult> {
    results.results.iter().filter(|result| wanted(result)).collect()
}

fn names(results: &[&ActionResult]) -> String {
    let names: Vec<String> = results.iter().map(|result| style::plain(&result.name)).collect();
    names.join(", ")
}

/// Who is there: `web is ready`, `3 services are ready`, `migrate has exited (code 0)`.
fn sentence(results: &[ActionResult], goal: Goal) -> String {
    let state = match goal {
        Goal::Ready => "is ready",
        Goal::Running => "is running",
        Goal::Healthy => "is healthy",
        Goal::Exited => "has exited",
    };
    match results {
        [one] => {
            let code = one
                .exit_code
                .map(|code| format!(" (code {code})"))
                .unwrap_or_default();
            format!("{} {state}{code}\n", style::plain(&one.name))
        }
        several => {
            let states = state.replace("is ", "are ").replace("has ", "have ");
            format!("{} {states}\n", show::count(several.len(), "service"))
        }
    }
}

fn verdict(failed: &[&ActionResult], goal: Goal) -> String {
    match (goal, failed) {
        (Goal::Exited, [one]) if one.exit_code.is_some() || one.exit_signal.is_some() => {
            format!("{} did not end well", names(failed))
        }
        (Goal::Exited, _) => format!("no good end of {}", names(failed)),
        (Goal::Ready | Goal::Running | Goal::Healthy, _) => {
            format!("can no longer become {}: {}", goal.as_str(), names(failed))
        }
    }
}

/// What is to be said of each that is not there, with its last lines where it has failed.
fn last_words(results: &Results) -> String {
    let mut told = results.clone();
    told.results.retain(|result| result.outcome == Outcome::Failed);
    for result in &mut told.results {
        // The sentence has them.
        result.exit_code = None;
        result.exit_signal = None;
    }
    let paint = style::Paint::for_stderr();
    let (late, failed): (Vec<_>, Vec<_>) = told.results.into_iter().partition(|result| result.not_yet);
    let failed = Results {
        schema: told.schema,
        results: failed,
    };
    let mut text = show::results::results(&failed, paint);
    for result in late {
        let message = result.message.as_deref().map(style::plain).unwrap_or_default();
        let after = crate::model::time_text::duration(Duration::from_millis(result.elapsed_ms));
        let name = style::plain(&result.name);
        style::push_line(
            &mut text,
            &format!("{} {name}  after {after}: {message}", paint.yellow("waits")),
        );
        for line in result.last_lines.iter().rev().take(3).rev() {
            style::push_line(&mut text, &format!("  │ {}", style::quoted(line)));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{last_words, sentence, verdict};
    use crate::api::messages::{ActionResult, Goal, Results};

    fn result(name: &str, more: &str) -> ActionResult {
        let text = format!(
            r#"{{"name":"{name}","outcome":"failed","old_pid":null,"pid":null,"exit_code":null,
                "exit_signal":null,"elapsed_ms":1200,"message":"because"{more}}}"#
        );
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn who_is_there_is_said_in_one_line() {
        let mut one = result("migrate", "");
        assert_eq!(
            sentence(std::slice::from_ref(&one), Goal::Ready),
            "migrate is ready\n"
        );
        one.exit_code = Some(0);
        assert_eq!(
            sentence(std::slice::from_ref(&one), Goal::Exited),
            "migrate has exited (code 0)\n"
        );
        let two = [one, result("web", "")];
        assert_eq!(sentence(&two, Goal::Exited), "2 services have exited\n");
        assert_eq!(sentence(&two, Goal::Healthy), "2 services are healthy\n");
    }

    #[test]
    fn who_failed_is_told_with_the_last_lines_and_who_was_late_with_what_it_waits_for() {
        let failed = result("api", r#","last_lines":["boom"]"#);
        assert_eq!(
            verdict(&[&failed], Goal::Ready),
            "can no longer become ready: api"
        );
        let results = Results {
            schema: 1,
            results: vec![failed, result("web", r#","not_yet":true"#)],
        };
        assert_eq!(
            last_words(&results),
            "failed api: because\n  │ boom\nwaits web  after 1.2 s: because\n"
        );
    }
}
