//! Streams of output for API clients: a task for each follower turns records into lines of JSON at the
//! client's own pace.

use super::core::Controller;
use super::host::Host;
use crate::api::call::OutputRequest;
use crate::api::messages::{LineKind, OutputLine};
use crate::api::server::encode_line;
use crate::logs::{Batch, Delivery, Filter, Follower, Record, RecordKind, plain};
use crate::model::{InstanceId, time_text};
use bytes::{Bytes, BytesMut};
use std::sync::Arc;
use tokio::sync::{mpsc, watch};

/// So many chunks wait for a client at most; what it does not take waits in its follower's queue, which counts
/// what it drops.
const CHUNKS: usize = 4;

/// What a record does not know about its instance.
#[derive(Clone, Debug)]
pub(super) struct Named {
    name: String,
    position: u32,
}

impl Named {
    pub(super) fn of(host: &Host) -> Self {
        Self {
            name: host.name(),
            position: host.spec.position,
        }
    }
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
        let names = self.names.subscribe();
        let (sender, receiver) = mpsc::channel(CHUNKS);
        let color = request.color;
        if request.follow {
            let follower = self.hub.follow(filter, request.lines);
            tokio::spawn(deliver(follower, names, color, sender));
        } else {
            let backlog = self.hub.backlog(&filter, request.lines);
            let backlog = encode(&backlog, &names.borrow(), color);
            tokio::spawn(async move { drop(sender.send(backlog).await) });
        }
        receiver
    }
}

async fn deliver(
    mut follower: Follower,
    names: watch::Receiver<Arc<[Named]>>,
    color: bool,
    sender: mpsc::Sender<Bytes>,
) {
    loop {
        let delivery = tokio::select! {
            delivery = follower.next() => delivery,
            () = sender.closed() => return,
        };
        let chunk = match delivery {
            Some(Delivery::Records(batch)) => encode(&batch, &names.borrow(), color),
            Some(Delivery::Gap { lines }) => encode_line(&OutputLine {
                at: time_text::rfc3339(super::clock::wall()),
                name: String::new(),
                position: 0,
                run: 0,
                kind: LineKind::Gap,
                text: lines.to_string(),
            }),
            None => return,
        };
        if sender.send(chunk).await.is_err() {
            return;
        }
    }
}

fn encode(batch: &Batch, names: &[Named], color: bool) -> Bytes {
    let mut chunk = BytesMut::new();
    for record in batch.iter() {
        chunk.extend_from_slice(&encode_line(&line(&record, names, color)));
    }
    chunk.freeze()
}

fn line(record: &Record<'_>, names: &[Named], color: bool) -> OutputLine {
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
    }
}
