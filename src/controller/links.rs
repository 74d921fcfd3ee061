//! The connections to the shims: accepts them on `shim.sock`, reads reports, writes orders. One small task a
//! connection and direction; all of them send to the loop, none of them decides anything.

use crate::shim::protocol::{Order, Report};
use std::collections::BTreeMap;
use std::io;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// The longest line a shim may send. Its reports are small; the largest carries a whole environment.
const MAX_LINE: u64 = 8 << 20;

/// One connection, for as long as it lasts. A shim that connects anew gets a new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct LinkId(u64);

/// What happens on the connections.
#[derive(Debug)]
pub(super) enum LinkEvent {
    Report(LinkId, Report),
    /// The shim is gone, or speaks no sense.
    Closed(LinkId),
}

/// Our side of one connection.
struct Writer {
    queue: mpsc::UnboundedSender<Vec<u8>>,
    task: JoinHandle<()>,
    /// Of the protocol that the shim speaks; 0 until it has said so.
    version: u32,
}

/// All connections.
pub(super) struct Links {
    next: u64,
    writers: BTreeMap<LinkId, Writer>,
    events: mpsc::UnboundedSender<LinkEvent>,
}

impl Links {
    pub(super) fn new() -> (Self, mpsc::UnboundedReceiver<LinkEvent>) {
        let (events, receiver) = mpsc::unbounded_channel();
        (
            Self {
                next: 0,
                writers: BTreeMap::new(),
                events,
            },
            receiver,
        )
    }

    /// Takes a new connection under care. Must be called on the runtime.
    pub(super) fn adopt(&mut self, stream: UnixStream) {
        self.next += 1;
        let link = LinkId(self.next);
        let (read, write) = stream.into_split();
        let (sender, queue) = mpsc::unbounded_channel();
        tokio::spawn(read_reports(link, read, self.events.clone()));
        let task = tokio::spawn(write_orders(write, queue));
        let writer = Writer {
            queue: sender,
            task,
            version: 0,
        };
        self.writers.insert(link, writer);
    }

    /// The shim at the other end speaks this version.
    pub(super) fn speaks(&mut self, link: LinkId, version: u32) {
        if let Some(writer) = self.writers.get_mut(&link) {
            writer.version = version;
        }
    }

    /// Queues an order. A connection that is gone swallows it; its end is reported as an event.
    pub(super) fn send(&self, link: LinkId, order: &Order) {
        if let Some(writer) = self.writers.get(&link) {
            // The writer task ends only with its connection, which the reader reports.
            drop(writer.queue.send(order.write(writer.version)));
        }
    }

    /// Writes every order that is queued, as far as the shims take them within `patience`, and ends our side of
    /// all connections.
    pub(super) async fn finish(self, patience: Duration) {
        // Without its queue a writer ends when all is written.
        let tasks: Vec<_> = self.writers.into_values().map(|writer| writer.task).collect();
        let all_written = async {
            for task in tasks {
                // A writer that panicked has nothing more to write.
                drop(task.await);
            }
        };
        // A shim that is stopped takes nothing; its orders are lost with us.
        drop(timeout(patience, all_written).await);
    }

    /// Ends our side of a connection.
    pub(super) fn close(&mut self, link: LinkId) {
        self.writers.remove(&link);
    }
}

/// A connection that waits is tried again after this, where there is no descriptor for it: when one becomes free,
/// nobody is told.
pub(super) const WITHOUT_DESCRIPTORS: Duration = Duration::from_millis(100);

/// Accepts connections for as long as the listener lives, and hands them to the loop. That none can be accepted is
/// told once, until one can.
pub(super) async fn accept(listener: UnixListener, streams: mpsc::UnboundedSender<io::Result<UnixStream>>) {
    let mut has_failed = false;
    loop {
        let accepted = listener.accept().await.map(|(stream, _)| stream);
        let fails = accepted.is_err();
        if !(fails && has_failed) && streams.send(accepted).is_err() {
            return;
        }
        has_failed = fails;
        if fails {
            tokio::time::sleep(WITHOUT_DESCRIPTORS).await;
        }
    }
}

async fn read_reports(link: LinkId, read: OwnedReadHalf, events: mpsc::UnboundedSender<LinkEvent>) {
    let mut reader = BufReader::with_capacity(1024, read);
    let mut line = Vec::new();
    loop {
        line.clear();
        let mut rest = (&mut reader).take(MAX_LINE + 1);
        match rest.read_until(b'\n', &mut line).await {
            // An end in the middle of a line, or a line without end.
            Ok(_) if !line.ends_with(b"\n") => break,
            Ok(_) => {}
            Err(_) => break,
        }
        // A report that this build does not know comes from a later one: not for us.
        if let Ok(report) = serde_json::from_slice::<Report>(&line)
            && events.send(LinkEvent::Report(link, report)).is_err()
        {
            return;
        }
    }
    // Nobody listens any more when the session is over.
    drop(events.send(LinkEvent::Closed(link)));
}

async fn write_orders(mut write: OwnedWriteHalf, mut queue: mpsc::UnboundedReceiver<Vec<u8>>) {
    while let Some(mut lines) = queue.recv().await {
        // What was ordered in one turn is one write, for which the shim wakes once.
        while let Ok(more) = queue.try_recv() {
            lines.extend_from_slice(&more);
        }
        if write.write_all(&lines).await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{LinkEvent, LinkId, MAX_LINE, read_reports};
    use std::time::Duration;
    use tokio::io::AsyncWriteExt;
    use tokio::net::UnixStream;
    use tokio::sync::mpsc;

    #[tokio::test(flavor = "current_thread")]
    async fn a_peer_that_sends_a_line_without_end_is_given_up_before_it_fills_the_memory() {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let (read, _write) = ours.into_split();
        let (sender, mut events) = mpsc::unbounded_channel();
        tokio::spawn(read_reports(LinkId(1), read, sender));
        let endless = vec![b'x'; usize::try_from(MAX_LINE).unwrap() + 1];
        theirs.write_all(&endless).await.unwrap();
        let told = tokio::time::timeout(Duration::from_secs(20), events.recv()).await;
        assert!(matches!(told.unwrap(), Some(LinkEvent::Closed(LinkId(1)))));
    }
}
