//! Which lines of a window's scrollback are new: what was printed while nobody read the stream (the control
//! client was away, the session was suspended), beside what an earlier controller wrote down.

use super::clock;
use super::core::Controller;
use super::windows::Asked;
use crate::logs::store::{EntryKind, FoundLine, Query};
use crate::logs::{Hub, Tone, plain, styled_lines};
use crate::model::{InstanceId, Moment, RunId};
use crate::shim::note;
use crate::tmux::command::Command;
use crate::tmux::server;

/// How many known lines are compared to find the place where they stop.
const CONTEXT: usize = 12;

/// How many lines of what a service printed for an earlier controller are shown on the console of the next one:
/// of each, and of all together. Which of them stood on another terminal already, nobody knows any more.
const SHOWN: usize = 100;
const SHOWN_OF_ALL: usize = 400;
/// Less says nothing.
const SHOWN_AT_LEAST: usize = 10;

/// So many lines of an earlier controller's time can be asked for without a look at the files.
const REMEMBERED: usize = 1000;

/// When a scrollback was taken, and of what.
#[derive(Clone, Copy, Debug)]
pub(super) struct Taken<'a> {
    pub(super) now: Moment,
    pub(super) at_ms: u64,
    pub(super) instance: InstanceId,
    /// The cursor's column where a process runs and has begun a line.
    pub(super) open_at: Option<u16>,
    /// The run that lives, or the last one that did.
    pub(super) run: Option<RunId>,
    pub(super) runs: bool,
    /// An earlier controller had it: by this name, one of so many.
    pub(super) found: Option<(&'a str, usize)>,
}

/// Gives the hub what a window's scrollback has that it does not know. To be done where the reply stands in the
/// control stream: what stands behind it was printed later.
pub(super) fn take_in(hub: &mut Hub, taken: Taken<'_>, scrollback: &[u8]) {
    let Taken {
        now,
        at_ms,
        instance,
        open_at,
        runs,
        ..
    } = taken;
    let screen = Screen::read(scrollback, runs);
    let mut lines = &screen.lines[..];
    // A cursor behind the last line: that one is not finished.
    let mut open = None;
    if let (Some(column), Some((last, rest))) = (open_at, lines.split_last()) {
        (lines, open) = (rest, Some((column, last)));
    }
    let known = hub.last_lines(instance, CONTEXT);
    let text: Vec<String> = lines.iter().map(|line| plain(line)).collect();
    let News { mut from, gap } = news(&text, &known);
    if gap && !known.is_empty() {
        let lost = "lines are missing here: the scrollback does not reach back";
        hub.say(at_ms, instance, Tone::Alarm, lost);
    }
    let shown = open.map(|(_, line)| plain(line));
    let next = text.get(from).or(shown.as_ref());
    let is_last = from == lines.len();
    let goes_on = match (hub.open_line(instance), next) {
        (Some(begun), Some(next)) if is_last && is_same(next, &begun) => true,
        // It has been ended since, there or by what follows.
        (Some(begun), Some(next)) if is_same(next, &begun) => {
            hub.end_line(now, at_ms, instance);
            from += 1;
            false
        }
        (Some(begun), Some(next)) if next.starts_with(&begun) => {
            hub.forget_open_line(now, instance);
            false
        }
        (None, _) if open.is_none() => true,
        (Some(_) | None, _) => {
            hub.end_line(now, at_ms, instance);
            false
        }
    };
    let earlier = screen.earlier.saturating_sub(from);
    take_lines(hub, taken, !known.is_empty(), &lines[from..], earlier);
    if let Some((column, line)) = open.filter(|_| !goes_on) {
        let mut line = line.clone();
        // tmux does not show the blanks at a line's end; a prompt has one.
        let missing = usize::from(column).saturating_sub(plain(&line).chars().count());
        line.extend(std::iter::repeat_n(b' ', missing));
        hub.feed(now, at_ms, instance, &line);
    }
}

/// Gives the hub these lines, each as what the run printed that it is of.
fn take_lines(hub: &mut Hub, taken: Taken<'_>, is_known: bool, lines: &[Vec<u8>], earlier: usize) {
    let Taken {
        at_ms,
        instance,
        run,
        runs,
        ..
    } = taken;
    let hidden = taken.found.filter(|_| !is_known).map_or(0, |(name, instances)| {
        let hidden = lines.len().saturating_sub(shown_of_each(instances));
        if hidden > 0 {
            let text = format!("… {hidden} earlier lines · ovr echo {name} -n {}", lines.len());
            hub.say_on_console(at_ms, instance, &text);
        }
        hidden
    });
    let unseen = run.filter(|run| !hub.has_begun(instance, *run));
    let earlier = unseen.map_or(0, |_| earlier.min(lines.len()));
    if let Some(run) = unseen {
        hub.go_back_before(instance, run);
    }
    let (before, since) = lines.split_at(earlier);
    for (number, line) in before.iter().enumerate() {
        hub.refill(at_ms, instance, None, line, number >= hidden);
    }
    if let Some(run) = unseen {
        hub.begun_unseen(at_ms, instance, run);
    }
    for (number, line) in since.iter().enumerate() {
        let alive = run.filter(|_| runs);
        hub.refill(at_ms, instance, alive, line, earlier + number >= hidden);
    }
}

fn shown_of_each(instances: usize) -> usize {
    (SHOWN_OF_ALL / instances.max(1)).clamp(SHOWN_AT_LEAST, SHOWN)
}

impl Controller {
    /// Asks for the scrollback of every pane, to find what was printed while no client was attached.
    pub(super) fn refill_all(&mut self) {
        for instance in self.ids() {
            self.refill(instance);
        }
    }

    /// The same for one. Until the answer is there, nothing of the pane is taken from the stream: the
    /// scrollback has it too.
    pub(super) fn refill(&mut self, instance: InstanceId) {
        if let Some(pane) = self.host(instance).shim.as_ref().and_then(|shim| shim.pane)
            && !self.windows.is_asking(Asked::Scrollback(instance))
            // A lane has gone on meanwhile.
            && !self.lanes.has(instance)
        {
            self.windows.unbind(pane);
            self.windows
                .ask(&Command::cursor_column(pane), Asked::Column(instance));
            let command = Command::capture_scrollback(pane);
            self.windows.ask(&command, Asked::Scrollback(instance));
        }
    }

    /// Marks that passed while no client was attached are lost: an ended run has printed all it will. One that has
    /// ended without our knowledge yet is looked at again when its end is reported ([`Self::look_for_lost_mark`]).
    pub(super) fn on_marks_missed(&mut self, instance: InstanceId) {
        if let Some(run) = &self.host(instance).run
            && run.ended.is_some()
        {
            let run = run.id;
            self.hub.passed_unseen(clock::epoch_ms(), instance, run);
        }
        self.begin_when_adopted();
    }

    /// A run has ended, and of its window nothing has come since the scrollback was taken: the mark of its end may
    /// have passed before that, while the report was on its way. The scrollback of now has all that it printed.
    pub(super) fn look_for_lost_mark(&mut self, instance: InstanceId) {
        // The mark of another run's beginning says it as well.
        let goes_on = self.machine.state(instance).is_live();
        if !goes_on && self.hub.is_silent(instance) && self.owes_output(instance) {
            self.refill(instance);
        }
    }

    /// Reads back what an earlier controller has written down of an instance, so that its scrollback gives just
    /// what was printed since. Returns the last run that is known to have begun, and when, if that stands there.
    pub(super) fn remember(&mut self, instance: InstanceId) -> Option<(RunId, u64)> {
        let dir = self.facts.logs.clone()?;
        let query = Query {
            last: Some(REMEMBERED),
            ..Query::new(dir, vec![self.host(instance).name()])
        };
        // What cannot be read is taken for not known: its lines come from the scrollback alone.
        let found = query.run().unwrap_or_default();
        // Runs are counted anew in each session: what stands before the last first one is of another.
        let is_first = |line: &FoundLine| line.kind == EntryKind::Begin && line.run == RunId(1);
        let begin = found.lines.iter().rposition(is_first).unwrap_or_default();
        let lines = found.lines.range(begin..);
        let is_of_run = |line: &&FoundLine| matches!(line.kind, EntryKind::Begin | EntryKind::Output);
        // A long one's beginning may stand further back.
        if let Some(last) = lines.clone().rfind(is_of_run) {
            self.hub.remember_begin(instance, last.run);
        }
        let begin = lines.clone().rfind(|line| line.kind == EntryKind::Begin);
        for line in lines.filter(|line| line.kind == EntryKind::Output) {
            self.hub.remember(instance, line.at_ms, line.run, &line.text);
        }
        begin.map(|begin| (begin.run, begin.at_ms))
    }
}

/// What the scrollback has that is not known yet.
#[derive(Debug, PartialEq, Eq)]
struct News {
    /// The first new line.
    from: usize,
    /// The known lines were not found: some that came before these are lost.
    gap: bool,
}

/// What services printed of what a window's scrollback has.
#[derive(Debug, PartialEq, Eq)]
struct Screen {
    /// Each with all of its colours.
    lines: Vec<Vec<u8>>,
    /// So many of these stand before the last run.
    earlier: usize,
}

impl Screen {
    /// Leaves out the shim's notes, which are none of the service's, and the line breaks in front of them. `runs`: the
    /// last run lives, and has no note yet.
    fn read(scrollback: &[u8], runs: bool) -> Self {
        let mut lines: Vec<Vec<u8>> = Vec::new();
        let mut ends = Vec::new();
        for line in styled_lines(server::captured(scrollback)) {
            if !note::is_note(&line) {
                lines.push(line);
                continue;
            }
            if lines.last().is_some_and(Vec::is_empty) {
                lines.pop();
            }
            if note::tells_end(&line) {
                ends.push(lines.len());
            }
        }
        if !runs {
            ends.pop();
        }
        let earlier = ends.last().copied().unwrap_or_default().min(lines.len());
        Self { lines, earlier }
    }
}

/// Whether the screen shows the one as the other: there tabs are blanks.
fn is_same(found: &str, known: &str) -> bool {
    found.split_whitespace().eq(known.split_whitespace())
}

/// The lines of `captured` behind the last `known` ones (both oldest first, without colours).
///
/// The last known lines are searched from the end of the capture, so that a service which repeats itself shows
/// too little rather than the same twice.
fn news(captured: &[String], known: &[String]) -> News {
    let known = &known[known.len().saturating_sub(CONTEXT)..];
    if known.is_empty() {
        return News { from: 0, gap: false };
    }
    for end in (1..=captured.len()).rev() {
        let overlap = known.len().min(end);
        let pairs = captured[end - overlap..end]
            .iter()
            .zip(&known[known.len() - overlap..]);
        let same = pairs.into_iter().all(|(found, known)| is_same(found, known));
        // Where the capture begins in the middle of the known lines, fewer of them can be compared.
        if same && (overlap == known.len() || end == overlap) {
            return News {
                from: end,
                gap: false,
            };
        }
    }
    News {
        from: 0,
        gap: !captured.is_empty(),
    }
}

#[cfg(test)]
#[path = "refill_tests.rs"]
mod tests;
