//! Gives events their numbers, and keeps them: in the ring for readers, in the journal for the next controller.
//! Knows what of each instance's runs has been told, by this controller or one before it.

use super::journal::Journal;
use super::ring::{Reader, Recorded, Shared, Wanted, cursor, encode};
use crate::api::call::EventsSince;
use crate::api::messages::SCHEMA;
use crate::api::messages::events::{Event, EventKind};
use crate::controller::clock;
use crate::model::{InstanceId, InstanceName, RunId, time_text};
use std::collections::BTreeMap;
use std::path::PathBuf;
use tokio::sync::watch;

/// What readers know of an instance.
#[derive(Clone, Copy, Debug, Default)]
struct Told {
    /// The last run whose end was told.
    ended: Option<RunId>,
    /// Whether this run is ready.
    ready: Option<(RunId, bool)>,
    /// The run that waits for input.
    waits: Option<RunId>,
}

/// The events of a session.
#[derive(Debug)]
pub(in crate::controller) struct EventLog {
    epoch: String,
    last: u64,
    ring: Shared,
    news: watch::Sender<u64>,
    journal: Journal,
    /// Recorded in this turn.
    pending: Vec<Recorded>,
    told: BTreeMap<InstanceId, Told>,
    /// How far an earlier controller has published.
    pub(in crate::controller) published: Option<u64>,
}

impl EventLog {
    /// Goes on where the controller before has ended, if `goes_on` and it has left something.
    pub(in crate::controller) fn new(
        path: PathBuf,
        goes_on: bool,
        by_name: &BTreeMap<InstanceName, InstanceId>,
    ) -> Self {
        let mut journal = Journal::new(path.clone());
        let left = if goes_on { journal.read() } else { None };
        let epoch = left.as_ref().map_or_else(new_epoch, |left| left.epoch.clone());
        let mut log = Self {
            ring: Shared::new(&epoch, path),
            epoch,
            last: 0,
            news: watch::Sender::new(0),
            journal,
            pending: Vec::new(),
            told: BTreeMap::new(),
            published: left.as_ref().and_then(|left| left.published),
        };
        for (name, instance) in by_name {
            log.ring.name(&name.to_string(), *instance);
        }
        let mut known = Vec::new();
        for (event, line) in left.map(|left| left.events).unwrap_or_default() {
            let name = event.instance.as_deref().and_then(|name| name.parse().ok());
            let instance = name.and_then(|name: InstanceName| by_name.get(&name).copied());
            if let Some(instance) = instance {
                log.note(instance, &event);
            }
            log.last = event.seq;
            known.push(Recorded {
                seq: event.seq,
                kind: event.event,
                instance,
                line,
            });
        }
        log.ring.push(known.into_iter());
        log
    }

    /// Nothing was left to go on with after all: counts anew.
    pub(in crate::controller) fn begin_anew(&mut self) {
        if self.last == 0 {
            return;
        }
        self.epoch = new_epoch();
        self.last = 0;
        self.pending.clear();
        self.told.clear();
        self.published = None;
        self.journal.forget_published();
        self.ring.restart(&self.epoch);
    }

    /// Takes an event in; it is there for readers with the next [`Self::flush`].
    pub(in crate::controller) fn record(&mut self, instance: Option<InstanceId>, mut event: Event) {
        self.last += 1;
        event.schema = SCHEMA;
        event.seq = self.last;
        event.cursor = cursor(&self.epoch, self.last).to_string();
        event.at = time_text::rfc3339(clock::wall());
        if let Some(instance) = instance {
            self.note(instance, &event);
            if let Some(name) = &event.instance {
                self.ring.name(name, instance);
            }
        }
        self.pending.push(Recorded {
            seq: event.seq,
            kind: event.event,
            instance,
            line: encode(&event),
        });
    }

    /// Gives what was recorded to the readers. First it is written down: what a reader has seen, the next
    /// controller knows.
    pub(in crate::controller) fn flush(&mut self) {
        if self.pending.is_empty() {
            return;
        }
        let pending = std::mem::take(&mut self.pending);
        let lines: Vec<u8> = pending
            .iter()
            .flat_map(|event| event.line.iter().copied())
            .collect();
        let ring = &self.ring;
        self.journal.add(&lines, &self.epoch, || {
            let mut all = ring.lines();
            all.extend(pending.iter().map(|event| event.line.clone()));
            all
        });
        self.ring.push(pending.into_iter());
        self.news.send_replace(self.last);
    }

    pub(in crate::controller) fn reader(&mut self, wanted: Wanted, since: &EventsSince) -> Reader {
        self.flush();
        Reader::new(self.ring.clone(), self.news.subscribe(), wanted, since)
    }

    /// A reader of all events behind number `seq`; of all that are kept where none is given.
    pub(in crate::controller) fn reader_from(&mut self, seq: Option<u64>) -> Reader {
        let since = seq.map_or(EventsSince::Start, |seq| {
            EventsSince::Cursor(cursor(&self.epoch, seq))
        });
        self.reader(Wanted::default(), &since)
    }

    /// The number of the last event.
    #[cfg(test)]
    pub(in crate::controller) fn last(&self) -> u64 {
        self.last
    }

    #[cfg(test)]
    pub(in crate::controller) fn epoch(&self) -> &str {
        &self.epoch
    }

    pub(in crate::controller) fn note_published(&mut self, seq: u64) {
        self.journal.note_published(seq);
    }

    /// Somebody has changed the runtime directory.
    pub(in crate::controller) fn renew(&mut self) {
        let ring = &self.ring;
        self.journal.renew(&self.epoch, || ring.lines());
    }

    /// The session's directory is no longer ours to write in.
    pub(in crate::controller) fn close_journal(&mut self) {
        self.flush();
        self.journal.close();
    }

    /// Whether the end of this run has yet to be told.
    pub(super) fn owes_end(&self, instance: InstanceId, run: RunId) -> bool {
        self.told.get(&instance).is_none_or(|told| told.ended < Some(run))
    }

    /// What was last told of this run's readiness.
    pub(super) fn ready(&self, instance: InstanceId, run: RunId) -> Option<bool> {
        let (of, ready) = self.told.get(&instance)?.ready?;
        (of == run).then_some(ready)
    }

    /// The run that was last told to wait for input.
    pub(super) fn waits(&self, instance: InstanceId) -> Option<RunId> {
        self.told.get(&instance)?.waits
    }

    fn note(&mut self, instance: InstanceId, event: &Event) {
        let run = RunId(event.run.unwrap_or(0));
        let is_known = self.told.contains_key(&instance);
        let mut change = |change: fn(&mut Told, RunId)| change(self.told.entry(instance).or_default(), run);
        match event.event {
            EventKind::Exited => change(|told, run| told.ended = told.ended.max(Some(run))),
            EventKind::Ready => change(|told, run| told.ready = Some((run, true))),
            EventKind::Unready => change(|told, run| told.ready = Some((run, false))),
            EventKind::WaitsForInput => change(|told, run| told.waits = Some(run)),
            EventKind::WaitsNoLonger if is_known => change(|told, _| told.waits = None),
            _ => {}
        }
    }
}

/// No two controllers of a session begin within a millisecond.
fn new_epoch() -> String {
    format!("{:x}", clock::epoch_ms())
}

impl Drop for EventLog {
    /// Readers get what is there, and then the end.
    fn drop(&mut self) {
        self.flush();
    }
}
