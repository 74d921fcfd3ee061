//! Watches for lines that a service has begun and left standing: a prompt, most of all. Pure: knows when, not
//! what; time is an argument.

use crate::model::{InstanceId, Moment};
use std::collections::BTreeSet;
use std::time::Duration;

/// An unfinished line that stands for this long is shown.
pub(super) const QUIET: Duration = Duration::from_millis(200);

/// Each time the same line is shown again it has to stand four times as long, up to this: progress that moves
/// every second must not flood the console, and a prompt stands for ever.
const QUIET_MAX: Duration = Duration::from_secs(30);

/// A line has stood long enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quiet {
    pub instance: InstanceId,
    /// The line has been shown before, with less or other text.
    pub again: bool,
}

/// The unfinished lines of all instances.
#[derive(Debug, Default)]
pub struct OpenLines {
    entries: Vec<Entry>,
    /// At most one for each instance. It may come before its line has stood long enough: output moves only
    /// `last_output`, which costs nothing, and the deadline is put off when it comes.
    deadlines: BTreeSet<(Moment, InstanceId)>,
}

#[derive(Clone, Debug, Default)]
struct Entry {
    open: bool,
    last_output: Moment,
    has_deadline: bool,
    times_shown: u32,
    waits: Option<String>,
}

impl OpenLines {
    pub fn new(instances: usize) -> Self {
        Self {
            entries: vec![Entry::default(); instances],
            deadlines: BTreeSet::new(),
        }
    }

    /// The instance printed something: a line ended in it or not, and the stream stands in an unfinished line
    /// or does not. True if it was waiting for input until now.
    pub fn on_output(&mut self, now: Moment, instance: InstanceId, line_ended: bool, open: bool) -> bool {
        let entry = self.entry(instance);
        entry.last_output = now;
        entry.open = open;
        if line_ended || !open {
            entry.times_shown = 0;
        }
        let waited = entry.waits.take().is_some();
        if open && !entry.has_deadline {
            entry.has_deadline = true;
            let deadline = entry.due();
            self.deadlines.insert((deadline, instance));
        }
        waited
    }

    /// When [`Self::poll`] may have something to say.
    pub fn next_deadline(&self) -> Option<Moment> {
        self.deadlines.first().map(|(deadline, _)| *deadline)
    }

    /// The next line that has stood long enough by `now`. Call until there is none.
    pub fn poll(&mut self, now: Moment) -> Option<Quiet> {
        while let Some(&(deadline, instance)) = self.deadlines.first()
            && deadline <= now
        {
            self.deadlines.pop_first();
            let entry = self.entry(instance);
            entry.has_deadline = false;
            if !entry.open {
                continue;
            }
            let due = entry.due();
            if due > now {
                entry.has_deadline = true;
                self.deadlines.insert((due, instance));
                continue;
            }
            let again = entry.times_shown > 0;
            entry.times_shown += 1;
            return Some(Quiet { instance, again });
        }
        None
    }

    /// Says what the quiet line shows. If that is not blank, the service waits for input. True if it does.
    pub fn set_text(&mut self, instance: InstanceId, text: &str) -> bool {
        let entry = self.entry(instance);
        if entry.open && !text.trim().is_empty() {
            entry.waits = Some(text.to_owned());
        }
        entry.waits.is_some()
    }

    /// The unfinished, quiet line of an instance that waits for input.
    pub fn waits_for_input(&self, instance: InstanceId) -> Option<&str> {
        self.entries.get(instance.0 as usize)?.waits.as_deref()
    }

    fn entry(&mut self, instance: InstanceId) -> &mut Entry {
        let index = instance.0 as usize;
        if index >= self.entries.len() {
            self.entries.resize(index + 1, Entry::default());
        }
        &mut self.entries[index]
    }
}

impl Entry {
    fn due(&self) -> Moment {
        let factor = 4u32.saturating_pow(self.times_shown);
        self.last_output + QUIET.saturating_mul(factor).min(QUIET_MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::{OpenLines, Quiet};
    use crate::model::{InstanceId, Moment};

    const ASK: InstanceId = InstanceId(1);
    const FIRST: Quiet = Quiet {
        instance: ASK,
        again: false,
    };
    const AGAIN: Quiet = Quiet {
        instance: ASK,
        again: true,
    };

    fn at(millis: u64) -> Moment {
        Moment::from_millis(millis)
    }

    #[test]
    fn a_prompt_is_quiet_after_200_ms_and_waits_for_input_until_there_is_output() {
        let mut lines = OpenLines::new(2);
        assert_eq!(lines.next_deadline(), None);
        lines.on_output(at(1000), ASK, false, true);
        assert_eq!(lines.next_deadline(), Some(at(1200)));
        assert_eq!(lines.poll(at(1199)), None);
        assert_eq!(lines.poll(at(1200)), Some(FIRST));
        assert!(lines.set_text(ASK, "continue? "));
        assert_eq!((lines.poll(at(9000)), lines.next_deadline()), (None, None));
        assert_eq!(lines.waits_for_input(ASK), Some("continue? "));
        assert!(lines.on_output(at(9000), ASK, true, false));
        assert_eq!(lines.waits_for_input(ASK), None);
        assert_eq!(lines.next_deadline(), None);
    }

    #[test]
    fn output_puts_the_deadline_off_without_a_second_one() {
        let mut lines = OpenLines::new(2);
        for millis in (0..1000).step_by(50) {
            lines.on_output(at(millis), ASK, false, true);
            assert_eq!(lines.poll(at(millis)), None);
            assert_eq!(lines.deadlines.len(), 1);
        }
        assert_eq!(lines.poll(at(1149)), None);
        assert_eq!(lines.next_deadline(), Some(at(1150)));
        assert_eq!(lines.poll(at(1150)), Some(FIRST));
    }

    #[test]
    fn a_line_that_ended_in_time_is_never_quiet() {
        let mut lines = OpenLines::new(2);
        lines.on_output(at(0), ASK, false, true);
        lines.on_output(at(100), ASK, true, false);
        assert_eq!(lines.poll(at(5000)), None);
        assert_eq!(lines.next_deadline(), None);
    }

    #[test]
    fn progress_is_shown_ever_more_rarely_and_a_new_line_starts_anew() {
        let mut lines = OpenLines::new(2);
        let mut shown = 0;
        for second in 0..60 {
            lines.on_output(at(second * 1000), ASK, false, true);
            while lines.poll(at(second * 1000 + 999)).is_some() {
                shown += 1;
            }
        }
        assert_eq!(shown, 2);
        assert_eq!(lines.poll(at(59_000 + 3200)), Some(AGAIN));
        lines.on_output(at(70_000), ASK, true, true);
        assert_eq!(lines.poll(at(70_200)), Some(FIRST));
    }

    #[test]
    fn a_blank_line_waits_for_nothing() {
        let mut lines = OpenLines::new(2);
        lines.on_output(at(0), ASK, false, true);
        assert_eq!(lines.poll(at(200)), Some(FIRST));
        assert!(!lines.set_text(ASK, "   "));
        assert_eq!(lines.waits_for_input(ASK), None);
    }
}
