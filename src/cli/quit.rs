//! `ovr quit`: what can be typed, and the behaviour.

use super::args::{Example, GlobalArgs};
use super::event_loop::event_loop;
use super::place::Place;
use super::plan::own_environment;
use super::style::plain;
use super::{report, session};
use crate::api::messages::{Outcome, Results};
use crate::controller::LeftOver;
use crate::diag::Diagnostic;
use crate::model::time_text;
use crate::platform::process_end::ProcessEnd;
use crate::tmux::locate::locate as locate_tmux;
use crate::tmux::server::Server;
use crate::workspace::errors;
use crate::workspace::lock::{Holder, LockError};
use crate::workspace::session::{Life, SessionEntry};
use crate::workspace::{SessionInfo, SessionLock};
use clap::Args;
use rustix::process::{Pid, Signal, kill_process};
use std::process::ExitCode;
use std::time::SystemTime;

pub const EXAMPLES: &[Example] = &[("ovr quit", "what Ctrl-C does in the terminal of `ovr start`")];

/// Stop all services and end the session
///
/// Returns when every process is gone, and says what it stopped. Also ends what a killed controller has left
/// running.
#[derive(Args, Clone, Debug, Default)]
pub struct QuitArgs {}

/// Ends the session of this project.
pub fn cmd_quit(global: &GlobalArgs, _args: &QuitArgs) -> Result<ExitCode, Diagnostic> {
    if let Place::Tcp(address) = Place::of(global, &own_environment)? {
        let client = session::remote(global, address)?;
        let project = client.status()?.session.project;
        return told(&project, client.quit()?);
    }
    let entry = session::look_at_any(global)?;
    if entry.life == Life::Unattended {
        return quit_unattended(entry);
    }
    wake(&entry);
    let client = session::client(&entry);
    let status = match client.status() {
        Ok(status) => status,
        Err(error) => return quit_dying(global, &entry, error),
    };
    let project = status.session.project;
    let controller = entry.pid().and_then(|pid| ProcessEnd::watch(pid).ok());
    let results = client.quit()?;
    // Gone means gone: also for whoever looks at the process table next.
    if let Some(controller) = controller {
        controller.wait();
    }
    told(&project, results)
}

/// A controller that is suspended (Ctrl-Z) goes on, to end its session.
fn wake(entry: &SessionEntry) {
    let pid = entry.pid().filter(|_| entry.is_suspended());
    let pid = pid
        .and_then(|pid| i32::try_from(pid).ok())
        .and_then(Pid::from_raw);
    if let Some(pid) = pid {
        // One that is gone by now is told so below.
        kill_process(pid, Signal::CONT).ok();
    }
}

/// Says what was stopped.
fn told(project: &str, mut results: Results) -> Result<ExitCode, Diagnostic> {
    // What did not run needs no line.
    results
        .results
        .retain(|result| result.outcome != Outcome::AlreadyStopped);
    session::print_results(&results)?;
    report::print_out(&format!("{} ended\n", plain(project)))?;
    Ok(session::code_of(&results))
}

/// A killed controller holds its lock, and seems to be there, until the system has put it away.
fn quit_dying(global: &GlobalArgs, entry: &SessionEntry, error: Diagnostic) -> Result<ExitCode, Diagnostic> {
    if !entry.is_suspended() && SessionLock::wait_until_free(&entry.dir, session::DYING)? {
        let entry = session::look(global)?;
        if entry.life == Life::Unattended {
            return quit_unattended(entry);
        }
    }
    Err(error)
}

/// Ends what runs without a controller. Whoever starts the session meanwhile finds it taken.
fn quit_unattended(entry: SessionEntry) -> Result<ExitCode, Diagnostic> {
    let unattended = errors::unattended(&entry);
    let holder = Holder {
        pid: std::process::id(),
        started_at: time_text::rfc3339(SystemTime::now()),
        root: entry.root().unwrap_or_default().to_owned(),
    };
    let lock = match SessionLock::acquire(&entry.dir, &holder) {
        Ok(lock) => lock,
        // A controller has just come.
        Err(LockError::Held(_)) => return Err(unattended),
        Err(LockError::System(error)) => return Err(error),
    };
    let dir = lock.dir();
    let server = Server {
        binary: locate_tmux()?,
        socket: dir.tmux_socket(),
        config: dir.tmux_config(),
    };
    let shim_socket = dir.shim_socket().display().to_string();
    let pid = entry.info.as_ref().and_then(SessionInfo::tmux);
    let end = async {
        let left = LeftOver::find(&server, &shim_socket, pid).await;
        if let Some(refusal) = left.refusal(true) {
            return Err(refusal.hint("nothing was ended: try again"));
        }
        let names = left.names();
        left.end().await;
        Ok(names)
    };
    let names = match event_loop().and_then(|runtime| runtime.block_on(end)) {
        Ok(names) => names,
        Err(refusal) => {
            lock.leave();
            return Err(refusal);
        }
    };
    lock.end();
    for name in &names {
        report::print_out(&format!("stopped {}\n", plain(name)))?;
    }
    let project = entry
        .info
        .map_or_else(|| "the session".to_owned(), |info| info.project);
    report::print_out(&format!(
        "{} ended; its controller had been killed\n",
        plain(&project)
    ))?;
    Ok(ExitCode::SUCCESS)
}
