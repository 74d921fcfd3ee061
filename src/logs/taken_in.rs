//! What the hub knows of an instance that did not come with its stream: what an earlier controller has written down,
//! what stood in the scrollback, what is known to have passed unseen. Reads no file and asks no tmux.

use super::hub::Hub;
use super::passage::SourceSink;
use super::record::{Record, RecordKind};
use super::stream::StreamDecoder;
use crate::model::{InstanceId, Moment, RunId};

impl Hub {
    /// Keeps a line that an earlier controller has shown and written down.
    pub fn remember(&mut self, instance: InstanceId, at_ms: u64, run: RunId, text: &[u8]) {
        if let Some(source) = self.sources.get_mut(instance.0 as usize) {
            let record = Record {
                nth: source.past.count_line(at_ms),
                ..self.shared.record(instance, run, at_ms, RecordKind::Output, text)
            };
            source.past.ring.push(record);
        }
    }

    /// The beginning of this run is among what an earlier controller has written down.
    pub fn remember_begin(&mut self, instance: InstanceId, run: RunId) {
        if let Some(source) = self.source_mut(instance) {
            source.past.begun = Some(run);
        }
    }

    /// The unfinished line stands in what is taken in next, and more of it.
    pub fn forget_open_line(&mut self, now: Moment, instance: InstanceId) {
        if let Some(source) = self.source_mut(instance) {
            source.decoder.forget_line();
        }
        self.line_is_over(now, instance);
    }

    /// Whether the output of this run has begun as far as is known.
    pub fn has_begun(&self, instance: InstanceId, run: RunId) -> bool {
        self.source(instance)
            .is_some_and(|source| source.past.begun == Some(run))
    }

    /// What is taken in next was printed before this run.
    pub fn go_back_before(&mut self, instance: InstanceId, run: RunId) {
        if let Some(source) = self.source_mut(instance) {
            let before = source.past.begun.filter(|begun| *begun < run);
            source.past.run = before.unwrap_or(RunId(run.0.saturating_sub(1)));
        }
    }

    /// What is taken in from here on was printed by this run, whose beginning has passed unseen.
    pub fn begun_unseen(&mut self, at_ms: u64, instance: InstanceId, run: RunId) {
        if let Some(source) = self.sources.get_mut(instance.0 as usize) {
            let mut sink = SourceSink::new((instance, at_ms), &mut source.past, &mut self.shared, true);
            for sentence in sink.begin(run) {
                sink.past.say(sink.shared, at_ms, instance, &sentence);
            }
        }
    }

    /// Takes a line that was found in the scrollback, printed while nobody read the stream. `alive`: the run that
    /// lives now. `is_shown`: on the console too.
    pub fn refill(
        &mut self,
        at_ms: u64,
        instance: InstanceId,
        alive: Option<RunId>,
        line: &[u8],
        is_shown: bool,
    ) {
        let Some(source) = self.sources.get_mut(instance.0 as usize) else {
            return;
        };
        let renderer = self.shared.renderer.take_if(|_| !is_shown);
        let past = &source.past;
        // The scrollback does not tell the runs apart; but if this one's beginning was seen, all that is new is its.
        let current = alive.is_some() && alive == past.begun && past.begun == Some(past.run);
        let mut sink = SourceSink::new((instance, at_ms), &mut source.past, &mut self.shared, current);
        // A decoder of its own: the stream's stands somewhere else.
        let mut decoder = StreamDecoder::new(None);
        decoder.feed(line, &mut sink);
        decoder.feed(b"\n", &mut sink);
        if renderer.is_some() {
            self.shared.renderer = renderer;
        }
    }

    /// The instance's scrollback has been taken in, while its run lived. The mark of that run's end may have passed
    /// before, unseen: then nothing comes any more.
    pub fn taken_in_alive(&mut self, instance: InstanceId) {
        if let Some(source) = self.source_mut(instance) {
            source.silent = true;
        }
    }

    /// Whether nothing has come since then.
    pub fn is_silent(&self, instance: InstanceId) -> bool {
        self.source(instance).is_some_and(|source| source.silent)
    }

    /// The end of this run is known to have passed unseen: what was to be said behind it is due.
    pub fn passed_unseen(&mut self, at_ms: u64, instance: InstanceId, run: RunId) {
        let Some(source) = self.sources.get_mut(instance.0 as usize) else {
            return;
        };
        for sentence in source.past.sentences.ends(run) {
            source.past.say(&mut self.shared, at_ms, instance, &sentence);
        }
    }
}
