//! What the system tells of directories: which entries appeared, were written or went away. On Linux inotify
//! itself, one watch for each directory that matters; elsewhere whole trees, by `notify`. It judges nothing.

use std::path::PathBuf;

/// What was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// A file was written, created, moved here or removed. Changes of its rights alone are never told.
    File(PathBuf),
    /// A directory was made, or moved here.
    Directory(PathBuf),
    /// A directory went away; `moved`: with all that is in it, of which nothing else is told.
    DirectoryGone { path: PathBuf, moved: bool },
    /// Too much happened to be told: anything may have changed.
    Lost,
}

/// Why a directory is not watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// The system's limit on watches.
    Limit,
    /// It is gone, or not ours to read.
    Unreadable,
}

#[cfg(target_os = "linux")]
mod system {
    use super::{Refused, Seen};
    use rustix::event::{PollFd, PollFlags, poll};
    use rustix::fs::inotify::{CreateFlags, ReadFlags, Reader, WatchFlags, add_watch, init, remove_watch};
    use rustix::io::Errno;
    use std::collections::BTreeMap;
    use std::ffi::OsStr;
    use std::io;
    use std::mem::MaybeUninit;
    use std::os::fd::OwnedFd;
    use std::os::unix::ffi::OsStrExt;
    use std::path::{Path, PathBuf};

    /// A file counts when its writer closes it: not for each write of a long one, nor for being read.
    fn interest() -> WatchFlags {
        WatchFlags::CREATE
            | WatchFlags::CLOSE_WRITE
            | WatchFlags::DELETE
            | WatchFlags::MOVED_FROM
            | WatchFlags::MOVED_TO
            | WatchFlags::EXCL_UNLINK
            | WatchFlags::ONLYDIR
    }

    #[derive(Debug)]
    pub(in super::super) struct Source {
        inotify: OwnedFd,
        /// Readable when nobody wants to hear any more.
        closed: OwnedFd,
        by_path: BTreeMap<PathBuf, i32>,
        by_watch: BTreeMap<i32, PathBuf>,
    }

    /// Ends the waiting of its source when it is dropped.
    #[derive(Debug)]
    pub(in super::super) struct Closer {
        _pipe: OwnedFd,
    }

    impl Source {
        pub(in super::super) fn new() -> io::Result<(Self, Closer)> {
            let inotify = init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
            let (closed, pipe) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)?;
            let source = Self {
                inotify,
                closed,
                by_path: BTreeMap::new(),
                by_watch: BTreeMap::new(),
            };
            Ok((source, Closer { _pipe: pipe }))
        }

        pub(in super::super) fn add(&mut self, dir: &Path) -> Result<(), Refused> {
            if self.by_path.contains_key(dir) {
                return Ok(());
            }
            let watch = add_watch(&self.inotify, dir, interest()).map_err(|errno| match errno {
                Errno::NOSPC | Errno::NOMEM => Refused::Limit,
                _ => Refused::Unreadable,
            })?;
            // The same directory under another name: the last name counts.
            if let Some(old) = self.by_watch.insert(watch, dir.to_owned()) {
                self.by_path.remove(&old);
            }
            self.by_path.insert(dir.to_owned(), watch);
            Ok(())
        }

        pub(in super::super) fn remove(&mut self, dir: &Path) {
            if let Some(watch) = self.by_path.remove(dir) {
                self.by_watch.remove(&watch);
                // A removed directory has lost its watch already.
                remove_watch(&self.inotify, watch).ok();
            }
        }

        /// Waits for something to happen, and gives all of it; `None` when it is closed.
        pub(in super::super) fn next(&mut self) -> Option<Vec<Seen>> {
            loop {
                let mut ready = [
                    PollFd::new(&self.inotify, PollFlags::IN),
                    PollFd::new(&self.closed, PollFlags::IN),
                ];
                match poll(&mut ready, None) {
                    Ok(_) => {}
                    Err(Errno::INTR) => continue,
                    Err(_) => return None,
                }
                if !ready[1].revents().is_empty() {
                    return None;
                }
                let seen = self.drain();
                if !seen.is_empty() {
                    return Some(seen);
                }
            }
        }

        fn drain(&mut self) -> Vec<Seen> {
            let mut buffer = [MaybeUninit::uninit(); 16 * 1024];
            let mut reader = Reader::new(&self.inotify, &mut buffer);
            let mut seen = Vec::new();
            while let Ok(event) = reader.next() {
                let flags = event.events();
                if flags.contains(ReadFlags::QUEUE_OVERFLOW) {
                    seen.push(Seen::Lost);
                } else if flags.contains(ReadFlags::IGNORED) {
                    if let Some(path) = self.by_watch.remove(&event.wd()) {
                        self.by_path.remove(&path);
                    }
                } else if let (Some(dir), Some(name)) = (self.by_watch.get(&event.wd()), event.file_name()) {
                    let path = dir.join(OsStr::from_bytes(name.to_bytes()));
                    seen.push(what(path, flags));
                }
            }
            seen
        }
    }

    fn what(path: PathBuf, flags: ReadFlags) -> Seen {
        if !flags.contains(ReadFlags::ISDIR) {
            Seen::File(path)
        } else if flags.intersects(ReadFlags::CREATE | ReadFlags::MOVED_TO) {
            Seen::Directory(path)
        } else {
            let moved = flags.contains(ReadFlags::MOVED_FROM);
            Seen::DirectoryGone { path, moved }
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use super::{Refused, Seen};
    use notify::event::{EventKind, ModifyKind};
    use notify::{RecommendedWatcher, RecursiveMode, Watcher};
    use std::io;
    use std::path::{Path, PathBuf};
    use std::sync::mpsc;

    type Told = Option<notify::Result<notify::Event>>;

    pub(in super::super) struct Source {
        watcher: RecommendedWatcher,
        told: mpsc::Receiver<Told>,
        roots: Vec<PathBuf>,
    }

    /// Ends the waiting of its source when it is dropped.
    #[derive(Debug)]
    pub(in super::super) struct Closer(mpsc::Sender<Told>);

    impl Drop for Closer {
        fn drop(&mut self) {
            // It may have ended by itself.
            self.0.send(None).ok();
        }
    }

    impl Source {
        pub(in super::super) fn new() -> io::Result<(Self, Closer)> {
            let (tell, told) = mpsc::channel();
            let closer = Closer(tell.clone());
            let watcher = notify::recommended_watcher(move |event| {
                // Nobody listens any more when the session is over.
                tell.send(Some(event)).ok();
            })
            .map_err(io::Error::other)?;
            let source = Self {
                watcher,
                told,
                roots: Vec::new(),
            };
            Ok((source, closer))
        }

        /// A tree that is watched from further up is not watched again.
        pub(in super::super) fn add(&mut self, dir: &Path) -> Result<(), Refused> {
            if self.roots.iter().any(|root| dir.starts_with(root)) {
                return Ok(());
            }
            match self.watcher.watch(dir, RecursiveMode::Recursive) {
                Ok(()) => {
                    self.roots.push(dir.to_owned());
                    Ok(())
                }
                Err(error) => Err(match error.kind {
                    notify::ErrorKind::MaxFilesWatch => Refused::Limit,
                    _ => Refused::Unreadable,
                }),
            }
        }

        pub(in super::super) fn remove(&mut self, dir: &Path) {
            if let Some(index) = self.roots.iter().position(|root| root == dir) {
                self.roots.swap_remove(index);
                // It may have gone by itself.
                self.watcher.unwatch(dir).ok();
            }
        }

        pub(in super::super) fn next(&mut self) -> Option<Vec<Seen>> {
            loop {
                let seen = match self.told.recv().ok()?? {
                    Ok(event) => what(event),
                    Err(_) => vec![Seen::Lost],
                };
                if !seen.is_empty() {
                    return Some(seen);
                }
            }
        }
    }

    /// A path that is no more may have been either, and may have moved away with all that is in it.
    fn at(path: PathBuf) -> Vec<Seen> {
        if path.is_dir() {
            return vec![Seen::Directory(path)];
        }
        let is_gone = path.symlink_metadata().is_err();
        let gone = is_gone.then(|| Seen::DirectoryGone {
            path: path.clone(),
            moved: true,
        });
        [Seen::File(path)].into_iter().chain(gone).collect()
    }

    fn what(event: notify::Event) -> Vec<Seen> {
        if event.need_rescan() {
            return vec![Seen::Lost];
        }
        match event.kind {
            EventKind::Access(_) | EventKind::Modify(ModifyKind::Metadata(_)) => Vec::new(),
            EventKind::Any
            | EventKind::Create(_)
            | EventKind::Modify(_)
            | EventKind::Remove(_)
            | EventKind::Other => event.paths.into_iter().flat_map(at).collect(),
        }
    }
}

pub(super) use system::{Closer, Source};
