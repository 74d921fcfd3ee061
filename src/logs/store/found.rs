//! What a reading finds: which of an instance's lines are wanted for what is in them, the lines themselves, and what
//! is to be said of all of them together. Reads nothing.

use super::cursor::Cursor;
use super::entry::EntryKind;
use super::merge::Line;
use super::query::Query;
use crate::model::RunId;
use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::sync::Arc;

/// A line that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundLine {
    pub instance: Arc<str>,
    pub at_ms: u64,
    pub run: RunId,
    pub kind: EntryKind,
    pub text: Vec<u8>,
    /// It matches itself, or nothing was to match; else it stands beside one that does.
    pub matches: bool,
    /// It says that a run begins, and the next line of its instance says that and more.
    pub is_told_again: bool,
    /// A match and its neighbours have the same number. Ascends by the times of matches.
    pub group: u64,
}

/// What is to be said of a reading.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// So many lines were found, and so many of them match.
    pub lines: u64,
    pub matches: u64,
    /// So many older ones, of those that were looked at, were left out for `last` or `max_bytes`; 0 if none is.
    pub cut: u64,
    /// There are more behind the cursor: `max_bytes` has ended the reading there.
    pub more: bool,
    /// Reads on behind everything that was looked at.
    pub cursor: Cursor,
    /// The same for what services printed, without ovr's own words: which lines a stream of output repeats.
    pub printed: Cursor,
    /// So many lines that services printed were looked at behind [`Query::counted_from`].
    pub behind: u64,
    groups: u64,
}

impl Summary {
    /// Moves the cursors behind a line.
    pub(super) fn pass(&mut self, instance: &str, line: &Line) {
        self.cursor.pass(instance, line.at_ms);
        if line.kind == EntryKind::Output {
            self.printed.pass(instance, line.at_ms);
        }
    }
}

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// In the order of time; with their neighbours, matches follow each other.
    pub lines: VecDeque<FoundLine>,
    pub summary: Summary,
    /// The bytes of `lines`, each with its end.
    bytes: usize,
    /// So many of them are shown: what is told again is not.
    shown: usize,
}

impl Found {
    pub(super) fn push(&mut self, line: FoundLine) {
        self.bytes += line.text.len() + 1;
        self.shown += usize::from(!line.is_told_again);
        self.lines.push_back(line);
    }

    /// Leaves the newest.
    pub(super) fn trim(&mut self, last: Option<usize>, max_bytes: Option<usize>) {
        while last.is_some_and(|last| self.shown > last) || max_bytes.is_some_and(|max| self.bytes > max) {
            let Some(line) = self.lines.pop_front() else { break };
            self.bytes -= line.text.len() + 1;
            self.shown -= usize::from(!line.is_told_again);
            self.summary.cut += 1;
        }
    }

    /// Puts each match and its neighbours together: those of several instances came mixed, by time.
    pub(super) fn gather_groups(&mut self) {
        self.lines.make_contiguous().sort_by_key(|line| line.group);
    }

    /// The newest first; each match keeps its neighbours around it, in the order in which they are read.
    #[must_use]
    pub fn newest_first(mut self) -> Self {
        self.lines
            .make_contiguous()
            .sort_by_key(|line| std::cmp::Reverse(line.group));
        self
    }
}

/// Why a line is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    Match,
    /// It stands behind one that matches.
    Neighbour,
    No,
}

/// Which of an instance's lines are wanted for what is in them.
#[derive(Debug)]
pub(super) struct Filter {
    instance: Arc<str>,
    /// Not wanted themselves, but perhaps for one that follows.
    before: VecDeque<Line>,
    /// So many more are wanted for one that came before.
    after: usize,
    group: u64,
}

impl Filter {
    pub(super) fn new(instance: Arc<str>) -> Self {
        Self {
            instance,
            before: VecDeque::new(),
            after: 0,
            group: 0,
        }
    }

    /// Whether the next line belongs to what was handed on last, whatever is in it.
    pub(super) fn is_amid(&self) -> bool {
        self.after > 0
    }

    pub(super) fn wants(&self, query: &Query, line: &Line) -> Wanted {
        if query.grep.as_ref().is_none_or(|grep| grep.is_match(&line.text)) {
            Wanted::Match
        } else if self.after > 0 {
            Wanted::Neighbour
        } else {
            Wanted::No
        }
    }

    /// The bytes of everything that is handed on with this line.
    pub(super) fn bytes_with(&self, wanted: Wanted, line: &Line) -> usize {
        let own = line.text.len() + 1;
        match wanted {
            Wanted::Match => own + self.before.iter().map(|line| line.text.len() + 1).sum::<usize>(),
            Wanted::Neighbour => own,
            Wanted::No => 0,
        }
    }

    /// Hands the line on if it is wanted, with those before it that are wanted for its sake.
    pub(super) fn take(
        &mut self,
        query: &Query,
        wanted: Wanted,
        line: Line,
        summary: &mut Summary,
        each: &mut dyn FnMut(FoundLine) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        match wanted {
            Wanted::Match => {
                // Neighbours of two matches that touch belong together.
                if self.after == 0 {
                    summary.groups += 1;
                    self.group = summary.groups;
                }
                while let Some(before) = self.before.pop_front() {
                    summary.lines += 1;
                    each(self.found(before, false))?;
                }
                self.after = query.context;
                summary.matches += 1;
            }
            Wanted::Neighbour => self.after -= 1,
            Wanted::No => {
                if query.context > 0 {
                    if self.before.len() == query.context {
                        self.before.pop_front();
                    }
                    self.before.push_back(line);
                }
                return ControlFlow::Continue(());
            }
        }
        summary.lines += 1;
        each(self.found(line, wanted == Wanted::Match))
    }

    fn found(&self, line: Line, matches: bool) -> FoundLine {
        FoundLine {
            instance: Arc::clone(&self.instance),
            at_ms: line.at_ms,
            run: line.run,
            kind: line.kind,
            text: line.text,
            matches,
            is_told_again: line.is_told_again,
            group: self.group,
        }
    }
}
