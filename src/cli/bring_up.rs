//! Bringing a project up from another program's midst: as `ovr up -D` typed by a person, with its words caught
//! instead of printed, for no longer than the caller has time.

use crate::api::HangUp;
use crate::diag::{Diagnostic, Kind};
use std::io::{ErrorKind, Read};
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// No more of its words is kept.
const MAX_WORDS: usize = 64 * 1024;

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Brought {
    /// It ended with this code and these words.
    Done { code: i32, words: String },
    /// It goes on, and is not waited for any more.
    GoesOn,
}

/// Runs `ovr up -D NAMES` in the current directory. `patience`: how long to wait for it; somebody who hangs up
/// ends it, but no session that it has begun.
pub(super) fn in_background(
    names: &[String],
    socket: Option<&Path>,
    patience: Option<Duration>,
    hang_up: &HangUp,
) -> Result<Brought, Diagnostic> {
    let failed =
        |error: std::io::Error| Diagnostic::error(Kind::System, "cannot run ovr up").cause(error.to_string());
    let until = patience.map(|patience| Instant::now() + patience);
    let (mut ours, theirs) = UnixStream::pair().map_err(failed)?;
    let child = spawn(names, socket, theirs).map_err(failed)?;
    let child = Arc::new(Mutex::new(child));
    let (doomed, line) = (child.clone(), ours.try_clone().map_err(failed)?);
    hang_up.hold(move || {
        // One that has ended by itself is no mistake.
        lock(&doomed).kill().unwrap_or_default();
        line.shutdown(Shutdown::Both).unwrap_or_default();
    });
    let mut words = Vec::new();
    let mut piece = [0; 4096];
    loop {
        if let Some(until) = until {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(Brought::GoesOn);
            }
            ours.set_read_timeout(Some(left)).map_err(failed)?;
        }
        match ours.read(&mut piece) {
            Ok(0) => break,
            Ok(read) => words.extend_from_slice(&piece[..read.min(MAX_WORDS.saturating_sub(words.len()))]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(error) => return Err(failed(error)),
        }
    }
    // Its words are over, so it is.
    let status = lock(&child).wait().map_err(failed)?;
    Ok(Brought::Done {
        code: status.code().unwrap_or(1),
        words: String::from_utf8_lossy(&words).trim_end().to_owned(),
    })
}

/// In a session of its own, so that nothing meant for the caller's process group reaches it.
fn spawn(names: &[String], socket: Option<&Path>, words: UnixStream) -> std::io::Result<Child> {
    let errors = OwnedFd::from(words.try_clone()?);
    let mut command = Command::new(std::env::current_exe()?);
    if let Some(socket) = socket {
        command.arg("--socket").arg(socket);
    }
    command
        .args(["up", "--daemonize", "--"])
        .args(names)
        .stdin(Stdio::null())
        .stdout(OwnedFd::from(words))
        .stderr(errors);
    // SAFETY: setsid is async-signal-safe and touches no memory of ours.
    unsafe {
        command.pre_exec(|| Ok(rustix::process::setsid().map(drop)?));
    }
    command.spawn()
}

fn lock(child: &Mutex<Child>) -> std::sync::MutexGuard<'_, Child> {
    child.lock().expect("nobody panics while holding this")
}
