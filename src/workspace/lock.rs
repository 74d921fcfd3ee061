//! The session lock: whoever holds it is the session, and a session that nobody holds is dead. No file, pid
//! or socket decides that; what stands in the file is for people and for signals to the holder.
//!
//! Three roles touch the file. A *holder* has it exclusively for its whole life. A *starter* takes the gate (a
//! lock on the directory above) first, so starters and cleaners never meet. A *looker* takes it shared for an
//! instant; a starter tells it from a holder and waits it out, so looking never makes a start fail.

use super::file::{beside, read_open, remove_if_there};
use super::note;
use super::session::SessionEntry;
use super::session_dir::{SessionDir, system};
use crate::diag::Diagnostic;
use crate::platform::file_lock;
use rustix::fs::{FlockOperation, Mode, OFlags, flock, fstat, open, stat};
use rustix::io::{Errno, retry_on_intr};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::thread;
use std::time::Duration;

/// A lock file can vanish between two calls only when somebody deletes files by hand; this often in a row is
/// no accident.
const MAX_ATTEMPTS: usize = 1000;

/// What the holder says about itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    pub pid: u32,
    /// RFC 3339.
    pub started_at: String,
    pub root: String,
}

/// What a look at a session's lock tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Probe {
    /// Somebody holds it. What they say about themselves is missing for an instant after they took it.
    Alive(Option<Holder>),
    /// There are files, and nobody holds the lock.
    Stale,
    /// There is nothing.
    Absent,
}

/// Why the lock could not be taken.
#[derive(Debug)]
pub enum LockError {
    /// A session of this project is alive.
    Held(Option<Holder>),
    /// The system, or somebody else's files, are in the way.
    System(Diagnostic),
}

impl From<Diagnostic> for LockError {
    fn from(diagnostic: Diagnostic) -> Self {
        Self::System(diagnostic)
    }
}

/// How a held lock stands after its files were tampered with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nothing happened to it.
    Intact,
    /// The file was gone; it has been made and taken anew. Sockets and `session.json` may be gone too.
    Renewed,
    /// The file was gone, and another session has taken the new one.
    Lost,
}

/// The held lock. Dropping it lets go, and removes the session's runtime directory unless something of the session
/// may still run: a start that fails to take a session over has to leave it to be found by the next one.
#[derive(Debug)]
pub struct SessionLock {
    dir: SessionDir,
    file: File,
    parting: Parting,
}

/// What becomes of the files when the lock is let go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Parting {
    /// They go, unless something may run that is found by them.
    GoIfIdle,
    /// They go.
    Go,
    /// They stay.
    Stay,
}

impl SessionLock {
    /// Takes the lock, making the runtime directory where it is missing.
    pub fn acquire(dir: &SessionDir, holder: &Holder) -> Result<Self, LockError> {
        for _ in 0..MAX_ATTEMPTS {
            if let Some(file) = attempt(dir)? {
                let mut lock = Self {
                    dir: dir.clone(),
                    file,
                    parting: Parting::GoIfIdle,
                };
                lock.write(holder)?;
                return Ok(lock);
            }
        }
        Err(LockError::System(system(
            format!("the lock {} does not stay in place", dir.lock_file().display()),
            &Errno::NOENT.into(),
        )))
    }

    /// Takes over a lock whose file descriptor an earlier holder passed on to this process. There is no
    /// moment at which nobody holds it.
    pub fn inherit(dir: &SessionDir, inherited: OwnedFd, holder: &Holder) -> Result<Self, LockError> {
        let failed = |errno: Errno| system("cannot take over the session's lock", &errno.into());
        // The lock belongs to the open file, so taking it again through its heir succeeds at once.
        match flock(&inherited, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) if is_at(&inherited, &dir.lock_file()) => {}
            Ok(()) => return Err(failed(Errno::NOENT).into()),
            Err(Errno::WOULDBLOCK) => return Err(LockError::Held(None)),
            Err(errno) => return Err(failed(errno).into()),
        }
        rustix::io::fcntl_setfd(&inherited, rustix::io::FdFlags::CLOEXEC).map_err(failed)?;
        let mut lock = Self {
            dir: dir.clone(),
            file: File::from(inherited),
            parting: Parting::GoIfIdle,
        };
        lock.write(holder)?;
        Ok(lock)
    }

    /// Lets go and leaves every file where it is: for a session that goes on under another process.
    pub fn leave(mut self) {
        self.parting = Parting::Stay;
    }

    /// Lets go and removes every file: for a session that is over.
    pub fn end(mut self) {
        self.parting = Parting::Go;
    }

    pub fn dir(&self) -> &SessionDir {
        &self.dir
    }

    /// Whether the file that is held is the one that others find.
    pub fn is_in_place(&self) -> bool {
        is_at(&self.file, &self.dir.lock_file())
    }

    /// Looks whether the lock's file is still the one that is held, and makes and takes it anew if somebody
    /// removed it: without its file, a second session could start beside this one.
    pub fn reaffirm(&mut self, holder: &Holder) -> Result<Standing, Diagnostic> {
        if self.is_in_place() {
            return Ok(Standing::Intact);
        }
        match Self::acquire(&self.dir, holder) {
            Ok(mut renewed) => {
                std::mem::swap(&mut self.file, &mut renewed.file);
                renewed.leave();
                Ok(Standing::Renewed)
            }
            Err(LockError::Held(_)) => Ok(Standing::Lost),
            Err(LockError::System(diagnostic)) => Err(diagnostic),
        }
    }

    /// Looks at a session's lock. Creates nothing, waits for nothing, and stands in nobody's way.
    pub fn probe(dir: &SessionDir) -> Result<Probe, Diagnostic> {
        if !dir.is_there()? {
            return Ok(Probe::Absent);
        }
        let file = match open_existing(&dir.lock_file()) {
            Ok(file) => file,
            Err(Errno::NOENT) => return Ok(Probe::Stale),
            Err(errno) => return Err(unusable(dir, errno)),
        };
        match flock(&file, FlockOperation::NonBlockingLockShared) {
            Ok(()) => Ok(Probe::Stale),
            Err(Errno::WOULDBLOCK) => Ok(Probe::Alive(read_holder(&file))),
            Err(errno) => Err(unusable(dir, errno)),
        }
    }

    /// Waits until nobody holds the session's lock, for at most `patience`. `false`: somebody still does.
    pub fn wait_until_free(dir: &SessionDir, patience: Duration) -> Result<bool, Diagnostic> {
        let file = match open_existing(&dir.lock_file()) {
            Ok(file) => file,
            Err(Errno::NOENT) => return Ok(true),
            Err(errno) => return Err(unusable(dir, errno)),
        };
        file_lock::wait_until_free(file, patience).map_err(|errno| unusable(dir, errno))
    }

    fn write(&mut self, holder: &Holder) -> Result<(), Diagnostic> {
        let mut text = serde_json::to_vec(holder).expect("three plain fields always serialize");
        text.push(b'\n');
        self.file
            .set_len(0)
            .and_then(|()| self.file.seek(SeekFrom::Start(0)))
            .and_then(|_| self.file.write_all(&text))
            .map_err(|error| system(format!("cannot write {}", self.dir.lock_file().display()), &error))
    }
}

impl AsFd for SessionLock {
    /// What [`SessionLock::inherit`] takes in the next process (passed on as its standard input, say).
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

impl Drop for SessionLock {
    fn drop(&mut self) {
        // A holder that panics has processes left, and whoever comes next finds them by these files.
        let stays = match self.parting {
            Parting::Go => false,
            Parting::Stay => true,
            Parting::GoIfIdle => SessionEntry::may_have_services(&self.dir),
        };
        if stays || thread::panicking() {
            return;
        }
        // No starter may look while the files go. Without the gate (directory gone) there is nothing to clean.
        let Some(root) = self.dir.path().parent() else {
            return;
        };
        let Ok(Some(gate)) = close_gate(root) else {
            return;
        };
        // Somebody may have removed the directory and another session made it anew: then it is not ours.
        if self.is_in_place() {
            note::remove(&self.dir);
            let session = self.dir.session_file();
            let token = self.dir.token_file();
            let (api, shim) = (self.dir.api_socket(), self.dir.shim_socket());
            let events = self.dir.events_file();
            for path in [
                beside(&api),
                api,
                beside(&shim),
                shim,
                self.dir.lane_socket(),
                self.dir.tmux_socket(),
                self.dir.tmux_start_lock(),
                self.dir.tmux_config(),
                beside(&events),
                events,
                beside(&token),
                token,
                beside(&session),
                session,
                self.dir.lock_file(),
            ] {
                // What cannot be removed is stale for the next start, and no reason to fail here.
                let _stays = remove_if_there(&path);
            }
            self.dir.remove_empty();
        }
        drop(gate);
    }
}

/// One try to take the lock; `None` if the files were removed meanwhile.
fn attempt(dir: &SessionDir) -> Result<Option<File>, LockError> {
    let Some(gate) = dir.enter(close_gate)? else {
        return Ok(None);
    };
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let file = match open(dir.lock_file(), flags, Mode::RUSR | Mode::WUSR) {
        Ok(file) => File::from(file),
        Err(Errno::NOENT) => return Ok(None),
        Err(errno) => return Err(unusable(dir, errno).into()),
    };
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => {}
        Err(Errno::WOULDBLOCK) => match flock(&file, FlockOperation::NonBlockingLockShared) {
            // Shared with lookers: there is no holder, and none can come while the gate is closed.
            Ok(()) => retry_on_intr(|| flock(&file, FlockOperation::LockExclusive))
                .map_err(|errno| unusable(dir, errno))?,
            Err(Errno::WOULDBLOCK) => return Err(LockError::Held(read_holder(&file))),
            Err(errno) => return Err(unusable(dir, errno).into()),
        },
        Err(errno) => return Err(unusable(dir, errno).into()),
    }
    drop(gate);
    Ok(is_at(&file, &dir.lock_file()).then_some(file))
}

/// Takes the gate of the runtime directory `root`; `None` if it was removed meanwhile.
fn close_gate(root: &Path) -> Result<Option<OwnedFd>, Diagnostic> {
    let failed = |errno: Errno| system(format!("cannot lock {}", root.display()), &errno.into());
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let gate = match open(root, flags, Mode::empty()) {
        Ok(gate) => gate,
        Err(Errno::NOENT) => return Ok(None),
        Err(errno) => return Err(failed(errno)),
    };
    retry_on_intr(|| flock(&gate, FlockOperation::LockExclusive)).map_err(failed)?;
    Ok(is_at(&gate, root).then_some(gate))
}

/// Whether the open file is the one that is found at `path`.
fn is_at(file: impl AsFd, path: &Path) -> bool {
    match (fstat(file), stat(path)) {
        (Ok(held), Ok(found)) => held.st_dev == found.st_dev && held.st_ino == found.st_ino,
        _ => false,
    }
}

fn open_existing(path: &Path) -> Result<File, Errno> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
    open(path, flags, Mode::empty()).map(File::from)
}

fn read_holder(file: &File) -> Option<Holder> {
    serde_json::from_slice(&read_open(file).ok()?).ok()
}

fn unusable(dir: &SessionDir, errno: Errno) -> Diagnostic {
    let error = io::Error::from(errno);
    system(
        format!("cannot use the session's lock {}", dir.lock_file().display()),
        &error,
    )
}

#[cfg(test)]
mod tests;
