//! Finding lines again: which instances, since when, of which run, with what in them, how many. Reads the files
//! of running and of ended sessions alike, and changes nothing.

use super::cursor::Cursor;
use super::entry::EntryKind;
use super::files::{Segment, segments};
use super::merge::{Line, Lines, Merged, lines_of};
use super::tail::last_lines;
use crate::model::RunId;
use regex::bytes::Regex;
use std::collections::VecDeque;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

/// What is wanted.
#[derive(Clone, Debug)]
pub struct Query {
    pub dir: PathBuf,
    /// Whose lines; those that have none are no mistake.
    pub instances: Vec<String>,
    pub since: Option<Since>,
    /// Nothing after this time.
    pub until_ms: Option<u64>,
    pub grep: Option<Regex>,
    /// So many lines of the same instance around each that matches.
    pub context: usize,
    pub run: Option<RunChoice>,
    /// At most the last so many.
    pub last: Option<usize>,
    /// At most so many bytes of text, the newest.
    pub max_bytes: Option<usize>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Since {
    Time(u64),
    /// What an earlier reading had not seen.
    Cursor(Cursor),
}

/// One of each instance's runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunChoice {
    /// So many before the last one, which is 0.
    Back(u64),
    /// By its number, in the latest session that had it.
    Number(RunId),
}

/// A line that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundLine {
    pub instance: String,
    pub at_ms: u64,
    pub run: RunId,
    pub kind: EntryKind,
    pub text: Vec<u8>,
    /// It matches itself, or nothing was to match; else it stands beside one that does.
    pub matches: bool,
}

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// In the order of time.
    pub lines: VecDeque<FoundLine>,
    /// So many older ones were left out for `last` or `max_bytes`.
    pub cut: u64,
    /// Reads on behind everything that was looked at.
    pub cursor: Cursor,
    /// The bytes of `lines`, each with its end.
    bytes: usize,
}

/// Files whose last line is older than what is wanted by this much need not be opened: the clock may have been
/// set meanwhile.
const CLOCK_SLACK: Duration = Duration::from_secs(60);

impl Query {
    /// Everything of these instances.
    pub fn new(dir: PathBuf, instances: Vec<String>) -> Self {
        Self {
            dir,
            instances,
            since: None,
            until_ms: None,
            grep: None,
            context: 0,
            run: None,
            last: None,
            max_bytes: None,
        }
    }

    /// Reads.
    ///
    /// # Errors
    /// A file that is there cannot be read.
    pub fn run(&self) -> io::Result<Found> {
        let mut sources = Vec::new();
        for instance in &self.instances {
            sources.push(self.lines_of(instance)?);
        }
        let mut found = Found::default();
        if let Some(Since::Cursor(cursor)) = &self.since {
            found.cursor = cursor.clone();
        }
        let mut filters: Vec<Filter> = self.instances.iter().map(|_| Filter::default()).collect();
        let mut seen = found.cursor.clone();
        for line in Merged::new(sources)? {
            let (index, line) = line?;
            if !self.is_in_time(&line, &self.instances[index], &mut seen) {
                continue;
            }
            let instance = &self.instances[index];
            found.cursor.pass(instance, line.at_ms);
            filters[index].take(self, instance, line, &mut found);
            found.trim(self);
        }
        // Lines beside a match come after it in their file, and perhaps before another's in time.
        if self.context > 0 && self.instances.len() > 1 {
            found.lines.make_contiguous().sort_by_key(|line| line.at_ms);
        }
        Ok(found)
    }

    /// Where an instance's lines come from: the end of its files where nothing but their number counts.
    fn lines_of(&self, instance: &str) -> io::Result<Lines> {
        let mut segments = segments(&self.dir, instance)?;
        let only_last = self.grep.is_none() && self.run.is_none() && self.until_ms.is_none();
        if let (Some(last), true, None) = (self.last, only_last, &self.since) {
            let mut before = None;
            let mut lines = Vec::new();
            for bytes in last_lines(&segments, last)? {
                let line = Line::read(&bytes, before.as_ref());
                before = Some(Line {
                    text: Vec::new(),
                    ..line
                });
                lines.push(Ok(line));
            }
            return Ok(Box::new(lines.into_iter()));
        }
        if self.run.is_none() {
            segments.retain(|segment| self.may_hold(segment));
        }
        match self.run {
            Some(choice) => run_of(segments, choice),
            None => Ok(lines_of(segments)),
        }
    }

    fn may_hold(&self, segment: &Segment) -> bool {
        let since = match &self.since {
            Some(Since::Time(at_ms)) => *at_ms,
            Some(Since::Cursor(cursor)) => cursor.at_ms,
            None => return true,
        };
        let since = SystemTime::UNIX_EPOCH + Duration::from_millis(since);
        let written = fs::metadata(&segment.path).and_then(|found| found.modified());
        written.map_or(true, |written| written + CLOCK_SLACK >= since)
    }

    fn is_in_time(&self, line: &Line, instance: &str, seen: &mut Cursor) -> bool {
        if self.until_ms.is_some_and(|until| line.at_ms > until) {
            return false;
        }
        match &self.since {
            None => true,
            Some(Since::Time(since)) => line.at_ms >= *since,
            Some(Since::Cursor(_)) => seen.is_unseen(instance, line.at_ms),
        }
    }
}

/// Which of an instance's lines are wanted for what is in them.
#[derive(Debug, Default)]
struct Filter {
    /// Not wanted themselves, but perhaps for one that follows.
    before: VecDeque<FoundLine>,
    /// So many more are wanted for one that came before.
    after: usize,
}

impl Filter {
    fn take(&mut self, query: &Query, instance: &str, line: Line, found: &mut Found) {
        let matches = query.grep.as_ref().is_none_or(|grep| grep.is_match(&line.text));
        let line = FoundLine {
            instance: instance.to_owned(),
            at_ms: line.at_ms,
            run: line.run,
            kind: line.kind,
            text: line.text,
            matches,
        };
        if matches {
            for before in self.before.drain(..) {
                found.push(before);
            }
            found.push(line);
            self.after = query.context;
        } else if self.after > 0 {
            self.after -= 1;
            found.push(line);
        } else if query.context > 0 {
            if self.before.len() == query.context {
                self.before.pop_front();
            }
            self.before.push_back(line);
        }
    }
}

impl Found {
    /// Whether anything matches.
    pub fn has_matches(&self) -> bool {
        self.lines.iter().any(|line| line.matches)
    }

    fn push(&mut self, line: FoundLine) {
        self.bytes += line.text.len() + 1;
        self.lines.push_back(line);
    }

    fn trim(&mut self, query: &Query) {
        while query.last.is_some_and(|last| self.lines.len() > last)
            || query.max_bytes.is_some_and(|max| self.bytes > max)
        {
            let Some(line) = self.lines.pop_front() else { break };
            self.bytes -= line.text.len() + 1;
            self.cut += 1;
        }
    }
}

/// The lines of one run.
fn run_of(segments: Vec<Segment>, choice: RunChoice) -> io::Result<Lines> {
    let mut runs = vec![RunId(0)];
    for line in lines_of(segments.clone()) {
        let line = line?;
        if line.kind == EntryKind::Begin {
            runs.push(line.run);
        }
    }
    let chosen = match choice {
        RunChoice::Back(back) => usize::try_from(back)
            .ok()
            .and_then(|back| runs.len().checked_sub(back + 1)),
        RunChoice::Number(run) => runs.iter().rposition(|other| *other == run),
    };
    let Some(chosen) = chosen else {
        return Ok(Box::new(std::iter::empty()));
    };
    let mut at = 0;
    Ok(Box::new(lines_of(segments).filter(move |line| {
        if line.as_ref().is_ok_and(|line| line.kind == EntryKind::Begin) {
            at += 1;
        }
        at == chosen
    })))
}

#[cfg(test)]
#[path = "query_tests.rs"]
mod tests;
