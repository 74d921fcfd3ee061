//! Matches with their neighbours, handed on as they are read. Lines of several instances come mixed by time, and those
//! of a match stay together: each instance is read on its own from a match to the end of its neighbourhood, while the
//! others wait at their next match. So no more is held in memory than that match and the lines before it, however much
//! is found.

use super::cursor::Cursor;
use super::found::{Filter, FoundLine, Summary, Wanted};
use super::merge::{Line, Lines, Merged};
use super::query::Query;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io;
use std::ops::ControlFlow;
use std::sync::Arc;

/// One instance, read up to a match that was not handed on yet.
struct Reader {
    instance: Arc<str>,
    lines: Merged,
    filter: Filter,
    next: Option<Line>,
}

/// What all readings have in common.
struct Progress<'a> {
    query: &'a Query,
    /// Of the place that the reading begins at, what was not met again yet.
    seen: Cursor,
    summary: Summary,
}

/// Hands on what `query` wants of these sources, which are its instances'. Not for one that wants the newest alone.
pub(super) fn each(
    query: &Query,
    sources: Vec<Lines>,
    each: &mut dyn FnMut(FoundLine) -> ControlFlow<()>,
) -> io::Result<Summary> {
    let (summary, seen) = query.beginning();
    let mut progress = Progress { query, seen, summary };
    let mut readers = Vec::with_capacity(sources.len());
    // When their next matches come, and whose they are.
    let mut order = BinaryHeap::with_capacity(sources.len());
    for (index, (instance, lines)) in query.instances.iter().zip(sources).enumerate() {
        let instance: Arc<str> = Arc::from(instance.as_str());
        let mut reader = Reader {
            lines: Merged::new(vec![lines])?,
            filter: Filter::new(Arc::clone(&instance)),
            instance,
            next: None,
        };
        let at_ms = reader.find(&mut progress)?;
        order.extend(at_ms.map(|at_ms| Reverse((at_ms, index))));
        readers.push(reader);
    }
    while let Some(Reverse((_, index))) = order.pop() {
        if readers[index].hand_on(&mut progress, each)?.is_break() {
            break;
        }
        let at_ms = readers[index].find(&mut progress)?;
        order.extend(at_ms.map(|at_ms| Reverse((at_ms, index))));
    }
    Ok(progress.summary)
}

impl Reader {
    /// The next line that is looked at, and what it is wanted for.
    fn read(&mut self, progress: &mut Progress<'_>) -> io::Result<Option<(Line, Wanted)>> {
        for line in self.lines.by_ref() {
            let (_, line) = line?;
            let Progress { query, seen, summary } = progress;
            if query.is_in_time(&line, &self.instance, seen) {
                summary.pass(&self.instance, &line);
                if query.leaves_out(&line) {
                    continue;
                }
                let wanted = self.filter.wants(query, &line);
                return Ok(Some((line, wanted)));
            }
            query.pass_unwanted(&line, &self.instance, summary);
        }
        Ok(None)
    }

    /// Reads up to the next match, and tells its time.
    fn find(&mut self, progress: &mut Progress<'_>) -> io::Result<Option<u64>> {
        while let Some((line, wanted)) = self.read(progress)? {
            if wanted == Wanted::Match {
                let at_ms = line.at_ms;
                self.next = Some(line);
                return Ok(Some(at_ms));
            }
            // It may stand before one.
            let nobody = &mut |_| ControlFlow::Continue(());
            let _kept = (self.filter).take(progress.query, wanted, line, &mut progress.summary, nobody);
        }
        Ok(None)
    }

    /// Hands on the match, with all that belongs to it.
    fn hand_on(
        &mut self,
        progress: &mut Progress<'_>,
        each: &mut dyn FnMut(FoundLine) -> ControlFlow<()>,
    ) -> io::Result<ControlFlow<()>> {
        let mut next = self.next.take().map(|line| (line, Wanted::Match));
        while let Some((line, wanted)) = next {
            let (query, summary) = (progress.query, &mut progress.summary);
            if self.filter.take(query, wanted, line, summary, each).is_break() {
                return Ok(ControlFlow::Break(()));
            }
            if !self.filter.is_amid() {
                break;
            }
            next = self.read(progress)?;
        }
        Ok(ControlFlow::Continue(()))
    }
}

#[cfg(test)]
#[path = "groups_tests.rs"]
mod tests;
