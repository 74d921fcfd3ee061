//! Small files, read and written so that nobody ever sees half of one. No knowledge of what is in them.

use rustix::fs::Mode;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// No file of ours is larger; what is, is not ours.
const MAX_BYTES: u64 = 1 << 20;

/// Lets this process use what it makes: a umask that takes its owner's permissions away (`umask 777`) would close its
/// own sockets and directories to it. What concerns others stays as the caller has it.
pub fn keep_own_files_usable() {
    let asked = rustix::process::umask(Mode::RWXU | Mode::RWXG | Mode::RWXO);
    rustix::process::umask(asked - Mode::RWXU);
}

/// Replaces `path` in one step: readers see the old or the new contents. Mode 0600.
pub(super) fn write_atomic(path: &Path, contents: &[u8]) -> io::Result<()> {
    let fresh = beside(path);
    let result = write_new(&fresh, contents).and_then(|()| fs::rename(&fresh, path));
    if result.is_err() {
        // The first error is the one to report; the leftover is removed by the next write or `ovr clean`.
        let _stays = fs::remove_file(&fresh);
    }
    result
}

/// Where the new contents of `path` are written before they take its place.
pub(super) fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    PathBuf::from(name)
}

fn write_new(path: &Path, contents: &[u8]) -> io::Result<()> {
    remove_if_there(path)?;
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(contents)
}

/// Reads a small file without following a link at its end. A file larger than 1 MiB is an error.
pub(super) fn read_small(path: &Path) -> io::Result<Vec<u8>> {
    let flags = i32::try_from(rustix::fs::OFlags::NOFOLLOW.bits()).expect("O_NOFOLLOW is a small flag");
    // O_NONBLOCK: a fifo in the place of our file must not hang the reader.
    let nonblock = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).expect("O_NONBLOCK is a small flag");
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(flags | nonblock)
        .open(path)?;
    read_open(&file)
}

/// The contents of an open file, from its current position.
pub(super) fn read_open(mut file: &File) -> io::Result<Vec<u8>> {
    // Ours fit in at once.
    let mut contents = Vec::with_capacity(4096);
    Read::by_ref(&mut file)
        .take(MAX_BYTES + 1)
        .read_to_end(&mut contents)?;
    if contents.len() as u64 > MAX_BYTES {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "larger than any file of ovr",
        ));
    }
    Ok(contents)
}

/// Removes a file; one that is not there is fine.
pub(super) fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::{MAX_BYTES, read_small, write_atomic};
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_write_replaces_the_whole_file_and_leaves_nothing_beside_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.json");
        std::fs::write(dir.path().join("a.json.new"), "left by a crash").unwrap();
        write_atomic(&path, b"a long first text").unwrap();
        write_atomic(&path, b"short").unwrap();
        assert_eq!(read_small(&path).unwrap(), b"short");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn links_and_huge_files_are_not_read() {
        let dir = tempfile::tempdir().unwrap();
        let link = dir.path().join("link");
        std::os::unix::fs::symlink("/etc/passwd", &link).unwrap();
        assert!(read_small(&link).is_err());
        let huge = dir.path().join("huge");
        std::fs::File::create(&huge)
            .unwrap()
            .set_len(MAX_BYTES + 1)
            .unwrap();
        assert!(read_small(&huge).is_err());
    }
}
