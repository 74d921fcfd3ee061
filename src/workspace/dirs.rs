//! Where things are on disk: the runtime directory with one short directory a session, and the state
//! directory, as the environment names them. What a session's directory holds is in `session_dir.rs`.

use super::identity::ProjectId;
use super::note;
use super::session_dir::{NOT_WRITABLE, PRIVATE, SessionDir, system, verify};
use crate::diag::{Diagnostic, Kind};
use rustix::fs::FileType;
use std::ffi::OsString;
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// The directories of this user, as the environment names them. Nothing is created by asking for them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Places {
    runtime: PathBuf,
    /// Permission bits that the runtime directory must not have.
    forbidden: u32,
    /// Where else sessions of this user may live: those started with another environment (cron, `su`, before
    /// the login session that owns `$XDG_RUNTIME_DIR`).
    elsewhere: Vec<PathBuf>,
    state: Option<PathBuf>,
    home: Option<PathBuf>,
}

impl Places {
    /// The places of this process.
    pub fn from_environment() -> Result<Self, Diagnostic> {
        Self::resolve(
            |name| std::env::var_os(name),
            std::env::home_dir(),
            rustix::process::geteuid().as_raw(),
        )
    }

    /// The places for these variables. Looks at `$XDG_RUNTIME_DIR` to see whether it is this user's: after
    /// `su` or `sudo` it often is somebody else's, or gone.
    pub fn resolve(
        variable: impl Fn(&str) -> Option<OsString>,
        home: Option<PathBuf>,
        uid: u32,
    ) -> Result<Self, Diagnostic> {
        let path = |name: &str| {
            variable(name)
                .filter(|value| !value.is_empty())
                .map(PathBuf::from)
        };
        let home = home.filter(|home| home.is_absolute());
        let state = path("XDG_STATE_HOME")
            .filter(|dir| dir.is_absolute())
            .or_else(|| home.as_ref().map(|home| home.join(".local/state")))
            .map(|dir| dir.join("ovr"));

        if let Some(chosen) = path("OVR_RUNTIME_DIR") {
            if !chosen.is_absolute() {
                return Err(Diagnostic::error(
                    Kind::Usage,
                    format!("OVR_RUNTIME_DIR is not an absolute path: {}", chosen.display()),
                )
                .hint("commands from different directories must find the same sessions"));
            }
            return Ok(Self {
                runtime: chosen,
                forbidden: NOT_WRITABLE,
                elsewhere: Vec::new(),
                state,
                home,
            });
        }
        let mut candidates: Vec<PathBuf> = path("XDG_RUNTIME_DIR")
            .filter(|dir| dir.is_absolute() && owner(dir) == Some(uid))
            .map(|dir| dir.join("ovr"))
            .into_iter()
            .collect();
        candidates.push(PathBuf::from(format!("/tmp/ovr-{uid}")));
        let login = PathBuf::from(format!("/run/user/{uid}/ovr"));
        if !candidates.contains(&login) {
            candidates.push(login);
        }
        Ok(Self {
            runtime: candidates.remove(0),
            forbidden: PRIVATE,
            elsewhere: candidates,
            state,
            home,
        })
    }

    /// Where new sessions get their directories.
    pub fn runtime_root(&self) -> &Path {
        &self.runtime
    }

    /// `…/ovr` below the user's state directory; `None` for a user without a home.
    pub fn state_root(&self) -> Option<&Path> {
        self.state.as_deref()
    }

    /// Where the output of a project's services is kept; nothing is made by asking.
    pub fn logs_of(&self, id: &ProjectId, name: &str) -> Option<PathBuf> {
        Some(self.state.as_ref()?.join("logs").join(format!("{name}-{id}")))
    }

    pub fn home(&self) -> Option<&Path> {
        self.home.as_deref()
    }

    /// The directory of the session with this id: the one that exists, or where it is to be made.
    pub fn session(&self, id: &ProjectId) -> SessionDir {
        let existing = self
            .elsewhere
            .iter()
            .filter(|root| verify(root, PRIVATE).is_ok_and(|there| there))
            .map(|root| self.noted(SessionDir::new(root.join(id.as_str()), PRIVATE)))
            .find(|dir| dir.path().is_dir());
        let own = self.noted(SessionDir::new(self.runtime.join(id.as_str()), self.forbidden));
        if own.path().is_dir() {
            return own;
        }
        // One whose directory is gone, and was another (a login session's that is over).
        let is_chosen = self.elsewhere.is_empty();
        let lost = || note::find_lost(self, id).filter(|_| !is_chosen);
        existing.or_else(lost).unwrap_or(own)
    }

    /// The directories of all sessions that left one, alive or not, sorted by path.
    pub fn session_dirs(&self) -> Result<Vec<SessionDir>, Diagnostic> {
        let mut found = Vec::new();
        if verify(&self.runtime, self.forbidden)? {
            list_sessions(&self.runtime, self.forbidden, &mut found)?;
        }
        for root in &self.elsewhere {
            if verify(root, PRIVATE).is_ok_and(|there| there) {
                list_sessions(root, PRIVATE, &mut found)?;
            }
        }
        found.sort_by(|a, b| a.path().cmp(b.path()));
        Ok(found.into_iter().map(|dir| self.noted(dir)).collect())
    }

    /// The session directory at this path, which need not be there.
    pub(super) fn session_at(&self, path: &Path) -> SessionDir {
        let is_own = path.parent() == Some(&self.runtime);
        let forbidden = if is_own { self.forbidden } else { PRIVATE };
        self.noted(SessionDir::new(path.to_owned(), forbidden))
    }

    fn noted(&self, dir: SessionDir) -> SessionDir {
        dir.noted_in(self.state_root())
    }

    /// Makes a directory below the state directory and returns its path; `None` for a user without a home.
    pub fn create_state_dir(&self, name: &str) -> io::Result<Option<PathBuf>> {
        let Some(state) = &self.state else {
            return Ok(None);
        };
        let dir = state.join(name);
        DirBuilder::new().recursive(true).mode(0o700).create(&dir)?;
        Ok(Some(dir))
    }
}

fn list_sessions(root: &Path, forbidden: u32, into: &mut Vec<SessionDir>) -> Result<(), Diagnostic> {
    let unreadable = |error: io::Error| system(format!("cannot read {}", root.display()), &error);
    let entries = match fs::read_dir(root) {
        // The last session of it ended just now.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(unreadable)?,
    };
    for entry in entries {
        let entry = entry.map_err(unreadable)?;
        let name = entry.file_name();
        let is_id = name.to_str().and_then(ProjectId::parse).is_some();
        if is_id && entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            into.push(SessionDir::new(entry.path(), forbidden));
        }
    }
    Ok(())
}

/// Who owns this directory, if it is one.
fn owner(path: &Path) -> Option<u32> {
    let stat = rustix::fs::stat(path).ok()?;
    (FileType::from_raw_mode(stat.st_mode) == FileType::Directory).then_some(stat.st_uid)
}

#[cfg(test)]
mod tests {
    use super::{Places, ProjectId};
    use crate::diag::Kind;
    use std::ffi::OsString;
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::path::{Path, PathBuf};

    fn uid() -> u32 {
        rustix::process::geteuid().as_raw()
    }

    fn places(variables: &[(&str, &Path)], uid: u32) -> Places {
        let variable = |name: &str| -> Option<OsString> {
            let (_, value) = variables.iter().find(|(key, _)| *key == name)?;
            Some(value.as_os_str().to_owned())
        };
        Places::resolve(variable, Some(PathBuf::from("/home/ann")), uid).unwrap()
    }

    #[test]
    fn the_runtime_directory_is_ours_then_the_login_sessions_then_tmp() {
        let dir = tempfile::tempdir().unwrap();
        let login = dir.path();
        let all = [
            ("OVR_RUNTIME_DIR", Path::new("/run/mine")),
            ("XDG_RUNTIME_DIR", login),
        ];
        assert_eq!(places(&all, uid()).runtime_root(), Path::new("/run/mine"));
        assert_eq!(places(&all[1..], uid()).runtime_root(), login.join("ovr"));
        assert_eq!(places(&[], 4242).runtime_root(), Path::new("/tmp/ovr-4242"));
        // Somebody else's (after `su`), one that is gone, and a relative one do not count.
        assert_eq!(places(&all[1..], 4242).runtime_root(), Path::new("/tmp/ovr-4242"));
        for unusable in [login.join("gone"), PathBuf::from("run")] {
            let found = places(&[("XDG_RUNTIME_DIR", &unusable)], 4242);
            assert_eq!(found.runtime_root(), Path::new("/tmp/ovr-4242"));
        }
    }

    #[test]
    fn a_relative_runtime_directory_is_refused() {
        let error = Places::resolve(|_| Some("run".into()), None, 1).unwrap_err();
        assert_eq!(error.kind, Kind::Usage);
    }

    #[test]
    fn the_state_directory_follows_xdg_and_may_be_missing() {
        let state = places(&[("XDG_STATE_HOME", Path::new("/s"))], 1);
        assert_eq!(state.state_root(), Some(Path::new("/s/ovr")));
        let state = places(&[("XDG_STATE_HOME", Path::new("relative"))], 1);
        assert_eq!(state.state_root(), Some(Path::new("/home/ann/.local/state/ovr")));
        let homeless = Places::resolve(|_| None, None, 1).unwrap();
        assert_eq!(homeless.state_root(), None);
        assert_eq!(homeless.create_state_dir("last").unwrap(), None);
    }

    #[test]
    fn looking_creates_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("run");
        let places = places(&[("OVR_RUNTIME_DIR", &root)], uid());
        let session = places.session(&ProjectId::of(Path::new("/a")));
        assert!(session.api_socket().starts_with(&root));
        assert_eq!(places.session_dirs().unwrap(), vec![]);
        assert!(!root.exists());
    }

    #[test]
    fn a_session_started_without_the_login_directory_is_still_found() {
        let dir = tempfile::tempdir().unwrap();
        let (cron, login) = (dir.path().join("cron"), dir.path().join("login"));
        let id = ProjectId::of(Path::new("/a"));
        fs::create_dir_all(cron.join(id.as_str())).unwrap();
        fs::set_permissions(&cron, Permissions::from_mode(0o700)).unwrap();
        let mut places = places(&[("OVR_RUNTIME_DIR", &login)], uid());
        places.elsewhere.push(cron.clone());
        assert_eq!(places.session(&id).path(), cron.join(id.as_str()));
        assert_eq!(places.session_dirs().unwrap().len(), 1);
        // One that others can write to is not trusted.
        fs::set_permissions(&cron, Permissions::from_mode(0o777)).unwrap();
        assert_eq!(places.session(&id).path(), login.join(id.as_str()));
        assert!(places.session_dirs().unwrap().is_empty());
    }

    #[test]
    fn only_directories_named_by_a_hash_are_sessions() {
        let dir = tempfile::tempdir().unwrap();
        let places = places(&[("OVR_RUNTIME_DIR", dir.path())], uid());
        fs::create_dir(dir.path().join("0123456789abcdef")).unwrap();
        fs::create_dir(dir.path().join("other")).unwrap();
        fs::write(dir.path().join("fedcba9876543210"), "").unwrap();
        symlink("/etc", dir.path().join("00000000000000ff")).unwrap();
        let found = places.session_dirs().unwrap();
        assert_eq!(found.len(), 1);
        assert!(found[0].path().ends_with("0123456789abcdef"));
    }
}
