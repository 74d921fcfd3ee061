//! What waits for the thread that writes logs: texts in order, bounded; what does not fit is counted. Knows nothing
//! of files.

use crate::model::{InstanceId, LogFile};
use std::collections::{BTreeMap, VecDeque};
use std::mem;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::oneshot;

/// Buffers kept for reuse, and how large one may be for that.
const SPARE_MAX: usize = 8;
const SPARE_SIZE: usize = 256 * 1024;

/// In a flood, texts gather for so long before they are written, unless there is enough, or somebody waits for
/// them. A few large writes cost a fraction of many small ones, and leave the processors to those who print.
const GATHER: Duration = Duration::from_millis(5);
const ENOUGH: usize = 64 * 1024;

#[derive(Debug)]
pub(super) struct Shared {
    queue: Mutex<Queue>,
    wake: Condvar,
    /// In bytes.
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
    /// The lines of the text that the thread has in hand.
    in_hand: u64,
    /// The thread waits for anything at all.
    sleeping: bool,
    /// The thread has just written, and lets what follows gather.
    gathering: bool,
    closed: bool,
}

#[derive(Debug)]
pub(super) enum Item {
    /// From here on this instance is called so, and its files are these.
    Named(InstanceId, String),
    /// Its lines go into this file as well from here on, or no longer into any.
    Copied(InstanceId, Option<Box<LogFile>>),
    /// Whole lines. `missing` more should stand before them.
    Lines {
        instance: InstanceId,
        text: Vec<u8>,
        missing: u64,
    },
}

impl Item {
    /// How many lines it stands for.
    fn lines(&self) -> u64 {
        match self {
            Self::Lines { text, missing, .. } => lines_in(text) + missing,
            Self::Named(..) | Self::Copied(..) => 0,
        }
    }
}

/// What the thread is to do next.
pub(super) enum Next {
    Item(Item),
    /// Nothing, and there has been nothing for a while.
    Quiet,
    End,
}

impl Shared {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            queue: Mutex::default(),
            wake: Condvar::new(),
            limit,
        }
    }

    /// Takes an item that takes no room.
    pub(super) fn tell(&self, item: Item) {
        let mut queue = self.lock();
        queue.take_in(item);
        self.wake(&mut queue);
    }

    /// Takes what has gathered for some instances; each buffer comes back empty.
    pub(super) fn push<'a>(&self, texts: impl Iterator<Item = (InstanceId, &'a mut Vec<u8>)>) {
        let mut queue = self.lock();
        for (instance, buffer) in texts {
            if queue.size + buffer.len() > self.limit {
                *queue.dropped.entry(instance).or_default() += lines_in(buffer);
                buffer.clear();
                continue;
            }
            let missing = queue.dropped.remove(&instance).unwrap_or_default();
            queue.size += buffer.len();
            if missing == 0 && queue.append(instance, buffer) {
                continue;
            }
            let text = mem::replace(buffer, queue.spare.pop().unwrap_or_default());
            queue.take_in(Item::Lines {
                instance,
                text,
                missing,
            });
        }
        self.wake(&mut queue);
    }

    /// Answers when everything taken so far is done with. What did not fit is marked by then, also where nothing
    /// follows it.
    pub(super) fn flushed(&self) -> oneshot::Receiver<()> {
        let (sender, receiver) = oneshot::channel();
        let mut queue = self.lock();
        for (instance, missing) in mem::take(&mut queue.dropped) {
            queue.take_in(Item::Lines {
                instance,
                text: Vec::new(),
                missing,
            });
        }
        let target = queue.taken;
        queue.flushes.push((target, sender));
        queue.tell_flushed();
        self.wake(&mut queue);
        receiver
    }

    /// There is no more to come.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.wake.notify_one();
    }

    fn wake(&self, queue: &mut Queue) {
        let has_enough = queue.gathering && queue.is_pressing();
        if mem::take(&mut queue.sleeping) || has_enough {
            self.wake.notify_one();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for what is next; with `patience`, for no longer than that.
    pub(super) fn next(&self, patience: Option<Duration>) -> Next {
        let mut queue = self.lock();
        if queue.gathering {
            let waited = self
                .wake
                .wait_timeout_while(queue, GATHER, |queue| !queue.is_pressing());
            queue = waited.unwrap_or_else(PoisonError::into_inner).0;
            queue.gathering = false;
        }
        loop {
            if let Some(item) = queue.items.pop_front() {
                queue.in_hand = item.lines();
                if let Item::Lines { text, .. } = &item {
                    queue.size -= text.len();
                    queue.gathering = queue.items.is_empty();
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
    pub(super) fn done(&self, text: Option<Vec<u8>>) {
        let mut queue = self.lock();
        if let Some(text) = text {
            queue.recycle(text);
        }
        queue.done += 1;
        queue.in_hand = 0;
        queue.tell_flushed();
    }
}

impl Queue {
    fn take_in(&mut self, item: Item) {
        self.items.push_back(item);
        self.taken += 1;
    }

    /// Whether what has gathered is to be written now.
    fn is_pressing(&self) -> bool {
        self.closed || !self.flushes.is_empty() || self.size >= ENOUGH
    }

    /// Puts the text behind the last one, if that is of the same instance and not too long; leaves it empty.
    fn append(&mut self, instance: InstanceId, text: &mut Vec<u8>) -> bool {
        match self.items.back_mut() {
            Some(Item::Lines {
                instance: of,
                text: last,
                ..
            }) if *of == instance && last.len() + text.len() <= ENOUGH => {
                last.append(text);
                true
            }
            Some(_) | None => false,
        }
    }

    fn unwritten(&self) -> u64 {
        let waiting = self.items.iter().map(Item::lines);
        self.in_hand + waiting.sum::<u64>() + self.dropped.values().sum::<u64>()
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

/// For who reads the files while more is written, apart from the loop.
#[derive(Clone, Debug)]
pub struct Flushing(Arc<Shared>);

impl Flushing {
    pub(super) fn of(shared: &Arc<Shared>) -> Self {
        Self(Arc::clone(shared))
    }

    /// Returns when everything that was handed on so far is in the files, or cannot be.
    pub async fn flushed(&self) {
        // A writer that is gone has nothing more to write.
        self.0.flushed().await.unwrap_or_default();
    }

    /// How much has been written so far: another amount whenever something has been.
    pub fn written(&self) -> u64 {
        self.0.lock().done
    }

    /// How many lines are not.
    pub fn unwritten(&self) -> u64 {
        self.0.lock().unwritten()
    }
}

pub(super) fn lines_in(text: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', text).count() as u64
}

#[cfg(test)]
mod tests {
    use super::{Item, Next, Shared};
    use crate::model::InstanceId;

    fn push(shared: &Shared, instance: u32, text: &str) {
        let mut buffer = text.as_bytes().to_vec();
        shared.push([(InstanceId(instance), &mut buffer)].into_iter());
        assert!(buffer.is_empty());
    }

    fn next(shared: &Shared) -> (u32, String, u64) {
        match shared.next(None) {
            Next::Item(Item::Lines {
                instance,
                text,
                missing,
            }) => (instance.0, String::from_utf8(text).unwrap(), missing),
            Next::Item(Item::Named(..) | Item::Copied(..)) | Next::Quiet | Next::End => panic!("no lines"),
        }
    }

    #[test]
    fn what_one_instance_prints_in_a_row_is_one_text_and_stays_in_order() {
        let shared = Shared::new(1000);
        for (instance, text) in [(0, "a\n"), (0, "b\n"), (1, "c\n"), (0, "d\n")] {
            push(&shared, instance, text);
        }
        assert_eq!(next(&shared), (0, "a\nb\n".into(), 0));
        assert_eq!(next(&shared), (1, "c\n".into(), 0));
        assert_eq!(next(&shared), (0, "d\n".into(), 0));
    }

    #[test]
    fn what_follows_a_gap_does_not_join_what_stands_before_it() {
        let shared = Shared::new(8);
        push(&shared, 0, "kept\n");
        push(&shared, 0, "too long\n");
        push(&shared, 0, "x\n");
        assert_eq!(next(&shared), (0, "kept\n".into(), 0));
        assert_eq!(next(&shared), (0, "x\n".into(), 1));
    }
    #[test]
    fn what_did_not_fit_is_marked_for_who_asks_also_where_nothing_follows() {
        let shared = Shared::new(8);
        push(&shared, 0, "kept\n");
        push(&shared, 0, "too long\n");
        push(&shared, 0, "as well, this\n");
        let mut flushed = shared.flushed();
        assert_eq!(next(&shared), (0, "kept\n".into(), 0));
        shared.done(None);
        assert!(flushed.try_recv().is_err());
        assert_eq!(next(&shared), (0, String::new(), 2));
        shared.done(None);
        flushed.try_recv().unwrap();
    }

    #[test]
    fn what_is_not_written_yet_is_counted_wherever_it_is() {
        let shared = Shared::new(12);
        push(&shared, 0, "a\nb\n");
        push(&shared, 1, "c\n");
        push(&shared, 1, "too long for it\n");
        let writing = super::Flushing::of(&std::sync::Arc::new(shared));
        assert_eq!((writing.written(), writing.unwritten()), (0, 4));
        next(&writing.0);
        assert_eq!((writing.written(), writing.unwritten()), (0, 4));
        writing.0.done(None);
        assert_eq!((writing.written(), writing.unwritten()), (1, 2));
    }
}
