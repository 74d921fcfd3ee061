//! What is said and kept when a session has ended: the exit code, the last words on the screen, and the note for
//! `ovr status` afterwards.

use super::plan::{Here, Plan};
use super::style::{Paint, push_line, quoted};
use crate::controller::{Cause, FirstEnd};
use crate::diag::{Diagnostic, Kind, exit_code};
use crate::model::{Exit, time_text};
use crate::workspace::last::{self, LastEnd};
use crate::workspace::project::Dialect;
use crate::workspace::{Places, ProjectId};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, SystemTime};

/// A terminal that does not take the last words within this is stopped, where nobody waits for it.
const PATIENCE: Duration = Duration::from_secs(1);

/// Whose end it is, and where it is noted.
#[derive(Clone, Debug)]
pub struct Ending {
    places: Places,
    id: ProjectId,
    title: String,
    root: String,
    dialect: Dialect,
    started: SystemTime,
}

impl Ending {
    pub fn new(here: &Here, plan: &Plan, started: SystemTime) -> Self {
        Self {
            places: here.places.clone(),
            id: plan.project.id.clone(),
            title: plan.title.clone(),
            root: plan.project.root.display().to_string(),
            dialect: plan.project.config.dialect,
            started,
        }
    }

    /// For `ovr status` afterwards.
    pub fn note(&self, cause: &Cause, first: Option<&FirstEnd>, unwritten: u64) {
        let (exit_code, mut words) = describe(cause, first);
        if unwritten > 0 {
            let lines = usize::try_from(unwritten).unwrap_or(usize::MAX);
            words.push_str("; its terminal did not take the last ");
            words.push_str(&super::show::count(lines, "line"));
        }
        let record = LastEnd {
            schema: last::SCHEMA,
            project: self.title.clone(),
            root: self.root.clone(),
            started_at: time_text::rfc3339(self.started),
            ended_at: time_text::rfc3339(SystemTime::now()),
            cause: words,
            exit_code,
        };
        if let Err(error) = last::record(&self.places, &self.id, &record) {
            super::report::print(
                &Diagnostic::warning(Kind::System, "cannot note how the session ended")
                    .cause(error.to_string()),
            );
        }
    }
}

/// Prints the last words, and gives the exit code.
pub fn report(ending: &Ending, end: &(Cause, Option<FirstEnd>), unwritten: u64) -> ExitCode {
    let (cause, first) = (&end.0, end.1.as_ref());
    if unwritten > 0 {
        ending.note(cause, first, unwritten);
    }
    let (code, words) = describe(cause, first);
    let text = last_words(ending, &words, first, *cause == Cause::Skipped);
    // A terminal that took nothing before takes nothing now.
    if unwritten == 0 || !std::io::stderr().is_terminal() {
        say(text, cause.is_its_own());
    }
    ExitCode::from(code)
}

/// On a thread: a terminal that is stopped holds whoever writes to it. `patiently`: until it goes on, or a signal ends
/// this process.
fn say(text: String, patiently: bool) {
    for signal in [SIGHUP, SIGINT, SIGQUIT, SIGTERM] {
        // SAFETY: the default disposition is always a valid one, and no handler of ours is of use any more.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
    }
    let (tell, told) = mpsc::channel();
    let writer = thread::Builder::new().spawn(move || {
        // A background session that has come up has no standard error any more; one that has not says why. When
        // standard error is gone there is nobody left to tell.
        std::io::stderr().lock().write_all(text.as_bytes()).ok();
        tell.send(()).ok();
    });
    if writer.is_ok() {
        if patiently {
            told.recv().ok();
        } else {
            told.recv_timeout(PATIENCE).ok();
        }
    }
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
fn last_words(ending: &Ending, cause: &str, first: Option<&FirstEnd>, skipped: bool) -> String {
    let mut text = String::new();
    let Some(first) = first else {
        push_line(&mut text, &format!("{} ended: {cause}", ending.title));
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
    push_line(&mut text, remedy(ending.dialect, skipped));
    text
}
