//! Gives records to those who follow the output, each at its own pace: a slow one loses counted lines and
//! delays nobody. Knows nothing of connections or formats.

use super::batch::{Batch, Filter};
use super::record::Record;
use std::collections::VecDeque;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// What waits for one follower at most, in bytes.
const QUEUE_MAX: usize = 4 * 1024 * 1024;

/// What a follower gets next.
#[derive(Clone, Debug)]
pub enum Delivery {
    Records(Arc<Batch>),
    /// So many lines that services printed are missing here: the follower was too slow.
    Gap {
        lines: u64,
        /// When what comes next was printed.
        next_ms: u64,
    },
    /// The session is over. Nothing comes behind it.
    Ended,
}

/// Everybody who follows.
#[derive(Debug, Default)]
pub struct Followers {
    following: Vec<(Filter, Arc<Shared>)>,
    pending: Batch,
    /// With the output, the session is over.
    ended: bool,
}

/// One who follows. Dropping it is the end of it.
#[derive(Debug)]
pub struct Follower {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    queue: Mutex<Queue>,
    news: Notify,
}

#[derive(Debug, Default)]
struct Queue {
    batches: VecDeque<Arc<Batch>>,
    /// The sizes of `batches`.
    size: usize,
    /// Lines dropped in front of `batches` that the follower has not been told of.
    dropped: u64,
    closed: bool,
    /// The follower has to be told that the session is over.
    ended: bool,
}

impl Followers {
    /// Nobody follows, so that nothing need be collected.
    pub fn is_empty(&self) -> bool {
        self.following.is_empty()
    }

    /// Adds a follower. It gets `backlog` first, then everything pushed from here on.
    pub fn follow(&mut self, filter: Filter, backlog: Batch) -> Follower {
        // What is pending was pushed before, so it is in the backlog, or meant for the others only.
        self.publish();
        let shared = Arc::new(Shared::default());
        if !backlog.is_empty() {
            shared.push(Arc::new(backlog));
        }
        self.following.push((filter, Arc::clone(&shared)));
        Follower { shared }
    }

    /// There is no more to come, from no controller.
    pub fn end(&mut self) {
        self.ended = true;
    }

    /// Collects a record for the next [`Self::publish`].
    pub fn push(&mut self, record: Record<'_>) {
        if !self.is_empty() {
            self.pending.push(record);
        }
    }

    /// Hands out what was pushed since the last time.
    pub fn publish(&mut self) {
        if self.pending.is_empty() {
            return;
        }
        let mut batch = mem::take(&mut self.pending);
        batch.shrink();
        let batch = Arc::new(batch);
        self.following.retain(|(filter, shared)| {
            let follows = Arc::strong_count(shared) > 1;
            if follows {
                // Who follows the one service that prints has the same text as everybody else.
                if batch.is_all_for(filter) {
                    shared.push(Arc::clone(&batch));
                } else {
                    shared.push(Arc::new(batch.only(filter)));
                }
            }
            follows
        });
    }
}

impl Drop for Followers {
    /// The output is over; followers get what is queued, then the end.
    fn drop(&mut self) {
        self.publish();
        for (_, shared) in &self.following {
            {
                let mut queue = shared.lock();
                queue.closed = true;
                queue.ended = self.ended;
            }
            shared.news.notify_one();
        }
    }
}

impl Follower {
    /// The next delivery; `None` when the output is over. May be cancelled and asked again.
    pub async fn next(&mut self) -> Option<Delivery> {
        loop {
            {
                let mut queue = self.shared.lock();
                if queue.dropped > 0 {
                    let lines = mem::take(&mut queue.dropped);
                    let next = queue.batches.front();
                    let next_ms = next.and_then(|batch| batch.first_ms()).unwrap_or_default();
                    return Some(Delivery::Gap { lines, next_ms });
                }
                if let Some(batch) = queue.batches.pop_front() {
                    queue.size -= batch.size();
                    return Some(Delivery::Records(batch));
                }
                if queue.closed {
                    return mem::take(&mut queue.ended).then_some(Delivery::Ended);
                }
            }
            self.shared.news.notified().await;
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, batch: Arc<Batch>) {
        if batch.is_empty() {
            return;
        }
        {
            let mut queue = self.lock();
            queue.size += batch.size();
            queue.batches.push_back(batch);
            // The newest batch stays, whatever its size: a backlog must not be its own undoing.
            while queue.size > QUEUE_MAX
                && queue.batches.len() > 1
                && let Some(oldest) = queue.batches.pop_front()
            {
                queue.size -= oldest.size();
                queue.dropped += oldest.lines();
            }
        }
        self.news.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::{Batch, Delivery, Filter, Follower, Followers, QUEUE_MAX};
    use crate::logs::{Record, RecordKind};
    use crate::model::{InstanceId, RunId};
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    fn record(seq: u64, instance: u32, text: &[u8]) -> Record<'_> {
        Record {
            seq,
            at_ms: seq,
            instance: InstanceId(instance),
            run: RunId(1),
            kind: RecordKind::Output,
            nth: 1,
            text,
        }
    }

    /// What `follower` gets without waiting.
    fn next(follower: &mut Follower) -> Poll<Option<Delivery>> {
        pin!(follower.next()).poll(&mut Context::from_waker(Waker::noop()))
    }

    fn seqs(delivery: Poll<Option<Delivery>>) -> Vec<u64> {
        match delivery {
            Poll::Ready(Some(Delivery::Records(batch))) => batch.iter().map(|record| record.seq).collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_follower_gets_its_backlog_then_what_it_asked_for() {
        let mut followers = Followers::default();
        followers.push(record(1, 0, b"unheard"));
        let mut backlog = Batch::default();
        backlog.push(record(1, 0, b"old"));
        let mut all = followers.follow(Filter::All, backlog);
        let mut one = followers.follow(Filter::Only(vec![InstanceId(1)]), Batch::default());
        assert!(next(&mut one).is_pending());
        followers.push(record(2, 0, b"a"));
        followers.push(record(3, 1, b"b"));
        followers.publish();
        assert_eq!(seqs(next(&mut all)), [1]);
        assert_eq!(seqs(next(&mut all)), [2, 3]);
        assert_eq!(seqs(next(&mut one)), [3]);
        followers.push(record(4, 0, b"c"));
        followers.publish();
        assert!(next(&mut one).is_pending());
        drop(followers);
        assert_eq!(seqs(next(&mut all)), [4]);
        assert!(matches!(next(&mut all), Poll::Ready(None)));
        assert!(matches!(next(&mut one), Poll::Ready(None)));
    }

    #[test]
    fn a_slow_follower_gets_a_counted_gap_and_delays_nobody() {
        let mut followers = Followers::default();
        let mut slow = followers.follow(Filter::All, Batch::default());
        let mut quick = followers.follow(Filter::All, Batch::default());
        let text = vec![b'x'; 10_000];
        let total = 3 * QUEUE_MAX as u64 / 10_000;
        for seq in 1..=total {
            followers.push(record(seq, 0, &text));
            followers.publish();
            assert_eq!(seqs(next(&mut quick)), [seq]);
        }
        assert!(slow.shared.lock().size <= QUEUE_MAX);
        let Poll::Ready(Some(Delivery::Gap { lines, next_ms })) = next(&mut slow) else {
            panic!("the gap comes first");
        };
        let mut expected = lines + 1;
        assert_eq!(next_ms, expected);
        while let Poll::Ready(Some(Delivery::Records(batch))) = next(&mut slow) {
            for record in batch.iter() {
                assert_eq!(record.seq, expected);
                expected += 1;
            }
        }
        assert_eq!(expected, total + 1);
    }

    #[test]
    fn a_gap_counts_what_services_printed_and_a_line_once() {
        let mut followers = Followers::default();
        let mut slow = followers.follow(Filter::All, Batch::default());
        let text = vec![b'x'; QUEUE_MAX];
        let open = Record {
            kind: RecordKind::Open,
            ..record(1, 0, b"half")
        };
        let event = Record {
            kind: RecordKind::Event,
            ..record(3, 0, b"waits for input")
        };
        for record in [open, record(2, 0, b"half a line"), event, record(4, 0, &text)] {
            followers.push(record);
            followers.publish();
        }
        let gap = next(&mut slow);
        assert!(
            matches!(gap, Poll::Ready(Some(Delivery::Gap { lines: 1, .. }))),
            "{gap:?}"
        );
        assert_eq!(seqs(next(&mut slow)), [4]);
    }

    #[test]
    fn a_follower_is_told_that_the_session_has_ended_and_not_that_another_controller_comes() {
        for ends in [true, false] {
            let mut followers = Followers::default();
            let mut follower = followers.follow(Filter::All, Batch::default());
            followers.push(record(1, 0, b"last words"));
            if ends {
                followers.end();
            }
            drop(followers);
            assert_eq!(seqs(next(&mut follower)), [1]);
            if ends {
                assert!(matches!(next(&mut follower), Poll::Ready(Some(Delivery::Ended))));
            }
            assert!(matches!(next(&mut follower), Poll::Ready(None)));
        }
    }

    #[test]
    fn a_follower_that_is_gone_is_forgotten() {
        let mut followers = Followers::default();
        let follower = followers.follow(Filter::All, Batch::default());
        drop(follower);
        followers.push(record(1, 0, b"a"));
        followers.publish();
        assert!(followers.is_empty());
    }
}
