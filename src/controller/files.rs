//! Tells the loop when something in the runtime directory was made or removed. Where the watch cannot be had, it
//! never does; SIGUSR1 does the same there.

use crate::api::token::Token;
use crate::workspace::watch::{DirWatch, Told};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// What the loop hears of the runtime directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FileNews {
    Changed,
    /// The directory that was watched is gone.
    Gone,
}

/// What the upkeep of the runtime directory needs to know.
#[derive(Default)]
pub(super) struct Upkeep {
    pub(super) watched: Watched,
    /// The watch of a directory that has taken another one's place, for the loop.
    pub(super) new_watch: Option<FileWatch>,
    /// `session.json` could not be written (a full disk): each try is a change of the directory, which would call for
    /// the next one.
    pub(super) cannot_write: bool,
    /// Of a session that is served on TCP.
    pub(super) token: Option<Token>,
}

/// Which directory is watched for what happens to the runtime directory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Watched {
    /// None yet, or one that is gone.
    #[default]
    Nothing,
    /// The one with this device and number.
    Directory(u64, u64),
    /// A watch cannot be had.
    Never,
}

impl Watched {
    /// Sees to it that the directory at this path is watched. Another watch than before, if it took one: whatever
    /// happened before that is not told.
    pub(super) fn turn_to(&mut self, dir: &Path) -> Option<FileWatch> {
        let found = identity(dir);
        if *self == Self::Never || (*self == found && found != Self::Nothing) {
            return None;
        }
        match FileWatch::new(dir) {
            // Should it have been replaced since it was looked at, it is not the one that is found next time.
            Ok(watch) => {
                *self = found;
                Some(watch)
            }
            Err(error) if is_away(&error) => {
                *self = Self::Nothing;
                None
            }
            Err(_) => {
                *self = Self::Never;
                None
            }
        }
    }
}

fn is_away(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

/// A watch on the runtime directory.
pub(super) struct FileWatch {
    watch: DirWatch,
    /// The watch's descriptor once more, for the runtime to wait on.
    handle: AsyncFd<OwnedFd>,
}

impl FileWatch {
    /// On the runtime. Where it cannot be had, a removed socket is a matter of SIGUSR1.
    fn new(dir: &Path) -> io::Result<Self> {
        let watch = DirWatch::new(dir)?;
        let handle = watch.as_fd().try_clone_to_owned()?;
        // SAFETY: the descriptor is owned by the `AsyncFd`, so it stays open and the same while registered.
        let handle = unsafe { AsyncFd::register_with_interest(handle, Interest::READABLE) }
            .map_err(|refused| refused.into_parts().1)?;
        Ok(Self { watch, handle })
    }

    /// Returns when something changed; `None` if the watch is of no use any more.
    async fn news(&mut self) -> Option<FileNews> {
        loop {
            let mut ready = self.handle.readable().await.ok()?;
            ready.clear_ready();
            match self.watch.drain().ok()? {
                Told::Nothing => {}
                Told::Change => return Some(FileNews::Changed),
                Told::Gone => return Some(FileNews::Gone),
            }
        }
    }
}

/// Which directory is found at this path.
fn identity(dir: &Path) -> Watched {
    std::fs::metadata(dir).map_or(Watched::Nothing, |found| {
        Watched::Directory(found.dev(), found.ino())
    })
}

/// Lets go of the watch. The system takes milliseconds for that, so it has a thread of its own, and its time is
/// that in which tmux ends.
pub(super) fn give_up(files: &mut Option<FileWatch>) {
    if let Some(watch) = files.take() {
        // Without a thread it is closed here, a little later.
        drop(std::thread::Builder::new().spawn(move || drop(watch)));
    }
}

/// Waits for news; for ever where nothing can be watched.
pub(super) async fn news(files: &mut Option<FileWatch>) -> FileNews {
    if let Some(watch) = files {
        let news = watch.news().await;
        if news != Some(FileNews::Changed) {
            *files = None;
        }
        if let Some(news) = news {
            return news;
        }
    }
    std::future::pending().await
}

#[cfg(test)]
mod tests {
    use super::{FileNews, Watched, news};
    use std::fs;

    #[tokio::test]
    async fn a_directory_that_is_away_is_watched_as_soon_as_it_is_back() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("run");
        let mut watched = Watched::Nothing;
        assert!(watched.turn_to(&path).is_none());
        assert_eq!(watched, Watched::Nothing);
        fs::create_dir(&path).unwrap();
        let mut files = watched.turn_to(&path);
        assert!(files.is_some() && watched.turn_to(&path).is_none());
        fs::write(path.join("lock"), "").unwrap();
        assert_eq!(news(&mut files).await, FileNews::Changed);
        fs::remove_dir_all(&path).unwrap();
        assert_eq!(news(&mut files).await, FileNews::Gone);
        assert!(files.is_none() && watched.turn_to(&path).is_none());
        assert_eq!(watched, Watched::Nothing);
    }

    #[tokio::test]
    async fn another_directory_at_the_same_path_is_watched_in_place_of_the_one_before() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("run");
        fs::create_dir(&path).unwrap();
        let mut watched = Watched::Nothing;
        let _before = watched.turn_to(&path);
        // Nothing in the directory changes by that, as when a file system is unmounted.
        fs::rename(&path, dir.path().join("away")).unwrap();
        fs::create_dir(&path).unwrap();
        let mut files = watched.turn_to(&path);
        fs::write(path.join("lock"), "").unwrap();
        assert_eq!(news(&mut files).await, FileNews::Changed);
    }
}
