//! Finding lines again: which instances, since when, of which run, with what in them, how many. Reads the files
//! of running and of ended sessions alike, and changes nothing.

use super::cursor::{Cursor, Overlap};
use super::entry::{Entry, EntryKind};
use super::found::{Filter, Found, FoundLine, Summary};
use super::groups;
use super::listing::{Segment, segments};
use super::merge::{Before, Line, Lines, Merged, Reading};
use super::tail::last_lines;
use crate::model::RunId;
use regex::bytes::Regex;
use std::fs;
use std::io;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
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
    /// At most so many bytes of text: the newest, or with a cursor the first that follow it.
    pub max_bytes: Option<usize>,
    /// Only what services printed, without ovr's own words.
    pub printed_only: bool,
    /// A place that nothing is left out for: what services printed behind it is counted.
    pub counted_from: Option<Cursor>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Since {
    Time(u64),
    /// What an earlier reading had not seen.
    Cursor(Cursor),
    /// What was printed behind the lines that a reader has; this counts no word of ovr's own.
    Printed(Cursor),
}

/// One of each instance's runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunChoice {
    /// So many before the last one, which is 0.
    Back(u64),
    /// By its number, in the latest session that had it.
    Number(RunId),
}

/// Files whose last line is older than what is wanted by this much need not be opened: the clock may have been
/// set meanwhile.
const CLOCK_SLACK: Duration = Duration::from_secs(60);

/// The files of so many instances are held open while they are read, five of each.
const MOST_HELD: usize = 40;

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
            printed_only: false,
            counted_from: None,
        }
    }

    /// Reads, and gathers what is found.
    ///
    /// # Errors
    /// A file that is there cannot be read.
    pub fn run(&self) -> io::Result<Found> {
        let mut found = Found::default();
        // A reading that goes on page by page ends at its bound instead.
        let max_bytes = self.max_bytes.filter(|_| !self.is_paged());
        let summary = self.read(self.sources()?, &mut |line| {
            found.push(line);
            found.trim(self.last, max_bytes);
            ControlFlow::Continue(())
        })?;
        let cut = found.summary.cut;
        found.summary = summary;
        found.summary.cut = cut;
        if self.context > 0 {
            found.gather_groups();
        }
        Ok(found)
    }

    /// Reads, and hands on each line that is found, as soon as it is clear that it stays: what is too much to be held
    /// in memory can be read too. `each` ends the reading by breaking off.
    ///
    /// # Errors
    /// A file that is there cannot be read.
    pub fn each(&self, mut each: impl FnMut(FoundLine) -> ControlFlow<()>) -> io::Result<Summary> {
        let newest_only = self.last.is_some() || (self.max_bytes.is_some() && !self.is_paged());
        if !newest_only && self.context == 0 {
            return self.read(self.sources()?, &mut each);
        }
        // What is counted from a place has to be read in the order of time, and a page ends in it.
        if !newest_only && self.max_bytes.is_none() && self.counted_from.is_none() {
            return groups::each(self, self.sources()?, &mut each);
        }
        let Found { lines, summary, .. } = self.run()?;
        // It ends where the one who reads wants no more.
        let _broken_off = lines.into_iter().try_for_each(each);
        Ok(summary)
    }

    /// What goes on from a cursor and is bounded ends at the bound, so that the next reading can go on there.
    fn is_paged(&self) -> bool {
        matches!(self.since, Some(Since::Cursor(_))) && self.max_bytes.is_some() && self.last.is_none()
    }

    /// What is read, in the order of the instances.
    fn sources(&self) -> io::Result<Vec<Lines>> {
        self.instances
            .iter()
            .map(|instance| self.lines_of(instance))
            .collect()
    }

    /// Where the reading begins: the summary of nothing, and what was seen of the lines that it meets again.
    pub(super) fn beginning(&self) -> (Summary, Cursor) {
        let mut summary = Summary::default();
        match &self.since {
            Some(Since::Cursor(cursor)) => summary.cursor = cursor.clone(),
            Some(Since::Printed(printed)) => summary.printed = printed.clone(),
            Some(Since::Time(_)) | None => {}
        }
        let seen = match &self.since {
            Some(Since::Printed(printed)) => printed.clone(),
            Some(Since::Cursor(_) | Since::Time(_)) | None => summary.cursor.clone(),
        };
        (summary, seen)
    }

    /// Hands on what is wanted of these sources, in the order of time.
    pub(super) fn read(
        &self,
        sources: Vec<Lines>,
        each: &mut dyn FnMut(FoundLine) -> ControlFlow<()>,
    ) -> io::Result<Summary> {
        let (mut summary, mut seen) = self.beginning();
        let names = self.instances.iter().map(|name| Arc::from(name.as_str()));
        let mut filters: Vec<Filter> = names.map(Filter::new).collect();
        let page = self.max_bytes.filter(|_| self.is_paged());
        let mut behind = self.counted_from.clone().map(Overlap::with);
        let mut bytes = 0;
        for line in Merged::new(sources)? {
            let (index, line) = line?;
            let (instance, filter) = (&self.instances[index], &mut filters[index]);
            if !self.is_in_time(&line, instance, &mut seen) {
                self.pass_unwanted(&line, instance, &mut summary);
                continue;
            }
            if self.leaves_out(&line) {
                summary.pass(instance, &line);
                continue;
            }
            let wanted = filter.wants(self, &line);
            bytes += filter.bytes_with(wanted, &line);
            // At least one line: a page that holds none would never end.
            if summary.lines > 0 && page.is_some_and(|page| bytes > page) {
                summary.more = true;
                break;
            }
            summary.pass(instance, &line);
            if line.kind == EntryKind::Output
                && let Some(behind) = &mut behind
            {
                let nth = summary.printed.nth(instance, line.at_ms);
                summary.behind += u64::from(behind.is_new(instance, line.at_ms, nth));
            }
            if filter.take(self, wanted, line, &mut summary, each).is_break() {
                break;
            }
        }
        Ok(summary)
    }

    /// Where an instance's lines come from: the end of its files where nothing but their number counts.
    fn lines_of(&self, instance: &str) -> io::Result<Lines> {
        let mut segments = segments(&self.dir, instance)?;
        let only_last = self.grep.is_none() && self.run.is_none() && self.until_ms.is_none();
        if let (Some(last), true, None) = (self.last, only_last, &self.since) {
            let mut before = Before::NOTHING;
            let lines = self.end_of(&segments, last)?.into_iter();
            let lines: Vec<_> = lines.map(|bytes| Ok(Line::read(bytes, &mut before))).collect();
            return Ok(Box::new(lines.into_iter()));
        }
        if self.run.is_none() {
            segments.retain(|segment| self.may_hold(segment));
        }
        let reading = Reading::of(segments, self.instances.len() <= MOST_HELD)?;
        match self.run {
            Some(choice) => run_of(&reading, choice),
            None => Ok(reading.lines()),
        }
    }

    /// The last lines, and as many more as it takes to count them: a cursor tells a line by its place among those of its
    /// millisecond, and what is counted from a place has to begin there.
    fn end_of(&self, segments: &[Segment], last: usize) -> io::Result<Vec<Vec<u8>>> {
        let at_ms = |line: &Vec<u8>| Entry::parse(line).map(|entry| entry.at_ms);
        // One more, so that it is known whether any is left out.
        let mut count = last.saturating_add(1);
        loop {
            let lines = last_lines(segments, count)?;
            let first = lines.first().and_then(at_ms);
            let mut counting = lines
                .iter()
                .enumerate()
                .rev()
                .filter(|(_, line)| self.counts(line));
            let shown = match last.checked_sub(1) {
                Some(before) => counting.nth(before).map(|(index, _)| &lines[index]),
                None => None,
            };
            let has_more = last == 0 || counting.next().is_some();
            let shown = shown.and_then(at_ms);
            let counted = self.counted_from.as_ref().map(|place| place.at_ms);
            let reaches = |to: Option<u64>| to.is_none_or(|to| first.is_none_or(|first| first < to));
            if lines.len() < count || (has_more && reaches(shown) && reaches(counted)) {
                return Ok(lines);
            }
            count = count.saturating_mul(2);
        }
    }

    /// Whether a line of a file is one of those whose number is wanted. The beginning of a run may be told again by the
    /// next line, and so may be none.
    fn counts(&self, line: &[u8]) -> bool {
        // One that says nothing of itself was printed.
        let kind = Entry::parse(line).map_or(EntryKind::Output, |entry| entry.kind);
        match kind {
            EntryKind::Output => true,
            EntryKind::Event | EntryKind::Gap => !self.printed_only,
            EntryKind::Begin => false,
        }
    }

    /// Whether the line is ovr's own word, where only what services printed is wanted.
    pub(super) fn leaves_out(&self, line: &Line) -> bool {
        self.printed_only && line.kind != EntryKind::Output
    }

    /// A line that an earlier reading has seen counts in its millisecond all the same.
    pub(super) fn pass_unwanted(&self, line: &Line, instance: &str, summary: &mut Summary) {
        if let Some(Since::Cursor(cursor)) = &self.since
            && line.kind == EntryKind::Output
            && line.at_ms == cursor.at_ms
        {
            summary.printed.pass(instance, line.at_ms);
        }
    }

    fn may_hold(&self, segment: &Segment) -> bool {
        let since = match &self.since {
            Some(Since::Time(at_ms)) => *at_ms,
            Some(Since::Cursor(cursor) | Since::Printed(cursor)) => cursor.at_ms,
            None => return true,
        };
        let since = SystemTime::UNIX_EPOCH + Duration::from_millis(since);
        let written = fs::metadata(&segment.path).and_then(|found| found.modified());
        written.map_or(true, |written| written + CLOCK_SLACK >= since)
    }

    pub(super) fn is_in_time(&self, line: &Line, instance: &str, seen: &mut Cursor) -> bool {
        if self.until_ms.is_some_and(|until| line.at_ms > until) {
            return false;
        }
        match &self.since {
            None => true,
            Some(Since::Time(since)) => line.at_ms >= *since,
            Some(Since::Cursor(_)) => seen.is_unseen(instance, line.at_ms),
            Some(Since::Printed(_)) if line.kind == EntryKind::Output => seen.is_unseen(instance, line.at_ms),
            Some(Since::Printed(printed)) => line.at_ms > printed.at_ms,
        }
    }
}

/// The lines of one run.
fn run_of(reading: &Reading, choice: RunChoice) -> io::Result<Lines> {
    let mut runs = vec![RunId(0)];
    for line in reading.again()?.lines() {
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
    Ok(Box::new(reading.again()?.lines().filter(move |line| {
        if line.as_ref().is_ok_and(|line| line.kind == EntryKind::Begin) {
            at += 1;
        }
        at == chosen
    })))
}

#[cfg(test)]
#[path = "query_tests.rs"]
mod tests;
