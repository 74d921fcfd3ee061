//! What `ovr start` does where a session runs already: starts the named services in it, or says that it runs.

use super::plan::{self, Here};
use super::start::StartArgs;
use super::{beside, report, session, unheeded};
use crate::api::call::Verb;
use crate::api::client::Client;
use crate::api::messages::{Request, Status};
use crate::diag::{Diagnostic, Kind};
use crate::workspace::session::SessionEntry;
use crate::workspace::{SessionDir, SessionLock, errors};
use std::process::ExitCode;
use std::time::SystemTime;

/// `None`: there is no such session any more; its controller was dying.
pub(super) fn in_session(
    client: &Client,
    args: &StartArgs,
    dir: &SessionDir,
) -> Result<Option<ExitCode>, Diagnostic> {
    let entry = SessionEntry::look(dir)?;
    if let Some(entry) = entry.as_ref().filter(|entry| entry.is_suspended()) {
        return Err(errors::suspended(entry));
    }
    let status = match client.status() {
        Ok(status) => status,
        // A killed controller holds its lock until the system has put it away.
        Err(_) if SessionLock::wait_until_free(dir, session::DYING)? => return Ok(None),
        Err(_) => return Err(already_running(dir, None)),
    };
    let namespaces = args.namespace.iter().flat_map(|listed| listed.split(','));
    let namespaces: Vec<String> = namespaces
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty())
        .collect();
    let begun = entry.as_ref().and_then(|entry| entry.info.as_ref());
    let members = match plan::services_of_profiles(&Here::look()?, &beside::of_session(begun, args)) {
        Ok(members) => members,
        Err(problems) => return Ok(Some(report::report_all(&problems))),
    };
    if begun.is_some_and(|begun| begun.ending)
        || (args.names.is_empty() && namespaces.is_empty() && members.is_empty())
    {
        return Err(already_running(dir, Some(&status)));
    }
    unheeded::tell(args, begun);
    let started = start_in(client, args, &members, namespaces);
    started
        .map_err(|error| of_no_instance(&beside::of_session(begun, args), error))
        .map(Some)
}

/// A service that runs in no instance is none that the session knows; its files do.
fn of_no_instance(args: &StartArgs, error: Diagnostic) -> Diagnostic {
    let is_meant = |name: &&String| {
        let unknown = error.message.starts_with(&format!("no service {name:?}"));
        unknown && Here::look().is_ok_and(|here| plan::is_configured(&here, args, name))
    };
    match args.names.iter().find(is_meant) {
        Some(name) if error.kind == Kind::NoSuchService => {
            let known = format!("{name} is configured, and runs in no instance");
            Diagnostic::error(Kind::NoSuchService, known).hint(format!("ovr scale {name}=1"))
        }
        Some(_) | None => error,
    }
}

/// Starts the named services in the session that answers.
fn start_in(
    client: &Client,
    args: &StartArgs,
    members: &[String],
    namespaces: Vec<String>,
) -> Result<ExitCode, Diagnostic> {
    let request = Request {
        names: [args.names.as_slice(), members].concat(),
        namespaces,
        no_deps: args.no_deps.unwrap_or(false),
        no_wait: args.no_wait.unwrap_or(false),
        ..Default::default()
    };
    let results = client.action(Verb::Start, &request)?;
    session::print_results(&results)?;
    Ok(session::code_of(&results))
}

/// The same at an address on TCP; `None`: nobody listens there.
pub(super) fn start_there(client: &Client, args: &StartArgs) -> Result<Option<ExitCode>, Diagnostic> {
    match client.status() {
        Ok(_) => {
            unheeded::tell(args, None);
            start_in(client, args, &[], Vec::new()).map(Some)
        }
        Err(error) if error.kind == Kind::NotRunning => Ok(None),
        Err(error) => Err(error),
    }
}

fn already_running(dir: &SessionDir, status: Option<&Status>) -> Diagnostic {
    let up = status.map(|status| {
        let up = status
            .services
            .iter()
            .filter(|service| service.pid.is_some())
            .count();
        (up, status.services.len())
    });
    match SessionEntry::look(dir) {
        Ok(Some(entry)) => errors::already_running(&entry, up, SystemTime::now()),
        // It ended at this very moment.
        Ok(None) => Diagnostic::error(Kind::AlreadyRunning, "a session of this project was just ending")
            .hint("start it again: ovr start"),
        Err(error) => error,
    }
}
