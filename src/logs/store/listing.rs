//! Which files there are of an instance: the one that is written to, `web.log`, and the full ones before it,
//! `web~000012.log`, later `web~000012.log.gz`. Names, order, and opening what was listed; nothing is changed here.

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// A file with lines of an instance.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Segment {
    /// `None`: the one that is written to, which is the newest.
    pub number: Option<u64>,
    pub path: PathBuf,
    /// Of the one that is written to.
    listed: Option<Listed>,
}

/// Which file the one that is written to was when the directory was read: before it is opened it may be turned over.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Listed {
    inode: u64,
    /// Where it goes then.
    aside: PathBuf,
}

impl Segment {
    pub(super) fn is_packed(&self) -> bool {
        is_packed(&self.path)
    }

    /// Opens the file that was listed, whatever has become of its name, and says whether it is compressed.
    pub(super) fn open(&self) -> io::Result<(File, bool)> {
        let Some(listed) = &self.listed else {
            return open_full(&self.path);
        };
        let current = File::open(&self.path);
        let is_listed = |file: &File| file.metadata().is_ok_and(|found| found.ino() == listed.inode);
        if current.as_ref().is_ok_and(is_listed) {
            return Ok((current?, false));
        }
        match open_full(&listed.aside) {
            // Somebody else has moved or removed it.
            Err(error) if error.kind() == ErrorKind::NotFound => Ok((current?, false)),
            aside => aside,
        }
    }
}

fn is_packed(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "gz")
}

/// A full file may have been compressed since the directory was read.
fn open_full(path: &Path) -> io::Result<(File, bool)> {
    if is_packed(path) {
        return Ok((File::open(path)?, true));
    }
    match File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok((File::open(packed_path(path))?, true)),
        file => Ok((file?, false)),
    }
}

/// The file that an instance's lines are written to.
pub fn current_path(dir: &Path, instance: &str) -> PathBuf {
    dir.join(format!("{instance}.log"))
}

/// The files of an instance, oldest first. One that is there both packed and not is named once, unpacked.
pub fn segments(dir: &Path, instance: &str) -> io::Result<Vec<Segment>> {
    // Before the directory is read: what is turned over between the two is listed under both names otherwise.
    let current = fs::metadata(current_path(dir, instance)).ok();
    let mut found: Vec<Segment> = all(dir)?
        .into_iter()
        .filter(|(name, _)| name == instance)
        .map(|(_, segment)| segment)
        .collect();
    // `None` sorts before every number, but is the newest. `.log` sorts before `.log.gz`.
    found.sort_by(|a, b| {
        let order = |segment: &Segment| segment.number.unwrap_or(u64::MAX);
        (order(a), &a.path).cmp(&(order(b), &b.path))
    });
    found.dedup_by_key(|segment| segment.number);
    let last = found.iter().rev().find_map(|segment| segment.number);
    if let (Some(newest), Some(current)) = (found.last_mut(), current)
        && newest.number.is_none()
    {
        newest.listed = Some(Listed {
            inode: current.ino(),
            aside: full_path(dir, instance, next_number(last)),
        });
    }
    Ok(found)
}

/// The number of the file that is turned over next.
pub(super) fn next_number(last: Option<u64>) -> u64 {
    last.map_or(1, |last| last + 1)
}

pub(super) fn full_path(dir: &Path, instance: &str, number: u64) -> PathBuf {
    dir.join(format!("{instance}~{number:06}.log"))
}

/// The instances that have files here, each once, sorted by name.
pub fn instances(dir: &Path) -> io::Result<Vec<String>> {
    let mut names: Vec<String> = all(dir)?.into_iter().map(|(name, _)| name).collect();
    names.sort();
    names.dedup();
    Ok(names)
}

/// Whether a session writes to this file now, maybe that of another project.
pub(super) fn is_written(path: &Path) -> bool {
    let lock = |file: File| flock(&file, FlockOperation::NonBlockingLockExclusive);
    File::open(path).is_ok_and(|file| lock(file) == Err(Errno::WOULDBLOCK))
}

/// Every log file here, with its instance.
pub(super) fn all(dir: &Path) -> io::Result<Vec<(String, Segment)>> {
    let entries = match fs::read_dir(dir) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry?.path();
        let Some((instance, number)) = path.file_name().and_then(|name| parse(name.to_str()?)) else {
            continue;
        };
        let listed = None;
        found.push((instance.to_owned(), Segment { number, path, listed }));
    }
    Ok(found)
}

/// `web.log`, `web~000012.log` or `web~000012.log.gz`. No name of a service holds a tilde.
fn parse(file: &str) -> Option<(&str, Option<u64>)> {
    let (stem, packed) = match file.strip_suffix(".log.gz") {
        Some(stem) => (stem, true),
        None => (file.strip_suffix(".log")?, false),
    };
    match stem.rsplit_once('~') {
        Some((instance, number)) => Some((instance, Some(number.parse().ok()?))),
        None if packed => None,
        None => Some((stem, None)),
    }
}

/// Where a full file's compressed form goes.
pub(super) fn packed_path(full: &Path) -> PathBuf {
    let mut name = full.as_os_str().to_owned();
    name.push(".gz");
    PathBuf::from(name)
}
