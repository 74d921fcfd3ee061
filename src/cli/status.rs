//! `ovr status`: what can be typed, and the behaviour. The table is `show`'s.

use super::args::{Example, GlobalArgs};
use super::{report, session, show, style};
use crate::api::messages::SCHEMA;
use crate::diag::{Diagnostic, exit_code};
use crate::logs::Palette;
use clap::Args;
use serde::Serialize;
use std::process::ExitCode;

pub const EXAMPLES: &[Example] = &[
    ("ovr status", "state, port, pid and age of every service"),
    ("ovr status --json | jq .services[0]", "for programs"),
    ("ovr status --short", "one line for a prompt: 3/4 web!"),
];

/// Show the state of every service
///
/// What needs a person is marked: `!` for a service that failed or is blocked, `?` for one that waits for
/// input. The last line then says what to type.
#[derive(Args, Clone, Debug, Default)]
pub struct StatusArgs {
    /// Print JSON: the documented shape, with `"schema": 1`
    #[arg(long, conflicts_with_all = ["short", "verbose"])]
    pub json: bool,
    /// Print one line for a shell prompt, and nothing when there is no session
    #[arg(long, conflicts_with = "verbose")]
    pub short: bool,
    /// Add commands, their origin, and where tmux and the runtime files are
    #[arg(short, long)]
    pub verbose: bool,
}

/// Prints the status of this project's session.
pub fn cmd_status(global: &GlobalArgs, args: &StatusArgs) -> Result<ExitCode, Diagnostic> {
    let status = match session::find(global).and_then(|(_, client)| client.status()) {
        Ok(status) => status,
        // A prompt must not be told why there is nothing to show.
        Err(_) if args.short => return Ok(ExitCode::from(exit_code::NOT_RUNNING)),
        Err(error) if args.json => return absent(error),
        Err(error) => return Err(error),
    };
    if args.json {
        report::print_json(&status)?;
        return Ok(ExitCode::SUCCESS);
    }
    if args.short {
        report::print_out(&show::status::short(&status))?;
        return Ok(ExitCode::SUCCESS);
    }
    let palette = Palette::default();
    let mut text = show::status::status(
        &status,
        style::stdout_width(),
        style::Paint::for_stdout(),
        &session::colour(&palette),
    );
    if args.verbose {
        text.push_str(&show::status::details(&status));
    }
    report::print_out(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// Nothing runs: JSON that says so on standard output, the reason on standard error.
fn absent(error: Diagnostic) -> Result<ExitCode, Diagnostic> {
    report::print_json(&Absent {
        schema: SCHEMA,
        session: None,
        services: [],
    })?;
    Err(error)
}

/// What `ovr status --json` prints where no session runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Absent {
    schema: u32,
    session: Option<()>,
    services: [(); 0],
}
