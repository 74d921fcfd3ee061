//! Compresses full log files, one after the other, in a thread that takes only the time that nobody else wants.
//! Reads and replaces files; knows nothing of what is in them.

use super::files::remove_if_there;
use super::listing::packed_path;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};

/// The thread, if there has been anything to do.
#[derive(Debug, Default)]
pub(super) struct Packer {
    running: Option<(mpsc::Sender<PathBuf>, JoinHandle<()>)>,
}

impl Packer {
    /// Has the file compressed when there is time. A file that cannot be compressed stays as it is.
    pub(super) fn pack(&mut self, full: PathBuf) {
        if self.running.is_none() {
            let (sender, receiver) = mpsc::channel();
            let thread = thread::Builder::new()
                .name("log packer".to_owned())
                .spawn(move || pack_all(&receiver));
            self.running = thread.ok().map(|thread| (sender, thread));
        }
        if let Some((sender, _)) = &self.running {
            // A thread that is gone leaves the file as it is.
            drop(sender.send(full));
        }
    }

    /// The thread finishes the file at hand; the others stay as they are until the next session packs them.
    pub(super) fn finish(&mut self) {
        self.running = None;
    }
}

fn pack_all(files: &mpsc::Receiver<PathBuf>) {
    be_idle();
    while let Ok(full) = files.recv() {
        // It may be gone already, as the oldest; and a disk that is full cannot take the packed one.
        drop(pack(&full));
    }
}

/// On Linux a thread has a niceness of its own; elsewhere it is the whole process's, which must keep its.
fn be_idle() {
    #[cfg(target_os = "linux")]
    {
        // Without it the work is done all the same.
        rustix::process::setpriority_process(None, 19).unwrap_or_default();
    }
}

/// Where a compressed file is written: the process may end before it is whole. One name for all, so that what
/// an ended process has left is used again.
pub(super) const HALF_DONE: &str = "packing.part";

fn pack(full: &Path) -> io::Result<()> {
    let packed = packed_path(full);
    let half_done = full.with_file_name(HALF_DONE);
    let result = write_packed(full, &half_done).and_then(|()| {
        fs::rename(&half_done, &packed)?;
        // If it was removed meanwhile, as the oldest, its packed form has to go as well.
        match fs::remove_file(full) {
            Err(error) if error.kind() == ErrorKind::NotFound => remove_if_there(&packed),
            result => result,
        }
    });
    if result.is_err() {
        remove_if_there(&half_done)?;
    }
    result
}

fn write_packed(full: &Path, to: &Path) -> io::Result<()> {
    let mut from = File::open(full)?;
    let mut options = OpenOptions::new();
    let to = options
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(to)?;
    let mut encoder = GzEncoder::new(to, Compression::fast());
    io::copy(&mut from, &mut encoder)?;
    encoder.finish().map(drop)
}

#[cfg(test)]
mod tests {
    use super::pack;
    use flate2::read::GzDecoder;
    use std::fs::{self, File};
    use std::io::Read;

    #[test]
    fn a_packed_file_replaces_the_full_one_and_reads_the_same() {
        let dir = tempfile::tempdir().unwrap();
        let full = dir.path().join("web~000001.log");
        let text = "a line like the others\n".repeat(10_000);
        fs::write(&full, &text).unwrap();
        pack(&full).unwrap();
        let packed = dir.path().join("web~000001.log.gz");
        let mut read = String::new();
        GzDecoder::new(File::open(&packed).unwrap())
            .read_to_string(&mut read)
            .unwrap();
        assert_eq!(read, text);
        assert!(fs::metadata(&packed).unwrap().len() < text.len() as u64 / 10);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_that_is_gone_leaves_nothing_behind() {
        let dir = tempfile::tempdir().unwrap();
        assert!(pack(&dir.path().join("web~000001.log")).is_err());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
