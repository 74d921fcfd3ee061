//! What is said and kept when a session has ended: the exit code, the last words on the screen, and the note for
//! `ovr status` afterwards.

use super::plan::{Here, Plan};
use super::style::{Paint, push_line, quoted};
use crate::controller::{Cause, FirstEnd};
use crate::diag::{Diagnostic, Kind, exit_code};
use crate::model::{Exit, time_text};
use crate::workspace::last::{self, LastEnd};
use crate::workspace::project::Dialect;
use signal_hook::consts::{SIGHUP, SIGINT};
use std::io::Write;
use std::process::ExitCode;
use std::time::SystemTime;

/// Notes the end, prints the last words, and gives the exit code.
pub fn report(
    here: &Here,
    plan: &Plan,
    started: SystemTime,
    cause: &Cause,
    first: Option<&FirstEnd>,
) -> ExitCode {
    let (code, words) = describe(cause, first);
    let record = LastEnd {
        schema: last::SCHEMA,
        project: plan.title.clone(),
        root: plan.project.root.display().to_string(),
        started_at: time_text::rfc3339(started),
        ended_at: time_text::rfc3339(SystemTime::now()),
        cause: words,
        exit_code: code,
    };
    if let Err(error) = last::record(&here.places, &plan.project.id, &record) {
        super::report::print(
            &Diagnostic::warning(Kind::System, "cannot note how the session ended").cause(error.to_string()),
        );
    }
    // A background session that has come up has no standard error any more; one that has not says why. When
    // standard error is gone there is nobody left to tell.
    std::io::stderr()
        .lock()
        .write_all(last_words(plan, &record.cause, first, *cause == Cause::Skipped).as_bytes())
        .ok();
    ExitCode::from(code)
}

fn describe(cause: &Cause, first: Option<&FirstEnd>) -> (u8, String) {
    let of_first = || first.map_or_else(String::new, |first| format!("{} {}", first.name, first.how));
    match cause {
        Cause::Service(exit) => (exit.shell_code(), of_first()),
        Cause::CouldNotStart => (exit_code::SERVICE_FAILED, of_first()),
        Cause::Skipped => (exit_code::FAILURE, of_first()),
        Cause::Completed { failed } if failed.is_empty() => {
            (exit_code::OK, "everything has completed".to_owned())
        }
        Cause::Completed { failed } => {
            let failed: Vec<_> = failed.iter().map(|(name, how)| format!("{name} {how}")).collect();
            (
                exit_code::OK,
                format!("everything has completed; {}", failed.join("; ")),
            )
        }
        Cause::Quit => (exit_code::OK, "ovr quit".to_owned()),
        Cause::Signal(signal) => {
            let words = match signal.number() {
                SIGHUP => "terminal closed".to_owned(),
                SIGINT => "Ctrl-C".to_owned(),
                _ => signal.to_string(),
            };
            (Exit::Signal(*signal).shell_code(), words)
        }
        Cause::TmuxLost => (exit_code::TMUX, "the tmux server died".to_owned()),
        Cause::Deposed => (
            exit_code::SYSTEM,
            "its files were removed, and another session took over".to_owned(),
        ),
    }
}

/// What lets a service's end, or its being skipped, end the session, and how to have it otherwise.
fn remedy(dialect: Dialect, skipped: bool) -> &'static str {
    match dialect {
        _ if skipped => "  exit_on_skipped in its `availability` says so",
        Dialect::Procfile => {
            "  to let services end: ovr start --any-can-die, or -c NAME; to restart them: -r NAME"
        }
        Dialect::Ovr | Dialect::ProcessCompose | Dialect::Mprocs | Dialect::ProjectServices => {
            "  its `availability` says so (exit_on_end, restart: exit_on_failure); -c NAME lets it end"
        }
    }
}

/// The last thing on the screen: who ended first and why everything stopped, or one line.
fn last_words(plan: &Plan, cause: &str, first: Option<&FirstEnd>, skipped: bool) -> String {
    let mut text = String::new();
    let Some(first) = first else {
        push_line(&mut text, &format!("{} ended: {cause}", plan.title));
        return text;
    };
    if !first.last_lines.is_empty() {
        push_line(&mut text, &format!("\nthe last lines of {}:", first.name));
        for line in &first.last_lines {
            push_line(&mut text, &format!("  {}", quoted(line)));
        }
    }
    let sentence = format!("{} {}, which stopped the session", first.name, first.how);
    push_line(&mut text, &format!("\n{}", Paint::for_stderr().red(&sentence)));
    push_line(&mut text, remedy(plan.project.config.dialect, skipped));
    text
}
