//! How much room the logs take: of one instance, of a project with all the services that it ever had, and of all
//! projects. What is too much goes oldest first; the files that a session is writing to stay. Removes files; knows
//! nothing of what is in them.

use super::files::remove_if_there;
use super::listing::{Segment, all, is_written};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// How much is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keep {
    /// A file of an instance that has this many bytes is full.
    pub segment: u64,
    /// So many full ones of an instance are kept.
    pub segments: usize,
    /// All files of the project, as they are on the disk; 0 for none at all.
    pub project: u64,
    /// All files of all projects.
    pub everything: Option<Everything>,
}

/// The directory that holds all projects' directories, and what it may hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Everything {
    pub dir: PathBuf,
    pub bytes: u64,
}

impl Keep {
    /// What a project's files may take where nobody says anything else.
    pub const PROJECT: u64 = 512 * 1024 * 1024;
    const SEGMENT: u64 = 10 * 1024 * 1024;
    const SMALLEST: u64 = 128 * 1024;
    const SEGMENTS: usize = 4;

    /// For a session of so many instances: 10 MiB a file, less where there are many.
    pub fn for_instances(count: usize) -> Self {
        Self::within(Self::PROJECT, count)
    }

    /// The same for a project whose files may take so many bytes.
    pub fn within(project: u64, count: usize) -> Self {
        let files = (count.max(1) as u64).saturating_mul(Self::SEGMENTS as u64 + 1);
        let room = project - slack(project);
        Self {
            segment: (room / files).clamp(Self::SMALLEST, Self::SEGMENT),
            segments: Self::SEGMENTS,
            project,
            everything: None,
        }
    }

    /// Our own files are not written at all.
    pub(super) fn is_nothing(&self) -> bool {
        self.project == 0
    }

    /// Keeps a bound on all projects too, whose directories are in `dir`: four times as much as this one's.
    #[must_use]
    pub fn among(mut self, dir: &Path) -> Self {
        self.everything = Some(Everything {
            dir: dir.to_owned(),
            bytes: self.project.saturating_mul(4),
        });
        self
    }
}

/// Between two looks at what is there, so much of a bound may be written; that much less is left each time.
fn slack(bound: u64) -> u64 {
    bound / 16
}

/// Looks now and then at how much there is. Once a session, and then by how much was written: a look costs a look
/// at every file.
#[derive(Debug)]
pub(super) struct Sweeper {
    dir: PathBuf,
    keep: Keep,
    written: u64,
    /// The session has written something, and nobody has looked at what there was before.
    pub(super) is_new: bool,
}

#[derive(Debug)]
struct Found {
    path: PathBuf,
    bytes: u64,
    written: SystemTime,
}

impl Sweeper {
    pub(super) fn new(dir: PathBuf, keep: Keep) -> Self {
        Self {
            dir,
            keep,
            written: 0,
            is_new: false,
        }
    }

    /// So many bytes were written. True if it is time to look.
    pub(super) fn wrote(&mut self, bytes: usize) -> bool {
        self.is_new |= self.written == 0;
        self.written += bytes as u64;
        self.written > slack(self.keep.project)
    }

    /// Removes what is too much. `is_written` knows the instances whose newest file has to stay.
    ///
    /// # Errors
    /// The directory cannot be read, or a file that must go does not. What is too much then stays.
    pub(super) fn sweep(&mut self, is_written: impl Fn(&str) -> bool) -> io::Result<()> {
        // Not zero: what comes next is no longer the beginning.
        self.written = 1;
        self.is_new = false;
        let stays = |instance: &str, segment: &Segment| segment.number.is_none() && is_written(instance);
        let (total, own) = files_in(&self.dir, stays)?;
        let left = remove_oldest(own, total, self.keep.project - slack(self.keep.project))?;
        match &self.keep.everything {
            Some(everything) => self.sweep_neighbours(everything, left),
            None => Ok(()),
        }
    }

    /// Removes what other projects have left, oldest first, but no file that a session of theirs is writing to.
    fn sweep_neighbours(&self, everything: &Everything, own: u64) -> io::Result<()> {
        let mut others = Vec::new();
        let mut total = own;
        let mut dirs = Vec::new();
        for entry in fs::read_dir(&everything.dir)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() && entry.path() != self.dir {
                let stays =
                    |_: &str, segment: &Segment| segment.number.is_none() && is_written(&segment.path);
                let (bytes, files) = files_in(&entry.path(), stays)?;
                total += bytes;
                others.extend(files);
                dirs.push(entry.path());
            }
        }
        if total <= everything.bytes {
            return Ok(());
        }
        remove_oldest(others, total, everything.bytes - slack(everything.bytes))?;
        for dir in dirs {
            // One that still holds something stays.
            fs::remove_dir(dir).unwrap_or_default();
        }
        Ok(())
    }
}

/// How many bytes the log files of a directory have, and those that may go.
fn files_in(dir: &Path, stays: impl Fn(&str, &Segment) -> bool) -> io::Result<(u64, Vec<Found>)> {
    let mut total = 0;
    let mut found = Vec::new();
    for (instance, segment) in all(dir)? {
        // Turned over or packed since the directory was read: counted the next time.
        let Ok(meta) = fs::symlink_metadata(&segment.path) else {
            continue;
        };
        total += meta.len();
        if !stays(&instance, &segment) {
            found.push(Found {
                written: meta.modified().unwrap_or(SystemTime::UNIX_EPOCH),
                bytes: meta.len(),
                path: segment.path,
            });
        }
    }
    Ok((total, found))
}

/// Removes files, oldest first, until no more than `bound` bytes of `total` are left. Returns how many are.
fn remove_oldest(mut files: Vec<Found>, total: u64, bound: u64) -> io::Result<u64> {
    let mut left = total;
    files.sort_by(|a, b| (a.written, &a.path).cmp(&(b.written, &b.path)));
    for file in files {
        if left <= bound {
            break;
        }
        remove_if_there(&file.path)?;
        left = left.saturating_sub(file.bytes);
    }
    Ok(left)
}

#[cfg(test)]
mod tests {
    use super::{Everything, Keep, Sweeper};
    use crate::logs::store::files::Appender;
    use std::fs::{self, File};
    use std::path::Path;
    use std::time::{Duration, SystemTime};

    /// A file with so many bytes, written so many hours ago.
    fn file(path: &Path, bytes: usize, hours: u64) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, vec![b'x'; bytes]).unwrap();
        let written = SystemTime::now() - Duration::from_secs(hours * 3600);
        File::options()
            .write(true)
            .open(path)
            .unwrap()
            .set_modified(written)
            .unwrap();
    }

    fn bytes_in(dir: &Path) -> u64 {
        let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap());
        entries.map(|entry| entry.metadata().unwrap().len()).sum()
    }

    fn sweeper(dir: &Path, project: u64, everything: Option<Everything>) -> Sweeper {
        let keep = Keep {
            project,
            everything,
            ..Keep::for_instances(2)
        };
        Sweeper::new(dir.to_owned(), keep)
    }

    #[test]
    fn many_instances_have_smaller_files() {
        assert_eq!(Keep::for_instances(4).segment, 10 * 1024 * 1024);
        assert!(Keep::for_instances(300).segment * 300 * 5 <= 512 * 1024 * 1024);
    }

    #[test]
    fn files_of_hundreds_of_removed_services_count_and_the_oldest_go() {
        let dir = tempfile::tempdir().unwrap();
        for number in 0..300 {
            file(&dir.path().join(format!("old-{number}.log")), 100, 300 - number);
            file(
                &dir.path().join(format!("old-{number}~000001.log.gz")),
                100,
                600 - number,
            );
        }
        file(&dir.path().join("web.log"), 5000, 1000);
        fs::write(dir.path().join("notes.txt"), "somebody's own").unwrap();
        let mut sweeper = sweeper(dir.path(), 16_000, None);
        sweeper.sweep(|instance| instance == "web").unwrap();
        assert!(bytes_in(dir.path()) <= 16_000);
        assert!(
            bytes_in(dir.path()) > 14_000,
            "no more goes than has to: {}",
            bytes_in(dir.path())
        );
        for (name, is_there) in [
            ("web.log", true),
            ("notes.txt", true),
            ("old-299.log", true),
            ("old-299~000001.log.gz", false),
            ("old-0.log", false),
        ] {
            assert_eq!(dir.path().join(name).exists(), is_there, "{name}");
        }
    }

    #[test]
    fn what_fits_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        file(&dir.path().join("gone.log"), 900, 5000);
        sweeper(dir.path(), 1000, None).sweep(|_| false).unwrap();
        assert_eq!(bytes_in(dir.path()), 900);
    }

    #[test]
    fn projects_of_the_past_make_room_and_leave_no_empty_directory() {
        let logs = tempfile::tempdir().unwrap();
        let own = logs.path().join("shop-1");
        file(&own.join("web.log"), 3000, 9000);
        file(&logs.path().join("old-2/web.log"), 3000, 500);
        file(&logs.path().join("recent-3/web.log"), 3000, 5);
        file(&logs.path().join("recent-3/web~000001.log.gz"), 3000, 400);
        let everything = Everything {
            dir: logs.path().to_owned(),
            bytes: 8000,
        };
        sweeper(&own, 10_000, Some(everything))
            .sweep(|instance| instance == "web")
            .unwrap();
        assert!(own.join("web.log").exists());
        assert!(!logs.path().join("old-2").exists());
        assert!(logs.path().join("recent-3/web.log").exists());
        assert!(!logs.path().join("recent-3/web~000001.log.gz").exists());
    }

    #[test]
    fn what_the_session_of_another_project_writes_to_stays_however_old_it_is() {
        let logs = tempfile::tempdir().unwrap();
        let theirs = logs.path().join("theirs-1");
        let mut appender = Appender::new(theirs.clone(), "web".into(), Keep::for_instances(1));
        appender.append(b"a line\n").unwrap();
        file(&theirs.join("gone.log"), 3000, 500);
        let own = logs.path().join("own-2");
        file(&own.join("web.log"), 3000, 0);
        let everything = Everything {
            dir: logs.path().to_owned(),
            bytes: 1,
        };
        let sweep = || {
            let everything = Some(everything.clone());
            sweeper(&own, 10_000, everything).sweep(|_| true).unwrap();
            (theirs.join("web.log").exists(), theirs.join("gone.log").exists())
        };
        assert_eq!(sweep(), (true, false));
        drop(appender);
        assert_eq!(sweep(), (false, false));
    }

    #[test]
    fn a_look_is_due_when_a_part_of_the_bound_was_written() {
        let dir = tempfile::tempdir().unwrap();
        let mut sweeper = sweeper(dir.path(), 1600, None);
        assert!(!sweeper.is_new);
        assert!(!sweeper.wrote(60));
        assert!(sweeper.is_new);
        assert!(sweeper.wrote(60));
        sweeper.sweep(|_| false).unwrap();
        assert!(!sweeper.wrote(60) && !sweeper.is_new);
    }
}
