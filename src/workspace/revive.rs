//! Getting an answer from a live session whose API socket is gone: somebody deleted the file, or the session
//! is just starting. Waits for the socket, never for a clock.

use super::lock::{Probe, SessionLock};
use super::session::{Life, SessionEntry, SessionInfo};
use super::session_dir::{SessionDir, system};
use super::watch::DirWatch;
use crate::diag::{Diagnostic, Kind, SESSION_ENDED};
use crate::platform::processes;
use rustix::process::{Pid, Signal, kill_process};
use std::io;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

/// How long a session may take to answer.
pub const PATIENCE: Duration = Duration::from_secs(2);

/// Waits until the session's API socket takes connections, for at most `patience`, and returns one. A session
/// that is up is told (SIGUSR1) that its socket is missing; one that has not written its `session.json` yet is
/// still starting, and a signal could end it. The socket has to appear under its name only when it takes
/// connections (`api::server::bind` sees to that): its coming is what is waited for.
///
/// # Errors
/// `NotRunning` if nobody holds the session's lock; `System` if the holder does not bind its socket in time.
pub fn connect(dir: &SessionDir, patience: Duration) -> Result<UnixStream, Diagnostic> {
    let deadline = Instant::now() + patience;
    // The watch comes before the first look, so that no socket can appear unseen in between.
    let mut watch = DirWatch::new(dir.path());
    let mut told = None;
    loop {
        let Probe::Alive(holder) = SessionLock::probe(dir)? else {
            return Err(Diagnostic::error(Kind::NotRunning, SESSION_ENDED));
        };
        if let Ok(stream) = UnixStream::connect(dir.api_socket()) {
            return Ok(stream);
        }
        let pid = holder.map(|holder| holder.pid);
        let is_up = pid.is_some() && SessionInfo::read(dir).map(|info| info.pid) == pid;
        if is_up && told != pid {
            told = pid;
            tell(pid);
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            let who = pid.map_or_else(|| "?".to_owned(), |pid| pid.to_string());
            return Err(Diagnostic::error(
                Kind::System,
                format!("the session is alive (pid {who}) and does not answer"),
            )
            .cause(format!("nobody listens at {}", dir.api_socket().display()))
            .hint(format!(
                "if it hangs: kill -9 {who}, then ovr start adopts its services"
            )));
        }
        wait(&mut watch, dir, left)?;
    }
}

/// What the session says in its `session.json`, once its controller has written that: waits for one that is just
/// starting, for at most `patience`. `None`: it has ended, or has left no such file.
///
/// # Errors
/// `System` if the controller has not written it in time.
pub fn info(dir: &SessionDir, patience: Duration) -> Result<Option<SessionInfo>, Diagnostic> {
    let deadline = Instant::now() + patience;
    let mut watch = DirWatch::new(dir.path());
    loop {
        let Some(entry) = SessionEntry::look(dir)? else {
            return Ok(None);
        };
        let pid = entry.pid();
        match entry.life {
            Life::Stale => return Ok(None),
            Life::Unattended => return Ok(entry.info),
            // The file of an earlier session lies there until the controller has written its own.
            Life::Alive if pid.is_some() && entry.info.as_ref().map(|info| info.pid) == pid => {
                return Ok(entry.info);
            }
            Life::Alive => {}
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            let who = pid.map_or_else(|| "?".to_owned(), |pid| pid.to_string());
            return Err(Diagnostic::error(
                Kind::System,
                format!("the session is alive (pid {who}) and has not said what it runs with"),
            )
            .cause(format!(
                "{} is missing, or of the session before it",
                dir.session_file().display()
            ))
            .hint("it may be starting: try again; -f FILE means that file, whatever the session has")
            .hint(format!(
                "if it hangs: kill -9 {who}, then ovr start adopts its services"
            )));
        }
        wait(&mut watch, dir, left.min(LOOK_AGAIN))?;
    }
}

/// Waits until a session whose controller is gone, or going, has another one that takes connections. `false`: it
/// has ended.
pub fn next_controller(dir: &SessionDir) -> Result<bool, Diagnostic> {
    let next = next_controller_until(dir, None)?;
    Ok(next == Next::Answers)
}

/// What became of a session whose controller was gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Another controller takes connections.
    Answers,
    /// It has ended.
    Ended,
    /// Neither, in the time that there was.
    NotInTime,
}

/// The same, for no longer than until `deadline`.
pub fn next_controller_until(dir: &SessionDir, deadline: Option<Instant>) -> Result<Next, Diagnostic> {
    let mut watch = DirWatch::new(dir.path());
    loop {
        match SessionEntry::look(dir)? {
            None => return Ok(Next::Ended),
            Some(entry) if entry.life == Life::Stale => return Ok(Next::Ended),
            Some(entry) => {
                let is_ending = entry.info.as_ref().is_some_and(|info| info.ending);
                let answers = || UnixStream::connect(dir.api_socket()).is_ok();
                if entry.life == Life::Alive && !is_ending && answers() {
                    return Ok(Next::Answers);
                }
            }
        }
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        if left.is_some_and(|left| left.is_zero()) {
            return Ok(Next::NotInTime);
        }
        wait(
            &mut watch,
            dir,
            left.map_or(LOOK_AGAIN, |left| left.min(LOOK_AGAIN)),
        )?;
    }
}

/// A lock is let go without a change in the directory; who waits for that looks again after so long.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// Waits for a change in the directory. Where the watch could not be set (the directory came after it was asked
/// for), sets it instead: the caller looks once more under it before it waits.
fn wait(watch: &mut io::Result<DirWatch>, dir: &SessionDir, patience: Duration) -> Result<(), Diagnostic> {
    let failed = |error: io::Error| system(format!("cannot watch {}", dir.path().display()), &error);
    if let Ok(watch) = watch {
        return watch.wait(patience).map_err(failed);
    }
    *watch = Ok(DirWatch::new(dir.path()).map_err(failed)?);
    Ok(())
}

/// SIGUSR1 means: look after your sockets. The pid stands in the lock's file, which for an instant after the lock
/// was taken still names the holder before; so the process must be one of ours too.
fn tell(pid: Option<u32>) {
    if let Some(pid) = pid
        .filter(|pid| is_ovr(*pid))
        .and_then(|pid| i32::try_from(pid).ok())
        .and_then(Pid::from_raw)
    {
        // Gone already: the next look at the lock says so.
        let _gone = kill_process(pid, Signal::USR1);
    }
}

/// Whether the process with this pid runs this program.
fn is_ovr(pid: u32) -> bool {
    processes::name(pid).is_some_and(|name| name.starts_with("ovr"))
}

#[cfg(test)]
mod tests {
    use super::{connect, info};
    use crate::diag::Kind;
    use crate::workspace::lock::Holder;
    use crate::workspace::{Places, ProjectId, SessionDir, SessionInfo, SessionLock};
    use std::io::{BufRead, BufReader};
    use std::os::unix::net::UnixListener;
    use std::path::Path;
    use std::process::{Command, Stdio};
    use std::time::Duration;

    const CHILD: &str = "OVR_TEST_REVIVE_CHILD";

    fn session(root: &Path) -> SessionDir {
        let variable = |name: &str| (name == "OVR_RUNTIME_DIR").then(|| root.as_os_str().to_owned());
        let places = Places::resolve(variable, None, rustix::process::geteuid().as_raw()).unwrap();
        places.session(&ProjectId::of(Path::new("/work/shop")))
    }

    fn hold(session: &SessionDir) -> SessionLock {
        let holder = Holder {
            pid: std::process::id(),
            started_at: String::new(),
            root: "/work/shop".into(),
        };
        SessionLock::acquire(session, &holder).unwrap()
    }

    fn listen(session: &SessionDir) -> UnixListener {
        let fresh = session.path().join("api.sock.new");
        let listener = UnixListener::bind(&fresh).unwrap();
        std::fs::rename(fresh, session.api_socket()).unwrap();
        listener
    }

    /// Not a test by itself: a controller that binds its socket only when it is told that it is missing.
    #[test]
    fn bind_when_told() {
        let Some(root) = std::env::var_os(CHILD) else {
            return;
        };
        let mut signals = signal_hook::iterator::Signals::new([signal_hook::consts::SIGUSR1]).unwrap();
        let lock = hold(&session(Path::new(&root)));
        let info = SessionInfo::of_shop("/work/shop");
        info.write(&lock).unwrap();
        println!("\nup");
        assert!(signals.forever().next().is_some());
        drop(listen(lock.dir()).accept().unwrap());
    }

    #[test]
    fn a_session_whose_socket_was_deleted_binds_it_anew_when_a_client_comes() {
        let dir = tempfile::tempdir().unwrap();
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "workspace::revive::tests::bind_when_told",
                "--nocapture",
            ])
            .env(CHILD, dir.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.as_mut().unwrap()).lines();
        assert!(lines.map(Result::unwrap).any(|line| line == "up"));
        connect(&session(dir.path()), Duration::from_secs(20)).unwrap();
        child.wait().unwrap();
    }

    #[test]
    fn a_session_that_is_starting_is_waited_for_and_not_signalled() {
        let dir = tempfile::tempdir().unwrap();
        // Without session.json, SIGUSR1 would go to this process and end it.
        let lock = hold(&session(dir.path()));
        std::thread::scope(|scope| {
            let client = scope.spawn(|| connect(lock.dir(), Duration::from_secs(20)));
            drop(listen(lock.dir()).accept().unwrap());
            client.join().unwrap().unwrap();
        });
    }

    #[test]
    fn no_holder_is_not_running_and_a_silent_one_is_said_so() {
        let dir = tempfile::tempdir().unwrap();
        let session = session(dir.path());
        let error = connect(&session, Duration::ZERO).unwrap_err();
        assert_eq!(error.kind, Kind::NotRunning);
        let lock = hold(&session);
        let error = connect(lock.dir(), Duration::from_millis(5)).unwrap_err();
        assert_eq!(error.kind, Kind::System);
        assert!(
            error.to_string().contains(&std::process::id().to_string()),
            "{error}"
        );
    }

    #[test]
    fn what_a_starting_session_says_is_waited_for_and_that_of_the_one_before_it_not_believed() {
        let dir = tempfile::tempdir().unwrap();
        let lock = hold(&session(dir.path()));
        let mine = SessionInfo::of_shop("/work/shop");
        let earlier = SessionInfo {
            pid: mine.pid + 1,
            ..SessionInfo::of_shop("/work/shop")
        };
        earlier.write(&lock).unwrap();
        let error = info(lock.dir(), Duration::from_millis(5)).unwrap_err();
        assert_eq!(error.kind, Kind::System);
        assert!(error.to_string().contains(&mine.pid.to_string()), "{error}");
        std::thread::scope(|scope| {
            let client = scope.spawn(|| info(lock.dir(), Duration::from_secs(20)));
            mine.write(&lock).unwrap();
            assert_eq!(client.join().unwrap().unwrap(), Some(mine.clone()));
        });
        let dir = lock.dir().clone();
        drop(lock);
        assert_eq!(info(&dir, Duration::from_secs(20)).unwrap(), None);
    }
}
