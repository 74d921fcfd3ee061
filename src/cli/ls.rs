//! `ovr ls`: what can be typed, and the behaviour. The table is `show`'s.

use super::args::{Example, GlobalArgs};
use super::place::Place;
use super::show::sessions::Listed;
use super::{report, session, show, style};
use crate::api::messages::{SCHEMA, Session};
use crate::diag::{Diagnostic, Kind, Severity};
use crate::workspace::errors;
use crate::workspace::session::{Life, sessions};
use clap::Args;
use serde::Serialize;
use std::process::ExitCode;
use std::time::SystemTime;

pub const EXAMPLES: &[Example] = &[
    ("ovr ls", "project, state, age and path of each session"),
    ("ovr ls --json", "for programs"),
];

/// List the sessions of this machine
///
/// From any directory; only your own.
#[derive(Args, Clone, Debug, Default)]
pub struct LsArgs {
    /// Print JSON: the documented shape, with `"schema": 1`
    #[arg(long)]
    pub json: bool,
}

/// What `ovr ls --json` prints.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Listing {
    pub schema: u32,
    pub sessions: Vec<Session>,
}

impl Listing {
    pub fn new(sessions: Vec<Session>) -> Self {
        Self {
            schema: SCHEMA,
            sessions,
        }
    }
}

/// Prints every live session.
pub fn cmd_ls(global: &GlobalArgs, args: &LsArgs) -> Result<ExitCode, Diagnostic> {
    Place::of(global, &|_| None)?.local("ls")?;
    let places = session::places()?;
    let mut statuses = Vec::new();
    for entry in sessions(&places)? {
        let unanswered = match entry.life {
            Life::Alive if entry.is_suspended() => Some(errors::suspended(&entry)),
            Life::Alive => None,
            Life::Unattended => Some(errors::unattended(&entry)),
            Life::Stale => continue,
        };
        // Nobody answers for it, and it must not be passed over: it has processes.
        if let Some(mut told) = unanswered {
            told.severity = Severity::Warning;
            report::print(&told);
            continue;
        }
        match session::client(&entry).status() {
            Ok(status) => statuses.push(status),
            // It ended between the look and the question.
            Err(error) if error.kind == Kind::NotRunning => {}
            Err(error) => report::print(&error),
        }
    }
    if args.json {
        report::print_json(&Listing::new(
            statuses.into_iter().map(|status| status.session).collect(),
        ))?;
        return Ok(ExitCode::SUCCESS);
    }
    let listed: Vec<Listed> = statuses
        .iter()
        .map(|status| {
            let up = status
                .services
                .iter()
                .filter(|service| service.pid.is_some())
                .count();
            Listed {
                session: status.session.clone(),
                up: Some((up, status.services.len())),
            }
        })
        .collect();
    let text = show::sessions::sessions(
        &listed,
        SystemTime::now(),
        style::stdout_width(),
        style::Paint::for_stdout(),
    );
    report::print_out(&text)?;
    Ok(ExitCode::SUCCESS)
}
