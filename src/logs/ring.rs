//! The last lines of one instance, in one block of bytes that grows when it must and never beyond a bound.
//! Keeps and gives back; renders nothing.

use super::line::LINE_MAX_CLOSED;
use super::plain::plain;
use super::record::{Record, RecordKind};
use crate::model::{InstanceId, RunId};
use std::collections::VecDeque;

/// How much a ring keeps: whatever of the two is reached first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    lines: usize,
    bytes: usize,
}

impl Limits {
    const LINES: usize = 1000;
    const BYTES: usize = 256 * 1024;
    /// What the rings of a session may take together.
    const SESSION_BYTES: usize = 24 * 1024 * 1024;

    /// The bytes are raised so that the longest line fits.
    pub fn new(lines: usize, bytes: usize) -> Self {
        Self {
            lines: lines.max(1),
            bytes: bytes.max(LINE_MAX_CLOSED),
        }
    }

    /// The default for a session of so many instances: 1000 lines and 256 KiB, less where there are hundreds.
    pub fn for_instances(count: usize) -> Self {
        Self::new(Self::LINES, (Self::SESSION_BYTES / count.max(1)).min(Self::BYTES))
    }
}

/// The last records of one instance.
#[derive(Debug)]
pub struct Ring {
    instance: InstanceId,
    limits: Limits,
    /// The texts of `entries`, each in one piece: in order from the first entry's on, once around.
    arena: Vec<u8>,
    entries: VecDeque<Entry>,
    /// The number of the last record that it no longer has; 0 if it has all.
    forgotten: u64,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    seq: u64,
    at_ms: u64,
    run: RunId,
    start: usize,
    len: usize,
    kind: RecordKind,
    nth: u32,
}

impl Ring {
    pub fn new(instance: InstanceId, limits: Limits) -> Self {
        Self {
            instance,
            limits,
            arena: Vec::new(),
            entries: VecDeque::new(),
            forgotten: 0,
        }
    }

    /// Keeps a record, at the expense of the oldest ones. The record's instance is the ring's.
    pub fn push(&mut self, record: Record<'_>) {
        // A text from elsewhere than a decoder may be longer than any line.
        let text = &record.text[..record.text.len().min(self.limits.bytes)];
        while self.entries.len() >= self.limits.lines {
            self.forget_oldest();
        }
        let start = self.make_room(text.len());
        self.arena[start..start + text.len()].copy_from_slice(text);
        self.entries.push_back(Entry {
            seq: record.seq,
            at_ms: record.at_ms,
            run: record.run,
            start,
            len: text.len(),
            kind: record.kind,
            nth: record.nth,
        });
    }

    /// The last `count` records, oldest first.
    pub fn last(&self, count: usize) -> impl DoubleEndedIterator<Item = Record<'_>> {
        let skip = self.entries.len().saturating_sub(count);
        self.entries.range(skip..).map(|entry| self.record(entry))
    }

    /// The records behind the one with this number, oldest first.
    pub fn after(&self, seq: u64) -> impl Iterator<Item = Record<'_>> {
        let skip = self.entries.partition_point(|entry| entry.seq <= seq);
        self.entries.range(skip..).map(|entry| self.record(entry))
    }

    /// Whether [`Self::after`] lacks records.
    pub fn has_forgotten_after(&self, seq: u64) -> bool {
        self.forgotten > seq
    }

    /// The last `count` lines that `run` printed, oldest first.
    pub fn last_of_run(&self, run: RunId, count: usize) -> Vec<Record<'_>> {
        let mut lines: Vec<_> = self
            .entries
            .iter()
            .rev()
            .take_while(|entry| entry.run >= run)
            .filter(|entry| entry.run == run && entry.kind == RecordKind::Output)
            .take(count)
            .map(|entry| self.record(entry))
            .collect();
        lines.reverse();
        lines
    }

    /// The last line that the service printed and that is not blank, without colours.
    pub fn last_line(&self) -> Option<String> {
        self.entries
            .iter()
            .rev()
            .filter(|entry| entry.kind == RecordKind::Output)
            .map(|entry| plain(self.text(entry)))
            .find(|text| !text.trim().is_empty())
    }

    /// The memory it holds beyond itself, in bytes.
    pub fn capacity(&self) -> usize {
        self.arena.capacity() + self.entries.capacity() * size_of::<Entry>()
    }

    fn forget_oldest(&mut self) {
        if let Some(oldest) = self.entries.pop_front() {
            self.forgotten = oldest.seq;
        }
    }

    fn record(&self, entry: &Entry) -> Record<'_> {
        Record {
            seq: entry.seq,
            at_ms: entry.at_ms,
            instance: self.instance,
            run: entry.run,
            kind: entry.kind,
            nth: entry.nth,
            text: self.text(entry),
        }
    }

    fn text(&self, entry: &Entry) -> &[u8] {
        &self.arena[entry.start..entry.start + entry.len]
    }

    /// Where `len` bytes can go. Grows as long as it may, then forgets the oldest.
    fn make_room(&mut self, len: usize) -> usize {
        loop {
            if let Some(start) = self.gap(len) {
                return start;
            }
            if self.arena.len() < self.limits.bytes {
                self.grow(len);
            } else {
                self.forget_oldest();
            }
        }
    }

    fn gap(&self, len: usize) -> Option<usize> {
        let (Some(first), Some(last)) = (self.entries.front(), self.entries.back()) else {
            return (len <= self.arena.len()).then_some(0);
        };
        let end = last.start + last.len;
        if last.start < first.start {
            // Around already: the gap lies between them. One byte of it stays free, so that `last` never
            // reaches `first` and this test keeps its meaning for empty lines too.
            (end + len < first.start).then_some(end)
        } else if end + len <= self.arena.len() {
            Some(end)
        } else {
            (len < first.start).then_some(0)
        }
    }

    fn grow(&mut self, len: usize) {
        let size = (self.arena.len() * 2)
            .max(len.next_power_of_two())
            .max(1024)
            .min(self.limits.bytes);
        let mut arena = Vec::with_capacity(size);
        for entry in &mut self.entries {
            let text = &self.arena[entry.start..entry.start + entry.len];
            entry.start = arena.len();
            arena.extend_from_slice(text);
        }
        arena.resize(size, 0);
        self.arena = arena;
    }
}

#[cfg(test)]
mod tests {
    use super::{Limits, Ring};
    use crate::logs::{LINE_MAX_CLOSED, Record, RecordKind};
    use crate::model::{InstanceId, RunId};
    use proptest::prelude::{prop_assert, prop_assert_eq, proptest};

    fn record(seq: u64, run: u64, text: &[u8]) -> Record<'_> {
        Record {
            seq,
            at_ms: seq * 10,
            instance: InstanceId(3),
            run: RunId(run),
            kind: RecordKind::Output,
            nth: 1,
            text,
        }
    }

    fn texts<'a>(records: impl IntoIterator<Item = Record<'a>>) -> Vec<String> {
        records
            .into_iter()
            .map(|record| String::from_utf8(record.text.to_vec()).unwrap())
            .collect()
    }

    #[test]
    fn the_last_lines_come_back_in_order_with_their_run() {
        let mut ring = Ring::new(InstanceId(3), Limits::new(4, 0));
        for seq in 1..=6 {
            ring.push(record(seq, 1 + seq / 4, format!("line {seq}").as_bytes()));
        }
        assert_eq!(texts(ring.last(2)), ["line 5", "line 6"]);
        assert_eq!(texts(ring.last(100)), ["line 3", "line 4", "line 5", "line 6"]);
        assert_eq!(texts(ring.last_of_run(RunId(1), 20)), ["line 3"]);
        assert_eq!(texts(ring.last_of_run(RunId(2), 2)), ["line 5", "line 6"]);
        let last = ring.last(1).next().unwrap();
        assert_eq!((last.seq, last.at_ms, last.instance), (6, 60, InstanceId(3)));
    }

    #[test]
    fn what_came_behind_a_line_is_all_there_or_known_to_lack_some() {
        let mut ring = Ring::new(InstanceId(3), Limits::new(3, 0));
        for seq in [2, 4, 6, 8, 10] {
            ring.push(record(seq, 1, seq.to_string().as_bytes()));
        }
        assert_eq!(texts(ring.after(6)), ["8", "10"]);
        assert_eq!(texts(ring.after(7)), ["8", "10"]);
        assert_eq!(texts(ring.after(10)), Vec::<String>::new());
        assert_eq!(texts(ring.after(1)), ["6", "8", "10"]);
        for (seq, lacks) in [(10, false), (4, false), (3, true), (0, true)] {
            assert_eq!(ring.has_forgotten_after(seq), lacks, "{seq}");
        }
    }

    #[test]
    fn events_are_kept_but_are_not_the_services_lines() {
        let mut ring = Ring::new(InstanceId(3), Limits::for_instances(1));
        ring.push(record(1, 1, b"\x1b[31mKeyError\x1b[0m"));
        ring.push(record(2, 1, b"  "));
        ring.push(Record {
            kind: RecordKind::Event,
            ..record(3, 1, b"exited with code 3")
        });
        assert_eq!(texts(ring.last_of_run(RunId(1), 9)).len(), 2);
        assert_eq!(ring.last(9).count(), 3);
        assert_eq!(ring.last_line().unwrap(), "KeyError");
    }

    #[test]
    fn a_ring_takes_little_at_first_and_never_more_than_its_bound() {
        let mut ring = Ring::new(InstanceId(3), Limits::for_instances(300));
        ring.push(record(1, 1, b"hello"));
        assert!(ring.capacity() < 2048);
        let long = vec![b'x'; LINE_MAX_CLOSED];
        for seq in 2..500 {
            ring.push(record(
                seq,
                1,
                &long[..usize::try_from(seq).unwrap() * 997 % long.len()],
            ));
        }
        assert!(ring.capacity() <= 24 * 1024 * 1024 / 300 + 100 * 1024);
    }

    proptest! {
        #[test]
        fn a_ring_holds_the_newest_lines_unchanged(
            lengths in proptest::collection::vec(0usize..9000, 0..80),
            bound in 1usize..60,
        ) {
            let mut ring = Ring::new(InstanceId(3), Limits::new(bound, 0));
            let mut all = Vec::new();
            for (seq, length) in (1u64..).zip(lengths) {
                let text: Vec<u8> = vec![seq.to_le_bytes()[0]; length];
                ring.push(record(seq, 1, &text));
                all.push(text);
                let kept: Vec<&[u8]> = ring.last(usize::MAX).map(|r| r.text).collect();
                prop_assert!(!kept.is_empty() && kept.len() <= bound);
                let newest: Vec<&[u8]> = all[all.len() - kept.len()..].iter().map(Vec::as_slice).collect();
                prop_assert_eq!(kept, newest);
                prop_assert!(ring.arena.len() <= ring.limits.bytes);
            }
        }
    }
}
