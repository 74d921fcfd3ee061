//! Notices files that come or go in a runtime directory, without polling where the system tells (inotify).

use std::io;
use std::path::Path;
use std::time::Duration;

/// A watch on one directory. Its descriptor becomes readable when a file in it was made, moved or removed, or
/// when the directory itself was: a controller waits for that to bind a removed socket anew.
#[cfg(target_os = "linux")]
#[derive(Debug)]
pub struct DirWatch {
    inotify: std::os::fd::OwnedFd,
}

#[cfg(target_os = "linux")]
impl DirWatch {
    pub fn new(dir: &Path) -> io::Result<Self> {
        use rustix::fs::inotify::{CreateFlags, WatchFlags, add_watch, init};
        let inotify = init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
        let what = WatchFlags::CREATE
            | WatchFlags::MOVED_TO
            | WatchFlags::MOVED_FROM
            | WatchFlags::DELETE
            | WatchFlags::DELETE_SELF
            | WatchFlags::MOVE_SELF
            | WatchFlags::ONLYDIR;
        add_watch(&inotify, dir, what)?;
        Ok(Self { inotify })
    }

    /// Takes all that has been told so far. `true`: something changed. Never waits.
    pub fn drain(&mut self) -> io::Result<bool> {
        let mut changed = false;
        let mut buffer = [0_u8; 4096];
        loop {
            match rustix::io::read(&self.inotify, &mut buffer) {
                Ok(0) | Err(rustix::io::Errno::AGAIN) => return Ok(changed),
                Ok(_) => changed = true,
                Err(rustix::io::Errno::INTR) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
    }

    /// Waits until something changes, for at most `patience`. The caller looks again in either case.
    pub(super) fn wait(&mut self, patience: Duration) -> io::Result<()> {
        use rustix::event::{PollFd, PollFlags, poll};
        let timeout = rustix::event::Timespec::try_from(patience)
            .map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
        let mut ready = [PollFd::new(&self.inotify, PollFlags::IN)];
        match poll(&mut ready, Some(&timeout)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => self.drain().map(|_| ()),
            Err(errno) => Err(errno.into()),
        }
    }
}

#[cfg(target_os = "linux")]
impl std::os::fd::AsFd for DirWatch {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.inotify.as_fd()
    }
}

/// Where there is no inotify, waiting is looking again after a short time, and nothing tells a controller by
/// itself: there the signal of a client that misses the socket does (`revive.rs`).
#[cfg(not(target_os = "linux"))]
#[derive(Debug)]
pub struct DirWatch;

#[cfg(not(target_os = "linux"))]
impl DirWatch {
    pub fn new(_dir: &Path) -> io::Result<Self> {
        Ok(Self)
    }

    pub(super) fn wait(&mut self, patience: Duration) -> io::Result<()> {
        std::thread::sleep(patience.min(Duration::from_millis(5)));
        Ok(())
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::DirWatch;
    use std::fs;
    use std::time::Duration;

    #[test]
    fn what_comes_and_goes_is_told_once() {
        let dir = tempfile::tempdir().unwrap();
        let mut watch = DirWatch::new(dir.path()).unwrap();
        assert!(!watch.drain().unwrap());
        fs::write(dir.path().join("a"), "").unwrap();
        assert!(watch.drain().unwrap());
        assert!(!watch.drain().unwrap());
        fs::remove_file(dir.path().join("a")).unwrap();
        watch.wait(Duration::from_secs(20)).unwrap();
        assert!(!watch.drain().unwrap());
        fs::remove_dir(dir.path()).unwrap();
        assert!(watch.drain().unwrap());
    }
}
