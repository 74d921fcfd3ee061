//! Writes lines to the files of their instances from a thread of its own, so that no disk ever holds up the loop.
//! What does not fit into its queue, or onto the disk, is dropped, counted, and marked where it is missing.

use super::bound::{Keep, Sweeper};
use super::copies::Copies;
use super::entry::{Encoder, EntryKind};
use super::files::{Appender, Failed};
use super::listing;
use super::pack::Packer;
use super::queue::{Flushing, Item, Next, Shared, lines_in};
use super::troubles::Troubles;
use crate::model::{InstanceId, LogFile, RunId};
use std::collections::BTreeMap;
use std::io;
use std::mem;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, SystemTime};
use tokio::sync::{mpsc, oneshot};

/// What waits for the disk at most, in bytes. A disk that takes nothing for a quarter of a second costs no line, however
/// fast they come; half of this would.
const QUEUE_MAX: usize = 16 * 1024 * 1024;
/// Full files are compressed when nothing has been written for so long: in a flood the time is others'.
const QUIET: Duration = Duration::from_secs(1);

/// The loop's end: takes text, never waits.
#[derive(Debug)]
pub(super) struct Writer {
    shared: Arc<Shared>,
}

impl Writer {
    /// Starts the thread. Nothing is made on the disk before there is something to write.
    pub(super) fn start(dir: PathBuf, keep: Keep) -> io::Result<(Self, Troubles)> {
        Self::with_limit(dir, keep, QUEUE_MAX)
    }

    fn with_limit(dir: PathBuf, keep: Keep, limit: usize) -> io::Result<(Self, Troubles)> {
        let shared = Arc::new(Shared::new(limit));
        let (told, sentences) = mpsc::unbounded_channel();
        let mut worker = Worker {
            packer: Packer::default(),
            full: unpacked(&dir),
            sweeper: Sweeper::new(dir.clone(), keep.clone()),
            dir,
            keep,
            files: BTreeMap::new(),
            copies: Copies::default(),
            told,
            failing: false,
        };
        let theirs = Arc::clone(&shared);
        thread::Builder::new()
            .name("logs".to_owned())
            .spawn(move || worker.work(&theirs))?;
        Ok((Self { shared }, Troubles::new(sentences)))
    }

    pub(super) fn name(&self, instance: InstanceId, name: String) {
        self.shared.tell(Item::Named(instance, name));
    }

    pub(super) fn copy(&self, instance: InstanceId, file: Option<LogFile>) {
        self.shared.tell(Item::Copied(instance, file.map(Box::new)));
    }

    /// Takes what has gathered for some instances; each buffer comes back empty.
    pub(super) fn push<'a>(&self, texts: impl Iterator<Item = (InstanceId, &'a mut Vec<u8>)>) {
        self.shared.push(texts);
    }

    /// Returns when everything taken so far is in the files, or cannot be.
    pub(super) fn flushed(&self) -> oneshot::Receiver<()> {
        self.shared.flushed()
    }

    pub(super) fn flushing(&self) -> Flushing {
        Flushing::of(&self.shared)
    }
}

impl Drop for Writer {
    /// The thread ends when it has written what it has; who must know waits for [`Self::flushed`] first.
    fn drop(&mut self) {
        self.shared.close();
    }
}

/// The thread's side.
struct Worker {
    dir: PathBuf,
    keep: Keep,
    files: BTreeMap<InstanceId, Lines>,
    copies: Copies,
    packer: Packer,
    sweeper: Sweeper,
    /// The files that are to be compressed.
    full: Vec<PathBuf>,
    told: mpsc::UnboundedSender<String>,
    /// The last write has failed, and that has been said.
    failing: bool,
}

/// Where an instance's lines go, and how many could not go there.
struct Lines {
    file: Appender,
    lost: Lost,
}

#[derive(Default)]
struct Lost {
    lines: u64,
    why: String,
}

impl Worker {
    fn work(&mut self, shared: &Shared) {
        loop {
            let patience = (self.sweeper.is_new || !self.full.is_empty()).then_some(QUIET);
            match shared.next(patience) {
                Next::Item(Item::Named(instance, name)) => {
                    self.name(instance, name);
                    shared.done(None);
                }
                Next::Item(Item::Copied(instance, file)) => {
                    self.copies.set(instance, file.map(|file| *file));
                    shared.done(None);
                }
                Next::Item(Item::Lines {
                    instance,
                    text,
                    missing,
                }) => {
                    self.write(instance, &text, missing);
                    if !self.copies.is_empty() {
                        self.copy(instance, &text, missing);
                    }
                    shared.done(Some(text));
                }
                Next::Quiet => {
                    if self.sweeper.is_new {
                        self.sweep();
                    }
                    for full in self.full.drain(..) {
                        self.packer.pack(full);
                    }
                }
                Next::End => break,
            }
        }
        self.packer.finish();
    }

    fn name(&mut self, instance: InstanceId, name: String) {
        let known = self.files.get(&instance);
        if known.is_none_or(|lines| lines.file.instance() != name) {
            let lines = Lines {
                file: Appender::new(self.dir.clone(), name, self.keep.clone()),
                lost: Lost::default(),
            };
            self.files.insert(instance, lines);
        }
    }

    fn write(&mut self, instance: InstanceId, text: &[u8], missing: u64) {
        if self.keep.is_nothing() {
            return;
        }
        let Some(lines) = self.files.get_mut(&instance) else {
            return;
        };
        if missing > 0 {
            lines.lost.lines += missing;
            "the disk was too slow".clone_into(&mut lines.lost.why);
        }
        match lines.append(text) {
            Ok(full) => {
                self.full.extend(full);
                if self.sweeper.wrote(text.len()) {
                    self.sweep();
                }
                if mem::take(&mut self.failing) {
                    self.say("logs are kept again".to_owned());
                }
            }
            Err(error) => {
                if !mem::replace(&mut self.failing, true) {
                    self.say(format!(
                        "logs cannot be kept in {}: {error}; services run on, their lines are counted",
                        self.dir.display()
                    ));
                }
            }
        }
    }

    fn sweep(&mut self) {
        let files = &self.files;
        let is_written = |instance: &str| files.values().any(|lines| lines.file.instance() == instance);
        // What cannot be removed now stays until the next look.
        drop(self.sweeper.sweep(is_written));
    }

    fn copy(&mut self, instance: InstanceId, text: &[u8], missing: u64) {
        if let Some(written) = self.copies.write(instance, text, missing) {
            self.full.extend(written.full);
            if let Some(sentence) = written.sentence {
                self.say(sentence);
            }
        }
    }

    fn say(&self, sentence: String) {
        // Nobody listens any more when the session is over.
        drop(self.told.send(sentence));
    }
}

impl Lines {
    /// Appends `text`, after a mark for what is missing before it.
    fn append(&mut self, text: &[u8]) -> io::Result<Option<PathBuf>> {
        let mut full = None;
        if self.lost.lines > 0 {
            let mark = self.lost.mark();
            full = self.file.append(&mark).map_err(|failed| {
                self.lost.lines += lines_in(text);
                failed.error
            })?;
            self.lost = Lost::default();
        }
        match self.file.append(text) {
            Ok(now_full) => Ok(now_full.or(full)),
            Err(Failed { written, error }) => {
                self.lost.lines += lines_in(&text[written..]);
                self.lost.why = error.to_string();
                Err(error)
            }
        }
    }
}

impl Lost {
    fn mark(&self) -> Vec<u8> {
        let at_ms = crate::model::time_text::epoch_millis(SystemTime::now());
        let mut mark = Vec::new();
        Encoder::default().head(at_ms, RunId(0), EntryKind::Gap, &mut mark);
        let lines = if self.lines == 1 { "line is" } else { "lines are" };
        mark.extend_from_slice(format!("{} {lines} missing: {}\n", self.lines, self.why).as_bytes());
        mark
    }
}

/// The full files that an earlier session had no time to compress.
fn unpacked(dir: &Path) -> Vec<PathBuf> {
    // What cannot be listed now is seen the next time.
    let files = listing::all(dir).unwrap_or_default().into_iter();
    files
        .map(|(_, segment)| segment)
        .filter(|segment| segment.number.is_some() && !segment.is_packed())
        .map(|segment| segment.path)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{Keep, Troubles, Writer};
    use crate::model::InstanceId;
    use std::fs;
    use std::path::Path;
    use std::time::Duration;
    use tokio::time::timeout;

    const DEADLINE: Duration = Duration::from_secs(20);

    fn writer(dir: &Path, limit: usize) -> (Writer, Troubles) {
        let keep = Keep {
            segment: 1 << 20,
            segments: 2,
            ..Keep::for_instances(1)
        };
        let (writer, troubles) = Writer::with_limit(dir.to_owned(), keep, limit).unwrap();
        writer.name(InstanceId(0), "web".into());
        (writer, troubles)
    }

    fn push(writer: &Writer, text: &str) {
        let mut buffer = text.as_bytes().to_vec();
        writer.push([(InstanceId(0), &mut buffer)].into_iter());
        assert!(buffer.is_empty());
    }

    async fn flush(writer: &Writer) {
        timeout(DEADLINE, writer.flushed()).await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn what_was_flushed_is_in_the_file_in_order() {
        let dir = tempfile::tempdir().unwrap();
        let (writer, _troubles) = writer(dir.path(), 1 << 20);
        flush(&writer).await;
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
        let mut expected = String::new();
        for number in 0..5000 {
            let line = format!("line {number}\n");
            push(&writer, &line);
            expected.push_str(&line);
        }
        flush(&writer).await;
        assert_eq!(fs::read_to_string(dir.path().join("web.log")).unwrap(), expected);
    }

    #[tokio::test]
    async fn a_flood_pushes_out_what_removed_services_left_and_never_grows_beyond_the_bound() {
        let dir = tempfile::tempdir().unwrap();
        for number in 0..200 {
            let left = dir.path().join(format!("removed-{number}.log"));
            fs::write(left, "0123456789\n".repeat(90)).unwrap();
        }
        let keep = Keep {
            segment: 10_000,
            segments: 4,
            ..Keep::within(160_000, 1)
        };
        let (writer, _troubles) = Writer::with_limit(dir.path().to_owned(), keep, 1 << 20).unwrap();
        writer.name(InstanceId(0), "web".into());
        let total = || -> u64 {
            let files = fs::read_dir(dir.path()).unwrap();
            files
                .map(|file| file.unwrap().metadata().map_or(0, |meta| meta.len()))
                .sum()
        };
        assert!(total() > 190_000);
        push(&writer, &"a line of web\n".repeat(800));
        flush(&writer).await;
        for _ in 0..100 {
            push(&writer, &"a line of web\n".repeat(70));
            flush(&writer).await;
            assert!(total() <= 160_000, "{}", total());
        }
        assert!(dir.path().join("web.log").exists());
    }

    #[tokio::test]
    async fn what_does_not_fit_is_counted_and_marked_where_it_is_missing() {
        let dir = tempfile::tempdir().unwrap();
        let (writer, _troubles) = writer(dir.path(), 20);
        push(&writer, &"0123456789\n".repeat(3));
        push(&writer, "after\n");
        flush(&writer).await;
        let text = fs::read_to_string(dir.path().join("web.log")).unwrap();
        assert!(
            text.ends_with(" 0 ~ 3 lines are missing: the disk was too slow\nafter\n"),
            "{text}"
        );
    }

    #[tokio::test]
    async fn a_disk_that_takes_nothing_costs_lines_and_says_so_once() {
        let dir = tempfile::tempdir().unwrap();
        let logs = dir.path().join("logs");
        fs::write(&logs, "not a directory").unwrap();
        let (writer, mut troubles) = writer(&logs, 1 << 20);
        push(&writer, "one\ntwo\n");
        push(&writer, "three\n");
        flush(&writer).await;
        let said = timeout(DEADLINE, troubles.next()).await.unwrap();
        assert!(said.contains("logs cannot be kept"), "{said}");
        fs::remove_file(&logs).unwrap();
        push(&writer, "four\n");
        flush(&writer).await;
        assert_eq!(
            timeout(DEADLINE, troubles.next()).await.unwrap(),
            "logs are kept again"
        );
        let text = fs::read_to_string(logs.join("web.log")).unwrap();
        assert!(text.contains(" ~ 3 lines are missing: "), "{text}");
        assert!(text.ends_with("\nfour\n"), "{text}");
    }
}
