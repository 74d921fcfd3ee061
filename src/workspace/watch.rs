//! Notices files that come or go in a runtime directory, without polling: by inotify on Linux, by kqueue on macOS.

use rustix::event::{PollFd, PollFlags, poll};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::time::Duration;

/// A watch on one directory. Its descriptor becomes readable when a file in it was made, moved or removed, or
/// when the directory itself was: a controller waits for that to bind a removed socket anew.
#[derive(Debug)]
pub struct DirWatch {
    queue: OwnedFd,
    /// What the queue watches, which it does not keep open by itself.
    #[cfg(not(target_os = "linux"))]
    _dir: OwnedFd,
}

impl DirWatch {
    /// Waits until something changes, for at most `patience`. The caller looks again in either case.
    pub(super) fn wait(&mut self, patience: Duration) -> io::Result<()> {
        let timeout = rustix::event::Timespec::try_from(patience)
            .map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
        let mut ready = [PollFd::new(&self.queue, PollFlags::IN)];
        match poll(&mut ready, Some(&timeout)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => self.drain().map(|_| ()),
            Err(errno) => Err(errno.into()),
        }
    }
}

impl AsFd for DirWatch {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.queue.as_fd()
    }
}

#[cfg(target_os = "linux")]
impl DirWatch {
    pub fn new(dir: &Path) -> io::Result<Self> {
        use rustix::fs::inotify::{CreateFlags, WatchFlags, add_watch, init};
        let queue = init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
        let what = WatchFlags::CREATE
            | WatchFlags::MOVED_TO
            | WatchFlags::MOVED_FROM
            | WatchFlags::DELETE
            | WatchFlags::DELETE_SELF
            | WatchFlags::MOVE_SELF
            | WatchFlags::ONLYDIR;
        add_watch(&queue, dir, what)?;
        Ok(Self { queue })
    }

    /// Takes all that has been told so far. `true`: something changed. Never waits.
    pub fn drain(&mut self) -> io::Result<bool> {
        let mut changed = false;
        let mut buffer = [0_u8; 4096];
        loop {
            match rustix::io::read(&self.queue, &mut buffer) {
                Ok(0) | Err(rustix::io::Errno::AGAIN) => return Ok(changed),
                Ok(_) => changed = true,
                Err(rustix::io::Errno::INTR) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
    }
}

#[cfg(not(target_os = "linux"))]
impl DirWatch {
    pub fn new(dir: &Path) -> io::Result<Self> {
        use rustix::event::kqueue::{Event, EventFilter, EventFlags, VnodeEvents, kevent, kqueue};
        use rustix::fs::{Mode, OFlags, open};
        use std::os::fd::AsRawFd;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let dir = open(dir, flags, Mode::empty())?;
        let queue = kqueue()?;
        let change = Event::new(
            EventFilter::Vnode {
                vnode: dir.as_raw_fd(),
                // A directory is written to when an entry comes, goes or is renamed.
                flags: VnodeEvents::WRITE | VnodeEvents::DELETE | VnodeEvents::RENAME,
            },
            EventFlags::ADD | EventFlags::CLEAR,
            std::ptr::null_mut(),
        );
        let mut none: [Event; 0] = [];
        // SAFETY: the directory stays open for as long as the queue.
        unsafe { kevent(&queue, &[change], &mut none, None) }?;
        Ok(Self { queue, _dir: dir })
    }

    /// Takes all that has been told so far. `true`: something changed. Never waits.
    pub fn drain(&mut self) -> io::Result<bool> {
        use rustix::event::kqueue::{Event, kevent};
        let mut told: Vec<Event> = Vec::with_capacity(4);
        let at_once = Some(Duration::ZERO);
        // SAFETY: as above.
        let taken = unsafe {
            kevent(
                &self.queue,
                &[],
                rustix::buffer::spare_capacity(&mut told),
                at_once,
            )
        };
        match taken {
            // One watch is told at most once.
            Ok(count) => Ok(count > 0),
            Err(rustix::io::Errno::INTR) => Ok(false),
            Err(errno) => Err(errno.into()),
        }
    }
}

#[cfg(test)]
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
