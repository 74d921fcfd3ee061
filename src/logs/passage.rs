//! One line's way to everything that wants it: the instance's ring, the console's text, the followers. Knows
//! nothing of bytes before they are lines, nor of who reads what comes out.

use super::follow::Followers;
use super::hub::StreamEvent;
use super::record::{Record, RecordKind};
use super::render::Renderer;
use super::ring::Ring;
use super::sentences::{Sentence, Sentences};
use super::store::{EntryKind, Store};
use super::stream::Sink;
use super::watch::LineWatch;
use crate::model::mark::Mark;
use crate::model::{InstanceId, RunId};

/// What is kept of an instance's output.
#[derive(Debug)]
pub(super) struct Past {
    pub(super) ring: Ring,
    /// The run whose output is passing.
    pub(super) run: RunId,
    /// The last run whose beginning was seen in the output: what is new since then is of no earlier one.
    pub(super) begun: Option<RunId>,
    pub(super) sentences: Sentences,
    /// When its last line came, and the how manieth of that millisecond it was.
    pub(super) last_line: (u64, u32),
    /// `None` for nearly all: then no line is searched.
    pub(super) watch: Option<Box<LineWatch>>,
}

/// What the streams share.
#[derive(Debug)]
pub(super) struct Merged {
    /// `None` where nobody looks (a detached session).
    pub(super) renderer: Option<Renderer>,
    pub(super) rendered: Vec<u8>,
    pub(super) followers: Followers,
    /// The files that lines are kept in, if they are.
    pub(super) store: Option<Store>,
    pub(super) events: Vec<(InstanceId, StreamEvent)>,
    pub(super) last_seq: u64,
}

impl Past {
    /// Looks whether the line tells the service's state.
    #[inline]
    pub(super) fn look(&mut self, shared: &mut Merged, instance: InstanceId, line: &[u8]) {
        if let Some(watch) = &mut self.watch
            && let Some(ready) = watch.look(line)
        {
            let run = self.run;
            shared
                .events
                .push((instance, StreamEvent::TellsReady { run, ready }));
        }
    }

    /// Counts a line of this moment; the how manieth it is.
    #[inline]
    pub(super) fn count_line(&mut self, at_ms: u64) -> u32 {
        let (last, count) = self.last_line;
        let nth = if last == at_ms { count.saturating_add(1) } else { 1 };
        self.last_line = (at_ms, nth);
        nth
    }

    /// The output that passes from here on is that of this run.
    pub(super) fn begin(&mut self, run: RunId) {
        self.run = run;
        if let Some(watch) = &mut self.watch {
            watch.begin();
        }
    }

    pub(super) fn say(&mut self, shared: &mut Merged, at_ms: u64, instance: InstanceId, sentence: &Sentence) {
        if let Some(renderer) = &mut shared.renderer {
            renderer.event(
                &mut shared.rendered,
                instance,
                sentence.tone,
                at_ms,
                &sentence.text,
            );
        }
        for line in sentence.text.lines() {
            let line: String = line.chars().filter(|c| !c.is_control()).collect();
            let record = shared.record(instance, self.run, at_ms, RecordKind::Event, line.as_bytes());
            self.ring.push(record);
            shared.followers.push(record);
            shared.keep(instance, self.run, at_ms, EntryKind::Event, line.as_bytes());
        }
    }
}

impl Merged {
    /// Has a line put into the instance's file.
    #[inline]
    fn keep(&mut self, instance: InstanceId, run: RunId, at_ms: u64, kind: EntryKind, text: &[u8]) {
        if let Some(store) = &mut self.store {
            store.line(at_ms, instance, run, kind, text);
        }
    }

    /// A record with the next number.
    pub(super) fn record<'a>(
        &mut self,
        instance: InstanceId,
        run: RunId,
        at_ms: u64,
        kind: RecordKind,
        text: &'a [u8],
    ) -> Record<'a> {
        self.last_seq += 1;
        Record {
            seq: self.last_seq,
            at_ms,
            instance,
            run,
            kind,
            nth: 0,
            text,
        }
    }
}

/// What a file says where a run begins.
fn run_begins(run: RunId) -> String {
    format!("run {run}")
}

/// Takes one stream's lines for the hub.
pub(super) struct SourceSink<'a> {
    pub(super) instance: InstanceId,
    pub(super) at_ms: u64,
    pub(super) past: &'a mut Past,
    pub(super) shared: &'a mut Merged,
    pub(super) line_ended: bool,
    /// Its lines are of the current run for certain.
    pub(super) current: bool,
}

impl<'a> SourceSink<'a> {
    pub(super) fn new(
        (instance, at_ms): (InstanceId, u64),
        past: &'a mut Past,
        shared: &'a mut Merged,
        current: bool,
    ) -> Self {
        Self {
            instance,
            at_ms,
            past,
            shared,
            line_ended: false,
            current,
        }
    }

    /// This run's output begins here; what is due to be said in front of it.
    pub(super) fn begin(&mut self, run: RunId) -> Vec<Sentence> {
        let due = self.past.sentences.begins(run);
        self.past.begin(run);
        self.past.begun = Some(run);
        let text = run_begins(run);
        self.shared
            .keep(self.instance, run, self.at_ms, EntryKind::Begin, text.as_bytes());
        due
    }
}

impl Sink for SourceSink<'_> {
    #[inline]
    fn line(&mut self, text: &[u8]) {
        self.line_ended = true;
        if let Some(sentence) = self.past.sentences.before_line() {
            self.past.say(self.shared, self.at_ms, self.instance, &sentence);
        }
        let shared = &mut *self.shared;
        let record = Record {
            nth: self.past.count_line(self.at_ms),
            ..shared.record(self.instance, self.past.run, self.at_ms, RecordKind::Output, text)
        };
        self.past.ring.push(record);
        if let Some(renderer) = &mut shared.renderer {
            renderer.output(&mut shared.rendered, self.instance, self.at_ms, text);
        }
        shared.followers.push(record);
        shared.keep(self.instance, self.past.run, self.at_ms, EntryKind::Output, text);
        if self.current {
            self.past.look(shared, self.instance, text);
        }
    }

    fn mark(&mut self, mark: Mark) {
        let due = match mark {
            Mark::RunBegins(run) => self.begin(run),
            Mark::RunEnds(run) => self.past.sentences.ends(run),
            Mark::NoteBegins | Mark::NoteEnds => Vec::new(),
        };
        for sentence in due {
            self.past.say(self.shared, self.at_ms, self.instance, &sentence);
        }
        self.shared.events.push((self.instance, StreamEvent::Mark(mark)));
    }

    fn full_screen(&mut self, entered: bool) {
        let event = StreamEvent::FullScreen(entered);
        self.shared.events.push((self.instance, event));
    }

    fn screen_text(&mut self, text: &[u8]) {
        self.past.look(self.shared, self.instance, text);
    }
}
