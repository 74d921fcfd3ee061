//! The runtime directory of one session: its files, whether its sockets fit, its making and its safety.

use super::file::beside;
use super::identity::ProjectId;
use super::note;
use crate::diag::{Diagnostic, Kind};
use rustix::fs::FileType;
use rustix::io::Errno;
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// The longest path of a socket, in bytes: macOS takes 103 and a closing zero, Linux four more.
pub const SOCKET_PATH_MAX: usize = 103;

/// Nobody but the owner may enter.
pub(super) const PRIVATE: u32 = 0o077;
/// Others may look at the names in it, but change nothing.
pub(super) const NOT_WRITABLE: u32 = 0o022;

/// The runtime directory of one session, whether it exists or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionDir {
    path: PathBuf,
    /// Permission bits that the directory above must not have.
    forbidden_above: u32,
    /// Where it is noted besides what runs.
    note: Option<PathBuf>,
}

impl SessionDir {
    pub(super) fn new(path: PathBuf, forbidden_above: u32) -> Self {
        Self {
            path,
            forbidden_above,
            note: None,
        }
    }

    /// The same, with a note in this state directory of what runs.
    pub(super) fn noted_in(mut self, state: Option<&Path>) -> Self {
        let id = self
            .path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned());
        self.note = state.zip(id).map(|(state, id)| {
            let name = format!("{id}-{}.json", ProjectId::of(&self.path));
            state.join(note::DIRECTORY).join(name)
        });
        self
    }

    pub(super) fn note(&self) -> Option<&Path> {
        self.note.as_deref()
    }

    /// The session directory at this path, as somebody named it.
    pub(super) fn named(path: PathBuf) -> Self {
        Self::new(path, NOT_WRITABLE)
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The HTTP API.
    pub fn api_socket(&self) -> PathBuf {
        self.path.join("api.sock")
    }

    /// Where shims report.
    pub fn shim_socket(&self) -> PathBuf {
        self.path.join("shim.sock")
    }

    /// Where the pipes of busy panes are handed over.
    pub fn lane_socket(&self) -> PathBuf {
        self.path.join("lane.sock")
    }

    /// What happened in it, for a controller that takes over.
    pub fn events_file(&self) -> PathBuf {
        self.path.join("events.jsonl")
    }

    /// The configuration that the tmux server is started with.
    pub fn tmux_config(&self) -> PathBuf {
        self.path.join("tmux.conf")
    }

    /// The tmux server's.
    pub fn tmux_socket(&self) -> PathBuf {
        self.path.join("tmux.sock")
    }

    /// What tmux holds while it starts that server, and leaves behind if it is killed then.
    pub(super) fn tmux_start_lock(&self) -> PathBuf {
        self.path.join("tmux.sock.lock")
    }

    /// The token of a session that is served on TCP.
    pub fn token_file(&self) -> PathBuf {
        self.path.join("token")
    }

    pub(super) fn lock_file(&self) -> PathBuf {
        self.path.join("lock")
    }

    pub(super) fn session_file(&self) -> PathBuf {
        self.path.join("session.json")
    }

    /// Whether every socket's path is short enough to be bound.
    pub fn check_sockets(&self) -> Result<(), Diagnostic> {
        // A socket is bound beside its place and then moved there, so the longer name counts.
        let too_long = [
            beside(&self.api_socket()),
            beside(&self.shim_socket()),
            self.lane_socket(),
            self.tmux_socket(),
        ]
        .into_iter()
        .find(|path| path.as_os_str().as_bytes().len() > SOCKET_PATH_MAX);
        match too_long {
            None => Ok(()),
            Some(path) => Err(Diagnostic::error(
                Kind::System,
                format!(
                    "the path of a socket is {} bytes long, and the system takes {SOCKET_PATH_MAX}: {}",
                    path.as_os_str().as_bytes().len(),
                    path.display()
                ),
            )
            .hint("set OVR_RUNTIME_DIR to a directory with a shorter path")),
        }
    }

    /// Whether it exists; an error if it does and is not this user's alone.
    pub(super) fn is_there(&self) -> Result<bool, Diagnostic> {
        verify(&self.path, PRIVATE)
    }

    /// Makes the directory and the one above it (0700), refuses both if somebody else could tamper with them,
    /// and returns the gate of the upper one, closed: while it is, neither is removed by any of us. `None` if either
    /// was removed meanwhile.
    pub(super) fn enter<Gate>(
        &self,
        close_gate: impl FnOnce(&Path) -> Result<Option<Gate>, Diagnostic>,
    ) -> Result<Option<Gate>, Diagnostic> {
        self.check_sockets()?;
        let root = self.path.parent().unwrap_or(Path::new("/"));
        make(root, true).map_err(|error| cannot_make(root, &error))?;
        // Before the gate: somebody else's directory could have a gate that never opens.
        if !verify(root, self.forbidden_above)? {
            return Ok(None);
        }
        let Some(gate) = close_gate(root)? else {
            return Ok(None);
        };
        match make(&self.path, false) {
            // The gate stops nobody who empties the place by hand.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            made => made.map_err(|error| cannot_make(&self.path, &error))?,
        }
        Ok(verify(&self.path, PRIVATE)?.then_some(gate))
    }

    /// Removes the directory if it is empty, and the one above it if that leaves it empty, unless the user
    /// named that one. What other sessions have in there stays.
    pub(super) fn remove_empty(&self) {
        let above_is_ours = self.forbidden_above == PRIVATE;
        if fs::remove_dir(&self.path).is_ok()
            && above_is_ours
            && let Some(root) = self.path.parent()
        {
            // Not empty is the usual case: other sessions live there.
            let _not_empty = fs::remove_dir(root);
        }
    }
}

fn make(path: &Path, with_parents: bool) -> io::Result<()> {
    let made = DirBuilder::new().recursive(with_parents).mode(0o700).create(path);
    match made {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        Ok(()) | Err(_) => {
            give_back_to_owner(path);
            Ok(())
        }
    }
}

fn cannot_make(path: &Path, error: &io::Error) -> Diagnostic {
    system(
        format!("cannot make the runtime directory {}", path.display()),
        error,
    )
    .hint("set OVR_RUNTIME_DIR to a directory that you can write to")
}

/// A directory of ours that an odd umask has locked us out of; whatever else it may be is refused later.
fn give_back_to_owner(path: &Path) {
    let Ok(meta) = fs::symlink_metadata(path) else {
        return;
    };
    let ours = meta.is_dir() && meta.uid() == rustix::process::geteuid().as_raw();
    if ours && meta.mode() & 0o700 != 0o700 {
        let mode = meta.mode() & 0o7777 | 0o700;
        // If it cannot be, what is done next tells.
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).ok();
    }
}

/// Whether `path` is a real directory of this user without any of the `forbidden` permissions. In a place
/// such as /tmp somebody else may have put a link or a directory there first. `false`: nothing is there.
pub(super) fn verify(path: &Path, forbidden: u32) -> Result<bool, Diagnostic> {
    let stat = match rustix::fs::lstat(path) {
        Ok(stat) => stat,
        Err(Errno::NOENT | Errno::NOTDIR) => return Ok(false),
        Err(errno) => {
            return Err(system(
                format!("cannot look at {}", path.display()),
                &errno.into(),
            ));
        }
    };
    let uid = rustix::process::geteuid().as_raw();
    #[cfg_attr(
        target_os = "linux",
        expect(clippy::useless_conversion, reason = "macOS has a 16-bit mode")
    )]
    let mode = u32::from(stat.st_mode);
    let refused = |why: String| {
        Diagnostic::error(
            Kind::System,
            format!("refusing to use the runtime directory {}", path.display()),
        )
        .cause(why)
    };
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::Directory => {}
        FileType::Symlink => {
            return Err(
                refused("it is a symbolic link, which somebody else may have put there".to_owned())
                    .hint("remove it, or set OVR_RUNTIME_DIR to another directory"),
            );
        }
        _ => return Err(refused("it is not a directory".to_owned())),
    }
    if stat.st_uid != uid {
        return Err(refused(format!(
            "it belongs to user {}, and ovr runs as user {uid}",
            stat.st_uid
        ))
        .hint("set OVR_RUNTIME_DIR to a directory of your own"));
    }
    if mode & forbidden != 0 {
        return Err(refused(format!(
            "its mode is {:04o}: others could tamper with it",
            mode & 0o7777
        ))
        .hint(format!("chmod 700 {}", path.display())));
    }
    Ok(true)
}

/// A [`Kind::System`] error with the system's own words as its cause.
pub(super) fn system(message: impl Into<String>, error: &io::Error) -> Diagnostic {
    Diagnostic::error(Kind::System, message).cause(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::SessionDir;
    use crate::diag::{Diagnostic, Kind};
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
    use std::path::Path;

    fn session(root: &Path) -> SessionDir {
        SessionDir::new(root.join("0123456789abcdef"), super::PRIVATE)
    }

    #[test]
    fn a_directory_that_an_odd_umask_has_closed_is_opened_for_its_owner() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("ovr");
        fs::create_dir(&root).unwrap();
        fs::set_permissions(&root, Permissions::from_mode(0o000)).unwrap();
        create(&session(&root)).unwrap().unwrap();
        assert_eq!(fs::metadata(&root).unwrap().mode() & 0o777, 0o700);
    }

    fn create(session: &SessionDir) -> Result<Option<()>, Diagnostic> {
        session.enter(|_| Ok(Some(())))
    }

    #[test]
    fn a_directory_above_that_goes_while_its_gate_is_closed_is_a_reason_to_try_again() {
        let dir = tempfile::tempdir().unwrap();
        let session = session(&dir.path().join("run"));
        let emptied = session.enter(|root| {
            fs::remove_dir(root).unwrap();
            Ok(Some(()))
        });
        assert_eq!(emptied, Ok(None));
        assert_eq!(create(&session), Ok(Some(())));
    }

    #[test]
    fn both_directories_are_made_for_the_owner_alone() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("deep/run");
        let session = session(&root);
        assert_eq!(create(&session), Ok(Some(())));
        assert_eq!(create(&session), Ok(Some(())));
        for made in [&root, session.path()] {
            let mode = fs::metadata(made).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o700, "{}", made.display());
        }
        session.remove_empty();
        assert!(!root.exists());
    }

    #[test]
    fn a_link_in_place_of_the_directory_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("target");
        fs::create_dir(&target).unwrap();
        let root = dir.path().join("run");
        symlink(&target, &root).unwrap();
        let error = create(&session(&root)).unwrap_err();
        assert_eq!(error.kind, Kind::System);
        assert!(error.to_string().contains("symbolic link"), "{error}");
        assert_eq!(fs::read_dir(&target).unwrap().count(), 0);

        let root = dir.path().join("run2");
        fs::create_dir(&root).unwrap();
        fs::set_permissions(&root, Permissions::from_mode(0o700)).unwrap();
        symlink(&target, session(&root).path()).unwrap();
        assert!(create(&session(&root)).is_err());
    }

    #[test]
    fn a_directory_that_others_can_write_to_is_refused_with_the_command_that_mends_it() {
        let dir = tempfile::tempdir().unwrap();
        fs::set_permissions(dir.path(), Permissions::from_mode(0o777)).unwrap();
        let error = create(&session(dir.path())).unwrap_err().to_string();
        assert!(error.contains("0777") && error.contains("chmod 700"), "{error}");
        // The user's own choice may be readable to others: what is in it is not.
        fs::set_permissions(dir.path(), Permissions::from_mode(0o755)).unwrap();
        assert!(create(&session(dir.path())).is_err());
        let chosen = SessionDir::new(dir.path().join("0123456789abcdef"), super::NOT_WRITABLE);
        create(&chosen).unwrap();
    }

    #[test]
    fn a_directory_of_somebody_else_is_refused() {
        // Only root may give a directory away; anybody else has /proc, which belongs to root.
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("run");
        let foreign = if rustix::process::geteuid().is_root() {
            fs::create_dir(&root).unwrap();
            std::os::unix::fs::chown(&root, Some(4242), None).unwrap();
            root
        } else {
            Path::new("/").join("usr")
        };
        let error = super::verify(&foreign, 0).unwrap_err().to_string();
        assert!(error.contains("belongs to user"), "{error}");
    }

    #[test]
    fn a_socket_path_over_the_limit_is_an_error_before_anything_is_made() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("x".repeat(100));
        let error = create(&session(&root)).unwrap_err().to_string();
        assert!(error.contains("OVR_RUNTIME_DIR"), "{error}");
        assert!(!root.exists());
        assert!(session(Path::new("/run/user/1000/ovr")).check_sockets().is_ok());
    }
}
