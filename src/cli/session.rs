//! Finding the session that a command means, and talking to it.

use super::place::Place;
use super::plan::{Here, own_environment};
use super::{args::GlobalArgs, report, show, style};
use crate::api::call::Verb;
use crate::api::client::Client;
use crate::api::messages::{Request, Results};
use crate::api::{Peer, Remote};
use crate::diag::{Diagnostic, Kind, SESSION_ENDED, exit_code};
use crate::logs::Palette;
use crate::workspace::session::{Life, SessionEntry};
use crate::workspace::{Located, Places, SessionLock, errors, locate, revive};
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

/// Holds the token of a session on TCP.
pub const TOKEN_VARIABLE: &str = "OVR_TOKEN";

/// How long a controller that does not answer may take to die before it counts as one that is alive.
pub const DYING: Duration = Duration::from_secs(2);

/// A controller that holds its lock answers within this, or is not well.
const PATIENCE: Duration = Duration::from_secs(2);

/// The session that a command means, alive.
///
/// # Errors
/// `NotRunning` (how the last one ended, how to start), `NoConfig` outside of every project.
pub fn find(global: &GlobalArgs) -> Result<(SessionEntry, Client), Diagnostic> {
    let entry = look(global)?;
    if entry.life == Life::Unattended {
        return Err(errors::unattended(&entry));
    }
    let client = client(&entry);
    Ok((entry, client))
}

/// A client for the session that a command means, on this machine or on TCP.
pub fn reach(global: &GlobalArgs) -> Result<Client, Diagnostic> {
    meet(global).map(|(_, client)| client)
}

/// The same, and the session itself where it is on this machine's own socket.
pub fn meet(global: &GlobalArgs) -> Result<(Option<SessionEntry>, Client), Diagnostic> {
    match Place::of(global, &own_environment)? {
        Place::Tcp(address) => Ok((None, remote(global, address)?)),
        Place::Here | Place::Unix(_) => find(global).map(|(entry, client)| (Some(entry), client)),
    }
}

/// Whether the session that a command means is on TCP.
pub fn is_remote(global: &GlobalArgs) -> bool {
    matches!(Place::of(global, &own_environment), Ok(Place::Tcp(_)))
}

/// A client for the session at this address.
pub fn remote(global: &GlobalArgs, address: String) -> Result<Client, Diagnostic> {
    let token = match &global.token_file {
        Some(path) => Some(std::fs::read_to_string(path).map_err(|error| {
            Diagnostic::error(
                Kind::System,
                format!("cannot read the token in {}", path.display()),
            )
            .cause(error.to_string())
        })?),
        None => std::env::var(TOKEN_VARIABLE).ok(),
    };
    let token = token
        .map(|token| token.trim().to_owned())
        .filter(|token| !token.is_empty());
    if token
        .as_ref()
        .is_some_and(|token| !token.bytes().all(|byte| byte.is_ascii_graphic()))
    {
        return Err(Diagnostic::error(
            Kind::Usage,
            "this is no token: it has blanks or strange letters",
        ));
    }
    Ok(Client::of(Peer::Tcp(Remote { address, token })))
}

/// The same, or what a killed controller has left of it.
pub fn look(global: &GlobalArgs) -> Result<SessionEntry, Diagnostic> {
    let entry = look_at_any(global)?;
    if entry.is_suspended() {
        return Err(errors::suspended(&entry));
    }
    Ok(entry)
}

/// The same, suspended or not.
pub fn look_at_any(global: &GlobalArgs) -> Result<SessionEntry, Diagnostic> {
    let here = Here::look()?;
    let place = Place::of(global, &own_environment)?;
    match locate::locate(&here.places, &here.cwd, place.local("this")?)? {
        Located::Session(entry) => Ok(entry),
        Located::Idle { project, above } => Err(errors::not_running(
            &here.places,
            &project,
            above.as_ref(),
            SystemTime::now(),
        )),
    }
}

/// The error of a command whose session ended while it was asked, with how it ended and how to start it again.
pub fn in_full(global: &GlobalArgs, error: Diagnostic) -> Diagnostic {
    if error.kind != Kind::NotRunning || error.message != SESSION_ENDED || is_remote(global) {
        return error;
    }
    // It lets go of its lock when all of it is gone and its end is noted.
    if let Ok(entry) = look(global)
        && !SessionLock::wait_until_free(&entry.dir, DYING).unwrap_or_default()
    {
        return error.hint("it is about to be gone: try again");
    }
    match look(global) {
        Ok(_) => error.hint("another one runs by now: try again"),
        Err(told) => told,
    }
}

/// A client for this session. Where its socket is gone, the controller is asked to make it anew.
pub fn client(entry: &SessionEntry) -> Client {
    let dir = entry.dir.clone();
    Client::new(entry.dir.api_socket()).or_else(move || {
        revive::connect(&dir, PATIENCE).map_err(|error| match SessionEntry::look(&dir) {
            // Its controller was killed since it was looked for.
            Ok(Some(left)) if left.life == Life::Unattended => errors::unattended(&left),
            Ok(_) | Err(_) => error,
        })
    })
}

/// Carries out an action and prints a line for each service.
pub fn act(global: &GlobalArgs, verb: Verb, request: &Request) -> Result<ExitCode, Diagnostic> {
    let client = reach(global)?;
    let results = client.action(verb, request)?;
    print_results(&results)?;
    Ok(code_of(&results))
}

pub fn print_results(results: &Results) -> Result<(), Diagnostic> {
    report::print_out(&show::results::results(results, style::Paint::for_stdout()))
}

/// Whether everything went as asked.
pub fn code_of(results: &Results) -> ExitCode {
    let all_well = results.results.iter().all(|result| result.outcome.is_success());
    ExitCode::from(if all_well {
        exit_code::OK
    } else {
        exit_code::SERVICE_FAILED
    })
}

/// The SGR parameters of a service's colour, as the merged output has it.
pub fn colour(palette: &Palette) -> impl Fn(u32) -> String + '_ {
    |position| match palette.color(position) {
        color @ 0..=7 => format!("{}", 30 + u16::from(color)),
        color @ 8..=15 => format!("{}", 82 + u16::from(color)),
        color => format!("38;5;{color}"),
    }
}

/// The places of this user's files.
pub fn places() -> Result<Places, Diagnostic> {
    Places::from_environment()
}
