//! Writes rendered lines to the terminal from a thread of its own, so that a terminal that does not read never
//! holds up the loop. Takes whole lines and knows nothing else of them.

use super::write::write_all;
use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::mem;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use tokio::sync::oneshot;

/// What waits for the terminal at most, in bytes. Beyond it the oldest lines are dropped.
const QUEUE_MAX: usize = 32 * 1024 * 1024;
/// Lines are gathered into chunks of this size; a chunk is written, or dropped, as a whole.
const CHUNK: usize = 64 * 1024;
/// Chunks kept for reuse.
const SPARE_MAX: usize = 2;

/// The loop's end: takes lines, never waits.
#[derive(Debug)]
pub struct Console {
    shared: Arc<Shared>,
}

/// Tells when the terminal cannot be written to any more.
#[derive(Debug)]
pub struct ConsoleFailed {
    error: Option<oneshot::Receiver<io::Error>>,
}

#[derive(Debug)]
struct Shared {
    queue: Mutex<Queue>,
    wake: Condvar,
    limit: usize,
}

#[derive(Debug, Default)]
struct Queue {
    chunks: VecDeque<Vec<u8>>,
    spare: Vec<Vec<u8>>,
    /// The bytes in `chunks`.
    queued: usize,
    /// Lines dropped in front of `chunks` that no mark speaks of yet.
    dropped: u64,
    /// All bytes ever taken.
    pushed: u64,
    writing: bool,
    /// The lines that are being written.
    in_hand: u64,
    /// The writer sleeps and has to be woken.
    sleeping: bool,
    /// No more lines are taken; the writer ends when the queue is empty.
    closed: bool,
    /// Who waits for the bytes up to a position to be written.
    flushes: Vec<(u64, oneshot::Sender<()>)>,
}

impl Console {
    /// Starts the writer. Nothing is done to `out` but writing; it may be non-blocking.
    pub fn start(out: File) -> io::Result<(Self, ConsoleFailed)> {
        Self::with_limit(out, QUEUE_MAX)
    }

    fn with_limit(out: File, limit: usize) -> io::Result<(Self, ConsoleFailed)> {
        let shared = Arc::new(Shared {
            queue: Mutex::default(),
            wake: Condvar::new(),
            limit,
        });
        let (failed, error) = oneshot::channel();
        let writer = Arc::clone(&shared);
        thread::Builder::new()
            .name("console".into())
            .stack_size(128 * 1024)
            .spawn(move || write_chunks(&writer, &out, failed))?;
        Ok((Self { shared }, ConsoleFailed { error: Some(error) }))
    }

    /// Takes rendered lines, each with its line end. Does not wait; if the terminal is far behind, its oldest
    /// lines are dropped and counted. After a failure or an abort everything is dropped in silence.
    pub fn push(&self, lines: &[u8]) {
        if lines.is_empty() {
            return;
        }
        let mut queue = self.shared.lock();
        if queue.closed {
            return;
        }
        let mut rest = lines;
        while !rest.is_empty() {
            let (chunk, after) = rest.split_at(chunk_len(rest));
            queue.append(chunk);
            rest = after;
        }
        queue.drop_oldest(self.shared.limit);
        if mem::take(&mut queue.sleeping) {
            self.shared.wake.notify_one();
        }
    }

    /// Returns when everything taken so far is written (or cannot be, or is not going to be).
    pub async fn flush(&self) {
        let written = {
            let mut queue = self.shared.lock();
            if queue.closed || (queue.is_empty() && !queue.writing) {
                return;
            }
            let (sender, receiver) = oneshot::channel();
            let position = queue.pushed;
            queue.flushes.push((position, sender));
            receiver
        };
        // An error says that the writer is gone, and there is nothing more to wait for.
        written.await.unwrap_or_default();
    }

    /// Gives up what is not written yet; says how many lines that are. The writer may hang in its last write until
    /// the process ends.
    pub fn abort(&self) -> u64 {
        let lines = {
            let mut queue = self.shared.lock();
            let lines = queue.lines();
            queue.give_up();
            lines
        };
        self.shared.wake.notify_one();
        lines
    }

    /// All bytes that have been written so far, in chunks.
    pub fn written(&self) -> u64 {
        let queue = self.shared.lock();
        queue.pushed - queue.queued as u64
    }
}

impl Drop for Console {
    /// The writer ends when it has written what it has; nobody waits for that.
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.wake.notify_one();
    }
}

impl ConsoleFailed {
    /// Returns the error that ended the writer, once; never if there is none. A reader that closed its pipe
    /// (`ovr start | head`) is [`io::ErrorKind::BrokenPipe`]. May be cancelled and asked again.
    pub async fn error(&mut self) -> io::Error {
        if let Some(receiver) = &mut self.error {
            let error = receiver.await;
            self.error = None;
            if let Ok(error) = error {
                return error;
            }
        }
        std::future::pending().await
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes back what has been written, and waits for the next chunk and the number of lines that are missing
    /// before it. `None` when there is no more to come.
    fn next(&self, written: Option<Vec<u8>>) -> Option<(Vec<u8>, u64)> {
        let mut queue = self.lock();
        queue.writing = false;
        queue.in_hand = 0;
        if let Some(written) = written {
            queue.recycle(written);
        }
        let position = queue.pushed - queue.queued as u64;
        queue.flushed(position);
        while queue.is_empty() {
            if queue.closed {
                return None;
            }
            queue.sleeping = true;
            queue = self.wake.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
        queue.sleeping = false;
        queue.writing = true;
        let chunk = queue.chunks.pop_front().unwrap_or_default();
        queue.queued -= chunk.len();
        queue.in_hand = line_count(&chunk);
        Some((chunk, mem::take(&mut queue.dropped)))
    }
}

impl Queue {
    fn is_empty(&self) -> bool {
        self.chunks.is_empty() && self.dropped == 0
    }

    fn append(&mut self, lines: &[u8]) {
        match self.chunks.back_mut() {
            Some(last) if last.len() + lines.len() <= CHUNK => last.extend_from_slice(lines),
            Some(_) | None => {
                let mut chunk = self.spare.pop().unwrap_or_default();
                chunk.extend_from_slice(lines);
                self.chunks.push_back(chunk);
            }
        }
        self.queued += lines.len();
        self.pushed += lines.len() as u64;
    }

    fn drop_oldest(&mut self, limit: usize) {
        while self.queued > limit
            && let Some(oldest) = self.chunks.pop_front()
        {
            self.queued -= oldest.len();
            self.dropped += line_count(&oldest);
            self.recycle(oldest);
        }
    }

    fn recycle(&mut self, mut chunk: Vec<u8>) {
        if self.spare.len() < SPARE_MAX && chunk.capacity() <= 2 * CHUNK {
            chunk.clear();
            self.spare.push(chunk);
        }
    }

    /// Tells those who wait for a position up to this one.
    fn flushed(&mut self, position: u64) {
        for (_, waiting) in self.flushes.extract_if(.., |(target, _)| *target <= position) {
            // Whoever no longer waits need not know.
            waiting.send(()).unwrap_or_default();
        }
    }

    /// Those that wait, those that are being written, and those that were dropped.
    fn lines(&self) -> u64 {
        let waiting = self.chunks.iter().map(|chunk| line_count(chunk)).sum::<u64>();
        waiting + self.dropped + self.in_hand
    }

    fn give_up(&mut self) {
        self.closed = true;
        self.chunks.clear();
        self.queued = 0;
        self.dropped = 0;
        self.flushed(u64::MAX);
    }
}

fn line_count(bytes: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', bytes).count() as u64
}

/// How much of `lines` goes into one chunk: whole lines, at least one.
fn chunk_len(lines: &[u8]) -> usize {
    if lines.len() <= CHUNK {
        return lines.len();
    }
    memchr::memrchr(b'\n', &lines[..CHUNK])
        .or_else(|| memchr::memchr(b'\n', lines))
        .map_or(lines.len(), |at| at + 1)
}

fn write_chunks(shared: &Shared, out: &File, failed: oneshot::Sender<io::Error>) {
    let mut written = None;
    while let Some((chunk, missing)) = shared.next(written.take()) {
        let result = write_mark(out, missing).and_then(|()| write_all(out, &chunk));
        if let Err(error) = result {
            shared.lock().give_up();
            // Without a listener the error has nowhere to go.
            failed.send(error).unwrap_or_default();
            return;
        }
        written = Some(chunk);
    }
}

fn write_mark(out: &File, missing: u64) -> io::Result<()> {
    match missing {
        0 => Ok(()),
        1 => write_all(out, "… 1 line dropped: the terminal is too slow\n".as_bytes()),
        n => write_all(
            out,
            format!("… {n} lines dropped: the terminal is too slow\n").as_bytes(),
        ),
    }
}

#[cfg(test)]
mod tests;
