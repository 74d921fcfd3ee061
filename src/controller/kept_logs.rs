//! Answers about kept lines for API clients. The files are read by a thread that is there for this one answer, so that
//! no disk and no client ever holds up the loop; what to look for is `logs::store`'s.

use super::core::Controller;
use super::follow::Named;
use super::kept_follow::{Following, Source};
use crate::api::call::{LogsRequest, Reply};
use crate::api::messages::{ErrorBody, LineKind, LogsEnd, OutputLine};
use crate::diag::{Diagnostic, Kind};
use crate::logs::store::{self, Cursor, EntryKind, FoundLine, Query, RUN_MARK, Summary};
use crate::logs::{Filter, TimeZone};
use crate::model::{InstanceName, select, time_text};
use bytes::Bytes;
use regex::bytes::RegexBuilder;
use serde::Serialize;
use std::io;
use std::mem;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::SystemTime;
use tokio::sync::{mpsc, oneshot};

/// So many pieces wait for the client.
const PIECES: usize = 4;
/// Lines are sent together up to this.
const PIECE: usize = 64 * 1024;
/// Lines where neither a number nor anything else bounds what is wanted.
const DEFAULT_LINES: usize = 100;
/// What has to be held in memory before its first line can be sent is not more than this.
const GATHERED_MAX: usize = 8 * 1024 * 1024;
/// Nor so many lines around a match.
const CONTEXT_MAX: usize = 1000;
/// What an expression may become, in bytes: it is made ready in the loop.
const EXPRESSION_MAX: usize = 1024 * 1024;

/// Everything that is needed to read.
struct Reading {
    query: Query,
    /// What the session knows; the files may know more.
    named: Arc<[Named]>,
    names: Vec<String>,
    plain: bool,
}

impl Controller {
    /// Answers with the lines that `request` wants, and perhaps with those that are printed from now on.
    pub(super) fn kept_logs(&mut self, request: &LogsRequest, reply: Reply<mpsc::Receiver<Bytes>>) {
        match self.reading(request) {
            Ok((reading, following, flushed)) => {
                tokio::spawn(answer(reading, following, flushed, reply));
            }
            Err(error) => drop(reply.send(Err(error))),
        }
    }

    fn reading(
        &mut self,
        request: &LogsRequest,
    ) -> Result<(Reading, Option<Following>, oneshot::Receiver<()>), Diagnostic> {
        let dir = self.facts.logs.clone().ok_or_else(not_kept)?;
        let mut query = query(request, dir, super::clock::wall())?;
        // The stream begins before the files are read, so that nothing is missing between the two.
        let following = if request.follow {
            let targets = self.targets(&request.names)?;
            let filter = if request.names.is_empty() {
                Filter::All
            } else {
                Filter::Only(targets)
            };
            let begun = self.reached(&filter);
            query.counted_from = Some(begun.clone());
            let store = self.hub.store().ok_or_else(not_kept)?;
            let source = Source {
                dir: query.dir.clone(),
                flushing: store.flushing(),
                filter: filter.clone(),
                names: self.names.subscribe(),
                grep: query.grep.clone(),
                plain: request.plain,
                printed: query.printed_only,
            };
            Some(Following::new(source, begun, self.hub.follow(filter, 0)))
        } else {
            None
        };
        let flushed = self.hub.store().ok_or_else(not_kept)?.flushed();
        let reading = Reading {
            query,
            named: Arc::clone(&self.names.borrow()),
            names: request.names.clone(),
            plain: request.plain,
        };
        Ok((reading, following, flushed))
    }

    /// Where the output of these instances has come to.
    fn reached(&self, filter: &Filter) -> Cursor {
        let mut places = Cursor::default();
        for (instance, at_ms, nth) in self.hub.last_places(filter) {
            places.reach(&self.host(instance).name(), at_ms, nth);
        }
        places
    }
}

fn not_kept() -> Diagnostic {
    Diagnostic::error(Kind::Usage, "this session keeps no log files (--logs=off)")
        .hint("ovr logs NAME shows the last lines, which it has in memory")
}

/// What the request's texts mean. Times of day are UTC's: who asks may be elsewhere.
fn query(request: &LogsRequest, dir: PathBuf, now: SystemTime) -> Result<Query, Diagnostic> {
    let usage = |message: String| Diagnostic::error(Kind::Usage, message);
    let mut query = Query::new(dir, Vec::new());
    let since = request
        .since
        .as_deref()
        .map(|text| store::since(text, now, &TimeZone::UTC));
    query.since = since.transpose()?;
    let until = request
        .until
        .as_deref()
        .map(|text| store::until(text, now, &TimeZone::UTC));
    query.until_ms = until.transpose()?;
    query.grep = match &request.grep {
        Some(text) => Some(
            RegexBuilder::new(text)
                .size_limit(EXPRESSION_MAX)
                .build()
                .map_err(|error| usage(format!("grep: {text:?} is no regular expression: {error}")))?,
        ),
        None => None,
    };
    query.run = match &request.run {
        Some(text) => Some(
            text.parse()
                .map_err(|why| usage(format!("run: {text:?}: {why}")))?,
        ),
        None => None,
    };
    query.printed_only = request.plain || request.printed;
    query.context = request.context.min(CONTEXT_MAX);
    let asks = query.since.is_some() || query.grep.is_some() || query.run.is_some();
    query.last = request.lines.or((!asks).then_some(DEFAULT_LINES));
    let gathers = query.last.is_some() || query.context > 0;
    query.max_bytes = match request.max_bytes {
        Some(max) if gathers => Some(max.min(GATHERED_MAX)),
        None if gathers => Some(GATHERED_MAX),
        max => max,
    };
    Ok(query)
}

/// From the question to the end of the answer.
async fn answer(
    reading: Reading,
    following: Option<Following>,
    flushed: oneshot::Receiver<()>,
    reply: Reply<mpsc::Receiver<Bytes>>,
) {
    // A writer that is gone has nothing more to write.
    flushed.await.unwrap_or_default();
    let (sender, receiver) = mpsc::channel(PIECES);
    let follows = following.is_some();
    let theirs = sender.clone();
    // Without a thread the reply is dropped, which is an answer too.
    let read = in_a_thread(move || read_all(reading, follows, reply, receiver, &theirs)).await;
    if let (Some(following), Some(Some(summary))) = (following, read) {
        following.deliver(summary, &sender).await;
    }
}

/// Reads apart from the loop. `None` where the system has no thread for it.
pub(super) async fn in_a_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let (tell, done) = oneshot::channel();
    let thread = thread::Builder::new()
        .name("log reader".to_owned())
        .spawn(move || {
            // Whoever asked may have gone.
            drop(tell.send(work()));
        });
    thread.ok()?;
    done.await.ok()
}

/// The thread's work. `None`: the answer is over.
fn read_all(
    mut reading: Reading,
    follows: bool,
    reply: Reply<mpsc::Receiver<Bytes>>,
    receiver: mpsc::Receiver<Bytes>,
    sender: &mpsc::Sender<Bytes>,
) -> Option<Summary> {
    let positions = match reading.choose() {
        Ok(positions) => positions,
        Err(error) => {
            drop(reply.send(Err(error)));
            return None;
        }
    };
    // Whoever asked may have gone.
    reply.send(Ok(receiver)).ok()?;
    let mut pieces = Pieces::to(sender);
    let summary = reading.query.each(|line| {
        let place = reading
            .query
            .instances
            .iter()
            .position(|name| **name == *line.instance);
        let position = place.map_or(0, |place| positions[place]);
        match output_line(&line, position, reading.query.context > 0) {
            Some(shown) => pieces.line(&shown, reading.plain),
            None => ControlFlow::Continue(()),
        }
    });
    match summary {
        Ok(summary) => {
            if !follows && !reading.plain {
                pieces.json(&LogsEnd {
                    cursor: summary.cursor.to_string(),
                    cut: summary.cut,
                    more: summary.more,
                    printed: Some(summary.printed.printed_text()),
                });
            }
            pieces.send().is_continue().then_some(summary)
        }
        Err(error) => {
            if !reading.plain {
                pieces.json(&ErrorBody::from(&unreadable(&reading.query, &error)));
            }
            // It is over either way.
            let _over = pieces.send();
            None
        }
    }
}

fn unreadable(query: &Query, error: &io::Error) -> Diagnostic {
    Diagnostic::error(Kind::System, format!("cannot read {}", query.dir.display())).cause(error.to_string())
}

impl Reading {
    /// Finds the instances that are meant, of the session and of those before it, and their positions.
    fn choose(&mut self) -> Result<Vec<u32>, Diagnostic> {
        let written = store::instances(&self.query.dir).map_err(|error| unreadable(&self.query, &error))?;
        let known = self.named.iter().map(|named| named.name.as_str());
        let only_written = written
            .iter()
            .map(String::as_str)
            .filter(|name| self.named.iter().all(|named| named.name != *name));
        let names: Vec<InstanceName> = known
            .chain(only_written)
            .filter_map(|name| name.parse().ok())
            .collect();
        let chosen = select(&self.names, &names).map_err(|unmatched| {
            let first = unmatched.diagnostics().into_iter().next();
            first.expect("what matches nothing has an error")
        })?;
        let instances = chosen.into_iter().map(|index| names[index].to_string());
        self.query.instances = instances.collect();
        let position = |name: &String| {
            let named = self.named.iter().find(|named| named.name == *name);
            named.map_or(u32::MAX, |named| named.position)
        };
        Ok(self.query.instances.iter().map(position).collect())
    }
}

/// A line of a file as it goes over the wire. `None` for what the next line says as well.
///
/// `grouped`: with what it belongs to.
pub fn output_line(line: &FoundLine, position: u32, grouped: bool) -> Option<OutputLine> {
    if line.is_told_again {
        return None;
    }
    let text = String::from_utf8_lossy(&line.text);
    Some(OutputLine {
        at: time_text::rfc3339(time_text::from_epoch_millis(line.at_ms)),
        name: line.instance.to_string(),
        position,
        run: line.run.0,
        kind: match line.kind {
            EntryKind::Output => LineKind::Output,
            EntryKind::Event | EntryKind::Begin | EntryKind::Gap => LineKind::Event,
        },
        text: match line.kind {
            EntryKind::Begin => format!("{RUN_MARK}{text} ──"),
            EntryKind::Output | EntryKind::Event | EntryKind::Gap => text.into_owned(),
        },
        group: grouped.then_some(line.group),
        nth: None,
    })
}

/// Lines on their way to the client.
pub(super) struct Pieces<'a> {
    sender: &'a mpsc::Sender<Bytes>,
    piece: Vec<u8>,
}

impl<'a> Pieces<'a> {
    pub(super) fn to(sender: &'a mpsc::Sender<Bytes>) -> Self {
        Self {
            sender,
            piece: Vec::new(),
        }
    }

    pub(super) fn line(&mut self, line: &OutputLine, plain: bool) -> ControlFlow<()> {
        write_line(line, plain, &mut self.piece);
        if self.piece.len() < PIECE {
            return ControlFlow::Continue(());
        }
        self.send()
    }

    fn json(&mut self, value: &impl Serialize) {
        write_json(value, &mut self.piece);
    }

    /// Waits until the client takes it; breaks off where it has gone.
    pub(super) fn send(&mut self) -> ControlFlow<()> {
        let piece = mem::take(&mut self.piece);
        if piece.is_empty() {
            return ControlFlow::Continue(());
        }
        match self.sender.blocking_send(piece.into()) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    }
}

/// As text alone, a line is written when it is whole: the beginning of one would look like another.
pub(super) fn write_line(line: &OutputLine, plain: bool, out: &mut Vec<u8>) {
    if !plain {
        write_json(line, out);
    } else if line.kind == LineKind::Output {
        out.extend_from_slice(line.text.as_bytes());
        out.push(b'\n');
    }
}

fn write_json(value: &impl Serialize, out: &mut Vec<u8>) {
    serde_json::to_writer(&mut *out, value).expect("plain fields always serialize");
    out.push(b'\n');
}

#[cfg(test)]
#[path = "kept_logs_tests.rs"]
mod tests;
