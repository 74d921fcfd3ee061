//! Records in one piece, as they are handed to those who follow: what a follower wants, and what it gets at a time.
//! Knows nothing of queues.

use super::record::{Record, RecordKind};
use crate::model::{InstanceId, RunId};

/// Which instances a follower wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Filter {
    All,
    Only(Vec<InstanceId>),
}

impl Filter {
    pub fn takes(&self, instance: InstanceId) -> bool {
        match self {
            Self::All => true,
            Self::Only(instances) => instances.contains(&instance),
        }
    }
}

/// Records in one piece, in order.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    text: Vec<u8>,
    entries: Vec<Entry>,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    seq: u64,
    at_ms: u64,
    instance: InstanceId,
    run: RunId,
    kind: RecordKind,
    nth: u32,
    /// Where its text ends; it begins where the one before ends.
    end: usize,
}

impl Batch {
    pub fn push(&mut self, record: Record<'_>) {
        self.text.extend_from_slice(record.text);
        self.entries.push(Entry {
            seq: record.seq,
            at_ms: record.at_ms,
            instance: record.instance,
            run: record.run,
            kind: record.kind,
            nth: record.nth,
            end: self.text.len(),
        });
    }

    pub fn iter(&self) -> impl Iterator<Item = Record<'_>> {
        let starts = std::iter::once(0).chain(self.entries.iter().map(|entry| entry.end));
        self.entries.iter().zip(starts).map(|(entry, start)| Record {
            seq: entry.seq,
            at_ms: entry.at_ms,
            instance: entry.instance,
            run: entry.run,
            kind: entry.kind,
            nth: entry.nth,
            text: &self.text[start..entry.end],
        })
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How many lines in it are what a service printed. One that is open comes again when it is whole.
    pub(super) fn lines(&self) -> u64 {
        let printed = self
            .entries
            .iter()
            .filter(|entry| entry.kind == RecordKind::Output);
        printed.count() as u64
    }

    pub(super) fn size(&self) -> usize {
        self.text.len() + self.entries.len() * size_of::<Entry>()
    }

    /// When the first of them was printed.
    pub(super) fn first_ms(&self) -> Option<u64> {
        self.entries.first().map(|entry| entry.at_ms)
    }

    /// Gives back what it does not fill: it may stand in a queue for long, where its length counts.
    pub(super) fn shrink(&mut self) {
        self.text.shrink_to_fit();
        self.entries.shrink_to_fit();
    }

    pub(super) fn is_all_for(&self, filter: &Filter) -> bool {
        match filter {
            Filter::All => true,
            Filter::Only(_) => self.entries.iter().all(|entry| filter.takes(entry.instance)),
        }
    }

    pub(super) fn only(&self, filter: &Filter) -> Self {
        let mut batch = Self::default();
        for record in self.iter().filter(|record| filter.takes(record.instance)) {
            batch.push(record);
        }
        batch
    }
}
