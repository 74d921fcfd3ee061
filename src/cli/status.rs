//! `ovr status`: what can be typed, and the behaviour. The table is `show`'s; looking on is `watching`'s.

use super::args::{Example, GlobalArgs, Namespaces};
use super::health::Health;
use super::{report, session, show, style, watching};
use crate::api::StatusRequest;
use crate::api::messages::{SCHEMA, Status};
use crate::diag::{Diagnostic, exit_code};
use crate::logs::Palette;
use crate::model::{DEFAULT_NAMESPACE, in_namespaces};
use clap::Args;
use serde::Serialize;
use show::standing::Manner;
use std::process::ExitCode;

pub const EXAMPLES: &[Example] = &[
    ("ovr status", "state, port, pid and age of every service"),
    ("ovr status --watch --resources", "redrawn as it changes"),
    ("ovr status --json | jq .services[0]", "for programs"),
    ("ovr status -q && echo all well", "the exit code alone"),
    ("ovr status -n backend", "what is in this namespace"),
    ("ovr status --timing", "what the start waited for"),
    ("ovr status --short", "one line for a prompt: 3/4 web!"),
];

/// Show the state of every service
///
/// What needs a person is marked: `!` for a service that failed or is blocked, `?` for one that waits for
/// input. The last line then says what to type. Exits with 0 if all is well, 74 if a service has failed or was
/// skipped, 76 if one is not up and ready yet, 69 if no session runs.
#[derive(Args, Clone, Debug, Default)]
pub struct StatusArgs {
    /// Print JSON: the documented shape, with `"schema": 1`
    #[arg(long, conflicts_with_all = ["short", "verbose"])]
    pub json: bool,
    /// Print one line for a shell prompt, and nothing when there is no session
    #[arg(long, conflicts_with = "verbose", hide_short_help = true)]
    pub short: bool,
    /// Print how the last starts went, and the chain of waits that took longest
    #[arg(long, conflicts_with_all = ["short", "verbose", "json"], hide_short_help = true)]
    pub timing: bool,
    /// Print nothing: the exit code says how it is
    #[arg(short, long, conflicts_with_all = ["json", "short", "verbose", "timing", "watch"])]
    pub quiet: bool,
    /// Stay and show each change until Ctrl-C or q; with --json, an object a line
    #[arg(short, long, conflicts_with_all = ["short", "verbose", "timing"])]
    pub watch: bool,
    /// Add what each service's processes use: processor (since its start; with --watch, in the last second), memory
    #[arg(short = 'R', long, conflicts_with_all = ["short", "timing", "quiet"])]
    pub resources: bool,
    #[command(flatten)]
    pub groups: Namespaces,
    /// Add commands, their origin, and where tmux and the runtime files are
    #[arg(short, long)]
    pub verbose: bool,
}

/// Prints the status of this project's session.
pub fn cmd_status(global: &GlobalArgs, args: &StatusArgs) -> Result<ExitCode, Diagnostic> {
    if args.watch {
        return watching::watch(global, args);
    }
    let request = StatusRequest {
        resources: args.resources,
        after: None,
    };
    let status = match session::reach(global).and_then(|client| client.status_as(&request)) {
        Ok(status) => within(status, &args.groups.namespace)?,
        // A prompt must not be told why there is nothing to show, nor who asks for a code alone.
        Err(_) if args.short => return Ok(ExitCode::from(exit_code::NOT_RUNNING)),
        Err(error) if args.quiet => return Ok(ExitCode::from(error.kind.exit_code())),
        Err(error) if args.json => return absent(error),
        Err(error) => return Err(error),
    };
    if args.json {
        report::print_json(&status)?;
    } else if args.short {
        report::print_out(&show::status::short(&status))?;
    } else if args.timing {
        report::print_out(&show::timing::timing(&status, style::Paint::for_stdout()))?;
    } else if !args.quiet {
        let mut text = table(&status, Manner::default(), style::stdout_width());
        if args.verbose {
            text.push_str(&show::status::details(&status));
        }
        report::print_out(&text)?;
    }
    Ok(Health::of_all(&status.services).code())
}

/// The table in so many columns.
pub(super) fn table(status: &Status, manner: Manner<'_>, width: usize) -> String {
    let palette = Palette::default();
    let paint = style::Paint::for_stdout();
    show::status::status(status, manner, width, paint, &session::colour(&palette))
}

/// The services in these namespaces alone; a session that does not say has every one in the default one.
pub(super) fn within(mut status: Status, namespaces: &[String]) -> Result<Status, Diagnostic> {
    let default = [DEFAULT_NAMESPACE.to_owned()];
    let own = status
        .services
        .iter()
        .map(|service| match service.namespaces.as_slice() {
            [] => default.as_slice(),
            own => own,
        });
    let mut inside = in_namespaces(namespaces, &own.collect::<Vec<_>>())?.into_iter();
    status.services.retain(|_| inside.next().unwrap_or(false));
    Ok(status)
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
