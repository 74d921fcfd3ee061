//! Notices files that come or go in a runtime directory, without polling: by inotify on Linux, by kqueue on macOS.

use rustix::event::{PollFd, PollFlags, poll};
use std::io;
#[cfg(target_os = "linux")]
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::time::Duration;

/// What a watch has told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    Nothing,
    /// A file was made, moved or removed.
    Change,
    /// The directory itself is gone, and with it the watch. One that has its name, and even its number, is another.
    Gone,
}

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

    /// Takes all that has been told so far. Never waits.
    pub fn drain(&mut self) -> io::Result<Told> {
        use rustix::fs::inotify::{ReadFlags, Reader};
        use rustix::io::Errno;
        let mut told = Told::Nothing;
        let mut buffer = [MaybeUninit::uninit(); 4096];
        let mut reader = Reader::new(&self.queue, &mut buffer);
        loop {
            match reader.next() {
                Ok(event) if event.events().contains(ReadFlags::IGNORED) => told = Told::Gone,
                Ok(_) if told == Told::Nothing => told = Told::Change,
                Ok(_) | Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return Ok(told),
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

    /// Takes all that has been told so far. Never waits.
    pub fn drain(&mut self) -> io::Result<Told> {
        use rustix::event::kqueue::{Event, EventFilter, VnodeEvents, kevent};
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
            Ok(0) | Err(rustix::io::Errno::INTR) => Ok(Told::Nothing),
            // One watch is told at most once, of all that happened to it.
            Ok(_) => {
                let is_gone = told.iter().any(|event| match event.filter() {
                    EventFilter::Vnode { flags, .. } => flags.contains(VnodeEvents::DELETE),
                    _ => false,
                });
                Ok(if is_gone { Told::Gone } else { Told::Change })
            }
            Err(errno) => Err(errno.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{DirWatch, Told};
    use std::fs;
    use std::time::Duration;

    #[test]
    fn what_comes_and_goes_is_told_once() {
        let dir = tempfile::tempdir().unwrap();
        let mut watch = DirWatch::new(dir.path()).unwrap();
        assert_eq!(watch.drain().unwrap(), Told::Nothing);
        fs::write(dir.path().join("a"), "").unwrap();
        assert_eq!(watch.drain().unwrap(), Told::Change);
        assert_eq!(watch.drain().unwrap(), Told::Nothing);
        fs::remove_file(dir.path().join("a")).unwrap();
        watch.wait(Duration::from_secs(20)).unwrap();
        assert_eq!(watch.drain().unwrap(), Told::Nothing);
    }

    #[test]
    fn that_the_directory_is_gone_is_told_whatever_has_its_name_by_then() {
        let dir = tempfile::tempdir().unwrap();
        let watched = dir.path().join("watched");
        fs::create_dir(&watched).unwrap();
        let mut watch = DirWatch::new(&watched).unwrap();
        fs::write(watched.join("a"), "").unwrap();
        fs::remove_dir_all(&watched).unwrap();
        // Some file systems give it the number of the old one.
        fs::create_dir(&watched).unwrap();
        assert_eq!(watch.drain().unwrap(), Told::Gone);
    }
}
