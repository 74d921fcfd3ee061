//! What runs, noted in the state directory as well: a copy of `session.json` for when the runtime directory is gone
//! (unmounted at a logout, emptied by hand) and nothing else tells that a controller, or a tmux server, is there.

use super::dirs::Places;
use super::file::{read_small, remove_if_there, write_atomic};
use super::identity::ProjectId;
use super::lock::{Probe, SessionLock};
use super::session::SessionInfo;
use super::session_dir::SessionDir;
use crate::diag::{Diagnostic, Kind};
use crate::platform::processes;
use rustix::process::{Pid, Signal, kill_process};
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

/// The directory below the state directory.
pub(super) const DIRECTORY: &str = "running";

/// A controller makes its files anew within milliseconds.
const PATIENCE: Duration = Duration::from_secs(2);
/// Nothing tells of a directory that is not there yet.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// Writes it down. It is a second copy: without it, all but this works.
pub(super) fn write(dir: &SessionDir, text: &[u8]) {
    let Some(path) = dir.note() else { return };
    let made = |parent: &Path| DirBuilder::new().recursive(true).mode(0o700).create(parent);
    if let Err(error) = write_atomic(path, text)
        && error.kind() == io::ErrorKind::NotFound
        && path.parent().is_some_and(|parent| made(parent).is_ok())
    {
        write_atomic(path, text).unwrap_or_default();
    }
}

/// The session is over.
pub(super) fn remove(dir: &SessionDir) {
    if let Some(path) = dir.note() {
        // What stays is known by its processes to be of no use.
        remove_if_there(path).unwrap_or_default();
        if let Some(parent) = path.parent() {
            // Others run: it is not empty.
            fs::remove_dir(parent).unwrap_or_default();
        }
    }
}

/// What is noted of a session of which something still runs.
pub(super) fn read(dir: &SessionDir) -> Option<SessionInfo> {
    let info = parse(dir.note()?)?;
    (info.tmux().is_some() || controller(&info).is_some()).then_some(info)
}

fn parse(path: &Path) -> Option<SessionInfo> {
    serde_json::from_slice(&read_small(path).ok()?).ok()
}

/// The directories of all sessions that something is noted of.
pub(super) fn dirs(places: &Places) -> impl Iterator<Item = SessionDir> {
    let notes = places.state_root().map(|state| state.join(DIRECTORY));
    let notes = notes.and_then(|notes| fs::read_dir(notes).ok());
    let infos = notes
        .into_iter()
        .flatten()
        .filter_map(|note| parse(&note.ok()?.path()));
    infos.filter_map(|info| Some(places.session_at(Path::new(&info.tmux_socket).parent()?)))
}

/// Where the session with this id was, of which something runs.
pub(super) fn find_lost(places: &Places, id: &ProjectId) -> Option<SessionDir> {
    let is_lost = |dir: &SessionDir| !dir.path().exists() && read(dir).is_some();
    dirs(places).find(|dir| dir.path().ends_with(id.as_str()) && is_lost(dir))
}

/// The error of whoever meets a session whose controller lives and cannot make its files anew.
pub(super) fn out_of_reach(dir: &SessionDir) -> Option<Diagnostic> {
    let info = parse(dir.note()?)?;
    let pid = controller(&info)?;
    let message = format!(
        "{} runs (pid {pid}) and cannot be reached: its runtime directory is gone",
        info.project
    );
    Some(
        Diagnostic::error(Kind::System, message)
            .cause(format!("{} does not come back", dir.path().display()))
            .hint("when the directory above it is there again (log in), any command reaches it")
            .hint(format!("to end it: kill {pid}")),
    )
}

/// The session's controller, if its process is still that one and hears SIGUSR1.
fn controller(info: &SessionInfo) -> Option<u32> {
    let process = processes::one(info.pid)?;
    let is_it = info.pid_started == Some(process.started)
        && processes::catches(info.pid, signal_hook::consts::SIGUSR1) == Some(true);
    is_it.then_some(info.pid)
}

/// Where nobody holds the session's lock and its controller lives all the same: has it make its files anew, and waits
/// for that. Whether it did.
pub(super) fn call_back(dir: &SessionDir) -> bool {
    let Some(pid) = dir
        .note()
        .and_then(parse)
        .and_then(|info| controller(&info))
        .filter(|pid| !processes::is_stopped(*pid) && *pid != std::process::id())
    else {
        return false;
    };
    let Some(process) = i32::try_from(pid).ok().and_then(Pid::from_raw) else {
        return false;
    };
    if kill_process(process, Signal::USR1).is_err() {
        return false;
    }
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline && processes::one(pid).is_some() {
        if matches!(SessionLock::probe(dir), Ok(Probe::Alive(_))) {
            return true;
        }
        thread::sleep(LOOK_AGAIN);
    }
    false
}
