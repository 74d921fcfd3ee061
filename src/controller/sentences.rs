//! Sentences about a run, held back until the output that they belong behind has passed.

use crate::model::RunId;

/// Where in the output a sentence belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// In front of the run's first byte.
    Before(RunId),
    /// Behind the run's last byte.
    Behind(RunId),
}

/// The sentences of one instance that wait for their place, and how far its output has come.
#[derive(Debug, Default)]
pub(super) struct Sentences {
    begun: RunId0,
    ended: RunId0,
    waiting: Vec<(Place, String)>,
}

/// A run, or 0 for "none yet"; runs count from 1.
type RunId0 = u64;

impl Sentences {
    /// The run whose output is passing, or passed last.
    pub(super) fn current(&self) -> RunId {
        RunId(self.begun)
    }

    /// Whether every byte of this run has passed.
    pub(super) fn is_complete(&self, run: RunId) -> bool {
        self.ended >= run.0
    }

    /// Takes a sentence; gives it back at once if its place has come by already.
    #[must_use]
    pub(super) fn add(&mut self, place: Place, text: String) -> Option<String> {
        if self.has_come(place) {
            return Some(text);
        }
        self.waiting.push((place, text));
        None
    }

    /// A run's output begins. What waited for the end of an earlier one cannot come any more, so it is due too.
    pub(super) fn begins(&mut self, run: RunId) -> Vec<String> {
        self.ended = self.ended.max(run.0.saturating_sub(1));
        self.begun = self.begun.max(run.0);
        self.due()
    }

    pub(super) fn ends(&mut self, run: RunId) -> Vec<String> {
        self.begun = self.begun.max(run.0);
        self.ended = self.ended.max(run.0);
        self.due()
    }

    /// Nothing more will come from this window: everything that waits is due.
    pub(super) fn cut(&mut self, run: RunId) -> Vec<String> {
        self.ends(run);
        self.waiting.drain(..).map(|(_, text)| text).collect()
    }

    fn has_come(&self, place: Place) -> bool {
        match place {
            Place::Before(run) => self.begun >= run.0,
            Place::Behind(run) => self.ended >= run.0,
        }
    }

    fn due(&mut self) -> Vec<String> {
        let (begun, ended) = (self.begun, self.ended);
        let has_come = |place: &Place| match place {
            Place::Before(run) => begun >= run.0,
            Place::Behind(run) => ended >= run.0,
        };
        self.waiting.extract_if(.., |(place, _)| has_come(place)).map(|(_, text)| text).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{Place, Sentences};
    use crate::model::RunId;

    #[test]
    fn a_sentence_waits_until_its_run_has_passed() {
        let mut sentences = Sentences::default();
        assert_eq!(sentences.begins(RunId(1)), Vec::<String>::new());
        assert_eq!(sentences.add(Place::Behind(RunId(1)), "ended".into()), None);
        assert_eq!(sentences.add(Place::Before(RunId(2)), "again".into()), None);
        assert_eq!(sentences.ends(RunId(1)), ["ended"]);
        assert_eq!(sentences.begins(RunId(2)), ["again"]);
        assert_eq!(sentences.add(Place::Before(RunId(2)), "late".into()), Some("late".into()));
        assert!(sentences.is_complete(RunId(1)) && !sentences.is_complete(RunId(2)));
    }

    #[test]
    fn a_lost_end_mark_holds_nothing_back_for_ever() {
        let mut sentences = Sentences::default();
        assert_eq!(sentences.add(Place::Behind(RunId(1)), "one".into()), None);
        assert_eq!(sentences.begins(RunId(2)), ["one"], "the next run's beginning is behind the first one's end");
        assert_eq!(sentences.add(Place::Behind(RunId(2)), "two".into()), None);
        assert_eq!(sentences.cut(RunId(2)), ["two"]);
    }
}
