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

    /// Gives up what is not written yet. The writer may hang in its last write until the process ends.
    pub fn abort(&self) {
        self.shared.lock().give_up();
        self.shared.wake.notify_one();
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
            self.dropped += memchr::memchr_iter(b'\n', &oldest).count() as u64;
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

    fn give_up(&mut self) {
        self.closed = true;
        self.chunks.clear();
        self.queued = 0;
        self.dropped = 0;
        self.flushed(u64::MAX);
    }
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
mod tests {
    use super::{Console, ConsoleFailed};
    use std::fs::File;
    use std::io::{ErrorKind, PipeReader, Read, pipe};
    use std::os::fd::OwnedFd;
    use std::time::Duration;
    use tokio::time::timeout;

    const DEADLINE: Duration = Duration::from_secs(20);

    fn console(limit: usize) -> (Console, ConsoleFailed, PipeReader, File) {
        let (reader, writer) = pipe().unwrap();
        let out = File::from(OwnedFd::from(writer));
        let other = out.try_clone().unwrap();
        let (console, failed) = Console::with_limit(out, limit).unwrap();
        (console, failed, reader, other)
    }

    fn read_all(mut reader: PipeReader) -> std::thread::JoinHandle<String> {
        std::thread::spawn(move || {
            let mut text = String::new();
            reader.read_to_string(&mut text).unwrap();
            text
        })
    }

    #[tokio::test]
    async fn what_was_flushed_has_been_written_in_order() {
        let (console, _failed, reader, other) = console(1 << 20);
        drop(other);
        let text = read_all(reader);
        let mut expected = String::new();
        for number in 0..20_000 {
            let line = format!("line {number}\n");
            console.push(line.as_bytes());
            expected.push_str(&line);
            if number % 5000 == 0 {
                timeout(DEADLINE, console.flush()).await.unwrap();
            }
        }
        timeout(DEADLINE, console.flush()).await.unwrap();
        timeout(DEADLINE, console.flush()).await.unwrap();
        drop(console);
        assert_eq!(text.join().unwrap(), expected);
    }

    #[tokio::test]
    async fn a_terminal_that_does_not_read_loses_counted_lines_and_holds_nobody_up() {
        let (console, _failed, reader, other) = console(300_000);
        drop(other);
        let total = 200_000;
        // One line at a time, and many chunks in one piece.
        for number in 0..total / 2 {
            console.push(format!("line {number}\n").as_bytes());
        }
        let rest: Vec<_> = (total / 2..total)
            .map(|number| format!("line {number}\n"))
            .collect();
        console.push(rest.concat().as_bytes());
        assert!(console.shared.lock().queued <= 300_000);
        let text = read_all(reader);
        timeout(DEADLINE, console.flush()).await.unwrap();
        drop(console);
        let text = text.join().unwrap();
        let (mut next, mut marks) = (0, 0);
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("… ") {
                let (count, rest) = rest.split_once(' ').unwrap();
                assert_eq!(rest, "lines dropped: the terminal is too slow");
                next += count.parse::<usize>().unwrap();
                marks += 1;
            } else {
                assert_eq!(line, format!("line {next}"));
                next += 1;
            }
        }
        assert_eq!(next, total);
        assert!(marks >= 1);
    }

    #[tokio::test]
    async fn a_closed_pipe_is_reported_once_and_kills_nothing() {
        let (console, mut failed, reader, _other) = console(1 << 20);
        drop(reader);
        console.push(b"hello\n");
        let error = timeout(DEADLINE, failed.error()).await.unwrap();
        assert_eq!(error.kind(), ErrorKind::BrokenPipe);
        console.push(b"more\n");
        timeout(DEADLINE, console.flush()).await.unwrap();
        tokio::select! {
            biased;
            _ = failed.error() => panic!("reported twice"),
            () = std::future::ready(()) => {}
        }
    }

    #[tokio::test]
    async fn an_abort_ends_a_flush_that_the_terminal_holds_up() {
        let (console, _failed, _reader, _other) = console(1 << 20);
        console.push(&b"0123456789abcde\n".repeat(50_000));
        let flush = console.flush();
        tokio::pin!(flush);
        tokio::select! {
            biased;
            () = &mut flush => panic!("nobody has read it"),
            () = std::future::ready(()) => {}
        }
        console.abort();
        timeout(DEADLINE, flush).await.unwrap();
        timeout(DEADLINE, console.flush()).await.unwrap();
    }

    #[tokio::test]
    async fn a_non_blocking_terminal_gets_everything() {
        let (console, _failed, reader, other) = console(1 << 24);
        rustix::io::ioctl_fionbio(&other, true).unwrap();
        drop(other);
        let lines = b"0123456789abcde\n".repeat(50_000);
        console.push(&lines);
        let text = read_all(reader);
        timeout(DEADLINE, console.flush()).await.unwrap();
        drop(console);
        assert_eq!(text.join().unwrap().len(), lines.len());
    }
}
