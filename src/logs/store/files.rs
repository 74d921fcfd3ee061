//! Appending to the file of an instance, which is turned over when it is full. Knows nothing of what a line is but
//! where it ends; which files there are is `listing.rs`'s.

use super::bound::Keep;
use super::listing::{current_path, full_path, next_number, packed_path, segments};
use rustix::fs::{FlockOperation, flock};
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Logs may hold what a service should not have printed: they are for their owner alone.
const MODE: u32 = 0o600;

/// Appends to an instance's file.
#[derive(Debug)]
pub(super) struct Appender {
    dir: PathBuf,
    instance: String,
    keep: Keep,
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    file: File,
    inode: u64,
    size: u64,
    /// The last byte written is no line end: a full disk has cut a line.
    cut: bool,
}

/// What an append that failed has achieved.
#[derive(Debug)]
pub(super) struct Failed {
    /// So many bytes of the text are in the file all the same.
    pub(super) written: usize,
    pub(super) error: io::Error,
}

impl Appender {
    pub(super) fn new(dir: PathBuf, instance: String, keep: Keep) -> Self {
        Self {
            dir,
            instance,
            keep,
            open: None,
        }
    }

    /// Whose lines it appends.
    pub(super) fn instance(&self) -> &str {
        &self.instance
    }

    /// Appends whole lines. Returns the file that has become full by what was there before, if one has.
    pub(super) fn append(&mut self, lines: &[u8]) -> Result<Option<PathBuf>, Failed> {
        let failed = |error| Failed { written: 0, error };
        let mut full = None;
        if self.current().map_err(failed)?.size >= self.keep.segment {
            full = self.rotate().map_err(failed)?;
        }
        let open = self.current().map_err(failed)?;
        if open.cut {
            open.file.write_all(b"\n").map_err(failed)?;
            open.size += 1;
            open.cut = false;
        }
        let mut written = 0;
        while written < lines.len() {
            match open.file.write(&lines[written..]) {
                Ok(0) => {
                    let error = ErrorKind::WriteZero.into();
                    return Err(Failed { written, error });
                }
                Ok(length) => {
                    written += length;
                    open.size += length as u64;
                    open.cut = lines[written - 1] != b'\n';
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(Failed { written, error }),
            }
        }
        Ok(full)
    }

    /// The open file, which is the one that the path names: another program may have moved or removed it.
    fn current(&mut self) -> io::Result<&mut Open> {
        let path = current_path(&self.dir, &self.instance);
        let there = fs::metadata(&path).ok().map(|found| found.ino());
        if self.open.as_ref().is_none_or(|open| there != Some(open.inode)) {
            self.open = Some(open(&path, &self.dir)?);
        }
        Ok(self.open.as_mut().expect("opened above"))
    }

    fn rotate(&mut self) -> io::Result<Option<PathBuf>> {
        let known = segments(&self.dir, &self.instance)?;
        let numbers: Vec<u64> = known.iter().filter_map(|segment| segment.number).collect();
        let next = next_number(numbers.last().copied());
        // The one that is about to be full counts as well.
        let surplus = (numbers.len() + 1).saturating_sub(self.keep.segments);
        for number in &numbers[..surplus] {
            for path in [self.full_path(*number), packed_path(&self.full_path(*number))] {
                remove_if_there(&path)?;
            }
        }
        self.open = None;
        let full = self.full_path(next);
        match fs::rename(current_path(&self.dir, &self.instance), &full) {
            Ok(()) => Ok(Some(full)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn full_path(&self, number: u64) -> PathBuf {
        full_path(&self.dir, &self.instance, number)
    }
}

pub(super) fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn open(path: &Path, dir: &Path) -> io::Result<Open> {
    let options = || {
        let mut options = OpenOptions::new();
        options.append(true).create(true).read(true).mode(MODE);
        options
    };
    let file = match options().open(path) {
        // Somebody has cleaned up below us.
        Err(error) if error.kind() == ErrorKind::NotFound => {
            fs::create_dir_all(dir)?;
            options().open(path)?
        }
        file => file?,
    };
    // Says to the sessions of other projects that it is written to. Where the system has no such lock, they cannot tell.
    flock(&file, FlockOperation::NonBlockingLockShared).unwrap_or_default();
    let found = file.metadata()?;
    Ok(Open {
        inode: found.ino(),
        size: found.len(),
        cut: ends_within_a_line(&file, found.len())?,
        file,
    })
}

fn ends_within_a_line(file: &File, size: u64) -> io::Result<bool> {
    let mut last = [b'\n'];
    if let Some(at) = size.checked_sub(1) {
        std::os::unix::fs::FileExt::read_exact_at(file, &mut last, at)?;
    }
    Ok(last != *b"\n")
}

#[cfg(test)]
mod tests {
    use super::Appender;
    use crate::logs::store::bound::Keep;
    use crate::logs::store::listing::{current_path, instances, packed_path, segments};
    use crate::logs::store::merge::{Lines, Reading};
    use crate::logs::store::tail::last_lines;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use std::fs;
    use std::io::Write;
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    fn appender(dir: &Path, segment: u64, count: usize) -> Appender {
        let keep = Keep {
            segment,
            segments: count,
            ..Keep::for_instances(1)
        };
        Appender::new(dir.to_owned(), "web".into(), keep)
    }

    fn names(dir: &Path) -> Vec<String> {
        let segments = segments(dir, "web").unwrap();
        let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
        segments.iter().map(|segment| name(&segment.path)).collect()
    }

    #[test]
    fn a_full_file_is_put_aside_and_the_oldest_go() {
        let dir = tempfile::tempdir().unwrap();
        let mut appender = appender(dir.path(), 10, 2);
        for number in 0..8 {
            appender.append(format!("line {number}\n").as_bytes()).unwrap();
        }
        assert_eq!(names(dir.path()), ["web~000002.log", "web~000003.log", "web.log"]);
        let text = |name: &str| fs::read_to_string(dir.path().join(name)).unwrap();
        assert_eq!(text("web~000003.log"), "line 4\nline 5\n");
        assert_eq!(text("web.log"), "line 6\nline 7\n");
    }

    #[test]
    fn what_is_turned_over_or_packed_between_a_look_and_the_reading_is_read_all_the_same() {
        let dir = tempfile::tempdir().unwrap();
        let mut appender = appender(dir.path(), 10, 3);
        for line in ["one 45678\n", "two 45678\n"] {
            appender.append(line.as_bytes()).unwrap();
        }
        let listed = segments(dir.path(), "web").unwrap();
        for line in ["three 678\n", "four 5678\n"] {
            appender.append(line.as_bytes()).unwrap();
        }
        let first = dir.path().join("web~000001.log");
        let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
        packed.write_all(&fs::read(&first).unwrap()).unwrap();
        fs::write(packed_path(&first), packed.finish().unwrap()).unwrap();
        fs::remove_file(first).unwrap();
        let texts = |lines: Vec<Vec<u8>>| lines.into_iter().map(|line| String::from_utf8(line).unwrap());
        for hold in [true, false] {
            let read = Reading::of(listed.clone(), hold).unwrap().lines();
            assert_eq!(texts_of(read), ["one 45678", "two 45678"], "{hold}");
        }
        let last = texts(last_lines(&listed, 9).unwrap()).collect::<Vec<_>>();
        assert_eq!(last, ["one 45678", "two 45678"]);
        let now = last_lines(&segments(dir.path(), "web").unwrap(), 9).unwrap();
        assert_eq!(now.len(), 4);
    }

    fn texts_of(lines: Lines) -> Vec<String> {
        lines
            .map(|line| String::from_utf8(line.unwrap().text).unwrap())
            .collect()
    }

    #[test]
    fn a_reading_lacks_nothing_of_what_there_was_when_it_began_however_fast_files_are_turned_over() {
        let dir = tempfile::tempdir().unwrap();
        let mut appender = appender(dir.path(), 10, 2);
        let mut append = |numbers: std::ops::Range<u32>| {
            for number in numbers {
                appender.append(format!("line {number:04}\n").as_bytes()).unwrap();
            }
        };
        append(0..6);
        let reading = Reading::of(segments(dir.path(), "web").unwrap(), true).unwrap();
        append(6..20);
        let expected = texts_of(reading.again().unwrap().lines());
        assert_eq!(expected, texts_of(reading.again().unwrap().lines()));
        let numbers: Vec<u32> = expected.iter().map(|line| line[5..].parse().unwrap()).collect();
        assert!(
            numbers.windows(2).all(|pair| pair[1] == pair[0] + 1),
            "{numbers:?}"
        );
        assert!(numbers.contains(&5), "{numbers:?}");
    }

    #[test]
    fn a_file_that_was_moved_or_removed_is_made_anew_for_its_owner_alone() {
        let dir = tempfile::tempdir().unwrap();
        let logs = dir.path().join("a/b");
        let mut appender = appender(&logs, 1000, 2);
        let current = current_path(&logs, "web");
        appender.append(b"one\n").unwrap();
        fs::rename(&current, logs.join("elsewhere")).unwrap();
        appender.append(b"two\n").unwrap();
        assert_eq!(fs::read_to_string(&current).unwrap(), "two\n");
        assert_eq!(
            fs::metadata(&current).unwrap().permissions().mode() & 0o777,
            0o600
        );
        fs::remove_dir_all(&logs).unwrap();
        appender.append(b"three\n").unwrap();
        assert_eq!(fs::read_to_string(&current).unwrap(), "three\n");
    }

    #[test]
    fn a_line_that_was_cut_is_ended_before_the_next_one() {
        let dir = tempfile::tempdir().unwrap();
        let current = current_path(dir.path(), "web");
        fs::write(&current, "whole\ncu").unwrap();
        appender(dir.path(), 1000, 2).append(b"next\n").unwrap();
        assert_eq!(fs::read_to_string(current).unwrap(), "whole\ncu\nnext\n");
    }

    #[test]
    fn names_of_files_are_told_apart_whatever_services_are_called() {
        let dir = tempfile::tempdir().unwrap();
        for name in [
            "web.log",
            "web~000001.log",
            "web~000001.log.gz",
            "web~000002.log.gz",
            "web.000001.log",
            "web#2.log",
            "web.log.gz",
            "web~x.log",
            "other",
        ] {
            fs::write(dir.path().join(name), "").unwrap();
        }
        assert_eq!(
            names(dir.path()),
            ["web~000001.log", "web~000002.log.gz", "web.log"]
        );
        assert_eq!(instances(dir.path()).unwrap(), ["web", "web#2", "web.000001"]);
    }
}
