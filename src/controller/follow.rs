//! Streams of output for API clients: a task for each follower turns records into lines of JSON at the
//! client's own pace.

use super::core::Controller;
use super::host::Host;
use crate::api::call::{Framing, LinePlace, OutputRequest};
use crate::api::messages::{LineKind, OutputLine};
use crate::api::server::encode;
use crate::logs::{Batch, Delivery, Filter, Follower, Record, RecordKind, plain};
use crate::model::{InstanceId, time_text};
use bytes::{Bytes, BytesMut};
use std::sync::Arc;
use tokio::sync::{mpsc, watch};

/// So many chunks wait for a client at most; what it does not take waits in its follower's queue, which counts
/// what it drops.
const CHUNKS: usize = 2;

/// What a record does not know about its instance.
#[derive(Clone, Debug)]
pub(super) struct Named {
    pub(super) name: String,
    pub(super) position: u32,
}

impl Named {
    pub(super) fn of(host: &Host) -> Self {
        Self {
            name: host.name(),
            position: host.spec.position,
        }
    }
}

/// How records are put into an answer.
#[derive(Clone, Debug)]
struct Writing {
    framing: Framing,
    color: bool,
    /// The first half of a line's place.
    controller: u64,
}

impl Controller {
    /// The output that `request` wants of these instances, as a stream of lines.
    pub(super) fn follow(
        &mut self,
        request: &OutputRequest,
        targets: &[InstanceId],
    ) -> mpsc::Receiver<Bytes> {
        let filter = if request.names.is_empty() {
            Filter::All
        } else {
            Filter::Only(targets.to_vec())
        };
        let writing = Writing {
            framing: request.framing,
            color: request.color,
            controller: time_text::epoch_millis(self.facts.started),
        };
        let names = self.names.subscribe();
        let (sender, receiver) = mpsc::channel(CHUNKS);
        // What another controller has numbered says nothing here: the usual lines come, behind a gap.
        let known = request
            .after
            .filter(|place| place.controller == writing.controller);
        let mut lacks = request.after.is_some() && known.is_none();
        if request.follow {
            let follower = match known {
                Some(place) => {
                    let (follower, some) = self.hub.follow_after(filter, place.seq);
                    lacks = some;
                    follower
                }
                None => self.hub.follow(filter, request.lines),
            };
            let first = lacks.then(|| writing.gap(None));
            tokio::spawn(deliver(follower, names, writing, first, sender));
        } else {
            let backlog = match known {
                Some(place) => {
                    let (backlog, some) = self.hub.backlog_after(&filter, place.seq);
                    lacks = some;
                    backlog
                }
                None => self.hub.backlog(&filter, request.lines),
            };
            let first = lacks.then(|| writing.gap(None));
            let backlog = writing.batch(&backlog, &names.borrow());
            tokio::spawn(async move {
                for chunk in first.into_iter().chain([backlog]) {
                    // A client that has gone wants no more.
                    if sender.send(chunk).await.is_err() {
                        return;
                    }
                }
            });
        }
        receiver
    }
}

async fn deliver(
    mut follower: Follower,
    names: watch::Receiver<Arc<[Named]>>,
    writing: Writing,
    first: Option<Bytes>,
    sender: mpsc::Sender<Bytes>,
) {
    if let Some(first) = first
        && sender.send(first).await.is_err()
    {
        return;
    }
    loop {
        let delivery = tokio::select! {
            delivery = follower.next() => delivery,
            () = sender.closed() => return,
        };
        let chunk = match delivery {
            Some(Delivery::Records(batch)) => writing.batch(&batch, &names.borrow()),
            Some(Delivery::Gap { lines, .. }) => writing.gap(Some(lines)),
            Some(Delivery::Ended) => writing.end(),
            None => return,
        };
        if sender.send(chunk).await.is_err() {
            return;
        }
    }
}

/// The line that says that so many are missing, where that is known.
pub(super) fn gap_line(lines: Option<u64>) -> OutputLine {
    OutputLine {
        at: time_text::rfc3339(super::clock::wall()),
        name: String::new(),
        position: 0,
        run: 0,
        kind: LineKind::Gap,
        text: lines.map(|lines| lines.to_string()).unwrap_or_default(),
        group: None,
        nth: None,
    }
}

/// The line that says that the session is over.
pub(super) fn end_line() -> OutputLine {
    OutputLine {
        kind: LineKind::End,
        text: "the session has ended".to_owned(),
        ..gap_line(None)
    }
}

impl Writing {
    fn batch(&self, batch: &Batch, names: &[Named]) -> Bytes {
        let mut chunk = BytesMut::new();
        for record in batch.iter() {
            let place = LinePlace {
                controller: self.controller,
                seq: record.seq,
            };
            self.write(Some(place), &line(&record, names, self.color), &mut chunk);
        }
        chunk.freeze()
    }

    /// That lines are missing here; how many, where that is known.
    fn gap(&self, lines: Option<u64>) -> Bytes {
        let mut chunk = BytesMut::new();
        self.write(None, &gap_line(lines), &mut chunk);
        chunk.freeze()
    }

    /// That the session is over, and no other controller comes.
    fn end(&self) -> Bytes {
        let mut chunk = BytesMut::new();
        self.write(None, &end_line(), &mut chunk);
        chunk.freeze()
    }

    fn write(&self, place: Option<LinePlace>, line: &OutputLine, chunk: &mut BytesMut) {
        let json = serde_json::to_vec(line).expect("plain fields always serialize");
        let id = match self.framing {
            Framing::Lines => None,
            Framing::Events => place.map(|place| place.to_string()),
        };
        encode(self.framing, id.as_deref(), &json, chunk);
    }
}

pub(super) fn line(record: &Record<'_>, names: &[Named], color: bool) -> OutputLine {
    let named = &names[record.instance.0 as usize];
    OutputLine {
        at: time_text::rfc3339(time_text::from_epoch_millis(record.at_ms)),
        name: named.name.clone(),
        position: named.position,
        run: record.run.0,
        kind: match record.kind {
            RecordKind::Output => LineKind::Output,
            RecordKind::Open => LineKind::Open,
            RecordKind::Event => LineKind::Event,
        },
        text: if color {
            String::from_utf8_lossy(record.text).into_owned()
        } else {
            plain(record.text)
        },
        group: None,
        nth: (record.kind == RecordKind::Output).then_some(record.nth),
    }
}
