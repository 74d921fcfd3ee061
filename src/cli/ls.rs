//! `ovr ls`: what can be typed, and the behaviour. The table is `show`'s.

use super::args::{Example, GlobalArgs};
use super::{elsewhere, report, session, show, style};
use crate::api::client::Client;
use crate::api::messages::{Finding, ListedSession, SCHEMA, Sessions, SilentSession};
use crate::diag::{Diagnostic, Kind, Severity};
use crate::workspace::session::{Life, SessionEntry, sessions};
use crate::workspace::{Places, errors};
use clap::Args;
use std::process::ExitCode;
use std::time::SystemTime;

pub const EXAMPLES: &[Example] = &[
    ("ovr ls", "project, state, age and path of each session"),
    ("ovr ls --json", "for programs"),
];

/// List the sessions of this machine
///
/// From any directory; only your own. Where one project has several, SOCKET is what to name one by (-s). With -s tcp://HOST:PORT, those of the machine that this session is on.
#[derive(Args, Clone, Debug, Default)]
pub struct LsArgs {
    /// Print JSON: the documented shape, with `"schema": 1`
    #[arg(long)]
    pub json: bool,
}

/// Prints every live session.
pub fn cmd_ls(global: &GlobalArgs, args: &LsArgs) -> Result<ExitCode, Diagnostic> {
    let sessions = match elsewhere::ask(global, Client::sessions)? {
        Some(sessions) => sessions,
        None => list(&session::places()?)?,
    };
    for finding in &sessions.findings {
        report::print(&Diagnostic::from(finding));
    }
    if args.json {
        report::print_json(&sessions)?;
        return Ok(ExitCode::SUCCESS);
    }
    let text = show::sessions::sessions(
        &sessions,
        SystemTime::now(),
        style::stdout_width(),
        style::Paint::for_stdout(),
    );
    report::print_out(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// Every live session of this user here.
pub(super) fn list(places: &Places) -> Result<Sessions, Diagnostic> {
    let (mut listed, mut silent, mut findings) = (Vec::new(), Vec::new(), Vec::new());
    for entry in sessions(places)? {
        let unanswered = match entry.life {
            Life::Alive if entry.is_suspended() => Some(("suspended", errors::suspended(&entry))),
            Life::Alive => None,
            Life::Unattended => Some(("unattended", errors::unattended(&entry))),
            Life::Stale => continue,
        };
        // Nobody answers for it, and it must not be passed over: it has processes.
        if let Some((state, mut told)) = unanswered {
            told.severity = Severity::Warning;
            findings.push(Finding::from(&told));
            silent.push(silent_one(&entry, state));
            continue;
        }
        match session::client(&entry).status() {
            Ok(status) => listed.push(ListedSession {
                up: status
                    .services
                    .iter()
                    .filter(|service| service.pid.is_some())
                    .count(),
                services: status.services.len(),
                session: status.session,
            }),
            // It ended between the look and the question.
            Err(error) if error.kind == Kind::NotRunning => {}
            Err(error) => {
                findings.push(Finding::from(&error));
                silent.push(silent_one(&entry, "silent"));
            }
        }
    }
    Ok(Sessions {
        schema: SCHEMA,
        sessions: listed,
        silent,
        findings,
    })
}

fn silent_one(entry: &SessionEntry, state: &str) -> SilentSession {
    let info = entry.info.as_ref();
    let started = entry.holder.as_ref().map(|holder| &holder.started_at);
    SilentSession {
        project: info.map(|info| info.project.clone()),
        root: entry.root().map(str::to_owned),
        state: state.to_owned(),
        pid: entry.pid(),
        started_at: started.or(info.map(|info| &info.started_at)).cloned(),
        runtime_dir: entry.dir.path().display().to_string(),
    }
}
