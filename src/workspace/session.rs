//! What a session tells other commands and the controller after it (`session.json`), and the list of all
//! sessions of this machine. A hint beside the lock, never proof of life.

use super::dirs::Places;
use super::file::{read_small, write_atomic};
use super::lock::{Holder, Probe, SessionLock};
use super::note;
use super::session_dir::{SessionDir, system};
use crate::diag::Diagnostic;
use crate::platform::processes;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::os::unix::net::UnixStream;

/// The version of the file. Append-only, as the API's: a later build adopts the sessions of an earlier one.
pub const SCHEMA: u32 = 1;

/// `session.json`: written by the controller once its sockets answer and its signal handlers stand, and again
/// whenever one of these changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionInfo {
    pub schema: u32,
    pub project: String,
    /// Canonical.
    pub root: String,
    /// The configuration's absolute path.
    pub config: String,
    /// The controller's.
    pub pid: u32,
    /// RFC 3339, in UTC.
    pub started_at: String,
    /// The controller's program version.
    pub version: String,
    pub detached: bool,
    pub tmux_socket: String,
    /// The tmux server's.
    #[serde(default)]
    pub tmux_pid: Option<u32>,
    /// When these two processes started, in the system's own unit: with it a pid is no other process's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid_started: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tmux_started: Option<u64>,
    /// The options that `start` was given, for a controller that takes over.
    #[serde(default)]
    pub arguments: Vec<String>,
    /// The settings that `start` was given by flags and its environment, by their ids, and the variables that decided
    /// how the files were read, by their names: a start that takes over keeps those that it says nothing about itself,
    /// and commands that read the files themselves read them so.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub settings: BTreeMap<String, String>,
    /// Those of the settings that a flag gave, by their ids.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub flags: BTreeSet<String>,
    /// The session is on its way down: whoever finds it so finishes that, and takes nothing over.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ending: bool,
    /// The numbers of instances that were asked of the running session, by service.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub scaled: BTreeMap<String, Scaled>,
    /// The instances whose schedules somebody has paused.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub paused: BTreeSet<String>,
    /// Where it is served on TCP, if it is: a controller that comes after serves there too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tcp: Option<String>,
    /// The instances that do not start by themselves and whose schedules somebody has resumed.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub resumed: BTreeSet<String>,
}

/// How many instances of a service somebody asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scaled {
    pub count: u32,
    /// What the configuration said at that time: when it says something else, that counts.
    pub configured: u32,
}

impl SessionInfo {
    /// Replaces the session's file. Only the holder of its lock does.
    pub fn write(&self, lock: &SessionLock) -> Result<(), Diagnostic> {
        let path = lock.dir().session_file();
        let text = serde_json::to_vec(self).expect("plain fields always serialize");
        write_atomic(&path, &text)
            .map_err(|error| system(format!("cannot write {}", path.display()), &error))?;
        note::write(lock.dir(), &text);
        Ok(())
    }

    /// Notes which process the tmux server is.
    pub fn set_tmux(&mut self, pid: Option<u32>) {
        self.tmux_pid = pid;
        self.tmux_started = pid.and_then(processes::one).map(|process| process.started);
    }

    /// The tmux server's pid, if it is still there.
    pub fn tmux(&self) -> Option<u32> {
        let is_it = |pid: &u32| {
            let started = processes::one(*pid).map(|process| process.started);
            is_tmux(*pid) && (self.tmux_started.is_none() || self.tmux_started == started)
        };
        self.tmux_pid.filter(is_it)
    }

    /// A session of the project `shop` that this process holds.
    #[cfg(test)]
    pub(super) fn of_shop(root: &str) -> Self {
        Self {
            schema: 1,
            project: "shop".into(),
            root: root.into(),
            config: String::new(),
            pid: std::process::id(),
            started_at: String::new(),
            version: "0.1.0".into(),
            detached: false,
            tmux_socket: String::new(),
            tmux_pid: None,
            pid_started: None,
            tmux_started: None,
            arguments: Vec::new(),
            settings: BTreeMap::new(),
            flags: BTreeSet::new(),
            ending: false,
            scaled: BTreeMap::new(),
            paused: BTreeSet::new(),
            tcp: None,
            resumed: BTreeSet::new(),
        }
    }

    /// The session's file, or what is noted elsewhere of one that runs; `None` where there is neither, or it makes no
    /// sense.
    pub fn read(dir: &SessionDir) -> Option<Self> {
        Self::read_file(dir).or_else(|| note::read(dir))
    }

    /// The session's file alone.
    pub fn read_file(dir: &SessionDir) -> Option<Self> {
        serde_json::from_slice(&read_small(&dir.session_file()).ok()?).ok()
    }
}

/// How alive a session is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    /// Its controller runs.
    Alive,
    /// Its controller is gone, and its tmux server is not: the next `ovr start` adopts the services.
    Unattended,
    /// Only files are left of it.
    Stale,
}

/// One session of this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionEntry {
    pub dir: SessionDir,
    pub life: Life,
    /// The lock's contents; only while it is alive.
    pub holder: Option<Holder>,
    pub info: Option<SessionInfo>,
}

impl SessionEntry {
    /// The session in this directory; `None` if there is none.
    pub fn look(dir: &SessionDir) -> Result<Option<Self>, Diagnostic> {
        let mut probe = SessionLock::probe(dir)?;
        // Its controller may live, and have lost its files.
        if matches!(probe, Probe::Absent | Probe::Stale) {
            if note::call_back(dir) {
                probe = SessionLock::probe(dir)?;
            } else if let Some(error) = note::out_of_reach(dir) {
                return Err(error);
            }
        }
        let info = SessionInfo::read(dir);
        if probe == Probe::Absent && info.is_none() {
            return Ok(None);
        }
        let (life, holder) = match probe {
            Probe::Alive(holder) => (Life::Alive, holder),
            Probe::Stale | Probe::Absent if has_tmux(dir, info.as_ref()) => (Life::Unattended, None),
            Probe::Stale | Probe::Absent => (Life::Stale, None),
        };
        Ok(Some(Self {
            dir: dir.clone(),
            life,
            holder,
            info,
        }))
    }

    /// The project's root, as far as the session tells.
    pub fn root(&self) -> Option<&str> {
        let of_info = self.info.as_ref().map(|info| info.root.as_str());
        of_info.or(self.holder.as_ref().map(|holder| holder.root.as_str()))
    }

    /// Whether the controller lives and is stopped (Ctrl-Z): it would not answer.
    pub fn is_suspended(&self) -> bool {
        self.pid().is_some_and(processes::is_stopped)
    }

    /// Whether the services of the session in this directory may still run, with or without a controller.
    pub fn has_services(dir: &SessionDir) -> bool {
        has_tmux(dir, SessionInfo::read(dir).as_ref())
    }

    /// The same, and also where it cannot be told (no descriptors, no rights).
    pub(super) fn may_have_services(dir: &SessionDir) -> bool {
        let is_refused = |error: &io::Error| {
            matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused
            )
        };
        match UnixStream::connect(dir.tmux_socket()) {
            Err(error) if is_refused(&error) => Self::has_services(dir),
            Ok(_) | Err(_) => true,
        }
    }

    /// The controller's pid, while it is alive.
    pub fn pid(&self) -> Option<u32> {
        self.holder.as_ref().map(|holder| holder.pid)
    }
}

/// Every session of this user on this machine, sorted by root. Stale ones are among them.
pub fn sessions(places: &Places) -> Result<Vec<SessionEntry>, Diagnostic> {
    let mut found = Vec::new();
    let mut dirs = places.session_dirs()?;
    for noted in note::dirs(places) {
        if !dirs.contains(&noted) {
            dirs.push(noted);
        }
    }
    for dir in dirs {
        match SessionEntry::look(&dir) {
            Ok(entry) => found.extend(entry),
            // Whoever asks for that one is told.
            Err(_) if !dir.path().exists() => {}
            Err(error) => return Err(error),
        }
    }
    found.sort_by(|a, b| a.root().cmp(&b.root()));
    Ok(found)
}

/// Whether a tmux server of this session runs: it answers, or its socket was deleted and its process is there.
fn has_tmux(dir: &SessionDir, info: Option<&SessionInfo>) -> bool {
    UnixStream::connect(dir.tmux_socket()).is_ok() || info.and_then(SessionInfo::tmux).is_some()
}

/// Whether the process with this pid is a tmux. Its pid may have been reused, so its name counts as well.
fn is_tmux(pid: u32) -> bool {
    // One that nobody has reaped keeps its name: where the first process of a container reaps none, for good.
    // On Linux tmux calls its server process `tmux: server`.
    processes::one(pid).is_some() && processes::name(pid).is_some_and(|name| name.starts_with("tmux"))
}

#[cfg(test)]
mod tests {
    use super::{Life, SessionEntry, SessionInfo, sessions};
    use crate::platform::processes;
    use crate::workspace::lock::{Holder, SessionLock};
    use crate::workspace::{Places, ProjectId};
    use std::fs;
    use std::os::unix::net::UnixListener;
    use std::path::Path;
    use std::process::Command;

    fn places(root: &Path) -> Places {
        let variable = |name: &str| (name == "OVR_RUNTIME_DIR").then(|| root.as_os_str().to_owned());
        Places::resolve(variable, None, rustix::process::geteuid().as_raw()).unwrap()
    }

    fn info(root: &str) -> SessionInfo {
        SessionInfo {
            config: format!("{root}/Procfile"),
            pid: 41,
            started_at: "2026-01-31T08:15:30.000Z".into(),
            tmux_socket: "/run/t".into(),
            tmux_pid: Some(42),
            arguments: vec!["-m".into(), "web=2".into()],
            ..SessionInfo::of_shop(root)
        }
    }

    fn hold(places: &Places, root: &str) -> SessionLock {
        let holder = Holder {
            pid: std::process::id(),
            started_at: String::new(),
            root: root.into(),
        };
        SessionLock::acquire(&places.session(&ProjectId::of(Path::new(root))), &holder).unwrap()
    }

    #[test]
    fn the_file_keeps_its_text_and_reads_back() {
        let golden = r#"{"schema":1,"project":"shop","root":"/a","config":"/a/Procfile","pid":41,"started_at":"2026-01-31T08:15:30.000Z","version":"0.1.0","detached":false,"tmux_socket":"/run/t","tmux_pid":42,"arguments":["-m","web=2"]}"#;
        assert_eq!(serde_json::to_string(&info("/a")).unwrap(), golden);
        assert_eq!(serde_json::from_str::<SessionInfo>(golden).unwrap(), info("/a"));
        let later = golden.replace(r#""schema":1"#, r#""schema":2,"new":{"a":1}"#);
        assert!(serde_json::from_str::<SessionInfo>(&later).is_ok());
    }

    #[test]
    fn all_sessions_are_listed_with_how_alive_they_are() {
        let dir = tempfile::tempdir().unwrap();
        let places = places(dir.path());
        let alive = hold(&places, "/a");
        info("/a").write(&alive).unwrap();
        let unattended = hold(&places, "/b");
        info("/b").write(&unattended).unwrap();
        let _tmux = UnixListener::bind(unattended.dir().tmux_socket()).unwrap();
        unattended.leave();
        let stale = hold(&places, "/c");
        fs::write(stale.dir().session_file(), "{\"schema\":").unwrap();
        stale.leave();

        // A test that forks just now keeps a copy of the descriptors for an instant.
        for root in ["/b", "/c"] {
            let dir = places.session(&ProjectId::of(Path::new(root)));
            let patience = std::time::Duration::from_secs(20);
            assert!(SessionLock::wait_until_free(&dir, patience).unwrap());
        }
        let found = sessions(&places).unwrap();
        let told: Vec<_> = found.iter().map(|entry| (entry.root(), entry.life)).collect();
        assert_eq!(
            told,
            [
                (None, Life::Stale),
                (Some("/a"), Life::Alive),
                (Some("/b"), Life::Unattended)
            ]
        );
        assert_eq!(found[1].pid(), Some(std::process::id()));
        assert_eq!(found[2].pid(), None);
    }

    #[test]
    fn a_session_that_has_not_written_its_file_yet_is_known_by_its_lock() {
        let dir = tempfile::tempdir().unwrap();
        let places = places(dir.path());
        let lock = hold(&places, "/a");
        let entry = SessionEntry::look(lock.dir()).unwrap().unwrap();
        assert_eq!((entry.life, entry.root()), (Life::Alive, Some("/a")));
        assert_eq!(entry.info, None);
    }

    #[test]
    fn a_reused_pid_is_not_taken_for_the_tmux_server() {
        let dir = tempfile::tempdir().unwrap();
        let places = places(dir.path());
        let lock = hold(&places, "/a");
        let mut written = info("/a");
        written.tmux_pid = Some(std::process::id());
        written.write(&lock).unwrap();
        let session = lock.dir().clone();
        lock.leave();
        let patience = std::time::Duration::from_secs(20);
        assert!(SessionLock::wait_until_free(&session, patience).unwrap());
        let entry = SessionEntry::look(&session).unwrap().unwrap();
        assert_eq!(entry.life, Life::Stale);
    }

    #[test]
    fn a_tmux_server_that_is_dead_and_not_reaped_is_none() {
        let dir = tempfile::tempdir().unwrap();
        let program = dir.path().join("tmux");
        std::os::unix::fs::symlink("/bin/sh", &program).unwrap();
        let mut server = Command::new(&program).args(["-c", ":"]).spawn().unwrap();
        let pid = rustix::process::Pid::from_child(&server);
        let ended = rustix::process::WaitIdOptions::EXITED | rustix::process::WaitIdOptions::NOWAIT;
        rustix::process::waitid(rustix::process::WaitId::Pid(pid), ended).unwrap();
        let (name, is_tmux) = (processes::name(server.id()), super::is_tmux(server.id()));
        server.wait().unwrap();
        assert!(!is_tmux, "{name:?}");
    }
}
