//! The last events of a session, encoded, in a bounded ring that readers look into at their own pace. A reader
//! that falls behind the ring's oldest event gets what the journal has, and of what that no longer has a counted
//! gap; nobody waits for it.

use super::journal;
use crate::api::call::{EventCursor, EventsSince};
use crate::api::messages::SCHEMA;
use crate::api::messages::events::{Event, EventKind};
use crate::model::{InstanceId, time_text};
use bytes::Bytes;
use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// So many events are kept at most,
pub(super) const MOST_EVENTS: usize = 4096;
/// and so many bytes of them.
pub(super) const MOST_BYTES: usize = 512 * 1024;

/// A reader gets about so many bytes at a time.
const AT_ONCE: usize = 32 * 1024;

/// One event as it is kept.
#[derive(Clone, Debug)]
pub(super) struct Recorded {
    pub(super) seq: u64,
    pub(super) kind: EventKind,
    /// `None` for the session's own, and for instances that are no longer known.
    pub(super) instance: Option<InstanceId>,
    /// A line of JSON, with its end.
    pub(super) line: Bytes,
}

#[derive(Debug)]
struct Ring {
    epoch: Arc<str>,
    entries: VecDeque<Recorded>,
    bytes: usize,
    /// The highest number that was ever given.
    last: u64,
    /// Where earlier events may be found.
    journal: PathBuf,
    /// What the instances of earlier events are known by.
    names: BTreeMap<String, InstanceId>,
}

/// The ring, and the means to wake who waits for its next event.
#[derive(Clone, Debug)]
pub(super) struct Shared(Arc<Mutex<Ring>>);

impl Shared {
    pub(super) fn new(epoch: &str, journal: PathBuf) -> Self {
        Self(Arc::new(Mutex::new(Ring {
            epoch: epoch.into(),
            entries: VecDeque::new(),
            bytes: 0,
            last: 0,
            journal,
            names: BTreeMap::new(),
        })))
    }

    /// The instance has this name in events.
    pub(super) fn name(&self, name: &str, instance: InstanceId) {
        let mut ring = self.lock();
        if ring.names.get(name) != Some(&instance) {
            ring.names.insert(name.to_owned(), instance);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Ring> {
        // Nothing that is done under the lock leaves the ring half changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn push(&self, events: impl Iterator<Item = Recorded>) {
        let mut ring = self.lock();
        for event in events {
            ring.last = event.seq;
            ring.bytes += event.line.len();
            ring.entries.push_back(event);
            while ring.entries.len() > MOST_EVENTS || ring.bytes > MOST_BYTES {
                match ring.entries.pop_front() {
                    Some(old) => ring.bytes -= old.line.len(),
                    None => break,
                }
            }
        }
    }

    /// Forgets everything: a session begins.
    pub(super) fn restart(&self, epoch: &str) {
        let mut ring = self.lock();
        ring.epoch = epoch.into();
        ring.entries.clear();
        ring.bytes = 0;
        ring.last = 0;
    }

    pub(super) fn lines(&self) -> Vec<Bytes> {
        self.lock()
            .entries
            .iter()
            .map(|event| event.line.clone())
            .collect()
    }
}

/// One event on its way to a reader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::controller) struct EventItem {
    pub(in crate::controller) cursor: EventCursor,
    /// The event as JSON, with a line's end.
    pub(in crate::controller) line: Bytes,
}

impl EventItem {
    pub(in crate::controller) fn json(&self) -> &[u8] {
        self.line.trim_ascii_end()
    }
}

/// Which events a reader wants; empty means all.
#[derive(Clone, Debug, Default)]
pub(in crate::controller) struct Wanted {
    pub(in crate::controller) instances: Option<Vec<InstanceId>>,
    pub(in crate::controller) kinds: Vec<EventKind>,
}

impl Wanted {
    fn takes(&self, event: &Recorded) -> bool {
        let of_these = match (&self.instances, event.instance) {
            (None, _) => true,
            (Some(instances), Some(instance)) => instances.contains(&instance),
            (Some(_), None) => false,
        };
        of_these && (self.kinds.is_empty() || self.kinds.contains(&event.kind))
    }
}

/// One who reads. Dropping it is the end of it.
#[derive(Debug)]
pub(in crate::controller) struct Reader {
    ring: Shared,
    news: watch::Receiver<u64>,
    wanted: Wanted,
    /// The number of the next event to look at.
    next: u64,
    /// The last to look at.
    until: u64,
    /// Something is missing before it, and nobody can tell how much.
    lost_count: bool,
    /// Events that the ring no longer has, from `next` on.
    earlier: VecDeque<Recorded>,
}

impl Reader {
    pub(super) fn new(ring: Shared, news: watch::Receiver<u64>, wanted: Wanted, since: &EventsSince) -> Self {
        let (next, lost_count) = ring.lock().place(since, &wanted);
        Self {
            ring,
            news,
            wanted,
            next,
            until: u64::MAX,
            lost_count,
            earlier: VecDeque::new(),
        }
    }

    /// Ends the reading with what there is now, however fast more comes.
    pub(super) fn end_here(&mut self) {
        self.until = self.ring.lock().last;
    }

    /// Reads on behind number `seq`, again.
    pub(in crate::controller) fn go_back_to(&mut self, seq: u64) {
        self.next = seq + 1;
        self.earlier.clear();
    }

    /// The next events that are there, a few at a time; none if there are none.
    pub(in crate::controller) fn take(&mut self) -> Vec<EventItem> {
        let mut items = Vec::new();
        if self.next > self.until {
            return items;
        }
        items.extend(self.fetch_earlier());
        let ring = self.ring.lock();
        let oldest = ring.oldest();
        if self.lost_count {
            self.lost_count = false;
            self.next = self.next.max(oldest);
            items.push(gap(&ring.epoch, self.next - 1, None));
        }
        let mut bytes = 0;
        let mut take = |event: &Recorded, next: &mut u64| {
            if bytes > AT_ONCE || event.seq > self.until {
                return false;
            }
            *next = event.seq + 1;
            if self.wanted.takes(event) {
                bytes += event.line.len();
                items.push(EventItem {
                    cursor: cursor(&ring.epoch, event.seq),
                    line: event.line.clone(),
                });
            }
            true
        };
        while let Some(event) = self.earlier.front() {
            if !take(event, &mut self.next) {
                return items;
            }
            self.earlier.pop_front();
        }
        // The ring may have gone on meanwhile: then the next call looks for what is missing now.
        if let Some(behind) = self.next.checked_sub(oldest) {
            let behind = usize::try_from(behind).unwrap_or(usize::MAX);
            let there = ring.entries.iter().skip(behind);
            for event in there {
                if !take(event, &mut self.next) {
                    break;
                }
            }
        }
        items
    }

    /// Reads what the ring no longer has, if that is what comes next; returns what is to be said of the rest. The ring is
    /// free meanwhile: no disk holds up who records.
    fn fetch_earlier(&mut self) -> Option<EventItem> {
        if self.lost_count || !self.earlier.is_empty() {
            return None;
        }
        let (epoch, path, oldest) = {
            let ring = self.ring.lock();
            let oldest = ring.oldest();
            if self.next >= oldest {
                return None;
            }
            (Arc::clone(&ring.epoch), ring.journal.clone(), oldest)
        };
        let events = journal::between(&path, &epoch, self.next, oldest);
        let ring = self.ring.lock();
        // Another counting has begun meanwhile.
        if ring.epoch != epoch {
            return None;
        }
        let recorded = events.into_iter().map(|(event, line)| Recorded {
            seq: event.seq,
            kind: event.event,
            instance: event.instance.and_then(|name| ring.names.get(&name).copied()),
            line,
        });
        self.earlier = recorded.collect();
        let there = self.earlier.front().map_or(oldest, |event| event.seq);
        let missed = there.checked_sub(self.next).filter(|missed| *missed > 0)?;
        self.next = there;
        Some(gap(&epoch, there - 1, Some(missed)))
    }

    /// The same, waiting for the next one. `None`: there will be no more.
    pub(in crate::controller) async fn next(&mut self) -> Option<Vec<EventItem>> {
        loop {
            let is_over = self.news.has_changed().is_err();
            self.news.mark_unchanged();
            let items = self.take();
            if !items.is_empty() {
                return Some(items);
            }
            let is_at_end = self.next > self.ring.lock().last;
            if is_at_end
                && (is_over || self.news.changed().await.is_err())
                && self.next > self.ring.lock().last
            {
                return None;
            }
        }
    }
}

impl Ring {
    fn oldest(&self) -> u64 {
        self.entries.front().map_or(self.last + 1, |event| event.seq)
    }

    /// The number to begin with, and whether an unknown number of events before it is missing.
    fn place(&self, since: &EventsSince, wanted: &Wanted) -> (u64, bool) {
        match since {
            EventsSince::Start => (self.oldest(), false),
            EventsSince::Now | EventsSince::Last(0) => (self.last + 1, false),
            EventsSince::Last(count) => {
                let mut last = self.entries.iter().rev().filter(|event| wanted.takes(event));
                let first = last.nth(count - 1).map_or(self.oldest(), |event| event.seq);
                (first, false)
            }
            EventsSince::Cursor(EventCursor { epoch, seq })
                if **epoch == *self.epoch && *seq <= self.last =>
            {
                (seq + 1, false)
            }
            // Of another session, or of a controller whose events did not outlive it.
            EventsSince::Cursor(_) => (self.oldest(), true),
        }
    }
}

pub(super) fn cursor(epoch: &str, seq: u64) -> EventCursor {
    EventCursor {
        epoch: epoch.to_owned(),
        seq,
    }
}

/// Says that events up to `seq` are missing, as an event of its own.
fn gap(epoch: &str, seq: u64, missed: Option<u64>) -> EventItem {
    let cursor = cursor(epoch, seq);
    let event = Event {
        schema: SCHEMA,
        seq,
        cursor: cursor.to_string(),
        at: time_text::rfc3339(crate::controller::clock::wall()),
        event: EventKind::Gap,
        missed,
        ..Event::default()
    };
    EventItem {
        cursor,
        line: encode(&event),
    }
}

pub(super) fn encode(event: &Event) -> Bytes {
    let mut line = serde_json::to_vec(event).expect("plain fields always serialize");
    line.push(b'\n');
    line.into()
}
