//! The errors that tell how a project's session stands: not running, running already, running unattended. The
//! words are here so that every command says the same.

use super::dirs::Places;
use super::last;
use super::project::{Project, project_name};
use super::session::SessionEntry;
use crate::diag::{Diagnostic, Kind};
use crate::model::time_text::{ago, parse_rfc3339};
use std::path::Path;
use std::time::SystemTime;

/// The error of a command that needs a session where a project has none: how its last one ended, and how to
/// start it. `above`: the running session of a project further up.
pub fn not_running(
    places: &Places,
    project: &Project,
    above: Option<&SessionEntry>,
    now: SystemTime,
) -> Diagnostic {
    let message = format!("{} is not running ({})", project.name, project.root.display());
    let mut diagnostic = Diagnostic::error(Kind::NotRunning, message);
    if let Some(end) = last::read(places, &project.id) {
        diagnostic = diagnostic.cause(end.sentence(now));
    }
    diagnostic = diagnostic.hint("start it: ovr start");
    if let Some(root) = above.and_then(SessionEntry::root) {
        diagnostic = diagnostic.hint(format!(
            "the session of {root} is running; to mean that one: ovr -s {root} …"
        ));
    }
    diagnostic
}

/// The error of a second `start`. `up`: how many of how many services run, if the session told.
pub fn already_running(entry: &SessionEntry, up: Option<(usize, usize)>, now: SystemTime) -> Diagnostic {
    let mut facts = Vec::new();
    facts.extend(entry.pid().map(|pid| format!("pid {pid}")));
    let started = entry.holder.as_ref().map(|holder| holder.started_at.as_str());
    facts.extend(
        started
            .and_then(parse_rfc3339)
            .map(|started| format!("started {}", ago(started, now))),
    );
    facts.extend(up.map(|(up, all)| format!("{up} of {all} services up")));
    let facts = if facts.is_empty() {
        String::new()
    } else {
        format!(" ({})", facts.join(", "))
    };
    if entry.info.as_ref().is_some_and(|info| info.ending) {
        return Diagnostic::error(
            Kind::AlreadyRunning,
            format!("{} is still ending{}{facts}", name(entry), place(entry)),
        )
        .hint("it can be started again when that is done; ovr quit waits for it");
    }
    Diagnostic::error(
        Kind::AlreadyRunning,
        format!("{} is already running{}{facts}", name(entry), place(entry)),
    )
    .hint("look into a service: ovr connect NAME")
    .hint("follow the output: ovr echo")
    .hint("stop it: ovr quit")
}

/// The error of a command that needs a controller where only the services are left.
pub fn unattended(entry: &SessionEntry) -> Diagnostic {
    Diagnostic::error(
        Kind::NotRunning,
        format!("{} runs without its controller{}", name(entry), place(entry)),
    )
    .cause("the controller was killed; its services go on in tmux")
    .hint("ovr start adopts them, nothing restarts")
    .hint("to begin anew: ovr start --fresh")
    .hint("to end them: ovr quit")
}

/// The error of a command whose controller is stopped and cannot answer.
pub fn suspended(entry: &SessionEntry) -> Diagnostic {
    let diagnostic = Diagnostic::error(
        Kind::System,
        format!("{} is suspended{}", name(entry), place(entry)),
    )
    .cause("its controller was stopped, as Ctrl-Z does; the services run on")
    .hint("in the terminal of `ovr start`: fg");
    match entry.pid() {
        Some(pid) => diagnostic.hint(format!("from elsewhere: kill -CONT {pid}")),
        None => diagnostic,
    }
}

fn name(entry: &SessionEntry) -> String {
    match (&entry.info, entry.root()) {
        (Some(info), _) => info.project.clone(),
        (None, Some(root)) => project_name(Path::new(root)),
        (None, None) => "the session".to_owned(),
    }
}

fn place(entry: &SessionEntry) -> String {
    entry.root().map(|root| format!(" in {root}")).unwrap_or_default()
}
