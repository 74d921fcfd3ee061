//! Which lines of a window's scrollback are new: what was printed while nobody read the stream (the control
//! client was away, the session was suspended), beside what an earlier controller wrote down.

use super::clock;
use super::core::Controller;
use super::windows::Asked;
use crate::logs::store::{EntryKind, FoundLine, Query};
use crate::logs::{Hub, Tone, plain};
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
    /// The run that lives.
    pub(super) alive: Option<RunId>,
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
        alive,
        found,
    } = taken;
    let mut lines = without_notes(server::captured(scrollback));
    // A cursor behind the last line: that one is not finished.
    let open = open_at.and_then(|column| Some((column, lines.pop()?)));
    let known = hub.last_lines(instance, CONTEXT);
    let text: Vec<String> = lines.iter().map(|line| plain(line)).collect();
    let news = news(&text, &known);
    if news.gap && !known.is_empty() {
        let lost = "lines are missing here: the scrollback does not reach back";
        hub.say(at_ms, instance, Tone::Alarm, lost);
    }
    let begun = hub.open_line(instance).map(|line| line.trim_end().to_owned());
    let goes_on = open.map(|(_, line)| plain(line).trim_end().to_owned()) == begun;
    if !goes_on {
        hub.end(now, at_ms, instance);
    }
    let lines = &lines[news.from..];
    let hidden = found.filter(|_| known.is_empty()).map_or(0, |(name, instances)| {
        let hidden = lines.len().saturating_sub(shown_of_each(instances));
        if hidden > 0 {
            let text = format!("… {hidden} earlier lines · ovr echo {name} -n {}", lines.len());
            hub.say_on_console(at_ms, instance, &text);
        }
        hidden
    });
    for (number, line) in lines.iter().enumerate() {
        hub.refill(at_ms, instance, alive, line, number >= hidden);
    }
    if let Some((column, line)) = open.filter(|_| !goes_on) {
        let mut line = line.to_vec();
        // tmux does not show the blanks at a line's end; a prompt has one.
        let missing = usize::from(column).saturating_sub(plain(&line).chars().count());
        line.extend(std::iter::repeat_n(b' ', missing));
        hub.feed(now, at_ms, instance, &line);
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
    /// what was printed since.
    pub(super) fn remember(&mut self, instance: InstanceId) {
        let Some(dir) = self.facts.logs.clone() else {
            return;
        };
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
        if let Some(begin) = lines.clone().rfind(|line| line.kind == EntryKind::Begin) {
            self.hub.remember_begin(instance, begin.run);
        }
        for line in lines.filter(|line| line.kind == EntryKind::Output) {
            self.hub.remember(instance, line.at_ms, line.run, &line.text);
        }
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

/// The lines without the shim's notes, which are none of the service's, and the line breaks in front of them.
fn without_notes(captured: Vec<&[u8]>) -> Vec<&[u8]> {
    let mut kept: Vec<&[u8]> = Vec::with_capacity(captured.len());
    for line in captured {
        if !note::is_note(line) {
            kept.push(line);
        } else if kept.last().is_some_and(|last| last.is_empty()) {
            kept.pop();
        }
    }
    kept
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
mod tests {
    use super::{News, news, shown_of_each, without_notes};

    fn lines(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn only_what_follows_the_known_lines_is_new() {
        assert_eq!(
            news(&lines("a b c d"), &lines("a b")),
            News { from: 2, gap: false }
        );
        assert_eq!(news(&lines("a b"), &lines("a b")), News { from: 2, gap: false });
        assert_eq!(
            news(&lines("tick tick tick"), &lines("tick tick")),
            News { from: 3, gap: false }
        );
    }

    #[test]
    fn tabs_are_known_again_as_the_blanks_they_are_on_the_screen() {
        let (captured, known) = (["a       b".to_owned()], ["a\tb".to_owned()]);
        assert_eq!(news(&captured, &known).from, 1);
    }

    #[test]
    fn notes_and_the_line_breaks_before_them_are_left_out() {
        let captured: [&[u8]; 4] = [
            b"a",
            b"",
            b"\x1b[2mweb exited with code 3 after 0.1 s \xc2\xb7 Enter restarts it",
            b"b",
        ];
        assert_eq!(without_notes(captured.to_vec()), [b"a", b"b"]);
    }

    #[test]
    fn what_an_earlier_controller_had_is_shown_by_its_end() {
        assert_eq!([1, 4, 8, 40, 500].map(shown_of_each), [100, 100, 50, 10, 10]);
    }

    #[test]
    fn without_known_lines_everything_is_new() {
        assert_eq!(news(&lines("a b"), &[]), News { from: 0, gap: false });
        assert_eq!(news(&[], &lines("a")), News { from: 0, gap: false });
    }

    #[test]
    fn a_scrollback_that_has_moved_on_is_all_new_and_says_that_lines_are_missing() {
        assert_eq!(news(&lines("x y"), &lines("a b")), News { from: 0, gap: true });
    }

    #[test]
    fn a_scrollback_that_begins_among_the_known_lines_still_fits() {
        assert_eq!(news(&lines("b c"), &lines("a b")), News { from: 1, gap: false });
    }
}
