//! Writes lines to the files of their instances from a thread of its own, so that no disk ever holds up the loop.
//! What does not fit into its queue, or onto the disk, is dropped, counted, and marked where it is missing.

use super::entry::{Encoder, EntryKind};
use super::files::{self, Appender, Failed, Keep};
use super::pack::Packer;
use crate::model::{InstanceId, RunId};
use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::mem;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, SystemTime};
use tokio::sync::{mpsc, oneshot};

/// What waits for the disk at most, in bytes.
const QUEUE_MAX: usize = 32 * 1024 * 1024;
/// Full files are compressed when nothing has been written for so long: in a flood the time is others'.
const QUIET: Duration = Duration::from_secs(1);
/// Buffers kept for reuse, and how large one may be for that.
const SPARE_MAX: usize = 8;
const SPARE_SIZE: usize = 1024 * 1024;

/// The loop's end: takes text, never waits.
#[derive(Debug)]
pub(super) struct Writer {
    shared: Arc<Shared>,
}

/// What a person has to know about the files: each text is a sentence.
#[derive(Debug)]
pub struct Troubles {
    sentences: mpsc::UnboundedReceiver<String>,
}

#[derive(Debug)]
struct Shared {
    queue: Mutex<Queue>,
    wake: Condvar,
    limit: usize,
}

#[derive(Debug, Default)]
struct Queue {
    items: VecDeque<Item>,
    /// The bytes of all texts in `items`.
    size: usize,
    /// Lines that did not fit, for each instance, since the last that did.
    dropped: BTreeMap<InstanceId, u64>,
    spare: Vec<Vec<u8>>,
    flushes: Vec<(u64, oneshot::Sender<()>)>,
    /// Items taken in, and items done with.
    taken: u64,
    done: u64,
    sleeping: bool,
    closed: bool,
}

#[derive(Debug)]
enum Item {
    /// From here on this instance is called so, and its files are these.
    Named(InstanceId, String),
    /// Whole lines. `missing` more should stand before them.
    Lines {
        instance: InstanceId,
        text: Vec<u8>,
        missing: u64,
    },
}

/// What the thread is to do next.
enum Next {
    Item(Item),
    /// Nothing, and there has been nothing for a while.
    Quiet,
    End,
}

impl Writer {
    /// Starts the thread. Nothing is made on the disk before there is something to write.
    pub(super) fn start(dir: PathBuf, keep: Keep) -> io::Result<(Self, Troubles)> {
        Self::with_limit(dir, keep, QUEUE_MAX)
    }

    fn with_limit(dir: PathBuf, keep: Keep, limit: usize) -> io::Result<(Self, Troubles)> {
        let shared = Arc::new(Shared {
            queue: Mutex::default(),
            wake: Condvar::new(),
            limit,
        });
        let (told, sentences) = mpsc::unbounded_channel();
        let mut worker = Worker {
            packer: Packer::default(),
            full: unpacked(&dir),
            dir,
            keep,
            files: BTreeMap::new(),
            told,
            failing: false,
        };
        let theirs = Arc::clone(&shared);
        thread::Builder::new()
            .name("logs".to_owned())
            .spawn(move || worker.work(&theirs))?;
        Ok((Self { shared }, Troubles { sentences }))
    }

    pub(super) fn name(&self, instance: InstanceId, name: String) {
        let mut queue = self.shared.lock();
        queue.take_in(Item::Named(instance, name));
        self.wake(&mut queue);
    }

    /// Takes what has gathered for some instances; each buffer comes back empty.
    pub(super) fn push<'a>(&self, texts: impl Iterator<Item = (InstanceId, &'a mut Vec<u8>)>) {
        let mut queue = self.shared.lock();
        for (instance, buffer) in texts {
            if queue.size + buffer.len() > self.shared.limit {
                *queue.dropped.entry(instance).or_default() += lines_in(buffer);
                buffer.clear();
                continue;
            }
            let text = mem::replace(buffer, queue.spare.pop().unwrap_or_default());
            let missing = queue.dropped.remove(&instance).unwrap_or_default();
            queue.size += text.len();
            queue.take_in(Item::Lines {
                instance,
                text,
                missing,
            });
        }
        self.wake(&mut queue);
    }

    /// Returns when everything taken so far is in the files, or cannot be.
    pub(super) fn flushed(&self) -> oneshot::Receiver<()> {
        let (sender, receiver) = oneshot::channel();
        let mut queue = self.shared.lock();
        let target = queue.taken;
        queue.flushes.push((target, sender));
        queue.tell_flushed();
        receiver
    }

    fn wake(&self, queue: &mut Queue) {
        if mem::take(&mut queue.sleeping) {
            self.shared.wake.notify_one();
        }
    }
}

impl Drop for Writer {
    /// The thread ends when it has written what it has; who must know waits for [`Self::flushed`] first.
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.wake.notify_one();
    }
}

impl Troubles {
    /// The next sentence; never if there is none. May be cancelled and asked again.
    pub async fn next(&mut self) -> String {
        match self.sentences.recv().await {
            Some(sentence) => sentence,
            None => std::future::pending().await,
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for what is next; with `patience`, for no longer than that.
    fn next(&self, patience: Option<Duration>) -> Next {
        let mut queue = self.lock();
        loop {
            if let Some(item) = queue.items.pop_front() {
                if let Item::Lines { text, .. } = &item {
                    queue.size -= text.len();
                }
                return Next::Item(item);
            }
            if queue.closed {
                return Next::End;
            }
            queue.sleeping = true;
            queue = match patience {
                None => self.wake.wait(queue).unwrap_or_else(PoisonError::into_inner),
                Some(patience) => {
                    let (queue, waited) = self
                        .wake
                        .wait_timeout(queue, patience)
                        .unwrap_or_else(PoisonError::into_inner);
                    if waited.timed_out() && queue.items.is_empty() && !queue.closed {
                        return Next::Quiet;
                    }
                    queue
                }
            };
        }
    }

    /// An item is done with; its text comes back.
    fn done(&self, text: Option<Vec<u8>>) {
        let mut queue = self.lock();
        if let Some(text) = text {
            queue.recycle(text);
        }
        queue.done += 1;
        queue.tell_flushed();
    }
}

impl Queue {
    fn take_in(&mut self, item: Item) {
        self.items.push_back(item);
        self.taken += 1;
    }

    fn recycle(&mut self, mut text: Vec<u8>) {
        if self.spare.len() < SPARE_MAX && text.capacity() <= SPARE_SIZE {
            text.clear();
            self.spare.push(text);
        }
    }

    fn tell_flushed(&mut self) {
        let done = self.done;
        for (_, waiting) in self.flushes.extract_if(.., |(target, _)| *target <= done) {
            // Whoever no longer waits need not know.
            waiting.send(()).unwrap_or_default();
        }
    }
}

/// The thread's side.
struct Worker {
    dir: PathBuf,
    keep: Keep,
    files: BTreeMap<InstanceId, Lines>,
    packer: Packer,
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
            let patience = (!self.full.is_empty()).then_some(QUIET);
            match shared.next(patience) {
                Next::Item(Item::Named(instance, name)) => {
                    let lines = Lines {
                        file: Appender::new(self.dir.clone(), name, self.keep),
                        lost: Lost::default(),
                    };
                    self.files.insert(instance, lines);
                    shared.done(None);
                }
                Next::Item(Item::Lines {
                    instance,
                    text,
                    missing,
                }) => {
                    self.write(instance, &text, missing);
                    shared.done(Some(text));
                }
                Next::Quiet => {
                    for full in self.full.drain(..) {
                        self.packer.pack(full);
                    }
                }
                Next::End => break,
            }
        }
        self.packer.finish();
    }

    fn write(&mut self, instance: InstanceId, text: &[u8], missing: u64) {
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
    let files = files::all(dir).unwrap_or_default().into_iter();
    files
        .map(|(_, segment)| segment)
        .filter(|segment| segment.number.is_some() && !segment.is_packed())
        .map(|segment| segment.path)
        .collect()
}

fn lines_in(text: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', text).count() as u64
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
