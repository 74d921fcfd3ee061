//! Following kept lines: what is printed goes out behind what the files had. What a client was too slow for comes from
//! the files as well, where they have it; the rest is counted, so that each line is sent once or counted once.

use super::follow::{Named, end_line, gap_line, line};
use super::kept_logs::{Pieces, in_a_thread, output_line, write_line};
use crate::api::messages::{LineKind, OutputLine};
use crate::logs::store::{Cursor, EntryKind, Flushing, Overlap, Query, Since, Summary};
use crate::logs::{Batch, Delivery, Filter, Follower};
use crate::model::InstanceId;
use bytes::Bytes;
use regex::bytes::Regex;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::{mpsc, watch};

/// What is followed, and where it is kept.
pub(super) struct Source {
    pub(super) dir: PathBuf,
    pub(super) flushing: Flushing,
    pub(super) filter: Filter,
    pub(super) names: watch::Receiver<Arc<[Named]>>,
    pub(super) grep: Option<Regex>,
    pub(super) plain: bool,
    /// Without ovr's own words.
    pub(super) printed: bool,
}

/// What comes after the files.
pub(super) struct Following {
    source: Source,
    begun: Cursor,
    follower: Follower,
}

impl Following {
    /// The stream of `follower`, which has begun behind this place.
    pub(super) fn new(source: Source, begun: Cursor, follower: Follower) -> Self {
        Self {
            source,
            begun,
            follower,
        }
    }

    /// Sends what is printed, but for what the files had, until it is over or the client goes. `read`: of the files,
    /// counted from where the stream has begun.
    pub(super) async fn deliver(self, read: Summary, sender: &mpsc::Sender<Bytes>) {
        let Self {
            source,
            begun,
            mut follower,
        } = self;
        let mut account = Account::new(read.printed.or_later(&begun), read.behind);
        loop {
            let delivery = tokio::select! {
                delivery = follower.next() => delivery,
                () = sender.closed() => return,
            };
            let mut piece = Vec::new();
            match delivery {
                Some(Delivery::Records(batch)) => source.take(&batch, &mut account, &mut piece),
                Some(Delivery::Gap { lines, next_ms }) => {
                    account.missed(lines);
                    if let Some(read) = source.fill(&account.printed, next_ms, sender).await {
                        account.filled(read.printed, next_ms, read.behind);
                    }
                }
                Some(Delivery::Ended) => {
                    source.gap(account.settle(), &mut piece);
                    write_line(&end_line(), source.plain, &mut piece);
                }
                None => {
                    source.gap(account.settle(), &mut piece);
                    // It is over either way.
                    drop(sender.send(piece.into()).await);
                    return;
                }
            }
            if !piece.is_empty() && sender.send(piece.into()).await.is_err() {
                return;
            }
        }
    }
}

impl Source {
    fn take(&self, batch: &Batch, account: &mut Account, piece: &mut Vec<u8>) {
        let names = Arc::clone(&self.names.borrow());
        for record in batch.iter() {
            let line = line(&record, &names, false);
            let is_new = match line.kind {
                LineKind::Output => {
                    let is_new = account.is_new(&line.name, record.at_ms, record.nth);
                    self.gap(account.due(is_new, record.at_ms), piece);
                    is_new
                }
                LineKind::Event => account.overlap.is_event_new(&line.name, record.at_ms),
                LineKind::Open | LineKind::Gap | LineKind::End => true,
            };
            if is_new && self.wants(&line) {
                write_line(&line, self.plain, piece);
            }
        }
    }

    /// Sends what the files have behind `from`, of what was printed up to this moment. Returns how far they went; `None`
    /// where they cannot be read, or the client has gone.
    async fn fill(&self, from: &Cursor, until_ms: u64, sender: &mpsc::Sender<Bytes>) -> Option<Summary> {
        self.flushing.flushed().await;
        let names = Arc::clone(&self.names.borrow());
        let chosen = (0..).map(InstanceId).zip(names.iter());
        let chosen: Vec<&Named> = chosen
            .filter(|(instance, _)| self.filter.takes(*instance))
            .map(|(_, named)| named)
            .collect();
        let positions: Vec<u32> = chosen.iter().map(|named| named.position).collect();
        let query = Query {
            since: Some(Since::Printed(from.clone())),
            until_ms: Some(until_ms),
            grep: self.grep.clone(),
            counted_from: Some(from.clone()),
            printed_only: self.printed,
            ..Query::new(
                self.dir.clone(),
                chosen.iter().map(|named| named.name.clone()).collect(),
            )
        };
        let (plain, sender) = (self.plain, sender.clone());
        in_a_thread(move || send_found(&query, &positions, plain, &sender))
            .await
            .flatten()
    }

    fn gap(&self, lines: u64, piece: &mut Vec<u8>) {
        if lines > 0 {
            write_line(&gap_line(Some(lines)), self.plain, piece);
        }
    }

    fn wants(&self, line: &OutputLine) -> bool {
        let grep = self.grep.as_ref();
        let is_left_out = self.printed && line.kind == LineKind::Event;
        !is_left_out && grep.is_none_or(|grep| grep.is_match(line.text.as_bytes()))
    }
}

/// The thread's work, at the client's pace.
fn send_found(
    query: &Query,
    positions: &[u32],
    plain: bool,
    sender: &mpsc::Sender<Bytes>,
) -> Option<Summary> {
    let mut pieces = Pieces::to(sender);
    let mut gone = false;
    let summary = query.each(|line| {
        // What is missing in the files is counted with what is missing.
        if line.kind == EntryKind::Gap {
            return ControlFlow::Continue(());
        }
        let place = query.instances.iter().position(|name| **name == *line.instance);
        let position = place.map_or(0, |place| positions[place]);
        let sent = output_line(&line, position, false).map(|line| pieces.line(&line, plain));
        let flow = sent.unwrap_or(ControlFlow::Continue(()));
        gone |= flow.is_break();
        flow
    });
    gone |= pieces.send().is_break();
    summary.ok().filter(|_| !gone)
}

/// Which lines have been sent, and how many are neither sent nor counted.
///
/// Of what services print from the stream's beginning on, each line is in the stream, or was dropped from it. Of these,
/// the files have had some. What is left when a line comes that is behind everything they had is missing for good.
struct Account {
    /// The last that was sent.
    printed: Cursor,
    overlap: Overlap,
    /// Dropped or passed over, and not read: below zero as long as what was read has yet to pass in the stream.
    owed: i64,
}

impl Account {
    fn new(printed: Cursor, read: u64) -> Self {
        let mut account = Self {
            overlap: Overlap::with(printed.clone()),
            printed,
            owed: 0,
        };
        account.read(read);
        account
    }

    fn missed(&mut self, lines: u64) {
        self.owed = self.owed.saturating_add_unsigned(lines);
    }

    /// The files had so many lines, up to `printed`, and nothing more of the time up to `until_ms`.
    fn filled(&mut self, printed: Cursor, until_ms: u64, lines: u64) {
        self.printed = printed;
        self.printed.reach_moment(until_ms);
        self.overlap = Overlap::with(self.printed.clone());
        self.read(lines);
    }

    fn read(&mut self, lines: u64) {
        self.owed = self.owed.saturating_sub_unsigned(lines);
    }

    /// Whether this line of the stream has yet to be sent. To be asked for each, in their order.
    fn is_new(&mut self, name: &str, at_ms: u64, nth: u32) -> bool {
        let is_new = self.overlap.is_new(name, at_ms, nth);
        if is_new {
            self.printed.reach(name, at_ms, nth);
        } else {
            self.missed(1);
        }
        is_new
    }

    /// What is to be counted in front of a line of this moment.
    fn due(&mut self, is_new: bool, at_ms: u64) -> u64 {
        if is_new && self.owed != 0 && self.overlap.is_behind_all(at_ms) {
            self.settle()
        } else {
            0
        }
    }

    /// So many are missing; none is owed any more.
    fn settle(&mut self) -> u64 {
        let owed = std::mem::take(&mut self.owed);
        u64::try_from(owed).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::Account;
    use crate::logs::store::Cursor;

    fn place(text: &str) -> Cursor {
        text.parse().unwrap()
    }

    #[test]
    fn what_the_files_had_is_not_missing_and_what_they_lack_is_counted_once() {
        // The stream began behind the second line of moment 5; the files have been read up to two lines further.
        let mut account = Account::new(place("c1.7.web=1"), 2);
        assert!(!account.is_new("web", 5, 3));
        assert!(!account.is_new("web", 7, 1));
        assert!(account.is_new("web", 7, 2));
        assert_eq!(account.due(true, 7), 0, "more of that moment may come");
        // Ten were dropped, the files have seven of them and one that is still in the stream.
        account.missed(10);
        account.filled(place("c1.9.web=2"), 9, 8);
        assert!(!account.is_new("web", 9, 2));
        assert_eq!(account.due(false, 9), 0);
        assert!(account.is_new("web", 9, 3));
        assert_eq!(account.due(true, 9), 0);
        assert!(account.is_new("web", 10, 1));
        assert_eq!(account.due(true, 10), 3);
        assert!(account.is_new("web", 11, 1));
        assert_eq!((account.due(true, 11), account.settle()), (0, 0));
    }

    #[test]
    fn what_cannot_be_read_is_counted_in_front_of_the_next_line() {
        let mut account = Account::new(place("c1.7.web=1"), 0);
        account.missed(4);
        assert!(account.is_new("web", 8, 1));
        assert_eq!(account.due(true, 8), 4);
    }

    #[test]
    fn what_was_dropped_while_the_files_were_read_is_read_from_them_next() {
        let mut account = Account::new(place("c1.7.web=1"), 100);
        account.missed(100);
        account.filled(place("c1.7.web=1"), 3, 0);
        account.missed(50);
        account.filled(place("c1.12.web=4"), 12, 50);
        assert!(account.is_new("web", 13, 1));
        assert_eq!(account.due(true, 13), 0);
    }
}
