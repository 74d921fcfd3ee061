//! What `ovr` has left on disk (state, and the runtime directories of dead sessions), how big it is, and its
//! removal. Nothing of a session that has processes is ever removed.

use super::dirs::Places;
use super::identity::ProjectId;
use super::last;
use super::lock::{Holder, LockError, SessionLock};
use super::note;
use super::session::{Life, SessionEntry, sessions};
use super::session_dir::{SessionDir, system};
use crate::diag::Diagnostic;
use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// What an [`Item`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    /// How a project's last session ended.
    LastEnd,
    /// What was noted of a session that ran.
    Note,
    /// The logs of a project's services.
    Logs,
    /// Which project has which ports.
    PortRegistry,
    /// The runtime directory of a session that is dead.
    StaleSession,
    /// Something in the state directory that this build does not know.
    Unknown,
}

impl What {
    /// What it is, for people.
    pub fn words(self) -> &'static str {
        match self {
            Self::LastEnd => "how a project's last session ended",
            Self::Note => "the note of a session that ran",
            Self::Logs => "logs",
            Self::PortRegistry => "port registry",
            Self::StaleSession => "runtime files of a dead session",
            Self::Unknown => "unknown to this version",
        }
    }
}

/// One thing that can be removed by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    pub path: PathBuf,
    pub what: What,
    /// The bytes of all files in it.
    pub bytes: u64,
    /// Why it stays, if it does.
    pub kept: Option<String>,
}

/// What became of a removal.
#[derive(Debug, Default)]
pub struct Removed {
    pub items: usize,
    pub bytes: u64,
    pub errors: Vec<Diagnostic>,
}

/// The sessions whose things stay.
struct Living {
    ids: BTreeSet<String>,
    names: BTreeSet<String>,
}

impl Living {
    fn among(entries: &[SessionEntry]) -> Self {
        let with_processes = || entries.iter().filter(|entry| entry.life != Life::Stale);
        Self {
            ids: with_processes()
                .filter_map(|entry| Some(entry.dir.path().file_name()?.to_str()?.to_owned()))
                .chain(
                    with_processes()
                        .filter_map(|entry| Some(ProjectId::of(Path::new(entry.root()?)).to_string())),
                )
                .collect(),
            names: with_processes()
                .filter_map(|entry| Some(entry.info.as_ref()?.project.clone()))
                .collect(),
        }
    }

    /// Whether something of this name (`<id>.json`, `<project>-<id>`, `<project>`) belongs to one of them.
    fn owns(&self, name: &str) -> bool {
        self.names.contains(name) || self.ids.iter().any(|id| name.contains(id.as_str()))
    }

    fn exist(&self) -> bool {
        !self.ids.is_empty()
    }
}

/// Everything there is, sorted by kind and path.
pub fn inventory(places: &Places) -> Result<Vec<Item>, Diagnostic> {
    let entries = sessions(places)?;
    let living = Living::among(&entries);
    let mut items = state_items(places, &living)?;
    for entry in entries.iter().filter(|entry| entry.life == Life::Stale) {
        items.push(Item {
            path: entry.dir.path().to_owned(),
            what: What::StaleSession,
            bytes: size_of(entry.dir.path()),
            kept: None,
        });
    }
    items.sort_by(|a, b| (a.what, &a.path).cmp(&(b.what, &b.path)));
    Ok(items)
}

/// Removes every item that is not kept. Sessions may have started since the inventory, so each item is looked
/// at again first.
pub fn remove(places: &Places, items: &[Item]) -> Removed {
    let mut removed = Removed::default();
    for item in items.iter().filter(|item| item.kept.is_none()) {
        let result = match item.what {
            What::StaleSession => remove_session(places, &item.path),
            What::LastEnd | What::Note | What::Logs | What::PortRegistry | What::Unknown => {
                remove_state(places, item)
            }
        };
        match result {
            Ok(true) => {
                removed.items += 1;
                removed.bytes += item.bytes;
            }
            Ok(false) => {}
            Err(diagnostic) => removed.errors.push(diagnostic),
        }
    }
    if let Some(state) = places.state_root() {
        let rooms = [last::DIRECTORY, note::DIRECTORY, "logs"].map(|name| state.join(name));
        for dir in rooms.into_iter().chain([state.to_owned()]) {
            // Only if nothing is left in it.
            let _not_empty = fs::remove_dir(dir);
        }
    }
    removed
}

fn state_items(places: &Places, living: &Living) -> Result<Vec<Item>, Diagnostic> {
    let Some(state) = places.state_root() else {
        return Ok(Vec::new());
    };
    let mut items = Vec::new();
    for (name, path) in list(state)? {
        match name.as_str() {
            last::DIRECTORY => of_projects(&path, What::LastEnd, living, &mut items)?,
            note::DIRECTORY => of_projects(&path, What::Note, living, &mut items)?,
            "logs" => of_projects(&path, What::Logs, living, &mut items)?,
            _ => {
                let is_registry = name.starts_with("ports.db");
                let what = if is_registry {
                    What::PortRegistry
                } else {
                    What::Unknown
                };
                let kept = living.exist().then(|| "sessions are running".to_owned());
                items.push(item(path, what, kept));
            }
        }
    }
    Ok(items)
}

fn of_projects(dir: &Path, what: What, living: &Living, into: &mut Vec<Item>) -> Result<(), Diagnostic> {
    for (name, path) in list(dir)? {
        let kept = living.owns(&name).then(|| "its session is running".to_owned());
        into.push(item(path, what, kept));
    }
    Ok(())
}

fn item(path: PathBuf, what: What, kept: Option<String>) -> Item {
    Item {
        bytes: size_of(&path),
        path,
        what,
        kept,
    }
}

fn list(dir: &Path) -> Result<Vec<(String, PathBuf)>, Diagnostic> {
    let unreadable = |error: io::Error| system(format!("cannot read {}", dir.display()), &error);
    let entries = match fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(unreadable)?,
    };
    entries
        .map(|entry| {
            let entry = entry.map_err(unreadable)?;
            Ok((entry.file_name().to_string_lossy().into_owned(), entry.path()))
        })
        .collect()
}

/// The bytes of all files at and below `path`, links not followed. What cannot be read counts as nothing.
fn size_of(path: &Path) -> u64 {
    let Ok(found) = fs::symlink_metadata(path) else {
        return 0;
    };
    if !found.is_dir() {
        return found.len();
    }
    fs::read_dir(path)
        .into_iter()
        .flatten()
        .filter_map(Result::ok)
        .map(|entry| size_of(&entry.path()))
        .sum()
}

fn remove_state(places: &Places, item: &Item) -> Result<bool, Diagnostic> {
    let still_there = inventory(places)?
        .into_iter()
        .find(|now| now.path == item.path && now.kept.is_none());
    if still_there.is_none() {
        return Ok(false);
    }
    delete(&item.path).map_err(|error| system(format!("cannot remove {}", item.path.display()), &error))?;
    Ok(true)
}

/// Removes the runtime directory of a dead session while holding its lock, so that none can start in it.
fn remove_session(places: &Places, path: &Path) -> Result<bool, Diagnostic> {
    let dir = SessionDir::named(path.to_owned()).noted_in(places.state_root());
    let cleaner = Holder {
        pid: std::process::id(),
        started_at: String::new(),
        root: String::new(),
    };
    let lock = match SessionLock::acquire(&dir, &cleaner) {
        Ok(lock) => lock,
        Err(LockError::Held(_)) => return Ok(false),
        Err(LockError::System(diagnostic)) => return Err(diagnostic),
    };
    if SessionEntry::has_services(&dir) {
        lock.leave();
        return Ok(false);
    }
    for (name, path) in list(dir.path())? {
        // The lock goes last, with the guard.
        if name != "lock" {
            delete(&path).map_err(|error| system(format!("cannot remove {}", path.display()), &error))?;
        }
    }
    lock.end();
    Ok(true)
}

fn delete(path: &Path) -> io::Result<()> {
    if fs::symlink_metadata(path)?.is_dir() {
        fs::remove_dir_all(path)
    } else {
        fs::remove_file(path)
    }
}

#[cfg(test)]
mod tests {
    use super::{Item, What, inventory, remove};
    use crate::workspace::lock::{Holder, SessionLock};
    use crate::workspace::{Places, ProjectId};
    use std::fs;
    use std::os::unix::net::UnixListener;
    use std::path::Path;
    use tempfile::TempDir;

    fn places() -> (TempDir, Places) {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("run");
        let variable = |name: &str| (name == "OVR_RUNTIME_DIR").then(|| root.as_os_str().to_owned());
        let uid = rustix::process::geteuid().as_raw();
        let places = Places::resolve(variable, Some(dir.path().join("home")), uid).unwrap();
        (dir, places)
    }

    fn hold(places: &Places, root: &str) -> SessionLock {
        let holder = Holder {
            pid: std::process::id(),
            started_at: String::new(),
            root: root.into(),
        };
        SessionLock::acquire(&places.session(&ProjectId::of(Path::new(root))), &holder).unwrap()
    }

    fn leave(lock: SessionLock) {
        let dir = lock.dir().clone();
        lock.leave();
        let patience = std::time::Duration::from_secs(20);
        assert!(SessionLock::wait_until_free(&dir, patience).unwrap());
    }

    fn state_file(places: &Places, name: &str, text: &str) {
        let path = places.state_root().unwrap().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn told(items: &[Item]) -> Vec<(What, u64, bool)> {
        items
            .iter()
            .map(|item| (item.what, item.bytes, item.kept.is_some()))
            .collect()
    }

    #[test]
    fn a_clean_machine_has_nothing_and_looking_makes_nothing() {
        let (dir, places) = places();
        assert_eq!(inventory(&places).unwrap(), vec![]);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn what_is_there_is_shown_with_its_size_and_removed() {
        let (_dir, places) = places();
        state_file(&places, "last/0123456789abcdef.json", "12345");
        state_file(&places, "logs/shop/web.log", "1234567");
        state_file(&places, "logs/shop/api.log", "123");
        state_file(&places, "ports.db", "1");
        let stale = hold(&places, "/c");
        fs::write(stale.dir().session_file(), "garbage").unwrap();
        fs::write(stale.dir().path().join("other"), "x").unwrap();
        let stale_dir = stale.dir().clone();
        leave(stale);

        let items = inventory(&places).unwrap();
        let without_lock: Vec<_> = told(&items).into_iter().take(3).collect();
        assert_eq!(
            without_lock,
            [
                (What::LastEnd, 5, false),
                (What::Logs, 10, false),
                (What::PortRegistry, 1, false)
            ]
        );
        assert_eq!((items.len(), items[3].what), (4, What::StaleSession));
        let removed = remove(&places, &items);
        assert!(removed.errors.is_empty(), "{:?}", removed.errors);
        assert_eq!(removed.items, 4);
        assert_eq!(inventory(&places).unwrap(), vec![]);
        assert!(!stale_dir.path().exists());
        assert!(!places.state_root().unwrap().exists());
    }

    #[test]
    fn nothing_of_a_session_with_processes_is_removed() {
        let (_dir, places) = places();
        let alive = hold(&places, "/a");
        let id = ProjectId::of(Path::new("/a"));
        state_file(&places, &format!("logs/shop-{id}/web.log"), "1");
        state_file(&places, &format!("last/{id}.json"), "1");
        state_file(&places, "ports.db", "1");
        let unattended = hold(&places, "/b");
        let tmux = UnixListener::bind(unattended.dir().tmux_socket()).unwrap();
        let unattended_dir = unattended.dir().clone();
        leave(unattended);

        let items = inventory(&places).unwrap();
        assert!(items.iter().all(|item| item.kept.is_some()), "{items:?}");
        assert_eq!(remove(&places, &items).items, 0);

        // Not even if it had looked dead when the inventory was made.
        let as_if_dead = Item {
            path: unattended_dir.path().to_owned(),
            what: What::StaleSession,
            bytes: 0,
            kept: None,
        };
        let held = Item {
            path: alive.dir().path().to_owned(),
            ..as_if_dead.clone()
        };
        assert_eq!(remove(&places, &[as_if_dead, held]).items, 0);
        assert!(unattended_dir.tmux_socket().exists() && alive.dir().path().exists());
        drop(tmux);
    }
}
