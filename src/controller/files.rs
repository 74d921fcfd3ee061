//! Tells the loop when something in the runtime directory was made or removed. Where the watch cannot be had, it
//! never does; SIGUSR1 does the same there.

use crate::workspace::watch::DirWatch;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// A watch on the runtime directory.
pub(super) struct FileWatch {
    watch: DirWatch,
    /// The watch's descriptor once more, for the runtime to wait on.
    handle: AsyncFd<OwnedFd>,
}

impl FileWatch {
    /// On the runtime. `None` where the watch cannot be had: then a removed socket is a matter of SIGUSR1.
    pub(super) fn new(dir: &Path) -> Option<Self> {
        let watch = DirWatch::new(dir).ok()?;
        let handle = watch.as_fd().try_clone_to_owned().ok()?;
        // SAFETY: the descriptor is owned by the `AsyncFd`, so it stays open and the same while registered.
        let handle = unsafe { AsyncFd::register_with_interest(handle, Interest::READABLE) }.ok()?;
        Some(Self { watch, handle })
    }

    /// Returns when something changed; false if the watch is of no use any more.
    async fn changed(&mut self) -> bool {
        loop {
            let Ok(mut ready) = self.handle.readable().await else {
                return false;
            };
            ready.clear_ready();
            match self.watch.drain() {
                Ok(true) => return true,
                Ok(false) => {}
                Err(_) => return false,
            }
        }
    }
}

/// Which directory is found at this path.
pub(super) fn identity(dir: &Path) -> Option<(u64, u64)> {
    let found = std::fs::metadata(dir).ok()?;
    Some((found.dev(), found.ino()))
}

/// Lets go of the watch. The system takes milliseconds for that, so it has a thread of its own, and its time is
/// that in which tmux ends.
pub(super) fn give_up(files: &mut Option<FileWatch>) {
    if let Some(watch) = files.take() {
        // Without a thread it is closed here, a little later.
        drop(std::thread::Builder::new().spawn(move || drop(watch)));
    }
}

/// Waits for a change; for ever where nothing can be watched.
pub(super) async fn changed(files: &mut Option<FileWatch>) {
    if let Some(watch) = files {
        if watch.changed().await {
            return;
        }
        *files = None;
    }
    std::future::pending::<()>().await;
}
