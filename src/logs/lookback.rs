//! What can be read of the hub: the last lines of each instance, what stands unfinished. Changes nothing.

use super::batch::{Batch, Filter};
use super::hub::{Hub, Source};
use super::plain::plain;
use super::record::{Record, RecordKind};
use super::render::Renderer;
use crate::model::{InstanceId, RunId};

impl Hub {
    /// The last `lines` records of the instances that `filter` takes, merged by time, and after them the
    /// unfinished lines that are quiet.
    pub fn backlog(&self, filter: &Filter, lines: usize) -> Batch {
        let mut records: Vec<_> = self
            .chosen(filter)
            .flat_map(|(_, source)| source.past.ring.last(lines))
            .collect();
        records.sort_unstable_by_key(|record| record.seq);
        self.batch(filter, &records[records.len().saturating_sub(lines)..])
    }

    /// The same, behind the record with this number; and whether some of these are no longer kept.
    pub fn backlog_after(&self, filter: &Filter, seq: u64) -> (Batch, bool) {
        let mut records: Vec<_> = self
            .chosen(filter)
            .flat_map(|(_, source)| source.past.ring.after(seq))
            .collect();
        records.sort_unstable_by_key(|record| record.seq);
        let lacks = self
            .chosen(filter)
            .any(|(_, source)| source.past.ring.has_forgotten_after(seq));
        (self.batch(filter, &records), lacks)
    }

    /// When the last line of each of these came, and the how manieth of that millisecond it was.
    pub fn last_places<'a>(
        &'a self,
        filter: &'a Filter,
    ) -> impl Iterator<Item = (InstanceId, u64, u32)> + 'a {
        self.chosen(filter).map(|(instance, source)| {
            let (at_ms, nth) = source.past.last_line;
            (instance, at_ms, nth)
        })
    }

    fn chosen<'a>(&'a self, filter: &'a Filter) -> impl Iterator<Item = (InstanceId, &'a Source)> {
        let all = (0..).map(InstanceId).zip(&self.sources);
        all.filter(|(instance, _)| filter.takes(*instance))
    }

    fn batch(&self, filter: &Filter, records: &[Record<'_>]) -> Batch {
        let mut batch = Batch::default();
        for record in records {
            batch.push(*record);
        }
        let mut text = Vec::new();
        for (instance, source) in self.chosen(filter) {
            if self.waits_for_input(instance).is_some() {
                text.clear();
                source.decoder.open_line(&mut text);
                batch.push(Record {
                    seq: self.shared.last_seq,
                    at_ms: records.last().map_or(0, |record| record.at_ms),
                    instance,
                    run: source.past.run,
                    kind: RecordKind::Open,
                    nth: 0,
                    text: &text,
                });
            }
        }
        batch
    }

    /// The last `count` lines that `run` printed, without colours, oldest first.
    pub fn last_lines_of_run(&self, instance: InstanceId, run: RunId, count: usize) -> Vec<String> {
        let lines = self
            .source(instance)
            .map(|source| source.past.ring.last_of_run(run, count));
        lines
            .into_iter()
            .flatten()
            .map(|record| plain(record.text))
            .collect()
    }

    /// The last `count` lines that an instance printed, whatever the run, without colours, oldest first.
    pub fn last_lines(&self, instance: InstanceId, count: usize) -> Vec<String> {
        let Some(source) = self.source(instance) else {
            return Vec::new();
        };
        let printed = source
            .past
            .ring
            .last(usize::MAX)
            .rev()
            .filter(|record| record.kind == RecordKind::Output);
        let mut lines: Vec<_> = printed.take(count).map(|record| plain(record.text)).collect();
        lines.reverse();
        lines
    }

    /// Whether every byte that this run printed has been taken.
    pub fn is_complete(&self, instance: InstanceId, run: RunId) -> bool {
        self.source(instance)
            .is_some_and(|source| source.past.sentences.is_complete(run))
    }

    /// The last line that an instance printed, finished or not, without colours.
    pub fn last_line(&self, instance: InstanceId) -> Option<String> {
        match self.waits_for_input(instance) {
            Some(open) => Some(open.to_owned()),
            None => self.source(instance)?.past.ring.last_line(),
        }
    }

    /// Whether unfinished lines are on the console as they are.
    pub fn shows_open_lines(&self) -> bool {
        let renderer = self.shared.renderer.as_ref();
        renderer.is_some_and(Renderer::shows_open_lines)
    }

    /// The line that an instance has begun and not finished, without colours.
    pub fn open_line(&self, instance: InstanceId) -> Option<String> {
        let decoder = &self.source(instance)?.decoder;
        let mut line = Vec::new();
        decoder.open_line(&mut line);
        decoder.has_open_line().then(|| plain(&line))
    }

    /// The unfinished, quiet line of an instance that waits for input, without colours.
    pub fn waits_for_input(&self, instance: InstanceId) -> Option<&str> {
        self.open.waits_for_input(instance)
    }
}
