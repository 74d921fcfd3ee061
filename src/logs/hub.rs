//! Where the output of all panes meets: bytes in; rendered lines, kept lines, followers' records and events
//! out. Pure but for the followers' queues: time is an argument, writing is the caller's.

use super::batch::Filter;
use super::follow::{Follower, Followers};
use super::open::OpenLines;
use super::passage::{Merged, Past, SourceSink};
use super::plain::plain;
use super::record::RecordKind;
use super::render::{Label, Renderer, Tone};
use super::ring::{Limits, Ring};
use super::sentences::{Place, Sentence, Sentences};
use super::store::Store;
use super::stream::StreamDecoder;
use super::watch::LineWatch;
use crate::model::mark::Mark;
use crate::model::{InstanceId, Moment, RunId};
use std::mem;

/// A buffer that grew beyond this in one turn is given back after it.
const KEPT_CAPACITY: usize = 512 * 1024;

/// What a stream told besides lines. All lines before it are rendered and kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamEvent {
    Mark(Mark),
    /// The program draws the whole screen from here on, or no longer does; meanwhile it has no lines.
    FullScreen(bool),
    /// Its unfinished line has been quiet; [`Hub::waits_for_input`] has the text. `again`: the same line
    /// has been told before.
    WaitsForInput {
        again: bool,
    },
    /// It got what it waited for, or went on without.
    WaitsNoLonger,
    /// A line of this run says that the service is ready, or that it is not; then [`Hub::complaint`] has it.
    TellsReady {
        run: RunId,
        ready: bool,
    },
}

/// The output of all instances of a session.
#[derive(Debug)]
pub struct Hub {
    pub(super) sources: Vec<Source>,
    pub(super) open: OpenLines,
    pub(super) shared: Merged,
}

#[derive(Debug)]
pub(super) struct Source {
    pub(super) decoder: StreamDecoder,
    pub(super) past: Past,
    /// Nothing has come since its scrollback was taken, while its run lived.
    pub(super) silent: bool,
}

impl Source {
    fn new(instance: InstanceId, limits: Limits) -> Self {
        Self {
            decoder: StreamDecoder::default(),
            past: Past {
                ring: Ring::new(instance, limits),
                run: RunId(0),
                begun: None,
                sentences: Sentences::default(),
                last_line: (0, 0),
                watch: None,
            },
            silent: false,
        }
    }
}

impl Hub {
    /// For instances 0 to `instances` - 1.
    pub fn new(instances: usize, renderer: Option<Renderer>) -> Self {
        let limits = Limits::for_instances(instances);
        let ids = (0..).map(InstanceId).take(instances);
        Self {
            sources: ids.map(|instance| Source::new(instance, limits)).collect(),
            open: OpenLines::new(instances),
            shared: Merged {
                renderer,
                rendered: Vec::new(),
                followers: Followers::default(),
                store: None,
                events: Vec::new(),
                last_seq: 0,
            },
        }
    }

    /// There are these instances now, by number: as many as before, or more.
    pub fn set_labels(&mut self, labels: &[Label]) {
        let limits = Limits::for_instances(labels.len());
        let new = (0..).map(InstanceId).take(labels.len()).skip(self.sources.len());
        let new: Vec<_> = new.map(|instance| Source::new(instance, limits)).collect();
        self.sources.extend(new);
        if let Some(renderer) = &mut self.shared.renderer {
            renderer.set_labels(labels);
        }
        if let Some(store) = &mut self.shared.store {
            for (instance, label) in (0..).map(InstanceId).zip(labels) {
                store.name(instance, label.name.clone());
            }
        }
    }

    /// Keeps every line in files from here on, under the names that the store is told.
    pub fn keep_in(&mut self, store: Store) {
        self.shared.store = Some(store);
    }

    /// The files that lines are kept in.
    pub fn store(&mut self) -> Option<&mut Store> {
        self.shared.store.as_mut()
    }

    /// Believes the marks of this shim from here on.
    pub fn set_nonce(&mut self, instance: InstanceId, nonce: String) {
        if let Some(source) = self.source_mut(instance) {
            source.decoder.set_nonce(nonce);
        }
    }

    /// Looks for these texts in the lines of the instance from here on.
    pub fn watch(&mut self, instance: InstanceId, ready: Option<&str>, failure: Option<&str>) {
        if let Some(source) = self.source_mut(instance) {
            source.past.watch = LineWatch::new(ready, failure);
        }
    }

    /// The line by which the current run told that it is not ready, if that is the last that it told.
    pub fn complaint(&self, instance: InstanceId) -> Option<&str> {
        self.source(instance)?.past.watch.as_ref()?.complaint()
    }

    /// Says which run an adopted instance's output belongs to; later ones are told by marks.
    pub fn set_run(&mut self, instance: InstanceId, run: RunId) {
        if let Some(source) = self.source_mut(instance) {
            source.past.begin(run);
            let nothing_waits = source.past.sentences.adopts(run);
            debug_assert!(
                nothing_waits.is_empty(),
                "an adopted run is the first that is heard of"
            );
        }
    }

    /// Takes the next bytes of an instance's pane. `at_ms` is the time of day, since the Unix epoch.
    pub fn feed(&mut self, now: Moment, at_ms: u64, instance: InstanceId, bytes: &[u8]) {
        let Some(source) = self.sources.get_mut(instance.0 as usize) else {
            return;
        };
        source.silent = false;
        let mut sink = SourceSink::new((instance, at_ms), &mut source.past, &mut self.shared, true);
        source.decoder.feed(bytes, &mut sink);
        let line_ended = sink.line_ended;
        let is_open = source.decoder.has_open_line();
        if is_open && source.past.watch.is_some() {
            let mut line = Vec::new();
            source.decoder.open_line(&mut line);
            source.past.look(&mut self.shared, instance, &line);
        }
        if self.open.on_output(now, instance, line_ended, is_open) {
            self.shared.events.push((instance, StreamEvent::WaitsNoLonger));
        }
    }

    /// Ends the instance's stream (its window is gone): an unfinished line is complete.
    pub fn end(&mut self, now: Moment, at_ms: u64, instance: InstanceId) {
        self.end_line(now, at_ms, instance);
        let Some(source) = self.sources.get_mut(instance.0 as usize) else {
            return;
        };
        for sentence in source.past.sentences.cut() {
            source.past.say(&mut self.shared, at_ms, instance, &sentence);
        }
    }

    /// What comes next of the instance's stream does not follow what came last: an unfinished line is complete.
    pub fn end_line(&mut self, now: Moment, at_ms: u64, instance: InstanceId) {
        let Some(source) = self.sources.get_mut(instance.0 as usize) else {
            return;
        };
        let mut sink = SourceSink::new((instance, at_ms), &mut source.past, &mut self.shared, true);
        source.decoder.finish(&mut sink);
        self.line_is_over(now, instance);
    }

    pub(super) fn line_is_over(&mut self, now: Moment, instance: InstanceId) {
        if self.open.on_output(now, instance, true, false) {
            self.shared.events.push((instance, StreamEvent::WaitsNoLonger));
        }
    }

    /// Says something about a run where it belongs in the output: now, if that place has passed already.
    pub fn say_in_place(&mut self, at_ms: u64, instance: InstanceId, place: Place, tone: Tone, text: &str) {
        let Some(source) = self.sources.get_mut(instance.0 as usize) else {
            return;
        };
        let sentence = Sentence {
            tone,
            text: text.to_owned(),
        };
        if let Some(due) = source.past.sentences.add(place, sentence) {
            source.past.say(&mut self.shared, at_ms, instance, &due);
        }
    }

    /// When [`Self::on_deadline`] is due.
    pub fn next_deadline(&self) -> Option<Moment> {
        self.open.next_deadline()
    }

    /// Shows the unfinished lines that have stood long enough.
    pub fn on_deadline(&mut self, now: Moment, at_ms: u64) {
        let mut text = Vec::new();
        while let Some(quiet) = self.open.poll(now) {
            let instance = quiet.instance;
            let Some(source) = self.sources.get_mut(instance.0 as usize) else {
                continue;
            };
            text.clear();
            source.decoder.open_line(&mut text);
            let line = plain(&text);
            if line.trim().is_empty() {
                continue;
            }
            let waits = !source.decoder.shows_progress() && self.open.set_text(instance, &line);
            let shared = &mut self.shared;
            if let Some(sentence) = source.past.sentences.before_line() {
                source.past.say(shared, at_ms, instance, &sentence);
            }
            if let Some(renderer) = &mut shared.renderer {
                renderer.open(&mut shared.rendered, instance, at_ms, &text);
            }
            let record = shared.record(instance, source.past.run, at_ms, RecordKind::Open, &text);
            shared.followers.push(record);
            if waits {
                let event = StreamEvent::WaitsForInput { again: quiet.again };
                shared.events.push((instance, event));
            }
        }
    }

    /// Says something about an instance, on the console, in its kept lines and to its followers.
    pub fn say(&mut self, at_ms: u64, instance: InstanceId, tone: Tone, text: &str) {
        let Some(source) = self.sources.get_mut(instance.0 as usize) else {
            return;
        };
        let sentence = Sentence {
            tone,
            text: text.to_owned(),
        };
        source.past.say(&mut self.shared, at_ms, instance, &sentence);
    }

    /// Says something about an instance on the console alone.
    pub fn say_on_console(&mut self, at_ms: u64, instance: InstanceId, text: &str) {
        let shared = &mut self.shared;
        if let Some(renderer) = &mut shared.renderer {
            renderer.event(&mut shared.rendered, instance, Tone::Quiet, at_ms, text);
        }
    }

    /// Says something about the session, on the console alone.
    pub fn say_system(&mut self, at_ms: u64, tone: Tone, text: &str) {
        let shared = &mut self.shared;
        if let Some(renderer) = &mut shared.renderer {
            renderer.system(&mut shared.rendered, tone, at_ms, text);
        }
    }

    /// Gives what was rendered since the last time to `write`, and the followers theirs. Once a turn.
    pub fn flush(&mut self, write: impl FnOnce(&[u8])) {
        let shared = &mut self.shared;
        if !shared.rendered.is_empty() {
            write(&shared.rendered);
            shared.rendered.clear();
            shared.rendered.shrink_to(KEPT_CAPACITY);
        }
        shared.followers.publish();
        if let Some(store) = &mut shared.store {
            store.hand_on();
        }
    }

    /// What the streams told besides lines, in order, since the last time.
    pub fn take_events(&mut self) -> Vec<(InstanceId, StreamEvent)> {
        mem::take(&mut self.shared.events)
    }

    /// Follows the instances that `filter` takes, the last `lines` first.
    pub fn follow(&mut self, filter: Filter, lines: usize) -> Follower {
        let backlog = self.backlog(&filter, lines);
        self.shared.followers.follow(filter, backlog)
    }

    /// The same, from behind the record with this number on; and whether some of these are no longer kept.
    pub fn follow_after(&mut self, filter: Filter, seq: u64) -> (Follower, bool) {
        let (backlog, lacks) = self.backlog_after(&filter, seq);
        (self.shared.followers.follow(filter, backlog), lacks)
    }

    /// What is left to be given to followers is all that there will be: the session is over.
    pub fn end_session(&mut self) {
        self.shared.followers.end();
    }

    /// The terminal has echoed a key (`^C`) where the next line of the console begins: that line stands over it.
    pub fn return_to_margin(&mut self) {
        if self.shows_open_lines() {
            self.shared.rendered.push(b'\r');
        }
    }

    pub(super) fn source(&self, instance: InstanceId) -> Option<&Source> {
        self.sources.get(instance.0 as usize)
    }

    pub(super) fn source_mut(&mut self, instance: InstanceId) -> Option<&mut Source> {
        self.sources.get_mut(instance.0 as usize)
    }
}
